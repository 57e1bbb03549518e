// Loops in time with the host: exact to the sample at any block size, through start, stop, jumps
// and new tempos.
#include <functional>

#include "shim_support.h"

using namespace driftwave::shim;
using namespace driftwave::shim::testing;

namespace {

constexpr double kRate = 48000.0;
constexpr double kBpm = 240.0;  // a quarter note is 12000 frames
constexpr std::size_t kQuarter = 12000;
constexpr std::size_t kFade = 240;  // 5 ms
constexpr std::uint32_t kBlocks[] = {1, 16, 64, 511, 512, 4096, 8193};

// The song at a frame: what a host that counts exactly would say.
Transport song(std::size_t frame, double bpm = kBpm, double rate = kRate) {
  Transport transport;
  transport.playing = true;
  transport.tempo_valid = true;
  transport.bpm = bpm;
  transport.bar_quarters = 1.0;
  transport.beat = static_cast<double>(frame) * bpm / (60.0 * rate);
  return transport;
}

using Song = std::function<Transport(std::size_t frame)>;

Samples listen(Generator& generator, std::size_t frames, std::size_t block, const Song& at) {
  Stereo out = {Samples(frames, 99.0F), Samples(frames, 99.0F)};
  for (std::size_t from = 0; from < frames; from += block) {
    const auto count = static_cast<std::uint32_t>(std::min(block, frames - from));
    float* const outputs[2] = {out[0].data() + from, out[1].data() + from};
    generator.process(outputs, count, {}, at(from));
  }
  return out[0];
}

// Pad 1 loops `clip` as one bar.
std::unique_ptr<Generator> looping(const Samples& clip, double rate = kRate) {
  auto generator = silent_generator(rate);
  load(*generator, 0, clip, rate);
  generator->set_parameter(pad_parameter(0, kPadLoop), 1.0F);
  generator->set_parameter(pad_parameter(0, kPadBars), 1.0F);
  return generator;
}

Samples cycle(std::size_t frames, double periods, float level = 0.5F) {
  Samples samples(frames);
  for (std::size_t i = 0; i < frames; ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(frames);
    samples[i] = level * static_cast<float>(std::sin(2.0 * std::numbers::pi * periods * part));
  }
  return samples;
}

// Greatest distance of `heard` from a cycle whose bar lasts `bar` frames, from its frame `from` on.
double distance(const Samples& heard, std::size_t from, double bar, double periods,
                double start = 0.0) {
  double worst = 0.0;
  for (std::size_t i = from; i < heard.size(); ++i) {
    const double part = (static_cast<double>(i) + start) / bar;
    const double wanted = 0.5 * std::sin(2.0 * std::numbers::pi * periods * part);
    worst = std::max(worst, std::fabs(wanted - heard[i]));
  }
  return worst;
}

}  // namespace

TEST("a loop of the host's tempo is heard sample by sample, round after round, at any block size") {
  const Samples clip = noise(kQuarter, 1);
  for (const std::uint32_t block : kBlocks) {
    const auto generator = looping(clip);
    const std::size_t frames = block == 1 ? kQuarter + 500 : 3 * kQuarter + 777;
    const Samples heard = listen(*generator, frames, block, [](auto f) { return song(f); });
    bool same = true;
    for (std::size_t i = 0; i < frames; ++i) same = same && heard[i] == clip[i % kQuarter];
    CHECK(same);
  }
}

TEST("a bar that is no whole number of frames never drifts and does not depend on the blocks") {
  constexpr double kOddBpm = 617.0;
  constexpr double kOddRate = 44100.0;
  const double bar = kOddRate * 60.0 / kOddBpm;  // 4288.49
  const Samples clip = cycle(static_cast<std::size_t>(std::lround(bar)), 8.0);
  Samples first;
  for (const std::uint32_t block : {64U, 511U, 8193U, 1U}) {
    const auto generator = looping(clip, kOddRate);
    const std::size_t frames = block == 1 ? 9000 : static_cast<std::size_t>(bar * 120);
    const Samples heard =
        listen(*generator, frames, block, [](auto f) { return song(f, kOddBpm, kOddRate); });
    if (first.empty()) first = heard;
    CHECK(std::equal(heard.begin(), heard.end(), first.begin()));
    CHECK(distance(heard, 100, bar, 8.0) < 2.0e-4);
  }
}

TEST("a clip of another rate and length fills its bar") {
  const Samples clip = cycle(5000, 4.0);
  const auto generator = silent_generator(kRate);
  load(*generator, 0, clip, 22050);
  generator->set_parameter(pad_parameter(0, kPadLoop), 1.0F);
  generator->set_parameter(pad_parameter(0, kPadBars), 2.0F);
  const Samples heard = listen(*generator, 6 * kQuarter, 300, [](auto f) { return song(f); });
  CHECK(distance(heard, 200, 2.0 * kQuarter, 4.0) < 1.0e-3);
}

