#include "editor/tempo_label.h"

#include <cstdio>

namespace driftwave::editor {

void TempoLabel::draw(NanoVG& g, const Model& model) {
  const shim::Snapshot& snapshot = model.snapshot();
  const float bars = model.value(shim::pad_parameter(model.selected(), shim::kPadBars));
  const bool loops = model.value(shim::pad_parameter(model.selected(), shim::kPadLoop)) > 0.5f;
  const bool sounds = model.selected_pad().loop_position >= 0.0f;
  char tempo[48];
  std::snprintf(tempo, sizeof tempo, "%.1f BPM", snapshot.bpm);
  std::string below = snapshot.transport_playing ? "host plays" : "host stopped";
  if (bars > 0.5f) {
    char length[32];
    std::snprintf(length, sizeof length, "%.3f s",
                  static_cast<double>(bars) * snapshot.bar_quarters * 60.0 / snapshot.bpm);
    below = std::string(length) + "  \u00b7  " + below;
  }
  draw_text(g, box.centre_x(), box.y + 9, tempo, kTextNormal, sounds ? kAccent : kText,
            Align::kCentre);
  draw_text(g, box.centre_x(), box.bottom() - 8, fitted(g, below, 10.0f, box.w), 10.0f,
            loops && !snapshot.transport_playing ? kWarning : kTextFaint, Align::kCentre);
}

std::string TempoLabel::hint(const Model&) const {
  return "The host's tempo and what the bars last at it. Loops sound while the host plays and "
         "follow a new tempo at once, pitch and all.";
}

}  // namespace driftwave::editor
