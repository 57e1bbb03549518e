// Reading and writing WAV files (RIFF WAVE; PCM of 8, 16, 24 or 32 bit and 32-bit float).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "shim/audio_file.h"
#include "shim/clip_data.h"

namespace driftwave::shim {

/// [ui] False and a message for what is not such a WAV.
bool read_wav(std::span<const std::uint8_t> bytes, AudioFile& file, std::string& message);

/// [ui] Writes 24-bit PCM, exactly the clip's samples. The file appears whole or not at all.
bool write_wav(const ClipData& clip, const std::filesystem::path& path, std::string& message);

}  // namespace driftwave::shim
