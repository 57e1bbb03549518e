// Audio files of the user: WAV, AIFF and FLAC by their content, whatever they are called.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace driftwave::shim {

/// Mono or stereo samples read from a file, not yet a clip.
struct AudioFile {
  std::vector<std::vector<float>> channels;
  double sample_rate_hz = 0.0;
};

/// [any] Whether so many frames can become a clip; else a message.
bool is_short_enough(std::size_t frames, double sample_rate_hz, std::string& message);

/// [ui] Reads at most 128 MB. False and a message that says what the file is and what to do.
bool read_audio_file(const std::filesystem::path& path, AudioFile& file, std::string& message);

}  // namespace driftwave::shim
