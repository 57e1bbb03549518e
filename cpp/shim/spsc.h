// A queue of small values between two threads of one process.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <type_traits>

#include "link/realtime.h"

namespace driftwave::shim {

/// One thread pushes, one thread pops; both never wait. `kCapacity` is a power of two.
template <typename T, std::size_t kCapacity>
class SpscQueue {
  static_assert(std::is_trivially_copyable_v<T> && (kCapacity & (kCapacity - 1)) == 0);
  static_assert(std::atomic<std::size_t>::is_always_lock_free);

 public:
  /// [any] Only the one pushing thread. False when full.
  bool push(const T& value) noexcept RT_NONBLOCKING {
    const std::size_t at = written_.load(std::memory_order_relaxed);
    if (at - read_.load(std::memory_order_acquire) == kCapacity) return false;
    values_[at % kCapacity] = value;
    written_.store(at + 1, std::memory_order_release);
    return true;
  }

  /// [any] Only the one popping thread. False when empty.
  bool pop(T& value) noexcept RT_NONBLOCKING {
    const std::size_t at = read_.load(std::memory_order_relaxed);
    if (at == written_.load(std::memory_order_acquire)) return false;
    value = values_[at % kCapacity];
    read_.store(at + 1, std::memory_order_release);
    return true;
  }

 private:
  alignas(64) std::atomic<std::size_t> written_{0};
  alignas(64) std::atomic<std::size_t> read_{0};
  alignas(64) std::array<T, kCapacity> values_{};
};

}  // namespace driftwave::shim
