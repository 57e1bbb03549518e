#include "shim/link_worker.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <variant>

#include "shim/text.h"

namespace driftwave::shim {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBusyPoll{2};  // while the audio thread may set triggers
constexpr milliseconds kIdlePoll{20};
constexpr milliseconds kAudioGone{500};  // no process() for so long: the host stands still
constexpr milliseconds kPoolPause{300};  // knobs must rest before pools are made anew
constexpr milliseconds kQueryPause{2000};
constexpr std::size_t kMaxJobs = 256;
constexpr std::uint32_t kMaxFreshUnderWay = 8;  // so that a pressed button waits for few
constexpr std::uint32_t kMaxAttempts = 2;

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) found.push_back(clean_text(text.substr(0, end), kMaxVoiceBytes));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

}  // namespace

LinkWorker::LinkWorker(Core& core, ConnectionOptions options)
    : core_(core),
      connection_(client_, std::move(options)),
      seeds_(std::random_device{}()),
      thread_([this] { run(); }) {}

LinkWorker::~LinkWorker() {
  stop_.store(true, std::memory_order_release);
  client_.wake();
  thread_.join();
}

void LinkWorker::run() {
  // The host's signal handlers are not written for a thread it does not know.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (!stop_.load(std::memory_order_acquire)) {
    try {
      turn();
    } catch (const std::exception& error) {  // out of memory, say: never the end of the DAW
      const std::lock_guard lock(core_.mutex);
      core_.tell(std::string("The connection to the engine failed: ") + error.what() + ".");
      client_.disconnect();
    }
  }
}

// One round: what was asked for, then what the engine answers; sleeps in between.
void LinkWorker::turn() {
  // Hosts make instances just to look at them; only one that plays or asks may start an engine.
  const bool used = core_.player.blocks() > 0 || !jobs_.empty();
  if (connection_.tend(sample_rate_.load(std::memory_order_relaxed),
                       max_block_.load(std::memory_order_relaxed), used)) {
    up_ = true;
    client_.query_status();
  }
  take_triggers();
  take_wishes();
  tend_pools();
  send_jobs();
  publish();
  client_.poll(patience());
  read_replies();
  if (up_ && !connection_.connected()) {
    up_ = false;
    engine_lost();
  }
}

std::chrono::milliseconds LinkWorker::patience() {
  const Clock::time_point now = Clock::now();
  const std::uint32_t blocks = core_.player.blocks();
  if (blocks != seen_blocks_) {
    seen_blocks_ = blocks;
    audio_seen_ = now;
  }
  return now - audio_seen_ < kAudioGone ? kBusyPoll : kIdlePoll;
}

std::int64_t LinkWorker::new_seed() {
  return static_cast<std::int64_t>(seeds_() >> 33);  // 31 bits: short enough to be typed in
}

// Takes a user's request; one that still waits for the same pad is replaced.
void LinkWorker::add_job(Job job) {
  for (auto at = jobs_.begin(); at != jobs_.end();) {
    const Job& other = at->second;
    const bool replaced = !other.sent && other.pad == job.pad && other.kind == job.kind;
    at = replaced ? jobs_.erase(at) : std::next(at);
  }
  if (jobs_.size() >= kMaxJobs) {
    core_.tell("256 requests already wait for the engine. Cancel them or wait a little.");
    return;
  }
  core_.message.clear();
  jobs_.emplace(next_job_++, std::move(job));
  ++core_.revision;
}

void LinkWorker::tend_pools() {
  if (core_.parameters.get(kFresh) <= 0.5F) return;
  if (client_.state() != link::LinkState::ready) return;
  std::uint32_t under_way = 0;
  for (const auto& [id, job] : jobs_) under_way += job.kind == Job::Kind::kFresh ? 1 : 0;
  const std::lock_guard lock(core_.mutex);
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) tend_pool(pad, under_way);
}

