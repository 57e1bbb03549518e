#include "editor/labels.h"

#include "editor/words.h"

namespace driftwave::editor {

namespace {

using shim::EngineStatus;

Color status_colour(EngineStatus status) {
  switch (status) {
    case EngineStatus::kReady:
      return kGood;
    case EngineStatus::kBusy:
      return kAccent;
    case EngineStatus::kStarting:
      return kWarning;
    case EngineStatus::kOff:
    case EngineStatus::kLost:
      break;
  }
  return kError;
}

std::string status_word(const shim::Snapshot& snapshot) {
  switch (snapshot.status) {
    case EngineStatus::kReady:
      return snapshot.device.empty() ? "Engine ready" : "Engine ready \u00b7 " + snapshot.device;
    case EngineStatus::kBusy:
      return snapshot.jobs > 1 ? "Generating " + std::to_string(snapshot.jobs) : "Generating";
    case EngineStatus::kStarting:
      return "Engine starting";
    case EngineStatus::kLost:
      return "Engine lost";
    case EngineStatus::kOff:
      break;
  }
  return "No engine";
}

bool engine_away(const shim::Snapshot& snapshot) {
  return snapshot.status == EngineStatus::kOff || snapshot.status == EngineStatus::kLost;
}

// Words of the present prompt that the last answer did not understand, with spaces between.
std::string unknown_words(const shim::PadInfo& pad) {
  std::string out;
  for (const Word& word :
       mark_words(pad.prompt, pad.clip.words_understood, pad.clip.words_unknown)) {
    if (word.state != WordState::kUnknown) continue;
    if (!out.empty()) out += ", ";
    out += pad.prompt.substr(word.from, word.to - word.from);
  }
  return out;
}

}  // namespace

void Heading::draw(NanoVG& g, const Model& model) {
  const float y = box.centre_y();
  float x = box.x;
  // The mark: a drifting wave.
  g.beginPath();
  g.moveTo(x, y);
  g.bezierTo(x + 5, y - 14, x + 9, y - 14, x + 13, y);
  g.bezierTo(x + 17, y + 14, x + 21, y + 14, x + 26, y);
  g.strokeColor(kAccent);
  g.strokeWidth(3.0f);
  g.lineCap(NanoVG::ROUND);
  g.stroke();
  g.lineCap(NanoVG::BUTT);
  x += 36;
  x += draw_text(g, x, y, "Driftwave", 19.0f, kText) + 8;
  draw_text(g, x, y + 0.5f, "Generate", 19.0f, kTextFaint);

  const shim::Snapshot& snapshot = model.snapshot();
  const Color colour = status_colour(snapshot.status);
  const std::string word = status_word(snapshot);
  const float width = text_width(g, word, kTextNormal) + 34;
  const Box pill{box.right() - width, y - 13, width, 26};
  draw_panel(g, pill, faded(colour, 0.12f), 13.0f);
  draw_frame(g, pill, faded(colour, 0.45f), 1.0f, 13.0f);
  g.beginPath();
  g.circle(pill.x + 15, y, 4.0f);
  g.fillColor(colour);
  g.fill();
  draw_text(g, pill.x + 25, y + 0.5f, word, kTextNormal, mixed(colour, kText, 0.5f));
}

std::string Heading::hint(const Model& model) const { return model.snapshot().status_text; }

void SeedLabel::draw(NanoVG& g, const Model& model) {
  const shim::PadInfo& pad = model.selected_pad();
  const bool locked = model.value(shim::pad_parameter(model.selected(), shim::kPadSeedLock)) > 0.5f;
  const float label = draw_text(g, box.x, box.centre_y(), "Seed", kTextSmall, kTextDim) + 8;
  std::string seed = "\u2013";
  if (locked && pad.seed != shim::kRandomSeed) {
    seed = std::to_string(pad.seed);
  } else if (pad.clip.serial != 0 && !pad.clip.imported) {
    seed = std::to_string(pad.clip.seed);
  }
  draw_text(g, box.x + label, box.centre_y(), fitted(g, seed, kTextNormal, box.w - label),
            kTextNormal, locked ? kAccent : kText);
}

std::string SeedLabel::hint(const Model&) const {
  return "The same prompt, settings and seed make the same sound again. Lock keeps the seed for "
         "the "
         "next Generate.";
}

void Section::draw(NanoVG& g, const Model& model) {
  draw_panel(g, box, kPanel);
  std::string title = title_;
  if (title == "PAD") title.append(" ").append(std::to_string(model.selected() + 1));
  draw_text(g, box.x + 12, box.y + 13, title, 10.0f, kTextFaint);
}

void StatusLine::draw(NanoVG& g, const Model& model) {
  const shim::Snapshot& snapshot = model.snapshot();
  std::string text = hint_;
  Color colour = kTextDim;
  if (!snapshot.message.empty()) {
    text = snapshot.message;
    colour = kError;
  } else if (!model.notice().empty()) {
    text = model.notice();
    colour = model.notice_is_error() ? kError : kAccent;
  } else if (engine_away(snapshot)) {
    text = snapshot.status_text;
    colour = kWarning;
  } else if (hint_.empty()) {
    const std::string unknown = unknown_words(model.selected_pad());
    if (!unknown.empty()) {
      text = "Not understood: " + unknown + ". The rest of the prompt was used.";
      colour = kWarning;
    } else {
      text = snapshot.status_text;
    }
  }
  draw_text(g, box.x, box.centre_y(), fitted(g, text, kTextSmall + 1.0f, box.w), kTextSmall + 1.0f,
            colour);
}

bool StatusLine::press(const Pointer&, Model& model) {
  model.dismiss();
  return false;
}

}  // namespace driftwave::editor
