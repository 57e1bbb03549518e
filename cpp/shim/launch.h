// Starting the engine from a plugin: the launch record, the lock that keeps it to one at a time,
// and the process itself, which outlives the plugin and the DAW.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "link/file_descriptor.h"

namespace driftwave::shim {

/// [link] The command that `driftwave install` recorded: a plain text file `driftwave/launch` in
/// the user's configuration folder; first line the program, each further line one argument.
struct LaunchRecord {
  std::vector<std::string> command;

  /// $DRIFTWAVE_CONFIG_DIR, else $XDG_CONFIG_HOME, else ~/.config; `config_dir` overrides them.
  static std::string path(const std::string& config_dir);
  /// Nothing when there is none; then `message` says what the user can do.
  static std::optional<LaunchRecord> read(const std::string& config_dir, std::string& message);
};

/// [link] DRIFTWAVE_NO_AUTOSTART set to anything but 0.
bool autostart_forbidden();

/// One attempt to start an engine. While it lives nobody else of this user starts one.
class EngineStart {
 public:
  /// [link] Nothing when another plugin is starting an engine now, or when the folder for the lock
  /// can't be made (then `message` says why).
  static std::optional<EngineStart> begin(const std::string& runtime_dir, std::string& message);

  /// [link] Starts the command in a session of its own, with /dev/null as input and the log file
  /// as output. False and a message when it can't be run.
  bool spawn(const LaunchRecord& record, std::string& message);

  /// [link] Whether the started process still runs; true before spawn().
  bool alive() const;
  /// [link] The last line that the engine wrote, or the log's path when it wrote nothing.
  std::string last_words() const;
  const std::string& log_path() const { return log_path_; }  // [link]

 private:
  EngineStart(link::FileDescriptor lock, std::string log_path)
      : lock_(std::move(lock)), log_path_(std::move(log_path)) {}

  link::FileDescriptor lock_;
  std::string log_path_;
  pid_t pid_ = 0;
};

}  // namespace driftwave::shim
