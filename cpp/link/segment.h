// Creating, checking and mapping the shared segment.
#pragma once

#include <sys/mman.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "link/audio_stream.h"
#include "link/byte_ring.h"
#include "link/clips.h"
#include "link/handshake.h"
#include "link/layout.h"
#include "link/params.h"
#include "link/platform.h"
#include "link/ring.h"
#include "link/stats.h"
#include "link/transport.h"

namespace driftwave::link {

/// [any] Bytes of a section for a host's block length and channels; 0 for an unknown kind.
constexpr std::uint64_t section_bytes(SectionKind kind, std::uint32_t max_block_frames,
                                      std::uint32_t channels) noexcept {
  switch (kind) {
    case SectionKind::audio_up:
    case SectionKind::audio_down:
      return audio_section_bytes(max_block_frames, channels);
    case SectionKind::params:
      return sizeof(ParamsSection);
    case SectionKind::transport:
      return sizeof(TransportSection);
    case SectionKind::requests:
      return sizeof(RingCursors) + kRequestRingBytes;
    case SectionKind::replies:
      return sizeof(RingCursors) + kReplyRingBytes;
    case SectionKind::clips:
      return kClipsSectionBytes;
    case SectionKind::stats:
      return sizeof(StatsSection);
    case SectionKind::none:
      break;
  }
  return 0;
}

/// [link] Page 0 for a plugin whose Hello was accepted.
inline Header make_header(const Hello& hello, std::uint64_t generation,
                          const ProcessId& engine) noexcept {
  Header header{};
  header.magic = kMagic;
  header.abi_major = kAbiMajor;
  header.abi_minor = kAbiMinor;
  header.header_bytes = sizeof(Header);
  header.section_count = kSectionKinds;
  header.generation = generation;
  header.sample_rate_hz = hello.sample_rate_hz;
  header.max_block_frames = hello.max_block_frames;
  header.channels = hello.channels;
  header.engine = engine;
  header.plugin = hello.plugin;
  std::uint64_t offset = kPageBytes;
  for (std::uint32_t kind = 1; kind <= kSectionKinds; ++kind) {
    const std::uint64_t bytes =
        section_bytes(static_cast<SectionKind>(kind), hello.max_block_frames, hello.channels);
    header.sections[kind - 1] = {kind, 0, offset, bytes};
    offset += whole_pages(bytes);
  }
  header.total_bytes = offset;
  return header;
}

/// Why a header is refused; `none` = it can be used.
enum class HeaderFault {
  none,
  bad_magic,
  bad_abi,
  bad_length,
  bad_format,   ///< rate, block or channels out of range
  bad_section,  ///< misaligned, out of bounds, of the wrong length, twice, or missing
  overlap,
};

namespace detail {

/// [link] One section against its neighbours and the segment's length.
inline bool section_fits(const Header& header, const Section& section) noexcept {
  if (section.kind == 0 || section.kind > kSectionKinds) return true;  // a newer minor's: unused
  const std::uint64_t expected = section_bytes(static_cast<SectionKind>(section.kind),
                                               header.max_block_frames, header.channels);
  return section.bytes == expected;
}

inline bool in_bounds(const Header& header, const Section& section) noexcept {
  return section.offset_bytes >= kPageBytes && section.offset_bytes % kPageBytes == 0 &&
         section.offset_bytes <= header.total_bytes &&
         section.bytes <= header.total_bytes - section.offset_bytes;
}

}  // namespace detail

/// [link] Check a private copy of page 0 against the real length of the memory.
inline HeaderFault check_header(const Header& header, std::uint64_t real_bytes) noexcept {
  if (header.magic != kMagic) return HeaderFault::bad_magic;
  if (header.abi_major != kAbiMajor) return HeaderFault::bad_abi;
  if (header.header_bytes < sizeof(Header) || header.header_bytes > kPageBytes ||
      header.total_bytes != real_bytes || header.total_bytes > kMaxSegmentBytes ||
      header.total_bytes < kPageBytes || header.section_count > kMaxSections) {
    return HeaderFault::bad_length;
  }
  Hello format{};
  format.magic = header.magic;
  format.abi_major = header.abi_major;
  format.sample_rate_hz = header.sample_rate_hz;
  format.max_block_frames = header.max_block_frames;
  format.channels = header.channels;
  if (judge(format) != Answer::accepted) return HeaderFault::bad_format;
  std::uint32_t seen = 0;
  const std::span sections(header.sections, header.section_count);
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const Section& section = sections[i];
    if (!detail::in_bounds(header, section) || !detail::section_fits(header, section)) {
      return HeaderFault::bad_section;
    }
    const std::uint32_t bit = section.kind <= kSectionKinds ? 1U << section.kind : 0U;
    if ((seen & bit) != 0) return HeaderFault::bad_section;
    seen |= bit;
    for (const Section& other : sections.first(i)) {
      if (section.offset_bytes < other.offset_bytes + other.bytes &&
          other.offset_bytes < section.offset_bytes + section.bytes) {
        return HeaderFault::overlap;
      }
    }
  }
  constexpr std::uint32_t kAll = ((1U << kSectionKinds) - 1U) << 1U;
  return (seen & kAll) == kAll ? HeaderFault::none : HeaderFault::bad_section;
}

