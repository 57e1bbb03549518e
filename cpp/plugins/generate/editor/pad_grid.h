// The sixteen pads, four by four, the first at the lower left as on a drum machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "editor/control.h"

namespace driftwave::editor {

class PadGrid : public Control {
 public:
  void draw(NanoVG& g, const Model& model) override;
  bool press(const Pointer& pointer, Model& model) override;
  void release(const Pointer& pointer, Model& model) override;
  std::string hint(const Model& model) const override;

 private:
  Box pad_box(std::uint32_t pad) const;
  std::optional<std::uint32_t> pad_at(float x, float y) const;
  void draw_pad(NanoVG& g, const Model& model, std::uint32_t pad) const;

  std::optional<std::uint32_t> held_;
};

/// [ui] "C2" for note 36, in the count where middle C (60) is C4.
std::string note_name(std::uint32_t note);

}  // namespace driftwave::editor
