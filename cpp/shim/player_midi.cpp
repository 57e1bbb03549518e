// What MIDI does to the player: notes, pedal, pitch wheel, choke groups, all sound off.
#include "shim/player.h"

namespace driftwave::shim {
namespace {

constexpr float kBendSemitones = 2.0F;

}  // namespace

void Player::handle(const std::uint8_t* bytes, std::uint32_t size) noexcept RT_NONBLOCKING {
  if (size < 1) return;
  const auto kind = static_cast<std::uint8_t>(bytes[0] & 0xF0U);
  const auto channel = static_cast<std::uint8_t>(bytes[0] & 0x0FU);
  if (bytes[0] == 0xFFU) {  // system reset
    panic();
    return;
  }
  if (size < 3 || kind == 0xF0U) return;
  const auto first = static_cast<std::uint8_t>(bytes[1] & 0x7FU);
  const auto second = static_cast<std::uint8_t>(bytes[2] & 0x7FU);
  if (kind == 0x90U && second > 0) {
    note_on(channel, first, second);
  } else if (kind == 0x80U || kind == 0x90U) {
    note_off(channel, first);
  } else if (kind == 0xB0U) {
    control(channel, first, second);
  } else if (kind == 0xE0U) {
    const int bend = (second << 7 | first) - 8192;
    set_bend(channel, static_cast<float>(bend) / 8192.0F * kBendSemitones);
  }
}

void Player::note_on(std::uint8_t channel, std::uint8_t note,
                     std::uint8_t velocity) noexcept RT_NONBLOCKING {
  const bool on_pad = note >= kFirstPadNote && note < kFirstPadNote + kPadCount;
  const std::uint32_t pad = on_pad ? note - kFirstPadNote : selected_;
  hits_[pad].fetch_add(1, std::memory_order_relaxed);
  if (fresh_) {
    if (AudioClip* fresh = clips_.take_fresh(pad)) {
      drop(pads_[pad]);
      fresh->references = 1;
      pads_[pad] = fresh;
    } else {
      late_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (settings_[pad].choke != 0) choke(settings_[pad].choke, pad, !on_pad);
  AudioClip* clip = pads_[pad];
  if (clip == nullptr || clip->raw == nullptr) return;

  VoiceStart how;
  how.clip = clip;
  how.pad = static_cast<std::uint8_t>(pad);
  how.note = note;
  how.channel = channel;
  how.chromatic = !on_pad;
  how.gated = !on_pad || !one_shot_;
  how.attack_frames = attack_frames_;
  const float part = static_cast<float>(velocity) / 127.0F;
  how.velocity_gain = 1.0F - velocity_ * (1.0F - part * part);
  how.gains = gains_of(how);
  how.increment = increment_of(how);
  Voice& voice = free_voice();
  ++clip->references;
  voice.start(how, ++order_);
}

void Player::note_off(std::uint8_t channel, std::uint8_t note) noexcept RT_NONBLOCKING {
  for (Voice& voice : voices_) {
    const VoiceStart& how = voice.how();
    if (voice.idle() || !voice.held || how.note != note || how.channel != channel) continue;
    voice.held = false;
    if (!how.gated) continue;
    if (pedal_[channel]) {
      voice.sustained = true;
    } else {
      voice.release(release_frames_);
    }
  }
}

void Player::control(std::uint8_t channel, std::uint8_t controller,
                     std::uint8_t value) noexcept RT_NONBLOCKING {
  switch (controller) {
    case 64:
      set_pedal(channel, value >= 64);
      break;
    case 120:  // all sound off
      fade_all(frames_of(kPanicMs));
      break;
    case 121:  // reset all controllers
      set_pedal(channel, false);
      set_bend(channel, 0.0F);
      break;
    default:  // 123: all notes off, and the modes that imply it
      if (controller >= 123) fade_all(release_frames_);
  }
}

void Player::set_pedal(std::uint8_t channel, bool down) noexcept RT_NONBLOCKING {
  pedal_[channel] = down;
  if (down) return;
  for (Voice& voice : voices_) {
    if (!voice.idle() && voice.sustained && voice.how().channel == channel) {
      voice.release(release_frames_);
    }
  }
}

void Player::set_bend(std::uint8_t channel, float semitones) noexcept RT_NONBLOCKING {
  bend_[channel] = semitones;
  for (Voice& voice : voices_) {
    if (!voice.idle() && voice.how().channel == channel) {
      voice.set_increment(increment_of(voice.how()));
    }
  }
}

// A pad cuts its whole group, itself included; a chord on the keys must not cut its own notes.
void Player::choke(std::uint32_t group, std::uint32_t pad, bool chromatic) noexcept RT_NONBLOCKING {
  const std::uint32_t fade = frames_of(kChokeMs);
  for (Voice& voice : voices_) {
    if (voice.idle() || settings_[voice.how().pad].choke != group) continue;
    if (chromatic && voice.how().pad == pad) continue;
    voice.send_off(fade);
  }
}

}  // namespace driftwave::shim
