// The prompt of the selected pad: a text entry that colours words by what the engine understood.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "editor/control.h"
#include "editor/text_edit.h"

namespace driftwave::editor {

/// A key that is not text, already freed of the platform's codes.
enum class Key {
  kLeft,
  kRight,
  kUp,
  kDown,
  kHome,
  kEnd,
  kBackspace,
  kDelete,
  kEnter,
  kEscape,
  kTab,
  kOther
};

struct KeyPress {
  Key key = Key::kOther;
  char letter = 0;  ///< lower case, for Control with a letter
  bool shift = false;
  bool control = false;
};

class PromptField : public Control {
 public:
  PromptField();

  void draw(NanoVG& g, const Model& model) override;
  bool press(const Pointer& pointer, Model& model) override;
  void drag(const Pointer& pointer, Model& model) override;
  void release(const Pointer& pointer, Model& model) override;
  std::string hint(const Model& model) const override;

  /// True when the key was used; a field without focus uses none.
  bool key(const KeyPress& press, Model& model);
  /// True when the text was used.
  bool character(const char* utf8, Model& model);

  /// Shows the selected pad's prompt when another pad was chosen or the prompt changed elsewhere.
  void follow(const Model& model);
  bool focused() const { return focused_; }
  void set_focus(bool focused);
  /// Switches the caret on and off; true when the picture changed.
  bool blink();

 private:
  void changed(Model& model);
  bool shortcut(const KeyPress& press, Model& model);
  std::size_t position_at(float x) const;
  void scroll_to_caret(NanoVG& g);

  TextEdit edit_;
  std::uint32_t pad_ = 0;
  bool focused_ = false;
  bool selecting_ = false;
  bool caret_shown_ = true;
  int blink_ticks_ = 0;
  float scroll_ = 0.0f;
  std::string measured_;           ///< the text that `offsets_` belongs to
  std::vector<float> offsets_{0};  ///< x of every byte position, from the text's start
};

}  // namespace driftwave::editor
