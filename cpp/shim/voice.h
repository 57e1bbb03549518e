// One sounding voice: a clip, a place in it, an envelope and two smoothed gains.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "link/realtime.h"
#include "shim/clip_data.h"
#include "shim/ramp.h"
#include "shim/sinc.h"

namespace driftwave::shim {

inline constexpr std::uint32_t kChunkFrames = 256;  ///< most frames rendered in one go

/// A clip as the audio thread holds it. `references` and `raw` belong to the audio thread from the
/// moment it takes the clip until it gives it back to be deleted.
struct AudioClip {
  std::shared_ptr<const ClipData> data;  ///< keeps `raw` alive; untouched by the audio thread
  const ClipData* raw = nullptr;         ///< null: "no clip", empties a pad
  std::uint64_t serial = 0;
  double quarters = 0.0;  ///< length in quarter notes; 0: unknown
  std::uint32_t references = 0;
};

/// Everything known when a voice starts.
struct VoiceStart {
  AudioClip* clip = nullptr;
  Position increment = kUnity;
  std::uint32_t attack_frames = 0;
  std::array<float, 2> gains{1.0F, 1.0F};
  float velocity_gain = 1.0F;
  std::uint8_t pad = 0;
  std::uint8_t note = 0;
  std::uint8_t channel = 0;
  bool chromatic = false;
  bool gated = false;  ///< obeys note-off
};

class Voice {
 public:
  enum class Stage : std::uint8_t { kIdle, kPlaying, kReleasing };

  void start(const VoiceStart& how, std::uint64_t order) noexcept RT_NONBLOCKING;  // [audio]

  /// [audio] Fades out over `frames`, at least 1. A faster fade replaces a slower one; a slower one
  /// changes nothing.
  void release(std::uint32_t frames) noexcept RT_NONBLOCKING;

  /// [audio] As release(), and the voice no longer counts among those that play.
  void send_off(std::uint32_t frames) noexcept RT_NONBLOCKING {
    release(frames);
    tail_ = true;
  }

  /// [audio] Adds up to `count` <= kChunkFrames frames to the outputs and returns how many;
  /// finished() tells whether those were the last.
  std::uint32_t render(const SincBank& bank, float* left, float* right,
                       std::uint32_t count) noexcept RT_NONBLOCKING;
  bool finished() const noexcept RT_NONBLOCKING { return finished_; }  // [audio]

  /// [audio] Forgets the clip and gives it back to the caller; the voice is idle afterwards.
  AudioClip* stop() noexcept RT_NONBLOCKING {
    AudioClip* clip = how_.clip;
    how_.clip = nullptr;
    stage_ = Stage::kIdle;
    return clip;
  }

  /// [audio] Present magnitude, as far as the clip's level table tells.
  float level() const noexcept RT_NONBLOCKING;

  bool idle() const noexcept RT_NONBLOCKING { return stage_ == Stage::kIdle; }            // [audio]
  bool releasing() const noexcept RT_NONBLOCKING { return stage_ == Stage::kReleasing; }  // [audio]
  bool playing() const noexcept RT_NONBLOCKING { return !idle() && !tail_; }              // [audio]
  std::uint64_t order() const noexcept RT_NONBLOCKING { return order_; }                  // [audio]
  const VoiceStart& how() const noexcept RT_NONBLOCKING { return how_; }                  // [audio]
  /// [audio] The last frame written, for whoever must end the voice at once.
  std::array<float, 2> last() const noexcept RT_NONBLOCKING { return last_; }
  void set_increment(Position increment) noexcept RT_NONBLOCKING {
    how_.increment = increment;
  }  // [audio]
  /// [audio]
  void set_gains(std::array<float, 2> gains, std::uint32_t frames) noexcept RT_NONBLOCKING {
    gain_[0].aim(gains[0], frames);
    gain_[1].aim(gains[1], frames);
  }

  bool held = false;       ///< its key is down
  bool sustained = false;  ///< its key is up, the pedal holds it

 private:
  std::uint32_t frames_left(const SincFilter& filter, bool exact) const noexcept RT_NONBLOCKING;
  void copy_exact(float* left, float* right, std::uint32_t count) noexcept RT_NONBLOCKING;
  bool shape(float* left, float* right, bool stereo, std::uint32_t count) noexcept RT_NONBLOCKING;

  VoiceStart how_;
  Position position_ = 0;
  std::array<Ramp, 2> gain_;
  std::array<float, 2> last_{};
  std::uint64_t order_ = 0;
  std::uint32_t attack_at_ = 0;
  float attack_step_ = 0.0F;
  std::uint32_t release_at_ = 0;
  std::uint32_t release_frames_ = 0;
  float release_step_ = 0.0F;
  float release_base_ = 1.0F;  ///< envelope when the release began
  float envelope_ = 1.0F;
  Stage stage_ = Stage::kIdle;
  bool tail_ = false;
  bool finished_ = false;
};

}  // namespace driftwave::shim
