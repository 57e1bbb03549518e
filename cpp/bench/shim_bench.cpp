// Time of Generator::process() for one block; prints one JSON object a line, times in nanoseconds.
//
//   shim_bench [BLOCKS]     blocks measured for each case, 20000 unless told
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "shim/generator.h"

using namespace driftwave::shim;

namespace {

using Clock = std::chrono::steady_clock;

struct Case {
  std::uint32_t frames;
  std::uint32_t voices;
  double clip_rate_hz;  // other than the host's 48 kHz: every voice interpolates
};

std::vector<float> long_clip(double rate) {
  std::vector<float> samples(static_cast<std::size_t>(12.0 * rate));
  std::uint32_t state = 1;
  for (float& s : samples) {
    state = state * 1664525U + 1013904223U;
    s = static_cast<float>(static_cast<std::int32_t>(state) / 65536) / 65536.0F;
  }
  return samples;
}

void run(const Case& what, int blocks) {
  Generator generator(GeneratorOptions{.link = false});
  generator.prepare(48000, what.frames);
  const std::vector<float> samples = long_clip(what.clip_rate_hz);
  const std::span<const float> stereo[2] = {samples, samples};
  std::string message;
  if (!generator.set_clip(0, stereo, what.clip_rate_hz, "", message)) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::exit(1);
  }
  std::vector<float> left(what.frames);
  std::vector<float> right(what.frames);
  float* const outputs[2] = {left.data(), right.data()};
  const std::vector<MidiEvent> hits(what.voices, MidiEvent{0, {0x90, 36, 100}, 3});
  const int restart = static_cast<int>(10.0 * 48000.0 / what.frames);  // before the clip ends
  std::vector<double> times;
  times.reserve(static_cast<std::size_t>(blocks));
  for (int i = 0; i < blocks; ++i) {
    if (i % restart == 0) {
      generator.prepare(48000, what.frames);
      generator.process(outputs, what.frames, hits, Transport{});
      for (int warm = 0; warm < 20; ++warm) {
        generator.process(outputs, what.frames, {}, Transport{});
      }
    }
    const Clock::time_point start = Clock::now();
    generator.process(outputs, what.frames, {}, Transport{});
    times.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  std::printf(
      "{\"benchmark\": \"shim.process\", \"frames\": %u, \"voices\": %u, \"rate\": 48000, "
      "\"clip_rate\": %.0f, \"blocks\": %zu, \"p50_ns\": %.0f, \"p99_ns\": %.0f, "
      "\"max_ns\": %.0f}\n",
      what.frames, what.voices, what.clip_rate_hz, times.size(), at(0.5), at(0.99), at(1.0));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int blocks = argc > 1 ? std::max(1, std::atoi(argv[1])) : 20000;
  for (std::uint32_t frames : {64U, 256U, 1024U}) {
    run({frames, 0, 48000}, blocks);
    for (std::uint32_t voices : {1U, 16U}) {
      run({frames, voices, 48000}, blocks);
      run({frames, voices, 44100}, blocks);
    }
  }
}
