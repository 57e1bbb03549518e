#include "shim/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>

#include "shim/text.h"

extern char** environ;

namespace driftwave::shim {
namespace {

constexpr mode_t kPrivateFolder = 0700;
constexpr mode_t kPrivateFile = 0600;
constexpr std::size_t kMaxLines = 64;

// The shell puts the engine into the background and prints its process id; "$@" keeps every
// argument as it was recorded. The engine's parent is then init, so nobody needs to wait for it.
constexpr const char* kScript = "log=$1; shift; \"$@\" </dev/null >>\"$log\" 2>&1 & echo $!";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// Hosts set these for themselves; an engine that inherits them may load the host's libraries.
bool belongs_to_host(std::string_view entry) {
  return entry.starts_with("LD_LIBRARY_PATH=") || entry.starts_with("LD_PRELOAD=");
}

class SpawnSettings {
 public:
  explicit SpawnSettings(int output) {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    // What the host left open, its sound card for one, must not stay open with the engine.
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
#endif
#endif
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  const posix_spawnattr_t* attributes() const { return &attributes_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

std::string LaunchRecord::path(const std::string& config_dir) {
  std::string folder = config_dir;
  if (folder.empty()) folder = environment("DRIFTWAVE_CONFIG_DIR");
  if (folder.empty()) folder = environment("XDG_CONFIG_HOME");
  if (folder.empty()) folder = environment("HOME") + "/.config";
  return folder + "/driftwave/launch";
}

std::optional<LaunchRecord> LaunchRecord::read(const std::string& config_dir,
                                               std::string& message) {
  const std::string file = path(config_dir);
  std::ifstream stream(file);
  LaunchRecord record;
  for (std::string line; record.command.size() < kMaxLines && std::getline(stream, line);) {
    record.command.push_back(line);
  }
  while (!record.command.empty() && record.command.back().empty()) record.command.pop_back();
  if (record.command.empty()) {
    message = "No engine is running and none is installed to be started (" + file +
              "). Run `driftwave install` once, or start `driftwave serve` yourself.";
    return std::nullopt;
  }
  return record;
}

bool autostart_forbidden() {
  const std::string value = environment("DRIFTWAVE_NO_AUTOSTART");
  return !value.empty() && value != "0";
}

std::optional<EngineStart> EngineStart::begin(const std::string& runtime_dir,
                                              std::string& message) {
  const std::string folder = runtime_dir + "/driftwave";
  ::mkdir(runtime_dir.c_str(), kPrivateFolder);
  ::mkdir(folder.c_str(), kPrivateFolder);
  const std::string path = folder + "/start.lock";
  link::FileDescriptor lock(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kPrivateFile));
  if (!lock) {
    message = "The engine can't be started: " + path + ": " + std::strerror(errno) + ".";
    return std::nullopt;
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  return EngineStart(std::move(lock), folder + "/engine.log");
}

bool EngineStart::spawn(const LaunchRecord& record, std::string& message) {
  // A log of its own for every start, so that the last words are this engine's.
  ::unlink(log_path_.c_str());
  const link::FileDescriptor log(::open(
      log_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kPrivateFile));
  if (!log) {
    message = "The engine can't be started: " + log_path_ + ": " + std::strerror(errno) + ".";
    return false;
  }
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    message = std::string("The engine can't be started: ") + std::strerror(errno) + ".";
    return false;
  }
  const link::FileDescriptor from(ends[0]);
  link::FileDescriptor to(ends[1]);

  std::vector<const char*> arguments = {"/bin/sh", "-c", kScript, "sh", log_path_.c_str()};
  for (const std::string& word : record.command) arguments.push_back(word.c_str());
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!belongs_to_host(*entry)) variables.push_back(*entry);
  }
  variables.push_back(nullptr);

  const SpawnSettings settings(to.get());
  pid_t shell = 0;
  const int fault = ::posix_spawn(&shell, "/bin/sh", settings.actions(), settings.attributes(),
                                  const_cast<char* const*>(arguments.data()), variables.data());
  to.reset();
  if (fault != 0) {
    message = std::string("The engine can't be started: ") + std::strerror(fault) + ".";
    return false;
  }
  char text[32] = {};
  std::size_t length = 0;
  while (length < sizeof text - 1) {
    const ssize_t got = ::read(from.get(), text + length, sizeof text - 1 - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  int status = 0;
  while (::waitpid(shell, &status, 0) < 0 && errno == EINTR) {
  }
  if (std::from_chars(text, text + length, pid_).ec != std::errc() || pid_ <= 0) {
    pid_ = 0;
    message = "The engine can't be started: /bin/sh did not run " + record.command.front() + ".";
    return false;
  }
  return true;
}

bool EngineStart::alive() const {
  if (pid_ == 0) return true;
  if (::kill(pid_, 0) != 0) return errno != ESRCH;
  // Where nobody reaps orphans (containers), a dead engine stays as a zombie.
  std::ifstream stream("/proc/" + std::to_string(pid_) + "/stat");
  std::string line;
  std::getline(stream, line);
  const std::size_t name_end = line.rfind(')');
  return name_end == std::string::npos || line.compare(name_end, 3, ") Z") != 0;
}

std::string EngineStart::last_words() const {
  std::ifstream stream(log_path_);
  std::string last;
  for (std::string line; std::getline(stream, line);) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  }
  return last.empty() ? "see " + log_path_ : clean_text(last, 300);
}

}  // namespace driftwave::shim
