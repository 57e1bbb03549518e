// What the shim's tests share: clips with a known content, and playing events block by block.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "check.h"
#include "shim/generator.h"

namespace driftwave::shim::testing {

using Samples = std::vector<float>;
using Stereo = std::array<Samples, 2>;

/// Noise on the 24-bit grid that ends at zero, so that nothing fades behind it.
inline Samples noise(std::size_t frames, std::uint32_t seed, float level = 0.9F) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> any(-level, level);
  Samples samples(frames);
  for (float& s : samples) s = std::nearbyint(any(random) * 8388608.0F) / 8388608.0F;
  samples.back() = 0.0F;
  return samples;
}

/// A sine that begins and ends softly, so that only the player could make it click.
inline Samples soft_sine(std::size_t frames, double hz, double rate, float level = 0.5F) {
  Samples samples(frames);
  for (std::size_t i = 0; i < frames; ++i) {
    const double edge = std::min(
        {1.0, static_cast<double>(i) / 500.0, static_cast<double>(frames - 1 - i) / 500.0});
    const double angle = 2.0 * std::numbers::pi * hz * static_cast<double>(i) / rate;
    samples[i] = static_cast<float>(level * edge * std::sin(angle));
  }
  return samples;
}

inline MidiEvent note_on(std::uint32_t frame, int note, int velocity = 127, int channel = 0) {
  return {frame,
          {static_cast<std::uint8_t>(0x90 | channel), static_cast<std::uint8_t>(note),
           static_cast<std::uint8_t>(velocity)},
          3};
}
inline MidiEvent note_off(std::uint32_t frame, int note, int channel = 0) {
  return {
      frame, {static_cast<std::uint8_t>(0x80 | channel), static_cast<std::uint8_t>(note), 0}, 3};
}
inline MidiEvent controller(std::uint32_t frame, int number, int value, int channel = 0) {
  return {frame,
          {static_cast<std::uint8_t>(0xB0 | channel), static_cast<std::uint8_t>(number),
           static_cast<std::uint8_t>(value)},
          3};
}

/// Puts samples on a pad; fails the test when they are refused.
inline void load(Generator& generator, std::uint32_t pad, std::span<const Samples> channels,
                 double rate) {
  std::vector<std::span<const float>> spans(channels.begin(), channels.end());
  std::string message;
  CHECK(generator.set_clip(pad, spans, rate, "", message));
  CHECK_EQ(message, "");
}
inline void load(Generator& generator, std::uint32_t pad, const Samples& mono, double rate) {
  load(generator, pad, std::span(&mono, 1), rate);
}

/// A Generator without an engine, whose attack is off so that clips come out as they are.
inline std::unique_ptr<Generator> silent_generator(double rate, std::uint32_t block = 512) {
  auto generator = std::make_unique<Generator>(GeneratorOptions{.link = false});
  generator->prepare(rate, block);
  generator->set_parameter(kAttackTime, 0.0F);
  return generator;
}

/// Plays `frames` frames in blocks of `block`, events by absolute frame.
inline Stereo play(Generator& generator, std::size_t frames, std::size_t block,
                   const std::vector<MidiEvent>& events) {
  Stereo out = {Samples(frames, 99.0F), Samples(frames, 99.0F)};
  std::vector<MidiEvent> now;
  for (std::size_t at = 0; at < frames; at += block) {
    const auto count = static_cast<std::uint32_t>(std::min(block, frames - at));
    now.clear();
    for (MidiEvent event : events) {
      if (event.frame < at || event.frame >= at + count) continue;
      event.frame -= static_cast<std::uint32_t>(at);
      now.push_back(event);
    }
    float* const outputs[2] = {out[0].data() + at, out[1].data() + at};
    generator.process(outputs, count, now, Transport{});
  }
  return out;
}

inline float peak(std::span<const float> samples) {
  float value = 0.0F;
  for (float s : samples) value = std::max(value, std::fabs(s));
  return value;
}

/// Greatest step between two frames: what a click shows up in.
inline float steepest(std::span<const float> samples) {
  float value = 0.0F;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    value = std::max(value, std::fabs(samples[i] - samples[i - 1]));
  }
  return value;
}

inline bool all_finite(std::span<const float> samples) {
  return std::all_of(samples.begin(), samples.end(), [](float s) { return std::isfinite(s); });
}

/// Level of one frequency by a Blackman-windowed sum, as an amplitude.
inline double level_at(std::span<const float> samples, double hz, double rate) {
  double real = 0.0;
  double imaginary = 0.0;
  double weight = 0.0;
  const auto count = static_cast<double>(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double x = 2.0 * std::numbers::pi * static_cast<double>(i) / count;
    const double window = 0.42 - 0.5 * std::cos(x) + 0.08 * std::cos(2.0 * x);
    const double angle = 2.0 * std::numbers::pi * hz * static_cast<double>(i) / rate;
    real += window * samples[i] * std::cos(angle);
    imaginary += window * samples[i] * std::sin(angle);
    weight += window;
  }
  return 2.0 * std::hypot(real, imaginary) / weight;
}

}  // namespace driftwave::shim::testing
