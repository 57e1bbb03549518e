// The link thread: turns wishes into requests, replies into clips, and keeps the pools filled.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "link/client.h"
#include "shim/connection.h"
#include "shim/core.h"
#include "shim/requests.h"

namespace driftwave::shim {

class LinkWorker {
 public:
  LinkWorker(Core& core, ConnectionOptions options);  // [ui] starts the thread
  ~LinkWorker();                                      // [ui] joins it
  LinkWorker(const LinkWorker&) = delete;
  LinkWorker& operator=(const LinkWorker&) = delete;

  void wake() { client_.wake(); }  // [ui] there is a wish
  /// [ui] What the engine is told at the next connection.
  void set_format(double sample_rate_hz, std::uint32_t max_block_frames) {
    sample_rate_.store(sample_rate_hz, std::memory_order_relaxed);
    max_block_.store(max_block_frames, std::memory_order_relaxed);
  }

 private:
  using Clock = Connection::Clock;

  void run();
  void turn();
  void take_triggers();
  void take_wishes();
  void grant(const Wish& wish);
  void add_job(Job job);
  void tend_pools();
  void tend_pool(std::uint32_t pad, std::uint32_t& under_way);
  void send_jobs();
  void read_replies();
  void handle(std::uint64_t id, const link::QueuedRecord& queued);
  void handle(std::uint64_t id, const link::ProgressRecord& progress);
  void handle(std::uint64_t id, const link::ClipRecord& record);
  void handle(std::uint64_t id, const link::DoneRecord& done);
  void handle(std::uint64_t id, const link::FailRecord& fail);
  void handle(std::uint64_t id, const link::StatusRecord& status);
  void engine_lost();
  void publish();
  std::chrono::milliseconds patience();
  std::int64_t new_seed();

  Core& core_;
  link::LinkClient client_;
  Connection connection_;
  std::map<std::uint64_t, Job> jobs_;
  std::uint64_t next_job_ = 1;
  std::array<std::uint64_t, kPadCount> fingerprints_{};
  std::array<Clock::time_point, kPadCount> settled_at_{};
  std::mt19937_64 seeds_;
  link::StatusRecord status_{};
  std::uint32_t seen_blocks_ = 0;
  Clock::time_point audio_seen_{};
  Clock::time_point next_query_{};
  bool up_ = false;  ///< connected as of the last turn
  std::atomic<double> sample_rate_{48000.0};
  std::atomic<std::uint32_t> max_block_{1024};
  std::atomic<bool> stop_{false};
  std::thread thread_;  // last: everything else exists before it runs
};

}  // namespace driftwave::shim
