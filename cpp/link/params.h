// Latest value of every parameter, from the plugin to the engine. No history, no order.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "link/layout.h"
#include "link/realtime.h"

namespace driftwave::link {

struct ParamsSection {
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> changes;
  alignas(kCacheLineBytes) std::atomic<std::uint32_t> values[kMaxParams];  ///< bits of a float
};
static_assert(offsetof(ParamsSection, values) == 64);
static_assert(sizeof(ParamsSection) == 64 + 4 * kMaxParams);

/// Both ends; the plugin sets, the engine gets.
class Params {
 public:
  Params() = default;
  explicit Params(ParamsSection* section) noexcept : section_(section) {}

  /// [audio] Ignores an index that does not exist.
  void set(std::uint32_t index, float value) noexcept RT_NONBLOCKING {
    if (index >= kMaxParams) return;
    section_->values[index].store(std::bit_cast<std::uint32_t>(value), std::memory_order_relaxed);
    section_->changes.fetch_add(1, std::memory_order_release);
  }

  /// [any] 0 for an index that does not exist. May be any float, NaN included.
  float get(std::uint32_t index) const noexcept RT_NONBLOCKING {
    if (index >= kMaxParams) return 0.0F;
    return std::bit_cast<float>(section_->values[index].load(std::memory_order_relaxed));
  }

  /// [any] Grows whenever a value was set.
  std::uint64_t changes() const noexcept RT_NONBLOCKING {
    return section_->changes.load(std::memory_order_acquire);
  }

 private:
  ParamsSection* section_ = nullptr;
};

}  // namespace driftwave::link
