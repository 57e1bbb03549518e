// The path that a clipboard means: file managers put a plain path or a file:// address on it.
#pragma once

#include <string>
#include <string_view>

namespace driftwave::editor {

/// [ui] The first absolute path or file:// address in the text, decoded; empty when there is none.
std::string file_of(std::string_view text);

}  // namespace driftwave::editor
