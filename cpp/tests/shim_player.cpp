// What is played: bit-exact clips, exact onsets, velocity, pan, pitch, envelopes, pedals.
#include <memory>

#include "shim_support.h"

using namespace driftwave::shim;
using namespace driftwave::shim::testing;

namespace {

constexpr std::size_t kBlocks[] = {1,   2,   3,   7,   16,   63,   64,   65,   128,  255,
                                   256, 257, 441, 512, 1000, 1024, 2048, 4096, 8192, 8193};
constexpr double kRates[] = {44100, 48000, 88200, 96000, 176400, 192000};

}  // namespace

TEST("a hit at full velocity is the clip bit by bit, at every block size and frame") {
  const std::array<Samples, 2> clip = {noise(3000, 1), noise(3000, 2)};
  auto generator = silent_generator(44100);
  load(*generator, 0, clip, 44100);
  for (std::size_t block : kBlocks) {
    for (std::uint32_t onset : {0U, 1U, 63U, 255U, 256U, 1000U}) {
      generator->prepare(44100, 512);
      const Stereo out = play(*generator, 5000, block, {note_on(onset, 36)});
      for (std::size_t c = 0; c < 2; ++c) {
        CHECK_EQ(peak(std::span(out[c]).first(onset)), 0.0F);
        CHECK(std::equal(clip[c].begin(), clip[c].end(), out[c].begin() + onset));
      }
    }
  }
}

TEST("a mono clip comes out of both sides alike") {
  const Samples clip = noise(1000, 3);
  auto generator = silent_generator(48000);
  load(*generator, 2, clip, 48000);
  const Stereo out = play(*generator, 1000, 256, {note_on(0, 38)});
  CHECK(out[0] == clip);
  CHECK(out[1] == clip);
}

TEST("the output does not depend on the block size, whatever happens in it") {
  auto generator = silent_generator(48000);
  load(*generator, 0, std::array<Samples, 2>{soft_sine(9000, 300, 44100), noise(9000, 5, 0.3F)},
       44100);
  load(*generator, 1, soft_sine(7000, 900, 48000), 48000);
  generator->set_parameter(kAttackTime, 3.0F);
  generator->set_parameter(kOneShot, 0.0F);
  generator->set_parameter(pad_parameter(0, kPadPitch), 3.7F);
  generator->set_parameter(pad_parameter(1, kPadChoke), 1.0F);
  const std::vector<MidiEvent> events = {
      note_on(5, 36, 90),        note_on(700, 37, 50),   note_on(1500, 72, 80),
      note_off(1900, 36),        note_on(2600, 37, 127), note_off(3000, 72),
      controller(3500, 64, 127), note_on(3600, 43),      note_on(3601, 37, 20)};
  const Stereo reference = play(*generator, 9000, 9000, events);
  for (std::size_t block : kBlocks) {
    generator->prepare(48000, 512);
    const Stereo out = play(*generator, 9000, block, events);
    for (std::size_t c = 0; c < 2; ++c) {
      float worst = 0.0F;
      for (std::size_t i = 0; i < out[c].size(); ++i) {
        worst = std::max(worst, std::fabs(out[c][i] - reference[c][i]));
      }
      CHECK(worst <= 1.0e-6F);
    }
  }
}

TEST("at every host rate a tone keeps its pitch, its level and its cleanness") {
  for (double rate : kRates) {
    auto generator = silent_generator(rate);
    load(*generator, 0, soft_sine(44100, 1000, 44100), 44100);
    const auto frames = static_cast<std::size_t>(rate);
    const Stereo out = play(*generator, frames, 512, {note_on(0, 36)});
    const auto middle = std::span(out[0]).subspan(frames / 10, frames / 2);
    CHECK(std::fabs(level_at(middle, 1000, rate) - 0.5) < 0.0005);
    for (double spur : {3000.0, 7777.0, 15000.0, 21050.0}) {
      CHECK(level_at(middle, spur, rate) < 0.5e-4);  // -80 dB
    }
  }
}

TEST("the keys play the selected pad in semitones around note 60") {
  auto generator = silent_generator(44100);
  load(*generator, 4, soft_sine(44100, 500, 44100), 44100);
  generator->set_parameter(kPad, 5);
  const struct {
    int note;
    double hz;
  } keys[] = {{60, 500}, {72, 1000}, {48 + 24, 1000}, {67, 749.1535}, {53, 333.7099}};
  for (const auto& key : keys) {
    generator->prepare(44100, 512);
    const Stereo out = play(*generator, 15000, 500, {note_on(0, key.note)});
    const auto middle = std::span(out[0]).subspan(2000, 12000);
    CHECK(std::fabs(level_at(middle, key.hz, 44100) - 0.5) < 0.005);
  }
}

