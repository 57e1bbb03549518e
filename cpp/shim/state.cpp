#include "shim/state.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include "shim/text.h"

namespace driftwave::shim {
namespace {

constexpr std::string_view kMagic = "DRFTSTAT";
constexpr std::size_t kHeaderBytes = 24;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0);
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrcTable = make_crc_table();

// CRC-32 of IEEE 802.3.
std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::uint8_t byte : bytes) crc = kCrcTable[(crc ^ byte) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

class Writer {
 public:
  explicit Writer(std::size_t bytes) { out_.reserve(bytes); }

  template <typename T>
  requires std::is_unsigned_v<T>
  void put(T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) {
      out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
  }
  void put_float(float value) { put(std::bit_cast<std::uint32_t>(value)); }
  void put_double(double value) { put(std::bit_cast<std::uint64_t>(value)); }
  void put_signed(std::int64_t value) { put(static_cast<std::uint64_t>(value)); }
  void put_bytes(std::span<const std::uint8_t> bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  void put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    out_.insert(out_.end(), text.begin(), text.end());
  }
  std::vector<std::uint8_t> take() { return std::move(out_); }

 private:
  std::vector<std::uint8_t> out_;
};

// Reads to the first fault; from then on everything is empty and `good()` is false.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  template <typename T>
  requires std::is_unsigned_v<T> T get() {
    const auto bytes = get_bytes(sizeof(T));
    T value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value = static_cast<T>(value | static_cast<T>(bytes[i]) << (8 * i));
    }
    return value;
  }
  float get_float() { return std::bit_cast<float>(get<std::uint32_t>()); }
  double get_double() { return std::bit_cast<double>(get<std::uint64_t>()); }
  std::int64_t get_signed() { return static_cast<std::int64_t>(get<std::uint64_t>()); }
  std::span<const std::uint8_t> get_bytes(std::uint64_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const auto bytes = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(static_cast<std::size_t>(count));
    return bytes;
  }
  std::string get_text(std::size_t max_bytes) {
    const auto length = get<std::uint32_t>();
    if (length > max_bytes) fail();
    const auto bytes = get_bytes(good_ ? length : 0);
    std::string text(bytes.begin(), bytes.end());
    if (clean_text(text, max_bytes) != text) fail();
    return good_ ? text : std::string();
  }
  void fail() {
    good_ = false;
    rest_ = {};
  }
  bool good() const { return good_; }
  bool at_end() const { return good_ && rest_.empty(); }

 private:
  std::span<const std::uint8_t> rest_;
  bool good_ = true;
};

void write_clip(Writer& out, const PadClip& clip) {
  const ClipInfo& info = clip.info;
  for (const std::string* text : {&info.clip_id, &info.prompt, &info.negative, &info.voice,
                                  &info.voice_hash, &info.words_understood, &info.words_unknown}) {
    out.put_text(*text);
  }
  out.put_signed(info.seed);
  out.put(info.index);
  out.put_double(info.sample_rate_hz);
  out.put(info.channels);
  out.put(info.frames);
  out.put(static_cast<std::uint8_t>(info.imported ? 1 : 0));
  out.put_double(info.quarters);
  out.put(static_cast<std::uint64_t>(clip.flac->size()));
  out.put_bytes(*clip.flac);
}

// Reads one clip and decodes it; `budget` is what may still be decoded, in bytes.
std::optional<PadClip> read_clip(Reader& in, std::uint32_t version, std::uint64_t& budget,
                                 std::string& message) {
  PadClip clip;
  ClipInfo& info = clip.info;
  info.clip_id = in.get_text(kMaxIdBytes);
  info.prompt = in.get_text(kMaxPromptBytes);
  info.negative = in.get_text(kMaxNegativeBytes);
  info.voice = in.get_text(kMaxVoiceBytes);
  info.voice_hash = in.get_text(kMaxHashBytes);
  info.words_understood = in.get_text(kMaxWordsBytes);
  info.words_unknown = in.get_text(kMaxWordsBytes);
  info.seed = in.get_signed();
  info.index = in.get<std::uint32_t>();
  info.sample_rate_hz = in.get_double();
  info.channels = in.get<std::uint32_t>();
  info.frames = in.get<std::uint32_t>();
  const auto imported = in.get<std::uint8_t>();
  info.imported = imported != 0;
  if (version >= 2) info.quarters = in.get_double();
  if (!(info.quarters >= 0.0 && info.quarters <= kMaxQuarters)) in.fail();
  const auto flac_bytes = in.get<std::uint64_t>();
  if (flac_bytes > kMaxClipBytes || imported > 1) in.fail();
  const auto flac = in.get_bytes(in.good() ? flac_bytes : 0);
  const std::uint64_t decoded = std::uint64_t{info.frames} * info.channels * sizeof(float);
  if (!in.good() || info.channels < 1 || info.channels > 2 || decoded > budget) {
    in.fail();
    return std::nullopt;
  }
  budget -= decoded;
  clip.data = decode_flac(flac, info.frames, message);
  if (clip.data == nullptr || clip.data->frames() != info.frames ||
      clip.data->channels() != info.channels ||
      clip.data->sample_rate_hz() != info.sample_rate_hz) {
    in.fail();
    return std::nullopt;
  }
  clip.flac = std::make_shared<const std::vector<std::uint8_t>>(flac.begin(), flac.end());
  return clip;
}

