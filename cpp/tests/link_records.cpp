// Records over byte rings: every kind and size, and every way in which a peer can lie.
#include "link/records.h"

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "link/byte_ring.h"

using namespace driftwave::link;

namespace {

struct Channel {
  RingCursors cursors{};
  std::vector<std::byte> data = std::vector<std::byte>(64 * 1024);
  RecordWriter writer{RingWriter<std::byte>(&cursors, data)};
  RecordReader reader{RingReader<std::byte>(&cursors, data)};
  RingWriter<std::byte> raw{&cursors, data};
  Record record{};

  RingStatus pop_after_raw(const RecordHeader& header, std::size_t published) {
    raw.stage(0, bytes_of(header));
    raw.publish(published);
    return reader.pop(record);
  }
};

}  // namespace

TEST("a generate request crosses unchanged") {
  Channel channel;
  GenerateRecord sent = make_generate();
  sent.seed = 7;
  sent.biases[0] = -0.5F;
  put_text(sent.prompt, "short dark snare");
  CHECK(channel.writer.push(RecordKind::generate, 42, bytes_of(sent)) == RingStatus::ok);
  CHECK(channel.reader.pop(channel.record) == RingStatus::ok);
  const auto got = channel.record.as<GenerateRecord>();
  CHECK(std::memcmp(&got, &sent, sizeof sent) == 0);
  CHECK_EQ(channel.record.header.job, 42U);
  CHECK_EQ(get_text(got.prompt), "short dark snare");
  CHECK(channel.reader.pop(channel.record) == RingStatus::again);
}

TEST("payloads of every length keep their bytes and their order") {
  Channel channel;
  std::mt19937 random(1);
  for (std::size_t round = 0; round < 3000; ++round) {
    std::vector<std::byte> payload(sizeof(SourceChunkRecord) + random() % 5000);
    for (std::byte& byte : payload) byte = static_cast<std::byte>(random());
    const std::size_t cut = random() % (payload.size() + 1);
    CHECK(channel.writer.push(RecordKind::source_chunk, round, std::span(payload).first(cut),
                              std::span(payload).subspan(cut)) == RingStatus::ok);
    CHECK(channel.reader.pop(channel.record) == RingStatus::ok);
    CHECK_EQ(channel.record.header.job, round);
    const auto got = channel.record.after(0);
    CHECK(got.size() == payload.size() &&
          std::memcmp(got.data(), payload.data(), payload.size()) == 0);
  }
}

TEST("a full ring takes no part of a record, and takes it once there is room") {
  Channel channel;
  const std::vector<std::byte> payload(30'000);
  CHECK(channel.writer.push(RecordKind::source_chunk, 1, payload) == RingStatus::ok);
  CHECK(channel.writer.push(RecordKind::source_chunk, 2, payload) == RingStatus::ok);
  CHECK(channel.writer.push(RecordKind::source_chunk, 3, payload) == RingStatus::again);
  CHECK(channel.reader.pop(channel.record) == RingStatus::ok);
  CHECK(channel.writer.push(RecordKind::source_chunk, 3, payload) == RingStatus::ok);
  for (const std::uint64_t job : {2U, 3U}) {
    CHECK(channel.reader.pop(channel.record) == RingStatus::ok);
    CHECK_EQ(channel.record.header.job, job);
  }
}

TEST("a record longer than the limit is refused by the writer") {
  Channel channel;
  CHECK(channel.writer.push(RecordKind::source_chunk, 1,
                            std::vector<std::byte>(kMaxRecordBytes + 1)) == RingStatus::again);
}

TEST("an unknown kind is skipped, since a newer minor version may send it") {
  Channel channel;
  CHECK(channel.writer.push(static_cast<RecordKind>(77), 1, std::vector<std::byte>(40)) ==
        RingStatus::ok);
  CHECK(channel.writer.push(RecordKind::cancel, 2, {}) == RingStatus::ok);
  CHECK(channel.reader.pop(channel.record) == RingStatus::ok);
  CHECK_EQ(channel.record.header.job, 2U);
}

TEST("a longer record of a known kind is read up to the known length") {
  Channel channel;
  std::vector<std::byte> longer(sizeof(QueuedRecord) + 24);
  longer[0] = std::byte{9};
  CHECK(channel.writer.push(RecordKind::queued, 1, longer) == RingStatus::ok);
  CHECK(channel.reader.pop(channel.record) == RingStatus::ok);
  CHECK_EQ(channel.record.as<QueuedRecord>().position, 9U);
}

TEST("a request of minor version 0 is read, and what it does not know is absent") {
  Channel channel;
  GenerateRecord sent = make_generate();
  std::memset(&sent.second_rate_hz, 0xFF, sizeof sent - kGenerateBytesMinor0);
  CHECK(channel.writer.push(RecordKind::generate, 1, bytes_of(sent)) == RingStatus::ok);
  CHECK(channel.reader.pop(channel.record) == RingStatus::ok);
  sent.seed = 77;
  const auto old = bytes_of(sent).first(kGenerateBytesMinor0);
  CHECK(channel.writer.push(RecordKind::generate, 2, old) == RingStatus::ok);
  CHECK(channel.reader.pop(channel.record) == RingStatus::ok);
  const auto got = channel.record.as<GenerateRecord>();
  CHECK_EQ(got.seed, 77);
  CHECK_EQ(got.second_frames, 0U);
  CHECK_EQ(got.bars, 0.0F);
  CHECK_EQ(got.loop, 0U);
  CHECK_EQ(get_text(got.second_clip), "");
}

TEST("a record shorter than its kind breaks the link") {
  Channel channel;
  CHECK(channel.writer.push(RecordKind::generate, 1, std::vector<std::byte>(8)) == RingStatus::ok);
  CHECK(channel.reader.pop(channel.record) == RingStatus::broken);
}

TEST("a length beyond what was published breaks the link") {
  Channel channel;
  CHECK(channel.pop_after_raw({2, 4096, 1}, 64) == RingStatus::broken);
}

TEST("a length beyond the limit breaks the link, also near 2^32") {
  for (const std::uint32_t bytes : {40'000U, 0x7FFFFFFFU, 0xFFFFFFF0U, 0xFFFFFFFFU}) {
    Channel channel;
    CHECK(channel.pop_after_raw({2, bytes, 1}, 60'000) == RingStatus::broken);
  }
}

TEST("half a header breaks the link") {
  Channel channel;
  CHECK(channel.pop_after_raw({3, 0, 1}, 8) == RingStatus::broken);
}

TEST("a ring full of unknown records ends, and does not hold the reader") {
  Channel channel;
  while (channel.writer.push(static_cast<RecordKind>(999), 1, {}) == RingStatus::ok) {
  }
  CHECK(channel.reader.pop(channel.record) == RingStatus::broken);
}

TEST("texts are cut between characters and always end") {
  char text[8];
  put_text(text, "abcdefghij");
  CHECK_EQ(get_text(text), "abcdefg");
  put_text(text, "abcdef\xC3\xA4");  // the two bytes of a-umlaut would straddle the end
  CHECK_EQ(get_text(text), "abcdef");
  put_text(text, "");
  CHECK_EQ(get_text(text), "");
  std::memset(text, 'x', sizeof text);
  CHECK_EQ(get_text(text).size(), sizeof text);
}
