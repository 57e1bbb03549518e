#include "shim/history.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace driftwave::shim {

Step& History::push(Change change, std::uint64_t id, const PadValues& values) {
  steps_.resize(at_ + 1);
  steps_.push_back(steps_.back());
  ++at_;
  Step& step = steps_.back();
  step.id = id;
  step.change = change;
  step.values = values;
  closed_ = false;
  trim();
  return steps_[at_];
}

bool History::open_for(Change change) const {
  // The words of a pad that never held anything are where it begins, not something to go back from.
  if (steps_.size() == 1 && clip() == nullptr) return true;
  return !closed_ && at_ + 1 == steps_.size() && present().change == change;
}

bool History::go(std::size_t position) {
  if (position >= steps_.size()) return false;
  at_ = position;
  closed_ = true;
  return true;
}

bool History::passes_values(std::size_t position) const {
  const auto [from, to] = std::minmax(position, at_);
  for (std::size_t i = from + 1; i <= to; ++i) {
    if (steps_[i].change == Change::kValues) return true;
  }
  return false;
}

Step* History::find(std::uint64_t id) {
  const auto found =
      std::find_if(steps_.begin(), steps_.end(), [id](const Step& step) { return step.id == id; });
  return found == steps_.end() ? nullptr : &*found;
}

std::optional<Place> History::find_clip(std::uint64_t serial) const {
  const auto within = [&](std::size_t at) -> std::optional<Place> {
    const std::vector<PadClip>& clips = steps_[at].variations;
    for (std::size_t i = 0; i < clips.size(); ++i) {
      if (clips[i].info.serial == serial) return Place{at, i};
    }
    return std::nullopt;
  };
  if (serial == 0) return std::nullopt;
  if (const auto here = within(at_)) return here;
  for (std::size_t at = steps_.size(); at-- > 0;) {
    if (const auto there = within(at)) return there;
  }
  return std::nullopt;
}

std::size_t History::sample_bytes() const {
  std::set<const ClipData*> seen;
  std::size_t bytes = 0;
  for (const Step& step : steps_) {
    for (const PadClip& clip : step.variations) {
      if (seen.insert(clip.data.get()).second) bytes += clip.data->bytes();
    }
  }
  return bytes;
}

void History::trim() {
  while (steps_.size() > 1 &&
         (steps_.size() > kHistoryLength || sample_bytes() > kMaxHistoryBytes)) {
    if (at_ > 0) {
      steps_.pop_front();
      --at_;
    } else {
      steps_.pop_back();
    }
  }
}

void History::replace(std::vector<Step> steps, std::size_t at) {
  steps_.assign(std::make_move_iterator(steps.begin()), std::make_move_iterator(steps.end()));
  at_ = at;
  closed_ = true;
  trim();
}

}  // namespace driftwave::shim
