#include "editor/values.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "shim/parameters.h"

namespace driftwave::editor {

namespace {

using shim::kParameters;

bool is_logarithmic(std::uint32_t parameter) {
  return parameter == shim::kSeconds || parameter == shim::kReleaseTime;
}

bool is_percentage(std::uint32_t parameter) {
  return parameter == shim::kStrength || parameter == shim::kVelocity;
}

std::uint32_t pad_kind(std::uint32_t parameter) {
  if (parameter < shim::kFirstPadParameter || parameter >= shim::kEngineStatus)
    return shim::kPadParameterCount;
  return (parameter - shim::kFirstPadParameter) % shim::kPadParameterCount;
}

std::string formatted(const char* pattern, double value) {
  char text[48];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

}  // namespace

std::string value_text(std::uint32_t parameter, float value) {
  const shim::Parameter& entry = kParameters[parameter];
  const std::string_view unit = entry.unit;
  if (is_percentage(parameter)) return formatted("%.0f %%", value * 100.0);
  if (unit == "dB") {
    if (value <= entry.minimum) return "silent";
    return std::abs(value) < 0.05f ? "0.0 dB" : formatted("%+.1f dB", value);
  }
  if (unit == "semitones") {
    return std::abs(value) < 0.005f ? "0.00 st" : formatted("%+.2f st", value);
  }
  if (unit == "ms") return formatted(value < 10.0f ? "%.1f ms" : "%.0f ms", value);
  if (unit == "s") return formatted("%.2f s", value);
  if (pad_kind(parameter) == shim::kPadChoke)
    return value < 0.5f ? "none" : formatted("%.0f", value);
  if (pad_kind(parameter) == shim::kPadPan) {
    if (std::abs(value) < 0.005f) return "centre";
    return formatted(value < 0 ? "%.0f L" : "%.0f R", std::abs(value) * 100.0);
  }
  if (entry.flags & shim::kInteger) return formatted("%.0f", value);
  if (entry.minimum >= 0.0f || std::abs(value) < 0.005f) return formatted("%.2f", std::abs(value));
  return formatted("%+.2f", value);
}

float to_turn(std::uint32_t parameter, float value) {
  const shim::Parameter& entry = kParameters[parameter];
  if (is_logarithmic(parameter)) {
    return std::log(value / entry.minimum) / std::log(entry.maximum / entry.minimum);
  }
  return (value - entry.minimum) / (entry.maximum - entry.minimum);
}

float from_turn(std::uint32_t parameter, float turn) {
  const shim::Parameter& entry = kParameters[parameter];
  turn = std::clamp(turn, 0.0f, 1.0f);
  if (is_logarithmic(parameter)) {
    return entry.minimum * std::pow(entry.maximum / entry.minimum, turn);
  }
  return entry.minimum + turn * (entry.maximum - entry.minimum);
}

float turn_origin(std::uint32_t parameter) {
  const shim::Parameter& entry = kParameters[parameter];
  if (entry.minimum >= 0.0f) return 0.0f;
  return -entry.minimum / (entry.maximum - entry.minimum);
}

}  // namespace driftwave::editor
