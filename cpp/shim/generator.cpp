#include "shim/generator.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "shim/generator_impl.h"
#include "shim/state.h"
#include "shim/text.h"

namespace driftwave::shim {
namespace {

void describe(const PadModel& model, PadInfo& pad) {
  const PadSettings& settings = model.settings();
  pad.name = settings.name;
  pad.prompt = settings.prompt;
  pad.negative = settings.negative;
  pad.voice = settings.voice;
  pad.seed = settings.seed;
  pad.waiting = model.waiting;
  pad.progress = model.progress;
  pad.pool = static_cast<std::uint32_t>(model.pool.size());
  pad.history = static_cast<std::uint32_t>(model.history.size());
  pad.history_at = static_cast<std::uint32_t>(model.history.at());
  pad.importing = model.importing > 0;
  pad.comparable = model.history.find_clip(model.other).has_value();
  const Step& step = model.history.present();
  pad.variations = static_cast<std::uint32_t>(step.variations.size());
  pad.variation = static_cast<std::uint32_t>(step.chosen);
  for (std::size_t i = 0; i < step.variations.size(); ++i) {
    pad.variation_serials[i] = step.variations[i].info.serial;
  }
  if (const PadClip* clip = step.clip()) pad.clip = clip->info;
}

Peaks peaks_of(const PadClip* clip) {
  Peaks peaks;
  if (clip == nullptr) return peaks;
  static_assert(kPeakCount == kPeakColumns);
  peaks.serial = clip->info.serial;
  peaks.low = clip->data->peaks_low();
  peaks.high = clip->data->peaks_high();
  return peaks;
}

}  // namespace

Generator::Generator(const GeneratorOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Generator::~Generator() { impl_->importer.stop(); }  // its work calls back

void Generator::prepare(double sample_rate_hz, std::uint32_t max_block_frames) {
  impl_->core.player.prepare(sample_rate_hz);
  if (impl_->worker) impl_->worker->set_format(sample_rate_hz, max_block_frames);
}

void Generator::process(float* const outputs[2], std::uint32_t frames,
                        std::span<const MidiEvent> events,
                        const Transport& transport) noexcept RT_NONBLOCKING {
  impl_->core.player.process(outputs, frames, events, transport);
}

void Generator::panic() noexcept RT_NONBLOCKING { impl_->core.player.panic(); }

void Generator::stop(std::uint32_t pad) noexcept RT_NONBLOCKING { impl_->core.player.stop(pad); }

void Generator::set_parameter(std::uint32_t index, float value) noexcept RT_NONBLOCKING {
  impl_->core.parameters.set(index, value);
}

float Generator::parameter(std::uint32_t index) const noexcept RT_NONBLOCKING {
  return impl_->core.parameters.get(index);
}

void Generator::set_prompt(std::uint32_t pad, std::string_view text) {
  impl_->edit(pad, Change::kPrompt, &PadSettings::prompt, clean_text(text, kMaxPromptBytes));
}
void Generator::set_negative(std::uint32_t pad, std::string_view text) {
  impl_->edit(pad, Change::kNegative, &PadSettings::negative, clean_text(text, kMaxNegativeBytes));
}
void Generator::set_voice(std::uint32_t pad, std::string_view name) {
  impl_->edit(pad, Change::kVoice, &PadSettings::voice, clean_text(name, kMaxVoiceBytes));
}
void Generator::set_name(std::uint32_t pad, std::string_view name) {
  impl_->edit(pad, Change::kName, &PadSettings::name, clean_text(name, kMaxNameBytes));
}
void Generator::set_seed(std::uint32_t pad, std::int64_t seed) {
  if (pad >= kPadCount) return;
  impl_->edit(pad, Change::kSeed, &PadSettings::seed, std::max(seed, kRandomSeed));
  set_parameter(pad_parameter(pad, kPadSeedLock), seed >= 0 ? 1.0F : 0.0F);
}
std::string Generator::prompt(std::uint32_t pad) const {
  return impl_->read(pad, &PadSettings::prompt);
}
std::string Generator::negative(std::uint32_t pad) const {
  return impl_->read(pad, &PadSettings::negative);
}
std::string Generator::voice(std::uint32_t pad) const {
  return impl_->read(pad, &PadSettings::voice);
}
std::string Generator::name(std::uint32_t pad) const {
  return impl_->read(pad, &PadSettings::name);
}
std::int64_t Generator::seed(std::uint32_t pad) const {
  return pad < kPadCount ? impl_->read(pad, &PadSettings::seed) : kRandomSeed;
}

void Generator::generate(std::uint32_t pad) { impl_->wish(Wish::Kind::kGenerate, pad); }
void Generator::vary(std::uint32_t pad) { impl_->wish(Wish::Kind::kVary, pad); }
void Generator::interpolate(std::uint32_t pad) { impl_->wish(Wish::Kind::kInterpolate, pad); }

void Generator::cancel() {
  const std::lock_guard lock(impl_->core.mutex);
  impl_->core.cancel_wished = true;
  impl_->core.wishes.clear();
  if (impl_->worker) impl_->worker->wake();
}

bool Generator::undo(std::uint32_t pad) {
  return impl_->with(pad, [pad](Core& core) { return core.undo(pad); });
}
bool Generator::redo(std::uint32_t pad) {
  return impl_->with(pad, [pad](Core& core) { return core.redo(pad); });
}
bool Generator::choose(std::uint32_t pad, std::uint32_t position) {
  return impl_->with(pad, [=](Core& core) { return core.choose(pad, position); });
}
bool Generator::pick(std::uint32_t pad, std::uint32_t variation) {
  return impl_->with(pad, [=](Core& core) { return core.pick(pad, variation); });
}
bool Generator::compare(std::uint32_t pad) {
  return impl_->with(pad, [pad](Core& core) { return core.compare(pad); });
}
void Generator::clear_clip(std::uint32_t pad) {
  impl_->with(pad, [pad](Core& core) { return core.clear_clip(pad), true; });
}
void Generator::begin_gesture(std::uint32_t pad) {
  impl_->with(pad, [pad](Core& core) { return core.begin_gesture(pad), true; });
}
void Generator::end_gesture(std::uint32_t pad) {
  impl_->with(pad, [pad](Core& core) { return core.end_gesture(pad), true; });
}
void Generator::close_edit(std::uint32_t pad) {
  impl_->with(pad, [pad](Core& core) { return core.pads[pad].history.close(), true; });
}

bool Generator::play_note(std::uint32_t note, std::uint32_t velocity) {
  if (note > 127 || velocity > 127) return false;
  const std::lock_guard lock(impl_->core.mutex);
  return impl_->core.exchange.push_note(
      {static_cast<std::uint8_t>(note), static_cast<std::uint8_t>(velocity)});
}

Snapshot Generator::snapshot() const {
  Core& core = impl_->core;
  Snapshot out;
  const std::lock_guard lock(core.mutex);
  core.settle();
  const EngineReport& report = core.report;
  out.serial = core.revision;
  out.status = report.status;
  out.status_text = report.text;
  out.message = core.message;
  out.device = report.device;
  out.engine_version = report.version;
  out.voices = report.voices;
  out.progress = report.progress;
  out.jobs = report.jobs;
  out.playing_voices = core.player.playing_voices();
  out.late_variations = core.player.late();
  out.selected_pad = static_cast<std::uint32_t>(core.parameters.get(kPad)) - 1;
  out.transport_playing = core.player.transport_playing();
  out.bpm = core.player.bpm();
  out.bar_quarters = core.player.bar_quarters();
  for (std::uint32_t i = 0; i < kPadCount; ++i) {
    describe(core.pads[i], out.pads[i]);
    out.pads[i].hits = core.player.hits(i);
    out.pads[i].loop_position = core.player.loop_position(i);
  }
  return out;
}

Peaks Generator::peaks(std::uint32_t pad) const {
  if (pad >= kPadCount) return {};
  const std::lock_guard lock(impl_->core.mutex);
  impl_->core.settle();
  return peaks_of(impl_->core.pads[pad].history.clip());
}

Peaks Generator::peaks(std::uint32_t pad, std::uint32_t variation) const {
  if (pad >= kPadCount) return {};
  const std::lock_guard lock(impl_->core.mutex);
  impl_->core.settle();
  const std::vector<PadClip>& clips = impl_->core.pads[pad].history.present().variations;
  return peaks_of(variation < clips.size() ? &clips[variation] : nullptr);
}

void Generator::clear_message() {
  const std::lock_guard lock(impl_->core.mutex);
  if (!impl_->core.message.empty()) impl_->core.tell({});
}

std::vector<std::uint8_t> Generator::save_state() const {
  SavedState state;
  {
    const std::lock_guard lock(impl_->core.mutex);
    impl_->core.settle();
    state = impl_->core.save();
  }
  return write_state(state);
}

bool Generator::load_state(std::span<const std::uint8_t> bytes, std::string& message) {
  auto state = read_state(bytes, message);
  const std::lock_guard lock(impl_->core.mutex);
  if (!state) {
    impl_->core.tell(message);
    return false;
  }
  impl_->core.load(std::move(*state));
  return true;
}

std::string Generator::save_state_text() const { return to_base64(save_state()); }

bool Generator::load_state_text(std::string_view text, std::string& message) {
  const auto bytes = from_base64(text);
  if (bytes) return load_state(*bytes, message);
  message =
      "The saved state is damaged (it is no base64 text). The present sounds and settings "
      "are kept.";
  const std::lock_guard lock(impl_->core.mutex);
  impl_->core.tell(message);
  return false;
}

}  // namespace driftwave::shim