TEST("a stopped host is silent; the loop joins the song wherever it is started") {
  const Samples clip = noise(kQuarter, 2);
  const auto generator = looping(clip);
  Transport still = song(0);
  still.playing = false;
  CHECK(peak(listen(*generator, 2000, 100, [&](auto) { return still; })) == 0.0F);
  const std::size_t start = 5 * kQuarter + 4321;
  Samples heard = listen(*generator, 2 * kQuarter, 100, [&](auto f) { return song(start + f); });
  bool same = true;
  for (std::size_t i = kFade; i < heard.size(); ++i) {
    same = same && heard[i] == clip[(start + i) % kQuarter];
  }
  CHECK(same);
  heard = listen(*generator, 2000, 100, [&](auto) { return still; });
  CHECK(peak(heard) > 0.0F);  // fades
  CHECK(peak(std::span(heard).subspan(kFade)) == 0.0F);
}

TEST("starting, stopping and jumping do not click") {
  const Samples clip = cycle(kQuarter, 30.0, 0.5F);
  const auto generator = looping(clip);
  const float slope = 0.5F * 30.0F * 6.2832F / static_cast<float>(kQuarter);
  const Samples heard = listen(*generator, 40000, 200, [](auto f) {
    Transport now = song(f + 3100 + f / 4000 * 7777);  // jumps every 4000 frames
    now.playing = f / 10000 % 2 == 0;
    return now;
  });
  CHECK(steepest(heard) < 2.0F * slope + 0.5F / static_cast<float>(kFade) * 2.0F);
  CHECK(peak(heard) > 0.4F);
}

TEST("a jump goes to the new place; a jump by whole bars is not heard") {
  const Samples clip = noise(kQuarter, 3);
  const auto generator = looping(clip);
  Samples heard = listen(*generator, 4 * kQuarter, 500,
                         [](auto f) { return song(f < 9000 ? f : f + 7 * kQuarter); });
  bool same = true;
  for (std::size_t i = 0; i < heard.size(); ++i) same = same && heard[i] == clip[i % kQuarter];
  CHECK(same);
  heard = listen(*generator, kQuarter, 500, [](auto f) { return song(f + 5555); });
  same = true;
  for (std::size_t i = kFade; i < heard.size(); ++i) {
    same = same && heard[i] == clip[(i + 5555) % kQuarter];
  }
  CHECK(same);
}

TEST("a new tempo is followed at once, without a click, and in time") {
  const Samples clip = cycle(kQuarter, 8.0);
  const auto generator = looping(clip);
  const double change = 2.0 * kQuarter;  // where the tempo becomes 300
  const double faster = kRate * 60.0 / 300.0;
  const Samples heard = listen(*generator, 5 * kQuarter, 500, [&](auto f) {
    Transport now = song(f);
    if (static_cast<double>(f) < change) return now;
    now.bpm = 300.0;
    now.beat = 2.0 + (static_cast<double>(f) - change) / faster;
    return now;
  });
  CHECK(steepest(heard) < 0.5F * 8.0F * 6.2832F / static_cast<float>(faster) * 1.05F);
  const Samples after(heard.begin() + static_cast<std::ptrdiff_t>(change), heard.end());
  CHECK(distance(after, 500, faster, 8.0) < 1.0e-3);
}

TEST("a tempo that glides stays in time within a millisecond") {
  const Samples clip = cycle(kQuarter, 1.0);
  const auto generator = looping(clip);
  double beat = 0.0;
  double bpm = 120.0;
  double worst = 0.0;
  Stereo out = {Samples(512), Samples(512)};
  float* const outputs[2] = {out[0].data(), out[1].data()};
  for (int block = 0; block < 800; ++block) {
    Transport now = song(0);
    now.bpm = bpm;
    now.beat = beat;
    generator->process(outputs, 512, {}, now);
    const double place = generator->snapshot().pads[0].loop_position;
    const double next = bpm + 0.05;
    beat += 512.0 / kRate * (bpm + next) / 120.0;  // the host's tempo rises within the block
    bpm = next;
    const double error = place - (beat - std::floor(beat));
    worst = std::max(worst, std::fabs(error - std::round(error)) * 60.0 / bpm);
  }
  CHECK(worst < 0.001);
}

TEST("a host that tells the beat in ticks and the frame exactly is followed exactly") {
  const Samples clip = noise(kQuarter, 4);
  const auto generator = looping(clip);
  const Samples heard = listen(*generator, 2 * kQuarter, 333, [](auto f) {
    Transport now = song(f + 1000);
    now.beat = std::floor(now.beat * 960.0) / 960.0;
    now.frame_valid = true;
    now.frame = static_cast<std::int64_t>(f + 1000);
    return now;
  });
  bool same = true;
  for (std::size_t i = kFade; i < heard.size(); ++i) {
    same = same && heard[i] == clip[(i + 1000) % kQuarter];
  }
  CHECK(same);
}

