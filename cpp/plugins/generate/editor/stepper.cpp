#include "editor/stepper.h"

#include <algorithm>

namespace driftwave::editor {

namespace {

constexpr float kArrow = 20.0f;  // width of an arrow's place

void draw_arrow(NanoVG& g, float x, float y, float direction, const Color& color) {
  g.beginPath();
  g.moveTo(x - 2.5f * direction, y - 4.5f);
  g.lineTo(x + 3.0f * direction, y);
  g.lineTo(x - 2.5f * direction, y + 4.5f);
  g.strokeColor(color);
  g.strokeWidth(1.6f);
  g.stroke();
}

}  // namespace

void Stepper::draw(NanoVG& g, const Model& model) {
  const std::uint32_t parameter = parameter_(model);
  const shim::Parameter& entry = shim::kParameters[parameter];
  const float value = model.value(parameter);
  draw_panel(g, box, hovered ? kRaisedHover : kRaised, 6.0f);
  draw_frame(g, box, kLine, 1.0f, 6.0f);
  const float y = box.centre_y();
  draw_arrow(g, box.x + kArrow * 0.5f, y, -1.0f, value > entry.minimum ? kTextDim : kLine);
  draw_arrow(g, box.right() - kArrow * 0.5f, y, 1.0f, value < entry.maximum ? kTextDim : kLine);
  draw_text(g, box.centre_x(), y + 0.5f,
            fitted(g, text_(model, value), kTextNormal, box.w - 2 * kArrow), kTextNormal, kText,
            Align::kCentre);
}

bool Stepper::press(const Pointer& pointer, Model& model) {
  if (pointer.right_button) return false;
  step(model, pointer.x < box.centre_x() ? -1.0f : 1.0f);
  return false;
}

bool Stepper::scroll(const Pointer&, float lines, Model& model) {
  if (lines != 0.0f) step(model, lines > 0.0f ? 1.0f : -1.0f);
  return true;
}

void Stepper::step(Model& model, float by) const {
  const std::uint32_t parameter = parameter_(model);
  const shim::Parameter& entry = shim::kParameters[parameter];
  const float value = std::clamp(model.value(parameter) + by, entry.minimum, entry.maximum);
  if (value != model.value(parameter)) model.change(parameter, value);
}

}  // namespace driftwave::editor