void write_settings(Writer& out, const PadSettings& settings) {
  for (const std::string* text :
       {&settings.name, &settings.prompt, &settings.negative, &settings.voice}) {
    out.put_text(*text);
  }
  out.put_signed(settings.seed);
}

PadSettings read_settings(Reader& in) {
  PadSettings settings;
  settings.name = in.get_text(kMaxNameBytes);
  settings.prompt = in.get_text(kMaxPromptBytes);
  settings.negative = in.get_text(kMaxNegativeBytes);
  settings.voice = in.get_text(kMaxVoiceBytes);
  settings.seed = in.get_signed();
  if (settings.seed < kRandomSeed) in.fail();
  return settings;
}

void write_pad(Writer& out, const SavedPad& pad) {
  out.put(static_cast<std::uint32_t>(pad.clips.size()));
  for (const PadClip& clip : pad.clips) write_clip(out, clip);
  out.put(static_cast<std::uint32_t>(pad.steps.size()));
  out.put(static_cast<std::uint32_t>(pad.at));
  for (const SavedStep& saved : pad.steps) {
    out.put(static_cast<std::uint8_t>(saved.step.change));
    write_settings(out, saved.step.settings);
    for (const float value : saved.step.values) out.put_float(value);
    out.put(static_cast<std::uint32_t>(saved.clips.size()));
    for (const std::size_t clip : saved.clips) out.put(static_cast<std::uint32_t>(clip));
    out.put(static_cast<std::uint32_t>(saved.step.chosen));
  }
}

SavedStep read_step(Reader& in, std::size_t clips) {
  SavedStep saved;
  const auto change = in.get<std::uint8_t>();
  if (change >= kChanges) in.fail();
  saved.step.change = static_cast<Change>(change);
  saved.step.settings = read_settings(in);
  for (std::size_t i = 0; i < kPadValues; ++i) {
    const float value = in.get_float();
    if (clean_value(pad_value(0, i), value) != value) in.fail();
    saved.step.values[i] = value;
  }
  const auto variations = in.get<std::uint32_t>();
  if (variations > kMaxVariations) in.fail();
  for (std::uint32_t i = 0; i < variations && in.good(); ++i) {
    const auto clip = in.get<std::uint32_t>();
    if (clip >= clips) in.fail();
    saved.clips.push_back(clip);
  }
  const auto chosen = in.get<std::uint32_t>();
  if (chosen != 0 && chosen >= variations) in.fail();
  saved.step.chosen = chosen;
  return saved;
}

SavedPad read_pad(Reader& in, std::uint32_t version, std::uint64_t& budget, std::string& why) {
  SavedPad pad;
  if (version == 1) {
    pad.steps[0].step.settings = read_settings(in);
    const auto has_clip = in.get<std::uint8_t>();
    if (has_clip > 1) in.fail();
    if (!in.good() || has_clip == 0) return pad;
    if (auto clip = read_clip(in, version, budget, why)) {
      pad.clips.push_back(std::move(*clip));
      pad.steps[0].clips.push_back(0);
    }
    return pad;
  }
  const auto clips = in.get<std::uint32_t>();
  if (clips > kHistoryLength * kMaxVariations) in.fail();
  for (std::uint32_t i = 0; i < clips && in.good(); ++i) {
    auto clip = read_clip(in, version, budget, why);
    if (clip) pad.clips.push_back(std::move(*clip));
  }
  const auto steps = in.get<std::uint32_t>();
  pad.at = in.get<std::uint32_t>();
  if (steps < 1 || steps > kHistoryLength || pad.at >= steps) in.fail();
  pad.steps.clear();
  for (std::uint32_t i = 0; i < steps && in.good(); ++i) {
    pad.steps.push_back(read_step(in, pad.clips.size()));
  }
  return pad;
}

