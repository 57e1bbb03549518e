// A Generator played without a host: its own time line, events at exact frames or beats, meters.
//
// A host brings notes and a transport to the plugin; where there is none (plugin_host, the engine's
// own sound output) the Deck does. One control thread at a time posts events and moves the clock;
// the audio thread calls process(). Events that are due in the same frame act in the order in which
// they were posted.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "link/realtime.h"
#include "shim/generator.h"
#include "shim/grains.h"
#include "shim/spsc.h"

namespace driftwave::shim {

/// When an event acts.
enum class DeckTime : std::uint32_t {
  kNow,    ///< in the first frame of the next block
  kFrame,  ///< at `Deck::frame()` == place; at once if that is past
  kBeat,   ///< when the transport reaches beat `place`; at once if that is past or it stands still
  kGrid,   ///< with the next beat that `place` divides, as of when it came; else as kBeat
};

enum class DeckAction : std::uint32_t {
  kMidi,    ///< a short MIDI message for the Generator
  kStop,    ///< fade out one pad; bytes[0] counts from 0
  kLocate,  ///< the transport jumps to beat `value`
  kPlay,    ///< the transport runs (value 1) or stands still (0)
  kTempo,   ///< the transport's tempo becomes `value` beats a minute
};

struct DeckEvent {
  DeckTime time = DeckTime::kNow;
  DeckAction action = DeckAction::kMidi;
  double place = 0.0;
  double value = 0.0;
  std::uint8_t bytes[3] = {0, 0, 0};
  std::uint8_t size = 0;
};

/// What has been played since the last reading, left and right.
struct DeckLevels {
  std::array<float, 2> peak{};
  std::array<float, 2> rms{};
};

inline constexpr std::size_t kDeckEvents = 1024;  ///< most events that may wait
inline constexpr double kMinTempo = 20.0;
inline constexpr double kMaxTempo = 400.0;

class Deck {
 public:
  explicit Deck(Generator& generator) : generator_(generator) {}  // [ui]

  /// [ui] While no process() runs. Frames, beats and waiting events go on where they were.
  void prepare(double sample_rate_hz, std::uint32_t max_block_frames);

  /// [audio] Writes `frames` interleaved frames of 1 (the mean) or more channels (the first two).
  void process(float* output, std::uint32_t channels, std::uint32_t frames) noexcept RT_NONBLOCKING;

  /// [ui] One thread at a time. False when kDeckEvents wait already.
  bool post(const DeckEvent& event);
  /// [any] Forgets every event that waits, as of the next process().
  void forget() noexcept RT_NONBLOCKING { forget_.store(true, std::memory_order_release); }
  /// [any] The bus of the endless stream, heard beside the Generator; what it adds counts in frames
  /// of this Deck.
  Grains& grains() noexcept RT_NONBLOCKING { return grains_; }
  /// [any] A device reported an over- or underrun.
  void add_xrun() noexcept RT_NONBLOCKING { xruns_.fetch_add(1, std::memory_order_relaxed); }

  std::uint64_t frame() const noexcept RT_NONBLOCKING {  // [any] of the next block
    return frame_.load(std::memory_order_acquire);
  }
  /// [audio] At the start of a block, the steady clock's seconds: when its first frame is due.
  void note_time(double now_s) noexcept RT_NONBLOCKING;
  /// [any] The frame that is due at a moment of the steady clock; -1 before any block.
  double frame_at(double time_s) const noexcept RT_NONBLOCKING {
    const double origin_s = origin_s_.load(std::memory_order_acquire);
    return origin_s < 0.0 ? -1.0 : (time_s - origin_s) * rate_.load(std::memory_order_relaxed);
  }
  double beat() const noexcept RT_NONBLOCKING {  // [any] at `frame()`
    return beat_.load(std::memory_order_acquire);
  }
  double tempo() const noexcept RT_NONBLOCKING {  // [any]
    return tempo_.load(std::memory_order_relaxed);
  }
  bool playing() const noexcept RT_NONBLOCKING {  // [any]
    return playing_.load(std::memory_order_relaxed);
  }
  std::uint64_t xruns() const noexcept RT_NONBLOCKING {  // [any]
    return xruns_.load(std::memory_order_relaxed);
  }
  std::size_t waiting() const noexcept RT_NONBLOCKING {  // [any] events posted and not yet due
    return posted_.load(std::memory_order_relaxed) - settled_.load(std::memory_order_relaxed);
  }
  double sample_rate() const { return sample_rate_; }  // [ui]
  /// [ui] One reader.
  DeckLevels take_levels();

 private:
  static constexpr std::uint32_t kPiece = 1024;  // frames of one call to the Generator

  void receive() noexcept RT_NONBLOCKING;
  void settle_grid(DeckEvent& event) const noexcept RT_NONBLOCKING;
  std::uint32_t frames_until(const DeckEvent& event,
                             std::uint32_t limit) const noexcept RT_NONBLOCKING;
  void act(const DeckEvent& event) noexcept RT_NONBLOCKING;
  Transport transport() const noexcept RT_NONBLOCKING;
  void play(float* output, std::uint32_t channels, std::uint32_t frames) noexcept RT_NONBLOCKING;
  void measure(std::uint32_t frames) noexcept RT_NONBLOCKING;

  Generator& generator_;
  Grains grains_;
  double sample_rate_ = 48000.0;
  SpscQueue<DeckEvent, kDeckEvents> inbox_;
  std::array<DeckEvent, kDeckEvents> waiting_{};  // [audio] in the order they came
  std::size_t count_ = 0;                         // [audio]
  std::array<MidiEvent, 64> notes_{};             // [audio] of the frame that comes next
  std::size_t note_count_ = 0;                    // [audio]
  double noted_s_ = -1.0;                         // [audio] when the last block began
  std::array<std::array<float, kPiece>, 2> piece_{};

  std::atomic<double> origin_s_{-1.0};  ///< the moment at which frame 0 was, or would be, due
  std::atomic<double> rate_{48000.0};
  std::atomic<std::uint64_t> frame_{0};
  std::atomic<double> beat_{0.0};
  std::atomic<double> tempo_{120.0};
  std::atomic<bool> playing_{false};
  std::atomic<bool> forget_{false};
  std::atomic<std::uint64_t> xruns_{0};
  std::atomic<std::size_t> posted_{0};
  std::atomic<std::size_t> settled_{0};
  std::array<std::atomic<float>, 2> peak_{};
  std::array<std::atomic<float>, 2> power_{};  ///< mean square, smoothed over about 50 ms
  static_assert(std::atomic<double>::is_always_lock_free);
};

}  // namespace driftwave::shim
