#include "shim/aiff.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>

namespace driftwave::shim {
namespace {

std::uint32_t read_u32(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 |
         static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

std::uint16_t read_u16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// An 80-bit number of the 68881: sign and exponent, then a mantissa with its leading 1.
double read_extended(std::span<const std::uint8_t> bytes, std::size_t at) {
  const int exponent = (read_u16(bytes, at) & 0x7FFF) - 16383 - 63;
  const double mantissa = static_cast<double>(read_u32(bytes, at + 2)) * 4294967296.0 +
                          static_cast<double>(read_u32(bytes, at + 6));
  return std::ldexp(mantissa, exponent);
}

struct Format {
  std::uint16_t channels = 0;
  std::uint16_t bits = 0;
  double rate_hz = 0.0;
  std::string packing = "NONE";

  bool is_float() const { return packing == "fl32" || packing == "FL32"; }
  bool little_endian() const { return packing == "sowt" || packing == "42n1" || packing == "23n1"; }
  std::size_t sample_bytes() const { return (bits + 7U) / 8U; }
  bool known() const {
    if (is_float()) return bits == 32;
    return bits >= 8 && bits <= 32 &&
           (packing == "NONE" || packing == "twos" || packing == "in24" || packing == "in32" ||
            little_endian());
  }
};

// Samples stand at the upper end of their bytes.
float read_sample(const std::uint8_t* from, const Format& format) {
  std::uint32_t raw = 0;
  const std::size_t count = format.sample_bytes();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = format.little_endian() ? count - 1 - i : i;
    raw |= static_cast<std::uint32_t>(from[place]) << (24 - 8 * i);
  }
  if (format.is_float()) return std::bit_cast<float>(raw);
  return static_cast<float>(static_cast<double>(static_cast<std::int32_t>(raw)) / 2147483648.0);
}

}  // namespace

bool read_aiff(std::span<const std::uint8_t> bytes, AudioFile& file, std::string& message) {
  const auto tag_at = [&](std::size_t at) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()) + at, 4);
  };
  if (bytes.size() < 12 || tag_at(0) != "FORM" || (tag_at(8) != "AIFF" && tag_at(8) != "AIFC")) {
    message = "This is no AIFF file. Convert it to WAV, AIFF or FLAC first.";
    return false;
  }
  const bool packed = tag_at(8) == "AIFC";
  Format format;
  std::uint32_t announced = 0;
  std::span<const std::uint8_t> data;
  for (std::size_t at = 12; at + 8 <= bytes.size();) {
    const std::size_t start = at + 8;
    const std::size_t size = std::min<std::size_t>(read_u32(bytes, at + 4), bytes.size() - start);
    if (tag_at(at) == "COMM" && size >= 18) {
      format.channels = read_u16(bytes, start);
      announced = read_u32(bytes, start + 2);
      format.bits = read_u16(bytes, start + 6);
      format.rate_hz = read_extended(bytes, start + 8);
      if (packed && size >= 22) format.packing = std::string(tag_at(start + 18));
    } else if (tag_at(at) == "SSND" && size >= 8) {
      const std::size_t offset = std::min<std::size_t>(read_u32(bytes, start), size - 8);
      data = bytes.subspan(start + 8 + offset, size - 8 - offset);
    }
    at = start + size + size % 2;
  }
  if (!format.known() || format.channels < 1 || format.channels > 2) {
    message =
        "AIFF files must be mono or stereo, PCM of 8 to 32 bit or 32-bit float; this one has " +
        std::to_string(format.channels) + " channels of " + std::to_string(format.bits) +
        " bit, packed as " + format.packing + ".";
    return false;
  }
  const std::size_t sample_bytes = format.sample_bytes();
  const std::size_t frames =
      std::min<std::size_t>(announced, data.size() / (sample_bytes * format.channels));
  if (!is_short_enough(frames, format.rate_hz, message)) return false;
  file.sample_rate_hz = format.rate_hz;
  file.channels.assign(format.channels, std::vector<float>(frames));
  for (std::size_t i = 0; i < frames; ++i) {
    for (std::size_t c = 0; c < format.channels; ++c) {
      file.channels[c][i] =
          read_sample(data.data() + (i * format.channels + c) * sample_bytes, format);
    }
  }
  return true;
}

}  // namespace driftwave::shim
