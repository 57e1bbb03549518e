#include "shim/clip_exchange.h"

#include <utility>

namespace driftwave::shim {
namespace {

std::unique_ptr<AudioClip> wrap(std::shared_ptr<const ClipData> data, std::uint64_t serial,
                                double quarters) {
  auto clip = std::make_unique<AudioClip>();
  clip->data = std::move(data);
  clip->raw = clip->data.get();
  clip->serial = serial;
  clip->quarters = quarters;
  return clip;
}

}  // namespace

ClipExchange::~ClipExchange() {
  collect();
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    clear_fresh(pad);
    std::unique_ptr<AudioClip>(placed_[pad].exchange(nullptr));
  }
}

void ClipExchange::place(std::uint32_t pad, std::shared_ptr<const ClipData> data,
                         std::uint64_t serial, double quarters) {
  collect();
  AudioClip* clip = wrap(std::move(data), serial, quarters).release();
  // One that the audio thread has not seen yet is still ours to delete.
  std::unique_ptr<AudioClip>(placed_[pad].exchange(clip, std::memory_order_acq_rel));
}

bool ClipExchange::add_fresh(std::uint32_t pad, std::shared_ptr<const ClipData> data,
                             std::uint64_t serial, double quarters) {
  collect();
  auto clip = wrap(std::move(data), serial, quarters);
  for (auto& place : fresh_[pad]) {
    AudioClip* expected = nullptr;
    if (place.compare_exchange_strong(expected, clip.get(), std::memory_order_acq_rel)) {
      static_cast<void>(clip.release());
      return true;
    }
  }
  return false;
}

void ClipExchange::clear_fresh(std::uint32_t pad) {
  for (auto& place : fresh_[pad]) {
    std::unique_ptr<AudioClip>(place.exchange(nullptr, std::memory_order_acq_rel));
  }
}

void ClipExchange::collect() {
  AudioClip* clip = nullptr;
  while (retired_.pop(clip)) std::unique_ptr<AudioClip> gone(clip);
}

AudioClip* ClipExchange::take_fresh(std::uint32_t pad) noexcept RT_NONBLOCKING {
  for (std::uint32_t i = 0; i < kPoolSize; ++i) {
    const std::uint32_t at = (fresh_at_[pad] + 1 + i) % kPoolSize;
    AudioClip* clip = fresh_[pad][at].exchange(nullptr, std::memory_order_acq_rel);
    if (clip != nullptr) {
      fresh_at_[pad] = at;
      used_.push({pad, clip->serial});
      return clip;
    }
  }
  return nullptr;
}

}  // namespace driftwave::shim
