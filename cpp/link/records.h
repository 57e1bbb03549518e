// The records that cross the request and reply rings.
//
// A record is a RecordHeader and `bytes` bytes of the POD that belongs to its kind. A reader
// copies it once to private memory and checks the copy. A newer minor version may make a POD
// longer; what is beyond the known size is ignored, what is shorter is refused. Texts are UTF-8,
// NUL-terminated when shorter than their array, and cut between characters when too long.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

namespace driftwave::link {

inline constexpr std::size_t kMaxRecordBytes = 32UL * 1024;  ///< payload without header
inline constexpr std::size_t kRecordAlign = 8;
inline constexpr std::uint64_t kAllJobs = std::numeric_limits<std::uint64_t>::max();

inline constexpr std::size_t kDescriptors = 8;
/// Positions in `GenerateRecord::descriptors` and `biases`; the eighth is reserved.
enum class Descriptor : std::uint32_t {
  brightness,
  depth,
  noisiness,
  attack,
  length,
  loudness,
  pitch,
};

enum class RecordKind : std::uint32_t {
  // plugin -> engine
  generate = 1,
  source_chunk = 2,
  cancel = 3,
  release_clip = 4,
  query_status = 5,
  // engine -> plugin
  queued = 101,
  progress = 102,
  clip = 103,
  done = 104,
  fail = 105,
  status = 106,
};

struct RecordHeader {
  std::uint32_t kind;
  std::uint32_t bytes;  ///< of the POD that follows, without padding to kRecordAlign
  std::uint64_t job;    ///< chosen by the plugin; kAllJobs in a cancel means every job of the link
};
static_assert(sizeof(RecordHeader) == 16 && offsetof(RecordHeader, job) == 8);

/// Ask for `count` sounds.
struct GenerateRecord {
  std::int64_t seed;              ///< -1: the engine chooses and the clip tells which
  double source_rate_hz;          ///< of the uploaded source
  std::uint32_t source_frames;    ///< 0: no upload; else all its chunks came before, same job
  std::uint32_t source_channels;  ///< 1 or 2
  std::int32_t steps;             ///< 1..64; 0: as many as the voice likes
  std::int32_t count;             ///< 1..64
  std::int32_t note;              ///< MIDI note 0..127, -1: none
  std::uint32_t priority;         ///< 0: somebody waits for it; 1: filling a pool
  float seconds;                  ///< <= 0: as long as the voice likes
  float guidance;                 ///< NaN: as tuned into the voice
  float strength;                 ///< 0 keeps the source, 1 ignores it
  std::uint32_t reserved;
  float descriptors[kDescriptors];  ///< 0..1, overrides the words; NaN: absent
  float biases[kDescriptors];       ///< -1..1, added to what the words say; 0: as they say
  char voice[64];                   ///< empty: the engine's first voice
  char prompt[512];
  char negative[256];
  char source_clip[40];  ///< id of the source in the library, or empty

