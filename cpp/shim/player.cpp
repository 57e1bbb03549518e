#include "shim/player.h"

#include <algorithm>
#include <cmath>

#include "shim/denormals.h"
#include "shim/generator.h"
#include "shim/song_time.h"

namespace driftwave::shim {
namespace {

constexpr float kStealMs = 4.0F;      // a voice taken for a new note
constexpr float kGlideMs = 5.0F;      // a fader that moves
constexpr float kResidueMs = 1.0F;    // time constant
constexpr float kSilenceDb = -60.0F;  // the faders' lowest place

// Decibels to a factor; the fader's lowest place is silence. [audio]
float factor(float gain_db) noexcept RT_NONBLOCKING {
  if (gain_db <= kSilenceDb) return 0.0F;
  return gain_db == 0.0F ? 1.0F : std::pow(10.0F, gain_db * 0.05F);
}

// Equal power, scaled so that the middle is exactly 1. [audio]
std::array<float, 2> pan_gains(float pan) noexcept RT_NONBLOCKING {
  if (pan == 0.0F) return {1.0F, 1.0F};
  constexpr float kRoot2 = 1.41421356F;
  const float angle = (pan + 1.0F) * 0.785398163F;
  return {std::max(0.0F, kRoot2 * std::cos(angle)), std::max(0.0F, kRoot2 * std::sin(angle))};
}

// Not-a-number and infinities become silence. [audio]
void make_finite(float* samples, std::uint32_t frames) noexcept RT_NONBLOCKING {
  for (std::uint32_t i = 0; i < frames; ++i) {
    if (!(std::fabs(samples[i]) <= 3.0e38F)) samples[i] = 0.0F;
  }
}

}  // namespace

Player::Player(ParameterStore& parameters, ClipExchange& clips)
    : parameters_(parameters), clips_(clips), bank_(SincBank::shared()), loops_(clips) {
  prepare(48000.0);
}

Player::~Player() {
  // Nobody processes any more: clips go straight back to be deleted.
  for (Voice& voice : voices_) {
    if (!voice.idle()) end(voice);
  }
  loops_.end_all();
  for (AudioClip*& clip : pads_) {
    drop(clip);
    clip = nullptr;
  }
}

void Player::prepare(double sample_rate_hz) {
  for (Voice& voice : voices_) {
    if (!voice.idle()) end(voice);
  }
  sample_rate_ =
      std::isfinite(sample_rate_hz) ? std::clamp(sample_rate_hz, 1000.0, 1.0e6) : 48000.0;
  loops_.prepare(sample_rate_);
  residue_decay_ = std::exp(-1.0F / (kResidueMs * 0.001F * static_cast<float>(sample_rate_)));
  residue_ = {0.0F, 0.0F};
  pedal_.fill(false);
  bend_.fill(0.0F);
  seen_version_ = 0;
  playing_.store(0, std::memory_order_relaxed);
}

void Player::process(float* const outputs[2], std::uint32_t frames,
                     std::span<const MidiEvent> events,
                     const Transport& transport) noexcept RT_NONBLOCKING {
  const FlushDenormals guard;
  std::fill_n(outputs[0], frames, 0.0F);
  std::fill_n(outputs[1], frames, 0.0F);
  take_clips();
  refresh();
  if (panic_.exchange(false, std::memory_order_acquire)) {
    pedal_.fill(false);
    fade_all(frames_of(kPanicMs));
    loops_.fade_all();
  }
  if (const std::uint32_t stopped = stopped_.exchange(0, std::memory_order_acquire)) {
    stop_pads(stopped);
  }
  follow(transport);
  PlayedNote played;
  for (std::uint32_t i = 0; i < kWaitingNotes && clips_.pop_note(played); ++i) {
    if (played.velocity > 0) {
      note_on(0, played.note, played.velocity);
    } else {
      note_off(0, played.note);
    }
  }
  std::uint32_t at = 0;
  for (const MidiEvent& event : events) {
    const std::uint32_t frame = std::clamp(event.frame, at, std::max(at, frames));
    render(outputs[0] + at, outputs[1] + at, frame - at);
    at = frame;
    handle(event.bytes, event.size);
  }
  render(outputs[0] + at, outputs[1] + at, frames - at);
  loops_.render(bank_, outputs[0], outputs[1], frames);
  make_finite(outputs[0], frames);
  make_finite(outputs[1], frames);

  blocks_.fetch_add(1, std::memory_order_relaxed);
  std::uint32_t playing = 0;
  for (const Voice& voice : voices_) playing += voice.playing() ? 1 : 0;
  playing = std::min(playing + loops_.playing(), kVoices);  // as many as the output can tell
  playing_.store(playing, std::memory_order_relaxed);
  parameters_.put_output(kPlayingVoices, static_cast<float>(playing));
  parameters_.put_output(kXruns, static_cast<float>(late()));
}

// Brings the loops in line with the song, and notes the tempo for the next request.
void Player::follow(const Transport& transport) noexcept RT_NONBLOCKING {
  if (has_tempo(transport)) {
    bpm_.store(transport.bpm, std::memory_order_relaxed);
    bar_quarters_.store(transport.bar_quarters, std::memory_order_relaxed);
  }
  transport_playing_.store(transport.playing, std::memory_order_relaxed);
  if (!loops_wanted_ && !loops_.busy()) return;
  VoiceStart as_hit;  // loops sound as loud as a hit at full velocity
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    as_hit.pad = static_cast<std::uint8_t>(pad);
    const PadSettings& settings = settings_[pad];
    loops_.update(pad, {settings.loop, pads_[pad], settings.bars, gains_of(as_hit)}, transport);
  }
}

