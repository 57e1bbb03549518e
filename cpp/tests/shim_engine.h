// An engine in a thread for the shim's tests: the real socket, segment and rings, and clips that
// come at once. What it sends for a seed is a known function of that seed.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "link/engine_side.h"
#include "link/rendezvous.h"
#include "shim_support.h"

namespace driftwave::shim::testing {

/// A folder for sockets and records that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/driftwave-shim-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class TestEngine {
 public:
  explicit TestEngine(std::string runtime_dir) : folder_(std::move(runtime_dir) + "/driftwave") {
    std::filesystem::create_directories(folder_);
    thread_ = std::thread([this] { run(); });
    while (!listening_) std::this_thread::yield();
  }
  ~TestEngine() {
    stop_ = true;
    thread_.join();
  }

  /// The sound of a seed: what a request with it is answered by; variation k is that of seed + k.
  static Samples sound(std::int64_t seed, std::size_t frames = 400) {
    return noise(frames, static_cast<std::uint32_t>(seed));
  }

  std::atomic<bool> answer{true};    ///< false: take requests and say nothing
  std::atomic<bool> refuse{false};   ///< answer every request with a failure
  std::atomic<bool> hang_up{false};  ///< close every link once
  std::atomic<bool> beat{true};      ///< false: the heartbeat stands still
  std::atomic<int> requests{0};
  std::atomic<int> cancels{0};
  std::atomic<int> links{0};  ///< links ever made
  std::atomic<std::int64_t> last_seed{-2};
  std::atomic<std::uint32_t> last_source_frames{0};
  std::atomic<std::uint32_t> last_second_frames{0};
  std::atomic<float> last_mix_first{0.0F};
  std::atomic<float> last_mix_last{0.0F};
  std::atomic<float> last_bars{0.0F};
  std::atomic<double> last_bpm{0.0};
  std::atomic<float> last_seconds{0.0F};
  std::atomic<std::uint32_t> last_loop{0};
  std::string last_prompt() const { return prompt_copy_; }  ///< after the engine has been asked

 private:
  struct Peer {
    link::FileDescriptor socket;
    std::unique_ptr<link::EngineLink> link;
  };

  void run() {
    const std::string path = folder_ + "/engine.sock";
    ::unlink(path.c_str());
    const link::FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener.get(), 16);
    listening_ = true;
    while (!stop_) {
      pollfd entry{listener.get(), POLLIN, 0};
      if (::poll(&entry, 1, 1) > 0) accept_one(listener.get());
      if (hang_up.exchange(false)) peers_.clear();
      for (Peer& peer : peers_) serve(peer);
      std::erase_if(peers_, [](const Peer& peer) { return !peer.socket; });
    }
    ::unlink(path.c_str());
  }

  void accept_one(int listener) {
    Peer peer;
    peer.socket = link::FileDescriptor(::accept(listener, nullptr, nullptr));
    link::Hello hello{};
    if (::recv(peer.socket.get(), &hello, sizeof hello, MSG_WAITALL) != sizeof hello) return;
    peer.link = std::make_unique<link::EngineLink>(hello);
    link::Welcome welcome = peer.link->welcome();
    iovec part{&welcome, sizeof welcome};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = peer.link->memory();
    std::memcpy(CMSG_DATA(item), &fd, sizeof fd);
    ::sendmsg(peer.socket.get(), &message, MSG_NOSIGNAL);
    peer.link->close_memory();
    ++links;
    peers_.push_back(std::move(peer));
  }

  void serve(Peer& peer) {
    if (beat) peer.link->beat();
    if (!link::drain_doorbells(peer.socket.get())) return peer.socket.reset();
    link::Request request;
    while (peer.link->next_request(request) == link::RingStatus::ok) reply(peer, request);
    link::ring_doorbell(peer.socket.get());
  }

  void reply(Peer& peer, const link::Request& request) {
    if (request.kind == link::RecordKind::cancel) ++cancels;
    if (request.kind == link::RecordKind::query_status) {
      link::StatusRecord status{};
      link::put_text(status.voices, "drums\nother");
      link::put_text(status.device, "test");
      peer.link->send(link::RecordKind::status, 0, link::bytes_of(status));
    }
    if (request.kind != link::RecordKind::generate) return;
    last_seed = request.generate.seed;
    last_source_frames = request.generate.source_frames;
    last_second_frames = request.generate.second_frames;
    last_mix_first = request.generate.mix_first;
    last_mix_last = request.generate.mix_last;
    last_bars = request.generate.bars;
    last_bpm = request.generate.bpm;
    last_seconds = request.generate.seconds;
    last_loop = request.generate.loop;
    prompt_copy_ = std::string(link::get_text(request.generate.prompt));
    ++requests;
    if (!answer) return;
    if (refuse) {
      link::FailRecord fail{};
      link::put_text(fail.code, "no_voice");
      link::put_text(fail.message, "No voice is called 'x'. Installed: drums.");
      peer.link->send(link::RecordKind::fail, request.job, link::bytes_of(fail));
      return;
    }
    const link::ProgressRecord progress{0.5F, 2, 4, 0.1F};
    peer.link->send(link::RecordKind::progress, request.job, link::bytes_of(progress));
    const auto count = static_cast<std::uint32_t>(std::max(request.generate.count, 1));
    for (std::uint32_t i = 0; i < count; ++i) send(peer, request, i);
    const link::DoneRecord done{count, 1.0F};
    peer.link->send(link::RecordKind::done, request.job, link::bytes_of(done));
  }

  void send(Peer& peer, const link::Request& request, std::uint32_t index) {
    const Samples audio = sound(request.generate.seed + index);
    link::ClipRecord clip{};
    clip.seed = request.generate.seed;
    clip.index = index;
    clip.sample_rate_hz = 48000;
    clip.frames = static_cast<std::uint32_t>(audio.size());
    clip.channels = 1;
    link::put_text(clip.clip_id, "0123456789abcdef0123456789abcdef");
    link::put_text(clip.voice, "drums");
    link::put_text(clip.words_understood, "deep kick");
    link::put_text(clip.words_unknown, "flurb");
    peer.link->send_clip(request.job, clip, audio);
  }

  std::string folder_;
  std::string prompt_copy_;
  std::vector<Peer> peers_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> listening_{false};
  std::thread thread_;
};

}  // namespace driftwave::shim::testing
