// How clips change hands between the control side ([ui] and [link], under its mutex) and [audio].
//
// A clip waiting for the audio thread lies in a mailbox, where a newer one may replace it. What the
// audio thread has taken comes back by the `retired` queue and is deleted by the control side.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "link/realtime.h"
#include "shim/parameters.h"
#include "shim/spsc.h"
#include "shim/voice.h"

namespace driftwave::shim {

inline constexpr std::uint32_t kPoolSize = 4;     ///< fresh variations kept ready for each pad
inline constexpr std::uint32_t kVoices = 16;      ///< voices that play
inline constexpr std::uint32_t kVoiceSlots = 32;  ///< and those fading out after being stolen

inline constexpr std::uint32_t kWaitingNotes = 128;

/// A fresh variation became the pad's clip.
struct FreshUsed {
  std::uint32_t pad = 0;
  std::uint64_t serial = 0;
};

/// A note from the editor or a controller.
struct PlayedNote {
  std::uint8_t note = 0;
  std::uint8_t velocity = 0;
};

class ClipExchange {
 public:
  ~ClipExchange();  // [ui] the audio thread has stopped for good

  // ---- control side, one thread at a time ----

  /// Makes `data` the pad's clip from the next block on; null empties the pad.
  /// `quarters` is its length in quarter notes, 0 when it has none.
  void place(std::uint32_t pad, std::shared_ptr<const ClipData> data, std::uint64_t serial,
             double quarters = 0.0);
  /// Adds a variation to the pad's pool; false when it is full.
  bool add_fresh(std::uint32_t pad, std::shared_ptr<const ClipData> data, std::uint64_t serial,
                 double quarters = 0.0);
  /// Empties the pad's pool; what the audio thread took before stays taken.
  void clear_fresh(std::uint32_t pad);
  /// Deletes what the audio thread has given back.
  void collect();
  bool pop_used(FreshUsed& used) { return used_.pop(used); }
  bool push_note(const PlayedNote& note) { return notes_.push(note); }

  // ---- audio side ----

  /// [audio] The pad's newly placed clip, or null when there is no news.
  AudioClip* take(std::uint32_t pad) noexcept RT_NONBLOCKING {
    if (placed_[pad].load(std::memory_order_relaxed) == nullptr) return nullptr;
    return placed_[pad].exchange(nullptr, std::memory_order_acq_rel);
  }
  /// [audio] The next fresh variation, or null when none is ready.
  AudioClip* take_fresh(std::uint32_t pad) noexcept RT_NONBLOCKING;
  /// [audio] The last reference is gone. Never fails: see kRetiredCapacity.
  void give_back(AudioClip* clip) noexcept RT_NONBLOCKING { retired_.push(clip); }
  /// [audio]
  bool pop_note(PlayedNote& note) noexcept RT_NONBLOCKING { return notes_.pop(note); }

 private:
  // The control side collects before it places anything, so at most what pads, voices, loops,
  // mailboxes and pools can hold is ever under way: 16 + 32 + 32 + 16 + 64.
  static constexpr std::size_t kRetiredCapacity = 256;
  static_assert(kRetiredCapacity >=
                2 * kPadCount + kVoiceSlots + 2 * kPadCount + kPadCount * kPoolSize);
  static_assert(std::atomic<AudioClip*>::is_always_lock_free);

  std::array<std::atomic<AudioClip*>, kPadCount> placed_{};
  std::array<std::array<std::atomic<AudioClip*>, kPoolSize>, kPadCount> fresh_{};
  std::array<std::uint32_t, kPadCount> fresh_at_{};  ///< [audio] where the last one was found
  SpscQueue<AudioClip*, kRetiredCapacity> retired_;
  SpscQueue<FreshUsed, kRetiredCapacity> used_;
  SpscQueue<PlayedNote, kWaitingNotes> notes_;
};

}  // namespace driftwave::shim
