// The saved state: one versioned, checksummed block of bytes.
//
// Layout, little-endian: "DRFTSTAT", u32 version, u32 CRC-32 of the payload, u64 payload length,
// payload. Payload: u32 count of parameters, each u32 index and f32 value; u32 count of pads, each
// u32 count of clips, the clips, u32 count of steps, u32 which of them is present, the steps.
// A clip: texts (u32 length and UTF-8), seed, index, rate, channels, frames, u8 imported, f64
// length in quarter notes, u64 length and a FLAC stream of 24 bit. A step of the pad's history: u8
// change, texts, seed (i64), f32 values, u32 count of variations, each the u32 number of a clip,
// u32 which of them is chosen. Version 1 had one clip a pad and no steps: texts, seed, u8 "has a
// clip", the clip without its quarter notes. A newer version may change all but the first 24 bytes;
// an older one must stay readable.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shim/history.h"
#include "shim/pad.h"
#include "shim/parameters.h"

namespace driftwave::shim {

inline constexpr std::uint32_t kStateVersion = 2;
inline constexpr std::size_t kMaxStateBytes = std::size_t{256} << 20;
inline constexpr std::uint64_t kMaxDecodedBytes = std::uint64_t{512} << 20;  ///< of all clips

/// What histories may take in a project beside the clips that sound, in encoded bytes.
inline constexpr std::size_t kMaxSavedHistoryBytes = std::size_t{8} << 20;

/// A step whose clips lie in its pad's table.
struct SavedStep {
  Step step;  ///< without variations
  std::vector<std::size_t> clips;
};

struct SavedPad {
  std::vector<PadClip> clips;
  std::vector<SavedStep> steps = std::vector<SavedStep>(1);
  std::size_t at = 0;
};

struct SavedState {
  std::array<float, kParameterCount> values{};
  std::array<SavedPad, kPadCount> pads;
};

/// [ui] What a project keeps of the pads: the clips that sound, then the other variations of the
/// present steps, then the steps before and after them, nearest first, as far as
/// kMaxSavedHistoryBytes reaches. What was kept once is kept again.
std::array<SavedPad, kPadCount> chosen_for_saving(
    const std::array<const History*, kPadCount>& histories);

/// [ui] Equal states give equal bytes. Clips are written from their encoded bytes alone.
std::vector<std::uint8_t> write_state(const SavedState& state);

/// [ui] Nothing and a message for what is broken, too large or newer. Clips come back decoded,
/// without serial numbers.
std::optional<SavedState> read_state(std::span<const std::uint8_t> bytes, std::string& message);

}  // namespace driftwave::shim
