// Where exported clips go: a folder Driftwave in the user's music folder.
#pragma once

#include <filesystem>

namespace driftwave::editor {

/// [ui] $XDG_MUSIC_DIR, else XDG_MUSIC_DIR of user-dirs.dirs, else ~/Music; then "Driftwave".
/// The folder need not exist yet.
std::filesystem::path export_folder();

}  // namespace driftwave::editor
