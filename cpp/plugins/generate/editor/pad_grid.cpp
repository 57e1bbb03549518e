#include "editor/pad_grid.h"

#include <algorithm>
#include <cmath>

namespace driftwave::editor {

namespace {

constexpr std::uint32_t kColumns = 4;
constexpr float kSpace = 8.0f;

// What a pad is called: its name, else its prompt, else nothing.
std::string title(const shim::PadInfo& pad) {
  if (!pad.name.empty()) return pad.name;
  return pad.prompt;
}

}  // namespace

std::string note_name(std::uint32_t note) {
  static constexpr const char* kNames[] = {"C",  "C#", "D",  "D#", "E",  "F",
                                           "F#", "G",  "G#", "A",  "A#", "B"};
  return kNames[note % 12] + std::to_string(static_cast<int>(note / 12) - 1);
}

Box PadGrid::pad_box(std::uint32_t pad) const {
  const float width = (box.w - kSpace * (kColumns - 1)) / kColumns;
  const float height = (box.h - kSpace * (kColumns - 1)) / kColumns;
  const auto column = static_cast<float>(pad % kColumns);
  const auto row = static_cast<float>(kColumns - 1 - pad / kColumns);
  return {box.x + column * (width + kSpace), box.y + row * (height + kSpace), width, height};
}

std::optional<std::uint32_t> PadGrid::pad_at(float x, float y) const {
  for (std::uint32_t pad = 0; pad < shim::kPadCount; ++pad) {
    if (pad_box(pad).contains(x, y)) return pad;
  }
  return std::nullopt;
}

void PadGrid::draw(NanoVG& g, const Model& model) {
  for (std::uint32_t pad = 0; pad < shim::kPadCount; ++pad) draw_pad(g, model, pad);
}

void PadGrid::draw_pad(NanoVG& g, const Model& model, std::uint32_t pad) const {
  const Box area = pad_box(pad);
  const shim::PadInfo& info = model.pad(pad);
  const bool selected = pad == model.selected();
  const bool filled = info.clip.serial != 0;
  const float flash = model.flash(pad);
  const Color base = filled ? kRaised : kPanel;
  draw_panel(g, area, mixed(base, kAccent, flash * 0.55f));
  draw_frame(g, area, selected ? kAccent : kLine, selected ? 2.0f : 1.0f);

  const int choke = static_cast<int>(model.value(shim::pad_parameter(pad, shim::kPadChoke)) + 0.5f);
  if (choke > 0) {
    g.beginPath();
    g.circle(area.right() - 12, area.y + 13, 4.0f);
    g.fillColor(kChoke[static_cast<std::size_t>(std::clamp(choke, 1, 4)) - 1]);
    g.fill();
  }
  draw_text(g, area.x + 9, area.y + 13, std::to_string(pad + 1), kTextSmall,
            selected ? kAccent : kTextDim);
  const float number = text_width(g, std::to_string(pad + 1), kTextSmall);
  draw_text(g, area.x + 15 + number, area.y + 13, note_name(shim::kFirstPadNote + pad), 10.0f,
            kTextFaint);

  const Box wave{area.x + 9, area.y + 25, area.w - 18, area.h - 54};
  if (filled) {
    draw_waveform(g, wave, model.peaks(pad), mixed(faded(kAccent, 0.85f), kText, flash));
  } else {
    g.beginPath();
    g.rect(wave.x, wave.centre_y() - 0.5f, wave.w, 1.0f);
    g.fillColor(kLine);
    g.fill();
  }

  const bool loops = model.value(shim::pad_parameter(pad, shim::kPadLoop)) > 0.5f;
  if (loops && filled && info.loop_position >= 0.0f) {
    g.beginPath();
    g.rect(wave.x + wave.w * info.loop_position - 0.75f, wave.y, 1.5f, wave.h);
    g.fillColor(kText);
    g.fill();
  }
  float right = area.right() - (choke > 0 ? 22 : 9);
  if (loops) {
    right -= draw_text(g, right, area.y + 13, "\u21bb", kTextNormal,
                       info.loop_position >= 0.0f ? kAccent : kTextDim, Align::kRight) +
             5;
  }
  const std::string text = title(info);
  draw_text(g, area.x + 9, area.bottom() - 16,
            text.empty() ? "empty" : fitted(g, text, kTextSmall, area.w - 18), kTextSmall,
            text.empty() ? kTextFaint : kText);
  if (model.value(shim::kFresh) > 0.5f && info.pool > 0) {
    draw_text(g, right, area.y + 13, std::string("+").append(std::to_string(info.pool)), 10.0f,
              kAccent, Align::kRight);
  }
  if (info.waiting) {
    const Box track{area.x + 9, area.bottom() - 6, area.w - 18, 2.5f};
    draw_panel(g, track, kLine, 1.0f);
    draw_panel(g, {track.x, track.y, track.w * std::clamp(info.progress, 0.04f, 1.0f), track.h},
               kAccent, 1.0f);
  }
}

bool PadGrid::press(const Pointer& pointer, Model& model) {
  const std::optional<std::uint32_t> pad = pad_at(pointer.x, pointer.y);
  if (!pad) return false;
  model.select(*pad);
  if (pointer.right_button) return false;  // select without a sound
  const Box area = pad_box(*pad);
  const float depth = std::clamp((pointer.y - area.y) / area.h, 0.0f, 1.0f);
  held_ = pad;
  model.hit(*pad, static_cast<std::uint32_t>(std::lround(40.0f + 87.0f * depth)));
  return true;
}

void PadGrid::release(const Pointer&, Model& model) {
  if (held_) model.hit(*held_, 0);
  held_.reset();
}

std::string PadGrid::hint(const Model&) const {
  return "Click selects and plays: the lower, the louder. Right-click selects without a sound. "
         "Keys C2 to D#3 (notes 36-51).";
}

}  // namespace driftwave::editor
