// Undo, redo, variations and A/B of a pad, and what of them a project keeps.
#include <cstring>

#include "shim/core.h"
#include "shim_support.h"

using namespace driftwave::shim;
using namespace driftwave::shim::testing;

namespace {

PadClip clip_of(const Samples& samples, std::int64_t seed = 1) {
  const std::span<const float> channel(samples);
  std::string message;
  auto clip = make_pad_clip(std::span(&channel, 1), 48000, message);
  CHECK_EQ(message, "");
  clip->info.seed = seed;
  return *clip;
}

Samples heard(Generator& generator, int note, std::size_t frames) {
  return play(generator, frames, 64, {note_on(0, note)})[0];
}

std::uint32_t steps_of(const Generator& generator, std::uint32_t pad) {
  return generator.snapshot().pads[pad].history;
}

// What the pad holds, without playing it.
Samples held(const Core& core, std::uint32_t pad) {
  const PadClip* clip = core.pads[pad].history.clip();
  if (clip == nullptr) return {};
  return {clip->data->channel(0), clip->data->channel(0) + clip->data->frames()};
}

}  // namespace

TEST("undo, redo and choose walk through the last steps, down to the empty pad") {
  auto generator = silent_generator(48000);
  std::vector<Samples> clips;
  for (std::uint32_t i = 0; i < 5; ++i) {
    clips.push_back(noise(200, 50 + i));
    load(*generator, 3, clips.back(), 48000);
  }
  CHECK_EQ(steps_of(*generator, 3), 6U);
  CHECK(heard(*generator, 39, 200) == clips[4]);
  CHECK(generator->undo(3));
  CHECK(heard(*generator, 39, 200) == clips[3]);
  CHECK(generator->redo(3));
  CHECK(!generator->redo(3));
  CHECK(heard(*generator, 39, 200) == clips[4]);
  CHECK(generator->choose(3, 1));
  CHECK(heard(*generator, 39, 200) == clips[0]);
  CHECK(generator->undo(3));
  CHECK(generator->clip_samples(3).empty());
  CHECK(!generator->undo(3));
  CHECK(!generator->choose(3, 6));
  CHECK(generator->redo(3));
  load(*generator, 3, clips[2], 48000);  // what was undone is gone
  CHECK_EQ(steps_of(*generator, 3), 3U);
  CHECK(!generator->undo(99) && !generator->choose(99, 0) && !generator->pick(99, 0));
}

TEST("a cleared pad can be brought back") {
  auto generator = silent_generator(48000);
  const Samples clip = noise(200, 1);
  load(*generator, 0, clip, 48000);
  generator->clear_clip(0);
  CHECK(peak(heard(*generator, 36, 200)) == 0.0F);
  CHECK(generator->undo(0));
  CHECK(heard(*generator, 36, 200) == clip);
}

TEST("words are steps: one for each edit, the letters of one word together") {
  auto generator = silent_generator(48000);
  generator->set_prompt(0, "kick");  // where the pad begins
  CHECK_EQ(steps_of(*generator, 0), 1U);
  load(*generator, 0, noise(100, 1), 48000);
  for (const char* typed : {"kick d", "kick de", "kick deep"}) generator->set_prompt(0, typed);
  generator->close_edit(0);
  generator->set_prompt(0, "kick deep dark");
  generator->set_voice(0, "other");
  CHECK(generator->undo(0));
  CHECK_EQ(generator->voice(0), "");
  CHECK_EQ(generator->prompt(0), "kick deep dark");
  CHECK(generator->undo(0));
  CHECK_EQ(generator->prompt(0), "kick deep");
  CHECK(generator->undo(0));
  CHECK_EQ(generator->prompt(0), "kick");
  CHECK(!generator->clip_samples(0).empty());
  for (int i = 0; i < 3; ++i) CHECK(generator->redo(0));
  CHECK_EQ(generator->voice(0), "other");
}

TEST("a turned knob is one step, automation is none, and undoing a sound leaves the levels") {
  auto generator = silent_generator(48000);
  const std::uint32_t gain = pad_parameter(2, kPadGain);
  const std::uint32_t bars = pad_parameter(2, kPadBars);
  load(*generator, 2, noise(100, 1), 48000);
  const auto turn = [&](std::uint32_t parameter, float to) {
    generator->begin_gesture(2);
    generator->set_parameter(parameter, to);
    generator->end_gesture(2);
  };
  turn(gain, -3.0F);
  turn(gain, -6.0F);  // the same knob again: the same step
  turn(bars, 2.0F);
  turn(bars, 2.0F);  // nothing changed
  CHECK_EQ(steps_of(*generator, 2), 4U);
  CHECK(generator->undo(2));
  CHECK_EQ(generator->parameter(bars), 0.0F);
  CHECK_EQ(generator->parameter(gain), -6.0F);
  CHECK(generator->undo(2));
  CHECK_EQ(generator->parameter(gain), 0.0F);
  CHECK(generator->redo(2) && generator->redo(2));
  CHECK_EQ(generator->parameter(gain), -6.0F);
  CHECK_EQ(generator->parameter(bars), 2.0F);
  load(*generator, 2, noise(100, 2), 48000);
  generator->set_parameter(gain, -20.0F);  // as automation does
  CHECK(generator->undo(2));
  CHECK_EQ(generator->parameter(gain), -20.0F);
}

