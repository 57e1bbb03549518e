// One thread for slow work on files, started when there is some.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace driftwave::shim {

class Importer {
 public:
  Importer() = default;
  ~Importer() { stop(); }
  Importer(const Importer&) = delete;
  Importer& operator=(const Importer&) = delete;

  /// [ui] Runs `work` after what was added before.
  void add(std::function<void()> work);
  /// [ui] Ends after the work under way; what still waits is dropped.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace driftwave::shim
