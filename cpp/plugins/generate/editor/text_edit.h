// One line of UTF-8 text with a caret and a selection; knows nothing of keys or drawing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace driftwave::editor {

enum class Step { kCharacter, kWord, kEnd };

/// Positions are byte offsets at character boundaries. All functions are [ui].
class TextEdit {
 public:
  explicit TextEdit(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  const std::string& text() const { return text_; }
  std::size_t caret() const { return caret_; }
  bool has_selection() const { return caret_ != anchor_; }
  /// First and one past the last selected byte.
  std::pair<std::size_t, std::size_t> selection() const;
  std::string selected() const;

  /// Replaces everything; the caret goes to the end.
  void reset(std::string_view text);
  /// Puts text in place of the selection. Line breaks and tabs become spaces, other control
  /// characters and broken UTF-8 are left out; what exceeds the limit is cut off.
  void insert(std::string_view text);
  /// Remove the selection, else one step to the left or right of the caret.
  void erase_left(Step step);
  void erase_right(Step step);
  /// Move the caret; `select` leaves the other end of the selection where it is.
  void move_left(Step step, bool select);
  void move_right(Step step, bool select);
  void place(std::size_t position, bool select);
  void select_word(std::size_t position);
  void select_all();

 private:
  std::size_t left_of(std::size_t position, Step step) const;
  std::size_t right_of(std::size_t position, Step step) const;
  void erase(std::size_t from, std::size_t to);

  std::size_t max_bytes_;
  std::string text_;
  std::size_t caret_ = 0;
  std::size_t anchor_ = 0;
};

}  // namespace driftwave::editor