void LinkWorker::tend_pool(std::uint32_t pad, std::uint32_t& under_way) {
  const PadModel& model = core_.pads[pad];
  const PadClip* source = fresh_source(model);
  if (model.history.clip() == nullptr && model.settings().prompt.empty()) return;
  const std::uint64_t now = fingerprint(core_, pad);
  if (now != fingerprints_[pad]) {
    fingerprints_[pad] = now;
    settled_at_[pad] = Clock::now() + kPoolPause;
    core_.clear_fresh(pad);
    for (auto at = jobs_.begin(); at != jobs_.end();) {
      const bool stale = at->second.kind == Job::Kind::kFresh && at->second.pad == pad;
      if (stale) client_.cancel(at->first);
      at = stale ? jobs_.erase(at) : std::next(at);
    }
  }
  if (Clock::now() < settled_at_[pad]) return;
  std::size_t have = model.pool.size();
  for (const auto& [id, job] : jobs_) {
    have += job.kind == Job::Kind::kFresh && job.pad == pad ? 1 : 0;
  }
  for (; have < kPoolSize && under_way < kMaxFreshUnderWay; ++have, ++under_way) {
    Job job = make_job(core_, pad, Job::Kind::kFresh, source, new_seed());
    job.fingerprint = now;
    jobs_.emplace(next_job_++, std::move(job));
  }
}

void LinkWorker::send_jobs() {
  if (!connection_.connected()) return;
  for (auto at = jobs_.begin(); at != jobs_.end();) {
    Job& job = at->second;
    if (job.sent) {
      ++at;
      continue;
    }
    std::vector<float> source;
    std::vector<float> second;
    if (job.source != nullptr) source = planar(*job.source);
    if (job.second != nullptr) second = planar(*job.second);
    if (job.second != nullptr && client_.engine_minor() < 1) {
      const std::lock_guard lock(core_.mutex);
      core_.tell("This engine is older than the plugin and can't interpolate. Update Driftwave.");
      at = jobs_.erase(at);
      continue;
    }
    if (std::max(source.size(), second.size()) * sizeof(float) > link::kClipSlotBytes) {
      const std::lock_guard lock(core_.mutex);
      core_.tell("The sound is too long to be varied: at most 2 million samples can be sent.");
      at = jobs_.erase(at);
      continue;
    }
    if (!client_.generate(at->first, job.record, source, second)) return;  // full or off: later
    job.sent = true;
    ++at;
  }
}

void LinkWorker::read_replies() {
  link::Reply reply;
  while (client_.next_reply(reply)) {
    std::visit([&](const auto& record) { handle(reply.job, record); }, reply.body);
  }
  if (client_.state() == link::LinkState::ready && Clock::now() >= next_query_) {
    next_query_ = Clock::now() + kQueryPause;
    client_.query_status();
    client_.report_xruns(core_.player.late());
  }
}

void LinkWorker::handle(std::uint64_t /*id*/, const link::QueuedRecord& /*queued*/) {}

void LinkWorker::handle(std::uint64_t id, const link::ProgressRecord& progress) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  found->second.progress = progress.fraction >= 0.0F ? std::min(progress.fraction, 1.0F) : 0.0F;
}

void LinkWorker::handle(std::uint64_t id, const link::ClipRecord& record) {
  link::ReceivedClip received;
  if (!client_.take_clip(record, received)) return;  // also frees the slot of a cancelled job
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  Job& job = found->second;
  const std::span<const float> audio(received.audio);
  std::array<std::vector<float>, 2> samples;
  for (std::uint32_t c = 0; c < received.channels; ++c) {
    const auto from = audio.subspan(std::size_t{c} * received.frames, received.frames);
    samples[c].assign(from.begin(), from.end());
  }
  fit_length(job, received.sample_rate_hz, samples);
  const std::array<std::span<const float>, 2> channels = {samples[0], samples[1]};
  std::string message;
  auto clip =
      make_pad_clip(std::span(channels).first(received.channels), received.sample_rate_hz, message);
  const std::lock_guard lock(core_.mutex);
  if (!clip) {
    core_.tell("The engine's sound can't be used: " + message);
    return;
  }
  ClipInfo& info = clip->info;
  info.clip_id = clean_text(link::get_text(record.clip_id), kMaxIdBytes);
  info.prompt = clean_text(link::get_text(job.record.prompt), kMaxPromptBytes);
  info.negative = clean_text(link::get_text(job.record.negative), kMaxNegativeBytes);
  info.voice = clean_text(link::get_text(record.voice), kMaxVoiceBytes);
  info.voice_hash = clean_text(link::get_text(record.voice_hash), kMaxHashBytes);
  info.words_understood = clean_text(link::get_text(record.words_understood), kMaxWordsBytes);
  info.words_unknown = clean_text(link::get_text(record.words_unknown), kMaxWordsBytes);
  info.seed = record.seed;
  info.index = record.index;
  info.quarters = job.quarters;
  if (job.kind != Job::Kind::kFresh) {
    job.step = core_.add_clip(job.pad, std::move(*clip), job.step);
  } else if (job.fingerprint == fingerprints_[job.pad]) {
    core_.add_fresh(job.pad, std::move(*clip));
  }
}

