// What only Linux has: sealed anonymous memory, the start time of a process, a wake-up counter.
#pragma once

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "link/file_descriptor.h"
#include "link/layout.h"

namespace driftwave::link::platform {

inline constexpr int kSeals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

/// [link] Anonymous memory of a fixed length that nobody can resize; empty on failure (errno).
inline FileDescriptor create_sealed_memory(std::uint64_t bytes) noexcept {
  FileDescriptor fd(::memfd_create("driftwave-link", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return {};
  }
  return fd;
}

/// [link] Give whole pages back to the system; they read as zeros afterwards.
inline void discard(void* at, std::size_t bytes) noexcept { ::madvise(at, bytes, MADV_REMOVE); }

/// [link] Whether the peer cannot shrink the memory under us, and its length.
inline bool sealed_length(int fd, std::uint64_t& bytes) noexcept {
  struct stat status {};
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(fd, &status) != 0) return false;
  bytes = static_cast<std::uint64_t>(status.st_size);
  return true;
}

/// [link] When a process began, in clock ticks since boot; 0 when it is gone.
inline std::uint64_t start_time(std::uint32_t pid) noexcept {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%u/stat", pid);
  const FileDescriptor fd(::open(path, O_RDONLY | O_CLOEXEC));
  char text[1024];
  const ssize_t length = fd ? ::read(fd.get(), text, sizeof text - 1) : -1;
  if (length <= 0) return 0;
  text[length] = '\0';
  // The name in parentheses may hold anything, so count from the last one: field 3 follows it.
  const char* at = std::strrchr(text, ')');
  for (int field = 3; at != nullptr && field <= 22; ++field) at = std::strchr(at + 1, ' ');
  return at == nullptr ? 0 : std::strtoull(at + 1, nullptr, 10);
}

/// [link] This process.
inline ProcessId this_process() noexcept {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  return {pid, 0, start_time(pid)};
}

/// [link] Whether the process at the other end of a Unix socket belongs to our user.
inline bool peer_is_our_user(int socket) noexcept {
  ucred peer{};
  socklen_t length = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
         peer.uid == ::geteuid();
}

/// [link] A descriptor that becomes readable when `wake` is called.
inline FileDescriptor create_waker() noexcept {
  return FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}
/// [ui] Make the descriptor readable. A system call: never from the audio thread.
inline void wake(int fd) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd, &one, sizeof one);
}
/// [link] Make it unreadable again.
inline void clear_waker(int fd) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd, &count, sizeof count);
}

}  // namespace driftwave::link::platform
