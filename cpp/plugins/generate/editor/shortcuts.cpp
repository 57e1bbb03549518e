// The keys of the editor while no words are being typed.

#include <algorithm>

#include "editor/editor.h"

namespace driftwave::editor {

namespace {

constexpr std::uint32_t kRow = 4;  // pads in a row

// The pad that an arrow leads to; the first row is the lowest.
std::uint32_t pad_beside(std::uint32_t pad, Key key) {
  switch (key) {
    case Key::kLeft:
      return pad % kRow == 0 ? pad : pad - 1;
    case Key::kRight:
      return pad % kRow == kRow - 1 ? pad : pad + 1;
    case Key::kUp:
      return pad + kRow < shim::kPadCount ? pad + kRow : pad;
    case Key::kDown:
      return pad >= kRow ? pad - kRow : pad;
    default:
      return pad;
  }
}

void step(Model& model, std::uint32_t parameter, float by) {
  const shim::Parameter& entry = shim::kParameters[parameter];
  const float to = std::clamp(model.value(parameter) + by, entry.minimum, entry.maximum);
  if (to != model.value(parameter)) model.change(parameter, to);
}

}  // namespace

bool Editor::shortcut(const KeyPress& press) {
  Model& m = model_;
  if (press.control) {
    if (press.letter == 'v') return m.import_from_clipboard();
    if (press.letter != 'z' && press.letter != 'y') return false;
    press.letter == 'y' || press.shift ? m.redo() : m.undo();
    return true;
  }
  switch (press.key) {
    case Key::kUp:
    case Key::kDown:
      if (press.shift) {
        step(m, shim::kPartner, press.key == Key::kUp ? 1.0f : -1.0f);
        return true;
      }
      [[fallthrough]];
    case Key::kLeft:
    case Key::kRight:
      m.select(pad_beside(m.selected(), press.key));
      return true;
    case Key::kEnter:
      m.generate();
      return true;
    case Key::kEscape:
      m.cancel();
      return true;
    case Key::kTab:
      prompt_->set_focus(true);
      return true;
    default:
      break;
  }
  const std::uint32_t bars = shim::pad_parameter(m.selected(), shim::kPadBars);
  if (press.letter >= '1' && press.letter <= '8') {
    m.pick(static_cast<std::uint32_t>(press.letter - '1'));
    return true;
  }
  switch (press.letter) {
    case 'a':
      m.compare();
      return true;
    case 'e':
      m.export_clip();
      return true;
    case 'f':
      m.change(shim::kFresh, m.value(shim::kFresh) > 0.5f ? 0.0f : 1.0f);
      return true;
    case 'g':
      m.generate();
      return true;
    case 'i':
      m.interpolate();
      return true;
    case 'l':
      m.toggle_loop();
      return true;
    case 'o':
      browse();
      return true;
    case 'p':
      m.hit(m.selected(), 110);
      m.hit(m.selected(), 0);
      return true;
    case 'v':
      m.vary();
      return true;
    case '[':
      step(m, bars, -1.0f);
      return true;
    case ']':
      step(m, bars, 1.0f);
      return true;
    case '+':
    case '=':
      step(m, shim::kVariations, 1.0f);
      return true;
    case '-':
      step(m, shim::kVariations, -1.0f);
      return true;
    default:
      return false;
  }
}

}  // namespace driftwave::editor
