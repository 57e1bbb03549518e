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

// Outputs follow the inputs of the first version.
enum OutputIndex : std::uint32_t {
  kEngineStatus = kFirstPadParameter + kPadCount * kPadParameterCount,
  kProgress,
  kXruns,
  kPlayingVoices,
};

// Inputs that came later.
enum LaterIndex : std::uint32_t {
  kInterpolate = kPlayingVoices + 1,
  kPick1,
  kPick2,
  kPick3,
  kPick4,
  kCompare,
  kUndo,
  kRedo,
  kVariations,
  kPartner,
  kFirstLoopParameter,
};

// Offsets inside a pad's group of two.
enum LoopParameter : std::uint32_t { kPadLoop = 0, kPadBars };
inline constexpr std::uint32_t kLoopParameterCount = 2;
inline constexpr std::uint32_t kParameterCount =
    kFirstLoopParameter + kPadCount * kLoopParameterCount;

// Index of one pad's parameter; `pad` counts from 0. [any]
constexpr std::uint32_t pad_parameter(std::uint32_t pad, PadParameter which) noexcept {
  return kFirstPadParameter + pad * kPadParameterCount + static_cast<std::uint32_t>(which);
}
constexpr std::uint32_t pad_parameter(std::uint32_t pad, LoopParameter which) noexcept {
  return kFirstLoopParameter + pad * kLoopParameterCount + static_cast<std::uint32_t>(which);
}

// The pad a parameter belongs to, or kPadCount. [any]
constexpr std::uint32_t pad_of(std::uint32_t index) noexcept {
  if (index >= kFirstPadParameter && index < kEngineStatus) {
    return (index - kFirstPadParameter) / kPadParameterCount;
  }
  if (index >= kFirstLoopParameter && index < kParameterCount) {
    return (index - kFirstLoopParameter) / kLoopParameterCount;
  }
  return kPadCount;
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

constexpr Parameter make_loop(std::uint32_t pad, LoopParameter which) {
  constexpr std::uint32_t kWhole = kAutomatable | kInteger;
  Parameter p = which == kPadLoop
                    ? make(0, "", "", "", 0, 1, 0, 1, kWhole | kBoolean,
                           "Loop the pad's sound in time with the host's transport")
                    : make(0, "", "", "bars", 0, 16, 0, 1, kWhole,
                           "Length of the next sound at the host's tempo; 0 = as Seconds says");
  // The words around the number are those of the pad's other parameters.
  const Parameter named = make_pad(pad, kPadGain);
  std::string_view symbol(named.symbol.data());
  std::string_view name(named.name.data());
  p.index = pad_parameter(pad, which);
  append(p.symbol, symbol.substr(0, symbol.rfind('_')));
  append(p.symbol, which == kPadLoop ? "_loop" : "_bars");
  append(p.name, name.substr(0, name.rfind(' ')));
  append(p.name, which == kPadLoop ? " Loop" : " Bars");
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
  t[kInterpolate] = make(kInterpolate, "interpolate", "Interpolate", "", 0, 1, 0, 1, kPush,
                         "Make sounds between the selected pad's and the partner pad's");
  constexpr const char* kPick = "Choose this variation of the selected pad";
  t[kPick1] = make(kPick1, "pick_1", "Pick 1", "", 0, 1, 0, 1, kPush, kPick);
  t[kPick2] = make(kPick2, "pick_2", "Pick 2", "", 0, 1, 0, 1, kPush, kPick);
  t[kPick3] = make(kPick3, "pick_3", "Pick 3", "", 0, 1, 0, 1, kPush, kPick);
  t[kPick4] = make(kPick4, "pick_4", "Pick 4", "", 0, 1, 0, 1, kPush, kPick);
  t[kCompare] = make(kCompare, "compare", "Compare A/B", "", 0, 1, 0, 1, kPush,
                     "Back to the sound the selected pad had before, and forth again");
  t[kUndo] = make(kUndo, "undo", "Undo", "", 0, 1, 0, 1, kPush,
                  "Undo the last change of the selected pad: sound, words, level or loop");
  t[kRedo] = make(kRedo, "redo", "Redo", "", 0, 1, 0, 1, kPush,
                  "Take back the last Undo of the selected pad");
  t[kVariations] = make(kVariations, "variations", "Variations", "", 1, 4, 4, 1, kWhole,
                        "Sounds made by one Generate, Vary or Interpolate");
  t[kPartner] = make(kPartner, "partner", "Interpolate With", "", 1, 16, 2, 1, kWhole,
                     "The pad at the far end of Interpolate");
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    for (const LoopParameter which : {kPadLoop, kPadBars}) {
      t[pad_parameter(pad, which)] = make_loop(pad, which);
    }
  }
  t[kPlayingVoices] = make(kPlayingVoices, "playing_voices", "Playing Voices", "", 0, 16, 0, 1,
                           kOutput | kInteger, "Voices sounding now");
  return t;
}

}  // namespace detail

inline constexpr std::array<Parameter, kParameterCount> kParameters = detail::make_table();

// What a project saves: inputs that are no triggers. [any]
constexpr bool is_saved(std::uint32_t index) noexcept {
  return index < kParameterCount && (kParameters[index].flags & (kTrigger | kOutput)) == 0;
}

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
