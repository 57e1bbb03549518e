// The Deck: events at exact frames and beats, whatever the blocks; meters; order within a frame.
#include <cmath>
#include <memory>
#include <vector>

#include "shim/deck.h"
#include "shim_support.h"

using namespace driftwave::shim;
using namespace driftwave::shim::testing;

namespace {

constexpr double kRate = 48000.0;
constexpr std::size_t kClipFrames = 600;

struct Stage {
  Stage() : generator(silent_generator(kRate)), deck(std::make_unique<Deck>(*generator)) {
    deck->prepare(kRate, 512);
    for (std::uint32_t pad = 0; pad < 2; ++pad) {
      clips.push_back(noise(kClipFrames, pad + 1));
      load(*generator, pad, clips[pad], kRate);
    }
  }
  // Plays so many frames in blocks of a length; the left channel.
  Samples play(std::uint32_t frames, std::uint32_t block) {
    Samples left;
    std::vector<float> both(std::size_t{2} * block);
    while (frames > 0) {
      const std::uint32_t count = std::min(frames, block);
      deck->process(both.data(), 2, count);
      for (std::uint32_t i = 0; i < count; ++i) left.push_back(both[std::size_t{2} * i]);
      frames -= count;
    }
    return left;
  }
  void hit(std::uint8_t pad, DeckTime time = DeckTime::kNow, double place = 0.0) {
    CHECK(deck->post({time,
                      DeckAction::kMidi,
                      place,
                      0.0,
                      {0x90, static_cast<std::uint8_t>(kFirstPadNote + pad), 127},
                      3}));
  }
  void order(DeckAction action, double value) {
    CHECK(deck->post({DeckTime::kNow, action, 0.0, value, {0, 0, 0}, 0}));
  }

  std::unique_ptr<Generator> generator;
  std::unique_ptr<Deck> deck;
  std::vector<Samples> clips;
};

void check_clip_at(const Samples& heard, const Samples& clip, std::size_t at) {
  for (std::size_t i = 0; i < at; ++i) CHECK_EQ(heard[i], 0.0F);
  for (std::size_t i = 0; i < clip.size(); ++i) CHECK_EQ(heard[at + i], clip[i]);
}

}  // namespace

TEST("frames are exact in any block") {
  for (const std::uint32_t block : {1U, 63U, 256U, 4096U}) {
    Stage stage;
    stage.hit(0, DeckTime::kFrame, 777.0);
    check_clip_at(stage.play(2000, block), stage.clips[0], 777);
    CHECK_EQ(stage.deck->frame(), 2000U);
    CHECK_EQ(stage.deck->waiting(), 0U);
  }
}

TEST("a moment has a frame, however late blocks begin") {
  Stage stage;
  CHECK(stage.deck->frame_at(100.0) < 0.0);
  const double block_s = 480.0 / kRate;
  double begun_s = 1000.0;
  for (int block = 0; block < 200; ++block) {
    const double late_s = 0.001 * (block % 7);  // a busy machine
    stage.deck->note_time(begun_s + block * block_s + late_s);
    CHECK(std::fabs(stage.deck->frame_at(1000.5) - 0.5 * kRate) < 0.0002 * kRate);
    stage.play(480, 480);
  }
  begun_s += 3.0;  // the machine slept: from here on is another count
  stage.deck->note_time(begun_s + 200 * block_s);
  CHECK(std::fabs(stage.deck->frame_at(begun_s + 200 * block_s) - 200.0 * 480) < 1.0);
  stage.deck->prepare(44100.0, 512);
  CHECK(stage.deck->frame_at(begun_s) < 0.0);
}

TEST("beats are exact and follow the tempo") {
  for (const std::uint32_t block : {64U, 500U}) {
    Stage stage;
    stage.order(DeckAction::kTempo, 120.0);
    stage.order(DeckAction::kPlay, 1.0);
    stage.play(100, block);  // past beat 0
    stage.hit(0, DeckTime::kGrid, 1.0);
    check_clip_at(stage.play(26000, block), stage.clips[0], 24000 - 100);
    stage.order(DeckAction::kTempo, 240.0);  // a beat of 12000 frames, of which 10/12 are left
    stage.hit(1, DeckTime::kBeat, 3.0);
    const double beats = 3.0 - stage.deck->beat();
    const auto at = static_cast<std::size_t>(std::ceil(beats * 12000.0 - 1.0e-3));
    check_clip_at(stage.play(25000, block), stage.clips[1], at);
  }
}

