// The pads that loop, locked to the host's transport. Everything here is [audio] but prepare().
//
// A loop sounds while the host plays, from the place that the song is at. Its speed is the clip's
// length divided by what its bars last at the host's tempo, so that a loop made for this tempo is
// played sample by sample where that is a whole number, and never drifts where it is not. A new
// tempo is followed at once by that speed, pitch and all, like a record; nothing is asked of the
// engine. A place that the song jumps to is reached by a crossfade of 5 ms, small errors of a tempo
// that glides are taken up by at most 3 % of speed. Pad pitch and choke groups do not apply.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "link/realtime.h"
#include "shim/clip_exchange.h"
#include "shim/loop_voice.h"

namespace driftwave::shim {

struct Transport;

/// One pad, as the player sees it for this block.
struct LoopPad {
  bool on = false;
  AudioClip* clip = nullptr;  ///< null: nothing to loop
  double bars = 0.0;          ///< length of a clip that does not know its own; 0: its natural one
  std::array<float, 2> gains{1.0F, 1.0F};
};

class LoopPlayer {
 public:
  explicit LoopPlayer(ClipExchange& clips) : clips_(clips) {}

  /// [ui] While nothing is played: silences all loops.
  void prepare(double sample_rate_hz);

  /// Brings the pad's loop in line with the song at the first frame of a block.
  void update(std::uint32_t pad, const LoopPad& how,
              const Transport& transport) noexcept RT_NONBLOCKING;
  /// Adds the block's sound to the outputs.
  void render(const SincBank& bank, float* left, float* right,
              std::uint32_t frames) noexcept RT_NONBLOCKING;
  /// Fades a pad out; it loops again once the host has stopped or its loop was off.
  void fade(std::uint32_t pad) noexcept RT_NONBLOCKING;
  /// The same for all pads.
  void fade_all() noexcept RT_NONBLOCKING;
  /// Ends everything and gives all clips back.
  void end_all() noexcept RT_NONBLOCKING;

  /// Whether update() and render() have anything to do for pads that want no loop.
  bool busy() const noexcept RT_NONBLOCKING { return sounding_ || silenced_count_ > 0; }
  std::uint32_t playing() const noexcept RT_NONBLOCKING;
  /// [any] 0..1 within the loop that sounds, negative when none does.
  float position(std::uint32_t pad) const noexcept RT_NONBLOCKING {
    return positions_[pad].load(std::memory_order_relaxed);
  }

 private:
  struct Target {
    double frame = 0.0;  ///< of the clip
    double ratio = 1.0;  ///< clip frames a host frame
  };

  Target target_of(const LoopPad& how, const Transport& transport) const noexcept RT_NONBLOCKING;
  void begin(std::uint32_t pad, const LoopPad& how, const Target& target) noexcept RT_NONBLOCKING;
  void silence(std::uint32_t pad, bool silenced) noexcept RT_NONBLOCKING;
  void retire(std::uint32_t pad) noexcept RT_NONBLOCKING;
  void end(LoopVoice& voice) noexcept RT_NONBLOCKING;
  void steer(LoopVoice& voice, const LoopPad& how, const Target& target,
             std::uint32_t pad) noexcept RT_NONBLOCKING;
  std::uint32_t frames_of(double seconds) const noexcept RT_NONBLOCKING {
    return static_cast<std::uint32_t>(seconds * sample_rate_);
  }

  ClipExchange& clips_;
  std::array<LoopVoice, kPadCount> voices_;
  std::array<LoopVoice, kPadCount> leaving_;  ///< those that fade out
  std::array<bool, kPadCount> silenced_{};
  std::uint32_t silenced_count_ = 0;
  bool sounding_ = false;
  double sample_rate_ = 48000.0;
  static_assert(std::atomic<float>::is_always_lock_free);
  std::array<std::atomic<float>, kPadCount> positions_{};
};

}  // namespace driftwave::shim
