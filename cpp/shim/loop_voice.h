// A clip that goes round: its place, its speed and its fades.
#pragma once

#include <array>
#include <cstdint>

#include "link/realtime.h"
#include "shim/sinc.h"
#include "shim/voice.h"

namespace driftwave::shim {

inline constexpr double kMaxLoopRatio = 8.0;  ///< clip frames a host frame, at most

/// All functions are [audio].
class LoopVoice {
 public:
  /// From `position` within the clip, at `increment`, fading in over `fade_frames`.
  void start(AudioClip* clip, Position position, Position increment, std::array<float, 2> gains,
             std::uint32_t fade_frames) noexcept RT_NONBLOCKING;
  /// Fades out; finished() tells when that is done.
  void stop(std::uint32_t fade_frames) noexcept RT_NONBLOCKING;
  /// Gives the clip back; the voice is idle afterwards.
  AudioClip* end() noexcept RT_NONBLOCKING {
    AudioClip* clip = clip_;
    clip_ = nullptr;
    return clip;
  }

  /// Adds `frames` frames to the outputs, fewer when the fade out ends before.
  void render(const SincBank& bank, float* left, float* right,
              std::uint32_t frames) noexcept RT_NONBLOCKING;

  bool idle() const noexcept RT_NONBLOCKING { return clip_ == nullptr; }
  bool finished() const noexcept RT_NONBLOCKING { return stopping_ && fade_.still(); }
  AudioClip* clip() const noexcept RT_NONBLOCKING { return clip_; }
  Position position() const noexcept RT_NONBLOCKING { return position_; }
  void set_increment(Position increment) noexcept RT_NONBLOCKING { increment_ = increment; }
  void set_gains(std::array<float, 2> gains, std::uint32_t frames) noexcept RT_NONBLOCKING {
    gain_[0].aim(gains[0], frames);
    gain_[1].aim(gains[1], frames);
  }

 private:
  static constexpr std::uint32_t kWindow = 2048;  ///< clip frames gathered in one go

  void gather(const ClipData& clip, std::uint32_t channel, std::int64_t first, std::uint32_t count,
              float* to) const noexcept RT_NONBLOCKING;

  AudioClip* clip_ = nullptr;
  Position position_ = 0;
  Position increment_ = kUnity;
  std::array<Ramp, 2> gain_;
  Ramp fade_;
  bool stopping_ = false;
  bool wrapped_ = false;  ///< has passed its end, so that its beginning now follows it
};

}  // namespace driftwave::shim
