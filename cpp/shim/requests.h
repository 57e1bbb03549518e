// From a pad and the knobs to the record that asks the engine for a sound.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "link/records.h"
#include "shim/core.h"

namespace driftwave::shim {

/// One request on its way.
struct Job {
  enum class Kind : std::uint8_t { kGenerate, kVary, kInterpolate, kFresh } kind = Kind::kGenerate;
  std::uint32_t pad = 0;
  link::GenerateRecord record{};
  std::shared_ptr<const ClipData> source;  ///< null: from noise
  std::shared_ptr<const ClipData> second;  ///< the far end of an interpolation
  double quarters = 0.0;                   ///< length in quarter notes, 0 when it is none in bars
  double seconds = 0.0;                    ///< exact length when `quarters` is given
  std::uint64_t step = 0;                  ///< of the pad's history, once the first clip has come
  std::uint64_t fingerprint = 0;           ///< of the settings, for fresh variations
  std::uint32_t attempts = 0;              ///< engines that were lost while it was under way
  bool sent = false;
  float progress = 0.0F;
};

/// [link] With the core's mutex held: a request for the pad as prompt and knobs stand now, from
/// noise or, if not null, from a clip.
Job make_job(const Core& core, std::uint32_t pad, Job::Kind kind, const PadClip* source,
             std::int64_t seed);

/// [link] With the core's mutex held: makes it a request for sounds between its source and another
/// clip, evenly spaced and neither of the two.
void set_second(Job& job, const PadClip& second);

/// [link] Cuts a sound to the length in bars that was asked for, with a short fade, or fills it up
/// with silence: not every engine makes it exact.
void fit_length(const Job& job, double sample_rate_hz, std::array<std::vector<float>, 2>& channels);

/// [link] With the core's mutex held: a number that changes with everything that decides how a
/// fresh variation of the pad sounds.
std::uint64_t fingerprint(const Core& core, std::uint32_t pad);

/// [link] With the core's mutex held: the clip that fresh variations of the pad are made from; null
/// when its words say what they should be.
const PadClip* fresh_source(const PadModel& pad);

/// [link] A clip's samples as the link wants them: planar, no padding.
std::vector<float> planar(const ClipData& clip);

}  // namespace driftwave::shim
