// The shared segment: page 0, its section table, and the sizes of every section.
//
// Page 0 is written by the engine before the plugin can see it and never changes. Each side
// copies it once to private memory, checks the copy (segment.h) and never reads it again.
// All numbers are little-endian and of fixed width; there are no pointers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace driftwave::link {

static_assert(std::endian::native == std::endian::little, "the wire format is little-endian");

/// "DRFTLNK1" read as a little-endian number.
inline constexpr std::uint64_t kMagic = 0x314B4E4C54465244ULL;

/// A different major cannot be spoken to; a newer minor only appends fields and kinds.
inline constexpr std::uint32_t kAbiMajor = 1;
inline constexpr std::uint32_t kAbiMinor = 1;

inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kCacheLineBytes = 64;

inline constexpr std::uint32_t kMaxSections = 16;
inline constexpr std::uint32_t kMaxChannels = 8;
inline constexpr std::uint32_t kMaxBlockFrames = 65536;
inline constexpr double kMinRateHz = 4000.0;
inline constexpr double kMaxRateHz = 768000.0;

inline constexpr std::size_t kRequestRingBytes = 256UL * 1024;
inline constexpr std::size_t kReplyRingBytes = 64UL * 1024;
inline constexpr std::uint32_t kMaxParams = 512;
inline constexpr std::uint32_t kClipSlots = 16;
/// Room of one clip slot: 2 097 152 floats, 23 s of stereo at 44.1 kHz. The arena is sparse.
inline constexpr std::size_t kClipSlotBytes = 8UL * 1024 * 1024;
inline constexpr std::uint32_t kMaxClipChannels = 2;
inline constexpr std::uint32_t kAudioMarks = 64;

/// Upper bound of a segment; what claims to be longer is refused before it is mapped.
inline constexpr std::uint64_t kMaxSegmentBytes = 1ULL << 28;

enum class SectionKind : std::uint32_t {
  none = 0,
  audio_up = 1,    ///< plugin -> engine, audio_stream.h
  audio_down = 2,  ///< engine -> plugin, audio_stream.h
  params = 3,      ///< plugin -> engine, params.h
  transport = 4,   ///< plugin -> engine, transport.h
  requests = 5,    ///< plugin -> engine, byte_ring.h
  replies = 6,     ///< engine -> plugin, byte_ring.h
  clips = 7,       ///< engine -> plugin, clips.h
  stats = 8,       ///< both ways, stats.h
};
inline constexpr std::uint32_t kSectionKinds = 8;

/// A process, named so that a reused pid is not mistaken for it.
struct ProcessId {
  std::uint32_t pid;
  std::uint32_t reserved;
  std::uint64_t start_time;  ///< clock ticks since boot (Linux: /proc/PID/stat field 22)
};
static_assert(sizeof(ProcessId) == 16 && offsetof(ProcessId, start_time) == 8);

/// One entry of the section table; offset and length in bytes from the start of the segment.
struct Section {
  std::uint32_t kind;
  std::uint32_t reserved;
  std::uint64_t offset_bytes;  ///< a multiple of kPageBytes, never 0
  std::uint64_t bytes;
};
static_assert(sizeof(Section) == 24 && offsetof(Section, offset_bytes) == 8 &&
              offsetof(Section, bytes) == 16);

/// Page 0 of the segment.
struct Header {
  std::uint64_t magic;
  std::uint32_t abi_major;
  std::uint32_t abi_minor;
  std::uint32_t header_bytes;
  std::uint32_t section_count;
  std::uint64_t total_bytes;
  std::uint64_t generation;  ///< one more for every segment an engine creates
  double sample_rate_hz;     ///< of the host
  std::uint32_t max_block_frames;
  std::uint32_t channels;
  ProcessId engine;
  ProcessId plugin;
  Section sections[kMaxSections];
};
static_assert(offsetof(Header, abi_major) == 8 && offsetof(Header, abi_minor) == 12);
static_assert(offsetof(Header, header_bytes) == 16 && offsetof(Header, section_count) == 20);
static_assert(offsetof(Header, total_bytes) == 24 && offsetof(Header, generation) == 32);
static_assert(offsetof(Header, sample_rate_hz) == 40 && offsetof(Header, max_block_frames) == 48);
static_assert(offsetof(Header, channels) == 52 && offsetof(Header, engine) == 56);
static_assert(offsetof(Header, plugin) == 72 && offsetof(Header, sections) == 88);
static_assert(sizeof(Header) == 88 + 24 * kMaxSections && sizeof(Header) <= kPageBytes);

/// [any] `bytes` rounded up to whole pages.
constexpr std::uint64_t whole_pages(std::uint64_t bytes) noexcept {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

}  // namespace driftwave::link
