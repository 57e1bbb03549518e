#include "shim/core.h"

#include <algorithm>
#include <utility>

namespace driftwave::shim {

void Core::add_clip(std::uint32_t pad, PadClip clip) {
  settle();
  clip.info.serial = next_serial_++;
  exchange.place(pad, clip.data, clip.info.serial);
  pads[pad].origin = clip;
  pads[pad].history.add(std::move(clip));
  ++revision;
}

bool Core::choose(std::uint32_t pad, std::size_t position) {
  settle();
  History& history = pads[pad].history;
  if (!history.choose(position)) return false;
  pads[pad].origin = *history.current();
  exchange.place(pad, pads[pad].origin->data, pads[pad].origin->info.serial);
  ++revision;
  return true;
}

void Core::clear_pad(std::uint32_t pad) {
  clear_fresh(pad);
  settle();
  pads[pad].history.clear();
  pads[pad].origin.reset();
  exchange.place(pad, nullptr, 0);
  ++revision;
}

void Core::add_fresh(std::uint32_t pad, PadClip clip) {
  clip.info.serial = next_serial_++;
  if (exchange.add_fresh(pad, clip.data, clip.info.serial)) {
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

SavedState Core::save() const {
  SavedState state;
  for (std::uint32_t i = 0; i < kInputCount; ++i) state.values[i] = parameters.get(i);
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    state.pads[pad].settings = pads[pad].settings;
    if (const PadClip* clip = pads[pad].history.current()) state.pads[pad].clip = *clip;
  }
  return state;
}

void Core::load(SavedState state) {
  cancel_wished = true;  // what was asked for belongs to the settings that go now
  wishes.clear();
  for (std::uint32_t i = 0; i < kInputCount; ++i) {
    if ((kParameters[i].flags & kTrigger) == 0) parameters.set(i, state.values[i]);
  }
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    clear_pad(pad);
    pads[pad].settings = std::move(state.pads[pad].settings);
    if (state.pads[pad].clip) add_clip(pad, std::move(*state.pads[pad].clip));
  }
  message.clear();
  ++revision;
}

void Core::settle() {
  FreshUsed used;
  while (exchange.pop_used(used)) {
    std::vector<PadClip>& pool = pads[used.pad].pool;
    const auto found = std::find_if(pool.begin(), pool.end(), [&](const PadClip& clip) {
      return clip.info.serial == used.serial;
    });
    if (found == pool.end()) continue;
    pads[used.pad].history.add(std::move(*found));
    pool.erase(found);
    ++revision;
  }
  exchange.collect();
}

}  // namespace driftwave::shim
