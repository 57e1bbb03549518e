// A clip in private memory: immutable, padded for the interpolator, on the 24-bit grid.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "link/realtime.h"

namespace driftwave::shim {

inline constexpr std::uint32_t kClipPadBefore = 64;  ///< zeros before the first frame
inline constexpr std::uint32_t kClipPadAfter = 160;  ///< zeros after the last frame
inline constexpr std::uint32_t kLevelFrames = 256;   ///< frames summed up by one entry of `levels`
inline constexpr std::uint32_t kMaxClipSeconds = 60;
inline constexpr double kMinClipRateHz = 4000.0;
inline constexpr double kMaxClipRateHz = 768000.0;
inline constexpr std::size_t kPeakColumns = 256;
inline constexpr float kGrid = 8388608.0F;  ///< 2^23: samples are whole multiples of 1 / kGrid

class ClipData {
 public:
  /// [link] [ui] Copies `channels` (1 or 2 of equal length). Non-finite samples become 0, the rest
  /// is rounded to the 24-bit grid and clipped to [-1, 1). Returns null and a message that names
  /// the value when rate, length or channel count can't be used.
  static std::shared_ptr<const ClipData> make(std::span<const std::span<const float>> channels,
                                              double sample_rate_hz, std::string& message);

  /// [any] Frame 0 of a channel; kClipPadBefore zeros lie before it and kClipPadAfter zeros after
  /// the last frame. A mono clip gives its one channel for both.
  const float* channel(std::uint32_t index) const noexcept RT_NONBLOCKING {
    const std::uint32_t which = index < channels_ ? index : 0;
    return samples_.data() + which * stride_ + kClipPadBefore;
  }
  std::uint32_t frames() const noexcept RT_NONBLOCKING { return frames_; }        // [any]
  std::uint32_t channels() const noexcept RT_NONBLOCKING { return channels_; }    // [any]
  double sample_rate_hz() const noexcept RT_NONBLOCKING { return rate_; }         // [any]
  std::size_t bytes() const noexcept { return samples_.size() * sizeof(float); }  // [any]

  /// [any] Greatest magnitude near a frame; 0 past the end.
  float level_at(std::uint64_t frame) const noexcept RT_NONBLOCKING {
    const std::uint64_t at = frame / kLevelFrames;
    return at < level_count_ ? levels_[at] : 0.0F;
  }

  /// [any] Where the end meets the beginning in a loop: what to add to the first sample, fading to
  /// nothing over seam_frames(), so that the step between them is none; 0 where that step is no
  /// greater than those within the clip.
  float seam(std::uint32_t index) const noexcept RT_NONBLOCKING {
    return seam_[index < channels_ ? index : 0];
  }
  std::uint32_t seam_frames() const noexcept RT_NONBLOCKING { return seam_frames_; }  // [any]

  const std::array<float, kPeakColumns>& peaks_low() const noexcept { return low_; }    // [ui]
  const std::array<float, kPeakColumns>& peaks_high() const noexcept { return high_; }  // [ui]

 private:
  ClipData() = default;
  void measure();       // [link] [ui]
  void measure_seam();  // [link] [ui]

  std::vector<float> samples_;
  std::vector<float> levels_;
  std::array<float, kPeakColumns> low_{};
  std::array<float, kPeakColumns> high_{};
  std::array<float, 2> seam_{};
  std::uint32_t seam_frames_ = 0;
  std::size_t stride_ = 0;
  std::size_t level_count_ = 0;
  std::uint32_t frames_ = 0;
  std::uint32_t channels_ = 0;
  double rate_ = 0.0;
};

}  // namespace driftwave::shim