void LinkWorker::handle(std::uint64_t id, const link::DoneRecord& /*done*/) { jobs_.erase(id); }

void LinkWorker::handle(std::uint64_t id, const link::FailRecord& fail) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  const bool fresh = found->second.kind == Job::Kind::kFresh;
  const std::uint32_t pad = found->second.pad;
  jobs_.erase(found);
  const std::string code = clean_text(link::get_text(fail.code), 31);
  if (code == "cancelled") return;
  if (fresh) settled_at_[pad] = Clock::now() + 4 * kQueryPause;  // don't ask again at once
  const std::lock_guard lock(core_.mutex);
  const std::string words = clean_text(link::get_text(fail.message), 479);
  core_.tell(words.empty() ? "The engine could not make the sound (" + code + ")." : words);
}

void LinkWorker::handle(std::uint64_t /*id*/, const link::StatusRecord& status) {
  status_ = status;
  const std::lock_guard lock(core_.mutex);
  core_.report.voices = lines(link::get_text(status.voices));
  core_.report.device = clean_text(link::get_text(status.device), 63);
  core_.report.version = clean_text(link::get_text(status.version), 23);
  ++core_.revision;
}

// Requests of the user wait for the next engine; one that has seen two engines go is given up.
void LinkWorker::engine_lost() {
  connection_.lost();
  status_ = {};
  const std::lock_guard lock(core_.mutex);
  for (auto at = jobs_.begin(); at != jobs_.end();) {
    Job& job = at->second;
    if (job.sent) ++job.attempts;
    job.sent = false;
    job.progress = 0.0F;
    const bool given_up = job.attempts >= kMaxAttempts;
    if (given_up && job.kind != Job::Kind::kFresh) {
      core_.tell("The engine stopped twice while making a sound for pad " +
                 std::to_string(job.pad + 1) + "; the request was given up.");
    }
    at = given_up || job.kind == Job::Kind::kFresh ? jobs_.erase(at) : std::next(at);
  }
}

void LinkWorker::publish() {
  EngineStatus status = connection_.status();
  std::string text = connection_.text();
  const auto waiting = static_cast<std::uint32_t>(jobs_.size());
  if (status == EngineStatus::kReady) {
    if (waiting > 0 || status_.busy > 0) status = EngineStatus::kBusy;
    text = waiting > 0 ? "Generating…" : (status_.busy > 0 ? "Busy for another." : "Ready.");
  } else if (status == EngineStatus::kLost && text.empty()) {
    text = "The engine is gone. What is loaded plays on.";
  }
  const std::lock_guard lock(core_.mutex);
  std::array<bool, kPadCount> busy{};
  std::array<float, kPadCount> progress{};
  float newest = 0.0F;
  for (const auto& [id, job] : jobs_) {
    if (job.kind == Job::Kind::kFresh) continue;
    busy[job.pad] = true;
    progress[job.pad] = job.progress;
    newest = job.progress;
  }
  EngineReport& report = core_.report;
  bool changed = report.status != status || report.text != text || report.jobs != waiting;
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    changed = changed || core_.pads[pad].waiting != busy[pad];
    core_.pads[pad].waiting = busy[pad];
    core_.pads[pad].progress = progress[pad];
  }
  report.status = status;
  report.text = std::move(text);
  report.jobs = waiting;
  report.progress = newest;
  if (changed) ++core_.revision;
  core_.parameters.put_output(kEngineStatus, static_cast<float>(status));
  core_.parameters.put_output(kProgress, newest);
}

}  // namespace driftwave::shim
