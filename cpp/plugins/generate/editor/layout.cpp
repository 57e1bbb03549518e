// Which controls the editor has and where they stand.

#include "editor/button.h"
#include "editor/editor.h"
#include "editor/knob.h"

namespace driftwave::editor {

namespace {

using shim::PadParameter;

constexpr float kHeading = 44.0f;
constexpr float kStatus = 30.0f;
constexpr float kPrompt = 44.0f;
constexpr float kButton = 32.0f;
constexpr float kKnobRow = 92.0f;  // title, knob, name, value
constexpr float kKnobTop = 22.0f;
constexpr float kKnobHeight = 68.0f;

bool selected_has_clip(const Model& model) { return model.selected_pad().clip.serial != 0; }

auto fixed(std::uint32_t parameter) {
  return [parameter](const Model&) { return parameter; };
}

auto of_pad(PadParameter which) {
  return [which](const Model& model) { return shim::pad_parameter(model.selected(), which); };
}

std::uint32_t seed_lock(const Model& model) {
  return shim::pad_parameter(model.selected(), shim::kPadSeedLock);
}

// Places controls side by side with the given relative widths.
void place_row(const std::vector<Control*>& controls, const Box& area, float gap,
               const std::vector<float>& shares) {
  float total = 0.0f;
  for (const float share : shares) total += share;
  const float room = area.w - gap * static_cast<float>(controls.size() - 1);
  float x = area.x;
  for (std::size_t i = 0; i < controls.size(); ++i) {
    const float width = room * shares[i] / total;
    controls[i]->box = {x, area.y, width, area.h};
    x += width + gap;
  }
}

void place_knobs(const std::vector<Control*>& knobs, const Box& section) {
  place_row(knobs, {section.x + 6, section.y + kKnobTop, section.w - 12, kKnobHeight}, 0.0f,
            std::vector<float>(knobs.size(), 1.0f));
}

}  // namespace

void Editor::add_buttons() {
  const auto button = [this](std::string label, std::string hint, ButtonStyle style,
                             Button::Action action) -> Button& {
    return add<Button>(std::move(label), std::move(hint), style, std::move(action));
  };
  action_buttons_ = {
      &button("Generate", "Make a new sound on the selected pad (Enter in the prompt).",
              ButtonStyle::kPrimary, [](Model& m) { m.generate(); }),
      &button("Vary", "Make a relative of this sound; Strength says how distant.",
              ButtonStyle::kPlain, [](Model& m) { m.vary(); })
           .enabled_when(selected_has_clip),
      &button("Cancel", "Stop what is being generated for this instrument.", ButtonStyle::kPlain,
              [](Model& m) { m.cancel(); })
           .enabled_when([](const Model& m) { return m.snapshot().jobs > 0; }),
      &button("Undo", "Back to the pad's sound before this one.", ButtonStyle::kPlain,
              [](Model& m) { m.undo(); })
           .enabled_when([](const Model& m) { return m.selected_pad().history_at > 0; }),
      &button("Redo", "Forward to the pad's next sound.", ButtonStyle::kPlain,
              [](Model& m) { m.redo(); })
           .enabled_when([](const Model& m) {
             return m.selected_pad().history_at + 1 < m.selected_pad().history;
           }),
      &button("Fresh", "Every hit plays a new variation, made ahead of time.", ButtonStyle::kPlain,
              [](Model& m) { m.change(shim::kFresh, m.value(shim::kFresh) > 0.5f ? 0.0f : 1.0f); })
           .lit_when([](const Model& m) { return m.value(shim::kFresh) > 0.5f; }),
  };
  clip_buttons_ = {
      &button("Lock", "Keep this seed: Generate repeats the sound, changed only by the settings.",
              ButtonStyle::kPlain, [](Model& m) { m.lock_seed(m.value(seed_lock(m)) < 0.5f); })
           .lit_when([](const Model& m) { return m.value(seed_lock(m)) > 0.5f; }),
      &button("Copy", "Copy the seed to the clipboard.", ButtonStyle::kPlain,
              [](Model& m) { m.copy_seed(); })
           .enabled_when(selected_has_clip),
      &button("Paste", "Take the seed from the clipboard and lock it.", ButtonStyle::kPlain,
              [](Model& m) { m.paste_seed(); }),
      &button("Export WAV", "Write the clip to Driftwave in your music folder; its path is copied.",
              ButtonStyle::kPlain, [](Model& m) { m.export_clip(); })
           .enabled_when(selected_has_clip),
  };
}

void Editor::add_knobs() {
  sound_section_ = &add<Section>("SOUND OF THE NEXT GENERATE");
  pad_section_ = &add<Section>("PAD");
  output_section_ = &add<Section>("PLAYING");
  const auto knob = [this](std::string label, auto parameter) -> Control* {
    return &add<Knob>(std::move(label), parameter);
  };
  sound_knobs_ = {knob("Bright", fixed(shim::kBrightness)), knob("Depth", fixed(shim::kDepth)),
                  knob("Noise", fixed(shim::kNoisiness)),   knob("Attack", fixed(shim::kAttack)),
                  knob("Decay", fixed(shim::kLength)),      knob("Loud", fixed(shim::kLoudness)),
                  knob("Length", fixed(shim::kSeconds)),    knob("Steps", fixed(shim::kSteps)),
                  knob("Strength", fixed(shim::kStrength))};
  pad_knobs_ = {knob("Gain", of_pad(shim::kPadGain)), knob("Pan", of_pad(shim::kPadPan)),
                knob("Pitch", of_pad(shim::kPadPitch)), knob("Choke", of_pad(shim::kPadChoke))};
  output_knobs_ = {knob("Velocity", fixed(shim::kVelocity)),
                   knob("Fade in", fixed(shim::kAttackTime)),
                   knob("Release", fixed(shim::kReleaseTime)), knob("Master", fixed(shim::kGain))};
  one_shot_ =
      &add<Button>(
           "1-shot", "Pads play to their end; off: they stop with the key.", ButtonStyle::kPlain,
           [](Model& m) { m.change(shim::kOneShot, m.value(shim::kOneShot) > 0.5f ? 0.0f : 1.0f); })
           .lit_when([](const Model& m) { return m.value(shim::kOneShot) > 0.5f; });
}

void Editor::layout(float width, float height) {
  heading_->box = {kMargin, 6, width - 2 * kMargin, kHeading};
  status_->box = {kMargin, height - kStatus, width - 2 * kMargin, kStatus};
  const float top = kHeading + kGap;
  const float bottom = height - kStatus - 2;
  const float pads_width = 0.44f * width;
  pads_->box = {kMargin, top, pads_width, bottom - top};

  const float left = kMargin + pads_width + kMargin;
  const float room = width - kMargin - left;
  float y = top;
  prompt_->box = {left, y, room, kPrompt};
  y += kPrompt + kGap;
  place_row(action_buttons_, {left, y, room, kButton}, 8.0f,
            {1.5f, 1.0f, 1.05f, 0.9f, 0.9f, 0.95f});
  y += kButton + kGap;

  const float knobs_top = bottom - 2 * kKnobRow - kGap;
  const float seed_top = knobs_top - kGap - kButton;
  wave_->box = {left, y, room, seed_top - kGap - y};
  const float seed_width = 0.36f * room;
  seed_->box = {left + 4, seed_top, seed_width - 8, kButton};
  place_row(clip_buttons_, {left + seed_width, seed_top, room - seed_width, kButton}, 8.0f,
            {0.9f, 0.9f, 0.9f, 1.5f});
  layout_knobs({left, knobs_top, room, 2 * kKnobRow + kGap});
}

void Editor::layout_knobs(const Box& area) {
  sound_section_->box = {area.x, area.y, area.w, kKnobRow};
  place_knobs(sound_knobs_, sound_section_->box);
  const float y = area.y + kKnobRow + kGap;
  const float pad_width = (area.w - kGap) * 0.44f;
  pad_section_->box = {area.x, y, pad_width, kKnobRow};
  place_knobs(pad_knobs_, pad_section_->box);
  output_section_->box = {area.x + pad_width + kGap, y, area.w - pad_width - kGap, kKnobRow};
  Box knobs = output_section_->box;
  constexpr float kSwitch = 56.0f;
  knobs.w -= kSwitch;
  place_knobs(output_knobs_, knobs);
  one_shot_->box = {knobs.right() - 4, y + kKnobTop + 8, kSwitch - 6, 26};
}

}  // namespace driftwave::editor