std::optional<SavedState> broken(std::string& message, std::string_view why) {
  message = "The saved state is damaged (" + std::string(why) +
            "). The present sounds and settings are kept.";
  return std::nullopt;
}

}  // namespace

std::vector<std::uint8_t> write_state(const SavedState& state) {
  std::size_t bytes = std::size_t{64} * 1024;
  for (const SavedPad& pad : state.pads) {
    for (const PadClip& clip : pad.clips) bytes += clip.flac->size() + 2048;
  }
  Writer out(bytes);
  std::uint32_t saved = 0;
  for (std::uint32_t i = 0; i < kParameterCount; ++i) saved += is_saved(i) ? 1 : 0;
  for (char c : kMagic) out.put(static_cast<std::uint8_t>(c));
  out.put(kStateVersion);
  out.put(std::uint32_t{0});  // the checksum and the length, put in below
  out.put(std::uint64_t{0});
  out.put(saved);
  for (std::uint32_t i = 0; i < kParameterCount; ++i) {
    if (!is_saved(i)) continue;
    out.put(i);
    out.put_float(state.values[i]);
  }
  out.put(kPadCount);
  for (const SavedPad& pad : state.pads) write_pad(out, pad);
  std::vector<std::uint8_t> whole = out.take();
  const std::span<const std::uint8_t> payload = std::span(whole).subspan(kHeaderBytes);
  Writer header(kHeaderBytes);
  header.put(crc32(payload));
  header.put(static_cast<std::uint64_t>(payload.size()));
  const std::vector<std::uint8_t> sums = header.take();
  std::memcpy(whole.data() + 12, sums.data(), sums.size());
  return whole;
}

std::optional<SavedState> read_state(std::span<const std::uint8_t> bytes, std::string& message) {
  if (bytes.empty()) return broken(message, "it is empty");
  if (bytes.size() > kMaxStateBytes) {
    message = "The saved state has " + std::to_string(bytes.size() >> 20) +
              " MB, at most 256 MB can be read. The present sounds and settings are kept.";
    return std::nullopt;
  }
  if (bytes.size() < kHeaderBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return broken(message, "it does not begin like one of Driftwave's");
  }
  Reader header(bytes.subspan(kMagic.size(), kHeaderBytes - kMagic.size()));
  const auto version = header.get<std::uint32_t>();
  const auto checksum = header.get<std::uint32_t>();
  const auto length = header.get<std::uint64_t>();
  if (version > kStateVersion) {
    message = "This state was saved by a newer Driftwave (format " + std::to_string(version) +
              ", this one reads up to " + std::to_string(kStateVersion) +
              "). Update Driftwave to open it. The present sounds and settings are kept.";
    return std::nullopt;
  }
  if (version == 0) return broken(message, "format 0 does not exist");
  const auto payload = bytes.subspan(kHeaderBytes);
  if (length != payload.size()) {
    return broken(message, "it has " + std::to_string(payload.size()) + " bytes instead of " +
                               std::to_string(length));
  }
  if (crc32(payload) != checksum) return broken(message, "its checksum is wrong");

  SavedState state;
  for (const Parameter& p : kParameters) state.values[p.index] = p.default_value;
  Reader in(payload);
  const auto parameters = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < parameters && in.good(); ++i) {
    const auto index = in.get<std::uint32_t>();
    const float value = in.get_float();
    if (!is_saved(index) || clean_value(index, value) != value) in.fail();
    if (in.good()) state.values[index] = value;
  }
  if (in.get<std::uint32_t>() != kPadCount) in.fail();
  std::uint64_t budget = kMaxDecodedBytes;
  std::string why;
  for (SavedPad& pad : state.pads) {
    if (!in.good()) break;
    pad = read_pad(in, version, budget, why);
  }
  for (std::uint32_t pad = 0; version == 1 && pad < kPadCount; ++pad) {
    for (std::size_t i = 0; i < kPadValues; ++i) {
      state.pads[pad].steps[0].step.values[i] = state.values[pad_value(pad, i)];
    }
  }
  if (!in.at_end()) {
    return broken(message, why.empty() ? "a part of it makes no sense" : why);
  }
  return state;
}

}  // namespace driftwave::shim
