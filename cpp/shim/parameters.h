// The one table of the plugin's parameters: index, symbol, name, unit, range, default, step, flags.
//
// Indexes and symbols are fixed for ever: hosts save automation by them. The plugin wrappers,
// plugin_host, OSC and the page all read this table, the Python ones through bridge._native.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace driftwave::shim {

inline constexpr std::uint32_t kPadCount = 16;
inline constexpr std::uint32_t kFirstPadNote = 36;  // MIDI note of pad 1; pad 16 is note 51
inline constexpr std::uint32_t kRootNote = 60;      // plays the selected pad at its own pitch

enum ParameterFlags : std::uint32_t {
  kAutomatable = 1u << 0,
  kBoolean = 1u << 1,
  kInteger = 1u << 2,
  kTrigger = 1u << 3,   // acts when it rises above 0.5; never saved
  kOutput = 1u << 4,    // written by the plugin, read by the host
  kReserved = 1u << 5,  // keeps its index; wrappers need not show it
};

// Fixed character arrays so that the pads' symbols can be made at compile time.
struct Parameter {
  std::uint32_t index = 0;
  std::array<char, 24> symbol{};
  std::array<char, 32> name{};
  const char* unit = "";
  float minimum = 0.0f;
  float maximum = 1.0f;
  float default_value = 0.0f;
  float step = 0.0f;  // 0 = continuous
  std::uint32_t flags = 0;
  const char* hint = "";
};

// Global parameters.
enum ParameterIndex : std::uint32_t {
  kGenerate = 0,
  kVary,
  kCancel,
  kPad,
  kFresh,
  kSteps,
  kStrength,
  kBrightness,
  kDepth,
  kNoisiness,
  kAttack,
  kLength,
  kLoudness,
  kSeconds,
  kGain,
  kVelocity,
  kAttackTime,
  kReleaseTime,
  kOneShot,
  kMute,
  kFirstPadParameter = 20,
};

// Offsets inside a pad's group of five.
enum PadParameter : std::uint32_t { kPadGain = 0, kPadPan, kPadPitch, kPadChoke, kPadSeedLock };
inline constexpr std::uint32_t kPadParameterCount = 5;
inline constexpr std::uint32_t kInputCount = kFirstPadParameter + kPadCount * kPadParameterCount;

// Outputs follow the inputs.
enum OutputIndex : std::uint32_t {
  kEngineStatus = kInputCount,
  kProgress,
  kXruns,
  kPlayingVoices,
};
inline constexpr std::uint32_t kParameterCount = kInputCount + 4;

// Index of one pad's parameter; `pad` counts from 0. [any]
constexpr std::uint32_t pad_parameter(std::uint32_t pad, PadParameter which) noexcept {
  return kFirstPadParameter + pad * kPadParameterCount + static_cast<std::uint32_t>(which);
}

// Values of the output `engine_status`.
enum class EngineStatus : std::uint32_t { kOff = 0, kStarting, kReady, kBusy, kLost };

