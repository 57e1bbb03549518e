// The two messages on the socket before it becomes a doorbell.
//
// The plugin sends Hello, the engine answers Welcome; an accepted Welcome carries the segment's
// descriptor (SCM_RIGHTS). Up to and including `message` both structs keep their layout for ever,
// so that any two versions can tell each other that they do not fit. Afterwards every byte on the
// socket, in either direction, only means "look at your ring", and its end means "I am gone".
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "link/layout.h"
#include "link/records.h"

namespace driftwave::link {

struct Hello {
  std::uint64_t magic;
  std::uint32_t abi_major;
  std::uint32_t abi_minor;
  ProcessId plugin;
  double sample_rate_hz;
  std::uint32_t max_block_frames;
  std::uint32_t channels;
  char kind[32];  ///< which plugin, e.g. "generate"
};
static_assert(offsetof(Hello, plugin) == 16 && offsetof(Hello, sample_rate_hz) == 32);
static_assert(offsetof(Hello, channels) == 44 && offsetof(Hello, kind) == 48);
static_assert(sizeof(Hello) == 80);

enum class Answer : std::uint32_t { accepted = 0, incompatible = 1, refused = 2 };

struct Welcome {
  std::uint64_t magic;
  std::uint32_t abi_major;
  std::uint32_t abi_minor;
  std::uint32_t answer;
  std::uint32_t reserved;
  std::uint64_t generation;
  std::uint64_t total_bytes;
  char message[216];  ///< for the user, when not accepted
};
static_assert(offsetof(Welcome, answer) == 16 && offsetof(Welcome, generation) == 24);
static_assert(offsetof(Welcome, message) == 40 && sizeof(Welcome) == 256);

/// [link] The answer that a Hello deserves.
inline Answer judge(const Hello& hello) noexcept {
  if (hello.magic != kMagic) return Answer::refused;
  if (hello.abi_major != kAbiMajor) return Answer::incompatible;
  const bool rate_fits = std::isfinite(hello.sample_rate_hz) &&
                         hello.sample_rate_hz >= kMinRateHz && hello.sample_rate_hz <= kMaxRateHz;
  const bool block_fits = hello.max_block_frames >= 1 && hello.max_block_frames <= kMaxBlockFrames;
  const bool channels_fit = hello.channels >= 1 && hello.channels <= kMaxChannels;
  return rate_fits && block_fits && channels_fit ? Answer::accepted : Answer::refused;
}

}  // namespace driftwave::link
