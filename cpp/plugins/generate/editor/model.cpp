#include "editor/model.h"

#include <charconv>
#include <filesystem>
#include <system_error>

#include "editor/export_folder.h"
#include "editor/file_address.h"
#include "shim/history.h"

namespace driftwave::editor {

namespace {

constexpr float kFlashFall = 0.88f;  // factor a refresh, about 30 a second
constexpr float kFlashEnd = 0.02f;

bool same_picture(const shim::Snapshot& a, const shim::Snapshot& b) {
  if (a.serial != b.serial || a.progress != b.progress || a.playing_voices != b.playing_voices ||
      a.bpm != b.bpm || a.bar_quarters != b.bar_quarters ||
      a.transport_playing != b.transport_playing) {
    return false;
  }
  for (std::uint32_t pad = 0; pad < shim::kPadCount; ++pad) {
    if (a.pads[pad].hits != b.pads[pad].hits || a.pads[pad].progress != b.pads[pad].progress ||
        a.pads[pad].loop_position != b.pads[pad].loop_position) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool Model::refresh() {
  shim::Snapshot next = generator_.snapshot();
  bool changed = fresh_notice_ || !same_picture(next, snapshot_);
  fresh_notice_ = false;
  for (std::uint32_t pad = 0; pad < shim::kPadCount; ++pad) {
    const bool hit = next.pads[pad].hits != snapshot_.pads[pad].hits && snapshot_.serial != 0;
    if (hit) flash_[pad] = 1.0f;
    if (flash_[pad] > 0.0f) {
      changed = true;
      if (!hit) flash_[pad] = flash_[pad] < kFlashEnd ? 0.0f : flash_[pad] * kFlashFall;
    }
    if (next.pads[pad].clip.serial != peaks_[pad].serial) {
      peaks_[pad] = generator_.peaks(pad);
      changed = true;
    }
    changed = changed || next.pads[pad].waiting;  // the waiting light moves
  }
  const shim::PadInfo& shown = next.pads[next.selected_pad];
  for (std::uint32_t i = 0; i < shown.variations; ++i) {
    if (shown.variation_serials[i] == variation_peaks_[i].serial) continue;
    variation_peaks_[i] = generator_.peaks(next.selected_pad, i);
    changed = true;
  }
  for (std::uint32_t i = 0; i < shim::kParameterCount; ++i) {
    const float value = generator_.parameter(i);
    changed = changed || value != values_[i];
    values_[i] = value;
  }
  snapshot_ = std::move(next);
  return changed;
}

void Model::begin(std::uint32_t parameter) {
  host_.gesture(parameter, true);
  generator_.begin_gesture(shim::pad_of(parameter));
}

void Model::end(std::uint32_t parameter) {
  host_.gesture(parameter, false);
  generator_.end_gesture(shim::pad_of(parameter));
}

void Model::set(std::uint32_t parameter, float value) {
  const float clean = shim::clean_value(parameter, value);
  host_.set(parameter, clean);
  generator_.set_parameter(parameter, clean);  // heard even while the host does not process
}

void Model::change(std::uint32_t parameter, float value) {
  begin(parameter);
  set(parameter, value);
  end(parameter);
}

void Model::select(std::uint32_t pad) {
  if (pad != selected()) change(shim::kPad, static_cast<float>(pad + 1));
  snapshot_.selected_pad = pad;
}

void Model::hit(std::uint32_t pad, std::uint32_t velocity) {
  generator_.play_note(shim::kFirstPadNote + pad, velocity);
}

void Model::set_prompt(std::string_view text) {
  generator_.set_prompt(selected(), text);
  snapshot_.pads[selected()].prompt = text;
}

void Model::generate() {
  dismiss();
  generator_.generate(selected());
  mark_changed();
}

void Model::vary() {
  dismiss();
  generator_.vary(selected());
  mark_changed();
}

void Model::cancel() { generator_.cancel(); }

void Model::interpolate() {
  dismiss();
  generator_.interpolate(selected());
  mark_changed();
}

template <typename Action>
void Model::travel(Action action) {
  const std::uint32_t pad = selected();
  std::array<float, shim::kPadValues> before{};
  for (std::size_t i = 0; i < before.size(); ++i) before[i] = value(shim::pad_value(pad, i));
  if (!action(pad)) return;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::uint32_t parameter = shim::pad_value(pad, i);
    const float now = value(parameter);
    if (now == before[i]) continue;
    host_.gesture(parameter, true);
    host_.set(parameter, now);
    host_.gesture(parameter, false);
  }
  mark_changed();
}

void Model::undo() {
  travel([this](std::uint32_t pad) { return generator_.undo(pad); });
}

void Model::redo() {
  travel([this](std::uint32_t pad) { return generator_.redo(pad); });
}

void Model::choose(std::uint32_t position) {
  travel([=, this](std::uint32_t pad) { return generator_.choose(pad, position); });
}

void Model::pick(std::uint32_t variation) {
  travel([=, this](std::uint32_t pad) { return generator_.pick(pad, variation); });
}

void Model::compare() {
  travel([this](std::uint32_t pad) { return generator_.compare(pad); });
}

void Model::toggle_loop() {
  const std::uint32_t parameter = shim::pad_parameter(selected(), shim::kPadLoop);
  change(parameter, value(parameter) > 0.5f ? 0.0f : 1.0f);
}

void Model::close_edit() { generator_.close_edit(selected()); }

void Model::import(const std::string& path) {
  dismiss();
  generator_.import_later(selected(), path);
  mark_changed();
}

bool Model::import_from_clipboard() {
  const std::string path = file_of(host_.paste());
  std::error_code problem;
  if (path.empty() || !std::filesystem::exists(path, problem)) return false;
  import(path);
  return true;
}

void Model::lock_seed(bool locked) {
  const shim::PadInfo& info = selected_pad();
  if (locked && info.clip.serial != 0) generator_.set_seed(selected(), info.clip.seed);
  change(shim::pad_parameter(selected(), shim::kPadSeedLock), locked ? 1.0f : 0.0f);
}

void Model::copy_seed() {
  const shim::PadInfo& info = selected_pad();
  if (info.clip.serial == 0) return;
  const std::string text = std::to_string(info.clip.seed);
  host_.copy(text);
  say("Seed " + text + " is on the clipboard.");
}

void Model::paste_seed() {
  const std::string text = host_.paste();
  const std::size_t start = text.find_first_of("0123456789");
  std::int64_t seed = -1;
  if (start != std::string::npos) {
    const char* const from = text.data() + start;
    if (std::from_chars(from, text.data() + text.size(), seed).ec != std::errc()) seed = -1;
  }
  if (seed < 0) {
    say("The clipboard holds no seed: copy a whole number, 0 or more, and paste again.", true);
    return;
  }
  generator_.set_seed(selected(), seed);
  change(shim::pad_parameter(selected(), shim::kPadSeedLock), 1.0f);
  say("Seed " + std::to_string(seed) + " is locked for this pad; press Generate.");
}

void Model::export_clip() {
  const std::filesystem::path folder = export_folder();
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) {
    say("Cannot make the folder " + folder.string() + ": " + problem.message(), true);
    return;
  }
  std::filesystem::path written;
  std::string message;
  if (!generator_.export_wav(selected(), folder, written, message)) {
    say(message, true);
    return;
  }
  host_.copy(written.string());
  say("Exported, path copied: " + written.string());
}

void Model::dismiss() {
  notice_.clear();
  fresh_notice_ = true;
  generator_.clear_message();
}

void Model::say(std::string text, bool error) {
  notice_ = std::move(text);
  notice_is_error_ = error;
  fresh_notice_ = true;
}

void Model::mark_changed() {
  change(shim::kPad, static_cast<float>(selected() + 1));
  fresh_notice_ = true;
}

}  // namespace driftwave::editor