TEST("without a tempo a loop goes round at its own speed, by the song's frames") {
  const Samples clip = noise(7000, 5);
  const auto generator = looping(clip);
  const Samples heard = listen(*generator, 20000, 400, [](auto f) {
    Transport now;
    now.playing = true;
    now.frame_valid = true;
    now.frame = static_cast<std::int64_t>(f) + 7000;
    return now;
  });
  bool same = true;
  for (std::size_t i = 0; i < heard.size(); ++i) same = same && heard[i] == clip[i % 7000];
  CHECK(same);
}

TEST("another sound takes over in phase") {
  const Samples a = noise(kQuarter, 6);
  const Samples b = noise(kQuarter, 7);
  const auto generator = looping(a);
  listen(*generator, 5000, 500, [](auto f) { return song(f); });
  load(*generator, 0, b, kRate);
  Samples heard = listen(*generator, 8000, 500, [](auto f) { return song(f + 5000); });
  bool same = true;
  for (std::size_t i = kFade; i < heard.size(); ++i) {
    same = same && heard[i] == b[(i + 5000) % kQuarter];
  }
  CHECK(same);
  CHECK(generator->compare(0));
  heard = listen(*generator, 4000, 500, [](auto f) { return song(f + 13000); });
  same = true;
  for (std::size_t i = kFade; i < heard.size(); ++i) {
    same = same && heard[i] == a[(i + 13000) % kQuarter];
  }
  CHECK(same);
}

TEST("where the end does not meet the beginning the step is smoothed, elsewhere nothing changes") {
  Samples saw(kQuarter);
  for (std::size_t i = 0; i < kQuarter; ++i) {
    saw[i] = static_cast<float>(i) / static_cast<float>(kQuarter);
  }
  const auto generator = looping(saw);
  const Samples heard = listen(*generator, 3 * kQuarter, 512, [](auto f) { return song(f); });
  CHECK(steepest(heard) < 0.05F);
  for (std::size_t i = 0; i < heard.size(); ++i) {
    if (i < kQuarter || i % kQuarter > 200) {
      CHECK(std::fabs(heard[i] - saw[i % kQuarter]) < 1.0e-6F);
    }
  }
}

TEST("a pad's level and mute reach its loop, panic silences it, and it counts as playing") {
  const auto generator = looping(cycle(kQuarter, 8.0));
  auto next = [&, at = std::size_t{0}]() mutable {
    Samples heard = listen(*generator, 6000, 500, [&](auto f) { return song(at + f); });
    at += 6000;
    return peak(std::span(heard).last(3000));
  };
  CHECK(std::fabs(next() - 0.5F) < 0.01F);
  CHECK_EQ(generator->parameter(kPlayingVoices), 1.0F);
  generator->set_parameter(pad_parameter(0, kPadGain), -60.0F);
  CHECK(next() == 0.0F);
  generator->set_parameter(pad_parameter(0, kPadGain), 0.0F);
  CHECK(std::fabs(next() - 0.5F) < 0.01F);
  generator->panic();
  CHECK(next() == 0.0F);
  CHECK(next() == 0.0F);  // and it stays silent while the host goes on
  generator->set_parameter(pad_parameter(0, kPadLoop), 0.0F);
  CHECK(next() == 0.0F);
  generator->set_parameter(pad_parameter(0, kPadLoop), 1.0F);
  CHECK(std::fabs(next() - 0.5F) < 0.01F);
  generator->set_parameter(pad_parameter(0, kPadLoop), 0.0F);
  CHECK(next() == 0.0F);
  CHECK_EQ(generator->parameter(kPlayingVoices), 0.0F);
  generator->clear_clip(0);
  CHECK(next() == 0.0F);
}

TEST("no transport, however wrong, makes anything but finite sound") {
  const auto generator = looping(noise(3, 8));
  load(*generator, 1, noise(40000, 9), 192000);
  generator->set_parameter(pad_parameter(1, kPadLoop), 1.0F);
  std::mt19937 random(11);
  const double bad[] = {0.0,    -1.0,  1.0e300, -1.0e300, std::nan(""), HUGE_VAL,
                        1.0e-9, 120.0, 4.0,     999999.0, -0.5,         1.0e12};
  const auto any = [&] { return bad[random() % std::size(bad)]; };
  for (int round = 0; round < 3000; ++round) {
    Transport now;
    now.playing = random() % 8 != 0;
    now.tempo_valid = random() % 4 != 0;
    now.frame_valid = random() % 2 != 0;
    now.bpm = any();
    now.beat = any();
    now.bar_quarters = any();
    now.frame = static_cast<std::int64_t>(std::uint64_t{random()} * std::uint64_t{random()});
    const Samples heard = listen(*generator, 1 + random() % 600, 256, [&](auto) { return now; });
    CHECK(all_finite(heard));
  }
}
