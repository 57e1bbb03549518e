// A whole number with an arrow on either side: click, wheel, or the keys that its hint names.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "editor/control.h"

namespace driftwave::editor {

class Stepper : public Control {
 public:
  using Parameter = std::function<std::uint32_t(const Model&)>;
  using Text = std::function<std::string(const Model&, float value)>;

  /// `parameter` is asked at every use; `text` says its value.
  Stepper(Parameter parameter, Text text, std::string hint)
      : parameter_(std::move(parameter)), text_(std::move(text)), hint_(std::move(hint)) {}

  void draw(NanoVG& g, const Model& model) override;
  bool press(const Pointer& pointer, Model& model) override;
  bool scroll(const Pointer& pointer, float lines, Model& model) override;
  std::string hint(const Model&) const override { return hint_; }

 private:
  void step(Model& model, float by) const;

  Parameter parameter_;
  Text text_;
  std::string hint_;
};

}  // namespace driftwave::editor
