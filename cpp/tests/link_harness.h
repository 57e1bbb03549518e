// A real LinkClient and a real EngineLink over a real socket, both in this process.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "link/client.h"
#include "link/engine_side.h"

namespace driftwave::link {

/// The engine's half of the rendezvous, one plugin at a time.
class TestEngine {
 public:
  TestEngine() {
    char folder[] = "/tmp/dwlinkXXXXXX";
    if (::mkdtemp(folder) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = folder;
    path_ = folder_ + "/engine.sock";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    listener_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 8) != 0) {
      throw std::runtime_error("bind");
    }
  }
  TestEngine(const TestEngine&) = delete;
  TestEngine& operator=(const TestEngine&) = delete;
  ~TestEngine() { std::filesystem::remove_all(folder_); }

  /// [any] Where to connect.
  const std::string& path() const { return path_; }

  /// [any] Accept one plugin and answer it as the engine does.
  void accept() {
    Hello hello{};
    if (!take_caller(hello)) throw std::runtime_error("no Hello");
    link = std::make_unique<EngineLink>(hello);
    link->beat();
    answer(link->welcome(), link->memory());
    link->close_memory();
  }

  /// [any] Accept one plugin and answer with these bytes and this descriptor (-1: none).
  void accept_with(const Welcome& welcome, int memory) {
    Hello hello{};
    if (take_caller(hello)) answer(welcome, memory);
  }

  std::unique_ptr<EngineLink> link;
  FileDescriptor socket;

 private:
  bool take_caller(Hello& hello) {
    socket = FileDescriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return ::recv(socket.get(), &hello, sizeof hello, MSG_WAITALL) ==
           static_cast<ssize_t>(sizeof hello);
  }
  void answer(const Welcome& welcome, int memory) {
    iovec part{const_cast<Welcome*>(&welcome), sizeof welcome};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (memory >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* item = CMSG_FIRSTHDR(&message);
      item->cmsg_level = SOL_SOCKET;
      item->cmsg_type = SCM_RIGHTS;
      item->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(item), &memory, sizeof memory);
    }
    ::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
  }

  std::string folder_;
  std::string path_;
  FileDescriptor listener_;
};

/// Both ends, connected.
struct Pair {
  TestEngine engine;
  LinkClient client;
  ConnectResult result;

  explicit Pair(LinkOptions options = {}) {
    std::thread accepting([this] { engine.accept(); });
    options.socket_path = engine.path();
    options.timeout = std::chrono::seconds(20);
    result = client.connect(options);
    accepting.join();
  }
  EngineLink& link() { return *engine.link; }
};

}  // namespace driftwave::link
