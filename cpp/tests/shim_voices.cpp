// Sixteen voices: stealing, choking, swapping clips, fresh hits, and no note that sticks.
#include <memory>

#include "shim/core.h"
#include "shim_support.h"

using namespace driftwave::shim;
using namespace driftwave::shim::testing;

TEST("seventeen notes take the quietest voice and make no click") {
  auto generator = silent_generator(48000);
  generator->set_parameter(kVelocity, 1.0F);
  load(*generator, 0, soft_sine(96000, 60, 48000, 0.05F), 48000);
  std::vector<MidiEvent> events;
  for (std::uint32_t i = 0; i < 200; ++i) {
    events.push_back(
        note_on(i * 400, 52 + static_cast<int>(i % 40), 40 + static_cast<int>(i % 80)));
  }
  const Stereo out = play(*generator, 96000, 333, events);
  // A sine of at most 0.05 moves by at most 0.05 * 2 pi * hz / rate a frame; sixteen and their
  // fading predecessors together stay far below a click.
  CHECK(steepest(out[0]) < 0.03F);
  CHECK(generator->parameter(kPlayingVoices) <= 16.0F);
}

TEST("a loud note survives when quiet ones can be taken") {
  auto generator = silent_generator(48000);
  load(*generator, 0, Samples(48000, 0.5F), 48000);
  load(*generator, 1, Samples(48000, 0.001F), 48000);
  std::vector<MidiEvent> events = {note_on(0, 36)};
  for (std::uint32_t i = 0; i < 100; ++i) events.push_back(note_on(100 + i, 37));
  const Stereo out = play(*generator, 4000, 100, events);
  CHECK(out[0][3999] > 0.5F);
}

TEST("a storm of notes on one frame keeps sixteen voices and stays finite") {
  auto generator = silent_generator(48000);
  load(*generator, 0, noise(48000, 1, 0.01F), 48000);
  std::vector<MidiEvent> events;
  for (int i = 0; i < 2000; ++i) events.push_back(note_on(100, 36 + (i % 2) * 24, 1 + i % 127));
  const Stereo out = play(*generator, 1000, 500, events);
  CHECK(all_finite(out[0]));
  CHECK_EQ(generator->parameter(kPlayingVoices), 16.0F);
}

TEST("a choke group fades its other members within 5 ms and leaves the rest alone") {
  auto generator = silent_generator(48000);
  for (std::uint32_t pad = 0; pad < 3; ++pad) {
    load(*generator, pad, Samples(48000, 0.1F * static_cast<float>(pad + 1)), 48000);
  }
  generator->set_parameter(pad_parameter(0, kPadChoke), 1);
  generator->set_parameter(pad_parameter(1, kPadChoke), 1);
  const Stereo out =
      play(*generator, 3000, 100, {note_on(0, 36), note_on(0, 38), note_on(1000, 37)});
  CHECK(std::fabs(out[0][999] - 0.4F) < 1.0e-6F);
  CHECK(std::fabs(out[0][1240] - 0.5F) < 1.0e-6F);  // 0.3 and the new 0.2
  const Stereo again = play(*generator, 1000, 100, {note_on(500, 37)});
  CHECK(std::fabs(again[0][999] - 0.5F) < 1.0e-6F);  // a pad cuts itself too
}

TEST("a new clip does not touch the voice that plays the old one") {
  auto generator = silent_generator(48000);
  const Samples first = noise(10000, 11);
  const Samples second = noise(10000, 12);
  load(*generator, 0, first, 48000);
  Stereo out = play(*generator, 2000, 500, {note_on(0, 36)});
  load(*generator, 0, second, 48000);
  for (int i = 0; i < 50; ++i) load(*generator, 0, noise(100, 13), 48000);
  load(*generator, 0, second, 48000);
  out = play(*generator, 8000, 500, {});
  CHECK(std::equal(first.begin() + 2000, first.end(), out[0].begin()));
  out = play(*generator, 10000, 500, {});
  out = play(*generator, 10000, 500, {note_on(0, 36)});
  CHECK(out[0] == second);
  out = play(*generator, 2000, 500, {note_on(0, 36)});
  generator->clear_clip(0);
  out = play(*generator, 8000, 500, {note_on(100, 36)});
  CHECK(std::equal(second.begin() + 2000, second.end(), out[0].begin()));
}

