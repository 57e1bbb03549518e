// EngineLink: the engine's end of one plugin's link, without the socket.
//
// Python owns the sockets (bridge/link.py) and calls this from one thread at a time. Nothing here
// waits: what does not fit is answered `again` and the caller keeps it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "link/byte_ring.h"
#include "link/clips.h"
#include "link/handshake.h"
#include "link/records.h"
#include "link/segment.h"
#include "link/stats.h"

namespace driftwave::link {

/// A request in private memory. `source` is planar `(source_channels, source_frames)`, and behind
/// it, if there is one, lies the second source, planar `(second_channels, second_frames)`.
struct Request {
  RecordKind kind = RecordKind::query_status;
  std::uint64_t job = 0;
  GenerateRecord generate{};
  std::vector<float> source;
  bool source_complete = true;  ///< false: the upload is not what the generate record announced
};

enum class ClipStatus { sent, no_slot, no_room, too_long, broken };

/// [link] A Welcome that says no.
inline Welcome make_refusal(Answer answer, std::string_view message) noexcept {
  Welcome welcome{};
  welcome.magic = kMagic;
  welcome.abi_major = kAbiMajor;
  welcome.abi_minor = kAbiMinor;
  welcome.answer = static_cast<std::uint32_t>(answer);
  put_text(welcome.message, message);
  return welcome;
}

class EngineLink {
 public:
  /// [link] Create the segment for an accepted Hello; std::system_error when the system cannot.
  explicit EngineLink(const Hello& hello) : hello_(hello) {
    static std::atomic<std::uint64_t> generation{0};
    const Header header = make_header(hello, ++generation, platform::this_process());
    if (!Segment::create(header, memory_, segment_)) {
      throw std::system_error(errno, std::generic_category(), "no shared memory for a plugin");
    }
    requests_ = segment_.record_reader(SectionKind::requests);
    replies_ = segment_.record_writer(SectionKind::replies);
    clips_ = ClipLender(segment_.section(SectionKind::clips));
  }

  /// [link] What the plugin said of itself.
  const Hello& hello() const noexcept { return hello_; }
  /// [link] The descriptor that goes with the Welcome; close_memory() once it is sent.
  int memory() const noexcept { return memory_.get(); }
  void close_memory() noexcept { memory_.reset(); }
  /// [link] The answer that accepts the plugin.
  Welcome welcome() const noexcept {
    Welcome welcome = make_refusal(Answer::accepted, "");
    welcome.generation = segment_.header().generation;
    welcome.total_bytes = segment_.header().total_bytes;
    return welcome;
  }

  /// [link] The next request; `again` when there is none. Uploads arrive as part of their request.
  RingStatus next_request(Request& to);

  /// [link] Send a record without audio.
  RingStatus send(RecordKind kind, std::uint64_t job, std::span<const std::byte> payload) noexcept {
    return broken() ? RingStatus::broken : replies_.push(kind, job, payload);
  }

  /// [link] Put a clip in a slot and say so. `record` comes without slot and generation; `planar`
  /// is `(record.channels, record.frames)`.
  ClipStatus send_clip(std::uint64_t job, ClipRecord record,
                       std::span<const float> planar) noexcept;

  /// [link] Say that this process lives; every kHeartbeatMs. After kTrimBeats without a clip the
  /// memory of the free slots goes back to the system.
  void beat() noexcept {
    segment_.stats()->engine.heartbeat.fetch_add(1, std::memory_order_relaxed);
    if (++beats_since_clip_ == kTrimBeats) clips_.trim();
  }
  /// [link] Tell the plugin how the engine keeps up.
  void publish(std::uint64_t jobs_done, std::uint32_t p50_us, std::uint32_t p99_us) noexcept {
    EngineStats& stats = segment_.stats()->engine;
    stats.jobs_done.store(jobs_done, std::memory_order_relaxed);
    stats.inference_p50_us.store(p50_us, std::memory_order_relaxed);
    stats.inference_p99_us.store(p99_us, std::memory_order_relaxed);
  }
  /// [link] Counters of both sides.
  Stats stats() const noexcept { return read_stats(*segment_.stats()); }
  /// [link] Slots that the plugin does not hold.
  std::uint32_t free_slots() noexcept { return clips_.free_slots(); }
  /// [link] True once the plugin did what no plugin does: drop the link.
  bool broken() const noexcept {
    return broken_ || requests_.broken() || replies_.broken() || clips_.broken();
  }
  /// [link] The mapping, for the parameter, transport and audio sections.
  Segment& segment() noexcept { return segment_; }

