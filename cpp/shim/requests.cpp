#include "shim/requests.h"

#include <algorithm>
#include <bit>
#include <cmath>
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
  return pad.settings().prompt.empty() && pad.origin ? &*pad.origin : nullptr;
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
  const bool fresh = kind == Job::Kind::kFresh;
  record.count = fresh ? 1 : static_cast<std::int32_t>(core.parameters.get(kVariations));
  record.loop = core.parameters.get(pad_parameter(pad, kPadLoop)) > 0.5F ? 1 : 0;
  record.priority = fresh ? 1 : 0;
  record.seconds = core.parameters.get(kSeconds);
  record.strength = core.parameters.get(kStrength);
  for (const Bias& bias : kBiases) {
    record.biases[static_cast<std::size_t>(bias.descriptor)] = core.parameters.get(bias.parameter);
  }
  const PadSettings& settings = model.settings();
  link::put_text(record.voice, settings.voice);
  link::put_text(record.prompt, settings.prompt);
  link::put_text(record.negative, settings.negative);
  if (source != nullptr) {
    job.source = source->data;
    record.source_rate_hz = source->info.sample_rate_hz;
    record.source_channels = source->info.channels;
    record.seconds = static_cast<float>(source->info.frames / source->info.sample_rate_hz);
    link::put_text(record.source_clip, source->info.clip_id);
    job.quarters = source->info.quarters;
    job.seconds = source->info.frames / source->info.sample_rate_hz;
  } else if (const float bars = core.parameters.get(pad_parameter(pad, kPadBars)); bars > 0.0F) {
    record.bars = bars;
    record.bar_quarters = static_cast<float>(core.player.bar_quarters());
    record.bpm = core.player.bpm();
    job.quarters = static_cast<double>(bars) * core.player.bar_quarters();
    job.seconds = job.quarters * 60.0 / record.bpm;
    record.seconds = static_cast<float>(job.seconds);
  }
  return job;
}

void set_second(Job& job, const PadClip& second) {
  link::GenerateRecord& record = job.record;
  job.second = second.data;
  record.second_rate_hz = second.info.sample_rate_hz;
  record.second_channels = second.info.channels;
  link::put_text(record.second_clip, second.info.clip_id);
  const float spaces = static_cast<float>(record.count + 1);
  record.mix_first = 1.0F / spaces;
  record.mix_last = 1.0F - record.mix_first;
}

void fit_length(const Job& job, double sample_rate_hz,
                std::array<std::vector<float>, 2>& channels) {
  if (job.quarters <= 0.0) return;
  const auto wanted = static_cast<std::size_t>(std::llround(job.seconds * sample_rate_hz));
  constexpr double kFadeSeconds = 0.005;
  for (std::vector<float>& samples : channels) {
    if (samples.empty() || samples.size() == wanted || wanted == 0) continue;
    const bool cut = samples.size() > wanted;
    samples.resize(wanted, 0.0F);
    const auto fade = std::min(wanted, static_cast<std::size_t>(kFadeSeconds * sample_rate_hz));
    for (std::size_t i = 0; cut && i < fade; ++i) {
      samples[wanted - 1 - i] *= static_cast<float>(i) / static_cast<float>(fade);
    }
  }
}

std::uint64_t fingerprint(const Core& core, std::uint32_t pad) {
  const PadModel& model = core.pads[pad];
  Hash hash;
  hash.add(model.settings().prompt);
  hash.add(model.settings().negative);
  hash.add(model.settings().voice);
  for (const Bias& bias : kBiases) hash.add(core.parameters.get(bias.parameter));
  hash.add(core.parameters.get(kSteps));
  hash.add(core.parameters.get(kSeconds));
  hash.add(core.parameters.get(pad_parameter(pad, kPadLoop)));
  if (const float bars = core.parameters.get(pad_parameter(pad, kPadBars)); bars > 0.0F) {
    hash.add(bars);
    hash.add(static_cast<float>(core.player.bpm()));
    hash.add(static_cast<float>(core.player.bar_quarters()));
  }
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
