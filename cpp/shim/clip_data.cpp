#include "shim/clip_data.h"

#include <algorithm>
#include <cmath>

namespace driftwave::shim {
namespace {

// Nearest sample of the 24-bit grid. [link] [ui]
float on_grid(float value) {
  if (!std::isfinite(value)) return 0.0F;
  const float scaled = std::nearbyint(std::clamp(value, -1.0F, 1.0F) * kGrid);
  return std::min(scaled, kGrid - 1.0F) / kGrid;
}

}  // namespace

std::shared_ptr<const ClipData> ClipData::make(std::span<const std::span<const float>> channels,
                                               double sample_rate_hz, std::string& message) {
  if (channels.empty() || channels.size() > 2) {
    message = "A clip has 1 or 2 channels, not " + std::to_string(channels.size()) +
              ". Mix it down to stereo first.";
    return nullptr;
  }
  if (!(sample_rate_hz >= kMinClipRateHz && sample_rate_hz <= kMaxClipRateHz)) {
    message = "A clip's sample rate must lie between 4 and 768 kHz, not " +
              std::to_string(sample_rate_hz) + " Hz.";
    return nullptr;
  }
  const std::size_t frames = channels[0].size();
  const double limit = std::min(kMaxClipSeconds * sample_rate_hz, 60.0 * 192000.0);
  if (frames == 0 || static_cast<double>(frames) > limit) {
    message = "A clip must be between 1 frame and 60 seconds long, not " + std::to_string(frames) +
              " frames. Cut it first.";
    return nullptr;
  }
  for (const auto& channel : channels) {
    if (channel.size() != frames) {
      message = "The clip's channels differ in length: " + std::to_string(frames) + " and " +
                std::to_string(channel.size()) + " frames.";
      return nullptr;
    }
  }
  std::shared_ptr<ClipData> clip(new ClipData);
  clip->frames_ = static_cast<std::uint32_t>(frames);
  clip->channels_ = static_cast<std::uint32_t>(channels.size());
  clip->rate_ = sample_rate_hz;
  clip->stride_ = kClipPadBefore + frames + kClipPadAfter;
  clip->samples_.assign(clip->stride_ * channels.size(), 0.0F);
  for (std::size_t c = 0; c < channels.size(); ++c) {
    std::transform(
        channels[c].begin(), channels[c].end(),
        clip->samples_.begin() + static_cast<std::ptrdiff_t>(c * clip->stride_ + kClipPadBefore),
        on_grid);
  }
  clip->measure();
  clip->measure_seam();
  return clip;
}

void ClipData::measure_seam() {
  constexpr double kSeamSeconds = 0.002;
  seam_frames_ = std::min(frames_ / 2, static_cast<std::uint32_t>(kSeamSeconds * rate_) + 1);
  for (std::uint32_t c = 0; c < channels_ && seam_frames_ > 0; ++c) {
    const float* samples = channel(c);
    float steepest = 0.0F;
    for (std::uint32_t i = 1; i < frames_; ++i) {
      steepest = std::max(steepest, std::fabs(samples[i] - samples[i - 1]));
    }
    const float step = samples[frames_ - 1] - samples[0];
    seam_[c] = std::fabs(step) > steepest ? step : 0.0F;
  }
}

void ClipData::measure() {
  level_count_ = (frames_ + kLevelFrames - 1) / kLevelFrames;
  levels_.assign(level_count_, 0.0F);
  std::uint32_t louder = 0;
  float loudest = 0.0F;
  for (std::uint32_t c = 0; c < channels_; ++c) {
    const float* samples = channel(c);
    for (std::uint32_t i = 0; i < frames_; ++i) {
      const float magnitude = std::fabs(samples[i]);
      levels_[i / kLevelFrames] = std::max(levels_[i / kLevelFrames], magnitude);
      if (magnitude > loudest) {
        loudest = magnitude;
        louder = c;
      }
    }
  }
  const float* samples = channel(louder);
  for (std::size_t column = 0; column < kPeakColumns; ++column) {
    const std::size_t first = column * frames_ / kPeakColumns;
    const std::size_t last = std::max(first + 1, (column + 1) * frames_ / kPeakColumns);
    const auto [low, high] =
        std::minmax_element(samples + first, samples + std::min<std::size_t>(last, frames_));
    low_[column] = *low;
    high_[column] = *high;
  }
}

}  // namespace driftwave::shim
