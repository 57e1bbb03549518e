// What the editor's controls read and change: the instrument, seen through the host.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "shim/generator.h"

namespace driftwave::editor {

/// The host's side of an edit: automation gestures and the clipboard. [ui]
class HostLink {
 public:
  virtual ~HostLink() = default;
  virtual void gesture(std::uint32_t parameter, bool begin) = 0;
  virtual void set(std::uint32_t parameter, float value) = 0;
  virtual void copy(std::string_view text) = 0;
  virtual std::string paste() = 0;
  /// Asks for an audio file; the answer comes by Model::import.
  virtual void browse() = 0;
};

/// A copy of the instrument's state for one picture, and the actions of the user. [ui]
class Model {
 public:
  Model(shim::Generator& generator, HostLink& host) : generator_(generator), host_(host) {}

  /// Copies the present state; true when the picture must be drawn again.
  bool refresh();

  const shim::Snapshot& snapshot() const { return snapshot_; }
  std::uint32_t selected() const { return snapshot_.selected_pad; }
  const shim::PadInfo& pad(std::uint32_t index) const { return snapshot_.pads[index]; }
  const shim::PadInfo& selected_pad() const { return pad(selected()); }
  const shim::Peaks& peaks(std::uint32_t index) const { return peaks_[index]; }
  /// Of a variation of the selected pad.
  const shim::Peaks& variation_peaks(std::uint32_t index) const { return variation_peaks_[index]; }
  /// 1 just after a hit, falling to 0.
  float flash(std::uint32_t index) const { return flash_[index]; }
  float value(std::uint32_t parameter) const { return generator_.parameter(parameter); }

  // Parameters. set() stands between begin() and end(); change() is all three.
  void begin(std::uint32_t parameter);
  void set(std::uint32_t parameter, float value);
  void end(std::uint32_t parameter);
  void change(std::uint32_t parameter, float value);

  // Actions on the selected pad.
  void select(std::uint32_t pad);
  void hit(std::uint32_t pad, std::uint32_t velocity);  // 0 releases
  void set_prompt(std::string_view text);
  void generate();
  void vary();
  void interpolate();
  void pick(std::uint32_t variation);
  void compare();
  void import(const std::string& path);
  /// A file or a file's address from the clipboard; false when it holds none.
  bool import_from_clipboard();
  void close_edit();
  void toggle_loop();
  void cancel();
  void undo();
  void redo();
  void choose(std::uint32_t position);
  void lock_seed(bool locked);
  void copy_seed();
  void paste_seed();
  void export_clip();
  void dismiss();

  HostLink& host() { return host_; }
  /// What the editor itself has to say, such as the path of an exported file.
  const std::string& notice() const { return notice_; }
  bool notice_is_error() const { return notice_is_error_; }

 private:
  void say(std::string text, bool error = false);
  // Does something that may change the pad's parameters, and tells the host which.
  template <typename Action>
  void travel(Action action);
  // Tells the host that the project changed, in the one way that every format has.
  void mark_changed();

  shim::Generator& generator_;
  HostLink& host_;
  shim::Snapshot snapshot_;
  std::array<shim::Peaks, shim::kPadCount> peaks_{};
  std::array<shim::Peaks, shim::kMaxVariations> variation_peaks_{};
  std::array<float, shim::kPadCount> flash_{};
  std::array<float, shim::kParameterCount> values_{};
  std::string notice_;
  bool notice_is_error_ = false;
  bool fresh_notice_ = false;
};

}  // namespace driftwave::editor
