// The base of what the editor shows: a box that draws itself and answers the pointer.
#pragma once

#include <string>

#include "editor/model.h"
#include "editor/paint.h"

namespace driftwave::editor {

/// Where the pointer is and what goes with it.
struct Pointer {
  float x = 0.0f;
  float y = 0.0f;
  bool shift = false;
  bool control = false;
  bool right_button = false;
  bool double_click = false;
};

/// All functions are [ui].
class Control {
 public:
  virtual ~Control() = default;

  virtual void draw(NanoVG& g, const Model& model) = 0;
  /// True takes the pointer: drag() and release() follow.
  virtual bool press(const Pointer&, Model&) { return false; }
  virtual void drag(const Pointer&, Model&) {}
  virtual void release(const Pointer&, Model&) {}
  virtual bool scroll(const Pointer&, float /*lines*/, Model&) { return false; }
  /// What the status line says while the pointer rests on the control.
  virtual std::string hint(const Model&) const { return {}; }

  Box box;
  bool hovered = false;
};

}  // namespace driftwave::editor
