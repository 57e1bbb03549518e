// A parameter's value as text, and how a knob's turn maps to it.
#pragma once

#include <cstdint>
#include <string>

namespace driftwave::editor {

/// [ui] With its unit: "-6.0 dB", "+3.0 st", "50 %", "30 ms".
std::string value_text(std::uint32_t parameter, float value);

/// [ui] Place of the value on the knob, 0..1. Times are spread logarithmically.
float to_turn(std::uint32_t parameter, float value);
/// [ui] The value at a place 0..1 on the knob.
float from_turn(std::uint32_t parameter, float turn);
/// [ui] Where the knob's arc starts, 0..1: at the value 0 if the range holds it.
float turn_origin(std::uint32_t parameter);

}  // namespace driftwave::editor