/// A mapped segment with its checked, private header. Unmaps itself.
class Segment {
 public:
  Segment() = default;
  Segment(Segment&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)),
        mapped_bytes_(other.mapped_bytes_),
        header_(other.header_) {}
  Segment& operator=(Segment&& other) noexcept {
    if (this != &other) {
      unmap();
      base_ = std::exchange(other.base_, nullptr);
      mapped_bytes_ = other.mapped_bytes_;
      header_ = other.header_;
    }
    return *this;
  }
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment() { unmap(); }

  /// [link] The engine's side: new sealed memory with page 0 filled in. `fd` receives the
  /// descriptor to pass on. False (errno set) when the system has no memory or descriptors left.
  static bool create(const Header& header, FileDescriptor& fd, Segment& to) noexcept {
    fd = platform::create_sealed_memory(header.total_bytes);
    if (!fd || !to.map(fd.get(), header.total_bytes)) return false;
    std::memcpy(to.base_, &header, sizeof header);
    to.header_ = header;
    return true;
  }

  /// [link] The plugin's side: check seals, length and table, then map.
  static HeaderFault attach(int fd, Segment& to) noexcept {
    std::uint64_t bytes = 0;
    if (!platform::sealed_length(fd, bytes) || bytes < kPageBytes || bytes > kMaxSegmentBytes ||
        !to.map(fd, bytes)) {
      return HeaderFault::bad_length;
    }
    std::memcpy(&to.header_, to.base_, sizeof to.header_);
    const HeaderFault fault = check_header(to.header_, bytes);
    if (fault != HeaderFault::none) to.unmap();
    return fault;
  }

  /// [any] Whether memory is mapped.
  explicit operator bool() const noexcept { return base_ != nullptr; }
  /// [any] The private copy of page 0.
  const Header& header() const noexcept { return header_; }
  /// [any] The whole mapping, for tests that play a corrupt peer.
  std::span<std::byte> raw() noexcept {
    return {base_, base_ == nullptr ? 0 : static_cast<std::size_t>(header_.total_bytes)};
  }

  /// [link] First byte of a section; the header guarantees that it exists.
  std::byte* section(SectionKind kind) const noexcept {
    for (const Section& entry : std::span(header_.sections, header_.section_count)) {
      if (entry.kind == static_cast<std::uint32_t>(kind)) return base_ + entry.offset_bytes;
    }
    return nullptr;
  }

  /// [link] Ends of the rings; make each at most once a segment, for cursors start at 0.
  RecordWriter record_writer(SectionKind kind) const noexcept {
    return RecordWriter(RingWriter<std::byte>(cursors(kind), ring(kind)));
  }
  RecordReader record_reader(SectionKind kind) const noexcept {
    return RecordReader(RingReader<std::byte>(cursors(kind), ring(kind)));
  }
  AudioWriter audio_writer(SectionKind kind) const noexcept {
    return {section(kind), audio_ring_floats(header_.max_block_frames, header_.channels),
            header_.channels};
  }
  AudioReader audio_reader(SectionKind kind) const noexcept {
    return {section(kind), audio_ring_floats(header_.max_block_frames, header_.channels),
            header_.channels};
  }
  Params params() const noexcept {
    return Params(reinterpret_cast<ParamsSection*>(section(SectionKind::params)));
  }
  TransportSection* transport() const noexcept {
    return reinterpret_cast<TransportSection*>(section(SectionKind::transport));
  }
  StatsSection* stats() const noexcept {
    return reinterpret_cast<StatsSection*>(section(SectionKind::stats));
  }

 private:
  bool map(int fd, std::uint64_t bytes) noexcept {
    unmap();
    void* at =
        ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return false;
    base_ = static_cast<std::byte*>(at);
    mapped_bytes_ = static_cast<std::size_t>(bytes);
    return true;
  }
  void unmap() noexcept {
    if (base_ != nullptr) ::munmap(base_, mapped_bytes_);
    base_ = nullptr;
  }
  RingCursors* cursors(SectionKind kind) const noexcept {
    return reinterpret_cast<RingCursors*>(section(kind));
  }
  std::span<std::byte> ring(SectionKind kind) const noexcept {
    const std::size_t bytes = kind == SectionKind::requests ? kRequestRingBytes : kReplyRingBytes;
    return {section(kind) + sizeof(RingCursors), bytes};
  }

  std::byte* base_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  Header header_{};
};

}  // namespace driftwave::link
