// Keeps denormal numbers, which cost a hundred times a normal one, out of the audio thread.
//
// Threads are tagged on every function of cpp/shim:
//   [audio]  the host's processing thread; never allocates, frees, locks, waits or calls the system
//   [link]   the shim's own thread that talks to the engine; may block, never seen by the host
//   [ui]     any host or editor thread but the audio thread; may take the shim's one mutex
//   [any]    every thread, the audio thread included
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "link/realtime.h"

namespace driftwave::shim {

/// Flushes denormal numbers to zero while it lives, and restores the host's setting after.
class FlushDenormals {
 public:
  /// [audio]
  FlushDenormals() noexcept RT_NONBLOCKING {
#if defined(__x86_64__)
    saved_ = _mm_getcsr();
    _mm_setcsr(saved_ | 0x8040U);  // flush-to-zero and denormals-are-zero
#elif defined(__aarch64__)
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" ::"r"(saved_ | (std::uint64_t{1} << 24)));
#endif
  }
  /// [audio]
  ~FlushDenormals() noexcept RT_NONBLOCKING {
#if defined(__x86_64__)
    _mm_setcsr(saved_);
#elif defined(__aarch64__)
    asm volatile("msr fpcr, %0" ::"r"(saved_));
#endif
  }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  unsigned int saved_ = 0;
#elif defined(__aarch64__)
  std::uint64_t saved_ = 0;
#endif
};

}  // namespace driftwave::shim
