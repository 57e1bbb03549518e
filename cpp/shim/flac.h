// Clips to FLAC and back: 24 bit, so that nothing is lost.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "shim/clip_data.h"

namespace driftwave::shim {

using Bytes = std::shared_ptr<const std::vector<std::uint8_t>>;

/// [link] [ui] The whole clip as one FLAC stream; the same clip gives the same bytes. Null and a
/// message when the encoder fails.
Bytes encode_flac(const ClipData& clip, std::string& message);

/// [link] [ui] Null and a message for what is not FLAC, is damaged, has more than 2 channels, or
/// decodes to more than `max_frames` frames. Up to 24 bit a sample come back exactly.
std::shared_ptr<const ClipData> decode_flac(std::span<const std::uint8_t> bytes,
                                            std::uint64_t max_frames, std::string& message);

}  // namespace driftwave::shim
