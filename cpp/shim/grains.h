// Short sounds that begin at exact frames of a Deck: the bus of the endless stream.
//
// A grain comes shaped: at the device's rate, faded at both ends, at its level. One control thread
// at a time adds grains; the audio thread mixes them, and gives them back to be deleted.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "link/realtime.h"
#include "shim/ramp.h"
#include "shim/spsc.h"

namespace driftwave::shim {

inline constexpr std::size_t kGrains = 128;  ///< most grains that wait or sound at once

struct Grain {
  std::uint64_t frame = 0;     ///< of the Deck, in which it begins; at once if that is past
  std::vector<float> samples;  ///< left and right, interleaved
};

class Grains {
 public:
  Grains() = default;
  ~Grains();  // [ui]
  Grains(const Grains&) = delete;
  Grains& operator=(const Grains&) = delete;

  /// [ui] While no mix() runs. Everything that sounds ends.
  void prepare(double sample_rate_hz);

  /// [ui] One thread at a time. Takes the samples; false when kGrains wait or sound already.
  bool add(Grain grain);
  /// [ui] As add(). Forgets what was added before and has not begun by `frame`. False when too
  /// much waits for the next mix().
  bool skip_from(std::uint64_t frame) { return inbox_.push({nullptr, frame}); }
  /// [ui] As add(). Fades out within 5 ms what was added before and sounds, forgets the rest.
  bool end() { return inbox_.push({nullptr, kEnd}); }
  /// [any] Factor of everything on this bus, reached within 5 ms.
  void set_gain(float factor) noexcept RT_NONBLOCKING {
    gain_.store(factor, std::memory_order_relaxed);
  }

  /// [audio] Adds `frames` frames from the Deck's frame `at` on.
  void mix(float* left, float* right, std::uint32_t frames,
           std::uint64_t at) noexcept RT_NONBLOCKING;

 private:
  /// A grain, or what to do with those before it.
  struct Order {
    Grain* grain = nullptr;
    std::uint64_t frame = 0;
  };
  struct Playing {
    Grain* grain = nullptr;
    std::uint64_t begun = 0;      ///< frames of it that were mixed
    std::uint32_t fade_left = 0;  ///< frames until it ends early, of fade_frames_; 0: it does not
  };

  void receive() noexcept RT_NONBLOCKING;
  void leave_out(std::uint64_t frame) noexcept RT_NONBLOCKING;
  bool play(Playing& playing, std::uint32_t frames, std::uint64_t at) noexcept RT_NONBLOCKING;
  void retire(Playing& playing) noexcept RT_NONBLOCKING;
  void collect();

  static constexpr std::uint32_t kPiece = 256;  // frames mixed in one go
  static constexpr std::uint64_t kEnd = UINT64_MAX;

  std::uint32_t fade_frames_ = 240;
  SpscQueue<Order, 2 * kGrains> inbox_;
  SpscQueue<Grain*, kGrains> retired_;
  std::array<Playing, kGrains> playing_{};  // [audio]
  std::size_t count_ = 0;                   // [audio]
  Ramp ramp_;                               // [audio]
  std::array<std::array<float, kPiece>, 2> piece_{};
  std::size_t held_ = 0;  // [ui] added and not yet deleted

  std::atomic<float> gain_{1.0F};
};

}  // namespace driftwave::shim
