#include "editor/words.h"

#include <cctype>
#include <set>
#include <string>

namespace driftwave::editor {

namespace {

bool is_separator(char c) { return c == ' ' || c == ','; }

bool is_edge(char c) {
  return std::ispunct(static_cast<unsigned char>(c)) != 0 && c != '&' && c != '#';
}

// The word as it is compared: lower case, without punctuation at its ends.
std::string bare(std::string_view word) {
  while (!word.empty() && is_edge(word.front())) word.remove_prefix(1);
  while (!word.empty() && is_edge(word.back())) word.remove_suffix(1);
  std::string out(word);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::vector<Word> split(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && is_separator(text[at])) ++at;
    const std::size_t from = at;
    while (at < text.size() && !is_separator(text[at])) ++at;
    if (at > from) words.push_back({from, at, WordState::kUnasked});
  }
  return words;
}

std::set<std::string> as_set(std::string_view text) {
  std::set<std::string> out;
  for (const Word& word : split(text))
    out.insert(bare(text.substr(word.from, word.to - word.from)));
  return out;
}

}  // namespace

std::vector<Word> mark_words(std::string_view prompt, std::string_view understood,
                             std::string_view unknown) {
  const std::set<std::string> known = as_set(understood);
  const std::set<std::string> strange = as_set(unknown);
  std::vector<Word> words = split(prompt);
  for (Word& word : words) {
    const std::string name = bare(prompt.substr(word.from, word.to - word.from));
    if (known.contains(name)) {
      word.state = WordState::kUnderstood;
    } else if (strange.contains(name)) {
      word.state = WordState::kUnknown;
    }
  }
  return words;
}

}  // namespace driftwave::editor
