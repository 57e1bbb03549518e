#include "editor/file_address.h"

#include <algorithm>

namespace driftwave::editor {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The characters that %41 and its like stand for.
std::string decoded(std::string_view address) {
  std::string out;
  for (std::size_t i = 0; i < address.size(); ++i) {
    const bool code = address[i] == '%' && i + 2 < address.size() &&
                      hex_digit(address[i + 1]) >= 0 && hex_digit(address[i + 2]) >= 0;
    if (code) {
      out += static_cast<char>(hex_digit(address[i + 1]) * 16 + hex_digit(address[i + 2]));
      i += 2;
    } else {
      out += address[i];
    }
  }
  return out;
}

}  // namespace

std::string file_of(std::string_view text) {
  static constexpr std::string_view kScheme = "file://";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with(kScheme)) {
      line.remove_prefix(kScheme.size());
      const std::size_t path = line.find('/');  // behind the name of the machine, if there is one
      return path == std::string_view::npos ? std::string() : decoded(line.substr(path));
    }
    if (line.starts_with('/')) return std::string(line);
  }
  return {};
}

}  // namespace driftwave::editor