TEST("pitched up two octaves, what would fold back is removed") {
  auto generator = silent_generator(44100);
  load(*generator, 0, soft_sine(44100, 9000, 44100), 44100);  // 36 kHz afterwards: folds to 8.1 kHz
  generator->set_parameter(pad_parameter(0, kPadPitch), 24);
  const Stereo out = play(*generator, 10000, 512, {note_on(0, 36)});
  CHECK(level_at(std::span(out[0]).subspan(1000, 8000), 8100, 44100) < 0.5e-3);  // -60 dB
}

TEST("velocity lowers the level by its square, and not at all at sensitivity 0") {
  auto generator = silent_generator(44100);
  load(*generator, 0, Samples(2000, 0.5F), 44100);
  const auto level = [&](int velocity) {
    generator->prepare(44100, 512);
    return play(*generator, 500, 100, {note_on(0, 36, velocity)})[0][300];
  };
  float last = 0.0F;
  for (int velocity = 1; velocity <= 127; ++velocity) {
    const float now = level(velocity);
    CHECK(now > last);
    const float part = static_cast<float>(velocity) / 127.0F;
    CHECK(std::fabs(now - 0.5F * part * part) < 1.0e-6F);
    last = now;
  }
  generator->set_parameter(kVelocity, 0.0F);
  CHECK_EQ(level(1), 0.5F);
}

TEST("pan keeps the power and leaves the middle alone") {
  auto generator = silent_generator(44100);
  load(*generator, 0, Samples(2000, 0.25F), 44100);
  for (float pan = -1.0F; pan <= 1.0F; pan += 0.125F) {
    generator->set_parameter(pad_parameter(0, kPadPan), pan);
    generator->prepare(44100, 512);
    const Stereo out = play(*generator, 500, 100, {note_on(0, 36)});
    const double power = out[0][300] * out[0][300] + out[1][300] * out[1][300];
    CHECK(std::fabs(power - 2 * 0.25 * 0.25) < 1.0e-6);
    if (pan < 0.0F) CHECK(out[0][300] > out[1][300]);
    if (pan == 0.0F) CHECK_EQ(out[0][300], 0.25F);
    if (pan == 1.0F) CHECK(out[0][300] < 1.0e-6F);
  }
}

TEST("the attack rises in a line and then gives the clip exactly") {
  auto generator = silent_generator(48000);
  const Samples clip = noise(4000, 8);
  load(*generator, 0, clip, 48000);
  generator->set_parameter(kAttackTime, 10.0F);  // 480 frames
  const Stereo out = play(*generator, 4000, 64, {note_on(0, 36)});
  CHECK_EQ(out[0][0], 0.0F);
  CHECK(std::fabs(out[0][240] - clip[240] * 0.5F) < 1.0e-6F);
  CHECK(std::equal(clip.begin() + 480, clip.end(), out[0].begin() + 480));
}

TEST("one-shot pads ignore the key's release, gated pads and keys obey it") {
  auto generator = silent_generator(48000);
  const Samples clip(20000, 0.5F);
  load(*generator, 0, clip, 48000);
  generator->set_parameter(kReleaseTime, 10.0F);
  const std::vector<MidiEvent> pad = {note_on(0, 36), note_off(1000, 36)};
  CHECK(play(*generator, 10000, 512, pad)[0][9000] == 0.5F);
  generator->prepare(48000, 512);
  generator->set_parameter(kOneShot, 0.0F);
  const Stereo gated = play(*generator, 10000, 512, pad);
  CHECK_EQ(gated[0][999], 0.5F);
  CHECK_EQ(gated[0][1000 + 481], 0.0F);
  CHECK(steepest(std::span(gated[0]).subspan(10)) < 0.005F);
  generator->prepare(48000, 512);
  generator->set_parameter(kOneShot, 1.0F);
  const Stereo key = play(*generator, 10000, 512, {note_on(0, 60), note_off(1000, 60)});
  CHECK_EQ(key[0][1000 + 481], 0.0F);
}

TEST("the sustain pedal holds released keys until it rises") {
  auto generator = silent_generator(48000);
  load(*generator, 0, Samples(40000, 0.5F), 48000);
  generator->set_parameter(kReleaseTime, 5.0F);
  const Stereo out =
      play(*generator, 20000, 512,
           {controller(0, 64, 127), note_on(10, 60), note_off(1000, 60), controller(10000, 64, 0)});
  CHECK_EQ(out[0][9999], 0.5F);
  CHECK_EQ(out[0][10300], 0.0F);
  generator->prepare(48000, 512);
  const Stereo reset =
      play(*generator, 20000, 512,
           {controller(0, 64, 127), note_on(10, 60), note_off(1000, 60), controller(5000, 121, 0)});
  CHECK_EQ(reset[0][5300], 0.0F);
}

