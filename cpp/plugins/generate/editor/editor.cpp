#include "editor/editor.h"

#include <cmath>
#include <cstring>

#include "generate_plugin.h"

namespace driftwave::editor {

namespace {

constexpr std::uint32_t kMinimumWidth = 735;  // three quarters of the base size
constexpr std::uint32_t kMinimumHeight = 540;
constexpr auto kRefreshTime = std::chrono::milliseconds(33);
constexpr auto kDoubleClickTime = std::chrono::milliseconds(350);
constexpr float kDoubleClickDistance = 4.0f;

shim::Generator& generator_of(void* instance) {
  auto* const plugin = static_cast<DISTRHO_NAMESPACE::Plugin*>(instance);
  return static_cast<GeneratePlugin*>(plugin)->generator();
}

Key key_of(std::uint32_t key) {
  using namespace DGL_NAMESPACE;
  switch (key) {
    case kKeyLeft:
      return Key::kLeft;
    case kKeyRight:
      return Key::kRight;
    case kKeyUp:
      return Key::kUp;
    case kKeyDown:
      return Key::kDown;
    case kKeyHome:
    case kKeyPageUp:
      return Key::kHome;
    case kKeyEnd:
    case kKeyPageDown:
      return Key::kEnd;
    case kKeyBackspace:
      return Key::kBackspace;
    case kKeyDelete:
      return Key::kDelete;
    case kKeyEscape:
      return Key::kEscape;
    case '\t':
      return Key::kTab;
    case '\r':
    case '\n':
      return Key::kEnter;
    default:
      return Key::kOther;
  }
}

}  // namespace

Editor::Editor()
    : UI(DISTRHO_UI_DEFAULT_WIDTH, DISTRHO_UI_DEFAULT_HEIGHT),
      model_(generator_of(getPluginInstancePointer()), *this) {
  loadSharedResources();
  fontFace(NANOVG_DEJAVU_SANS_TTF);
  const double host_scale = getScaleFactor();
  const auto scaled = [host_scale](std::uint32_t length) {
    return static_cast<std::uint32_t>(std::lround(length * host_scale));
  };
  setGeometryConstraints(scaled(kMinimumWidth), scaled(kMinimumHeight), false, false);
  if (host_scale > 1.0) {
    setSize(scaled(DISTRHO_UI_DEFAULT_WIDTH), scaled(DISTRHO_UI_DEFAULT_HEIGHT));
  }
  heading_ = &add<Heading>();
  pads_ = &add<PadGrid>();
  prompt_ = &add<PromptField>();
  wave_ = &add<WaveView>();
  seed_ = &add<SeedLabel>();
  status_ = &add<StatusLine>();
  add_buttons();
  add_knobs();
  model_.refresh();
  prompt_->follow(model_);
}

float Editor::zoom() const {
  return std::min(static_cast<float>(getWidth()) / kBaseWidth,
                  static_cast<float>(getHeight()) / kBaseHeight);
}

void Editor::onNanoDisplay() {
  const float factor = zoom();
  layout(static_cast<float>(getWidth()) / factor, static_cast<float>(getHeight()) / factor);
  beginPath();
  rect(0, 0, static_cast<float>(getWidth()), static_cast<float>(getHeight()));
  fillColor(kBackground);
  fill();
  save();
  scale(factor, factor);
  for (const std::unique_ptr<Control>& control : controls_) control->draw(*this, model_);
  restore();
  drawn_once_ = true;
}

void Editor::uiIdle() {
  const Clock::time_point now = Clock::now();
  if (now - last_refresh_ < kRefreshTime) return;
  last_refresh_ = now;
  bool changed = model_.refresh();
  prompt_->follow(model_);
  changed = prompt_->blink() || changed;
  if (changed || !drawn_once_) repaint();
}

void Editor::uiFocus(bool focus, DGL_NAMESPACE::CrossingMode) {
  if (focus) return;
  if (prompt_->focused()) model_.close_edit();
  prompt_->set_focus(false);
  repaint();
}

Pointer Editor::pointer_at(const DGL_NAMESPACE::Point<double>& position,
                           std::uint32_t modifiers) const {
  const float factor = zoom();
  Pointer pointer;
  pointer.x = static_cast<float>(position.getX()) / factor;
  pointer.y = static_cast<float>(position.getY()) / factor;
  pointer.shift = (modifiers & DGL_NAMESPACE::kModifierShift) != 0;
  pointer.control = (modifiers & DGL_NAMESPACE::kModifierControl) != 0;
  return pointer;
}

Control* Editor::control_at(float x, float y) {
  for (auto control = controls_.rbegin(); control != controls_.rend(); ++control) {
    if ((*control)->box.contains(x, y)) return control->get();
  }
  return nullptr;
}

void Editor::hover(Control* control) {
  if (control == hovered_) return;
  if (hovered_ != nullptr) hovered_->hovered = false;
  hovered_ = control;
  if (hovered_ != nullptr) hovered_->hovered = true;
  status_->set_hint(control == nullptr ? std::string() : control->hint(model_));
  setCursor(control == prompt_ ? DGL_NAMESPACE::kMouseCursorCaret
                               : DGL_NAMESPACE::kMouseCursorArrow);
  repaint();
}

bool Editor::onMouse(const MouseEvent& event) {
  Pointer pointer = pointer_at(event.pos, event.mod);
  pointer.right_button = event.button == DGL_NAMESPACE::kMouseButtonRight;
  if (event.button == DGL_NAMESPACE::kMouseButtonMiddle || event.button > 3) return false;
  repaint();
  if (!event.press) {
    Control* const released = held_;
    held_ = nullptr;
    if (released != nullptr) released->release(pointer, model_);
    hover(control_at(pointer.x, pointer.y));
    return released != nullptr;
  }
  if (held_ != nullptr) return true;
  const Clock::time_point now = Clock::now();
  pointer.double_click = now - last_press_ < kDoubleClickTime &&
                         std::abs(pointer.x - last_press_at_.x) < kDoubleClickDistance &&
                         std::abs(pointer.y - last_press_at_.y) < kDoubleClickDistance;
  last_press_ = pointer.double_click ? Clock::time_point{} : now;
  last_press_at_ = pointer;
  Control* const control = control_at(pointer.x, pointer.y);
  if (control == prompt_) {
    getWindow().focus();
  } else {
    if (prompt_->focused()) model_.close_edit();
    prompt_->set_focus(false);
    getWindow().focus();  // the keys now are the editor's
  }
  if (control != nullptr && control->press(pointer, model_)) held_ = control;
  prompt_->follow(model_);
  return true;
}

bool Editor::onMotion(const MotionEvent& event) {
  const Pointer pointer = pointer_at(event.pos, event.mod);
  if (held_ != nullptr) {
    held_->drag(pointer, model_);
    repaint();
    return true;
  }
  hover(control_at(pointer.x, pointer.y));
  return hovered_ != nullptr;
}

bool Editor::onScroll(const ScrollEvent& event) {
  const Pointer pointer = pointer_at(event.pos, event.mod);
  Control* const control = control_at(pointer.x, pointer.y);
  if (control == nullptr) return false;
  const bool used = control->scroll(pointer, static_cast<float>(event.delta.getY()), model_);
  if (used) repaint();
  return used;
}

bool Editor::onKeyboard(const KeyboardEvent& event) {
  KeyPress press;
  press.key = key_of(event.key);
  press.shift = (event.mod & DGL_NAMESPACE::kModifierShift) != 0;
  press.control = (event.mod & DGL_NAMESPACE::kModifierControl) != 0;
  if (event.key < 0x80) press.letter = static_cast<char>(std::tolower(static_cast<int>(event.key)));
  if (!prompt_->focused()) {
    if ((event.mod & (DGL_NAMESPACE::kModifierAlt | DGL_NAMESPACE::kModifierSuper)) != 0)
      return false;
    if (!event.press || !shortcut(press)) return false;
    repaint();
    return true;
  }
  if (!event.press) return true;
  // Undo and redo are those of the pad, typed words included.
  if (!press.control || (press.letter != 'z' && press.letter != 'y') || !shortcut(press)) {
    prompt_->key(press, model_);
  }
  prompt_->follow(model_);
  repaint();
  return true;  // the host must not take keys while a prompt is being typed
}

bool Editor::onCharacterInput(const CharacterInputEvent& event) {
  if (!prompt_->focused()) return false;
  if ((event.mod & DGL_NAMESPACE::kModifierControl) != 0) return true;
  char text[sizeof event.string + 1] = {};
  std::memcpy(text, event.string, sizeof event.string);
  prompt_->character(text, model_);
  repaint();
  return true;
}

void Editor::gesture(std::uint32_t parameter, bool begin) { editParameter(parameter, begin); }

void Editor::set(std::uint32_t parameter, float value) { setParameterValue(parameter, value); }

void Editor::copy(std::string_view text) { setClipboard("text/plain", text.data(), text.size()); }

std::string Editor::paste() {
  std::size_t size = 0;
  const void* const data = getClipboard(size);
  if (data == nullptr || size == 0) return {};
  const std::string text(static_cast<const char*>(data), size);
  return text.substr(0, text.find('\0'));
}

void Editor::browse() {
  DISTRHO_NAMESPACE::FileBrowserOptions options;
  options.title = "Audio file for the pad: WAV, AIFF or FLAC";
  openFileBrowser(options);
}

void Editor::uiFileBrowserSelected(const char* filename) {
  if (filename == nullptr) return;  // nothing was chosen
  model_.import(filename);
  repaint();
}

}  // namespace driftwave::editor

START_NAMESPACE_DISTRHO

UI* createUI() { return new driftwave::editor::Editor(); }

END_NAMESPACE_DISTRHO
