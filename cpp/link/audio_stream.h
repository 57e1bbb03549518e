// Audio that flows between the processes block by block.
//
// Two rings: interleaved float frames, and one mark a block that says where the block belongs.
// The samples are published before their mark, so a reader that sees a mark has its samples.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "link/layout.h"
#include "link/realtime.h"
#include "link/ring.h"

namespace driftwave::link {

/// Where a block belongs.
struct BlockMark {
  std::uint64_t epoch;     ///< a new stream (seek, activation) has a new number
  std::uint64_t position;  ///< frames since the epoch began
  std::uint32_t frames;
  std::uint32_t flags;
};
static_assert(sizeof(BlockMark) == 24 && offsetof(BlockMark, frames) == 16);

struct AudioSection {
  RingCursors marks;
  RingCursors samples;
  BlockMark mark_data[kAudioMarks];
};
static_assert(offsetof(AudioSection, samples) == 128 && offsetof(AudioSection, mark_data) == 256);
static_assert(sizeof(AudioSection) == 256 + 24 * kAudioMarks);
static_assert(std::has_single_bit(kAudioMarks));

/// [any] Floats in the sample ring: at least four of the host's longest blocks.
constexpr std::uint64_t audio_ring_floats(std::uint32_t max_block_frames,
                                          std::uint32_t channels) noexcept {
  const std::uint64_t wanted = std::uint64_t{4} * max_block_frames * channels;
  return std::bit_ceil(std::max<std::uint64_t>(wanted, 16384));
}

/// [any] Bytes of an audio section.
constexpr std::uint64_t audio_section_bytes(std::uint32_t max_block_frames,
                                            std::uint32_t channels) noexcept {
  return sizeof(AudioSection) + sizeof(float) * audio_ring_floats(max_block_frames, channels);
}

namespace detail {
/// [any] The sample ring behind an audio section.
inline std::span<float> sample_ring(std::byte* section, std::uint64_t floats) noexcept {
  return {reinterpret_cast<float*>(section + sizeof(AudioSection)),
          static_cast<std::size_t>(floats)};
}
}  // namespace detail

/// The producing end of `audio_up` or `audio_down`.
class AudioWriter {
 public:
  AudioWriter() = default;
  AudioWriter(std::byte* section, std::uint64_t ring_floats, std::uint32_t channels) noexcept
      : marks_(&reinterpret_cast<AudioSection*>(section)->marks,
               reinterpret_cast<AudioSection*>(section)->mark_data),
        samples_(&reinterpret_cast<AudioSection*>(section)->samples,
                 detail::sample_ring(section, ring_floats)),
        channels_(channels) {}

  /// [audio] Send a block of interleaved frames, all or nothing.
  RingStatus push(BlockMark mark, std::span<const float> interleaved) noexcept RT_NONBLOCKING {
    mark.frames = static_cast<std::uint32_t>(interleaved.size() / std::max(channels_, 1U));
    const RingStatus room = marks_.reserve(1);
    if (room != RingStatus::ok) return room;
    const RingStatus pushed = samples_.push(interleaved);
    if (pushed != RingStatus::ok) return pushed;
    return marks_.push(std::span<const BlockMark>(&mark, 1));
  }

 private:
  RingWriter<BlockMark> marks_;
  RingWriter<float> samples_;
  std::uint32_t channels_ = 0;
};

/// The consuming end of `audio_up` or `audio_down`.
class AudioReader {
 public:
  AudioReader() = default;
  AudioReader(std::byte* section, std::uint64_t ring_floats, std::uint32_t channels) noexcept
      : marks_(&reinterpret_cast<AudioSection*>(section)->marks,
               reinterpret_cast<AudioSection*>(section)->mark_data),
        samples_(&reinterpret_cast<AudioSection*>(section)->samples,
                 detail::sample_ring(section, ring_floats)),
        channels_(channels) {}

  /// [audio] Take the next block if it fits in `to`; a longer or impossible one breaks the stream.
  RingStatus pop(BlockMark& mark, std::span<float> to) noexcept RT_NONBLOCKING {
    if (broken()) return RingStatus::broken;
    BlockMark next;
    if (marks_.available() == 0) return broken() ? RingStatus::broken : RingStatus::again;
    marks_.peek(0, std::span<BlockMark>(&next, 1));
    const std::uint64_t floats = std::uint64_t{next.frames} * channels_;
    if (floats > to.size() || floats > samples_.available()) {
      marks_.mark_broken();
      return RingStatus::broken;
    }
    samples_.peek(0, to.first(static_cast<std::size_t>(floats)));
    samples_.consume(static_cast<std::size_t>(floats));
    marks_.consume(1);
    mark = next;
    return RingStatus::ok;
  }

  /// [audio] True once a cursor or a mark was impossible.
  bool broken() const noexcept RT_NONBLOCKING { return marks_.broken() || samples_.broken(); }

 private:
  RingReader<BlockMark> marks_;
  RingReader<float> samples_;
  std::uint32_t channels_ = 0;
};

}  // namespace driftwave::link
