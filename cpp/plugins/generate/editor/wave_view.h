// The selected pad's clip: picture, length, voice, history, and the progress of the next one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "editor/control.h"

namespace driftwave::editor {

class WaveView : public Control {
 public:
  void draw(NanoVG& g, const Model& model) override;
  bool press(const Pointer& pointer, Model& model) override;
  void release(const Pointer& pointer, Model& model) override;
  std::string hint(const Model& model) const override;

 private:
  Box dot_box(std::uint32_t position, std::uint32_t count) const;
  void draw_beats(NanoVG& g, const Box& wave, double quarters) const;
  void draw_grid(NanoVG& g, const Box& wave, double seconds, float text_end) const;

  std::optional<std::uint32_t> playing_;
};

}  // namespace driftwave::editor
