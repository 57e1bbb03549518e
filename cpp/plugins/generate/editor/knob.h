// A knob for one parameter: drag, Shift for fine steps, wheel, double-click for the default.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "editor/control.h"

namespace driftwave::editor {

class Knob : public Control {
 public:
  /// `parameter` is asked at every use, so that a pad's knob follows the selected pad.
  Knob(std::string label, std::function<std::uint32_t(const Model&)> parameter)
      : label_(std::move(label)), parameter_(std::move(parameter)) {}

  void draw(NanoVG& g, const Model& model) override;
  bool press(const Pointer& pointer, Model& model) override;
  void drag(const Pointer& pointer, Model& model) override;
  void release(const Pointer& pointer, Model& model) override;
  bool scroll(const Pointer& pointer, float lines, Model& model) override;
  std::string hint(const Model& model) const override;

 private:
  std::string label_;
  std::function<std::uint32_t(const Model&)> parameter_;
  bool dragging_ = false;
  std::uint32_t edited_ = 0;  ///< the parameter of the gesture under way
  float turn_ = 0.0f;         ///< exact place while dragging, finer than the parameter's step
  float last_y_ = 0.0f;
};

}  // namespace driftwave::editor
