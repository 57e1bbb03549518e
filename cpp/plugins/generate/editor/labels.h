// What the editor writes around its controls: heading, engine state, section titles, status line.
#pragma once

#include <string>

#include "editor/control.h"

namespace driftwave::editor {

/// The name of the instrument and, at the right, the state of the engine.
class Heading : public Control {
 public:
  void draw(NanoVG& g, const Model& model) override;
  std::string hint(const Model& model) const override;
};

/// The seed of the selected pad's clip.
class SeedLabel : public Control {
 public:
  void draw(NanoVG& g, const Model& model) override;
  std::string hint(const Model& model) const override;
};

/// A titled panel behind a row of knobs.
class Section : public Control {
 public:
  explicit Section(std::string title) : title_(std::move(title)) {}
  void draw(NanoVG& g, const Model& model) override;

 private:
  std::string title_;
};

/// The bottom line: what went wrong and what to do, what was exported, or what the pointer is on.
class StatusLine : public Control {
 public:
  void draw(NanoVG& g, const Model& model) override;
  bool press(const Pointer& pointer, Model& model) override;
  /// The hint of the control under the pointer; empty for none.
  void set_hint(std::string hint) { hint_ = std::move(hint); }

 private:
  std::string hint_;
};

}  // namespace driftwave::editor
