#include "shim/generator.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <optional>
#include <utility>

#include "shim/core.h"
#include "shim/link_worker.h"
#include "shim/state.h"
#include "shim/text.h"
#include "shim/wav.h"

namespace driftwave::shim {
namespace {

constexpr std::uintmax_t kMaxImportBytes = std::uintmax_t{128} << 20;
constexpr std::uint64_t kMaxImportFrames = std::uint64_t{60} * 192000;

std::optional<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path,
                                                   std::string& message) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error || bytes > kMaxImportBytes) {
    message = error ? "Could not read " + path.string() + ": " + error.message() + "."
                    : path.string() + " has more than 128 MB. Cut it first.";
    return std::nullopt;
  }
  std::vector<std::uint8_t> content(static_cast<std::size_t>(bytes));
  std::ifstream stream(path, std::ios::binary);
  stream.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(bytes));
  if (!stream) {
    message = "Could not read " + path.string() + ".";
    return std::nullopt;
  }
  return content;
}

// A name that every file system takes: the words, without what separates or hides files.
std::string file_stem(const PadInfo& pad, std::uint32_t number) {
  const std::string& words = !pad.name.empty()          ? pad.name
                             : !pad.clip.prompt.empty() ? pad.clip.prompt
                                                        : pad.prompt;
  std::string stem = "pad " + std::to_string(number) + (words.empty() ? "" : " ");
  for (char c : clean_text(words, 60)) {
    const bool unsafe = std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos;
    stem += unsafe ? '-' : c;
  }
  if (pad.clip.seed >= 0) stem += " " + std::to_string(pad.clip.seed);
  return stem;
}

}  // namespace

struct Generator::Impl {
  explicit Impl(const GeneratorOptions& options) {
    if (options.link) {
      worker.emplace(core, ConnectionOptions{options.autostart, options.runtime_dir,
                                             options.config_dir, options.plugin_kind});
    } else {
      core.report.text = "This instance is not connected to an engine.";
    }
  }

  // Runs `change` on a pad's settings under the mutex.
  template <typename Change>
  void edit(std::uint32_t pad, Change change) {
    if (pad >= kPadCount) return;
    const std::lock_guard lock(core.mutex);
    const PadSettings before = core.pads[pad].settings;
    change(core.pads[pad].settings);
    if (!(before == core.pads[pad].settings)) ++core.revision;
  }

  template <typename Value>
  Value read(std::uint32_t pad, Value PadSettings::*member) const {
    if (pad >= kPadCount) return {};
    const std::lock_guard lock(core.mutex);
    return core.pads[pad].settings.*member;
  }

  void wish(Wish::Kind kind, std::uint32_t pad) {
    if (pad >= kPadCount) return;
    const std::lock_guard lock(core.mutex);
    if (!worker) return core.tell("This instance is not connected to an engine.");
    core.wishes.push_back({kind, pad});
    core.pads[pad].waiting = true;
    ++core.revision;
    worker->wake();
  }

  std::shared_ptr<const ClipData> clip(std::uint32_t pad) {
    if (pad >= kPadCount) return nullptr;
    const std::lock_guard lock(core.mutex);
    core.settle();
    const PadClip* clip = core.pads[pad].history.current();
    return clip == nullptr ? nullptr : clip->data;
  }

  bool step(std::uint32_t pad, int by) {
    if (pad >= kPadCount) return false;
    const std::lock_guard lock(core.mutex);
    core.settle();
    const History& history = core.pads[pad].history;
    if (by < 0 && history.at() == 0) return false;
    return core.choose(pad, history.at() + static_cast<std::size_t>(by));
  }

  Core core;
  std::optional<LinkWorker> worker;  // last: its thread ends before the core does
};

