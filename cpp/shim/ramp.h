// A gain without steps.
#pragma once

#include <cstdint>

#include "link/realtime.h"

namespace driftwave::shim {

/// A value that moves to its target in a straight line, whatever the block size.
class Ramp {
 public:
  /// [audio]
  void jump(float value) noexcept RT_NONBLOCKING {
    value_ = target_ = value;
    left_ = 0;
  }
  /// [audio]
  void aim(float target, std::uint32_t frames) noexcept RT_NONBLOCKING {
    if (target == target_) return;
    if (frames == 0) return jump(target);
    target_ = target;
    left_ = frames;
    step_ = (target - value_) / static_cast<float>(frames);
  }
  /// [audio]
  float next() noexcept RT_NONBLOCKING {
    if (left_ == 0) return value_;
    const float now = value_;
    value_ = --left_ == 0 ? target_ : value_ + step_;
    return now;
  }
  bool still() const noexcept RT_NONBLOCKING { return left_ == 0; }  // [audio]
  float value() const noexcept RT_NONBLOCKING { return value_; }     // [audio]

 private:
  float value_ = 0.0F;
  float target_ = 0.0F;
  float step_ = 0.0F;
  std::uint32_t left_ = 0;
};

}  // namespace driftwave::shim
