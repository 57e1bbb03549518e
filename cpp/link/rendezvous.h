// Where the engine listens, and how a plugin gets its segment from there.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <thread>

#include "link/file_descriptor.h"
#include "link/handshake.h"
#include "link/platform.h"

namespace driftwave::link {

using Clock = std::chrono::steady_clock;

/// [any] $DRIFTWAVE_RUNTIME_DIR, else $XDG_RUNTIME_DIR, else /tmp/driftwave-<uid>.
inline std::string runtime_folder() {
  for (const char* name : {"DRIFTWAVE_RUNTIME_DIR", "XDG_RUNTIME_DIR"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return "/tmp/driftwave-" + std::to_string(::geteuid());
}

/// [any] The socket on which the engine of this user listens.
inline std::string socket_path() { return runtime_folder() + "/driftwave/engine.sock"; }

enum class ConnectResult {
  connected,
  no_engine,     ///< nobody listens there
  timed_out,     ///< somebody listens but does not answer (stopped, or busy starting)
  incompatible,  ///< another major version; the message says which
  refused,       ///< the engine said no; the message says why
  bad_segment,   ///< what the engine offered failed a check
  system_error,  ///< no memory or descriptors left, or a path too long
};

namespace detail {

/// [link] Milliseconds until a deadline, never negative.
inline int milliseconds_left(Clock::time_point deadline) noexcept {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 60'000));
}

/// [link] Wait for an event on one descriptor; false at the deadline.
inline bool wait_for(int fd, short events, Clock::time_point deadline) noexcept {
  for (;;) {
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, milliseconds_left(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno == EINTR && Clock::now() < deadline) continue;
    return false;
  }
}

}  // namespace detail

/// [link] Connect without ever hanging on a stopped engine's full backlog.
inline ConnectResult connect_socket(const std::string& path, Clock::time_point deadline,
                                    FileDescriptor& to) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ConnectResult::system_error;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return ConnectResult::system_error;
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  while (::connect(fd.get(), generic, sizeof address) != 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return ConnectResult::no_engine;
    if (Clock::now() >= deadline) return ConnectResult::timed_out;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (!platform::peer_is_our_user(fd.get())) return ConnectResult::refused;
  to = std::move(fd);
  return ConnectResult::connected;
}

/// [link] Read a Welcome and the descriptor that comes with it; false on EOF, error or deadline.
inline bool receive_welcome(int socket, Clock::time_point deadline, Welcome& welcome,
                            FileDescriptor& segment) noexcept {
  auto* to = reinterpret_cast<std::byte*>(&welcome);
  std::size_t got = 0;
  while (got < sizeof welcome) {
    if (!detail::wait_for(socket, POLLIN, deadline)) return false;
    iovec part{to + got, sizeof welcome - got};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t length = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (length <= 0) return false;
    for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr;
         item = CMSG_NXTHDR(&message, item)) {
      if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS ||
          item->cmsg_len < CMSG_LEN(sizeof(int))) {
        continue;
      }
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item), sizeof fd);
      segment = FileDescriptor(fd);
    }
    got += static_cast<std::size_t>(length);
  }
  return true;
}

/// [link] Send a Hello; the socket's buffer is empty, so a short write means a dead peer.
inline bool send_hello(int socket, const Hello& hello) noexcept {
  return ::send(socket, &hello, sizeof hello, MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(sizeof hello);
}

/// [link] Tell the peer to look at its ring. A full socket buffer holds a doorbell already.
inline void ring_doorbell(int socket) noexcept {
  const char byte = 1;
  [[maybe_unused]] const ssize_t sent = ::send(socket, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// [link] Swallow pending doorbells; false when the peer is gone.
inline bool drain_doorbells(int socket) noexcept {
  char bytes[4096];
  const ssize_t length = ::recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
  return length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR));
}

}  // namespace driftwave::link
