// A push button or, with a state to show, a switch.
#pragma once

#include <functional>
#include <string>

#include "editor/control.h"

namespace driftwave::editor {

enum class ButtonStyle { kPlain, kPrimary, kQuiet };

class Button : public Control {
 public:
  using Action = std::function<void(Model&)>;
  using Test = std::function<bool(const Model&)>;

  Button(std::string label, std::string hint, ButtonStyle style, Action action)
      : label_(std::move(label)),
        hint_(std::move(hint)),
        style_(style),
        action_(std::move(action)) {}

  /// Makes it a switch that is lit while `lit` holds.
  Button& lit_when(Test lit) {
    lit_ = std::move(lit);
    return *this;
  }
  /// Can be pressed only while `enabled` holds.
  Button& enabled_when(Test enabled) {
    enabled_ = std::move(enabled);
    return *this;
  }

  void draw(NanoVG& g, const Model& model) override;
  bool press(const Pointer& pointer, Model& model) override;
  void release(const Pointer& pointer, Model& model) override;
  std::string hint(const Model&) const override { return hint_; }

 private:
  std::string label_;
  std::string hint_;
  ButtonStyle style_;
  Action action_;
  Test lit_;
  Test enabled_;
  bool held_ = false;
};

}  // namespace driftwave::editor
