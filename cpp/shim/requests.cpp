#include "shim/requests.h"

#include <bit>
#include <string>
#include <string_view>

namespace driftwave::shim {
namespace {

struct Bias {
  ParameterIndex parameter;
  link::Descriptor descriptor;
};
constexpr Bias kBiases[] = {
    {kBrightness, link::Descriptor::brightness}, {kDepth, link::Descriptor::depth},
    {kNoisiness, link::Descriptor::noisiness},   {kAttack, link::Descriptor::attack},
    {kLength, link::Descriptor::length},         {kLoudness, link::Descriptor::loudness},
};

// FNV-1a over bytes.
class Hash {
 public:
  void add(std::string_view text) {
    for (char c : text) byte(static_cast<std::uint8_t>(c));
    byte(0xFF);  // no UTF-8 text holds it, so texts can't run together
  }
  void add(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) byte(static_cast<std::uint8_t>(bits >> shift));
  }
  std::uint64_t value() const { return value_; }

 private:
  void byte(std::uint8_t b) { value_ = (value_ ^ b) * 0x100000001B3U; }
  std::uint64_t value_ = 0xCBF29CE484222325U;
};

}  // namespace

const PadClip* fresh_source(const PadModel& pad) {
  return pad.settings.prompt.empty() && pad.origin ? &*pad.origin : nullptr;
}

Job make_job(const Core& core, std::uint32_t pad, Job::Kind kind, const PadClip* source,
             std::int64_t seed) {
  const PadModel& model = core.pads[pad];
  Job job;
  job.kind = kind;
  job.pad = pad;
  link::GenerateRecord& record = job.record;
  record = link::make_generate();
  record.seed = seed;
  record.steps = static_cast<std::int32_t>(core.parameters.get(kSteps));
  record.priority = kind == Job::Kind::kFresh ? 1 : 0;
  record.seconds = core.parameters.get(kSeconds);
  record.strength = core.parameters.get(kStrength);
  for (const Bias& bias : kBiases) {
    record.biases[static_cast<std::size_t>(bias.descriptor)] = core.parameters.get(bias.parameter);
  }
  link::put_text(record.voice, model.settings.voice);
  link::put_text(record.prompt, model.settings.prompt);
  link::put_text(record.negative, model.settings.negative);
  if (source != nullptr) {
    job.source = source->data;
    record.source_rate_hz = source->info.sample_rate_hz;
    record.source_channels = source->info.channels;
    record.seconds = static_cast<float>(source->info.frames / source->info.sample_rate_hz);
    link::put_text(record.source_clip, source->info.clip_id);
  }
  return job;
}

std::uint64_t fingerprint(const Core& core, std::uint32_t pad) {
  const PadModel& model = core.pads[pad];
  Hash hash;
  hash.add(model.settings.prompt);
  hash.add(model.settings.negative);
  hash.add(model.settings.voice);
  for (const Bias& bias : kBiases) hash.add(core.parameters.get(bias.parameter));
  hash.add(core.parameters.get(kSteps));
  hash.add(core.parameters.get(kSeconds));
  if (const PadClip* source = fresh_source(model)) {
    hash.add(core.parameters.get(kStrength));
    hash.add(std::to_string(source->info.serial));
  }
  return hash.value();
}

std::vector<float> planar(const ClipData& clip) {
  std::vector<float> samples;
  samples.reserve(std::size_t{clip.frames()} * clip.channels());
  for (std::uint32_t c = 0; c < clip.channels(); ++c) {
    samples.insert(samples.end(), clip.channel(c), clip.channel(c) + clip.frames());
  }
  return samples;
}

}  // namespace driftwave::shim
