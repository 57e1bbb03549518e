// Parameters, transport, clip slots and audio streams, each against a corrupt peer too.
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "check.h"
#include "link/audio_stream.h"
#include "link/clips.h"
#include "link/params.h"
#include "link/transport.h"

using namespace driftwave::link;

namespace {

/// Zeroed memory aligned as a mapping is.
struct Memory {
  explicit Memory(std::size_t bytes)
      : at(static_cast<std::byte*>(std::aligned_alloc(kPageBytes, whole_pages(bytes)))) {
    std::memset(at, 0, bytes);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { std::free(at); }
  std::byte* at;
};

}  // namespace

TEST("a parameter holds its latest value, and a wrong index harms nothing") {
  const auto section = std::make_unique<ParamsSection>();
  Params params(section.get());
  params.set(3, 0.25F);
  params.set(3, 0.75F);
  params.set(kMaxParams, 1.0F);
  CHECK_EQ(params.get(3), 0.75F);
  CHECK_EQ(params.get(kMaxParams), 0.0F);
  CHECK_EQ(params.changes(), 2U);
}

TEST("a transport that is read while it is written is whole or refused") {
  TransportSection section{};
  std::atomic<bool> stop{false};
  std::thread host([&] {
    TransportWriter writer(&section);
    for (std::int64_t frame = 1; !stop; ++frame) {
      const auto value = static_cast<double>(frame);
      writer.set({value, value * 2, value * 3, frame, kPlaying, 4, 4});
    }
  });
  const TransportReader reader(&section);
  std::int64_t last = 0;
  int torn = 0;
  for (int i = 0; i < 50'000; ++i) {
    Transport value{};
    if (!reader.get(value) || value.frame == 0) continue;
    const auto frame = static_cast<double>(value.frame);
    torn += value.bpm == frame && value.beat == frame * 2 && value.bar_beat == frame * 3 ? 0 : 1;
    torn += value.frame >= last ? 0 : 1;
    last = value.frame;
  }
  stop = true;
  host.join();
  CHECK_EQ(torn, 0);
}

TEST("a writer that died inside the lock costs three tries and changes nothing") {
  TransportSection section{};
  section.sequence = 1;
  Transport value{};
  value.bpm = 123;
  CHECK(!TransportReader(&section).get(value));
  CHECK_EQ(value.bpm, 123.0);
}

TEST("sixteen clips can be lent, the seventeenth waits, and a taken one frees its slot") {
  const Memory memory(kClipsSectionBytes);
  ClipLender lender(memory.at);
  ClipTaker taker(memory.at);
  std::vector<ClipLoan> loans;
  for (std::uint32_t i = 0; i < kClipSlots; ++i) {
    const auto loan = lender.borrow();
    CHECK(loan.has_value());
    loan->room[0] = static_cast<float>(i);
    lender.lend(*loan);
    loans.push_back(*loan);
  }
  CHECK(!lender.borrow());
  CHECK_EQ(lender.free_slots(), 0U);
  float sample = -1;
  CHECK(taker.take(loans[5].slot, loans[5].generation, {&sample, 1}));
  CHECK_EQ(sample, 5.0F);
  CHECK(!taker.take(loans[5].slot, loans[5].generation, {&sample, 1}));
  const auto again = lender.borrow();
  CHECK(again && again->slot == loans[5].slot && again->generation == loans[5].generation + 1);
  CHECK(!lender.broken());
}

TEST("a clip of another generation, of no slot or still being written is not taken") {
  const Memory memory(kClipsSectionBytes);
  ClipLender lender(memory.at);
  ClipTaker taker(memory.at);
  const auto loan = lender.borrow();
  float sample = 0;
  CHECK(!taker.take(loan->slot, loan->generation, {&sample, 1}));
  lender.lend(*loan);
  CHECK(!taker.take(loan->slot, loan->generation + 1, {&sample, 1}));
  CHECK(!taker.take(kClipSlots, loan->generation, {&sample, 1}));
  CHECK(!taker.take(std::numeric_limits<std::uint32_t>::max(), 0, {&sample, 1}));
  CHECK(taker.take(loan->slot, loan->generation, {&sample, 1}));
}

TEST("a loan that is taken back can be lent again") {
  const Memory memory(kClipsSectionBytes);
  ClipLender lender(memory.at);
  const auto loan = lender.borrow();
  lender.take_back(*loan);
  CHECK_EQ(lender.free_slots(), kClipSlots);
}

TEST(
    "a slot word that no plugin writes breaks the lender, and every word of an unlent slot is "
    "ignored") {
  const Memory memory(kClipsSectionBytes);
  auto* section = reinterpret_cast<ClipsSection*>(memory.at);
  ClipLender lender(memory.at);
  section->slots[0].word = 0xFFFF'FFFF'FFFF'FFFFU;
  const auto loan = lender.borrow();
  CHECK(loan && loan->slot == 0);
  lender.lend(*loan);
  section->slots[0].word = slot_word(loan->generation, SlotState::writing);
  CHECK(!lender.borrow());
  CHECK(lender.broken());
}

TEST("audio blocks of every length arrive with their position") {
  const Memory memory(audio_section_bytes(8193, 2));
  const std::uint64_t floats = audio_ring_floats(8193, 2);
  AudioWriter writer(memory.at, floats, 2);
  AudioReader reader(memory.at, floats, 2);
  std::uint64_t position = 0;
  std::vector<float> out(8193 * 2);
  for (const std::size_t frames : {1U, 16U, 63U, 512U, 8193U, 7U, 8192U, 1024U}) {
    std::vector<float> in(frames * 2);
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(position + i);
    CHECK(writer.push({3, position, 0, 0}, in) == RingStatus::ok);
    BlockMark mark{};
    CHECK(reader.pop(mark, out) == RingStatus::ok);
    CHECK(mark.epoch == 3 && mark.position == position && mark.frames == frames);
    CHECK(std::equal(in.begin(), in.end(), out.begin()));
    position += frames;
  }
  BlockMark mark{};
  CHECK(reader.pop(mark, out) == RingStatus::again);
}

TEST("an audio reader that falls behind makes the writer drop whole blocks") {
  const Memory memory(audio_section_bytes(64, 2));
  const std::uint64_t floats = audio_ring_floats(64, 2);
  AudioWriter writer(memory.at, floats, 2);
  AudioReader reader(memory.at, floats, 2);
  const std::vector<float> block(128, 0.5F);
  std::uint64_t sent = 0;
  while (writer.push({1, sent * 64, 0, 0}, block) == RingStatus::ok) ++sent;
  CHECK_EQ(sent, kAudioMarks);
  std::vector<float> out(128);
  BlockMark mark{};
  for (std::uint64_t i = 0; i < sent; ++i) CHECK(reader.pop(mark, out) == RingStatus::ok);
  CHECK(writer.push({1, 0, 0, 0}, block) == RingStatus::ok);
}

TEST("a mark that promises more frames than came or than fit breaks the stream") {
  for (const std::uint32_t frames : {65U, 4096U, 0xFFFFFFFFU}) {
    const Memory memory(audio_section_bytes(64, 2));
    const std::uint64_t floats = audio_ring_floats(64, 2);
    AudioWriter writer(memory.at, floats, 2);
    AudioReader reader(memory.at, floats, 2);
    CHECK(writer.push({1, 0, 0, 0}, std::vector<float>(128)) == RingStatus::ok);
    reinterpret_cast<AudioSection*>(memory.at)->mark_data[0].frames = frames;
    std::vector<float> out(8192);
    BlockMark mark{};
    CHECK(reader.pop(mark, out) == RingStatus::broken);
    CHECK(reader.pop(mark, out) == RingStatus::broken);
  }
}

TEST("audio crosses two threads complete and in order") {
  const Memory memory(audio_section_bytes(64, 1));
  const std::uint64_t floats = audio_ring_floats(64, 1);
  std::thread plugin([&] {
    AudioWriter writer(memory.at, floats, 1);
    std::vector<float> block(64);
    for (std::uint64_t n = 0; n < 5000; ++n) {
      std::fill(block.begin(), block.end(), static_cast<float>(n));
      while (writer.push({1, n * 64, 0, 0}, block) != RingStatus::ok) std::this_thread::yield();
    }
  });
  AudioReader reader(memory.at, floats, 1);
  std::vector<float> block(64);
  int wrong = 0;
  for (std::uint64_t n = 0; n < 5000; ++n) {
    BlockMark mark{};
    while (reader.pop(mark, block) != RingStatus::ok) std::this_thread::yield();
    wrong += mark.position == n * 64 && block[0] == static_cast<float>(n) &&
                     block[63] == static_cast<float>(n)
                 ? 0
                 : 1;
  }
  plugin.join();
  CHECK_EQ(wrong, 0);
}
