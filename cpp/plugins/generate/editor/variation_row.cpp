#include "editor/variation_row.h"

#include <algorithm>

namespace driftwave::editor {

namespace {

constexpr float kSpace = 6.0f;
constexpr std::uint32_t kPlaces = 4;  // chips of an ordinary request

// Chips there are, and those that are on their way.
std::uint32_t places(const Model& model) {
  return std::max(kPlaces, model.selected_pad().variations);
}

}  // namespace

Box VariationRow::chip_box(std::uint32_t variation, std::uint32_t count) const {
  const float width = (box.w - kSpace * static_cast<float>(count - 1)) / static_cast<float>(count);
  return {box.x + static_cast<float>(variation) * (width + kSpace), box.y, width, box.h};
}

void VariationRow::draw(NanoVG& g, const Model& model) {
  const shim::PadInfo& pad = model.selected_pad();
  const std::uint32_t count = places(model);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Box chip = chip_box(i, count);
    const bool there = i < pad.variations;
    const bool chosen = there && i == pad.variation;
    draw_panel(g, chip, chosen ? kAccentDark : (there ? kRaised : kPanel), 6.0f);
    draw_frame(g, chip, chosen ? kAccent : faded(kLine, there ? 1.0f : 0.5f), chosen ? 1.5f : 1.0f,
               6.0f);
    draw_text(g, chip.x + 9, chip.y + 12, std::to_string(i + 1), kTextSmall,
              chosen ? kAccent : (there ? kTextDim : kTextFaint));
    if (there) {
      draw_waveform(g, {chip.x + 22, chip.y + 5, chip.w - 30, chip.h - 10},
                    model.variation_peaks(i), chosen ? kAccent : faded(kTextDim, 0.8f));
    } else if (pad.waiting) {
      g.beginPath();
      g.circle(chip.centre_x(), chip.centre_y(), 2.5f);
      g.fillColor(kTextFaint);
      g.fill();
    }
  }
}

bool VariationRow::press(const Pointer& pointer, Model& model) {
  const shim::PadInfo& pad = model.selected_pad();
  const std::uint32_t count = places(model);
  for (std::uint32_t i = 0; i < pad.variations; ++i) {
    if (!chip_box(i, count).contains(pointer.x, pointer.y)) continue;
    model.pick(i);
    if (pointer.right_button) return false;  // choose without a sound
    playing_ = model.selected();
    model.hit(*playing_, 110);
    return true;
  }
  return false;
}

void VariationRow::release(const Pointer&, Model& model) {
  if (playing_) model.hit(*playing_, 0);
  playing_.reset();
}

std::string VariationRow::hint(const Model& model) const {
  return model.selected_pad().variations > 1
             ? "Variations of this sound: click chooses and plays, right-click only chooses. "
               "Keys 1 to 8; A goes back and forth."
             : "Generate, Vary and Interpolate put their sounds here to choose from.";
}

}  // namespace driftwave::editor
