// The stream's bus: grains at exact frames beside the pads, skipped, faded, never more than fit.
#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

#include "shim/deck.h"
#include "shim_support.h"

using namespace driftwave::shim;
using namespace driftwave::shim::testing;

namespace {

constexpr double kRate = 48000.0;
constexpr std::size_t kGrainFrames = 1000;

Grain level(std::uint64_t frame, float value) {
  return {frame, std::vector<float>(2 * kGrainFrames, value)};
}

struct Stage {
  Stage() : generator(silent_generator(kRate)), deck(std::make_unique<Deck>(*generator)) {
    deck->prepare(kRate, 512);
  }
  Samples play(std::uint32_t frames, std::uint32_t block) {
    Samples left;
    std::vector<float> both(std::size_t{2} * block);
    for (; frames > 0; frames -= std::min(frames, block)) {
      const std::uint32_t count = std::min(frames, block);
      deck->process(both.data(), 2, count);
      for (std::uint32_t i = 0; i < count; ++i) left.push_back(both[std::size_t{2} * i]);
    }
    return left;
  }
  std::unique_ptr<Generator> generator;
  std::unique_ptr<Deck> deck;
};

}  // namespace

TEST("a grain begins in its frame, whatever the blocks, and adds to what sounds") {
  for (const std::uint32_t block : {1U, 63U, 300U, 4096U}) {
    Stage stage;
    CHECK(stage.deck->grains().add(level(700, 0.25F)));
    CHECK(stage.deck->grains().add(level(1200, 0.5F)));
    const Samples heard = stage.play(3000, block);
    for (std::size_t i = 0; i < heard.size(); ++i) {
      const float first = i >= 700 && i < 1700 ? 0.25F : 0.0F;
      const float second = i >= 1200 && i < 2200 ? 0.5F : 0.0F;
      CHECK_EQ(heard[i], first + second);
    }
  }
}

TEST("a late grain begins at once with its first sample") {
  Stage stage;
  stage.play(5000, 256);
  CHECK(stage.deck->grains().add(level(10, 0.5F)));
  const Samples heard = stage.play(2000, 256);
  for (std::size_t i = 0; i < heard.size(); ++i) CHECK_EQ(heard[i], i < kGrainFrames ? 0.5F : 0.0F);
}

TEST("a skip leaves what has begun, what begins before, and what comes after it") {
  Stage stage;
  Grains& grains = stage.deck->grains();
  CHECK(grains.add(level(0, 0.125F)));
  stage.play(100, 100);
  CHECK(grains.add(level(200, 0.25F)));
  CHECK(grains.add(level(400, 0.5F)));
  CHECK(grains.skip_from(300));
  CHECK(grains.add(level(400, 0.0625F)));
  const Samples heard = stage.play(500, 64);
  CHECK_EQ(heard[50], 0.125F);
  CHECK_EQ(heard[150], 0.375F);
  CHECK_EQ(heard[350], 0.4375F);
}

TEST("an end fades within 5 ms without a step") {
  Stage stage;
  CHECK(stage.deck->grains().add(level(0, 0.5F)));
  CHECK(stage.deck->grains().add(level(600, 0.5F)));
  stage.play(100, 100);
  CHECK(stage.deck->grains().end());
  const Samples heard = stage.play(2000, 64);
  for (std::size_t i = 1; i < heard.size(); ++i) {
    CHECK(std::fabs(heard[i] - heard[i - 1]) < 0.003F);
    if (i > 240) CHECK_EQ(heard[i], 0.0F);
  }
}

TEST("the gain moves in a line") {
  Stage stage;
  CHECK(stage.deck->grains().add(level(0, 0.5F)));
  stage.play(100, 100);
  stage.deck->grains().set_gain(0.5F);
  const Samples heard = stage.play(800, 64);
  for (std::size_t i = 1; i < heard.size(); ++i) CHECK(heard[i] <= heard[i - 1] + 1.0e-6F);
  CHECK(std::fabs(heard[300] - 0.25F) < 1.0e-5F);
}

TEST("too many are refused, and there is room again once they ended") {
  Stage stage;
  Grains& grains = stage.deck->grains();
  for (std::size_t i = 0; i < kGrains; ++i) CHECK(grains.add(level(0, 0.001F)));
  CHECK(!grains.add(level(0, 0.5F)));
  stage.play(1100, 256);
  CHECK(grains.add(level(0, 0.5F)));
  for (std::size_t i = 0; i < 1000; ++i) static_cast<void>(grains.skip_from(0));
  stage.deck->prepare(44100.0, 512);  // another device: what waits is gone
  const Samples heard = stage.play(10, 10);
  CHECK_EQ(heard[5], 0.0F);
}
