// Windowed-sinc interpolation: Kaiser-windowed polyphase filters for every pitch.
//
// Algorithm: J. O. Smith, "Digital Audio Resampling" (CCRMA): a table of the windowed sinc at 512
// phases between two samples, linear interpolation between phases (error below -100 dB). When a
// clip is played faster than it was made, the cutoff falls to 0.95 / ratio and the filter grows, so
// that what would lie above the host's Nyquist frequency is removed instead of folded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "link/realtime.h"

namespace driftwave::shim {

inline constexpr std::uint32_t kMaxTaps = 128;
inline constexpr std::uint32_t kSincPhases = 512;
inline constexpr double kMaxRatio = 64.0;  ///< clip frames a host frame, at most

/// Clip positions are unsigned 32.32 fixed point, so that a position does not depend on how the
/// host cuts its blocks.
using Position = std::uint64_t;
inline constexpr Position kUnity = Position{1} << 32;

/// One cutoff: kSincPhases + 1 rows of `taps` coefficients. The window of a position p reaches from
/// floor(p) - taps / 2 + 1 to floor(p) + taps / 2.
struct SincFilter {
  std::vector<float> rows;
  std::uint32_t taps = 0;
  double max_ratio = 1.0;
};

class SincBank {
 public:
  /// [ui] Built at the first call (some 20 ms), shared by all instances.
  static const SincBank& shared();

  /// [audio] The filter for clip frames advanced at `increment` a host frame.
  const SincFilter& pick(Position increment) const noexcept RT_NONBLOCKING;

 private:
  SincBank();
  std::vector<SincFilter> filters_;
};

/// [audio] Interpolates `count` frames from `position` on, advancing by `increment`; `right` may be
/// null for a mono clip. The clip needs taps / 2 readable frames on both sides of every position.
void interpolate(const SincFilter& filter, const float* left, const float* right, Position position,
                 Position increment, float* out_left, float* out_right,
                 std::uint32_t count) noexcept RT_NONBLOCKING;

}  // namespace driftwave::shim
