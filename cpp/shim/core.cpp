#include "shim/core.h"

#include <algorithm>
#include <utility>

namespace driftwave::shim {

std::uint64_t Core::add_clip(std::uint32_t pad, PadClip clip, std::uint64_t step) {
  settle();
  clip.info.serial = next_serial_++;
  History& history = pads[pad].history;
  ++revision;
  if (step != 0) {
    Step* const found = history.find(step);
    if (found != nullptr && found->variations.size() < kMaxVariations) {
      found->variations.push_back(std::move(clip));
      history.trim();
    }
    return step;
  }
  Step& added = history.push(Change::kSound, next_serial_++, values(pad));
  added.variations.assign(1, std::move(clip));
  added.chosen = 0;
  const std::uint64_t id = added.id;
  history.trim();
  sound(pad);
  return id;
}

Step& Core::edit(std::uint32_t pad, Change change) {
  settle();
  ++revision;
  History& history = pads[pad].history;
  if (history.open_for(change)) return history.present();
  return history.push(change, next_serial_++, values(pad));
}

void Core::begin_gesture(std::uint32_t pad) { pads[pad].before_gesture = values(pad); }

void Core::end_gesture(std::uint32_t pad) {
  PadModel& model = pads[pad];
  const PadValues now = values(pad);
  if (now == model.before_gesture) return;
  settle();
  ++revision;
  History& history = model.history;
  // One knob turned again is one change.
  const auto differs = [](const PadValues& a, const PadValues& b) {
    std::array<bool, kPadValues> which{};
    for (std::size_t i = 0; i < kPadValues; ++i) which[i] = a[i] != b[i];
    return which;
  };
  const bool same_knob = history.open_for(Change::kValues) && history.at() > 0 &&
                         differs(history.step(history.at() - 1).values, history.present().values) ==
                             differs(model.before_gesture, now);
  if (!same_knob && !(history.size() == 1 && history.clip() == nullptr)) {
    history.present().values = model.before_gesture;
    history.push(Change::kValues, next_serial_++, now);
  }
  history.present().values = now;
}

bool Core::choose(std::uint32_t pad, std::size_t position) {
  settle();
  History& history = pads[pad].history;
  if (position >= history.size()) return false;
  const bool with_values = history.passes_values(position);
  if (with_values) history.present().values = values(pad);
  history.go(position);
  if (with_values) {
    for (std::size_t i = 0; i < kPadValues; ++i) {
      parameters.set(pad_value(pad, i), history.present().values[i]);
    }
  }
  sound(pad);
  ++revision;
  return true;
}

bool Core::undo(std::uint32_t pad) {
  settle();
  const std::size_t at = pads[pad].history.at();
  return at > 0 && choose(pad, at - 1);
}

bool Core::redo(std::uint32_t pad) {
  settle();
  return choose(pad, pads[pad].history.at() + 1);
}

bool Core::pick(std::uint32_t pad, std::size_t variation) {
  settle();
  Step& step = pads[pad].history.present();
  if (variation >= step.variations.size()) return false;
  step.chosen = variation;
  pads[pad].history.close();
  sound(pad);
  ++revision;
  return true;
}

bool Core::compare(std::uint32_t pad) {
  settle();
  const std::optional<Place> place = pads[pad].history.find_clip(pads[pad].other);
  if (!place) return false;
  pads[pad].history.set_chosen(*place);
  return choose(pad, place->step);
}

void Core::clear_clip(std::uint32_t pad) {
  clear_fresh(pad);
  if (pads[pad].history.clip() == nullptr) return;
  Step& step = pads[pad].history.push(Change::kSound, next_serial_++, values(pad));
  step.variations.clear();
  step.chosen = 0;
  sound(pad);
  ++revision;
}

// Gives the audio thread the present step's clip, unless it plays that already.
void Core::sound(std::uint32_t pad) {
  PadModel& model = pads[pad];
  const PadClip* clip = model.history.clip();
  const std::uint64_t serial = clip == nullptr ? 0 : clip->info.serial;
  model.origin = clip == nullptr ? std::nullopt : std::optional<PadClip>(*clip);
  if (serial == model.sounding) return;
  if (model.sounding != 0) model.other = model.sounding;
  model.sounding = serial;
  if (clip == nullptr) {
    exchange.place(pad, nullptr, 0);
  } else {
    exchange.place(pad, clip->data, serial, clip->info.quarters);
  }
}

void Core::add_fresh(std::uint32_t pad, PadClip clip) {
  clip.info.serial = next_serial_++;
  if (exchange.add_fresh(pad, clip.data, clip.info.serial, clip.info.quarters)) {
    pads[pad].pool.push_back(std::move(clip));
    ++revision;
  }
}

void Core::clear_fresh(std::uint32_t pad) {
  exchange.clear_fresh(pad);
  settle();  // what was played before the pool was emptied belongs to the history
  if (!pads[pad].pool.empty()) ++revision;
  pads[pad].pool.clear();
}

PadValues Core::values(std::uint32_t pad) const {
  PadValues now{};
  for (std::size_t i = 0; i < kPadValues; ++i) now[i] = parameters.get(pad_value(pad, i));
  return now;
}

SavedState Core::save() const {
  SavedState state;
  for (std::uint32_t i = 0; i < kParameterCount; ++i) {
    if (is_saved(i)) state.values[i] = parameters.get(i);
  }
  std::array<const History*, kPadCount> histories{};
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) histories[pad] = &pads[pad].history;
  state.pads = chosen_for_saving(histories);
  return state;
}

void Core::load(SavedState state) {
  cancel_wished = true;  // what was asked for belongs to the settings that go now
  wishes.clear();
  for (std::uint32_t i = 0; i < kParameterCount; ++i) {
    if (is_saved(i)) parameters.set(i, state.values[i]);
  }
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    clear_fresh(pad);
    SavedPad& saved = state.pads[pad];
    // Steps that share a clip go on sharing it.
    std::vector<std::uint64_t> serials(saved.clips.size());
    for (std::uint64_t& serial : serials) serial = next_serial_++;
    std::vector<Step> steps;
    steps.reserve(saved.steps.size());
    for (SavedStep& from : saved.steps) {
      Step& step = steps.emplace_back(std::move(from.step));
      step.id = next_serial_++;
      for (const std::size_t which : from.clips) {
        step.variations.push_back(saved.clips[which]);
        step.variations.back().info.serial = serials[which];
      }
    }
    pads[pad].history.replace(std::move(steps), saved.at);
    sound(pad);
    pads[pad].other = 0;
  }
  message.clear();
  ++revision;
}

void Core::settle() {
  FreshUsed used;
  while (exchange.pop_used(used)) {
    PadModel& model = pads[used.pad];
    const auto found = std::find_if(model.pool.begin(), model.pool.end(), [&](const PadClip& clip) {
      return clip.info.serial == used.serial;
    });
    if (found == model.pool.end()) continue;
    History& history = model.history;
    if (!history.open_for(Change::kFresh) || history.size() == 1) {
      history.push(Change::kFresh, next_serial_++, values(used.pad)).variations.clear();
    }
    std::vector<PadClip>& heard = history.present().variations;
    if (heard.size() >= kMaxVariations) heard.erase(heard.begin());
    heard.push_back(std::move(*found));
    history.present().chosen = heard.size() - 1;
    history.trim();
    model.sounding = used.serial;
    model.pool.erase(found);
    ++revision;
  }
  exchange.collect();
}

}  // namespace driftwave::shim
