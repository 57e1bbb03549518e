// A single-producer single-consumer ring whose two ends live in different processes.
//
// Cursors count elements since the segment was made and never wrap in practice (64 bit). Each
// end keeps its own cursor in private memory and only publishes it, so a peer that scribbles
// over the shared page cannot move it. What the peer published is checked on every use: a
// distance above the capacity means the peer is corrupt, and the ring answers `broken` for ever.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "link/layout.h"
#include "link/realtime.h"

namespace driftwave::link {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

/// The shared part of a ring; the elements follow it.
struct RingCursors {
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> write;
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> read;
};
static_assert(sizeof(RingCursors) == 128);
static_assert(std::is_standard_layout_v<RingCursors>);
static_assert(offsetof(RingCursors, write) == 0 && offsetof(RingCursors, read) == 64);

enum class RingStatus { ok, again, broken };  ///< `again`: full for a writer, empty for a reader

namespace detail {

/// [any] Copy into or out of a ring at an element position, in at most two pieces.
template <typename T>
void copy_in(std::span<T> ring, std::uint64_t position,
             std::span<const T> from) noexcept RT_NONBLOCKING {
  if (from.empty()) return;
  const std::size_t start = position & (ring.size() - 1);
  const std::size_t first = std::min(from.size(), ring.size() - start);
  std::memcpy(ring.data() + start, from.data(), first * sizeof(T));
  std::memcpy(ring.data(), from.data() + first, (from.size() - first) * sizeof(T));
}

template <typename T>
void copy_out(std::span<const T> ring, std::uint64_t position,
              std::span<T> to) noexcept RT_NONBLOCKING {
  if (to.empty()) return;
  const std::size_t start = position & (ring.size() - 1);
  const std::size_t first = std::min(to.size(), ring.size() - start);
  std::memcpy(to.data(), ring.data() + start, first * sizeof(T));
  std::memcpy(to.data() + first, ring.data(), (to.size() - first) * sizeof(T));
}

}  // namespace detail

/// The producing end. `data.size()` is a power of two; one thread at a time.
template <typename T>
class RingWriter {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  RingWriter() = default;
  RingWriter(RingCursors* cursors, std::span<T> data) noexcept : cursors_(cursors), data_(data) {}

  /// [audio] Whether `count` elements fit now.
  RingStatus reserve(std::size_t count) noexcept RT_NONBLOCKING {
    if (broken_ || count > data_.size()) return broken_ ? RingStatus::broken : RingStatus::again;
    if (count <= data_.size() - (write_ - seen_read_)) return RingStatus::ok;
    const std::uint64_t read = cursors_->read.load(std::memory_order_acquire);
    if (write_ - read > data_.size()) {
      broken_ = true;
      return RingStatus::broken;
    }
    seen_read_ = read;
    return count <= data_.size() - (write_ - read) ? RingStatus::ok : RingStatus::again;
  }

  /// [audio] Write part of a reservation, `offset` elements behind the cursor; not yet visible.
  void stage(std::size_t offset, std::span<const T> from) noexcept RT_NONBLOCKING {
    detail::copy_in(data_, write_ + offset, from);
  }

  /// [audio] Make `count` staged elements visible to the reader.
  void publish(std::size_t count) noexcept RT_NONBLOCKING {
    write_ += count;
    cursors_->write.store(write_, std::memory_order_release);
  }

  /// [audio] All of `from` or nothing.
  RingStatus push(std::span<const T> from) noexcept RT_NONBLOCKING {
    const RingStatus status = reserve(from.size());
    if (status != RingStatus::ok) return status;
    stage(0, from);
    publish(from.size());
    return RingStatus::ok;
  }

  /// [audio] True once the peer's cursor was impossible.
  bool broken() const noexcept RT_NONBLOCKING { return broken_; }
  /// [audio] Elements the ring can hold.
  std::size_t capacity() const noexcept RT_NONBLOCKING { return data_.size(); }

 private:
  RingCursors* cursors_ = nullptr;
  std::span<T> data_{};
  std::uint64_t write_ = 0;
  std::uint64_t seen_read_ = 0;
  bool broken_ = false;
};

/// The consuming end; one thread at a time.
template <typename T>
class RingReader {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  RingReader() = default;
  RingReader(RingCursors* cursors, std::span<const T> data) noexcept
      : cursors_(cursors), data_(data) {}

  /// [audio] Elements that can be read now; 0 when empty or broken.
  std::size_t available() noexcept RT_NONBLOCKING {
    if (broken_ || cursors_ == nullptr) return 0;
    const std::uint64_t write = cursors_->write.load(std::memory_order_acquire);
    if (write - read_ > data_.size()) {
      broken_ = true;
      return 0;
    }
    return static_cast<std::size_t>(write - read_);
  }

  /// [audio] Copy without consuming; the caller has checked `available()`.
  void peek(std::size_t offset, std::span<T> to) const noexcept RT_NONBLOCKING {
    detail::copy_out(data_, read_ + offset, to);
  }

  /// [audio] Give `count` elements back to the writer.
  void consume(std::size_t count) noexcept RT_NONBLOCKING {
    read_ += count;
    cursors_->read.store(read_, std::memory_order_release);
  }

  /// [audio] All of `to` or nothing.
  RingStatus pop(std::span<T> to) noexcept RT_NONBLOCKING {
    if (available() < to.size()) return broken_ ? RingStatus::broken : RingStatus::again;
    peek(0, to);
    consume(to.size());
    return RingStatus::ok;
  }

  /// [audio] Declare the peer corrupt, for a fault that only the caller can see.
  void mark_broken() noexcept RT_NONBLOCKING { broken_ = true; }
  /// [audio] True once the peer's cursor or content was impossible.
  bool broken() const noexcept RT_NONBLOCKING { return broken_; }
  /// [audio] Elements the ring can hold.
  std::size_t capacity() const noexcept RT_NONBLOCKING { return data_.size(); }

 private:
  RingCursors* cursors_ = nullptr;
  std::span<const T> data_{};
  std::uint64_t read_ = 0;
  bool broken_ = false;
};

}  // namespace driftwave::link