TEST("variations of one request are one step to pick from, and none is lost by picking") {
  Core core;
  std::vector<Samples> sounds;
  for (std::uint32_t i = 0; i < 6; ++i) sounds.push_back(noise(100, 10 + i));
  core.add_clip(4, clip_of(sounds[5]));
  const std::uint64_t step = core.add_clip(4, clip_of(sounds[0]));
  for (std::uint32_t i = 1; i < 4; ++i) {
    CHECK_EQ(core.add_clip(4, clip_of(sounds[i]), step), step);
    CHECK(held(core, 4) == sounds[0]);  // what sounds stays
  }
  CHECK_EQ(core.pads[4].history.size(), 3U);
  CHECK(!core.pick(4, 4));
  for (const std::uint32_t i : {3U, 1U, 2U}) {
    CHECK(core.pick(4, i));
    CHECK(held(core, 4) == sounds[i]);
    CHECK_EQ(core.pads[4].history.present().variations.size(), 4U);
  }
  CHECK(core.undo(4));
  CHECK(held(core, 4) == sounds[5]);
  // One that comes late joins its own, undone step and changes nothing that sounds.
  core.add_clip(4, clip_of(sounds[4]), step);
  CHECK(held(core, 4) == sounds[5]);
  CHECK(core.redo(4));
  CHECK(held(core, 4) == sounds[2]);
  CHECK(core.pick(4, 4));
  CHECK(held(core, 4) == sounds[4]);
}

TEST("a variation whose step was forgotten is dropped") {
  Core core;
  core.add_clip(0, clip_of(noise(100, 1)));
  const std::uint64_t step = core.add_clip(0, clip_of(noise(100, 2)));
  CHECK(core.undo(0));
  const Samples other = noise(100, 3);
  core.add_clip(0, clip_of(other));
  core.add_clip(0, clip_of(noise(100, 4)), step);
  CHECK(held(core, 0) == other);
  CHECK_EQ(core.pads[0].history.present().variations.size(), 1U);
}

TEST("compare goes back and forth between two sounds, of one step or of two") {
  Core core;
  const Samples a = noise(100, 1);
  const Samples b = noise(100, 2);
  const Samples c = noise(100, 3);
  CHECK(!core.compare(0));
  core.add_clip(0, clip_of(a));
  const std::uint64_t step = core.add_clip(0, clip_of(b));
  core.add_clip(0, clip_of(c), step);
  for (int i = 0; i < 3; ++i) {
    CHECK(core.compare(0));
    CHECK(held(core, 0) == a);
    CHECK(core.compare(0));
    CHECK(held(core, 0) == b);
  }
  CHECK(core.pick(0, 1));
  CHECK(core.compare(0));
  CHECK(held(core, 0) == b);
  CHECK(core.compare(0));
  CHECK(held(core, 0) == c);
}

TEST("compare finds a sound that its step has since moved on from") {
  Core core;
  const Samples a = noise(100, 1);
  const Samples b = noise(100, 2);
  const Samples c = noise(100, 3);
  const std::uint64_t step = core.add_clip(0, clip_of(a));
  core.add_clip(0, clip_of(b), step);
  CHECK(core.pick(0, 1));
  core.add_clip(0, clip_of(c));  // from b
  CHECK(core.undo(0) && core.pick(0, 0) && core.redo(0));
  CHECK(held(core, 0) == c);
  for (int i = 0; i < 3; ++i) {
    CHECK(core.compare(0));
    CHECK(held(core, 0) == a);
    CHECK(core.compare(0));
    CHECK(held(core, 0) == c);
  }
}

TEST("a history is bounded in steps and in memory, and keeps what is present") {
  Core core;
  for (std::uint32_t i = 0; i < 100; ++i) core.add_clip(0, clip_of(noise(50, i), i));
  CHECK_EQ(core.pads[0].history.size(), kHistoryLength);
  CHECK_EQ(core.pads[0].history.clip()->info.seed, 99);
  const Samples large(48000 * 40, 0.0F);  // 7.7 MB each
  for (std::uint32_t i = 0; i < 6; ++i) core.add_clip(1, clip_of(large, i));
  CHECK(core.pads[1].history.size() <= 4);
  CHECK_EQ(core.pads[1].history.clip()->info.seed, 5);
  CHECK(core.undo(1));
}

