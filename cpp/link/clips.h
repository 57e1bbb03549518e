// Clip slots: how a finished sound crosses without a copy in between.
//
// A slot goes round FREE -> WRITING -> READY (engine), READY -> HELD -> FREE (plugin). Its word
// holds the state and the generation, which the engine raises each time it lends the slot, so an
// answer to an old loan is told from one to the present loan. The engine keeps what it lent in
// private memory and believes a word only when it is one the plugin may have put there.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "link/layout.h"
#include "link/platform.h"
#include "link/ring.h"

namespace driftwave::link {

enum class SlotState : std::uint8_t { free = 0, writing = 1, ready = 2, held = 3 };

struct ClipSlot {
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> word;  ///< generation * 256 + state
};
static_assert(sizeof(ClipSlot) == 64);

struct ClipsSection {
  ClipSlot slots[kClipSlots];
};
static_assert(sizeof(ClipsSection) <= kPageBytes);
/// The arena begins one page after the section; slot k owns kClipSlotBytes from k * kClipSlotBytes.
inline constexpr std::size_t kArenaOffsetBytes = kPageBytes;
inline constexpr std::size_t kClipsSectionBytes = kArenaOffsetBytes + kClipSlots * kClipSlotBytes;

/// [any] The word of a slot.
constexpr std::uint64_t slot_word(std::uint64_t generation, SlotState state) noexcept {
  return generation << 8U | static_cast<std::uint64_t>(state);
}

/// A slot that the engine writes.
struct ClipLoan {
  std::uint32_t slot;
  std::uint64_t generation;
  std::span<float> room;
};

/// The engine's side of the slots; one thread at a time.
class ClipLender {
 public:
  ClipLender() = default;
  explicit ClipLender(std::byte* section) noexcept
      : section_(reinterpret_cast<ClipsSection*>(section)), arena_(section + kArenaOffsetBytes) {}

  /// [link] The first free slot, now WRITING; nothing when the plugin holds all or is corrupt.
  std::optional<ClipLoan> borrow() noexcept {
    for (std::uint32_t slot = 0; slot < kClipSlots; ++slot) {
      if (!is_free(slot)) continue;
      lent_[slot] = true;
      used_[slot] = true;
      const std::uint64_t generation = ++generations_[slot];
      section_->slots[slot].word.store(slot_word(generation, SlotState::writing),
                                       std::memory_order_relaxed);
      auto* floats = reinterpret_cast<float*>(arena_ + slot * kClipSlotBytes);
      return ClipLoan{slot, generation, {floats, kClipSlotBytes / sizeof(float)}};
    }
    return std::nullopt;
  }

  /// [link] Hand a written slot to the plugin.
  void lend(const ClipLoan& loan) noexcept {
    section_->slots[loan.slot].word.store(slot_word(loan.generation, SlotState::ready),
                                          std::memory_order_release);
  }

  /// [link] Take back a slot whose record could not be sent.
  void take_back(const ClipLoan& loan) noexcept {
    section_->slots[loan.slot].word.store(slot_word(loan.generation, SlotState::free),
                                          std::memory_order_release);
    lent_[loan.slot] = false;
  }

  /// [link] Slots that could be borrowed now.
  std::uint32_t free_slots() noexcept {
    std::uint32_t count = 0;
    for (std::uint32_t slot = 0; slot < kClipSlots; ++slot) count += is_free(slot) ? 1 : 0;
    return count;
  }

  /// [link] Give the memory of free slots back to the system.
  void trim() noexcept {
    for (std::uint32_t slot = 0; slot < kClipSlots; ++slot) {
      if (!used_[slot] || !is_free(slot)) continue;
      platform::discard(arena_ + slot * kClipSlotBytes, kClipSlotBytes);
      used_[slot] = false;
    }
  }

  /// [link] True once a slot word was impossible.
  bool broken() const noexcept { return broken_; }

 private:
  bool is_free(std::uint32_t slot) noexcept {
    if (broken_) return false;
    if (!lent_[slot]) return true;
    const std::uint64_t word = section_->slots[slot].word.load(std::memory_order_acquire);
    const std::uint64_t generation = generations_[slot];
    if (word == slot_word(generation, SlotState::free)) {
      lent_[slot] = false;
      return true;
    }
    if (word != slot_word(generation, SlotState::ready) &&
        word != slot_word(generation, SlotState::held)) {
      broken_ = true;
    }
    return false;
  }

  ClipsSection* section_ = nullptr;
  std::byte* arena_ = nullptr;
  std::array<std::uint64_t, kClipSlots> generations_{};
  std::array<bool, kClipSlots> lent_{};
  std::array<bool, kClipSlots> used_{};  ///< holds memory since the last trim
  bool broken_ = false;
};

/// The plugin's side of the slots; one thread at a time.
class ClipTaker {
 public:
  ClipTaker() = default;
  explicit ClipTaker(std::byte* section) noexcept
      : section_(reinterpret_cast<ClipsSection*>(section)), arena_(section + kArenaOffsetBytes) {}

  /// [link] Hold a ready slot and copy its first `to.size()` floats, then set it free.
  /// False: the slot does not exist, is too short, or is not ready with this generation.
  bool take(std::uint32_t slot, std::uint64_t generation, std::span<float> to) noexcept {
    if (!hold(slot, generation)) return false;
    const bool fits = to.size_bytes() <= kClipSlotBytes;
    if (fits && !to.empty()) {
      std::memcpy(to.data(), arena_ + slot * kClipSlotBytes, to.size_bytes());
    }
    section_->slots[slot].word.store(slot_word(generation, SlotState::free),
                                     std::memory_order_release);
    return fits;
  }

 private:
  bool hold(std::uint32_t slot, std::uint64_t generation) noexcept {
    if (slot >= kClipSlots) return false;
    std::uint64_t expected = slot_word(generation, SlotState::ready);
    return section_->slots[slot].word.compare_exchange_strong(
        expected, slot_word(generation, SlotState::held), std::memory_order_acquire,
        std::memory_order_relaxed);
  }

  ClipsSection* section_ = nullptr;
  std::byte* arena_ = nullptr;
};

}  // namespace driftwave::link
