#include "editor/paint.h"

#include <algorithm>
#include <cmath>

namespace driftwave::editor {

namespace {

// Length of the longest prefix of at most `bytes` bytes that cuts no UTF-8 character.
std::size_t whole_characters(std::string_view text, std::size_t bytes) {
  while (bytes > 0 && bytes < text.size() &&
         (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80)
    --bytes;
  return bytes;
}

}  // namespace

float draw_text(NanoVG& g, float x, float y, std::string_view text, float size, const Color& color,
                Align align) {
  if (text.empty()) return 0.0f;
  const int across = align == Align::kLeft     ? NanoVG::ALIGN_LEFT
                     : align == Align::kCentre ? NanoVG::ALIGN_CENTER
                                               : NanoVG::ALIGN_RIGHT;
  g.fontSize(size);
  g.textAlign(across | NanoVG::ALIGN_MIDDLE);
  g.fillColor(color);
  return g.text(x, y, text.data(), text.data() + text.size()) - x;
}

float text_width(NanoVG& g, std::string_view text, float size) {
  if (text.empty()) return 0.0f;
  g.fontSize(size);
  g.textAlign(NanoVG::ALIGN_LEFT | NanoVG::ALIGN_MIDDLE);
  DGL_NAMESPACE::Rectangle<float> bounds;
  return g.textBounds(0.0f, 0.0f, text.data(), text.data() + text.size(), bounds);
}

std::string fitted(NanoVG& g, std::string_view text, float size, float width) {
  if (text_width(g, text, size) <= width) return std::string(text);
  static constexpr std::string_view kEllipsis = "\u2026";
  std::size_t low = 0;
  std::size_t high = text.size();
  while (low < high) {
    const std::size_t middle = (low + high + 1) / 2;
    std::string cut(text.substr(0, whole_characters(text, middle)));
    cut += kEllipsis;
    if (text_width(g, cut, size) <= width) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  std::string cut(text.substr(0, whole_characters(text, low)));
  while (!cut.empty() && cut.back() == ' ') cut.pop_back();
  cut += kEllipsis;
  return cut;
}

void draw_panel(NanoVG& g, const Box& box, const Color& fill, float round) {
  g.beginPath();
  g.roundedRect(box.x, box.y, box.w, box.h, round);
  g.fillColor(fill);
  g.fill();
}

void draw_frame(NanoVG& g, const Box& box, const Color& line, float thickness, float round) {
  const float half = thickness * 0.5f;
  g.beginPath();
  g.roundedRect(box.x + half, box.y + half, box.w - thickness, box.h - thickness, round);
  g.strokeColor(line);
  g.strokeWidth(thickness);
  g.stroke();
}

void draw_waveform(NanoVG& g, const Box& box, const shim::Peaks& peaks, const Color& color) {
  if (peaks.serial == 0) return;
  float loudest = 0.0f;
  for (std::size_t i = 0; i < shim::kPeakCount; ++i) {
    loudest = std::max({loudest, std::abs(peaks.low[i]), std::abs(peaks.high[i])});
  }
  if (loudest <= 0.0f) loudest = 1.0f;
  const float scale = 0.5f * box.h / loudest;
  const float middle = box.centre_y();
  // A small picture joins columns, so that none is narrower than about two pixels.
  std::size_t joined = 1;
  while (joined < 8 && box.w * static_cast<float>(joined) < 1.7f * shim::kPeakCount) joined *= 2;
  const std::size_t columns = shim::kPeakCount / joined;
  const float step = box.w / static_cast<float>(columns - 1);
  constexpr float kLeast = 0.5f;  // silence stays visible as a line
  g.beginPath();
  for (std::size_t i = 0; i < columns; ++i) {
    const float high = *std::max_element(&peaks.high[i * joined], &peaks.high[i * joined] + joined);
    const float x = box.x + step * static_cast<float>(i);
    const float y = middle - std::max(high * scale, kLeast);
    if (i == 0) {
      g.moveTo(x, y);
    } else {
      g.lineTo(x, y);
    }
  }
  for (std::size_t i = columns; i-- > 0;) {
    const float low = *std::min_element(&peaks.low[i * joined], &peaks.low[i * joined] + joined);
    g.lineTo(box.x + step * static_cast<float>(i), middle - std::min(low * scale, -kLeast));
  }
  g.closePath();
  g.fillColor(color);
  g.fill();
}

}  // namespace driftwave::editor
