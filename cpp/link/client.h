// LinkClient: the plugin's end of the link.
//
// One thread, the plugin's link thread, calls everything tagged [link]; the audio thread nothing:
//
//   LinkClient link;
//   if (link.connect({.kind = "generate"}) == ConnectResult::connected) link.query_status();
//   GenerateRecord request = make_generate();       // records.h
//   link.generate(job, request);                    // or with planar source audio to vary
//   for (;;) {
//     const LinkState state = link.poll(2ms);       // sleeps until a doorbell, wake() or timeout
//     while (link.next_reply(reply)) {              // reply.job, reply.body: std::variant
//       if (auto* clip = std::get_if<ClipRecord>(&reply.body)) link.take_clip(*clip, received);
//     }
//     if (state == LinkState::off) reconnect later; see message()
//   }
//
// `off`: the socket closed, or the engine sent what no engine sends; connect() again. What
// arrived before can still be read until then. `stalled`: connected, but the engine's heartbeat
// stands still (SIGSTOP, swapping); it turns into `ready` by itself when the engine goes on.
// Every send answers false when the link is off or kMaxPendingBytes wait for a stalled engine.
#pragma once

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "link/byte_ring.h"
#include "link/clips.h"
#include "link/handshake.h"
#include "link/records.h"
#include "link/rendezvous.h"
#include "link/segment.h"
#include "link/stats.h"

namespace driftwave::link {

enum class LinkState : std::uint32_t { off, ready, stalled };

struct LinkOptions {
  std::string socket_path{};  ///< empty: link::socket_path()
  double sample_rate_hz = 48000.0;
  std::uint32_t max_block_frames = 1024;
  std::uint32_t channels = 2;
  std::string kind = "generate";  ///< which plugin
  std::chrono::milliseconds timeout{1000};
  std::chrono::milliseconds stall_after{3000};
};

/// Something the engine said.
struct Reply {
  std::uint64_t job = 0;
  std::variant<QueuedRecord, ProgressRecord, ClipRecord, DoneRecord, FailRecord, StatusRecord> body;
};

/// A clip in private memory. `audio` is planar `(channels, frames)`, finite, within -1..1.
struct ReceivedClip {
  std::vector<float> audio;
  std::uint32_t frames = 0;
  std::uint32_t channels = 0;
  double sample_rate_hz = 0.0;
  std::size_t repaired = 0;  ///< samples that were NaN, infinite or beyond full scale
};

class LinkClient {
 public:
  /// What may wait in private memory while the request ring is full.
  static constexpr std::size_t kMaxPendingBytes = 64UL * 1024 * 1024;

  LinkClient() : waker_(platform::create_waker()) {}

  /// [link] Drop the present link, if any, and set up a new one; at most `options.timeout`.
  ConnectResult connect(const LinkOptions& options);
  /// [link] Hang up and unmap. The engine cancels this link's jobs.
  void disconnect() noexcept;

  /// [any] As of the last poll.
  LinkState state() const noexcept { return state_.load(std::memory_order_relaxed); }
  /// [link] Why the link is off or could not be set up, for the user; empty while connected.
  const std::string& message() const noexcept { return message_; }
  /// [link] Number of the segment, new with every connection to an engine.
  std::uint64_t generation() const noexcept { return segment_ ? segment_.header().generation : 0; }
  /// [link] The process that answered; 0 when never connected.
  std::uint32_t engine_pid() const noexcept { return segment_ ? segment_.header().engine.pid : 0; }
  /// [ui] Make a sleeping poll() return. A system call: never from the audio thread.
  void wake() const noexcept { platform::wake(waker_.get()); }

  /// [link] Ask for sounds. `source` is planar `(source_channels, n)` audio to vary, or empty; with
  /// `second`, like it, for sounds between the two. Sets the counts of frames. False: off, too much
  /// pending, or a source that is too long.
  bool generate(std::uint64_t job, GenerateRecord request, std::span<const float> source = {},
                std::span<const float> second = {});
  /// [link] The engine's minor version; it ignores what a later one added.
  std::uint32_t engine_minor() const noexcept { return segment_ ? segment_.header().abi_minor : 0; }
  /// [link] Cancel one job, or every job of this link.
  bool cancel(std::uint64_t job = kAllJobs) { return send(RecordKind::cancel, job); }
  bool query_status() { return send(RecordKind::query_status, 0); }  // [link] a StatusRecord

