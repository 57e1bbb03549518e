// Starting the engine from a plugin: by the record, once, with its arguments, and outliving it.
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>

#include "shim/launch.h"
#include "shim_engine.h"

using namespace driftwave::shim;
using namespace driftwave::shim::testing;

namespace {

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 12000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

std::string content(const std::string& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_record(const TemporaryFolder& folder, const std::vector<std::string>& command) {
  std::filesystem::create_directories(folder.path() + "/driftwave");
  std::ofstream stream(folder.path() + "/driftwave/launch");
  for (const std::string& line : command) stream << line << '\n';
}

std::unique_ptr<Generator> started_from(const TemporaryFolder& folder) {
  auto generator = std::make_unique<Generator>(GeneratorOptions{
      .link = true, .autostart = true, .runtime_dir = folder.path(), .config_dir = folder.path()});
  play(*generator, 64, 64, {});  // only a plugin in use may start an engine
  return generator;
}

}  // namespace

TEST("the record is read line by line, and a missing one names its remedy") {
  const TemporaryFolder folder;
  std::string message;
  CHECK(!LaunchRecord::read(folder.path(), message));
  CHECK(message.find("driftwave install") != std::string::npos);
  write_record(folder, {"/usr/bin/python3", "-m", "engine serve", "", "$HOME; rm -rf \"'x", ""});
  const auto record = LaunchRecord::read(folder.path(), message);
  CHECK(record.has_value());
  CHECK(record->command == (std::vector<std::string>{"/usr/bin/python3", "-m", "engine serve", "",
                                                     "$HOME; rm -rf \"'x"}));
}

TEST("arguments arrive as recorded, input is empty, output goes to the log, nothing is inherited") {
  const TemporaryFolder folder;
  ::setenv("LD_LIBRARY_PATH", "/of/the/host", 1);
  const int leak = ::dup2(STDERR_FILENO, 200);  // deliberately not close-on-exec
  std::string message;
  auto start = EngineStart::begin(folder.path(), message);
  CHECK(start.has_value());
  LaunchRecord record;
  record.command = {
      "/bin/sh",
      "-c",
      "printf '<%s>' \"$@\"; echo; cat; echo \"lib=$LD_LIBRARY_PATH\"; ls /proc/self/fd; "
      "ps -o sid= -p $$; echo last words >&2",
      "sh",
      "two words",
      "",
      "$HOME;'\""};
  CHECK(start->spawn(record, message));
  CHECK(eventually([&] { return !start->alive(); }));
  const std::string log = content(start->log_path());
  CHECK(log.find("<two words><><$HOME;'\">") == 0);
  CHECK(log.find("lib=\n") != std::string::npos);
  CHECK(log.find("\n" + std::to_string(leak) + "\n") == std::string::npos);
  CHECK_EQ(start->last_words(), "last words");
  ::close(leak);
  ::unsetenv("LD_LIBRARY_PATH");
}

TEST("two never start at once, and the next may when the first is done") {
  const TemporaryFolder folder;
  std::string message;
  auto first = EngineStart::begin(folder.path(), message);
  CHECK(first.has_value());
  CHECK(!EngineStart::begin(folder.path(), message).has_value());
  CHECK_EQ(message, "");
  first.reset();
  CHECK(EngineStart::begin(folder.path(), message).has_value());
}

TEST("eight instances start one engine between them, and it outlives them") {
  const TemporaryFolder folder;
  // It writes a line for each start, and never listens: the instances keep waiting for it.
  const std::string count = folder.path() + "/starts";
  write_record(folder, {"/bin/sh", "-c", "echo $$ >> \"$1\"; exec sleep 600", "sh", count});
  std::vector<std::unique_ptr<Generator>> all;
  for (int i = 0; i < 8; ++i) all.push_back(started_from(folder));
  CHECK(eventually([&] { return !content(count).empty(); }));
  CHECK(eventually([&] {
    return std::all_of(all.begin(), all.end(), [](const auto& generator) {
      return generator->snapshot().status == EngineStatus::kStarting;
    });
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  const std::string pids = content(count);
  CHECK_EQ(std::count(pids.begin(), pids.end(), '\n'), 1);
  all.clear();
  const pid_t pid = std::atoi(pids.c_str());
  CHECK(pid > 1 && ::kill(pid, 0) == 0);
  if (pid <= 1) return;
  CHECK(::getsid(pid) != ::getsid(0));
  // They went one by one: one that stayed longer than the starter may have started another.
  std::istringstream started(content(count));
  for (pid_t each = 0; started >> each;) ::kill(each, SIGKILL);
}

TEST("an engine that stops while starting is told with its last words") {
  const TemporaryFolder folder;
  write_record(folder, {"/bin/sh", "-c", "echo no voice is installed; exit 3"});
  const auto generator = started_from(folder);
  CHECK(eventually([&] {
    return generator->snapshot().status_text.find("no voice is installed") != std::string::npos;
  }));
  CHECK(generator->snapshot().status == EngineStatus::kOff);
}

TEST("a program that is not there is told, and DRIFTWAVE_NO_AUTOSTART starts none") {
  const TemporaryFolder folder;
  write_record(folder, {"/not/there/python"});
  {
    const auto generator = started_from(folder);
    CHECK(eventually([&] {
      return generator->snapshot().status_text.find("/not/there/python") != std::string::npos;
    }));
  }
  const std::string mark = folder.path() + "/started";
  write_record(folder, {"/usr/bin/touch", mark});
  ::setenv("DRIFTWAVE_NO_AUTOSTART", "1", 1);
  const auto generator = started_from(folder);
  CHECK(eventually([&] {
    return generator->snapshot().status_text.find("driftwave serve") != std::string::npos;
  }));
  CHECK(!std::filesystem::exists(mark));
  ::unsetenv("DRIFTWAVE_NO_AUTOSTART");
}

TEST("an instance that is only looked at starts no engine, one that is asked for a sound does") {
  const TemporaryFolder folder;
  const std::string mark = folder.path() + "/started";
  write_record(folder, {"/usr/bin/touch", mark});
  Generator generator(GeneratorOptions{
      .link = true, .autostart = true, .runtime_dir = folder.path(), .config_dir = folder.path()});
  CHECK(eventually([&] {
    return generator.snapshot().status_text.find("as soon as you play") != std::string::npos;
  }));
  CHECK(!std::filesystem::exists(mark));
  generator.generate(0);
  CHECK(eventually([&] { return std::filesystem::exists(mark); }));
}
