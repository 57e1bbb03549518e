// What the link costs: publishing audio, passing records, handing over clips between processes.
//
// One JSON object a line: {"bench", "n", "p50_us", "p99_us", "max_us"}. The engine's end of the
// round trips runs in a forked process and sleeps in poll() between requests, as the real one.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/link_harness.h"

using namespace driftwave::link;
using namespace std::chrono_literals;

namespace {

constexpr int kRounds = 4000;

template <typename Work>
void measure(const char* name, int rounds, Work work) {
  std::vector<double> times;
  times.reserve(static_cast<std::size_t>(rounds));
  for (int i = 0; i < rounds; ++i) {
    const Clock::time_point start = Clock::now();
    work();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf(
      "{\"bench\": \"%s\", \"n\": %d, \"p50_us\": %.3f, \"p99_us\": %.3f, \"max_us\": %.3f}\n",
      name, rounds, at(0.5), at(0.99), times.back());
}

void measure_audio(std::uint32_t frames) {
  FileDescriptor fd;
  Segment segment;
  Hello hello{};
  hello.sample_rate_hz = 48000;
  hello.max_block_frames = 1024;
  hello.channels = 2;
  if (!Segment::create(make_header(hello, 1, {}), fd, segment)) std::abort();
  AudioWriter writer = segment.audio_writer(SectionKind::audio_up);
  AudioReader reader = segment.audio_reader(SectionKind::audio_up);
  std::vector<float> block(frames * 2, 0.5F);
  std::vector<float> out(frames * 2);
  const std::string name = "ring push and pop, stereo block of " + std::to_string(frames);
  BlockMark mark{};
  const Clock::time_point begin = Clock::now();
  while (Clock::now() - begin < 20ms) {  // warm the pages of the whole ring
    writer.push(mark, block);
    reader.pop(mark, out);
  }
  measure(name.c_str(), 20'000, [&] {
    writer.push(mark, block);
    reader.pop(mark, out);
  });
}

void measure_records() {
  RingCursors cursors{};
  std::vector<std::byte> data(kRequestRingBytes);
  RecordWriter writer{RingWriter<std::byte>(&cursors, data)};
  RecordReader reader{RingReader<std::byte>(&cursors, data)};
  static Record record;
  const GenerateRecord request = make_generate();
  measure("generate record pushed and popped, one thread", 20'000, [&] {
    writer.push(RecordKind::generate, 1, bytes_of(request));
    reader.pop(record);
  });
}

/// The engine's end: answers a status query with a status, a generate with a clip of `count` ms.
[[noreturn]] void serve(TestEngine& engine) {
  engine.accept();
  const std::vector<float> audio(2 * 44100 * 5, 0.25F);
  Request request;
  for (;;) {
    pollfd entry{engine.socket.get(), POLLIN, 0};
    ::poll(&entry, 1, -1);
    if (!drain_doorbells(engine.socket.get())) std::_Exit(0);
    bool answered = false;
    while (engine.link->next_request(request) == RingStatus::ok) {
      if (request.kind == RecordKind::query_status) {
        engine.link->send(RecordKind::status, 0, bytes_of(StatusRecord{}));
        answered = true;
      } else if (request.kind == RecordKind::generate) {
        ClipRecord clip{};
        clip.channels = 2;
        clip.frames = static_cast<std::uint32_t>(request.generate.seconds * 44100);
        clip.sample_rate_hz = 44100;
        engine.link->send_clip(request.job, clip, std::span(audio).first(clip.frames * 2));
        answered = true;
      }
    }
    if (answered) ring_doorbell(engine.socket.get());
  }
}

Reply wait_for_reply(LinkClient& client) {
  Reply reply;
  while (!client.next_reply(reply)) {
    if (client.poll(1s) == LinkState::off) std::abort();
  }
  return reply;
}

void measure_processes() {
  TestEngine engine;
  const pid_t child = ::fork();
  if (child == 0) serve(engine);
  LinkClient client;
  LinkOptions options;
  options.socket_path = engine.path();
  if (client.connect(options) != ConnectResult::connected) std::abort();
  measure("record round trip between two processes", kRounds, [&] {
    client.query_status();
    wait_for_reply(client);
  });
  ReceivedClip clip;
  for (const float seconds : {0.25F, 1.0F, 5.0F}) {
    GenerateRecord request = make_generate();
    request.seconds = seconds;
    char name[80];
    std::snprintf(name, sizeof name, "request to stereo clip of %g s in the plugin's memory",
                  static_cast<double>(seconds));
    measure(name, kRounds / 10, [&] {
      client.generate(1, request);
      const Reply reply = wait_for_reply(client);
      if (!client.take_clip(std::get<ClipRecord>(reply.body), clip)) std::abort();
    });
  }
  client.disconnect();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

void measure_connection() {
  TestEngine engine;
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) engine.accept();
  }
  LinkClient client;
  LinkOptions options;
  options.socket_path = engine.path();
  measure("connect: socket, segment, map, check", 300, [&] {
    if (client.connect(options) != ConnectResult::connected) std::abort();
  });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace

int main() {
  for (const std::uint32_t frames : {64U, 256U, 1024U}) measure_audio(frames);
  measure_records();
  measure_processes();
  measure_connection();
}
