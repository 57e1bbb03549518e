#include "shim/deck.h"

#include <algorithm>
#include <cmath>

namespace driftwave::shim {
namespace {

constexpr double kMeterSeconds = 0.05;  // time constant of the mean square
constexpr double kDrift = 2.0e-4;       // most by which a device's clock runs slower than ours
constexpr double kLostSeconds = 0.05;   // a block so much later than expected begins a new count
constexpr double kNearFrame = 1.0e-6;   // a beat this close before a frame is at the frame
constexpr double kNearBeat = 1.0e-6;    // a hit this little after a beat is with it

}  // namespace

void Deck::prepare(double sample_rate_hz, std::uint32_t max_block_frames) {
  sample_rate_ = std::clamp(sample_rate_hz, 1000.0, 1.0e6);
  rate_.store(sample_rate_, std::memory_order_relaxed);
  origin_s_.store(-1.0, std::memory_order_release);
  generator_.prepare(sample_rate_, std::min(max_block_frames, kPiece));
  grains_.prepare(sample_rate_);
}

// A block may begin late but never early: of the moments seen, the earliest tells the device's
// clock, and it creeps on as fast as that clock may drift.
void Deck::note_time(double now_s) noexcept RT_NONBLOCKING {
  const double seen_s = now_s - static_cast<double>(frame()) / sample_rate_;
  const double known_s = origin_s_.load(std::memory_order_relaxed);
  const double since_s = noted_s_ < 0.0 ? 0.0 : now_s - noted_s_;
  noted_s_ = now_s;
  const bool anew = known_s < 0.0 || seen_s > known_s + kLostSeconds;
  const double origin_s = anew ? seen_s : std::min(seen_s, known_s + kDrift * since_s);
  origin_s_.store(std::max(origin_s, 0.0), std::memory_order_release);
}

bool Deck::post(const DeckEvent& event) {
  if (waiting() >= kDeckEvents) return false;
  posted_.fetch_add(1, std::memory_order_relaxed);
  return inbox_.push(event);
}

DeckLevels Deck::take_levels() {
  DeckLevels levels;
  for (std::size_t c = 0; c < 2; ++c) {
    levels.peak[c] = peak_[c].exchange(0.0F, std::memory_order_relaxed);
    levels.rms[c] = std::sqrt(power_[c].load(std::memory_order_relaxed));
  }
  return levels;
}

void Deck::receive() noexcept RT_NONBLOCKING {
  if (forget_.exchange(false, std::memory_order_acquire)) {
    settled_.fetch_add(count_, std::memory_order_relaxed);
    count_ = 0;
  }
  DeckEvent event;
  while (count_ < kDeckEvents && inbox_.pop(event)) waiting_[count_++] = event;
}

// Turns "the next beat" into a beat, once everything posted before it has acted. [audio]
void Deck::settle_grid(DeckEvent& event) const noexcept RT_NONBLOCKING {
  if (event.time != DeckTime::kGrid) return;
  event.time = DeckTime::kBeat;
  const double beat = beat_.load(std::memory_order_relaxed);
  if (event.place > 0.0) event.place *= std::ceil(beat / event.place - kNearBeat);
}

// Frames from now until the event acts; `limit` when that is later or never. [audio]
std::uint32_t Deck::frames_until(const DeckEvent& event,
                                 std::uint32_t limit) const noexcept RT_NONBLOCKING {
  double frames = 0.0;
  if (event.time == DeckTime::kFrame) {
    frames = event.place - static_cast<double>(frame_.load(std::memory_order_relaxed));
  } else if (event.time == DeckTime::kBeat && playing_.load(std::memory_order_relaxed)) {
    const double beats = event.place - beat_.load(std::memory_order_relaxed);
    const double tempo = tempo_.load(std::memory_order_relaxed);
    frames = std::ceil(beats * 60.0 * sample_rate_ / tempo - kNearFrame);
  }
  if (!(frames > 0.0)) return 0;
  return frames >= limit ? limit : static_cast<std::uint32_t>(frames);
}

void Deck::act(const DeckEvent& event) noexcept RT_NONBLOCKING {
  switch (event.action) {
    case DeckAction::kMidi:
      if (note_count_ == notes_.size()) {
        // More than anyone can play at once: what came before sounds first, in no frame of its own.
        float* const nothing[2] = {piece_[0].data(), piece_[1].data()};
        generator_.process(nothing, 0, std::span(notes_.data(), note_count_), transport());
        note_count_ = 0;
      }
      notes_[note_count_++] = {0, {event.bytes[0], event.bytes[1], event.bytes[2]}, event.size};
      break;
    case DeckAction::kStop: {
      // Notes posted before it are stopped by it.
      float* const nothing[2] = {piece_[0].data(), piece_[1].data()};
      generator_.process(nothing, 0, std::span(notes_.data(), note_count_), transport());
      note_count_ = 0;
      generator_.stop(event.bytes[0]);
      generator_.process(nothing, 0, {}, transport());
      break;
    }
    case DeckAction::kLocate:
      beat_.store(event.value, std::memory_order_release);
      break;
    case DeckAction::kPlay:
      playing_.store(event.value > 0.5, std::memory_order_relaxed);
      break;
    case DeckAction::kTempo:
      tempo_.store(std::clamp(event.value, kMinTempo, kMaxTempo), std::memory_order_relaxed);
      break;
  }
}

void Deck::process(float* output, std::uint32_t channels,
                   std::uint32_t frames) noexcept RT_NONBLOCKING {
  receive();
  while (true) {
    // Everything that is due in this very frame, in order; what acts may make others due.
    std::uint32_t next = std::min(frames, kPiece);
    std::size_t kept = 0;
    std::size_t acted = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      settle_grid(waiting_[i]);
      const std::uint32_t wait = frames > 0 ? frames_until(waiting_[i], next) : 1;
      if (wait == 0) {
        act(waiting_[i]);
        ++acted;
      } else {
        next = std::min(next, wait);
        waiting_[kept++] = waiting_[i];
      }
    }
    count_ = kept;
    settled_.fetch_add(acted, std::memory_order_relaxed);
    if (frames == 0) return;
    if (acted > 0) continue;
    play(output, channels, next);
    output += static_cast<std::size_t>(next) * channels;
    frames -= next;
  }
}