// Newly placed clips replace the pads' clips; voices keep playing the one they began with.
void Player::take_clips() noexcept RT_NONBLOCKING {
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    AudioClip* clip = clips_.take(pad);
    if (clip == nullptr) continue;
    drop(pads_[pad]);
    clip->references = 1;
    pads_[pad] = clip;
  }
}

void Player::refresh() noexcept RT_NONBLOCKING {
  const std::uint32_t version = parameters_.version();
  if (version == seen_version_) return;
  seen_version_ = version;
  selected_ = static_cast<std::uint32_t>(parameters_.get(kPad)) - 1;
  fresh_ = parameters_.get(kFresh) > 0.5F;
  one_shot_ = parameters_.get(kOneShot) > 0.5F;
  velocity_ = parameters_.get(kVelocity);
  attack_frames_ = frames_of(parameters_.get(kAttackTime));
  release_frames_ = std::max(1U, frames_of(parameters_.get(kReleaseTime)));
  gain_ = parameters_.get(kMute) > 0.5F ? 0.0F : factor(parameters_.get(kGain));
  loops_wanted_ = false;
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    PadSettings& settings = settings_[pad];
    const float level = factor(parameters_.get(pad_parameter(pad, kPadGain)));
    const std::array<float, 2> pan = pan_gains(parameters_.get(pad_parameter(pad, kPadPan)));
    settings.gains = {level * pan[0], level * pan[1]};
    settings.pitch = parameters_.get(pad_parameter(pad, kPadPitch));
    settings.loop = parameters_.get(pad_parameter(pad, kPadLoop)) > 0.5F;
    loops_wanted_ = loops_wanted_ || settings.loop;
    settings.bars = parameters_.get(pad_parameter(pad, kPadBars));
    settings.choke = static_cast<std::uint32_t>(parameters_.get(pad_parameter(pad, kPadChoke)));
  }
  const std::uint32_t glide = frames_of(kGlideMs);
  for (Voice& voice : voices_) {
    if (voice.idle()) continue;
    voice.set_gains(gains_of(voice.how()), glide);
    voice.set_increment(increment_of(voice.how()));
  }
}

void Player::stop_pads(std::uint32_t pads) noexcept RT_NONBLOCKING {
  for (Voice& voice : voices_) {
    if (!voice.idle() && (pads >> voice.how().pad & 1U) != 0) voice.send_off(frames_of(kChokeMs));
  }
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    if ((pads >> pad & 1U) != 0) loops_.fade(pad);
  }
}

void Player::fade_all(std::uint32_t frames) noexcept RT_NONBLOCKING {
  for (Voice& voice : voices_) voice.release(frames);
}