TEST("a saved project brings back steps, variations, words and levels, and saves the same again") {
  auto first = silent_generator(48000);
  std::vector<Samples> clips;
  for (std::uint32_t i = 0; i < 3; ++i) {
    clips.push_back(noise(300, 70 + i));
    load(*first, 0, clips.back(), 48000);
    first->close_edit(0);
    first->set_prompt(0, "words " + std::to_string(i));
  }
  first->begin_gesture(0);
  first->set_parameter(pad_parameter(0, kPadGain), -9.0F);
  first->end_gesture(0);
  CHECK(first->undo(0));
  const auto saved = first->save_state();
  auto second = silent_generator(48000);
  std::string message;
  CHECK(second->load_state(saved, message));
  CHECK_EQ(message, "");
  CHECK(second->save_state() == saved);
  CHECK_EQ(steps_of(*second, 0), steps_of(*first, 0));
  for (Generator* generator : {first.get(), second.get()}) {
    CHECK(generator->redo(0));
    CHECK_EQ(generator->parameter(pad_parameter(0, kPadGain)), -9.0F);
    CHECK(generator->undo(0) && generator->undo(0));
    CHECK_EQ(generator->prompt(0), "words 1");
    CHECK(heard(*generator, 36, 300) == clips[2]);
    CHECK(generator->undo(0) && generator->undo(0));
    CHECK(heard(*generator, 36, 300) == clips[1]);
    CHECK_EQ(generator->prompt(0), "words 0");
    CHECK(generator->choose(0, 0));
    CHECK(generator->clip_samples(0).empty());
  }
}

TEST("a project keeps the present sounds whole and of the past what fits, and then keeps that") {
  auto first = silent_generator(48000);
  for (std::uint32_t i = 0; i < 6; ++i) {
    for (std::uint32_t pad = 0; pad < 4; ++pad) {
      load(*first, pad, noise(300'000, 10 * i + pad), 48000);  // noise: 0.9 MB encoded
    }
  }
  const auto saved = first->save_state();
  CHECK(saved.size() < kMaxSavedHistoryBytes + 4 * 1'100'000);
  CHECK(saved.size() > kMaxSavedHistoryBytes);
  auto second = silent_generator(48000);
  std::string message;
  CHECK(second->load_state(saved, message));
  CHECK(second->save_state() == saved);
  for (std::uint32_t pad = 0; pad < 4; ++pad) {
    CHECK(second->clip_samples(pad) == first->clip_samples(pad));
    CHECK(second->undo(pad) && first->undo(pad));
    CHECK(second->clip_samples(pad) == first->clip_samples(pad));
    CHECK(second->snapshot().pads[pad].history < first->snapshot().pads[pad].history);
  }
}

TEST("a project of the first version opens with all its sounds and settings") {
  std::FILE* const file = std::fopen("tests/fixtures/state_version_1.bin", "rb");
  CHECK(file != nullptr);
  if (file == nullptr) return;
  std::vector<std::uint8_t> bytes(100'000);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  CHECK_EQ(bytes[8], 1);
  Generator generator(GeneratorOptions{.link = false});
  std::string message;
  CHECK(generator.load_state(bytes, message));
  CHECK_EQ(message, "");
  CHECK_EQ(generator.prompt(0), "deep kick");
  CHECK_EQ(generator.prompt(1), "short dark snare");
  CHECK_EQ(generator.negative(1), "long");
  CHECK_EQ(generator.seed(1), 4711);
  CHECK_EQ(generator.voice(2), "drums");
  CHECK_EQ(generator.name(0), "old 0");
  CHECK_EQ(generator.parameter(kGain), -4.5F);
  CHECK_EQ(generator.parameter(kSeconds), 2.5F);
  CHECK_EQ(generator.parameter(pad_parameter(1, kPadPan)), 0.25F);
  CHECK_EQ(generator.parameter(kVariations), 4.0F);  // what the first version did not have
  const std::size_t frames[] = {2000, 1500, 900};
  const std::size_t channels[] = {1, 2, 1};
  const double sums[] = {293.781333565712, 547.5066710710526, 141.21304607391357};
  for (std::uint32_t pad = 0; pad < 3; ++pad) {
    const auto samples = generator.clip_samples(pad);
    CHECK_EQ(samples.size(), channels[pad]);
    double sum = 0.0;
    for (const auto& channel : samples) {
      CHECK_EQ(channel.size(), frames[pad]);
      for (float s : channel) sum += std::fabs(static_cast<double>(s));
    }
    CHECK(sum == sums[pad]);
    CHECK_EQ(steps_of(generator, pad), 1U);
  }
  const auto again = generator.save_state();
  CHECK_EQ(again[8], 2);
  Generator second(GeneratorOptions{.link = false});
  CHECK(second.load_state(again, message));
  CHECK(second.save_state() == again);
}