TEST("a start and a hit in one block are together") {
  Stage stage;
  stage.order(DeckAction::kPlay, 1.0);
  stage.play(30000, 256);
  stage.order(DeckAction::kLocate, 0.0);
  stage.hit(0, DeckTime::kGrid, 4.0);
  check_clip_at(stage.play(2000, 256), stage.clips[0], 0);
}

TEST("nothing waits while the transport stands") {
  Stage stage;
  stage.hit(0, DeckTime::kGrid, 4.0);
  check_clip_at(stage.play(2000, 256), stage.clips[0], 0);
}

TEST("a stop cuts what came before it and not what comes after") {
  Stage stage;
  stage.hit(0);
  CHECK(stage.deck->post({DeckTime::kNow, DeckAction::kStop, 0.0, 0.0, {0, 0, 0}, 1}));
  stage.hit(1);
  const Samples heard = stage.play(1000, 256);
  for (std::size_t i = 250; i < kClipFrames; ++i) CHECK_EQ(heard[i], stage.clips[1][i]);
}

TEST("too much is refused and forgotten on demand") {
  Stage stage;
  for (std::size_t i = 0; i < kDeckEvents; ++i) stage.hit(0, DeckTime::kFrame, 1.0e9);
  DeckEvent more;
  CHECK(!stage.deck->post(more));
  stage.play(10, 10);
  stage.deck->forget();
  stage.play(10, 10);
  CHECK_EQ(stage.deck->waiting(), 0U);
  for (int i = 0; i < 200; ++i) stage.hit(0);  // more than one frame's worth of notes
  stage.play(1000, 256);
  CHECK_EQ(stage.deck->waiting(), 0U);
}

TEST("meters and channels") {
  Stage stage;
  stage.hit(0);
  std::vector<float> out(3 * 512);
  stage.deck->process(out.data(), 3, 512);
  float peak = 0.0F;
  for (std::size_t i = 0; i < 512; ++i) {
    peak = std::max(peak, std::abs(stage.clips[0][i]));
    CHECK_EQ(out[3 * i], stage.clips[0][i]);
    CHECK_EQ(out[3 * i + 1], stage.clips[0][i]);
    CHECK_EQ(out[3 * i + 2], 0.0F);
  }
  const DeckLevels levels = stage.deck->take_levels();
  CHECK_EQ(levels.peak[0], peak);
  CHECK(levels.rms[1] > 0.0F);
  const DeckLevels after = stage.deck->take_levels();
  CHECK_EQ(after.peak[0], 0.0F);
  std::vector<float> mono(88);
  stage.deck->process(mono.data(), 1, 88);
  for (std::size_t i = 0; i < 88; ++i) CHECK_EQ(mono[i], stage.clips[0][512 + i]);
}

TEST("loops go round with the time line, whatever is hit, until they are stopped") {
  constexpr std::size_t kBar = 48000;  // four quarter notes at 240
  const Samples bar = noise(kBar, 7);
  Stage stage;
  load(*stage.generator, 2, bar, kRate);
  stage.generator->set_parameter(pad_parameter(2, kPadBars), 1.0F);
  stage.generator->set_parameter(pad_parameter(2, kPadLoop), 1.0F);
  stage.order(DeckAction::kTempo, 240.0);
  stage.order(DeckAction::kPlay, 1.0);
  const Samples heard = stage.play(kBar + 1000, 256);
  for (std::size_t i = 0; i < heard.size(); ++i) CHECK_EQ(heard[i], bar[i % kBar]);
  for (int i = 0; i < 200; ++i) stage.hit(9);  // an empty pad, more than one frame's worth
  stage.play(256, 256);
  const Samples after = stage.play(1000, 256);
  for (std::size_t i = 0; i < after.size(); ++i) CHECK_EQ(after[i], bar[1256 + i]);
  CHECK(stage.deck->post({DeckTime::kNow, DeckAction::kStop, 0.0, 0.0, {2, 0, 0}, 1}));
  const Samples stopped = stage.play(2000, 256);
  for (std::size_t i = 241; i < stopped.size(); ++i) CHECK_EQ(stopped[i], 0.0F);
  stage.order(DeckAction::kPlay, 0.0);
  stage.play(256, 256);
  stage.order(DeckAction::kPlay, 1.0);
  CHECK(peak(stage.play(4000, 256)) > 0.1F);
}
