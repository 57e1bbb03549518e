// Which parts of the pads' histories a project keeps.
#include <map>

#include "shim/state.h"

namespace driftwave::shim {
namespace {

// Collects one pad's clips and steps; a clip that several steps share is counted once.
class Collector {
 public:
  Collector(const History& history, std::size_t& budget)
      : history_(history), budget_(budget), first_(history.at()), last_(history.at()) {}

  // The clip that sounds, whatever it takes.
  void take_sounding() {
    if (const PadClip* clip = history_.clip()) numbers_.emplace(clip->info.serial, clip);
  }

  // The other variations of the present step, as far as they fit.
  void take_variations() {
    for (const PadClip& clip : history_.present().variations) take(clip);
  }

  // The steps so far before and after the present one; a side ends where one does not fit.
  void take_steps(std::size_t distance) {
    before_ = before_ && distance <= history_.at() && take(history_.step(history_.at() - distance));
    if (before_) first_ = history_.at() - distance;
    const std::size_t later = history_.at() + distance;
    after_ = after_ && later < history_.size() && take(history_.step(later));
    if (after_) last_ = later;
  }

  SavedPad saved() const {
    SavedPad pad;
    pad.steps.clear();
    pad.at = history_.at() - first_;
    std::map<std::uint64_t, std::size_t> places;
    for (std::size_t at = first_; at <= last_; ++at) {
      const Step& step = history_.step(at);
      SavedStep& to = pad.steps.emplace_back();
      to.step.change = step.change;
      to.step.settings = step.settings;
      to.step.values = step.values;
      for (std::size_t i = 0; i < step.variations.size(); ++i) {
        const PadClip& clip = step.variations[i];
        if (!numbers_.contains(clip.info.serial)) continue;
        if (i == step.chosen) to.step.chosen = to.clips.size();
        const auto [place, added] = places.emplace(clip.info.serial, pad.clips.size());
        if (added) pad.clips.push_back(clip);
        to.clips.push_back(place->second);
      }
    }
    return pad;
  }

 private:
  bool take(const PadClip& clip) {
    if (numbers_.contains(clip.info.serial)) return true;
    if (clip.flac->size() > budget_) return false;
    budget_ -= clip.flac->size();
    numbers_.emplace(clip.info.serial, &clip);
    return true;
  }

  bool take(const Step& step) {
    std::size_t bytes = 0;
    for (const PadClip& clip : step.variations) {
      if (!numbers_.contains(clip.info.serial)) bytes += clip.flac->size();
    }
    if (bytes > budget_) return false;
    for (const PadClip& clip : step.variations) take(clip);
    return true;
  }

  const History& history_;
  std::size_t& budget_;
  std::size_t first_;
  std::size_t last_;
  bool before_ = true;
  bool after_ = true;
  std::map<std::uint64_t, const PadClip*> numbers_;
};

}  // namespace

std::array<SavedPad, kPadCount> chosen_for_saving(
    const std::array<const History*, kPadCount>& histories) {
  std::size_t budget = kMaxSavedHistoryBytes;
  std::vector<Collector> collectors;
  for (const History* history : histories) collectors.emplace_back(*history, budget);
  for (Collector& collector : collectors) collector.take_sounding();
  for (Collector& collector : collectors) collector.take_variations();
  for (std::size_t distance = 1; distance < kHistoryLength; ++distance) {
    for (Collector& collector : collectors) collector.take_steps(distance);
  }
  std::array<SavedPad, kPadCount> saved;
  for (std::size_t pad = 0; pad < kPadCount; ++pad) saved[pad] = collectors[pad].saved();
  return saved;
}

}  // namespace driftwave::shim
