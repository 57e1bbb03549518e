// Reading AIFF and AIFF-C files (PCM of 8 to 32 bit in either byte order, and 32-bit float).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "shim/audio_file.h"

namespace driftwave::shim {

/// [ui] False and a message for what is not such a file.
bool read_aiff(std::span<const std::uint8_t> bytes, AudioFile& file, std::string& message);

}  // namespace driftwave::shim
