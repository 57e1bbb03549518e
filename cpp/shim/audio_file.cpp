#include "shim/audio_file.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include "shim/aiff.h"
#include "shim/flac.h"
#include "shim/wav.h"

namespace driftwave::shim {
namespace {

constexpr std::uintmax_t kMaxImportBytes = std::uintmax_t{128} << 20;
constexpr std::uint64_t kMaxImportFrames = std::uint64_t{kMaxClipSeconds} * 192000;

std::optional<std::vector<std::uint8_t>> read_bytes(const std::filesystem::path& path,
                                                    std::string& message) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) {
    message = path.string() + " is a folder. Choose one WAV, AIFF or FLAC file in it.";
    return std::nullopt;
  }
  // A pipe or a device has no end.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    message = path.string() + " is no file. Choose a WAV, AIFF or FLAC file.";
    return std::nullopt;
  }
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error || bytes > kMaxImportBytes) {
    message = error ? "Could not read " + path.string() + ": " + error.message() + "."
                    : path.string() + " has more than 128 MB. Cut it first.";
    return std::nullopt;
  }
  std::vector<std::uint8_t> content(static_cast<std::size_t>(bytes));
  std::ifstream stream(path, std::ios::binary);
  stream.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(bytes));
  if (!stream) {
    message = "Could not read " + path.string() + ". Check that it may be read.";
    return std::nullopt;
  }
  return content;
}

bool read_flac(std::span<const std::uint8_t> bytes, AudioFile& file, std::string& message) {
  const auto clip = decode_flac(bytes, kMaxImportFrames, message);
  if (clip == nullptr) return false;
  for (std::uint32_t c = 0; c < clip->channels(); ++c) {
    file.channels.emplace_back(clip->channel(c), clip->channel(c) + clip->frames());
  }
  file.sample_rate_hz = clip->sample_rate_hz();
  return true;
}

bool read(const std::filesystem::path& path, AudioFile& file, std::string& message) {
  const auto bytes = read_bytes(path, message);
  if (!bytes) return false;
  const std::string_view start(reinterpret_cast<const char*>(bytes->data()),
                               std::min<std::size_t>(bytes->size(), 12));
  std::string why;
  bool good = false;
  if (start.substr(0, 4) == "fLaC") {
    good = read_flac(*bytes, file, why);
  } else if (start.substr(0, 4) == "FORM") {
    good = read_aiff(*bytes, file, why);
  } else if (start.substr(0, 4) == "RIFF") {
    good = read_wav(*bytes, file, why);
  } else {
    why = "It is no WAV, AIFF or FLAC file. Convert it to one of these first.";
  }
  if (good && (file.channels.empty() || file.channels[0].empty())) {
    why = "It holds no sound.";
    good = false;
  }
  if (!good) message = "Could not use " + path.filename().string() + ": " + why;
  return good;
}

}  // namespace

bool is_short_enough(std::size_t frames, double sample_rate_hz, std::string& message) {
  const double seconds = static_cast<double>(frames) / sample_rate_hz;
  if (seconds <= kMaxClipSeconds) return true;
  message = "It is " + std::to_string(static_cast<int>(seconds)) + " s long, at most " +
            std::to_string(kMaxClipSeconds) + " s fit on a pad. Cut it first.";
  return false;
}

bool read_audio_file(const std::filesystem::path& path, AudioFile& file, std::string& message) {
  try {
    return read(path, file, message);
  } catch (const std::bad_alloc&) {
    message = "Could not use " + path.filename().string() + ": out of memory.";
    return false;
  }
}

}  // namespace driftwave::shim
