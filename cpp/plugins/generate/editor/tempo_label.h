// What a loop of this pad goes by: the host's tempo, how long its bars are, whether it runs.
#pragma once

#include <string>

#include "editor/control.h"

namespace driftwave::editor {

class TempoLabel : public Control {
 public:
  void draw(NanoVG& g, const Model& model) override;
  std::string hint(const Model& model) const override;
};

}  // namespace driftwave::editor
