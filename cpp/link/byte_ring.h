// Whole records over a byte ring: pushed all or nothing, copied once, then checked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "link/records.h"
#include "link/ring.h"

namespace driftwave::link {

/// [any] The bytes of a POD.
template <typename T>
std::span<const std::byte> bytes_of(const T& pod) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  return std::as_bytes(std::span<const T, 1>(&pod, 1));
}

/// The producing end of `requests` or `replies`.
class RecordWriter {
 public:
  RecordWriter() = default;
  explicit RecordWriter(RingWriter<std::byte> ring) noexcept : ring_(ring) {}

  /// [link] Push a record whose payload comes in two parts (`tail` may be empty).
  RingStatus push(RecordKind kind, std::uint64_t job, std::span<const std::byte> payload,
                  std::span<const std::byte> tail = {}) noexcept {
    const std::size_t bytes = payload.size() + tail.size();
    if (bytes > kMaxRecordBytes) return RingStatus::again;
    const std::size_t total = record_bytes(bytes);
    const RingStatus status = ring_.reserve(total);
    if (status != RingStatus::ok) return status;
    const RecordHeader header{static_cast<std::uint32_t>(kind), static_cast<std::uint32_t>(bytes),
                              job};
    constexpr std::array<std::byte, kRecordAlign> kPadding{};
    ring_.stage(0, bytes_of(header));
    ring_.stage(sizeof header, payload);
    ring_.stage(sizeof header + payload.size(), tail);
    ring_.stage(sizeof header + bytes, std::span(kPadding).first(total - sizeof header - bytes));
    ring_.publish(total);
    return RingStatus::ok;
  }

  /// [link] Whether a record with this payload would go through now.
  RingStatus room_for(std::size_t payload_bytes) noexcept {
    return ring_.reserve(record_bytes(payload_bytes));
  }

  /// [link] True once the peer's cursor was impossible.
  bool broken() const noexcept { return ring_.broken(); }

 private:
  RingWriter<std::byte> ring_;
};

/// A record in private memory, its size already checked against its kind.
struct Record {
  RecordHeader header;
  std::array<std::byte, kMaxRecordBytes> payload;

  /// [link] The POD of the record's kind; fields that an older peer does not know are zero.
  template <typename T>
  T as() const noexcept {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kMaxRecordBytes);
    T pod{};
    std::memcpy(&pod, payload.data(), std::min<std::size_t>(sizeof(T), header.bytes));
    return pod;
  }
  /// [link] What follows the first `offset` bytes of the payload.
  std::span<const std::byte> after(std::size_t offset) const noexcept {
    return std::span(payload).first(header.bytes).subspan(offset);
  }
};

/// The consuming end of `requests` or `replies`.
class RecordReader {
  /// More unknown records in a row than any newer version would send.
  static constexpr int kMaxSkipped = 1024;

 public:
  RecordReader() = default;
  explicit RecordReader(RingReader<std::byte> ring) noexcept : ring_(ring) {}

  /// [link] Take the next record. `ok`: `to` holds it; `again`: none; `broken`: the peer is
  /// corrupt. Records of an unknown kind are skipped, since a newer minor version may send them.
  RingStatus pop(Record& to) noexcept {
    for (int skipped = 0; skipped < kMaxSkipped; ++skipped) {
      const std::size_t available = ring_.available();
      if (ring_.broken()) return RingStatus::broken;
      if (available == 0) return RingStatus::again;
      if (available < sizeof(RecordHeader)) return fail();
      ring_.peek(0, std::as_writable_bytes(std::span<RecordHeader, 1>(&to.header, 1)));
      const std::size_t bytes = to.header.bytes;
      if (bytes > kMaxRecordBytes || record_bytes(bytes) > available) return fail();
      const std::size_t least = least_bytes(to.header.kind);
      if (least > kMaxRecordBytes) {
        ring_.consume(record_bytes(bytes));
        continue;
      }
      if (bytes < least) return fail();
      ring_.peek(sizeof(RecordHeader), std::span(to.payload).first(bytes));
      ring_.consume(record_bytes(bytes));
      return RingStatus::ok;
    }
    return fail();
  }

  /// [link] True once the peer's cursor or a record was impossible.
  bool broken() const noexcept { return ring_.broken(); }

 private:
  RingStatus fail() noexcept {
    ring_.mark_broken();
    return RingStatus::broken;
  }

  RingReader<std::byte> ring_;
};

}  // namespace driftwave::link
