// The present value of every parameter, shared by all threads without waiting.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "link/realtime.h"
#include "shim/parameters.h"

namespace driftwave::shim {

class ParameterStore {
 public:
  ParameterStore() noexcept {
    for (const Parameter& p : kParameters) {
      values_[p.index].store(p.default_value, std::memory_order_relaxed);
    }
  }

  /// [any] As Generator::set_parameter.
  void set(std::uint32_t index, float value) noexcept RT_NONBLOCKING {
    if (index >= kParameterCount || (kParameters[index].flags & kOutput) != 0) return;
    const float clean = clean_value(index, value);
    const float before = values_[index].exchange(clean, std::memory_order_relaxed);
    if ((kParameters[index].flags & kTrigger) != 0) {
      if (before <= 0.5F && clean > 0.5F) pushes_[index].fetch_add(1, std::memory_order_release);
      return;
    }
    if (before != clean) version_.fetch_add(1, std::memory_order_release);
  }

  /// [any] 0 for an unknown index.
  float get(std::uint32_t index) const noexcept RT_NONBLOCKING {
    return index < kParameterCount ? values_[index].load(std::memory_order_relaxed) : 0.0F;
  }

  /// [any] For outputs only.
  void put_output(std::uint32_t index, float value) noexcept RT_NONBLOCKING {
    if (index < kParameterCount && (kParameters[index].flags & kOutput) != 0) {
      values_[index].store(value, std::memory_order_relaxed);
    }
  }

  /// [any] Changes whenever an input that is no trigger changes; read it before the values.
  std::uint32_t version() const noexcept RT_NONBLOCKING {
    return version_.load(std::memory_order_acquire);
  }

  /// [link] Rises of a trigger since the last call.
  std::uint32_t take_pushes(std::uint32_t trigger) noexcept {
    return pushes_[trigger].exchange(0, std::memory_order_acquire);
  }

 private:
  static_assert(std::atomic<float>::is_always_lock_free);
  std::array<std::atomic<float>, kParameterCount> values_;
  std::array<std::atomic<std::uint32_t>, kParameterCount> pushes_{};
  std::atomic<std::uint32_t> version_{1};
};

}  // namespace driftwave::shim
