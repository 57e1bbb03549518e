// What one pad is, apart from the audio thread: its settings and the clips of its history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

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

/// The last clips of a pad and which of them is in use.
class History {
 public:
  /// [ui] [link] What was undone is forgotten; beyond kHistoryLength the oldest goes.
  void add(PadClip clip) {
    if (at_ + 1 < clips_.size()) clips_.resize(at_ + 1);
    clips_.push_back(std::move(clip));
    if (clips_.size() > kHistoryLength) clips_.pop_front();
    at_ = clips_.size() - 1;
  }
  /// [ui] [link] False when there is no such place.
  bool choose(std::size_t position) {
    if (position >= clips_.size()) return false;
    at_ = position;
    return true;
  }
  void clear() {  // [ui] [link]
    clips_.clear();
    at_ = 0;
  }
  /// [ui] [link] Null when the pad is empty.
  const PadClip* current() const { return clips_.empty() ? nullptr : &clips_[at_]; }
  std::size_t size() const { return clips_.size(); }  // [ui] [link]
  std::size_t at() const { return at_; }              // [ui] [link]

 private:
  std::deque<PadClip> clips_;
  std::size_t at_ = 0;
};

}  // namespace driftwave::shim
