// Keeps the link to the engine up: connects, starts an engine when none answers, tries again.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "link/client.h"
#include "shim/launch.h"
#include "shim/parameters.h"

namespace driftwave::shim {

struct ConnectionOptions {
  bool autostart = true;
  std::string runtime_dir;  ///< empty: link::runtime_folder()
  std::string config_dir;
  std::string plugin_kind = "generate";
};

class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  Connection(link::LinkClient& client, ConnectionOptions options);

  /// [link] Connects when it is time to try; blocks for at most 400 ms. Starts an engine when none
  /// answers and `may_start` says that somebody really uses the plugin. True when a new connection
  /// has just been made.
  bool tend(double sample_rate_hz, std::uint32_t max_block_frames, bool may_start);

  /// [link] The link went off: try again soon.
  void lost();

  bool connected() const { return client_.state() != link::LinkState::off; }  // [link]
  EngineStatus status() const;                                                // [link]
  /// [link] One sentence for the user; empty while connected and well.
  std::string text() const;
  /// [link] When tend() wants to be called next.
  Clock::time_point next_try() const { return next_try_; }

 private:
  void start_engine(bool may_start);
  void retry_in(std::chrono::milliseconds delay) { next_try_ = Clock::now() + delay; }

  link::LinkClient& client_;
  ConnectionOptions options_;
  std::string socket_path_;
  std::optional<EngineStart> start_;  ///< this plugin is starting an engine
  Clock::time_point start_deadline_{};
  Clock::time_point start_allowed_{};
  Clock::time_point next_try_{};
  std::chrono::milliseconds back_off_{};
  int failed_starts_ = 0;
  bool was_connected_ = false;
  bool other_starts_ = false;
  std::string text_;
};

}  // namespace driftwave::shim
