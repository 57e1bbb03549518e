// LinkClient against a real EngineLink: the whole conversation, and every way it can end.
#include "link/client.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "check.h"
#include "link_harness.h"

using namespace driftwave::link;
using namespace std::chrono_literals;

namespace {

ClipRecord a_clip(std::uint32_t channels, std::uint32_t frames) {
  ClipRecord record{};
  record.channels = channels;
  record.frames = frames;
  record.sample_rate_hz = 44100;
  put_text(record.clip_id, "0123456789abcdef0123456789abcdef");
  return record;
}

ConnectResult connect_to(TestEngine& engine, const Welcome& welcome, int memory,
                         std::string* message = nullptr) {
  LinkClient client;
  std::thread accepting([&] { engine.accept_with(welcome, memory); });
  LinkOptions options;
  options.socket_path = engine.path();
  options.timeout = 5s;
  const ConnectResult result = client.connect(options);
  accepting.join();
  if (message != nullptr) *message = client.message();
  CHECK(client.state() == LinkState::off);
  return result;
}

}  // namespace

TEST("a request goes out, its replies and its clip come back bit for bit") {
  Pair pair;
  CHECK(pair.result == ConnectResult::connected);
  GenerateRecord wanted = make_generate();
  put_text(wanted.prompt, "short dark snare");
  CHECK(pair.client.generate(7, wanted));
  Request request;
  CHECK(pair.link().next_request(request) == RingStatus::ok);
  CHECK(request.kind == RecordKind::generate && request.job == 7);
  CHECK_EQ(get_text(request.generate.prompt), "short dark snare");

  std::vector<float> audio(2 * 1000);
  for (std::size_t i = 0; i < audio.size(); ++i) audio[i] = std::sin(static_cast<float>(i));
  CHECK(pair.link().send(RecordKind::queued, 7, bytes_of(QueuedRecord{3, 0})) == RingStatus::ok);
  CHECK(pair.link().send_clip(7, a_clip(2, 1000), audio) == ClipStatus::sent);
  ring_doorbell(pair.engine.socket.get());
  CHECK(pair.client.poll(5s) == LinkState::ready);
  Reply reply;
  CHECK(pair.client.next_reply(reply) && std::get<QueuedRecord>(reply.body).position == 3);
  CHECK(pair.client.next_reply(reply) && reply.job == 7);
  ReceivedClip clip;
  CHECK(pair.client.take_clip(std::get<ClipRecord>(reply.body), clip));
  CHECK(clip.audio == audio && clip.frames == 1000 && clip.channels == 2 && clip.repaired == 0);
  CHECK(!pair.client.next_reply(reply));
  CHECK_EQ(pair.link().free_slots(), kClipSlots);
  CHECK(pair.link().next_request(request) == RingStatus::ok);
  CHECK(request.kind == RecordKind::release_clip);
}

