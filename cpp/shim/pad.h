// A pad's settings and clips, apart from the audio thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "shim/flac.h"
#include "shim/generator.h"

namespace driftwave::shim {

inline constexpr std::size_t kMaxPromptBytes = 511;  // as the link's records can carry
inline constexpr std::size_t kMaxNegativeBytes = 255;
inline constexpr std::size_t kMaxVoiceBytes = 63;
inline constexpr std::size_t kMaxNameBytes = 63;
inline constexpr std::size_t kMaxWordsBytes = 255;
inline constexpr std::size_t kMaxIdBytes = 39;
inline constexpr std::size_t kMaxHashBytes = 71;
inline constexpr std::size_t kMaxClipBytes = std::size_t{15} << 20;  ///< of one encoded clip

/// A clip with all that belongs to it. Copies share the samples and the encoded bytes.
struct PadClip {
  ClipInfo info;
  std::shared_ptr<const ClipData> data;
  Bytes flac;
};

/// [ui] [link] Copies, checks and encodes a clip. Nothing and a message when it can't be used. The
/// rate is rounded to whole hertz, as the encoded form holds it.
std::optional<PadClip> make_pad_clip(std::span<const std::span<const float>> channels,
                                     double sample_rate_hz, std::string& message);

/// The settings of a pad that a project remembers, beside its parameters.
struct PadSettings {
  std::string name;
  std::string prompt;
  std::string negative;
  std::string voice;
  std::int64_t seed = kRandomSeed;

  bool operator==(const PadSettings&) const = default;
};
}  // namespace driftwave::shim
