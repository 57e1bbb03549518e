// The editor window of Driftwave Generate: lays its controls out and hands them the events.
//
// Everything runs on the host's editor thread [ui]. The editor reads the instrument directly (it
// lives in the same process) and writes parameters through the host, so that they are automated.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "DistrhoUI.hpp"
#include "editor/control.h"
#include "editor/labels.h"
#include "editor/model.h"
#include "editor/pad_grid.h"
#include "editor/prompt_field.h"
#include "editor/wave_view.h"

namespace driftwave::editor {

class Editor : public DISTRHO_NAMESPACE::UI, private HostLink {
 public:
  Editor();

 protected:
  void parameterChanged(std::uint32_t, float) override {}  // read from the instrument instead
  void stateChanged(const char*, const char*) override {}
  void uiFileBrowserSelected(const char* filename) override;
  void uiIdle() override;
  void uiFocus(bool focus, DGL_NAMESPACE::CrossingMode mode) override;
  void onNanoDisplay() override;
  bool onMouse(const MouseEvent& event) override;
  bool onMotion(const MotionEvent& event) override;
  bool onScroll(const ScrollEvent& event) override;
  bool onKeyboard(const KeyboardEvent& event) override;
  bool onCharacterInput(const CharacterInputEvent& event) override;

 private:
  using Clock = std::chrono::steady_clock;

  // HostLink
  void gesture(std::uint32_t parameter, bool begin) override;
  void set(std::uint32_t parameter, float value) override;
  void copy(std::string_view text) override;
  std::string paste() override;
  void browse() override;

  bool shortcut(const KeyPress& press);
  template <typename T, typename... Arguments>
  T& add(Arguments&&... arguments) {
    auto control = std::make_unique<T>(std::forward<Arguments>(arguments)...);
    T& reference = *control;
    controls_.push_back(std::move(control));
    return reference;
  }
  void add_buttons();
  void add_knobs();
  void layout(float width, float height);
  void layout_knobs(const Box& area);
  void add_loop_controls();
  float zoom() const;
  Pointer pointer_at(const DGL_NAMESPACE::Point<double>& position, std::uint32_t modifiers) const;
  Control* control_at(float x, float y);
  void hover(Control* control);

  Model model_;
  std::vector<std::unique_ptr<Control>> controls_;
  Control* held_ = nullptr;     ///< took the pointer
  Control* hovered_ = nullptr;  ///< under the pointer
  Clock::time_point last_press_{};
  Pointer last_press_at_{};
  Clock::time_point last_refresh_{};
  bool drawn_once_ = false;

  Heading* heading_ = nullptr;
  PadGrid* pads_ = nullptr;
  PromptField* prompt_ = nullptr;
  WaveView* wave_ = nullptr;
  SeedLabel* seed_ = nullptr;
  StatusLine* status_ = nullptr;
  std::vector<Control*> action_row_;    ///< Generate, Vary, Interpolate and its partner, Cancel
  std::vector<Control*> choice_row_;    ///< variations, A/B, how many
  std::vector<Control*> loop_row_;      ///< loop, bars, tempo, undo, redo, fresh
  std::vector<Control*> clip_buttons_;  ///< lock, copy, paste, import, export
  std::vector<Control*> sound_knobs_;
  std::vector<Control*> pad_knobs_;
  std::vector<Control*> output_knobs_;
  Control* one_shot_ = nullptr;
  Section* sound_section_ = nullptr;
  Section* pad_section_ = nullptr;
  Section* output_section_ = nullptr;
};

}  // namespace driftwave::editor
