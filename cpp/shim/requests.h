// From a pad and the knobs to the record that asks the engine for a sound.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "link/records.h"
#include "shim/core.h"

namespace driftwave::shim {

/// One request on its way.
struct Job {
  enum class Kind : std::uint8_t { kGenerate, kVary, kFresh } kind = Kind::kGenerate;
  std::uint32_t pad = 0;
  link::GenerateRecord record{};
  std::shared_ptr<const ClipData> source;  ///< null: from noise
  std::uint64_t fingerprint = 0;           ///< of the settings, for fresh variations
  std::uint32_t attempts = 0;              ///< engines that were lost while it was under way
  bool sent = false;
  float progress = 0.0F;
};

/// [link] With the core's mutex held: a request for the pad as prompt and knobs stand now, from
/// noise or, if not null, from a clip.
Job make_job(const Core& core, std::uint32_t pad, Job::Kind kind, const PadClip* source,
             std::int64_t seed);

/// [link] With the core's mutex held: a number that changes with everything that decides how a
/// fresh variation of the pad sounds.
std::uint64_t fingerprint(const Core& core, std::uint32_t pad);

/// [link] With the core's mutex held: the clip that fresh variations of the pad are made from; null
/// when its words say what they should be.
const PadClip* fresh_source(const PadModel& pad);

/// [link] A clip's samples as the link wants them: planar, no padding.
std::vector<float> planar(const ClipData& clip);

}  // namespace driftwave::shim
