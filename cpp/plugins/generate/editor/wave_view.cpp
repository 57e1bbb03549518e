#include "editor/wave_view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace driftwave::editor {

namespace {

constexpr float kTop = 28.0f;     // heading
constexpr float kBottom = 24.0f;  // time line and history
constexpr std::uint32_t kFullVelocity = 127;

double seconds_of(const shim::ClipInfo& clip) {
  return clip.sample_rate_hz > 0.0 ? clip.frames / clip.sample_rate_hz : 0.0;
}

// The distance between time marks: the least of 1, 2, 5 x 10^n that gives at most `most` marks.
double mark_distance(double seconds, int most) {
  double unit = 0.001;
  for (;;) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (seconds / (unit * factor) <= most) return unit * factor;
    }
    unit *= 10.0;
  }
}

std::string time_text(double seconds) {
  char text[32];
  if (seconds < 1.0) {
    std::snprintf(text, sizeof text, "%.0f ms", seconds * 1000.0);
  } else {
    std::snprintf(text, sizeof text, "%.2f s", seconds);
  }
  return text;
}

}  // namespace

Box WaveView::dot_box(std::uint32_t position, std::uint32_t count) const {
  const float step = std::min(16.0f, 0.7f * box.w / static_cast<float>(std::max(count, 1U)));
  const float left = box.right() - 14.0f - step * static_cast<float>(count);
  return {left + step * static_cast<float>(position), box.bottom() - 20.0f, step, 16.0f};
}

void WaveView::draw_grid(NanoVG& g, const Box& wave, double seconds, float text_end) const {
  const double distance = mark_distance(seconds, 8);
  for (int i = 1; i * distance < seconds * 0.999; ++i) {
    const float x = wave.x + wave.w * static_cast<float>(i * distance / seconds);
    g.beginPath();
    g.rect(x, wave.y, 1.0f, wave.h);
    g.fillColor(faded(kLine, 0.6f));
    g.fill();
    if (x < text_end) {
      draw_text(g, x, box.bottom() - 12, time_text(i * distance), 10.0f, kTextFaint,
                Align::kCentre);
    }
  }
}

// One line a quarter note, few enough to be told apart.
void WaveView::draw_beats(NanoVG& g, const Box& wave, double quarters) const {
  const double every = quarters <= 32.0 ? 1.0 : 4.0;
  for (int i = 1; i * every < quarters - 1.0e-6; ++i) {
    const float x = wave.x + wave.w * static_cast<float>(i * every / quarters);
    g.beginPath();
    g.rect(x, wave.y, 1.0f, wave.h);
    g.fillColor(faded(i % 4 == 0 ? kTextFaint : kLine, 0.7f));
    g.fill();
  }
  char text[48];
  std::snprintf(text, sizeof text, "%g beats", quarters);
  draw_text(g, box.x + 14, box.bottom() - 12, text, 10.0f, kTextFaint);
}

void WaveView::draw(NanoVG& g, const Model& model) {
  const shim::PadInfo& pad = model.selected_pad();
  const shim::ClipInfo& clip = pad.clip;
  draw_panel(g, box, kPanel);
  draw_frame(g, box, hovered ? kTextFaint : kLine);
  const Box wave{box.x + 14, box.y + kTop, box.w - 28, box.h - kTop - kBottom};
  const float flash = model.flash(model.selected());

  if (clip.serial == 0) {
    draw_text(g, box.x + 14, box.y + 15, "No sound on this pad yet", kTextNormal, kTextDim);
    draw_text(g, wave.centre_x(), wave.centre_y(),
              pad.importing ? "Reading the file\u2026"
              : pad.waiting ? "Generating\u2026"
                            : "Describe a sound above and press Generate",
              kTextNormal, kTextFaint, Align::kCentre);
  } else {
    const std::string name =
        clip.prompt.empty() ? (pad.name.empty() ? "Untitled" : pad.name) : clip.prompt;
    char facts[96];
    std::snprintf(facts, sizeof facts, "%s  \u00b7  %.1f kHz  \u00b7  %s",
                  time_text(seconds_of(clip)).c_str(), clip.sample_rate_hz / 1000.0,
                  clip.channels == 2 ? "stereo" : "mono");
    const float width = text_width(g, facts, kTextSmall);
    draw_text(g, box.x + 14, box.y + 15, fitted(g, name, kTextNormal, box.w - width - 48),
              kTextNormal, kText);
    draw_text(g, box.right() - 14, box.y + 15, facts, kTextSmall, kTextDim, Align::kRight);
    const float takes = pad.history > 1 ? dot_box(0, pad.history).x - 60.0f : wave.right() - 20.0f;
    if (clip.quarters > 0.0) {
      draw_beats(g, wave, clip.quarters);
    } else {
      draw_grid(g, wave, std::max(seconds_of(clip), 0.001), takes);
    }
    draw_waveform(g, wave, model.peaks(model.selected()), mixed(kAccent, kText, flash * 0.7f));
    if (pad.loop_position >= 0.0f) {
      g.beginPath();
      g.rect(wave.x + wave.w * pad.loop_position - 0.75f, wave.y, 1.5f, wave.h);
      g.fillColor(kText);
      g.fill();
    }
  }
  if (pad.waiting) {
    const Box track{wave.x, box.y + kTop - 6, wave.w, 3.0f};
    draw_panel(g, track, kLine, 1.5f);
    draw_panel(g, {track.x, track.y, track.w * std::clamp(pad.progress, 0.03f, 1.0f), track.h},
               kAccent, 1.5f);
  }
  if (pad.history > 1) {
    for (std::uint32_t i = 0; i < pad.history; ++i) {
      const Box dot = dot_box(i, pad.history);
      const bool here = i == pad.history_at;
      g.beginPath();
      g.circle(dot.centre_x(), dot.centre_y(), here ? 4.5f : 3.5f);
      g.fillColor(here ? kAccent : kLine);
      g.fill();
    }
    draw_text(g, dot_box(0, pad.history).x - 6, box.bottom() - 12, "steps", 10.0f, kTextFaint,
              Align::kRight);
  }
}

bool WaveView::press(const Pointer& pointer, Model& model) {
  if (pointer.right_button) return false;
  const shim::PadInfo& pad = model.selected_pad();
  for (std::uint32_t i = 0; pad.history > 1 && i < pad.history; ++i) {
    if (!dot_box(i, pad.history).contains(pointer.x, pointer.y)) continue;
    model.choose(i);
    break;
  }
  playing_ = model.selected();
  model.hit(*playing_, kFullVelocity);
  return true;
}

void WaveView::release(const Pointer&, Model& model) {
  if (playing_) model.hit(*playing_, 0);
  playing_.reset();
}

std::string WaveView::hint(const Model& model) const {
  return model.selected_pad().history > 1
             ? "Click to play. The dots are the pad's last changes: click one to go back to it."
             : "Click to play the pad at full velocity.";
}

}  // namespace driftwave::editor
