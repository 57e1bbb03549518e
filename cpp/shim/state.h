// The saved state: one versioned, checksummed block of bytes.
//
// Layout, little-endian: "DRFTSTAT", u32 version, u32 CRC-32 of the payload, u64 payload length,
// payload. Payload: u32 count of parameters, each u32 index and f32 value; u32 count of pads, each
// its texts (u32 length and UTF-8), seed (i64), u8 "has a clip" and then the clip: texts, seed,
// index, rate, channels, frames, u8 imported, u64 length and a FLAC stream of 24 bit.
// A newer version may change all but the first 24 bytes; an older one must stay readable.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shim/pad.h"
#include "shim/parameters.h"

namespace driftwave::shim {

inline constexpr std::uint32_t kStateVersion = 1;
inline constexpr std::size_t kMaxStateBytes = std::size_t{256} << 20;
inline constexpr std::uint64_t kMaxDecodedBytes = std::uint64_t{512} << 20;  ///< of all clips

struct SavedPad {
  PadSettings settings;
  std::optional<PadClip> clip;
};

struct SavedState {
  std::array<float, kInputCount> values{};
  std::array<SavedPad, kPadCount> pads;
};

/// [ui] Equal states give equal bytes. Clips are written from their encoded bytes alone.
std::vector<std::uint8_t> write_state(const SavedState& state);

/// [ui] Nothing and a message for what is broken, too large or newer. Clips come back decoded,
/// without serial numbers.
std::optional<SavedState> read_state(std::span<const std::uint8_t> bytes, std::string& message);

}  // namespace driftwave::shim
