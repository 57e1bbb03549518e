#include "editor/export_folder.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace driftwave::editor {

namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// The value of XDG_MUSIC_DIR="$HOME/Music" in the desktop's list of folders; empty when not there.
std::string listed_music_folder(const std::filesystem::path& config, const std::string& home) {
  std::ifstream file(config / "user-dirs.dirs");
  static constexpr std::string_view kKey = "XDG_MUSIC_DIR=\"";
  static constexpr std::string_view kHome = "$HOME";
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, kKey.size(), kKey) != 0) continue;
    std::string value = line.substr(kKey.size());
    value = value.substr(0, value.find('"'));
    if (value.compare(0, kHome.size(), kHome) == 0) value = home + value.substr(kHome.size());
    return value;
  }
  return {};
}

}  // namespace

std::filesystem::path export_folder() {
  const std::string home = environment("HOME");
  std::filesystem::path music = environment("XDG_MUSIC_DIR");
  if (music.empty()) {
    std::filesystem::path config = environment("XDG_CONFIG_HOME");
    if (config.empty()) config = std::filesystem::path(home) / ".config";
    music = listed_music_folder(config, home);
  }
  if (music.empty() || music == std::filesystem::path(home)) {
    music = std::filesystem::path(home.empty() ? "/tmp" : home) / "Music";
  }
  return music / "Driftwave";
}

}  // namespace driftwave::editor