 private:
  bool add_chunk(const Record& record);
  void finish_upload(Request& to);

  static constexpr std::uint64_t kTrimBeats = 25;
  static constexpr std::size_t kMaxSources = 2;

  Hello hello_;
  FileDescriptor memory_;
  Segment segment_;
  RecordReader requests_;
  RecordWriter replies_;
  ClipLender clips_;
  Record record_{};
  std::vector<float> upload_;
  std::uint64_t upload_job_ = 0;
  std::uint64_t beats_since_clip_ = kTrimBeats;
  bool broken_ = false;
};

inline RingStatus EngineLink::next_request(Request& to) {
  for (;;) {
    if (broken()) return RingStatus::broken;
    const RingStatus status = requests_.pop(record_);
    if (status != RingStatus::ok) return status;
    to.kind = static_cast<RecordKind>(record_.header.kind);
    to.job = record_.header.job;
    switch (to.kind) {
      case RecordKind::source_chunk:
        broken_ = !add_chunk(record_);
        continue;
      case RecordKind::generate:
        to.generate = record_.as<GenerateRecord>();
        finish_upload(to);
        return RingStatus::ok;
      case RecordKind::cancel:
      case RecordKind::release_clip:
      case RecordKind::query_status:
        return RingStatus::ok;
      default:
        broken_ = true;  // a reply in the request ring
    }
  }
}

inline bool EngineLink::add_chunk(const Record& record) {
  const auto chunk = record.as<SourceChunkRecord>();
  const std::span<const std::byte> bytes = record.after(sizeof chunk);
  if (chunk.first == 0) {
    upload_.clear();
    upload_job_ = record.header.job;
  }
  const std::size_t end = std::size_t{chunk.first} + chunk.count;
  if (record.header.job != upload_job_ || chunk.first != upload_.size() ||
      bytes.size() != chunk.count * sizeof(float) ||
      end > kMaxSources * kClipSlotBytes / sizeof(float)) {
    return false;
  }
  upload_.resize(end);
  if (!bytes.empty()) std::memcpy(upload_.data() + chunk.first, bytes.data(), bytes.size());
  return true;
}

inline void EngineLink::finish_upload(Request& to) {
  const GenerateRecord& record = to.generate;
  to.source.clear();
  if (upload_job_ == to.job) to.source.swap(upload_);
  upload_ = {};
  upload_job_ = 0;
  for (float& sample : to.source) {
    if (!std::isfinite(sample)) sample = 0.0F;
  }
  if (record.source_frames == 0) {
    to.source_complete = to.source.empty() && record.second_frames == 0;
    return;
  }
  const auto usable = [](double rate_hz, std::uint32_t channels) {
    return std::isfinite(rate_hz) && rate_hz >= kMinRateHz && rate_hz <= kMaxRateHz &&
           channels >= 1 && channels <= kMaxClipChannels;
  };
  const bool second = record.second_frames > 0;
  std::uint64_t announced = std::uint64_t{record.source_frames} * record.source_channels;
  if (second) announced += std::uint64_t{record.second_frames} * record.second_channels;
  to.source_complete = usable(record.source_rate_hz, record.source_channels) &&
                       (!second || usable(record.second_rate_hz, record.second_channels)) &&
                       to.source.size() == announced;
}

inline ClipStatus EngineLink::send_clip(std::uint64_t job, ClipRecord record,
                                        std::span<const float> planar) noexcept {
  if (planar.size_bytes() > kClipSlotBytes) return ClipStatus::too_long;
  if (broken() || replies_.room_for(sizeof record) == RingStatus::broken) {
    return ClipStatus::broken;
  }
  if (replies_.room_for(sizeof record) == RingStatus::again) return ClipStatus::no_room;
  beats_since_clip_ = 0;
  const std::optional<ClipLoan> loan = clips_.borrow();
  if (!loan) return clips_.broken() ? ClipStatus::broken : ClipStatus::no_slot;
  std::ranges::copy(planar, loan->room.begin());
  record.slot = loan->slot;
  record.generation = loan->generation;
  clips_.lend(*loan);
  if (replies_.push(RecordKind::clip, job, bytes_of(record)) == RingStatus::ok) {
    return ClipStatus::sent;
  }
  clips_.take_back(*loan);
  return replies_.broken() ? ClipStatus::broken : ClipStatus::no_room;
}

}  // namespace driftwave::link