// An idle voice. With sixteen playing, the quietest (of equals the oldest) first fades out.
Voice& Player::free_voice() noexcept RT_NONBLOCKING {
  Voice* idle = nullptr;
  Voice* quietest = nullptr;
  Voice* quietest_tail = nullptr;
  std::uint32_t playing = 0;
  const auto quieter = [](const Voice& a, const Voice* b) noexcept RT_NONBLOCKING {
    if (b == nullptr) return true;
    const float level_a = a.level();
    const float level_b = b->level();
    return level_a < level_b || (level_a == level_b && a.order() < b->order());
  };
  for (Voice& voice : voices_) {
    if (voice.idle()) {
      if (idle == nullptr) idle = &voice;
    } else if (voice.playing()) {
      ++playing;
      if (quieter(voice, quietest)) quietest = &voice;
    } else if (quieter(voice, quietest_tail)) {
      quietest_tail = &voice;
    }
  }
  if (playing >= kVoices) quietest->send_off(frames_of(kStealMs));
  if (idle != nullptr) return *idle;
  // Every slot is taken: sixteen play and sixteen fade. The quietest fading one ends now, and
  // the residue carries its last value to zero.
  Voice& victim = quietest_tail != nullptr ? *quietest_tail : *quietest;
  end(victim);
  return victim;
}

// Ends a voice at once; where it stopped away from zero, the residue fades from there.
void Player::end(Voice& voice) noexcept RT_NONBLOCKING {
  residue_[0] += voice.last()[0];
  residue_[1] += voice.last()[1];
  drop(voice.stop());
}

void Player::drop(AudioClip* clip) noexcept RT_NONBLOCKING {
  if (clip != nullptr && --clip->references == 0) clips_.give_back(clip);
}

void Player::render(float* left, float* right, std::uint32_t frames) noexcept RT_NONBLOCKING {
  for (std::uint32_t at = 0; at < frames; at += kChunkFrames) {
    const std::uint32_t count = std::min(kChunkFrames, frames - at);
    float* const to_left = left + at;
    float* const to_right = right + at;
    fade_residue(residue_, residue_decay_, to_left, to_right, count);
    for (Voice& voice : voices_) {
      if (voice.idle()) continue;
      const std::uint32_t done = voice.render(bank_, to_left, to_right, count);
      if (!voice.finished()) continue;
      // A clip that stops away from zero fades from its last value, right behind it.
      std::array<float, 2> rest = voice.last();
      drop(voice.stop());
      fade_residue(rest, residue_decay_, to_left + done, to_right + done, count - done);
      residue_[0] += rest[0];
      residue_[1] += rest[1];
    }
  }
}

void Player::fade_residue(std::array<float, 2>& residue, float decay, float* left, float* right,
                          std::uint32_t frames) noexcept RT_NONBLOCKING {
  float* const outputs[2] = {left, right};
  for (std::uint32_t c = 0; c < 2; ++c) {
    float value = residue[c];
    for (std::uint32_t i = 0; i < frames && value != 0.0F; ++i) {
      value *= decay;
      if (std::fabs(value) < 1.0e-7F) value = 0.0F;
      outputs[c][i] += value;
    }
    residue[c] = value;
  }
}

Position Player::increment_of(const VoiceStart& how) const noexcept RT_NONBLOCKING {
  float semitones = settings_[how.pad].pitch + bend_[how.channel];
  if (how.chromatic) semitones += static_cast<float>(how.note) - static_cast<float>(kRootNote);
  const double rate = how.clip->raw->sample_rate_hz() / sample_rate_;
  if (semitones == 0.0F && rate == 1.0) return kUnity;
  const double ratio = rate * std::exp2(static_cast<double>(semitones) / 12.0);
  // At least a 65536th, so that every voice comes to its end.
  return static_cast<Position>(std::clamp(ratio, 1.0 / 65536.0, kMaxRatio) *
                               static_cast<double>(kUnity));
}

std::array<float, 2> Player::gains_of(const VoiceStart& how) const noexcept RT_NONBLOCKING {
  const std::array<float, 2>& pad = settings_[how.pad].gains;
  return {gain_ * pad[0] * how.velocity_gain, gain_ * pad[1] * how.velocity_gain};
}

std::uint32_t Player::frames_of(float milliseconds) const noexcept RT_NONBLOCKING {
  return static_cast<std::uint32_t>(
      std::lround(milliseconds * 0.001F * static_cast<float>(sample_rate_)));
}

}  // namespace driftwave::shim
