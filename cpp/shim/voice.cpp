#include "shim/voice.h"

#include <algorithm>
#include <cmath>

namespace driftwave::shim {

void Voice::start(const VoiceStart& how, std::uint64_t order) noexcept RT_NONBLOCKING {
  how_ = how;
  order_ = order;
  position_ = 0;
  stage_ = Stage::kPlaying;
  tail_ = false;
  finished_ = false;
  held = true;
  sustained = false;
  last_ = {0.0F, 0.0F};
  gain_[0].jump(how.gains[0]);
  gain_[1].jump(how.gains[1]);
  attack_at_ = 0;
  attack_step_ = how.attack_frames > 0 ? 1.0F / static_cast<float>(how.attack_frames) : 0.0F;
  envelope_ = how.attack_frames > 0 ? 0.0F : 1.0F;
}

void Voice::release(std::uint32_t frames) noexcept RT_NONBLOCKING {
  frames = std::max(frames, 1U);
  if (idle()) return;
  if (releasing() && release_frames_ - release_at_ <= frames) return;
  release_base_ = envelope_;
  release_frames_ = frames;
  release_at_ = 0;
  release_step_ = 1.0F / static_cast<float>(frames);
  stage_ = Stage::kReleasing;
  held = false;
  sustained = false;
}

float Voice::level() const noexcept RT_NONBLOCKING {
  // A voice still in its attack counts as it will be, or chords would steal their own notes.
  const float envelope = releasing() ? envelope_ : 1.0F;
  const float gain = std::max(gain_[0].value(), gain_[1].value());
  return how_.clip->raw->level_at(position_ >> 32) * envelope * gain;
}

// Host frames until the clip, and the filter's reach beyond it, have been played; more than a chunk
// is told as one more than a chunk.
std::uint32_t Voice::frames_left(const SincFilter& filter,
                                 bool exact) const noexcept RT_NONBLOCKING {
  const Position end = (Position{how_.clip->raw->frames()} + (exact ? 0 : filter.taps / 2)) << 32;
  if (position_ >= end) return 0;
  const Position left = (end - position_ + how_.increment - 1) / how_.increment;
  return static_cast<std::uint32_t>(std::min<Position>(left, kChunkFrames + 1));
}

void Voice::copy_exact(float* left, float* right, std::uint32_t count) noexcept RT_NONBLOCKING {
  const ClipData& clip = *how_.clip->raw;
  const std::size_t at = position_ >> 32;
  std::copy_n(clip.channel(0) + at, count, left);
  if (clip.channels() > 1) std::copy_n(clip.channel(1) + at, count, right);
}

// Multiplies by the envelope. False when the release has come to its end within these frames.
bool Voice::shape(float* left, float* right, bool stereo,
                  std::uint32_t count) noexcept RT_NONBLOCKING {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (stage_ == Stage::kReleasing) {
      if (release_at_ >= release_frames_) {
        envelope_ = 0.0F;
      } else {
        // Smoothstep: no corner at either end of the fade.
        const float s = 1.0F - static_cast<float>(release_at_) * release_step_;
        envelope_ = release_base_ * s * s * (3.0F - 2.0F * s);
        ++release_at_;
      }
    } else if (attack_at_ < how_.attack_frames) {
      envelope_ = static_cast<float>(attack_at_) * attack_step_;
      ++attack_at_;
    } else {
      envelope_ = 1.0F;
    }
    left[i] *= envelope_;
    if (stereo) right[i] *= envelope_;
  }
  return stage_ != Stage::kReleasing || release_at_ < release_frames_;
}

std::uint32_t Voice::render(const SincBank& bank, float* left, float* right,
                            std::uint32_t count) noexcept RT_NONBLOCKING {
  const ClipData& clip = *how_.clip->raw;
  const bool stereo = clip.channels() > 1;
  const bool exact = how_.increment == kUnity && static_cast<std::uint32_t>(position_) == 0;
  const SincFilter& filter = bank.pick(how_.increment);
  const std::uint32_t available = frames_left(filter, exact);
  const std::uint32_t frames = std::min(count, available);
  alignas(64) float buffer[2][kChunkFrames];
  if (exact) {
    copy_exact(buffer[0], buffer[1], frames);
  } else {
    interpolate(filter, clip.channel(0), stereo ? clip.channel(1) : nullptr, position_,
                how_.increment, buffer[0], buffer[1], frames);
  }
  position_ += how_.increment * frames;

  finished_ = available <= count;
  bool faded = false;
  if (stage_ == Stage::kReleasing || attack_at_ < how_.attack_frames) {
    faded = !shape(buffer[0], buffer[1], stereo, frames);
    finished_ = faded || finished_;
  } else {
    envelope_ = 1.0F;
  }
  float* const outputs[2] = {left, right};
  for (std::uint32_t c = 0; c < 2; ++c) {
    const float* from = stereo ? buffer[c] : buffer[0];
    float* to = outputs[c];
    if (gain_[c].still()) {
      const float gain = gain_[c].value();
      for (std::uint32_t i = 0; i < frames; ++i) to[i] += from[i] * gain;
    } else {
      for (std::uint32_t i = 0; i < frames; ++i) to[i] += from[i] * gain_[c].next();
    }
    if (frames > 0) last_[c] = from[frames - 1] * gain_[c].value();
  }
  if (faded) last_ = {0.0F, 0.0F};  // nothing is left for the residue to fade
  return frames;
}

}  // namespace driftwave::shim