TEST("all sound off, all notes off and panic end everything softly") {
  for (int way = 0; way < 3; ++way) {
    auto generator = silent_generator(48000);
    generator->set_parameter(kReleaseTime, 5.0F);
    load(*generator, 0, Samples(40000, 0.5F), 48000);
    std::vector<MidiEvent> events = {note_on(0, 36), note_on(0, 60)};
    if (way < 2) events.push_back(controller(1000, way == 0 ? 120 : 123, 0));
    Stereo out = play(*generator, 2000, 500, events);
    if (way == 2) {
      generator->panic();
      out = play(*generator, 2000, 500, {});
      CHECK_EQ(out[0][0], 1.0F);
    }
    CHECK_EQ(out[0][1600], 0.0F);
    CHECK(steepest(std::span(out[0]).subspan(10)) < 0.01F);
    CHECK_EQ(generator->parameter(kPlayingVoices), 0.0F);
  }
}

TEST("pitch bend reaches two semitones") {
  auto generator = silent_generator(44100);
  load(*generator, 0, soft_sine(44100, 1000, 44100), 44100);
  const MidiEvent bend{0, {0xE0, 0x7F, 0x7F}, 3};
  const Stereo out = play(*generator, 15000, 512, {bend, note_on(0, 60)});
  CHECK(level_at(std::span(out[0]).subspan(2000, 12000), 1122.3, 44100) > 0.49);
}

TEST("faders at their lowest place are silent, and moving one makes no click") {
  auto generator = silent_generator(48000);
  load(*generator, 0, Samples(48000, 0.5F), 48000);
  Stereo out = play(*generator, 1000, 100, {note_on(0, 36)});
  generator->set_parameter(kGain, -60.0F);
  out = play(*generator, 1000, 100, {});
  CHECK_EQ(out[0][0], 0.5F);
  CHECK(steepest(out[0]) < 0.003F);
  CHECK_EQ(out[0][999], 0.0F);
  generator->set_parameter(kGain, 6.0F);
  generator->set_parameter(kMute, 1.0F);
  CHECK_EQ(peak(play(*generator, 1000, 1, {})[0]), 0.0F);
  generator->set_parameter(kMute, 0.0F);
  out = play(*generator, 1000, 1, {});
  CHECK(steepest(out[0]) < 0.005F);
  CHECK(std::fabs(out[0][999] - 0.5F * 1.9953F) < 0.001F);
}

TEST("a clip that ends away from zero fades behind its last sample") {
  auto generator = silent_generator(48000);
  const Samples clip(1000, 0.5F);
  load(*generator, 0, clip, 48000);
  const Stereo out = play(*generator, 3000, 64, {note_on(0, 36)});
  CHECK(std::equal(clip.begin(), clip.end(), out[0].begin()));
  CHECK(steepest(std::span(out[0]).subspan(1)) < 0.02F);
  CHECK_EQ(out[0][2999], 0.0F);
}

TEST("nonsense in, silence out: not-a-number, infinities, odd rates and empty events") {
  auto generator = silent_generator(48000);
  Samples clip = noise(1000, 9);
  clip[10] = NAN;
  clip[20] = INFINITY;
  clip[30] = -INFINITY;
  load(*generator, 0, clip, 48000);
  for (std::uint32_t i = 0; i < kParameterCount + 5; ++i) {
    generator->set_parameter(i, NAN);
    CHECK(std::isfinite(generator->parameter(i)));
  }
  generator->set_parameter(kAttackTime, 0.0F);
  const Stereo out = play(*generator, 1000, 100, {note_on(0, 36), MidiEvent{}, {5, {0x90}, 1}});
  CHECK(all_finite(out[0]));
  CHECK_EQ(out[0][10], 0.0F);
  CHECK_EQ(out[0][11], clip[11]);
  for (double rate : {double{NAN}, 0.0, -1.0, 1.0e9, double{INFINITY}}) {
    generator->prepare(rate, 0);
    CHECK(all_finite(play(*generator, 1000, 100, {note_on(0, 36)})[0]));
  }
  float* const nothing[2] = {nullptr, nullptr};
  const MidiEvent event = note_on(7, 36);
  generator->process(nothing, 0, std::span(&event, 1), Transport{});
}
