#include "generate_plugin.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <span>

#include "first_kit.h"

namespace driftwave {

namespace {

constexpr const char* kStateKey = "state";
constexpr const char* kImportKey = "import";    // a file for the selected pad; never saved
constexpr const char* kRefusedKey = "refused";  // asked for by cmake/patch_dpf.cmake

shim::GeneratorOptions options_for(bool dummy) {  // [ui]
  shim::GeneratorOptions options;
  options.link = !dummy;  // hosts make dummy instances to read names and parameters
  return options;
}

shim::Transport translate(const TimePosition& position) noexcept {  // [audio]
  shim::Transport transport;
  transport.playing = position.playing;
  transport.frame_valid = position.frame != ~std::uint64_t{0};  // as cmake/patch_dpf.cmake says it
  transport.frame = static_cast<std::int64_t>(position.frame);
  const TimePosition::BarBeatTick& bbt = position.bbt;
  if (!bbt.valid || bbt.ticksPerBeat <= 0.0 || bbt.beatType <= 0.0f) return transport;
  transport.tempo_valid = true;
  const double beats = (bbt.bar - 1) * static_cast<double>(bbt.beatsPerBar) + (bbt.beat - 1) +
                       bbt.tick / bbt.ticksPerBeat;
  const double quarters_a_beat = 4.0 / static_cast<double>(bbt.beatType);
  transport.beat = beats * quarters_a_beat;
  transport.bpm = bbt.beatsPerMinute * quarters_a_beat;
  transport.bar_quarters = static_cast<double>(bbt.beatsPerBar) * quarters_a_beat;
  return transport;
}

}  // namespace

GeneratePlugin::GeneratePlugin()
    : Plugin(shim::kParameterCount, 0, 2), generator_(options_for(isDummyInstance())) {
  for (std::uint32_t pad = 0; pad < shim::kPadCount; ++pad) {
    generator_.set_prompt(pad, kFirstKit[pad]);
  }
  generator_.prepare(getSampleRate(), getBufferSize());
}

void GeneratePlugin::initAudioPort(bool input, std::uint32_t index, AudioPort& port) {
  port.groupId = kPortGroupStereo;
  Plugin::initAudioPort(input, index, port);
}

void GeneratePlugin::initParameter(std::uint32_t index, Parameter& parameter) {
  const shim::Parameter& entry = shim::kParameters[index];
  parameter.symbol = entry.symbol.data();
  parameter.name = entry.name.data();
  parameter.unit = entry.unit;
  parameter.description = entry.hint;
  parameter.ranges.min = entry.minimum;
  parameter.ranges.max = entry.maximum;
  parameter.ranges.def = entry.default_value;
  parameter.hints = 0;
  if (entry.flags & shim::kAutomatable) parameter.hints |= kParameterIsAutomatable;
  if (entry.flags & shim::kBoolean) parameter.hints |= kParameterIsBoolean;
  if (entry.flags & shim::kInteger) parameter.hints |= kParameterIsInteger;
  if (entry.flags & shim::kTrigger) parameter.hints |= kParameterIsTrigger;
  if (entry.flags & shim::kOutput) parameter.hints |= kParameterIsOutput;
  if (shim::pad_of(index) < shim::kPadCount) parameter.groupId = shim::pad_of(index);
}

void GeneratePlugin::initPortGroup(std::uint32_t group, PortGroup& port_group) {
  if (group >= shim::kPadCount) return;
  char text[16];
  std::snprintf(text, sizeof text, "Pad %u", group + 1);
  port_group.name = text;
  std::snprintf(text, sizeof text, "pad_%02u", group + 1);
  port_group.symbol = text;
}

void GeneratePlugin::initState(std::uint32_t index, State& state) {
  if (index == 1) {
    state.key = kImportKey;
    state.label = "Audio file for the selected pad";
    state.description = "WAV, AIFF or FLAC, mono or stereo, at most 60 seconds";
    state.hints = kStateIsFilenamePath | kStateIsOnlyForDSP;
    return;
  }
  state.key = kStateKey;
  state.label = "Pads, settings and clips";
  state.hints = kStateIsBase64Blob | kStateIsOnlyForDSP;
}

float GeneratePlugin::getParameterValue(std::uint32_t index) const {
  return generator_.parameter(index);
}

void GeneratePlugin::setParameterValue(std::uint32_t index, float value) {
  generator_.set_parameter(index, value);
}

String GeneratePlugin::getState(const char* key) const {
  if (std::strcmp(key, kStateKey) == 0) return String(generator_.save_state_text().c_str());
  if (std::strcmp(key, kRefusedKey) == 0) return String(refusal_.c_str());
  return String();
}

void GeneratePlugin::setState(const char* key, const char* value) {
  if (std::strcmp(key, kImportKey) == 0 && value[0] != '\0') {
    const auto pad = static_cast<std::uint32_t>(generator_.parameter(shim::kPad)) - 1;
    generator_.import_later(pad, value);
  }
  if (std::strcmp(key, kStateKey) != 0) return;
  refusal_.clear();
  if (value[0] == '\0') return;  // a host that has nothing saved
  std::string message;
  if (generator_.load_state_text(value, message)) return;
  refusal_ = message.empty() ? "the state could not be read" : message;
  d_stderr("Driftwave Generate: state refused, the present one stays: %s", refusal_.c_str());
}

void GeneratePlugin::activate() { generator_.prepare(getSampleRate(), getBufferSize()); }

void GeneratePlugin::run(const float**, float** outputs, std::uint32_t frames,
                         const MidiEvent* events, std::uint32_t event_count) {
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < event_count && count < kMaxEvents; ++i) {
    const MidiEvent& from = events[i];
    if (from.size < 1 || from.size > 3) continue;
    shim::MidiEvent& to = events_[count++];
    to.frame = from.frame;
    to.size = static_cast<std::uint8_t>(from.size);
    std::copy_n(from.data, from.size, to.bytes);
  }
  generator_.process(outputs, frames, std::span(events_.data(), count),
                     translate(getTimePosition()));
}

}  // namespace driftwave

START_NAMESPACE_DISTRHO

Plugin* createPlugin() { return new driftwave::GeneratePlugin(); }

END_NAMESPACE_DISTRHO
