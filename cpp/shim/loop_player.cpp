#include "shim/loop_player.h"

#include <algorithm>
#include <cmath>

#include "shim/generator.h"
#include "shim/song_time.h"

namespace driftwave::shim {
namespace {

constexpr double kFadeSeconds = 0.005;
constexpr double kGlideSeconds = 0.005;  // a fader that moves
constexpr double kJumpSeconds = 0.020;   // farther off than this: the song has jumped
constexpr double kSteerSeconds = 0.050;  // smaller errors are taken up within this time
constexpr double kSteerLimit = 0.03;     // by at most so much of the speed
constexpr double kCloseFrames = 0.5;     // nearer than this is where it should be
constexpr double kRoundFrames = 0.05;    // what hosts lose when they tell the beat in 32 bits

// Clip frames from `from` to `to` the short way round.
double way_round(double from, double to, double frames) noexcept RT_NONBLOCKING {
  const double way = std::fmod(to - from, frames);
  if (way > frames * 0.5) return way - frames;
  return way < -frames * 0.5 ? way + frames : way;
}

Position position_of(double frame) noexcept RT_NONBLOCKING {
  return static_cast<Position>(frame * static_cast<double>(kUnity));
}

Position increment_of(double ratio) noexcept RT_NONBLOCKING {
  return static_cast<Position>(
      std::clamp(ratio, 1.0 / 65536.0, kMaxLoopRatio) * static_cast<double>(kUnity) + 0.5);
}

}  // namespace

void LoopPlayer::prepare(double sample_rate_hz) {
  end_all();
  sample_rate_ = sample_rate_hz;
}

LoopPlayer::Target LoopPlayer::target_of(const LoopPad& how,
                                         const Transport& transport) const noexcept RT_NONBLOCKING {
  const ClipData& clip = *how.clip->raw;
  const auto frames = static_cast<double>(clip.frames());
  const double quarters =
      how.clip->quarters > 0.0 ? how.clip->quarters : how.bars * transport.bar_quarters;
  Target target;
  if (quarters > 0.0 && has_tempo(transport)) {
    const double place = std::fmod(song_quarters(transport, sample_rate_), quarters) / quarters;
    target.frame = place * frames;
    target.ratio = frames * transport.bpm / (quarters * 60.0 * sample_rate_);
  } else {
    target.frame = std::fmod(song_seconds(transport, sample_rate_) * clip.sample_rate_hz(), frames);
    target.ratio = clip.sample_rate_hz() / sample_rate_;
  }
  if (target.frame < 0.0) target.frame += frames;  // a count-in before the song
  const double near = std::round(target.frame);
  if (std::fabs(target.frame - near) < kRoundFrames) target.frame = near;
  if (!(target.frame >= 0.0 && target.frame < frames)) target.frame = 0.0;
  return target;
}

void LoopPlayer::update(std::uint32_t pad, const LoopPad& how,
                        const Transport& transport) noexcept RT_NONBLOCKING {
  LoopVoice& voice = voices_[pad];
  const bool wanted =
      how.on && transport.playing && how.clip != nullptr && how.clip->raw != nullptr;
  if (!wanted) silence(pad, false);
  if (!wanted || silenced_[pad]) {
    if (!voice.idle()) retire(pad);
    return;
  }
  const Target target = target_of(how, transport);
  if (voice.idle() || voice.clip() != how.clip) {
    if (!voice.idle()) retire(pad);
    return begin(pad, how, target);
  }
  steer(voice, how, target, pad);
}

void LoopPlayer::steer(LoopVoice& voice, const LoopPad& how, const Target& target,
                       std::uint32_t pad) noexcept RT_NONBLOCKING {
  voice.set_gains(how.gains, frames_of(kGlideSeconds));
  const double here = static_cast<double>(voice.position()) / static_cast<double>(kUnity);
  const double error = way_round(here, target.frame, how.clip->raw->frames());
  const double error_frames = std::fabs(error) / target.ratio;  // of the host
  if (error_frames > kJumpSeconds * sample_rate_) {
    retire(pad);
    return begin(pad, how, target);
  }
  double ratio = target.ratio;
  if (error_frames > kCloseFrames) {
    const double wanted = error / (kSteerSeconds * sample_rate_);
    ratio += std::clamp(wanted, -kSteerLimit * ratio, kSteerLimit * ratio);
  }
  voice.set_increment(increment_of(ratio));
}

void LoopPlayer::begin(std::uint32_t pad, const LoopPad& how,
                       const Target& target) noexcept RT_NONBLOCKING {
  // Its first sample is heard as it is; from anywhere else it must fade in.
  const std::uint32_t fade = target.frame < 1.0 ? 0 : frames_of(kFadeSeconds);
  sounding_ = true;
  ++how.clip->references;
  voices_[pad].start(how.clip, position_of(target.frame), increment_of(target.ratio), how.gains,
                     fade);
}

void LoopPlayer::retire(std::uint32_t pad) noexcept RT_NONBLOCKING {
  if (!leaving_[pad].idle()) end(leaving_[pad]);
  leaving_[pad] = voices_[pad];
  static_cast<void>(voices_[pad].end());
  leaving_[pad].stop(frames_of(kFadeSeconds));
  positions_[pad].store(-1.0F, std::memory_order_relaxed);
}

void LoopPlayer::render(const SincBank& bank, float* left, float* right,
                        std::uint32_t frames) noexcept RT_NONBLOCKING {
  if (frames == 0 || !sounding_) return;
  bool any = false;
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    LoopVoice& voice = voices_[pad];
    if (!voice.idle()) {
      voice.render(bank, left, right, frames);
      const double place = static_cast<double>(voice.position()) / static_cast<double>(kUnity);
      positions_[pad].store(static_cast<float>(place / voice.clip()->raw->frames()),
                            std::memory_order_relaxed);
    }
    LoopVoice& old = leaving_[pad];
    if (!old.idle()) {
      old.render(bank, left, right, frames);
      if (old.finished()) end(old);
    }
    any = any || !voice.idle() || !old.idle();
  }
  sounding_ = any;
}

void LoopPlayer::fade(std::uint32_t pad) noexcept RT_NONBLOCKING {
  if (voices_[pad].idle()) return;
  retire(pad);
  silence(pad, true);
}

void LoopPlayer::fade_all() noexcept RT_NONBLOCKING {
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) fade(pad);
}

void LoopPlayer::silence(std::uint32_t pad, bool silenced) noexcept RT_NONBLOCKING {
  if (silenced_[pad] == silenced) return;
  silenced_[pad] = silenced;
  silenced_count_ += silenced ? 1U : ~0U;
}

void LoopPlayer::end_all() noexcept RT_NONBLOCKING {
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    if (!voices_[pad].idle()) end(voices_[pad]);
    if (!leaving_[pad].idle()) end(leaving_[pad]);
    positions_[pad].store(-1.0F, std::memory_order_relaxed);
    silence(pad, false);
  }
  sounding_ = false;
}

void LoopPlayer::end(LoopVoice& voice) noexcept RT_NONBLOCKING {
  AudioClip* clip = voice.end();
  if (--clip->references == 0) clips_.give_back(clip);
}

std::uint32_t LoopPlayer::playing() const noexcept RT_NONBLOCKING {
  return static_cast<std::uint32_t>(
      std::count_if(voices_.begin(), voices_.end(), [](const LoopVoice& v) { return !v.idle(); }));
}

}  // namespace driftwave::shim