  // Since minor 1; zero in a record of minor 0.
  double second_rate_hz;          ///< of the second uploaded source
  double bpm;                     ///< tempo of `bars`, quarter notes a minute
  std::uint32_t second_frames;    ///< 0: none; else its floats follow the first source's
  std::uint32_t second_channels;  ///< 1 or 2
  float mix_first;     ///< place of sound 0 between the first (0) and the second source (1)
  float mix_last;      ///< place of sound count-1; those between stand evenly spaced
  float bars;          ///< > 0: exactly so long, `seconds` says the same less exactly
  float bar_quarters;  ///< quarter notes in a bar
  std::uint32_t loop;  ///< 1: the end must lead into the beginning without a seam
  std::uint32_t reserved2;
  char second_clip[40];  ///< id of the second source in the library, or empty
};
/// What a peer of minor 0 sends: everything up to `second_rate_hz`.
inline constexpr std::size_t kGenerateBytesMinor0 = 992;
static_assert(offsetof(GenerateRecord, source_rate_hz) == 8);
static_assert(offsetof(GenerateRecord, source_frames) == 16);
static_assert(offsetof(GenerateRecord, steps) == 24 && offsetof(GenerateRecord, priority) == 36);
static_assert(offsetof(GenerateRecord, seconds) == 40);
static_assert(offsetof(GenerateRecord, descriptors) == 56 &&
              offsetof(GenerateRecord, biases) == 88);
static_assert(offsetof(GenerateRecord, voice) == 120 && offsetof(GenerateRecord, prompt) == 184);
static_assert(offsetof(GenerateRecord, negative) == 696);
static_assert(offsetof(GenerateRecord, source_clip) == 952);
static_assert(offsetof(GenerateRecord, second_rate_hz) == kGenerateBytesMinor0);
static_assert(offsetof(GenerateRecord, second_frames) == 1008);
static_assert(offsetof(GenerateRecord, bars) == 1024 && offsetof(GenerateRecord, loop) == 1032);
static_assert(offsetof(GenerateRecord, second_clip) == 1040 && sizeof(GenerateRecord) == 1080);

/// Part of the source audio of a coming generate record; `count` floats follow this POD. A
/// source is planar `(channels, frames)`, a second one follows the first; chunks come in order and
/// without gaps.
struct SourceChunkRecord {
  std::uint32_t first;  ///< position of the first float within the source
  std::uint32_t count;
};
static_assert(sizeof(SourceChunkRecord) == 8);
inline constexpr std::size_t kMaxChunkFloats =
    (kMaxRecordBytes - sizeof(SourceChunkRecord)) / sizeof(float);

/// The plugin has copied a clip; its slot word already says free. Wakes an engine out of slots.
struct ReleaseClipRecord {
  std::uint32_t slot;
  std::uint32_t reserved;
  std::uint64_t generation;
};
static_assert(sizeof(ReleaseClipRecord) == 16 && offsetof(ReleaseClipRecord, generation) == 8);

/// The job stands in the queue; 0 = it is next or running.
struct QueuedRecord {
  std::uint32_t position;
  std::uint32_t reserved;
};
static_assert(sizeof(QueuedRecord) == 8);

struct ProgressRecord {
  float fraction;  ///< 0..1
  std::uint32_t step;
  std::uint32_t steps;
  float eta_s;  ///< negative: unknown
};
static_assert(sizeof(ProgressRecord) == 16);

/// A finished clip lies in a slot as planar float32 `(channels, frames)`.
struct ClipRecord {
  std::uint64_t generation;  ///< of the slot
  std::int64_t seed;
  double sample_rate_hz;  ///< of the voice, not of the host
  std::uint32_t slot;
  std::uint32_t frames;
  std::uint32_t channels;
  std::uint32_t index;  ///< which variation, 0..count-1
  char clip_id[40];
  char voice[64];
  char voice_hash[72];
  char words_understood[256];  ///< separated by spaces
  char words_unknown[256];
};
static_assert(offsetof(ClipRecord, sample_rate_hz) == 16 && offsetof(ClipRecord, slot) == 24);
static_assert(offsetof(ClipRecord, index) == 36 && offsetof(ClipRecord, clip_id) == 40);
static_assert(offsetof(ClipRecord, voice) == 80 && offsetof(ClipRecord, voice_hash) == 144);
static_assert(offsetof(ClipRecord, words_understood) == 216 && sizeof(ClipRecord) == 728);

struct DoneRecord {
  std::uint32_t clips;
  float milliseconds;
};
static_assert(sizeof(DoneRecord) == 8);

struct FailRecord {
  char code[32];  ///< one of the codes of the OSC address space
  char message[480];
};
static_assert(sizeof(FailRecord) == 512 && offsetof(FailRecord, message) == 32);

struct StatusRecord {
  std::uint32_t busy;  ///< jobs running or waiting
  std::uint32_t reserved;
  char version[24];
  char device[64];
  char voices[1024];  ///< names separated by newlines; the first is the default
};
static_assert(offsetof(StatusRecord, version) == 8 && offsetof(StatusRecord, device) == 32);
static_assert(offsetof(StatusRecord, voices) == 96 && sizeof(StatusRecord) == 1120);

/// [any] Bytes that a record with `payload` bytes takes in a ring.
constexpr std::size_t record_bytes(std::size_t payload) noexcept {
  return sizeof(RecordHeader) + (payload + kRecordAlign - 1) / kRecordAlign * kRecordAlign;
}

/// [any] Least payload of a kind, or kMaxRecordBytes + 1 for an unknown kind.
constexpr std::size_t least_bytes(std::uint32_t kind) noexcept {
  switch (static_cast<RecordKind>(kind)) {
    case RecordKind::generate:
      return kGenerateBytesMinor0;
    case RecordKind::source_chunk:
      return sizeof(SourceChunkRecord);
    case RecordKind::cancel:
      return 0;
    case RecordKind::release_clip:
      return sizeof(ReleaseClipRecord);
    case RecordKind::query_status:
      return 0;
    case RecordKind::queued:
      return sizeof(QueuedRecord);
    case RecordKind::progress:
      return sizeof(ProgressRecord);
    case RecordKind::clip:
      return sizeof(ClipRecord);
    case RecordKind::done:
      return sizeof(DoneRecord);
    case RecordKind::fail:
      return sizeof(FailRecord);
    case RecordKind::status:
      return sizeof(StatusRecord);
  }
  return kMaxRecordBytes + 1;
}

/// [any] A record whose seed, note, guidance and descriptors are absent: the defaults of a request.
inline GenerateRecord make_generate() noexcept {
  GenerateRecord record{};
  record.seed = -1;
  record.steps = 4;
  record.count = 1;
  record.note = -1;
  record.strength = 0.5F;
  record.guidance = std::numeric_limits<float>::quiet_NaN();
  std::fill_n(record.descriptors, kDescriptors, std::numeric_limits<float>::quiet_NaN());
  return record;
}

/// [any] Store a text, cut between UTF-8 characters, the rest of the array zero.
template <std::size_t N>
void put_text(char (&to)[N], std::string_view text) noexcept {
  std::size_t length = std::min(text.size(), N - 1);
  if (length < text.size()) {
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
  }
  std::memset(to, 0, N);
  std::memcpy(to, text.data(), length);
}

/// [any] The text of an array, which a corrupt peer may have left without a NUL.
template <std::size_t N>
std::string_view get_text(const char (&from)[N]) noexcept {
  const void* end = std::memchr(from, 0, N);
  return {from,
          end == nullptr ? N : static_cast<std::size_t>(static_cast<const char*>(end) - from)};
}

}  // namespace driftwave::link
