// Drawing helpers shared by the editor's controls. All functions are [ui].
#pragma once

#include <string>
#include <string_view>

#include "editor/theme.h"
#include "shim/generator.h"

namespace driftwave::editor {

using DGL_NAMESPACE::NanoVG;

/// A rectangle in logical pixels.
struct Box {
  float x = 0.0f;
  float y = 0.0f;
  float w = 0.0f;
  float h = 0.0f;

  float right() const { return x + w; }
  float bottom() const { return y + h; }
  float centre_x() const { return x + w * 0.5f; }
  float centre_y() const { return y + h * 0.5f; }
  bool contains(float px, float py) const { return px >= x && py >= y && px < x + w && py < y + h; }
  Box inset(float by) const { return {x + by, y + by, w - 2 * by, h - 2 * by}; }
};

enum class Align { kLeft, kCentre, kRight };

/// Writes one line whose middle is at `y`; returns its width.
float draw_text(NanoVG& g, float x, float y, std::string_view text, float size, const Color& color,
                Align align = Align::kLeft);

/// Width of a line of text.
float text_width(NanoVG& g, std::string_view text, float size);

/// The text, cut with an ellipsis so that it is at most `width` wide.
std::string fitted(NanoVG& g, std::string_view text, float size, float width);

/// A filled rectangle with round corners.
void draw_panel(NanoVG& g, const Box& box, const Color& fill, float round = kRound);

/// The outline of a rectangle with round corners.
void draw_frame(NanoVG& g, const Box& box, const Color& line, float thickness = 1.0f,
                float round = kRound);

/// The picture of a clip; `peak` scales so that the loudest sample fills the box.
void draw_waveform(NanoVG& g, const Box& box, const shim::Peaks& peaks, const Color& color);

}  // namespace driftwave::editor
