// What the user asks for: pushes of the triggers and the editor's wishes become jobs and steps.
#include <string>

#include "shim/link_worker.h"

namespace driftwave::shim {

void LinkWorker::take_triggers() {
  const auto pushes = [this](std::uint32_t trigger) {
    return core_.parameters.take_pushes(trigger);
  };
  const auto generate = pushes(kGenerate);
  const auto vary = pushes(kVary);
  const auto interpolate = pushes(kInterpolate);
  const auto cancel = pushes(kCancel);
  const auto undo = pushes(kUndo);
  const auto redo = pushes(kRedo);
  const auto compare = pushes(kCompare);
  std::uint32_t picked = kMaxVariations;
  for (std::uint32_t i = 0; i < 4; ++i) {
    if (pushes(kPick1 + i) > 0) picked = i;
  }
  const auto pad = static_cast<std::uint32_t>(core_.parameters.get(kPad)) - 1;
  const std::lock_guard lock(core_.mutex);
  if (cancel > 0) core_.cancel_wished = true;
  for (std::uint32_t i = 0; i < undo; ++i) core_.undo(pad);
  for (std::uint32_t i = 0; i < redo; ++i) core_.redo(pad);
  if (picked < kMaxVariations) core_.pick(pad, picked);
  if (compare % 2 == 1) core_.compare(pad);
  if (generate > 0) core_.wishes.push_back({Wish::Kind::kGenerate, pad});
  if (vary > 0) core_.wishes.push_back({Wish::Kind::kVary, pad});
  if (interpolate > 0) core_.wishes.push_back({Wish::Kind::kInterpolate, pad});
}

void LinkWorker::take_wishes() {
  const std::lock_guard lock(core_.mutex);
  core_.settle();
  if (core_.cancel_wished) {
    core_.cancel_wished = false;
    jobs_.clear();
    client_.cancel();
    ++core_.revision;
  }
  while (!core_.wishes.empty()) {
    const Wish wish = core_.wishes.front();
    core_.wishes.pop_front();
    grant(wish);
  }
}

// With the core's mutex held.
void LinkWorker::grant(const Wish& wish) {
  PadModel& pad = core_.pads[wish.pad];
  const PadClip* const clip = pad.history.clip();
  const auto name = [](std::uint32_t number) { return "Pad " + std::to_string(number + 1); };
  if (wish.kind == Wish::Kind::kGenerate) {
    const bool locked = core_.parameters.get(pad_parameter(wish.pad, kPadSeedLock)) > 0.5F &&
                        pad.settings().seed >= 0;
    if (!locked) pad.settings().seed = new_seed();
    add_job(make_job(core_, wish.pad, Job::Kind::kGenerate, nullptr, pad.settings().seed));
    return;
  }
  if (clip == nullptr) {
    const bool vary = wish.kind == Wish::Kind::kVary;
    core_.tell(name(wish.pad) + " has no sound to " + (vary ? "vary" : "interpolate from") +
               ". Generate one first.");
    return;
  }
  if (wish.kind == Wish::Kind::kVary) {
    add_job(make_job(core_, wish.pad, Job::Kind::kVary, clip, new_seed()));
    return;
  }
  const auto partner = static_cast<std::uint32_t>(core_.parameters.get(kPartner)) - 1;
  const PadClip* const second = core_.pads[partner].history.clip();
  if (partner == wish.pad) {
    core_.tell("Interpolate needs two pads: choose another pad than " +
               std::to_string(wish.pad + 1) + " to go to.");
  } else if (second == nullptr) {
    core_.tell(name(partner) + " has no sound to interpolate to. Generate one first.");
  } else {
    Job job = make_job(core_, wish.pad, Job::Kind::kInterpolate, clip, new_seed());
    set_second(job, *second);
    add_job(std::move(job));
  }
}

}  // namespace driftwave::shim
