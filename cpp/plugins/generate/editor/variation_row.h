// The sounds to choose from: one chip for each variation of the selected pad's present step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "editor/control.h"

namespace driftwave::editor {

class VariationRow : public Control {
 public:
  void draw(NanoVG& g, const Model& model) override;
  bool press(const Pointer& pointer, Model& model) override;
  void release(const Pointer& pointer, Model& model) override;
  std::string hint(const Model& model) const override;

 private:
  Box chip_box(std::uint32_t variation, std::uint32_t count) const;

  std::optional<std::uint32_t> playing_;
};

}  // namespace driftwave::editor