TEST("a fresh hit plays a variation not heard before, and the last one when none is left") {
  Core core;
  core.player.prepare(48000);
  core.parameters.set(kFresh, 1.0F);
  core.parameters.set(kAttackTime, 0.0F);
  std::vector<Samples> variations;
  for (std::uint32_t i = 0; i <= kPoolSize; ++i) {
    variations.push_back(noise(300, 100 + i));
    const std::span<const float> channel(variations.back());
    std::string message;
    auto clip = make_pad_clip(std::span(&channel, 1), 48000, message);
    CHECK(clip.has_value());
    clip->info.seed = i;
    if (i == 0) {
      core.add_clip(0, std::move(*clip));
    } else {
      core.add_fresh(0, std::move(*clip));
    }
  }
  CHECK_EQ(core.pads[0].pool.size(), std::size_t{kPoolSize});
  std::vector<bool> heard(variations.size(), false);
  Samples last;
  for (std::uint32_t hit = 0; hit < kPoolSize + 2; ++hit) {
    Stereo out = {Samples(400), Samples(400)};
    float* const outputs[2] = {out[0].data(), out[1].data()};
    const MidiEvent event = note_on(0, 36);
    core.player.process(outputs, 400, std::span(&event, 1), {});
    out[0].resize(300);
    const auto found = std::find(variations.begin(), variations.end(), out[0]);
    CHECK(found != variations.end());
    const auto which = static_cast<std::size_t>(found - variations.begin());
    if (hit < kPoolSize) {
      CHECK(which > 0 && !heard[which]);
      heard[which] = true;
      last = out[0];
    } else {
      CHECK(out[0] == last);
    }
    core.player.process(outputs, 300, {}, {});
  }
  CHECK_EQ(core.player.late(), 2U);
  core.settle();
  CHECK(core.pads[0].pool.empty());
  // The empty pad, the sound, and the hits together as one step.
  CHECK_EQ(core.pads[0].history.size(), 3U);
  CHECK_EQ(core.pads[0].history.present().variations.size(), std::size_t{kPoolSize});
  CHECK_EQ(core.pads[0].origin->info.seed, 0);
}

TEST("after any MIDI, letting go of everything ends every voice") {
  std::mt19937 random(2026);
  for (int round = 0; round < 60; ++round) {
    auto generator = silent_generator(48000);
    for (std::uint32_t pad = 0; pad < 16; ++pad) {
      load(*generator, pad, noise(2000 + random() % 4000, random()), 44100);
    }
    for (std::uint32_t i = 0; i < kParameterCount; ++i) {
      const Parameter& p = kParameters[i];
      const float part = static_cast<float>(random() % 1001) / 1000.0F;
      if (random() % 3 == 0)
        generator->set_parameter(i, p.minimum + part * (p.maximum - p.minimum));
    }
    generator->set_parameter(kReleaseTime, 20.0F);
    std::vector<MidiEvent> events;
    std::uint32_t frame = 0;
    for (int i = 0; i < 150; ++i) {
      frame += random() % 200;
      MidiEvent event;
      event.frame = frame;
      event.size = static_cast<std::uint8_t>(1 + random() % 3);
      constexpr std::uint8_t kKinds[] = {0x80, 0x90, 0x90, 0xB0, 0xE0, 0xF0};
      event.bytes[0] = static_cast<std::uint8_t>(kKinds[random() % 6] | (random() % 2));
      event.bytes[1] = static_cast<std::uint8_t>(random() % 5 == 0 ? 64 : 30 + random() % 60);
      event.bytes[2] = static_cast<std::uint8_t>(random());
      if (event.bytes[0] != 0xFF) events.push_back(event);
    }
    Stereo out = play(*generator, frame + 1, 1 + random() % 700, events);
    CHECK(all_finite(out[0]) && all_finite(out[1]));
    std::vector<MidiEvent> release;
    for (int channel = 0; channel < 16; ++channel) {
      release.push_back(controller(0, 64, 0, channel));
      for (int note = 0; note < 128; ++note) release.push_back(note_off(0, note, channel));
    }
    // Clips of at most 6000 frames, played four octaves down at the slowest pad and key.
    play(*generator, 1000, 500, release);
    generator->set_parameter(kOneShot, 1.0F);
    for (int second = 0; second < 40 && generator->parameter(kPlayingVoices) > 0; ++second) {
      play(*generator, 48000, 4096, {});
    }
    out = play(*generator, 4800, 512, {});
    CHECK_EQ(generator->parameter(kPlayingVoices), 0.0F);
    CHECK(peak(std::span(out[0]).last(2400)) == 0.0F);
  }
}

TEST("notes from the editor sound at the next block and a full queue says so") {
  auto generator = silent_generator(48000);
  const Samples clip = noise(500, 4);
  load(*generator, 0, clip, 48000);
  CHECK(generator->play_note(36, 127));
  CHECK(play(*generator, 500, 500, {})[0] == clip);
  CHECK(!generator->play_note(128, 1));
  int accepted = 0;
  while (accepted < 1000 && generator->play_note(36, 1)) ++accepted;
  CHECK_EQ(accepted, 128);
  play(*generator, 100, 100, {});
  CHECK(generator->play_note(36, 1));
  CHECK(generator->snapshot().pads[0].hits == 129);
}
