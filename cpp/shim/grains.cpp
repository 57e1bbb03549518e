#include "shim/grains.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace driftwave::shim {
namespace {

constexpr double kFadeSeconds = 0.005;

}  // namespace

Grains::~Grains() {
  Order order;
  while (inbox_.pop(order)) delete order.grain;
  for (std::size_t i = 0; i < count_; ++i) delete playing_[i].grain;
  collect();
}

void Grains::prepare(double sample_rate_hz) {
  receive();
  while (count_ > 0) retire(playing_[count_ - 1]);
  collect();
  fade_frames_ = static_cast<std::uint32_t>(std::max(1.0, kFadeSeconds * sample_rate_hz));
  ramp_.jump(gain_.load(std::memory_order_relaxed));
}

void Grains::collect() {
  Grain* grain = nullptr;
  while (retired_.pop(grain)) {
    delete grain;
    --held_;
  }
}

bool Grains::add(Grain grain) {
  collect();
  // No more are held than playing_ and retired_ have room for: the audio thread never waits.
  if (held_ == kGrains) return false;
  auto mine = std::make_unique<Grain>(std::move(grain));
  if (!inbox_.push({mine.get(), 0})) return false;
  static_cast<void>(mine.release());
  ++held_;
  return true;
}

// In the order in which it was asked for. [audio]
void Grains::receive() noexcept RT_NONBLOCKING {
  Order order;
  while (inbox_.pop(order)) {
    if (order.grain == nullptr) {
      leave_out(order.frame);
    } else {
      playing_[count_++] = {order.grain, 0, 0};
    }
  }
}

// What has not begun by `frame`; kEnd: everything. [audio]
void Grains::leave_out(std::uint64_t frame) noexcept RT_NONBLOCKING {
  for (std::size_t i = 0; i < count_;) {
    Playing& playing = playing_[i];
    if (playing.begun == 0 && (frame == kEnd || playing.grain->frame >= frame)) {
      retire(playing);  // the last one takes its place
      continue;
    }
    if (frame == kEnd && playing.fade_left == 0) playing.fade_left = fade_frames_;
    ++i;
  }
}

// [audio] `playing` is one of the list; the last one moves to its place.
void Grains::retire(Playing& playing) noexcept RT_NONBLOCKING {
  retired_.push(playing.grain);
  playing = playing_[--count_];
  playing_[count_] = {};
}

// Adds one grain to the piece; false once it has ended. [audio]
bool Grains::play(Playing& playing, std::uint32_t frames,
                  std::uint64_t at) noexcept RT_NONBLOCKING {
  const Grain& grain = *playing.grain;
  const std::uint64_t length = grain.samples.size() / 2;
  std::uint32_t i = 0;
  if (playing.begun == 0 && grain.frame > at) {
    i = static_cast<std::uint32_t>(std::min<std::uint64_t>(frames, grain.frame - at));
  }
  for (; i < frames && playing.begun < length; ++i) {
    const bool fades = playing.fade_left > 0;
    const float level =
        fades ? static_cast<float>(playing.fade_left) / static_cast<float>(fade_frames_) : 1.0F;
    piece_[0][i] += level * grain.samples[2 * playing.begun];
    piece_[1][i] += level * grain.samples[2 * playing.begun + 1];
    ++playing.begun;
    if (fades && --playing.fade_left == 0) return false;
  }
  return playing.begun < length;
}

void Grains::mix(float* left, float* right, std::uint32_t frames,
                 std::uint64_t at) noexcept RT_NONBLOCKING {
  receive();
  ramp_.aim(gain_.load(std::memory_order_relaxed), fade_frames_);
  if (count_ == 0 && ramp_.still()) return;
  for (std::uint32_t done = 0; done < frames; done += kPiece) {
    const std::uint32_t count = std::min(kPiece, frames - done);
    std::fill_n(piece_[0].begin(), count, 0.0F);
    std::fill_n(piece_[1].begin(), count, 0.0F);
    for (std::size_t i = 0; i < count_;) {
      if (play(playing_[i], count, at + done)) {
        ++i;
      } else {
        retire(playing_[i]);
      }
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      const float gain = ramp_.next();
      left[done + i] += gain * piece_[0][i];
      right[done + i] += gain * piece_[1][i];
    }
  }
}

}  // namespace driftwave::shim
