#include "editor/prompt_field.h"

#include <algorithm>
#include <cmath>

#include "editor/words.h"

namespace driftwave::editor {

namespace {

constexpr std::size_t kMaxBytes = 511;  // what shim::Generator keeps of a prompt
constexpr float kPadding = 14.0f;
constexpr int kBlinkTicks = 16;  // about half a second

Color word_colour(WordState state) {
  switch (state) {
    case WordState::kUnderstood:
      return kAccent;
    case WordState::kUnknown:
      return kWarning;
    case WordState::kUnasked:
      break;
  }
  return kText;
}

}  // namespace

PromptField::PromptField() : edit_(kMaxBytes) {}

void PromptField::draw(NanoVG& g, const Model& model) {
  draw_panel(g, box, kPanel);
  draw_frame(g, box, focused_ ? kAccent : (hovered ? kTextFaint : kLine), focused_ ? 1.5f : 1.0f);
  const std::string& text = edit_.text();
  if (measured_ != text || offsets_.size() != text.size() + 1) {
    measured_ = text;
    offsets_.assign(text.size() + 1, 0.0f);
    for (std::size_t i = 1; i <= text.size(); ++i) {
      const bool inside = i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
      offsets_[i] =
          inside ? offsets_[i - 1] : text_width(g, std::string_view(text).substr(0, i), kTextLarge);
    }
  }
  scroll_to_caret(g);

  const float left = box.x + kPadding - scroll_;
  const float middle = box.centre_y();
  g.save();
  g.scissor(box.x + kPadding - 2, box.y, box.w - 2 * kPadding + 4, box.h);
  if (text.empty()) {
    draw_text(g, left, middle, "Describe a sound: short dark snare", kTextLarge, kTextFaint);
  }
  const auto [from, to] = edit_.selection();
  if (focused_ && from != to) {
    g.beginPath();
    g.rect(left + offsets_[from], box.y + 8, offsets_[to] - offsets_[from], box.h - 16);
    g.fillColor(faded(kAccent, 0.25f));
    g.fill();
  }
  const shim::ClipInfo& clip = model.selected_pad().clip;
  for (const Word& word : mark_words(text, clip.words_understood, clip.words_unknown)) {
    const std::string_view piece(text.data() + word.from, word.to - word.from);
    const float x = left + offsets_[word.from];
    draw_text(g, x, middle, piece, kTextLarge, word_colour(word.state));
    if (word.state != WordState::kUnknown) continue;
    g.beginPath();
    g.rect(x, middle + 10, offsets_[word.to] - offsets_[word.from], 1.5f);
    g.fillColor(faded(kWarning, 0.7f));
    g.fill();
  }
  for (std::size_t i = 0; i < text.size(); ++i) {  // commas, which belong to no word
    if (text[i] == ',') draw_text(g, left + offsets_[i], middle, ",", kTextLarge, kTextDim);
  }
  if (focused_ && caret_shown_) {
    g.beginPath();
    g.rect(left + offsets_[edit_.caret()], box.y + 9, 1.5f, box.h - 18);
    g.fillColor(kText);
    g.fill();
  }
  g.restore();
}

bool PromptField::press(const Pointer& pointer, Model&) {
  if (pointer.right_button) return false;
  set_focus(true);
  if (pointer.double_click) {
    edit_.select_word(position_at(pointer.x));
    return false;
  }
  edit_.place(position_at(pointer.x), pointer.shift);
  selecting_ = true;
  return true;
}

void PromptField::drag(const Pointer& pointer, Model&) {
  if (selecting_) edit_.place(position_at(pointer.x), true);
}

void PromptField::release(const Pointer&, Model&) { selecting_ = false; }

std::string PromptField::hint(const Model&) const {
  return "Prompt of the selected pad (Tab). Enter generates. Coloured words were understood; "
         "underlined ones decided nothing.";
}

bool PromptField::key(const KeyPress& press, Model& model) {
  if (!focused_) return false;
  caret_shown_ = true;
  blink_ticks_ = 0;
  const Step step = press.control ? Step::kWord : Step::kCharacter;
  switch (press.key) {
    case Key::kLeft:
      edit_.move_left(step, press.shift);
      return true;
    case Key::kRight:
      edit_.move_right(step, press.shift);
      return true;
    case Key::kUp:
    case Key::kHome:
      edit_.move_left(Step::kEnd, press.shift);
      return true;
    case Key::kDown:
    case Key::kEnd:
      edit_.move_right(Step::kEnd, press.shift);
      return true;
    case Key::kBackspace:
      edit_.erase_left(step);
      changed(model);
      return true;
    case Key::kDelete:
      edit_.erase_right(step);
      changed(model);
      return true;
    case Key::kEnter:
      model.generate();
      return true;
    case Key::kEscape:
    case Key::kTab:
      model.close_edit();
      set_focus(false);
      return true;
    case Key::kOther:
      return press.control ? shortcut(press, model) : false;
  }
  return false;
}

bool PromptField::shortcut(const KeyPress& press, Model& model) {
  switch (press.letter) {
    case 'a':
      edit_.select_all();
      return true;
    case 'c':
    case 'x':
      if (edit_.has_selection()) {
        model.host().copy(edit_.selected());
        if (press.letter == 'x') {
          edit_.erase_left(Step::kCharacter);
          changed(model);
        }
      }
      return true;
    case 'v':
      edit_.insert(model.host().paste());
      changed(model);
      return true;
    default:
      return false;
  }
}

bool PromptField::character(const char* utf8, Model& model) {
  if (!focused_) return false;
  const auto first = static_cast<unsigned char>(utf8[0]);
  if (first < 0x20 || first == 0x7F) return true;  // control characters came as keys
  edit_.insert(utf8);
  changed(model);
  return true;
}

void PromptField::follow(const Model& model) {
  const bool other_pad = pad_ != model.selected();
  if (!other_pad && edit_.text() == model.selected_pad().prompt) return;
  pad_ = model.selected();
  edit_.reset(model.selected_pad().prompt);
  scroll_ = 0.0f;
}

void PromptField::set_focus(bool focused) {
  focused_ = focused;
  selecting_ = false;
  caret_shown_ = true;
  blink_ticks_ = 0;
}

bool PromptField::blink() {
  if (!focused_ || ++blink_ticks_ < kBlinkTicks) return false;
  blink_ticks_ = 0;
  caret_shown_ = !caret_shown_;
  return true;
}

void PromptField::changed(Model& model) {
  caret_shown_ = true;
  blink_ticks_ = 0;
  model.set_prompt(edit_.text());
}

std::size_t PromptField::position_at(float x) const {
  const float wanted = x - (box.x + kPadding - scroll_);
  const std::size_t count = std::min(offsets_.size(), edit_.text().size() + 1);
  std::size_t best = 0;
  for (std::size_t i = 1; i < count; ++i) {
    if (std::abs(offsets_[i] - wanted) < std::abs(offsets_[best] - wanted)) best = i;
  }
  return best;
}

void PromptField::scroll_to_caret(NanoVG&) {
  const float room = box.w - 2 * kPadding;
  const float caret = offsets_[edit_.caret()];
  scroll_ = std::min(scroll_, caret);
  scroll_ = std::max(scroll_, caret - room + 2.0f);
  scroll_ = std::clamp(scroll_, 0.0f, std::max(0.0f, offsets_.back() - room + 2.0f));
}

}  // namespace driftwave::editor
