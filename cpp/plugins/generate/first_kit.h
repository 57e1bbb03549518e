// The prompts of a new instance: a kit in the order of General MIDI's percussion keys.
#pragma once

#include <array>

#include "shim/parameters.h"

namespace driftwave {

/// Prompt of each pad, from note 36 on.
inline constexpr std::array<const char*, shim::kPadCount> kFirstKit = {
    "deep punchy kick", "short rimshot",     "tight snare",      "clap",
    "bright snare",     "low tom",           "short closed hat", "mid tom",
    "closed hat",       "short tom",         "open hat",         "high tom",
    "cowbell",          "long crash cymbal", "soft shaker",      "ride cymbal",
};

}  // namespace driftwave
