#include "shim/loop_voice.h"

#include <algorithm>

namespace driftwave::shim {

void LoopVoice::start(AudioClip* clip, Position position, Position increment,
                      std::array<float, 2> gains,
                      std::uint32_t fade_frames) noexcept RT_NONBLOCKING {
  clip_ = clip;
  position_ = position;
  increment_ = increment;
  gain_[0].jump(gains[0]);
  gain_[1].jump(gains[1]);
  stopping_ = false;
  wrapped_ = false;
  fade_.jump(fade_frames > 0 ? 0.0F : 1.0F);
  fade_.aim(1.0F, fade_frames);
}

void LoopVoice::stop(std::uint32_t fade_frames) noexcept RT_NONBLOCKING {
  if (stopping_) return;
  stopping_ = true;
  fade_.aim(0.0F, std::max(fade_frames, 1U));
}

// Copies clip frames first ... first + count - 1, which may lie before the beginning or beyond the
// end: there the loop goes on. Where its end meets its beginning with a step, the step is faded.
void LoopVoice::gather(const ClipData& clip, std::uint32_t channel, std::int64_t first,
                       std::uint32_t count, float* to) const noexcept RT_NONBLOCKING {
  const auto frames = static_cast<std::int64_t>(clip.frames());
  const float* from = clip.channel(channel);
  const float seam = clip.seam(channel);
  const auto seam_frames = static_cast<std::int64_t>(clip.seam_frames());
  std::int64_t round = first / frames - (first % frames < 0 ? 1 : 0);
  std::int64_t at = first - round * frames;
  for (std::uint32_t done = 0; done < count; ++round, at = 0) {
    const auto part = static_cast<std::uint32_t>(
        std::min<std::int64_t>(frames - at, static_cast<std::int64_t>(count - done)));
    std::copy_n(from + at, part, to + done);
    if (seam != 0.0F && (round > 0 || (round == 0 && wrapped_))) {
      for (std::int64_t i = at; i < std::min(at + part, seam_frames); ++i) {
        const float rest = 1.0F - static_cast<float>(i) / static_cast<float>(seam_frames);
        to[done + static_cast<std::uint32_t>(i - at)] += seam * rest * rest;
      }
    }
    done += part;
  }
}

void LoopVoice::render(const SincBank& bank, float* left, float* right,
                       std::uint32_t frames) noexcept RT_NONBLOCKING {
  const ClipData& clip = *clip_->raw;
  const bool stereo = clip.channels() > 1;
  const SincFilter& filter = bank.pick(increment_);
  const std::uint32_t reach = filter.taps / 2;
  const Position end = Position{clip.frames()} << 32;
  const auto most = static_cast<std::uint32_t>(
      std::min<Position>(kChunkFrames, (Position{kWindow - filter.taps - 2} << 32) / increment_));
  alignas(64) float window[2][kWindow];
  alignas(64) float buffer[2][kChunkFrames];
  float* const outputs[2] = {left, right};
  for (std::uint32_t at = 0; at < frames && !finished();) {
    const std::uint32_t count = std::min(most, frames - at);
    const auto whole = static_cast<std::int64_t>(position_ >> 32);
    const Position part = position_ & (kUnity - 1);
    const bool exact = increment_ == kUnity && part == 0;
    const auto span = static_cast<std::uint32_t>((part + increment_ * (count - 1)) >> 32);
    for (std::uint32_t c = 0; c < (stereo ? 2U : 1U); ++c) {
      if (exact) {
        gather(clip, c, whole, count, buffer[c]);
      } else {
        gather(clip, c, whole - reach + 1, span + filter.taps, window[c]);
      }
    }
    if (!exact) {
      const Position start = (Position{reach - 1} << 32) + part;
      interpolate(filter, window[0], stereo ? window[1] : nullptr, start, increment_, buffer[0],
                  buffer[1], count);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      const float fade = fade_.next();
      for (std::uint32_t c = 0; c < 2; ++c) {
        outputs[c][at + i] += buffer[stereo ? c : 0][i] * gain_[c].next() * fade;
      }
    }
    position_ += increment_ * count;
    if (position_ >= end) {
      position_ %= end;
      wrapped_ = true;
    }
    at += count;
  }
}

}  // namespace driftwave::shim
