// What the threads of a Generator share: the audio side, and under one mutex the pads and wishes.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "shim/clip_exchange.h"
#include "shim/generator.h"
#include "shim/history.h"
#include "shim/pad.h"
#include "shim/parameter_store.h"
#include "shim/player.h"
#include "shim/state.h"

namespace driftwave::shim {

/// Something the user asked for.
struct Wish {
  enum class Kind : std::uint8_t { kGenerate, kVary, kInterpolate } kind = Kind::kGenerate;
  std::uint32_t pad = 0;
};

/// One pad, as the mutex guards it.
struct PadModel {
  History history;
  std::uint64_t sounding = 0;     ///< serial of the clip the audio thread was given or took last
  std::uint64_t other = 0;        ///< serial of the clip before it: the B of A/B
  PadValues before_gesture{};     ///< the values when a hand took hold of one
  std::uint32_t importing = 0;    ///< files being read for this pad
  std::optional<PadClip> origin;  ///< the clip the user chose last; fresh hits do not change it
  std::vector<PadClip> pool;      ///< fresh variations that the audio thread may take
  bool waiting = false;
  float progress = 0.0F;

  PadSettings& settings() { return history.present().settings; }
  const PadSettings& settings() const { return history.present().settings; }
};

/// What the link thread tells the editor.
struct EngineReport {
  EngineStatus status = EngineStatus::kOff;
  std::string text;
  std::string device;
  std::string version;
  std::vector<std::string> voices;
  float progress = 0.0F;
  std::uint32_t jobs = 0;
};

class Core {
 public:
  // ---- without the mutex ----
  ParameterStore parameters;
  ClipExchange exchange;
  Player player{parameters, exchange};  // after the exchange: it gives its clips back to it

  // ---- with the mutex; functions below expect it to be held ----
  mutable std::mutex mutex;
  std::array<PadModel, kPadCount> pads;
  std::deque<Wish> wishes;
  bool cancel_wished = false;
  EngineReport report;
  std::string message;
  std::uint64_t revision = 1;

  /// [ui] [link] A new clip. With `step` 0 it becomes the pad's clip in a step of its own, whose id
  /// is returned; with that id it joins the step's variations and what sounds stays, and a step
  /// that is gone drops it.
  std::uint64_t add_clip(std::uint32_t pad, PadClip clip, std::uint64_t step = 0);
  /// [ui] [link] The step that an edit of this kind goes into.
  Step& edit(std::uint32_t pad, Change change);
  /// [ui] A hand takes hold of one of the pad's values, and lets go of it.
  void begin_gesture(std::uint32_t pad);
  void end_gesture(std::uint32_t pad);
  /// [ui] [link] Another step of the history; false when there is none.
  bool choose(std::uint32_t pad, std::size_t position);
  bool undo(std::uint32_t pad);  ///< [ui] [link]
  bool redo(std::uint32_t pad);  ///< [ui] [link]
  /// [ui] [link] Another variation of the present step; false when there is none.
  bool pick(std::uint32_t pad, std::size_t variation);
  /// [ui] [link] Swaps the sound with the one before it; false when that is gone.
  bool compare(std::uint32_t pad);
  /// [ui] An empty pad as a step of its own.
  void clear_clip(std::uint32_t pad);
  /// [link] A variation for the pad's pool; dropped when the pool is full.
  void add_fresh(std::uint32_t pad, PadClip clip);
  /// [ui] [link] Forgets the pool's variations that have not been played.
  void clear_fresh(std::uint32_t pad);
  /// [ui] [link] Takes note of the variations the audio thread has played, and deletes what it no
  /// longer needs.
  void settle();
  /// [ui] The project's settings, as one consistent copy; clips share their samples and bytes.
  SavedState save() const;
  /// [ui] [link] The pad's parameters as they are.
  PadValues values(std::uint32_t pad) const;
  /// [ui] Puts a read state in place of everything.
  void load(SavedState state);
  /// [ui] [link] Words for the editor.
  void tell(std::string text) {
    message = std::move(text);
    ++revision;
  }

 private:
  void sound(std::uint32_t pad);

  std::uint64_t next_serial_ = 1;
};

}  // namespace driftwave::shim