Generator::Generator(const GeneratorOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Generator::~Generator() = default;

void Generator::prepare(double sample_rate_hz, std::uint32_t max_block_frames) {
  impl_->core.player.prepare(sample_rate_hz);
  if (impl_->worker) impl_->worker->set_format(sample_rate_hz, max_block_frames);
}

void Generator::process(float* const outputs[2], std::uint32_t frames,
                        std::span<const MidiEvent> events,
                        const Transport& /*transport*/) noexcept RT_NONBLOCKING {
  impl_->core.player.process(outputs, frames, events);
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
  impl_->edit(pad, [&](PadSettings& s) { s.prompt = clean_text(text, kMaxPromptBytes); });
}
void Generator::set_negative(std::uint32_t pad, std::string_view text) {
  impl_->edit(pad, [&](PadSettings& s) { s.negative = clean_text(text, kMaxNegativeBytes); });
}
void Generator::set_voice(std::uint32_t pad, std::string_view name) {
  impl_->edit(pad, [&](PadSettings& s) { s.voice = clean_text(name, kMaxVoiceBytes); });
}
void Generator::set_name(std::uint32_t pad, std::string_view name) {
  impl_->edit(pad, [&](PadSettings& s) { s.name = clean_text(name, kMaxNameBytes); });
}
void Generator::set_seed(std::uint32_t pad, std::int64_t seed) {
  if (pad >= kPadCount) return;
  impl_->edit(pad, [&](PadSettings& s) { s.seed = std::max(seed, kRandomSeed); });
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

void Generator::cancel() {
  const std::lock_guard lock(impl_->core.mutex);
  impl_->core.cancel_wished = true;
  impl_->core.wishes.clear();
  if (impl_->worker) impl_->worker->wake();
}

bool Generator::undo(std::uint32_t pad) { return impl_->step(pad, -1); }
bool Generator::redo(std::uint32_t pad) { return impl_->step(pad, 1); }

bool Generator::choose(std::uint32_t pad, std::uint32_t position) {
  if (pad >= kPadCount) return false;
  const std::lock_guard lock(impl_->core.mutex);
  return impl_->core.choose(pad, position);
}

void Generator::clear_clip(std::uint32_t pad) {
  if (pad >= kPadCount) return;
  const std::lock_guard lock(impl_->core.mutex);
  impl_->core.clear_pad(pad);
}

bool Generator::set_clip(std::uint32_t pad, std::span<const std::span<const float>> channels,
                         double sample_rate_hz, std::string_view name, std::string& message) {
  if (pad >= kPadCount) {
    message =
        "There are 16 pads, numbered 0 to 15; pad " + std::to_string(pad) + " does not exist.";
    return false;
  }
  float peak = 0.0F;
  for (const auto& channel : channels) {
    for (float sample : channel) {
      if (std::isfinite(sample)) peak = std::max(peak, std::fabs(sample));
    }
  }
  std::vector<std::vector<float>> scaled;
  std::vector<std::span<const float>> spans(channels.begin(), channels.end());
  if (peak > 1.0F) {
    scaled.reserve(spans.size());
    for (auto& span : spans) {
      scaled.emplace_back(span.begin(), span.end());
      for (float& sample : scaled.back()) sample /= peak;
      span = scaled.back();
    }
  }
  auto clip = make_pad_clip(spans, sample_rate_hz, message);
  if (!clip) return false;
  clip->info.imported = true;
  const std::lock_guard lock(impl_->core.mutex);
  if (!name.empty()) impl_->core.pads[pad].settings.name = clean_text(name, kMaxNameBytes);
  impl_->core.add_clip(pad, std::move(*clip));
  return true;
}

bool Generator::import_file(std::uint32_t pad, const std::filesystem::path& path,
                            std::string& message) {
  const auto bytes = read_file(path, message);
  if (!bytes) return false;
  AudioFile file;
  const bool flac = bytes->size() >= 4 &&
                    std::string_view(reinterpret_cast<const char*>(bytes->data()), 4) == "fLaC";
  if (flac) {
    const auto clip = decode_flac(*bytes, kMaxImportFrames, message);
    if (clip == nullptr) return false;
    for (std::uint32_t c = 0; c < clip->channels(); ++c) {
      file.channels.emplace_back(clip->channel(c), clip->channel(c) + clip->frames());
    }
    file.sample_rate_hz = clip->sample_rate_hz();
  } else if (!read_wav(*bytes, file, message)) {
    return false;
  }
  const std::vector<std::span<const float>> spans(file.channels.begin(), file.channels.end());
  return set_clip(pad, spans, file.sample_rate_hz, path.stem().string(), message);
}

bool Generator::export_wav(std::uint32_t pad, const std::filesystem::path& path,
                           std::filesystem::path& written, std::string& message) const {
  const auto clip = impl_->clip(pad);
  if (clip == nullptr) {
    message = "Pad " + std::to_string(pad + 1) + " has no sound to export.";
    return false;
  }
  written = path;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    const std::string stem = file_stem(snapshot().pads[pad], pad + 1);
    written = path / (stem + ".wav");
    for (int copy = 2; std::filesystem::exists(written, error) && copy < 10000; ++copy) {
      written = path / (stem + " (" + std::to_string(copy) + ").wav");
    }
  }
  return write_wav(*clip, written, message);
}

std::vector<std::vector<float>> Generator::clip_samples(std::uint32_t pad) const {
  const auto clip = impl_->clip(pad);
  std::vector<std::vector<float>> samples;
  for (std::uint32_t c = 0; clip != nullptr && c < clip->channels(); ++c) {
    samples.emplace_back(clip->channel(c), clip->channel(c) + clip->frames());
  }
  return samples;
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
  for (std::uint32_t i = 0; i < kPadCount; ++i) {
    const PadModel& model = core.pads[i];
    PadInfo& pad = out.pads[i];
    pad.name = model.settings.name;
    pad.prompt = model.settings.prompt;
    pad.negative = model.settings.negative;
    pad.voice = model.settings.voice;
    pad.seed = model.settings.seed;
    pad.waiting = model.waiting;
    pad.progress = model.progress;
    pad.pool = static_cast<std::uint32_t>(model.pool.size());
    pad.history = static_cast<std::uint32_t>(model.history.size());
    pad.history_at = static_cast<std::uint32_t>(model.history.at());
    pad.hits = core.player.hits(i);
    if (const PadClip* clip = model.history.current()) pad.clip = clip->info;
  }
  return out;
}

Peaks Generator::peaks(std::uint32_t pad) const {
  Peaks peaks;
  if (pad >= kPadCount) return peaks;
  const std::lock_guard lock(impl_->core.mutex);
  impl_->core.settle();
  if (const PadClip* clip = impl_->core.pads[pad].history.current()) {
    static_assert(kPeakCount == kPeakColumns);
    peaks.serial = clip->info.serial;
    peaks.low = clip->data->peaks_low();
    peaks.high = clip->data->peaks_high();
  }
  return peaks;
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
