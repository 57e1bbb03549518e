// What undo walks through: the steps of one pad, each its words, its levels and its variations.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "shim/pad.h"
#include "shim/parameters.h"

namespace driftwave::shim {

inline constexpr std::size_t kMaxHistoryBytes = std::size_t{24} << 20;  ///< of samples, each pad

/// The pad's parameters that undo brings back.
inline constexpr std::size_t kPadValues = 6;
using PadValues = std::array<float, kPadValues>;

/// [any] Index of one of them.
constexpr std::uint32_t pad_value(std::uint32_t pad, std::size_t which) noexcept {
  const std::uint32_t indexes[kPadValues] = {
      pad_parameter(pad, kPadGain),  pad_parameter(pad, kPadPan),  pad_parameter(pad, kPadPitch),
      pad_parameter(pad, kPadChoke), pad_parameter(pad, kPadLoop), pad_parameter(pad, kPadBars)};
  return indexes[which];
}

/// What made a step of the one before it.
enum class Change : std::uint8_t {
  kBegin = 0,  ///< the first one
  kSound,      ///< generated, varied, interpolated, imported or cleared
  kFresh,      ///< hits that played fresh variations
  kName,
  kPrompt,
  kNegative,
  kVoice,
  kSeed,
  kValues,  ///< gain, pan, pitch, choke, loop or bars
};
inline constexpr std::uint8_t kChanges = 9;

struct Step {
  std::uint64_t id = 0;
  Change change = Change::kBegin;
  PadSettings settings;
  PadValues values{};               ///< as they were when the step was made
  std::vector<PadClip> variations;  ///< none: an empty pad
  std::size_t chosen = 0;

  const PadClip* clip() const { return variations.empty() ? nullptr : &variations[chosen]; }
};

/// Where a clip is.
struct Place {
  std::size_t step = 0;
  std::size_t variation = 0;
};

/// All functions are [ui] [link], under the core's mutex. There is always a step.
class History {
 public:
  History() : steps_(1) {}

  /// A copy of the present step becomes the newest; what was undone is forgotten.
  Step& push(Change change, std::uint64_t id, const PadValues& values);
  /// True when an edit of the same kind may still go into the present step.
  bool open_for(Change change) const;
  /// The next edit makes a step of its own.
  void close() { closed_ = true; }

  bool go(std::size_t position);  ///< false when there is no such step
  /// Whether undo or redo from here to there passes a change of the values.
  bool passes_values(std::size_t position) const;

  Step& present() { return steps_[at_]; }
  const Step& present() const { return steps_[at_]; }
  const PadClip* clip() const { return present().clip(); }
  Step* find(std::uint64_t id);
  /// The place of a clip, the present step first, then from the newest on.
  std::optional<Place> find_clip(std::uint64_t serial) const;
  void set_chosen(const Place& place) { steps_[place.step].chosen = place.variation; }
  const Step& step(std::size_t position) const { return steps_[position]; }

  /// Drops the oldest steps, then the farthest redo steps, beyond kHistoryLength steps or
  /// kMaxHistoryBytes of samples; never the present one.
  void trim();
  /// Puts saved steps, at least one, in place of all.
  void replace(std::vector<Step> steps, std::size_t at);

  std::size_t size() const { return steps_.size(); }
  std::size_t at() const { return at_; }

 private:
  std::size_t sample_bytes() const;

  std::deque<Step> steps_;
  std::size_t at_ = 0;
  bool closed_ = false;
};

}  // namespace driftwave::shim
