#include "editor/text_edit.h"

#include <algorithm>

namespace driftwave::editor {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Length of the UTF-8 character at `at`; 0 when it is broken.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80             ? 1
                             : (lead & 0xE0) == 0xC0 ? 2
                             : (lead & 0xF0) == 0xE0 ? 3
                             : (lead & 0xF8) == 0xF0 ? 4
                                                     : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[at + i])) return 0;
  }
  return length;
}

std::string cleaned(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_length(text, at);
    if (length == 0) {
      ++at;
      continue;
    }
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead == '\n' || lead == '\t') {
      out += ' ';
    } else if (lead >= 0x20 && lead != 0x7F) {
      out.append(text.substr(at, length));
    }
    at += length;
  }
  return out;
}

}  // namespace

std::pair<std::size_t, std::size_t> TextEdit::selection() const {
  return std::minmax(caret_, anchor_);
}

std::string TextEdit::selected() const {
  const auto [from, to] = selection();
  return text_.substr(from, to - from);
}

void TextEdit::reset(std::string_view text) {
  text_.clear();
  caret_ = anchor_ = 0;
  insert(text);
}

void TextEdit::insert(std::string_view text) {
  const auto [from, to] = selection();
  erase(from, to);
  std::string clean = cleaned(text);
  std::size_t room = max_bytes_ - text_.size();
  if (clean.size() > room) {
    while (room > 0 && is_continuation(clean[room])) --room;
    clean.resize(room);
  }
  text_.insert(caret_, clean);
  caret_ += clean.size();
  anchor_ = caret_;
}

void TextEdit::erase_left(Step step) {
  const auto [from, to] = selection();
  if (from != to) {
    erase(from, to);
  } else {
    erase(left_of(caret_, step), caret_);
  }
}

void TextEdit::erase_right(Step step) {
  const auto [from, to] = selection();
  if (from != to) {
    erase(from, to);
  } else {
    erase(caret_, right_of(caret_, step));
  }
}

void TextEdit::move_left(Step step, bool select) {
  if (!select && has_selection() && step == Step::kCharacter) {
    place(selection().first, false);
  } else {
    place(left_of(caret_, step), select);
  }
}

void TextEdit::move_right(Step step, bool select) {
  if (!select && has_selection() && step == Step::kCharacter) {
    place(selection().second, false);
  } else {
    place(right_of(caret_, step), select);
  }
}

void TextEdit::place(std::size_t position, bool select) {
  position = std::min(position, text_.size());
  while (position > 0 && position < text_.size() && is_continuation(text_[position])) --position;
  caret_ = position;
  if (!select) anchor_ = caret_;
}

void TextEdit::select_word(std::size_t position) {
  position = std::min(position, text_.size());
  std::size_t from = position;
  std::size_t to = position;
  while (from > 0 && text_[from - 1] != ' ') --from;
  while (to < text_.size() && text_[to] != ' ') ++to;
  anchor_ = from;
  caret_ = to;
}

void TextEdit::select_all() {
  anchor_ = 0;
  caret_ = text_.size();
}

std::size_t TextEdit::left_of(std::size_t position, Step step) const {
  if (step == Step::kEnd || position == 0) return 0;
  if (step == Step::kCharacter) {
    do {
      --position;
    } while (position > 0 && is_continuation(text_[position]));
    return position;
  }
  while (position > 0 && text_[position - 1] == ' ') --position;
  while (position > 0 && text_[position - 1] != ' ') --position;
  return position;
}

std::size_t TextEdit::right_of(std::size_t position, Step step) const {
  const std::size_t end = text_.size();
  if (step == Step::kEnd || position >= end) return end;
  if (step == Step::kCharacter) {
    do {
      ++position;
    } while (position < end && is_continuation(text_[position]));
    return position;
  }
  while (position < end && text_[position] == ' ') ++position;
  while (position < end && text_[position] != ' ') ++position;
  return position;
}

void TextEdit::erase(std::size_t from, std::size_t to) {
  text_.erase(from, to - from);
  caret_ = anchor_ = from;
}

}  // namespace driftwave::editor
