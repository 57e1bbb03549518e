#include "shim/wav.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <system_error>

namespace driftwave::shim {
namespace {

constexpr std::uint16_t kPcm = 1;
constexpr std::uint16_t kFloat = 3;
constexpr std::uint16_t kExtensible = 0xFFFE;

std::uint32_t read_u32(std::span<const std::uint8_t> bytes, std::size_t at) {
  return bytes[at] | static_cast<std::uint32_t>(bytes[at + 1]) << 8 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 3]) << 24;
}

std::uint16_t read_u16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}

void put_u32(std::vector<std::uint8_t>& to, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_u16(std::vector<std::uint8_t>& to, std::uint32_t value) {
  to.push_back(static_cast<std::uint8_t>(value));
  to.push_back(static_cast<std::uint8_t>(value >> 8));
}

void put_tag(std::vector<std::uint8_t>& to, const char (&tag)[5]) {
  to.insert(to.end(), tag, tag + 4);
}

struct Format {
  std::uint16_t kind = 0;
  std::uint16_t channels = 0;
  std::uint32_t rate_hz = 0;
  std::uint16_t bits = 0;
};

float read_sample(std::span<const std::uint8_t> bytes, std::size_t at, const Format& format) {
  if (format.kind == kFloat) return std::bit_cast<float>(read_u32(bytes, at));
  if (format.bits == 8) return (static_cast<float>(bytes[at]) - 128.0F) / 128.0F;
  if (format.bits == 16) {
    return static_cast<float>(static_cast<std::int16_t>(read_u16(bytes, at))) / 32768.0F;
  }
  if (format.bits == 24) {
    const std::uint32_t raw = static_cast<std::uint32_t>(bytes[at]) << 8 |
                              static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
                              static_cast<std::uint32_t>(bytes[at + 2]) << 24;
    const std::int32_t sample = static_cast<std::int32_t>(raw) >> 8;
    return static_cast<float>(sample) / kGrid;
  }
  return static_cast<float>(static_cast<double>(static_cast<std::int32_t>(read_u32(bytes, at))) /
                            2147483648.0);
}

}  // namespace

bool read_wav(std::span<const std::uint8_t> bytes, AudioFile& file, std::string& message) {
  const auto tag_at = [&](std::size_t at, const char* tag) {
    return std::memcmp(bytes.data() + at, tag, 4) == 0;
  };
  if (bytes.size() < 12 || !tag_at(0, "RIFF") || !tag_at(8, "WAVE")) {
    message = "This is no WAV file. Convert it to WAV or FLAC first.";
    return false;
  }
  Format format;
  std::span<const std::uint8_t> data;
  for (std::size_t at = 12; at + 8 <= bytes.size();) {
    const std::size_t start = at + 8;
    const std::size_t size = std::min<std::size_t>(read_u32(bytes, at + 4), bytes.size() - start);
    if (tag_at(at, "fmt ") && size >= 16) {
      format.kind = read_u16(bytes, start);
      format.channels = read_u16(bytes, start + 2);
      format.rate_hz = read_u32(bytes, start + 4);
      format.bits = read_u16(bytes, start + 14);
      if (format.kind == kExtensible && size >= 26) format.kind = read_u16(bytes, start + 24);
    } else if (tag_at(at, "data")) {
      data = bytes.subspan(start, size);
    }
    at = start + size + size % 2;
  }
  const bool known =
      (format.kind == kPcm && format.bits >= 8 && format.bits <= 32 && format.bits % 8 == 0) ||
      (format.kind == kFloat && format.bits == 32);
  if (!known || format.channels < 1 || format.channels > 2) {
    message =
        "WAV files must be mono or stereo, PCM of 8, 16, 24 or 32 bit or 32-bit float; this one "
        "has " +
        std::to_string(format.channels) + " channels of " + std::to_string(format.bits) +
        " bit in format " + std::to_string(format.kind) + ".";
    return false;
  }
  const std::size_t sample_bytes = format.bits / 8;
  const std::size_t frames = data.size() / (sample_bytes * format.channels);
  if (!is_short_enough(frames, format.rate_hz, message)) return false;
  file.sample_rate_hz = format.rate_hz;
  file.channels.assign(format.channels, std::vector<float>(frames));
  for (std::size_t i = 0; i < frames; ++i) {
    for (std::size_t c = 0; c < format.channels; ++c) {
      file.channels[c][i] = read_sample(data, (i * format.channels + c) * sample_bytes, format);
    }
  }
  return true;
}

bool write_wav(const ClipData& clip, const std::filesystem::path& path, std::string& message) {
  const std::uint32_t frame_bytes = clip.channels() * 3;
  const std::uint32_t data_bytes = clip.frames() * frame_bytes;
  const auto rate = static_cast<std::uint32_t>(std::lround(clip.sample_rate_hz()));
  std::vector<std::uint8_t> out;
  out.reserve(44 + std::size_t{data_bytes});
  put_tag(out, "RIFF");
  put_u32(out, 36 + data_bytes + data_bytes % 2);
  put_tag(out, "WAVE");
  put_tag(out, "fmt ");
  put_u32(out, 16);
  put_u16(out, kPcm);
  put_u16(out, clip.channels());
  put_u32(out, rate);
  put_u32(out, rate * frame_bytes);
  put_u16(out, frame_bytes);
  put_u16(out, 24);
  put_tag(out, "data");
  put_u32(out, data_bytes);
  for (std::uint32_t i = 0; i < clip.frames(); ++i) {
    for (std::uint32_t c = 0; c < clip.channels(); ++c) {
      const auto sample = static_cast<std::int32_t>(clip.channel(c)[i] * kGrid);
      const auto raw = static_cast<std::uint32_t>(sample);
      for (int shift = 0; shift < 24; shift += 8)
        out.push_back(static_cast<std::uint8_t>(raw >> shift));
    }
  }
  if (data_bytes % 2 != 0) out.push_back(0);

  std::filesystem::path part = path;
  part += ".part";
  std::error_code error;
  {
    std::ofstream stream(part, std::ios::binary | std::ios::trunc);
    stream.write(reinterpret_cast<const char*>(out.data()),
                 static_cast<std::streamsize>(out.size()));
    stream.close();
    if (stream.fail()) {
      std::filesystem::remove(part, error);
      message = "Could not write " + path.string() + ". Check the folder and the free space.";
      return false;
    }
  }
  std::filesystem::rename(part, path, error);
  if (error) {
    message = "Could not write " + path.string() + ": " + error.message() + ".";
    std::filesystem::remove(part, error);
    return false;
  }
  return true;
}

}  // namespace driftwave::shim
