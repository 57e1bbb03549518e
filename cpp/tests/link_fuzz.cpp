// Corrupt peers at random: whatever stands in the shared memory, neither end reads or writes
// outside it, hangs, or hands on a sample that is not finite. Run it under AddressSanitizer.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "check.h"
#include "link_harness.h"

using namespace driftwave::link;
using namespace std::chrono_literals;

namespace {

std::uint64_t awkward(std::mt19937_64& random) {
  switch (random() % 8) {
    case 0:
      return 0;
    case 1:
      return ~std::uint64_t{0};
    case 2:
      return std::uint64_t{1} << 63U;
    case 3:
      return random();
    case 4:
      return random() % 512;
    case 5:
      return kRequestRingBytes + random() % 64;
    case 6:
      return kReplyRingBytes - random() % 64;
    default:
      return std::uint64_t{1} << (random() % 64);
  }
}

/// Overwrite a few words where it hurts: cursors, record headers, slot words, statistics.
void corrupt(Segment& segment, std::mt19937_64& random) {
  constexpr SectionKind kTargets[] = {SectionKind::requests, SectionKind::replies,
                                      SectionKind::clips,    SectionKind::stats,
                                      SectionKind::audio_up, SectionKind::transport};
  const std::size_t words = 1 + random() % 4;
  for (std::size_t i = 0; i < words; ++i) {
    const SectionKind kind = kTargets[random() % std::size(kTargets)];
    std::size_t offset = 0;
    switch (random() % 4) {
      case 0:
        offset = (random() % 2) * 64;
        break;
      case 1:
        offset = (random() % 16) * 64;
        break;
      case 2:
        offset = sizeof(RingCursors) + (random() % 8) * 8;
        break;
      default:
        offset = (random() % 500) * 8;
    }
    const std::uint64_t value = awkward(random);
    std::memcpy(segment.section(kind) + offset, &value, sizeof value);
  }
}

struct Tally {
  std::size_t engine_broken = 0;
  std::size_t client_off = 0;
  std::size_t survived = 0;
};

/// A conversation during which one side's memory is corrupted.
void converse(Pair& pair, std::mt19937_64& random, Tally& tally) {
  EngineLink& link = pair.link();
  const std::vector<float> audio(256, 0.25F);
  for (int turn = 0; turn < 12; ++turn) {
    GenerateRecord wanted = make_generate();
    wanted.source_channels = 1 + random() % 2;
    wanted.source_rate_hz = 44100;
    pair.client.generate(random() % 4, wanted, std::span(audio).first((random() % 128) * 2));
    if (random() % 3 == 0) pair.client.cancel();
    Request request;
    for (int i = 0; i < 8 && link.next_request(request) == RingStatus::ok; ++i) {
      ClipRecord clip{};
      clip.channels = 1;
      clip.frames = 256;
      clip.sample_rate_hz = 44100;
      link.send(RecordKind::queued, request.job, bytes_of(QueuedRecord{}));
      link.send_clip(request.job, clip, audio);
    }
    corrupt(random() % 2 == 0 ? link.segment() : pair.client.segment(), random);
    link.beat();
    pair.client.poll(0ms);
    Reply reply;
    for (int i = 0; i < 8 && pair.client.next_reply(reply); ++i) {
      const auto* clip = std::get_if<ClipRecord>(&reply.body);
      ReceivedClip got;
      if (clip == nullptr || !pair.client.take_clip(*clip, got)) continue;
      for (const float sample : got.audio) {
        if (!(std::abs(sample) <= 1.0F)) CHECK(!"a sample beyond full scale");
      }
    }
    if (pair.client.state() == LinkState::off && link.broken()) break;
  }
  tally.engine_broken += link.broken() ? 1 : 0;
  tally.client_off += pair.client.state() == LinkState::off ? 1 : 0;
  tally.survived += !link.broken() && pair.client.state() != LinkState::off ? 1 : 0;
}

}  // namespace

TEST("fuzz: a corrupt peer breaks its link and nothing else") {
  const char* wanted = std::getenv("DRIFTWAVE_FUZZ_ROUNDS");
  const int rounds = wanted != nullptr ? std::atoi(wanted) : 1500;
  std::mt19937_64 random(11);
  Tally tally;
  for (int round = 0; round < rounds; ++round) {
    Pair pair;
    CHECK(pair.result == ConnectResult::connected);
    converse(pair, random, tally);
  }
  std::printf(
      "fuzzed %d conversations: engine saw %zu corrupt plugins, plugin left %zu engines, "
      "%zu survived\n",
      rounds, tally.engine_broken, tally.client_off, tally.survived);
  CHECK(tally.engine_broken > 0 && tally.client_off > 0);
}

TEST("fuzz: random bytes in the rings are refused or read as records of the right size") {
  std::mt19937_64 random(12);
  std::size_t records = 0;
  constexpr int kRounds = 60'000;
  static std::vector<std::byte> data(kReplyRingBytes);
  static Record record;
  for (int round = 0; round < kRounds; ++round) {
    RingCursors cursors{};
    RecordReader reader(RingReader<std::byte>(&cursors, data));
    for (std::size_t i = 0; i < 256; i += 8) {
      const std::uint64_t word = random() % 3 == 0 ? random() : awkward(random) % 128;
      std::memcpy(data.data() + i, &word, sizeof word);
    }
    cursors.write = random() % 2 == 0 ? 256 : awkward(random);
    for (int i = 0; i < 40 && reader.pop(record) == RingStatus::ok; ++i) {
      ++records;
      CHECK(record.header.bytes >= least_bytes(record.header.kind));
      CHECK(record.header.bytes <= kMaxRecordBytes);
    }
  }
  std::printf("fuzzed %d rings, %zu accidental records\n", kRounds, records);
}