TEST("a source longer than the ring arrives whole while the engine reads") {
  Pair pair;
  std::vector<float> source(2 * 300'000);
  std::iota(source.begin(), source.end(), 0.0F);
  GenerateRecord wanted = make_generate();
  wanted.source_channels = 2;
  wanted.source_rate_hz = 44100;
  CHECK(pair.client.generate(1, wanted, source));
  Request request;
  int turns = 0;
  while (pair.link().next_request(request) == RingStatus::again && ++turns < 1000) {
    pair.client.poll(1ms);
  }
  CHECK(request.source_complete && request.source == source);
  CHECK_EQ(request.generate.source_frames, 300'000U);
}

TEST("two sources of different shape arrive behind one another") {
  Pair pair;
  std::vector<float> first(2 * 20'000);
  std::vector<float> second(9'001);
  std::iota(first.begin(), first.end(), 0.0F);
  std::iota(second.begin(), second.end(), -5.0F);
  GenerateRecord wanted = make_generate();
  wanted.source_channels = 2;
  wanted.source_rate_hz = 44100;
  wanted.second_channels = 1;
  wanted.second_rate_hz = 48000;
  wanted.mix_first = 0.25F;
  CHECK(pair.client.generate(1, wanted, first, second));
  Request request;
  int turns = 0;
  while (pair.link().next_request(request) == RingStatus::again && ++turns < 1000) {
    pair.client.poll(1ms);
  }
  CHECK(request.source_complete);
  CHECK_EQ(request.generate.second_frames, 9'001U);
  CHECK_EQ(request.generate.mix_first, 0.25F);
  std::vector<float> both = first;
  both.insert(both.end(), second.begin(), second.end());
  CHECK(request.source == both);
  CHECK_EQ(pair.client.engine_minor(), kAbiMinor);
  // A second source without a first, or one that is not all there, is no upload.
  CHECK(pair.client.generate(2, wanted, {}, second));
  while (pair.link().next_request(request) == RingStatus::again && ++turns < 2000) {
    pair.client.poll(1ms);
  }
  CHECK(!request.source_complete);
}

TEST("an upload that is not what was announced is told apart") {
  Pair pair;
  GenerateRecord wanted = make_generate();
  wanted.source_channels = 1;
  wanted.source_rate_hz = std::numeric_limits<double>::quiet_NaN();
  CHECK(pair.client.generate(1, wanted, std::vector<float>(100)));
  Request request;
  CHECK(pair.link().next_request(request) == RingStatus::ok);
  CHECK(!request.source_complete);
}

TEST("what a client cannot send is refused at once") {
  Pair pair;
  GenerateRecord wanted = make_generate();
  wanted.source_channels = 2;
  CHECK(!pair.client.generate(1, wanted, std::vector<float>(3)));
  CHECK(!pair.client.generate(1, wanted, std::vector<float>(kClipSlotBytes / 4 + 2)));
  LinkClient off;
  CHECK(!off.cancel());
  CHECK(off.poll(0ms) == LinkState::off);
}

TEST("NaN, infinities and overs never reach the caller") {
  Pair pair;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> audio{0.5F, nan, infinity, -infinity, 1e30F, -2.0F, -1.0F, 1.0F};
  CHECK(pair.link().send_clip(1, a_clip(1, 8), audio) == ClipStatus::sent);
  Reply reply;
  CHECK(pair.client.next_reply(reply));
  ReceivedClip clip;
  CHECK(pair.client.take_clip(std::get<ClipRecord>(reply.body), clip));
  CHECK((clip.audio == std::vector<float>{0.5F, 0, 0, 0, 1, -1, -1, 1}));
  CHECK_EQ(clip.repaired, 5U);
}

TEST("a clip record that no engine sends turns the link off and copies nothing") {
  struct Lie {
    const char* what;
    void (*tell)(ClipRecord&);
  };
  const Lie lies[] = {
      {"no channels", [](ClipRecord& r) { r.channels = 0; }},
      {"three channels", [](ClipRecord& r) { r.channels = 3; }},
      {"no frames", [](ClipRecord& r) { r.frames = 0; }},
      {"2^32 - 1 frames", [](ClipRecord& r) { r.frames = 0xFFFFFFFFU; }},
      {"longer than a slot", [](ClipRecord& r) { r.frames = kClipSlotBytes / 4 + 1; }},
      {"no rate", [](ClipRecord& r) { r.sample_rate_hz = 0; }},
      {"a rate of NaN", [](ClipRecord& r) { r.sample_rate_hz = std::nan(""); }},
      {"slot 16", [](ClipRecord& r) { r.slot = kClipSlots; }},
      {"an old generation", [](ClipRecord& r) { r.generation += 1; }},
  };
  for (const Lie& lie : lies) {
    Pair pair;
    CHECK(pair.link().send_clip(1, a_clip(1, 8), std::vector<float>(8)) == ClipStatus::sent);
    Reply reply;
    CHECK(pair.client.next_reply(reply));
    auto record = std::get<ClipRecord>(reply.body);
    lie.tell(record);
    ReceivedClip clip;
    CHECK(!pair.client.take_clip(record, clip));
    CHECK(pair.client.state() == LinkState::off && !pair.client.message().empty());
  }
}

TEST("an engine that goes away is noticed, and what it had sent can still be taken") {
  Pair pair;
  CHECK(pair.link().send_clip(1, a_clip(1, 4), std::vector<float>{1, 0, 1, 0}) == ClipStatus::sent);
  pair.engine.socket.reset();
  pair.engine.link.reset();
  CHECK(pair.client.poll(5s) == LinkState::off);
  CHECK(!pair.client.message().empty());
  Reply reply;
  CHECK(pair.client.next_reply(reply));
  ReceivedClip clip;
  CHECK(pair.client.take_clip(std::get<ClipRecord>(reply.body), clip));
  CHECK((clip.audio == std::vector<float>{1, 0, 1, 0}));
  CHECK(!pair.client.cancel());
}

TEST("a heartbeat that stands still is a stall, and ends with the next beat") {
  LinkOptions options;
  options.stall_after = 1ms;
  Pair pair(options);
  CHECK(pair.client.poll(0ms) == LinkState::ready);
  std::this_thread::sleep_for(5ms);
  CHECK(pair.client.poll(0ms) == LinkState::stalled);
  pair.link().beat();
  CHECK(pair.client.poll(0ms) == LinkState::ready);
}

TEST("a stalled engine fills the ring, then a bounded backlog, then sends are refused") {
  Pair pair;
  GenerateRecord wanted = make_generate();
  wanted.source_channels = 2;
  const std::vector<float> source(kClipSlotBytes / 4);
  int sent = 0;
  while (pair.client.generate(1, wanted, source) && sent < 100) ++sent;
  CHECK(sent >= 7 && sent <= 9);
  CHECK(pair.client.state() == LinkState::ready);
}

TEST("an idle link gives the memory of its clips back, but not of one that is not yet taken") {
  Pair pair;
  const std::vector<float> audio(1000, 1.0F);
  CHECK(pair.link().send_clip(1, a_clip(1, 1000), audio) == ClipStatus::sent);
  CHECK(pair.link().send_clip(2, a_clip(1, 1000), audio) == ClipStatus::sent);
  Reply reply;
  ReceivedClip clip;
  CHECK(pair.client.next_reply(reply));
  CHECK(pair.client.take_clip(std::get<ClipRecord>(reply.body), clip));
  std::byte* arena = pair.client.segment().section(SectionKind::clips) + kArenaOffsetBytes;
  CHECK(arena[3] == std::byte{0x3F} && arena[kClipSlotBytes + 3] == std::byte{0x3F});
  for (int beat = 0; beat < 30; ++beat) pair.link().beat();
  CHECK(arena[3] == std::byte{0} && arena[kClipSlotBytes + 3] == std::byte{0x3F});
  CHECK(pair.client.next_reply(reply));
  CHECK(pair.client.take_clip(std::get<ClipRecord>(reply.body), clip));
  CHECK(clip.audio == audio);
  CHECK(pair.link().send_clip(3, a_clip(1, 1000), audio) == ClipStatus::sent);
  CHECK(pair.client.next_reply(reply));
  CHECK(pair.client.take_clip(std::get<ClipRecord>(reply.body), clip));
  CHECK(clip.audio == audio);
}

TEST("wake ends a sleep") {
  Pair pair;
  pair.client.wake();
  CHECK(pair.client.poll(60s) == LinkState::ready);
  LinkClient off;
  off.wake();
  CHECK(off.poll(60s) == LinkState::off);
}

TEST("no engine, a foreign listener and refusals are told apart") {
  LinkClient client;
  LinkOptions options;
  options.socket_path = "/tmp/dwlink-nobody/engine.sock";
  CHECK(client.connect(options) == ConnectResult::no_engine);
  options.socket_path = "/tmp/" + std::string(200, 'x');
  CHECK(client.connect(options) == ConnectResult::system_error);
  TestEngine engine;
  std::string message;
  CHECK(connect_to(engine, make_refusal(Answer::incompatible, "versions"), -1, &message) ==
        ConnectResult::incompatible);
  CHECK_EQ(message, "versions");
  CHECK(connect_to(engine, make_refusal(Answer::refused, "no"), -1) == ConnectResult::refused);
  Welcome foreign{};
  CHECK(connect_to(engine, foreign, -1) == ConnectResult::refused);
  CHECK(connect_to(engine, make_refusal(Answer::accepted, ""), -1) == ConnectResult::bad_segment);
  CHECK(connect_to(engine, make_refusal(Answer::accepted, ""), 0) == ConnectResult::bad_segment);
}

TEST("a listener that never answers costs the time-out and no more") {
  TestEngine engine;
  LinkClient client;
  LinkOptions options;
  options.socket_path = engine.path();
  options.timeout = 20ms;
  CHECK(client.connect(options) == ConnectResult::timed_out);
}

TEST("a client can connect again and gets a new generation") {
  Pair pair;
  const std::uint64_t first = pair.client.generation();
  std::thread accepting([&] { pair.engine.accept(); });
  LinkOptions options;
  options.socket_path = pair.engine.path();
  CHECK(pair.client.connect(options) == ConnectResult::connected);
  accepting.join();
  CHECK(pair.client.generation() > first);
}
