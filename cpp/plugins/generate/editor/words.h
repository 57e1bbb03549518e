// Splits a prompt into words and says of each whether the last answer understood it.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace driftwave::editor {

enum class WordState { kUnasked, kUnderstood, kUnknown };

struct Word {
  std::size_t from = 0;  ///< first byte in the prompt
  std::size_t to = 0;    ///< one past the last byte
  WordState state = WordState::kUnasked;
};

/// [ui] `understood` and `unknown` are words separated by spaces or commas; letter case and
/// punctuation at a word's ends do not count.
std::vector<Word> mark_words(std::string_view prompt, std::string_view understood,
                             std::string_view unknown);

}  // namespace driftwave::editor
