// The audio side of the instrument: pads, sixteen voices, MIDI. Everything here is [audio] except
// the constructor and prepare().
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "link/realtime.h"
#include "shim/clip_exchange.h"
#include "shim/loop_player.h"
#include "shim/parameter_store.h"
#include "shim/sinc.h"
#include "shim/voice.h"

namespace driftwave::shim {

struct MidiEvent;
struct Transport;

class Player {
 public:
  Player(ParameterStore& parameters, ClipExchange& clips);  // [ui] builds the filters
  ~Player();                                                // [ui] gives all clips back
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  /// [ui] While no process() runs: sets the rate, silences all voices, lifts all pedals.
  void prepare(double sample_rate_hz);

  /// [audio] As Generator::process.
  void process(float* const outputs[2], std::uint32_t frames, std::span<const MidiEvent> events,
               const Transport& transport) noexcept RT_NONBLOCKING;

  /// [any] Fades everything out at the next process().
  void panic() noexcept RT_NONBLOCKING { panic_.store(true, std::memory_order_release); }

  /// [any] Fades one pad out at the next process().
  void stop(std::uint32_t pad) noexcept RT_NONBLOCKING {
    if (pad < kPadCount) stopped_.fetch_or(1U << pad, std::memory_order_release);
  }

  /// [any]
  std::uint32_t playing_voices() const noexcept RT_NONBLOCKING {
    return playing_.load(std::memory_order_relaxed);
  }
  /// [any] Note-ons of a pad so far.
  std::uint32_t hits(std::uint32_t pad) const noexcept RT_NONBLOCKING {
    return hits_[pad].load(std::memory_order_relaxed);
  }
  /// [any] Calls of process() so far; stands still while the host does not process.
  std::uint32_t blocks() const noexcept RT_NONBLOCKING {
    return blocks_.load(std::memory_order_relaxed);
  }
  /// [any] Fresh hits that found no new variation.
  std::uint32_t late() const noexcept RT_NONBLOCKING {
    return late_.load(std::memory_order_relaxed);
  }

  /// [any] The host's tempo and bar, as far as it has said one.
  double bpm() const noexcept RT_NONBLOCKING { return bpm_.load(std::memory_order_relaxed); }
  double bar_quarters() const noexcept RT_NONBLOCKING {
    return bar_quarters_.load(std::memory_order_relaxed);
  }
  bool transport_playing() const noexcept RT_NONBLOCKING {
    return transport_playing_.load(std::memory_order_relaxed);
  }
  /// [any] As LoopPlayer::position.
  float loop_position(std::uint32_t pad) const noexcept RT_NONBLOCKING {
    return loops_.position(pad);
  }

 private:
  static constexpr float kChokeMs = 4.0F;  // a choked hat
  static constexpr float kPanicMs = 5.0F;

  struct PadSettings {
    std::array<float, 2> gains{1.0F, 1.0F};
    float pitch = 0.0F;
    std::uint32_t choke = 0;
    bool loop = false;
    double bars = 0.0;
  };

  void follow(const Transport& transport) noexcept RT_NONBLOCKING;
  void take_clips() noexcept RT_NONBLOCKING;
  void refresh() noexcept RT_NONBLOCKING;
  void handle(const std::uint8_t* bytes, std::uint32_t size) noexcept RT_NONBLOCKING;
  void note_on(std::uint8_t channel, std::uint8_t note,
               std::uint8_t velocity) noexcept RT_NONBLOCKING;
  void note_off(std::uint8_t channel, std::uint8_t note) noexcept RT_NONBLOCKING;
  void control(std::uint8_t channel, std::uint8_t controller,
               std::uint8_t value) noexcept RT_NONBLOCKING;
  void set_pedal(std::uint8_t channel, bool down) noexcept RT_NONBLOCKING;
  void set_bend(std::uint8_t channel, float semitones) noexcept RT_NONBLOCKING;
  void choke(std::uint32_t group, std::uint32_t pad, bool chromatic) noexcept RT_NONBLOCKING;
  void stop_pads(std::uint32_t pads) noexcept RT_NONBLOCKING;  // a bit for each
  void fade_all(std::uint32_t frames) noexcept RT_NONBLOCKING;
  Voice& free_voice() noexcept RT_NONBLOCKING;
  void end(Voice& voice) noexcept RT_NONBLOCKING;
  static void fade_residue(std::array<float, 2>& residue, float decay, float* left, float* right,
                           std::uint32_t frames) noexcept RT_NONBLOCKING;
  void drop(AudioClip* clip) noexcept RT_NONBLOCKING;
  void render(float* left, float* right, std::uint32_t frames) noexcept RT_NONBLOCKING;
  Position increment_of(const VoiceStart& how) const noexcept RT_NONBLOCKING;
  std::array<float, 2> gains_of(const VoiceStart& how) const noexcept RT_NONBLOCKING;
  std::uint32_t frames_of(float milliseconds) const noexcept RT_NONBLOCKING;

  ParameterStore& parameters_;
  ClipExchange& clips_;
  const SincBank& bank_;

  LoopPlayer loops_;
  std::array<Voice, kVoiceSlots> voices_{};
  std::array<AudioClip*, kPadCount> pads_{};
  std::array<PadSettings, kPadCount> settings_{};
  std::array<bool, 16> pedal_{};
  std::array<float, 16> bend_{};
  std::array<float, 2> residue_{};  ///< what is left of voices that ended away from zero
  std::uint64_t order_ = 0;
  std::uint32_t seen_version_ = 0;
  double sample_rate_ = 48000.0;
  float residue_decay_ = 0.0F;

  // Copies of parameters, so that every note of a block sees the same.
  std::uint32_t selected_ = 0;
  bool fresh_ = false;
  bool loops_wanted_ = false;
  bool one_shot_ = true;
  float velocity_ = 1.0F;
  float gain_ = 1.0F;
  std::uint32_t attack_frames_ = 0;
  std::uint32_t release_frames_ = 1;

  static_assert(std::atomic<double>::is_always_lock_free);
  std::atomic<double> bpm_{120.0};
  std::atomic<double> bar_quarters_{4.0};
  std::atomic<bool> transport_playing_{false};
  std::atomic<bool> panic_{false};
  std::atomic<std::uint32_t> stopped_{0};  ///< a bit for each pad to fade out
  std::atomic<std::uint32_t> playing_{0};
  std::atomic<std::uint32_t> late_{0};
  std::atomic<std::uint32_t> blocks_{0};
  std::array<std::atomic<std::uint32_t>, kPadCount> hits_{};
};

}  // namespace driftwave::shim
