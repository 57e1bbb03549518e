// Where the host is in its song, as exactly as it says.
#pragma once

#include <cmath>

#include "link/realtime.h"
#include "shim/generator.h"

namespace driftwave::shim {

/// Some hosts tell the beat in whole ticks, which is up to 12 frames off, and the frame exactly. As
/// long as both mean the same place, so far as ticks can tell, the frame decides.
inline constexpr double kTickQuarters = 1.0 / 400.0;

/// [audio] Whether the host says a tempo and a bar that music can have.
inline bool has_tempo(const Transport& transport) noexcept RT_NONBLOCKING {
  constexpr double kLeastBpm = 1.0;
  constexpr double kMostBpm = 1000.0;
  constexpr double kMostBarQuarters = 64.0;
  return transport.tempo_valid && transport.bpm >= kLeastBpm && transport.bpm <= kMostBpm &&
         transport.bar_quarters > 0.0 && transport.bar_quarters <= kMostBarQuarters;
}

/// [audio] Quarter notes since the start of the song, at the first frame of the block.
inline double song_quarters(const Transport& transport,
                            double sample_rate_hz) noexcept RT_NONBLOCKING {
  if (!transport.frame_valid) return transport.beat;
  const double by_frame =
      static_cast<double>(transport.frame) * transport.bpm / (60.0 * sample_rate_hz);
  if (!transport.tempo_valid) return by_frame;
  return std::fabs(by_frame - transport.beat) < kTickQuarters ? by_frame : transport.beat;
}

/// [audio] Seconds since the start of the song.
inline double song_seconds(const Transport& transport,
                           double sample_rate_hz) noexcept RT_NONBLOCKING {
  if (transport.frame_valid) return static_cast<double>(transport.frame) / sample_rate_hz;
  return transport.beat * 60.0 / transport.bpm;
}

}  // namespace driftwave::shim
