#include "editor/button.h"

namespace driftwave::editor {

void Button::draw(NanoVG& g, const Model& model) {
  const bool enabled = !enabled_ || enabled_(model);
  const bool lit = lit_ && lit_(model);
  Color fill = kRaised;
  Color text = kText;
  if (style_ == ButtonStyle::kPrimary) {
    fill = kAccent;
    text = kBackground;
  } else if (style_ == ButtonStyle::kQuiet) {
    fill = kPanel;
    text = kTextDim;
  }
  if (lit) {
    fill = kAccentDark;
    text = kAccent;
  }
  if (!enabled) {
    fill = faded(style_ == ButtonStyle::kPrimary ? kAccentDark : fill, 0.55f);
    text = kTextFaint;
  } else if (held_) {
    fill = mixed(fill, kBackground, 0.3f);
  } else if (hovered) {
    fill = mixed(fill, kText, 0.12f);
  }
  draw_panel(g, box, fill, 6.0f);
  if (lit) {
    draw_frame(g, box, kAccent, 1.0f, 6.0f);
  } else if (style_ != ButtonStyle::kPrimary) {
    draw_frame(g, box, faded(kLine, enabled ? 1.0f : 0.5f), 1.0f, 6.0f);
  }
  draw_text(g, box.centre_x(), box.centre_y() + 0.5f, label_, kTextNormal, text, Align::kCentre);
}

bool Button::press(const Pointer& pointer, Model& model) {
  if (pointer.right_button || (enabled_ && !enabled_(model))) return false;
  held_ = true;
  return true;
}

void Button::release(const Pointer& pointer, Model& model) {
  const bool inside = box.contains(pointer.x, pointer.y);
  const bool was_held = held_;
  held_ = false;
  if (was_held && inside) action_(model);
}

}  // namespace driftwave::editor
