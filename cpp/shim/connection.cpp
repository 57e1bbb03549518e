#include "shim/connection.h"

#include <algorithm>
#include <utility>

namespace driftwave::shim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kConnectTimeout{400};  // bounds how long closing the plugin can take
constexpr milliseconds kFirstRetry{100};
constexpr milliseconds kLastRetry{2000};
constexpr milliseconds kStartingRetry{100};
constexpr milliseconds kIdleRetry{250};  // a host that only scans plugins needs no engine
constexpr seconds kStartTimeout{60};
constexpr seconds kRestartPause{20};
constexpr int kMaxFailedStarts = 3;

}  // namespace

Connection::Connection(link::LinkClient& client, ConnectionOptions options)
    : client_(client), options_(std::move(options)), back_off_(kFirstRetry) {
  if (options_.runtime_dir.empty()) options_.runtime_dir = link::runtime_folder();
  socket_path_ = options_.runtime_dir + "/driftwave/engine.sock";
}

bool Connection::tend(double sample_rate_hz, std::uint32_t max_block_frames, bool may_start) {
  if (connected() || Clock::now() < next_try_) return false;
  link::LinkOptions how;
  how.socket_path = socket_path_;
  how.sample_rate_hz = sample_rate_hz;
  how.max_block_frames = std::clamp(max_block_frames, 1U, link::kMaxBlockFrames);
  how.kind = options_.plugin_kind;
  how.timeout = kConnectTimeout;
  const link::ConnectResult result = client_.connect(how);
  if (result == link::ConnectResult::connected) {
    start_.reset();
    other_starts_ = false;
    failed_starts_ = 0;
    was_connected_ = true;
    back_off_ = kFirstRetry;
    text_.clear();
    return true;
  }
  retry_in(back_off_);
  back_off_ = std::min(back_off_ * 2, kLastRetry);
  if (result == link::ConnectResult::no_engine) {
    start_engine(may_start);
  } else if (result == link::ConnectResult::timed_out && start_) {
    retry_in(kStartingRetry);  // it listens already and answers soon
  } else {
    start_.reset();
    text_ = client_.message();
  }
  return false;
}

// Nobody listens. Begins to start an engine, or watches the one that is starting.
void Connection::start_engine(bool may_start) {
  if (start_) {
    if (start_->alive() && Clock::now() < start_deadline_) return retry_in(kStartingRetry);
    text_ = start_->alive()
                ? "The engine did not answer within 60 seconds; see " + start_->log_path() + "."
                : "The engine stopped while starting: " + start_->last_words();
    start_.reset();
    ++failed_starts_;
    start_allowed_ = Clock::now() + kRestartPause;
    return;
  }
  if (!options_.autostart || autostart_forbidden()) {
    text_ = "No engine is running. Start one with `driftwave serve`.";
    return;
  }
  if (!may_start) {
    text_ = "No engine is running; one is started as soon as you play or generate.";
    return retry_in(kIdleRetry);
  }
  if (failed_starts_ >= kMaxFailedStarts || Clock::now() < start_allowed_) return;
  std::string message;
  const auto record = LaunchRecord::read(options_.config_dir, message);
  if (!record) {
    text_ = message;
    return;
  }
  auto start = EngineStart::begin(options_.runtime_dir, message);
  other_starts_ = !start && message.empty();
  if (other_starts_) return retry_in(kStartingRetry);
  // Between the failed call and the lock another plugin may have started one: look once more.
  link::FileDescriptor probe;
  const auto deadline = link::Clock::now() + kConnectTimeout;
  if (start &&
      link::connect_socket(socket_path_, deadline, probe) != link::ConnectResult::no_engine) {
    return retry_in(milliseconds(0));
  }
  if (!start || !start->spawn(*record, message)) {
    text_ = message;
    ++failed_starts_;
    start_allowed_ = Clock::now() + kRestartPause;
    return;
  }
  start_ = std::move(start);
  start_deadline_ = Clock::now() + kStartTimeout;
  text_.clear();
  retry_in(kStartingRetry);
}

void Connection::lost() {
  text_ = client_.message();
  back_off_ = kFirstRetry;
  retry_in(milliseconds(0));
}

EngineStatus Connection::status() const {
  switch (client_.state()) {
    case link::LinkState::ready:
      return EngineStatus::kReady;
    case link::LinkState::stalled:
      return EngineStatus::kLost;
    case link::LinkState::off:
      break;
  }
  if (start_ || other_starts_) return EngineStatus::kStarting;
  return was_connected_ ? EngineStatus::kLost : EngineStatus::kOff;
}

std::string Connection::text() const {
  if (client_.state() == link::LinkState::stalled) {
    return "The engine does not answer; waiting for it. What is loaded plays on.";
  }
  if (connected()) return {};
  if (start_ || other_starts_) return "Starting the engine…";
  return text_;
}

}  // namespace driftwave::shim
