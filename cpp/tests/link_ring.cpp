// RingWriter and RingReader: order, wrap-around, corrupt peers, two threads.
#include "link/ring.h"

#include <array>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "check.h"

using namespace driftwave::link;

namespace {

struct Ring {
  RingCursors cursors{};
  std::array<float, 64> data{};
  RingWriter<float> writer{&cursors, data};
  RingReader<float> reader{&cursors, data};
};

}  // namespace

TEST("elements come out in order across every wrap position") {
  Ring ring;
  float next_in = 0;
  float next_out = 0;
  for (std::size_t round = 0; round < 500; ++round) {
    std::vector<float> in(1 + round % 64);
    std::iota(in.begin(), in.end(), next_in);
    next_in += static_cast<float>(in.size());
    CHECK(ring.writer.push(in) == RingStatus::ok);
    std::vector<float> out(in.size());
    CHECK(ring.reader.pop(out) == RingStatus::ok);
    for (const float value : out) CHECK_EQ(value, next_out++);
  }
}

TEST("a full ring and an empty ring say again and change nothing") {
  Ring ring;
  const std::vector<float> full(64, 1.0F);
  std::vector<float> one(1);
  CHECK(ring.reader.pop(one) == RingStatus::again);
  CHECK(ring.writer.push(full) == RingStatus::ok);
  CHECK(ring.writer.push(one) == RingStatus::again);
  CHECK(ring.writer.push(std::vector<float>(65)) == RingStatus::again);
  CHECK_EQ(ring.reader.available(), 64U);
  CHECK(!ring.writer.broken());
}

TEST("a write cursor that ran past the capacity breaks the reader for ever") {
  Ring ring;
  std::vector<float> one(1);
  ring.cursors.write = 65;
  CHECK(ring.reader.pop(one) == RingStatus::broken);
  ring.cursors.write = 1;
  CHECK(ring.reader.pop(one) == RingStatus::broken);
}

TEST("a write cursor behind the reader breaks the reader") {
  Ring ring;
  std::vector<float> four(4);
  CHECK(ring.writer.push(four) == RingStatus::ok);
  CHECK(ring.reader.pop(four) == RingStatus::ok);
  ring.cursors.write = 3;
  CHECK_EQ(ring.reader.available(), 0U);
  CHECK(ring.reader.broken());
}

TEST("a read cursor ahead of the writer breaks the writer") {
  Ring ring;
  ring.cursors.read = 1;
  CHECK(ring.writer.push(std::vector<float>(64)) == RingStatus::ok);
  CHECK(ring.writer.push(std::vector<float>(1)) != RingStatus::broken);
  ring.cursors.read = 1000;
  CHECK(ring.writer.push(std::vector<float>(64)) == RingStatus::broken);
}

TEST("scribbling over an end's own cursor does not move it") {
  Ring ring;
  std::vector<float> in{1, 2, 3};
  CHECK(ring.writer.push(in) == RingStatus::ok);
  ring.cursors.read = 2;  // the reader's own word, as a corrupt writer would change it
  std::vector<float> out(3);
  CHECK(ring.reader.pop(out) == RingStatus::ok);
  CHECK(out == in);
}

TEST("two threads pass every element once and in order") {
  const auto ring = std::make_unique<Ring>();
  constexpr std::uint64_t kCount = 200'000;
  std::thread producer([&] {
    float block[7];
    for (std::uint64_t sent = 0; sent < kCount; sent += 7) {
      for (std::uint64_t i = 0; i < 7; ++i) block[i] = static_cast<float>((sent + i) % 4096);
      while (ring->writer.push(block) != RingStatus::ok) std::this_thread::yield();
    }
  });
  std::uint64_t wrong = 0;
  for (std::uint64_t got = 0; got < kCount; got += 7) {
    float block[7];
    while (ring->reader.pop(block) != RingStatus::ok) std::this_thread::yield();
    for (std::uint64_t i = 0; i < 7; ++i) {
      wrong += block[i] == static_cast<float>((got + i) % 4096) ? 0 : 1;
    }
  }
  producer.join();
  CHECK_EQ(wrong, 0U);
}