namespace detail {

template <std::size_t N>
constexpr void append(std::array<char, N>& out, std::string_view text) {
  std::size_t at = 0;
  while (at < N && out[at] != '\0') ++at;
  for (char c : text) out.at(at++) = c;  // too long a name fails to compile
  out.at(at) = '\0';
}

constexpr Parameter make(std::uint32_t index, std::string_view symbol, std::string_view name,
                         const char* unit, float minimum, float maximum, float default_value,
                         float step, std::uint32_t flags, const char* hint) {
  Parameter p;
  p.index = index;
  append(p.symbol, symbol);
  append(p.name, name);
  p.unit = unit;
  p.minimum = minimum;
  p.maximum = maximum;
  p.default_value = default_value;
  p.step = step;
  p.flags = flags;
  p.hint = hint;
  return p;
}

constexpr Parameter make_pad(std::uint32_t pad, PadParameter which) {
  const char number[3] = {static_cast<char>('0' + (pad + 1) / 10),
                          static_cast<char>('0' + (pad + 1) % 10), '\0'};
  constexpr std::uint32_t kSwitch = kAutomatable | kBoolean | kInteger;
  Parameter p = make(0, "", "", "dB", -60.0f, 12.0f, 0.0f, 0.0f, kAutomatable,
                     "Level of the pad; the lowest value is silence");
  std::string_view symbol = "_gain";
  std::string_view name = " Gain";
  if (which == kPadPan) {
    p = make(0, "", "", "", -1.0f, 1.0f, 0.0f, 0.0f, kAutomatable,
             "Place from left (-1) to right (1), equal power, 0 dB in the middle");
    symbol = "_pan";
    name = " Pan";
  } else if (which == kPadPitch) {
    p = make(0, "", "", "semitones", -24.0f, 24.0f, 0.0f, 0.0f, kAutomatable,
             "Pitch of the pad; 0 plays the clip exactly as generated");
    symbol = "_pitch";
    name = " Pitch";
  } else if (which == kPadChoke) {
    p = make(0, "", "", "", 0.0f, 4.0f, 0.0f, 1.0f, kAutomatable | kInteger,
             "Choke group: a hit silences the others of its group; 0 = none");
    symbol = "_choke";
    name = " Choke";
  } else if (which == kPadSeedLock) {
    p = make(0, "", "", "", 0.0f, 1.0f, 0.0f, 1.0f, kSwitch,
             "Generate again with the same seed instead of a new one");
    symbol = "_seed_lock";
    name = " Seed Lock";
  }
  p.index = pad_parameter(pad, which);
  append(p.symbol, "pad_");
  append(p.symbol, std::string_view(number, 2));
  append(p.symbol, symbol);
  append(p.name, "Pad ");
  append(p.name, pad + 1 < 10 ? std::string_view(number + 1, 1) : std::string_view(number, 2));
  append(p.name, name);
  return p;
}

constexpr std::array<Parameter, kParameterCount> make_table() {
  constexpr std::uint32_t kPush = kAutomatable | kBoolean | kInteger | kTrigger;
  constexpr std::uint32_t kSwitch = kAutomatable | kBoolean | kInteger;
  constexpr std::uint32_t kWhole = kAutomatable | kInteger;
  constexpr std::uint32_t kKnob = kAutomatable;
  constexpr const char* kBias = "Bias against what the prompt says; 0 = as the prompt says";
  std::array<Parameter, kParameterCount> t{};
  t[kGenerate] = make(kGenerate, "generate", "Generate", "", 0, 1, 0, 1, kPush,
                      "Generate a new sound on the selected pad");
  t[kVary] = make(kVary, "vary", "Vary", "", 0, 1, 0, 1, kPush,
                  "Make a variation of the selected pad's sound");
  t[kCancel] = make(kCancel, "cancel", "Cancel", "", 0, 1, 0, 1, kPush,
                    "Cancel what is being generated for this plugin");
  t[kPad] = make(kPad, "pad", "Pad", "", 1, 16, 1, 1, kWhole,
                 "The pad that Generate, Vary and the keys outside 36-51 act on");
  t[kFresh] = make(kFresh, "fresh", "Fresh Hit", "", 0, 1, 0, 1, kSwitch,
                   "Every hit plays a new variation, made ahead of time");
  t[kSteps] = make(kSteps, "steps", "Steps", "", 1, 8, 4, 1, kWhole,
                   "Sampler steps: fewer is faster, more is finer");
  t[kStrength] = make(kStrength, "strength", "Vary Strength", "", 0, 1, 0.5f, 0, kKnob,
                      "How far a variation goes from its source");
  t[kBrightness] = make(kBrightness, "brightness", "Brightness", "", -1, 1, 0, 0, kKnob, kBias);
  t[kDepth] = make(kDepth, "depth", "Depth", "", -1, 1, 0, 0, kKnob, kBias);
  t[kNoisiness] = make(kNoisiness, "noisiness", "Noisiness", "", -1, 1, 0, 0, kKnob, kBias);
  t[kAttack] = make(kAttack, "attack", "Attack", "", -1, 1, 0, 0, kKnob, kBias);
  t[kLength] = make(kLength, "length", "Length", "", -1, 1, 0, 0, kKnob, kBias);
  t[kLoudness] = make(kLoudness, "loudness", "Loudness", "", -1, 1, 0, 0, kKnob, kBias);
  t[kSeconds] = make(kSeconds, "seconds", "Seconds", "s", 0.1f, 12, 1, 0, kKnob,
                     "Length of the clip to generate");
  t[kGain] = make(kGain, "gain", "Gain", "dB", -60, 12, 0, 0, kKnob,
                  "Level of the whole instrument; the lowest value is silence");
  t[kVelocity] = make(kVelocity, "velocity", "Velocity", "", 0, 1, 1, 0, kKnob,
                      "How much velocity changes the level; 0 = every hit at full level");
  t[kAttackTime] = make(kAttackTime, "attack_time", "Attack Time", "ms", 0, 100, 0.5f, 0, kKnob,
                        "Fade-in of every hit");
  t[kReleaseTime] = make(kReleaseTime, "release_time", "Release Time", "ms", 1, 5000, 30, 0, kKnob,
                         "Fade-out after a key is released");
  t[kOneShot] = make(kOneShot, "one_shot", "One Shot", "", 0, 1, 1, 1, kSwitch,
                     "Pads play to their end; off: they stop when the key is released");
  t[kMute] = make(kMute, "mute", "Mute", "", 0, 1, 0, 1, kSwitch | kReserved,
                  "Silences the instrument with a short fade");
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    for (std::uint32_t which = 0; which < kPadParameterCount; ++which) {
      const auto kind = static_cast<PadParameter>(which);
      t[pad_parameter(pad, kind)] = make_pad(pad, kind);
    }
  }
  t[kEngineStatus] = make(kEngineStatus, "engine_status", "Engine Status", "", 0, 4, 0, 1,
                          kOutput | kInteger, "0 off, 1 starting, 2 ready, 3 busy, 4 lost");
  t[kProgress] = make(kProgress, "progress", "Progress", "", 0, 1, 0, 0, kOutput,
                      "How far the present generation has come");
  t[kXruns] = make(kXruns, "xruns", "Late Variations", "", 0, 16777216, 0, 1, kOutput | kInteger,
                   "Fresh hits that found no new variation ready and played the last one");
  t[kPlayingVoices] = make(kPlayingVoices, "playing_voices", "Playing Voices", "", 0, 16, 0, 1,
                           kOutput | kInteger, "Voices sounding now");
  return t;
}

}  // namespace detail

inline constexpr std::array<Parameter, kParameterCount> kParameters = detail::make_table();

// Clamps to the parameter's range, rounds to its step; not-a-number gives the default. [any]
constexpr float clean_value(std::uint32_t index, float value) noexcept {
  const Parameter& p = kParameters[index];
  if (!(value == value)) return p.default_value;
  if (value <= p.minimum) return p.minimum;
  if (value >= p.maximum) return p.maximum;
  if ((p.flags & kInteger) == 0) return value;
  const float whole = static_cast<float>(static_cast<int>(value - p.minimum + 0.5f));
  return p.minimum + whole;
}

}  // namespace driftwave::shim
