// Which controls the editor has and where they stand.

#include "editor/button.h"
#include "editor/editor.h"
#include "editor/knob.h"
#include "editor/stepper.h"
#include "editor/tempo_label.h"
#include "editor/variation_row.h"

namespace driftwave::editor {

namespace {

constexpr float kHeading = 44.0f;
constexpr float kStatus = 30.0f;
constexpr float kPrompt = 44.0f;
constexpr float kButton = 32.0f;
constexpr float kChips = 46.0f;
constexpr float kKnobRow = 92.0f;  // title, knob, name, value
constexpr float kKnobTop = 22.0f;
constexpr float kKnobHeight = 68.0f;

bool partner_has_clip(const Model& model) {
  const auto partner = static_cast<std::uint32_t>(model.value(shim::kPartner)) - 1;
  return model.selected_pad().clip.serial != 0 && partner != model.selected() &&
         model.pad(partner).clip.serial != 0;
}

bool selected_has_clip(const Model& model) { return model.selected_pad().clip.serial != 0; }

auto fixed(std::uint32_t parameter) {
  return [parameter](const Model&) { return parameter; };
}

template <typename Which>
auto of_pad(Which which) {
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
  action_row_ = {
      &button("Generate", "Make new sounds on the selected pad (G, or Enter in the prompt).",
              ButtonStyle::kPrimary, [](Model& m) { m.generate(); }),
      &button("Vary", "Make relatives of this sound; Strength says how distant (V).",
              ButtonStyle::kPlain, [](Model& m) { m.vary(); })
           .enabled_when(selected_has_clip),
      &button("Interpolate", "Make sounds between this pad's and the pad at the right (I).",
              ButtonStyle::kPlain, [](Model& m) { m.interpolate(); })
           .enabled_when(partner_has_clip),
      &add<Stepper>(
          fixed(shim::kPartner),
          [](const Model&, float value) {
            return "to pad " + std::to_string(static_cast<int>(value + 0.5f));
          },
          "The pad that Interpolate goes to; click an arrow or turn the wheel (Shift+Up, Down)."),
      &button("Cancel", "Stop what is being generated for this instrument (Escape).",
              ButtonStyle::kPlain, [](Model& m) { m.cancel(); })
           .enabled_when([](const Model& m) { return m.snapshot().jobs > 0; }),
  };
  choice_row_ = {
      &add<VariationRow>(),
      &button("A/B", "Back to the sound before this one, and forth again (A).", ButtonStyle::kPlain,
              [](Model& m) { m.compare(); })
           .enabled_when([](const Model& m) { return m.selected_pad().comparable; }),
      &add<Stepper>(
          fixed(shim::kVariations),
          [](const Model&, float value) {
            return "\u00d7" + std::to_string(static_cast<int>(value + 0.5f));
          },
          "How many sounds one Generate, Vary or Interpolate makes (+, -)."),
  };
  add_loop_controls();
  clip_buttons_ = {
      &button("Lock", "Keep this seed: Generate repeats the sound, changed only by the settings.",
              ButtonStyle::kPlain, [](Model& m) { m.lock_seed(m.value(seed_lock(m)) < 0.5f); })
           .lit_when([](const Model& m) { return m.value(seed_lock(m)) > 0.5f; }),
      &button("Copy", "Copy the seed to the clipboard.", ButtonStyle::kPlain,
              [](Model& m) { m.copy_seed(); })
           .enabled_when(selected_has_clip),
      &button("Paste", "Take the seed from the clipboard and lock it.", ButtonStyle::kPlain,
              [](Model& m) { m.paste_seed(); }),
      &button("Import\u2026",
              "Put a WAV, AIFF or FLAC file of yours on the pad (O); Ctrl+V takes a copied file.",
              ButtonStyle::kPlain, [](Model& m) { m.host().browse(); }),
      &button("Export WAV",
              "Write the clip to Driftwave in your music folder; its path is copied (E).",
              ButtonStyle::kPlain, [](Model& m) { m.export_clip(); })
           .enabled_when(selected_has_clip),
  };
}

void Editor::add_loop_controls() {
  const auto button = [this](std::string label, std::string hint,
                             Button::Action action) -> Button& {
    return add<Button>(std::move(label), std::move(hint), ButtonStyle::kPlain, std::move(action));
  };
  const auto on = [](std::uint32_t parameter) {
    return [parameter](const Model& m) { return m.value(parameter) > 0.5f; };
  };
  loop_row_ = {
      &button("\u21bb Loop", "Loop this pad in time with the host's transport (L).",
              [](Model& m) { m.toggle_loop(); })
           .lit_when([](const Model& m) {
             return m.value(shim::pad_parameter(m.selected(), shim::kPadLoop)) > 0.5f;
           }),
      &add<Stepper>(
          of_pad(shim::kPadBars),
          [](const Model&, float value) {
            const int bars = static_cast<int>(value + 0.5f);
            if (bars == 0) return std::string("no bars");
            return std::to_string(bars) + (bars == 1 ? " bar" : " bars");
          },
          "Length of the next sound in bars at the host's tempo; no bars: as Length says ([, ])."),
      &add<TempoLabel>(),
      &button("Undo", "Undo the pad's last change: sound, words or levels (Ctrl+Z).",
              [](Model& m) { m.undo(); })
           .enabled_when([](const Model& m) { return m.selected_pad().history_at > 0; }),
      &button("Redo", "Take the last Undo back (Ctrl+Shift+Z).", [](Model& m) { m.redo(); })
           .enabled_when([](const Model& m) {
             return m.selected_pad().history_at + 1 < m.selected_pad().history;
           }),
      &button("Fresh", "Every hit plays a new variation, made ahead of time (F).",
              [](Model& m) { m.change(shim::kFresh, m.value(shim::kFresh) > 0.5f ? 0.0f : 1.0f); })
           .lit_when(on(shim::kFresh)),
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
  place_row(action_row_, {left, y, room, kButton}, 8.0f, {1.4f, 0.9f, 1.2f, 1.25f, 0.95f});
  y += kButton + kGap;
  place_row(choice_row_, {left, y, room, kChips}, 8.0f, {4.6f, 0.6f, 0.95f});
  y += kChips + kGap;

  const float knobs_top = bottom - 2 * kKnobRow - kGap;
  const float seed_top = knobs_top - kGap - kButton;
  const float loop_top = seed_top - kGap - kButton;
  wave_->box = {left, y, room, loop_top - kGap - y};
  place_row(loop_row_, {left, loop_top, room, kButton}, 8.0f,
            {0.9f, 1.2f, 1.75f, 0.75f, 0.75f, 0.8f});
  const float seed_width = 0.26f * room;
  seed_->box = {left + 4, seed_top, seed_width - 8, kButton};
  place_row(clip_buttons_, {left + seed_width, seed_top, room - seed_width, kButton}, 8.0f,
            {0.8f, 0.8f, 0.85f, 1.1f, 1.4f});
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