  /// [link] Send what is pending, then sleep until the engine rings, wake() or the timeout.
  LinkState poll(std::chrono::milliseconds timeout);
  bool next_reply(Reply& to);  ///< [link] the next thing the engine said; false: none
  /// [link] Copy a clip to private memory, clean it and free its slot. Each clip reply once.
  /// False turns the link off: the record or the slot was impossible.
  bool take_clip(const ClipRecord& clip, ReceivedClip& to);

  /// [link] Tell the engine how often the audio thread missed something.
  void report_xruns(std::uint64_t count) noexcept {
    if (segment_) segment_.stats()->plugin.xruns.store(count, std::memory_order_relaxed);
  }
  /// [link] Counters of both sides; zeros when not connected.
  Stats stats() const noexcept { return segment_ ? read_stats(*segment_.stats()) : Stats{}; }
  /// [link] The mapping, for the parameter, transport and audio sections. Valid until the next
  /// connect() or disconnect().
  Segment& segment() noexcept { return segment_; }

 private:
  struct Pending {
    RecordKind kind;
    std::uint64_t job;
    std::vector<std::byte> payload;
  };

  bool send(RecordKind kind, std::uint64_t job, std::span<const std::byte> payload = {},
            std::span<const std::byte> tail = {});
  void flush();
  void go_off(std::string message);
  void watch_heartbeat() noexcept;
  ConnectResult fail(ConnectResult result, std::string message);