Transport Deck::transport() const noexcept RT_NONBLOCKING {
  return {.playing = playing_.load(std::memory_order_relaxed),
          .tempo_valid = true,
          .bpm = tempo_.load(std::memory_order_relaxed),
          .beat = beat_.load(std::memory_order_relaxed)};
}

void Deck::play(float* output, std::uint32_t channels,
                std::uint32_t frames) noexcept RT_NONBLOCKING {
  const Transport now = transport();
  float* const outputs[2] = {piece_[0].data(), piece_[1].data()};
  generator_.process(outputs, frames, std::span(notes_.data(), note_count_), now);
  note_count_ = 0;
  grains_.mix(outputs[0], outputs[1], frames, frame());
  for (std::uint32_t i = 0; i < frames; ++i) {
    float* const to = output + static_cast<std::size_t>(i) * channels;
    if (channels == 1) {
      to[0] = 0.5F * (piece_[0][i] + piece_[1][i]);
    } else {
      to[0] = piece_[0][i];
      to[1] = piece_[1][i];
      for (std::uint32_t c = 2; c < channels; ++c) to[c] = 0.0F;
    }
  }
  measure(frames);
  if (now.playing) {
    beat_.store(now.beat + frames * now.bpm / (60.0 * sample_rate_), std::memory_order_release);
  }
  frame_.fetch_add(frames, std::memory_order_acq_rel);
}

void Deck::measure(std::uint32_t frames) noexcept RT_NONBLOCKING {
  const auto part = static_cast<float>(
      1.0 - std::exp(-static_cast<double>(frames) / (kMeterSeconds * sample_rate_)));
  for (std::size_t c = 0; c < 2; ++c) {
    float peak = 0.0F;
    float sum = 0.0F;
    for (std::uint32_t i = 0; i < frames; ++i) {
      const float sample = piece_[c][i];
      peak = std::max(peak, std::fabs(sample));
      sum += sample * sample;
    }
    // The reader may take the peak in between: then a little of it is told twice.
    const float before = peak_[c].load(std::memory_order_relaxed);
    if (peak > before) peak_[c].store(peak, std::memory_order_relaxed);
    const float power = power_[c].load(std::memory_order_relaxed);
    const float mean = frames > 0 ? sum / static_cast<float>(frames) : 0.0F;
    power_[c].store(power + part * (mean - power), std::memory_order_relaxed);
  }
}

}  // namespace driftwave::shim
