// The host's transport behind a sequence lock: one writer, readers that never wait.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "link/layout.h"
#include "link/realtime.h"

namespace driftwave::link {

/// What the host plays, at the first frame of a block.
struct Transport {
  double bpm;
  double beat;          ///< quarter notes since the start of the song
  double bar_beat;      ///< quarter notes since the start of the bar
  std::int64_t frame;   ///< song position in host frames
  std::uint32_t flags;  ///< kPlaying, kRecording, kOffline
  std::uint16_t beats_per_bar;
  std::uint16_t beat_unit;
};
static_assert(sizeof(Transport) == 40 && offsetof(Transport, flags) == 32);

inline constexpr std::uint32_t kPlaying = 1;
inline constexpr std::uint32_t kRecording = 2;
inline constexpr std::uint32_t kOffline = 4;
inline constexpr std::size_t kTransportWords = sizeof(Transport) / sizeof(std::uint64_t);

struct TransportSection {
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> sequence;  ///< odd while being written
  std::atomic<std::uint64_t> words[kTransportWords];
};
static_assert(sizeof(TransportSection) == 64 && offsetof(TransportSection, words) == 8);

/// The writing end: the plugin's audio thread.
class TransportWriter {
 public:
  TransportWriter() = default;
  explicit TransportWriter(TransportSection* section) noexcept : section_(section) {}

  /// [audio] Replace the value; never waits.
  void set(const Transport& value) noexcept RT_NONBLOCKING {
    const auto words = std::bit_cast<std::array<std::uint64_t, kTransportWords>>(value);
    section_->sequence.store(++sequence_, std::memory_order_relaxed);
    for (std::size_t i = 0; i < kTransportWords; ++i) {
      section_->words[i].store(words[i], std::memory_order_release);
    }
    section_->sequence.store(++sequence_, std::memory_order_release);
  }

 private:
  TransportSection* section_ = nullptr;
  std::uint64_t sequence_ = 0;
};

/// A reading end.
class TransportReader {
  static constexpr int kTries = 3;

 public:
  TransportReader() = default;
  explicit TransportReader(const TransportSection* section) noexcept : section_(section) {}

  /// [audio] At most three tries; false leaves `to` alone, and the caller goes on with what it had.
  bool get(Transport& to) const noexcept RT_NONBLOCKING {
    for (int attempt = 0; attempt < kTries; ++attempt) {
      const std::uint64_t before = section_->sequence.load(std::memory_order_acquire);
      if ((before & 1U) != 0) continue;
      std::array<std::uint64_t, kTransportWords> words;
      for (std::size_t i = 0; i < kTransportWords; ++i) {
        words[i] = section_->words[i].load(std::memory_order_acquire);
      }
      if (section_->sequence.load(std::memory_order_relaxed) != before) continue;
      to = std::bit_cast<Transport>(words);
      return true;
    }
    return false;
  }

 private:
  const TransportSection* section_ = nullptr;
};

}  // namespace driftwave::link
