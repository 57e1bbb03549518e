#include "editor/knob.h"

#include <algorithm>
#include <cmath>

#include "editor/values.h"

namespace driftwave::editor {

namespace {

constexpr float kPi = 3.14159265f;
constexpr float kStartAngle = 0.75f * kPi;  // lower left
constexpr float kSweep = 1.5f * kPi;        // clockwise to lower right
constexpr float kTravel = 170.0f;           // pixels of a full turn
constexpr float kFine = 0.1f;               // Shift
constexpr float kWheelStep = 0.02f;         // of a full turn

}  // namespace

void Knob::draw(NanoVG& g, const Model& model) {
  const std::uint32_t parameter = parameter_(model);
  const float value = model.value(parameter);
  const float turn = std::clamp(to_turn(parameter, value), 0.0f, 1.0f);
  const float origin = turn_origin(parameter);
  const float radius = 17.0f;
  const float x = box.centre_x();
  const float y = box.y + radius + 3.0f;
  const bool active = hovered || dragging_;

  g.lineCap(NanoVG::ROUND);
  g.strokeWidth(3.5f);
  g.beginPath();
  g.arc(x, y, radius, kStartAngle, kStartAngle + kSweep, NanoVG::CW);
  g.strokeColor(kLine);
  g.stroke();
  const float from = kStartAngle + kSweep * std::min(origin, turn);
  const float to = kStartAngle + kSweep * std::max(origin, turn);
  if (to - from > 0.02f) {
    g.beginPath();
    g.arc(x, y, radius, from, to, NanoVG::CW);
    g.strokeColor(active ? mixed(kAccent, kText, 0.25f) : kAccent);
    g.stroke();
  }

  g.beginPath();
  g.circle(x, y, radius - 5.0f);
  g.fillPaint(
      g.linearGradient(x, y - radius, x, y + radius, active ? kRaisedHover : kRaised, kPanel));
  g.fill();
  g.strokeColor(faded(kLine, 0.8f));
  g.strokeWidth(1.0f);
  g.stroke();
  const float angle = kStartAngle + kSweep * turn;
  g.beginPath();
  g.moveTo(x + std::cos(angle) * 4.0f, y + std::sin(angle) * 4.0f);
  g.lineTo(x + std::cos(angle) * (radius - 6.5f), y + std::sin(angle) * (radius - 6.5f));
  g.strokeColor(kText);
  g.strokeWidth(2.0f);
  g.stroke();
  g.lineCap(NanoVG::BUTT);

  draw_text(g, x, box.y + 46.0f, label_, kTextSmall, active ? kText : kTextDim, Align::kCentre);
  draw_text(g, x, box.y + 60.0f, value_text(parameter, value), kTextSmall,
            active ? kAccent : kTextFaint, Align::kCentre);
}

bool Knob::press(const Pointer& pointer, Model& model) {
  if (pointer.right_button) return false;
  const std::uint32_t parameter = parameter_(model);
  if (pointer.double_click) {
    model.change(parameter, shim::kParameters[parameter].default_value);
    return false;
  }
  dragging_ = true;
  edited_ = parameter;
  turn_ = to_turn(parameter, model.value(parameter));
  last_y_ = pointer.y;
  model.begin(parameter);
  return true;
}

void Knob::drag(const Pointer& pointer, Model& model) {
  const float moved = (last_y_ - pointer.y) / kTravel * (pointer.shift ? kFine : 1.0f);
  last_y_ = pointer.y;
  turn_ = std::clamp(turn_ + moved, 0.0f, 1.0f);
  model.set(edited_, from_turn(edited_, turn_));
}

void Knob::release(const Pointer&, Model& model) {
  if (dragging_) model.end(edited_);
  dragging_ = false;
}

bool Knob::scroll(const Pointer& pointer, float lines, Model& model) {
  if (dragging_ || lines == 0.0f) return true;
  const std::uint32_t parameter = parameter_(model);
  const float value = model.value(parameter);
  if (shim::kParameters[parameter].flags & shim::kInteger) {
    model.change(parameter, value + (lines > 0 ? 1.0f : -1.0f));
  } else {
    const float step = kWheelStep * (pointer.shift ? kFine : 1.0f);
    model.change(parameter, from_turn(parameter, to_turn(parameter, value) + lines * step));
  }
  return true;
}

std::string Knob::hint(const Model& model) const {
  const shim::Parameter& entry = shim::kParameters[parameter_(model)];
  return std::string(entry.name.data()) + ": " + entry.hint +
         ".  Drag; Shift is fine; double-click resets.";
}

}  // namespace driftwave::editor