  FileDescriptor waker_;
  FileDescriptor socket_;
  Segment segment_;
  RecordWriter requests_;
  RecordReader replies_;
  ClipTaker clips_;
  Record record_{};
  std::deque<Pending> pending_;
  std::size_t pending_bytes_ = 0;
  std::atomic<LinkState> state_{LinkState::off};
  std::string message_;
  std::chrono::milliseconds stall_after_{3000};
  std::uint64_t seen_heartbeat_ = 0;
  Clock::time_point heartbeat_at_{};
};

// ---- set-up ----------------------------------------------------------------------------------

inline ConnectResult LinkClient::fail(ConnectResult result, std::string message) {
  disconnect();
  message_ = std::move(message);
  return result;
}

inline ConnectResult LinkClient::connect(const LinkOptions& options) {
  disconnect();
  const Clock::time_point deadline = Clock::now() + options.timeout;
  const std::string path = options.socket_path.empty() ? socket_path() : options.socket_path;
  const ConnectResult dialled = connect_socket(path, deadline, socket_);
  if (dialled != ConnectResult::connected) {
    return fail(dialled, dialled == ConnectResult::no_engine
                             ? "No Driftwave engine listens on " + path + "; start one."
                             : "Cannot reach the Driftwave engine on " + path + ".");
  }
  Hello hello{};
  hello.magic = kMagic;
  hello.abi_major = kAbiMajor;
  hello.abi_minor = kAbiMinor;
  hello.plugin = platform::this_process();
  hello.sample_rate_hz = options.sample_rate_hz;
  hello.max_block_frames = options.max_block_frames;
  hello.channels = options.channels;
  put_text(hello.kind, options.kind);
  Welcome welcome{};
  FileDescriptor memory;
  if (!send_hello(socket_.get(), hello)) {
    return fail(ConnectResult::no_engine, "The Driftwave engine hung up at once.");
  }
  if (!receive_welcome(socket_.get(), deadline, welcome, memory)) {
    const bool late = Clock::now() >= deadline;
    return fail(late ? ConnectResult::timed_out : ConnectResult::no_engine,
                late ? "The Driftwave engine does not answer." : "The Driftwave engine hung up.");
  }
  if (welcome.magic != kMagic) {
    return fail(ConnectResult::refused, "What listens on " + path + " is no Driftwave engine.");
  }
  if (welcome.answer != static_cast<std::uint32_t>(Answer::accepted)) {
    const bool other = welcome.answer == static_cast<std::uint32_t>(Answer::incompatible);
    return fail(other ? ConnectResult::incompatible : ConnectResult::refused,
                std::string(get_text(welcome.message)));
  }
  if (!memory || Segment::attach(memory.get(), segment_) != HeaderFault::none ||
      segment_.header().generation != welcome.generation) {
    return fail(ConnectResult::bad_segment, "The Driftwave engine offered broken shared memory.");
  }
  requests_ = segment_.record_writer(SectionKind::requests);
  replies_ = segment_.record_reader(SectionKind::replies);
  clips_ = ClipTaker(segment_.section(SectionKind::clips));
  stall_after_ = options.stall_after;
  heartbeat_at_ = Clock::now();
  seen_heartbeat_ = 0;
  message_.clear();
  state_.store(LinkState::ready, std::memory_order_relaxed);
  return ConnectResult::connected;
}

inline void LinkClient::disconnect() noexcept {
  state_.store(LinkState::off, std::memory_order_relaxed);
  socket_.reset();
  requests_ = {};
  replies_ = {};
  clips_ = {};
  segment_ = {};
  pending_.clear();
  pending_bytes_ = 0;
}

inline void LinkClient::go_off(std::string message) {
  state_.store(LinkState::off, std::memory_order_relaxed);
  socket_.reset();
  pending_.clear();
  pending_bytes_ = 0;
  message_ = std::move(message);
}

// ---- sending ---------------------------------------------------------------------------------

inline bool LinkClient::send(RecordKind kind, std::uint64_t job, std::span<const std::byte> payload,
                             std::span<const std::byte> tail) {
  if (state() == LinkState::off) return false;
  if (pending_.empty()) {
    const RingStatus status = requests_.push(kind, job, payload, tail);
    if (status == RingStatus::ok) {
      ring_doorbell(socket_.get());
      return true;
    }
    if (status == RingStatus::broken) {
      go_off("The Driftwave engine corrupted the request ring.");
      return false;
    }
  }
  const std::size_t bytes = payload.size() + tail.size();
  if (pending_bytes_ + bytes > kMaxPendingBytes) return false;
  Pending waiting{kind, job, {payload.begin(), payload.end()}};
  waiting.payload.insert(waiting.payload.end(), tail.begin(), tail.end());
  pending_bytes_ += bytes;
  pending_.push_back(std::move(waiting));
  return true;
}

inline void LinkClient::flush() {
  bool sent = false;
  while (!pending_.empty()) {
    const Pending& next = pending_.front();
    const RingStatus status = requests_.push(next.kind, next.job, next.payload);
    if (status == RingStatus::broken) {
      return go_off("The Driftwave engine corrupted the request ring.");
    }
    if (status == RingStatus::again) break;
    pending_bytes_ -= next.payload.size();
    pending_.pop_front();
    sent = true;
  }
  if (sent) ring_doorbell(socket_.get());
}

inline bool LinkClient::generate(std::uint64_t job, GenerateRecord request,
                                 std::span<const float> source, std::span<const float> second) {
  const auto count = [](std::span<const float> all, std::uint32_t& channels,
                        std::uint32_t& frames) {
    const std::size_t each = std::clamp<std::size_t>(channels, 1, 2);
    channels = all.empty() ? 0 : static_cast<std::uint32_t>(each);
    frames = static_cast<std::uint32_t>(all.size() / each);
    return all.size_bytes() <= kClipSlotBytes && all.size() % each == 0;
  };
  const std::size_t room = kMaxPendingBytes - pending_bytes_;
  if (!count(source, request.source_channels, request.source_frames) ||
      !count(second, request.second_channels, request.second_frames) ||
      source.size_bytes() + second.size_bytes() + sizeof request > room) {
    return false;
  }
  std::size_t sent = 0;
  for (const std::span<const float> all : {source, second}) {
    for (std::size_t first = 0; first < all.size(); first += kMaxChunkFloats) {
      const auto part = all.subspan(first, std::min(kMaxChunkFloats, all.size() - first));
      const SourceChunkRecord chunk{static_cast<std::uint32_t>(sent),
                                    static_cast<std::uint32_t>(part.size())};
      if (!send(RecordKind::source_chunk, job, bytes_of(chunk), std::as_bytes(part))) return false;
      sent += part.size();
    }
  }
  return send(RecordKind::generate, job, bytes_of(request));
}

// ---- receiving -------------------------------------------------------------------------------

inline LinkState LinkClient::poll(std::chrono::milliseconds timeout) {
  if (state() != LinkState::off) flush();
  const bool connected = state() != LinkState::off;
  // A full request ring has no doorbell of its own, so look again soon.
  if (!pending_.empty()) timeout = std::min(timeout, std::chrono::milliseconds(2));
  pollfd entries[2] = {{waker_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
  const int ready = ::poll(entries, connected ? 2 : 1, static_cast<int>(timeout.count()));
  if (ready > 0 && entries[0].revents != 0) platform::clear_waker(waker_.get());
  if (!connected) return LinkState::off;
  if (ready > 0 && entries[1].revents != 0 && !drain_doorbells(socket_.get())) {
    go_off("The Driftwave engine is gone.");
    return LinkState::off;
  }
  watch_heartbeat();
  flush();
  return state();
}

inline void LinkClient::watch_heartbeat() noexcept {
  StatsSection& stats = *segment_.stats();
  stats.plugin.heartbeat.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t beat = stats.engine.heartbeat.load(std::memory_order_relaxed);
  const Clock::time_point now = Clock::now();
  if (beat != seen_heartbeat_) {
    seen_heartbeat_ = beat;
    heartbeat_at_ = now;
  }
  const bool stalled = now - heartbeat_at_ > stall_after_;
  state_.store(stalled ? LinkState::stalled : LinkState::ready, std::memory_order_relaxed);
}

inline bool LinkClient::next_reply(Reply& to) {
  for (;;) {
    const RingStatus status = replies_.pop(record_);
    if (status == RingStatus::broken && state() != LinkState::off) {
      go_off("The Driftwave engine sent an impossible reply.");
    }
    if (status != RingStatus::ok) return false;
    to.job = record_.header.job;
    switch (static_cast<RecordKind>(record_.header.kind)) {
      case RecordKind::queued:
        to.body = record_.as<QueuedRecord>();
        return true;
      case RecordKind::progress:
        to.body = record_.as<ProgressRecord>();
        return true;
      case RecordKind::clip:
        to.body = record_.as<ClipRecord>();
        return true;
      case RecordKind::done:
        to.body = record_.as<DoneRecord>();
        return true;
      case RecordKind::fail:
        to.body = record_.as<FailRecord>();
        return true;
      case RecordKind::status:
        to.body = record_.as<StatusRecord>();
        return true;
      default:
        break;  // a request in the reply ring
    }
    go_off("The Driftwave engine sent an impossible reply.");
    return false;
  }
}

inline bool LinkClient::take_clip(const ClipRecord& clip, ReceivedClip& to) {
  const bool sane = clip.channels >= 1 && clip.channels <= kMaxClipChannels && clip.frames >= 1 &&
                    std::uint64_t{clip.frames} * clip.channels <= kClipSlotBytes / sizeof(float) &&
                    std::isfinite(clip.sample_rate_hz) && clip.sample_rate_hz >= kMinRateHz &&
                    clip.sample_rate_hz <= kMaxRateHz;
  if (!sane || !segment_) {
    go_off("The Driftwave engine sent an impossible clip.");
    return false;
  }
  to.audio.resize(std::size_t{clip.frames} * clip.channels);
  if (!clips_.take(clip.slot, clip.generation, to.audio)) {
    go_off("The Driftwave engine sent a clip that is not there.");
    return false;
  }
  to.frames = clip.frames;
  to.channels = clip.channels;
  to.sample_rate_hz = clip.sample_rate_hz;
  to.repaired = 0;
  for (float& sample : to.audio) {
    if (std::abs(sample) <= 1.0F) continue;  // false for NaN
    sample = std::isfinite(sample) ? std::copysign(1.0F, sample) : 0.0F;
    ++to.repaired;
  }
  const ReleaseClipRecord release{clip.slot, 0, clip.generation};
  send(RecordKind::release_clip, 0, bytes_of(release));
  return true;
}

}  // namespace driftwave::link
