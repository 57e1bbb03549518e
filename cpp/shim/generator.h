// Driftwave Generate without a plugin format: sixteen pads that play generated clips.
//
// Threading model. Three kinds of thread may hold a Generator:
//   [audio]  calls process(); one at a time. Never waits: clips reach it by a queue, and it
//            answers by another.
//   [ui]     every other thread of the host or the editor: main thread, editor thread, workers.
//            These functions take one mutex that nobody holds for longer than it takes to copy
//            a few strings; they never wait for the engine.
//   [link]   the Generator's own thread: connects to the engine, copies clips in, encodes them.
// [any] functions may be called from all of them, the audio thread included.
//
// The plugin's wrapper owns exactly one Generator for each instance. prepare() and process() never
// run at the same time (the host sees to that); everything else may run at any time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "link/realtime.h"
#include "shim/parameters.h"

namespace driftwave::shim {

/// One short MIDI message at its frame within the block. Frames rise; late ones count as the last.
struct MidiEvent {
  std::uint32_t frame = 0;
  std::uint8_t bytes[3] = {0, 0, 0};
  std::uint8_t size = 0;  ///< 1..3; longer messages are not for this instrument
};

/// What the host says about its time line, at the first frame of a block.
struct Transport {
  bool playing = false;
  bool tempo_valid = false;   ///< bpm, beat and bar_quarters are the host's
  bool frame_valid = false;   ///< frame is the host's
  double bpm = 120.0;         ///< quarter notes a minute
  double beat = 0.0;          ///< quarter notes since the start
  double bar_quarters = 4.0;  ///< quarter notes in a bar
  std::int64_t frame = 0;     ///< host frames since the start
};

/// How a Generator reaches the engine. The defaults are those of an installed plugin.
struct GeneratorOptions {
  bool link = true;       ///< false: no link thread at all; clips come by set_clip and load_state
  bool autostart = true;  ///< start the engine by the launch record when none answers
  std::string runtime_dir{};  ///< empty: as the engine chooses it
  std::string config_dir{};   ///< empty: as `driftwave install` chooses it
  std::string plugin_kind = "generate";
};

inline constexpr std::size_t kPeakCount = 256;     ///< columns of a waveform picture
inline constexpr std::size_t kHistoryLength = 32;  ///< steps kept for each pad
inline constexpr std::size_t kMaxVariations = 8;   ///< clips of one step to choose from
inline constexpr double kMaxQuarters = 4096.0;     ///< longest loop, in quarter notes
inline constexpr std::int64_t kRandomSeed = -1;    ///< a new seed at every Generate

/// One clip of a pad, as words and numbers.
struct ClipInfo {
  std::uint64_t serial = 0;  ///< differs for every clip this Generator ever held; 0 = no clip
  std::string clip_id;       ///< in the engine's library; empty when imported
  std::string prompt;
  std::string negative;
  std::string voice;
  std::string voice_hash;
  std::string words_understood;
  std::string words_unknown;
  std::int64_t seed = kRandomSeed;
  std::uint32_t index = 0;
  double sample_rate_hz = 0.0;
  std::uint32_t channels = 0;
  std::uint32_t frames = 0;
  double quarters = 0.0;  ///< its length in quarter notes when made in bars, else 0
  bool imported = false;  ///< came by set_clip or import_file
};

/// One pad as the editor shows it.
struct PadInfo {
  std::string name;  ///< given by the user, else empty: show the prompt
  std::string prompt;
  std::string negative;
  std::string voice;                ///< empty: the engine's default
  std::int64_t seed = kRandomSeed;  ///< of the next Generate if the seed is locked
  bool waiting = false;             ///< a generation for this pad is under way
  float progress = 0.0f;            ///< of that generation
  std::uint32_t pool = 0;           ///< fresh variations ready
  std::uint32_t history = 0;        ///< steps in the history
  std::uint32_t history_at = 0;     ///< which of them is present
  std::uint32_t variations = 0;     ///< clips of this step to choose from
  std::uint32_t variation = 0;      ///< which of them is `clip`
  std::array<std::uint64_t, kMaxVariations> variation_serials{};
  bool comparable = false;      ///< compare() has something to go back to
  bool importing = false;       ///< a file is being read for this pad
  float loop_position = -1.0f;  ///< 0..1 within the loop that sounds; negative: none
  std::uint32_t hits = 0;       ///< note-ons so far; the editor flashes the pad when it changes
  ClipInfo clip;
};

/// Everything the editor draws, copied in one go.
struct Snapshot {
  std::uint64_t serial = 0;  ///< changes when anything but `hits`, progress or voices changes
  EngineStatus status = EngineStatus::kOff;
  std::string status_text;  ///< one sentence: what the engine is doing, or why it is not there
  std::string message;      ///< the last error or warning in words; empty when all is well
  std::string device;       ///< where the engine computes
  std::string engine_version;
  std::vector<std::string> voices;  ///< the first is the default
  float progress = 0.0f;
  std::uint32_t jobs = 0;  ///< requests under way
  std::uint32_t playing_voices = 0;
  std::uint64_t late_variations = 0;
  std::uint32_t selected_pad = 0;  ///< from 0
  bool transport_playing = false;
  double bpm = 120.0;         ///< the host's, as far as it says one
  double bar_quarters = 4.0;  ///< quarter notes in a bar
  std::array<PadInfo, kPadCount> pads;
};

/// Least and greatest sample of each column, of the louder channel: the picture of a clip.
struct Peaks {
  std::uint64_t serial = 0;  ///< of the clip
  std::array<float, kPeakCount> low{};
  std::array<float, kPeakCount> high{};
};

class Generator {
 public:
  explicit Generator(const GeneratorOptions& options = {});  // [ui]
  ~Generator();  // [ui] joins the link thread: at once, at most 0.4 s with a stopped engine
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // ---- audio ----

  /// [ui] Before the first process() and whenever the host changes rate or block size. Silences all
  /// voices. Blocks may still be longer or shorter than `max_block_frames`.
  void prepare(double sample_rate_hz, std::uint32_t max_block_frames);

  /// [audio] Writes `frames` frames to outputs[0] and outputs[1]; what was there is overwritten.
  /// `frames` may be 0 (parameters only). Output is always finite.
  void process(float* const outputs[2], std::uint32_t frames, std::span<const MidiEvent> events,
               const Transport& transport) noexcept RT_NONBLOCKING;

  /// [any] Silences everything within 5 ms at the next process().
  void panic() noexcept RT_NONBLOCKING;

  /// [any] Fades one pad's voices out at the next process(), as fast as a choke.
  void stop(std::uint32_t pad) noexcept RT_NONBLOCKING;

  // ---- parameters ----

  /// [any] Clamped and rounded by the table; unknown indexes and outputs are ignored. A trigger
  /// acts when its value rises above 0.5, and needs no process() call to be seen.
  void set_parameter(std::uint32_t index, float value) noexcept RT_NONBLOCKING;
  /// [any] Outputs too; 0 for an unknown index.
  float parameter(std::uint32_t index) const noexcept RT_NONBLOCKING;

  // ---- pads; `pad` counts from 0, one out of range does nothing ----

  void set_prompt(std::uint32_t pad, std::string_view text);    // [ui] cut to 511 bytes
  void set_negative(std::uint32_t pad, std::string_view text);  // [ui] cut to 255 bytes
  void set_voice(std::uint32_t pad, std::string_view name);     // [ui] empty: the default
  void set_name(std::uint32_t pad, std::string_view name);      // [ui]
  /// [ui] Locks the pad's seed; kRandomSeed unlocks it.
  void set_seed(std::uint32_t pad, std::int64_t seed);
  std::string prompt(std::uint32_t pad) const;    // [ui]
  std::string negative(std::uint32_t pad) const;  // [ui]
  std::string voice(std::uint32_t pad) const;     // [ui]
  std::string name(std::uint32_t pad) const;      // [ui]
  std::int64_t seed(std::uint32_t pad) const;     // [ui]

  /// [ui] As the triggers, for a pad of choice. The result arrives later; see snapshot().
  void generate(std::uint32_t pad);
  void vary(std::uint32_t pad);  // [ui]
  /// [ui] Sounds between the pad's and the partner pad's (parameter `partner`).
  void interpolate(std::uint32_t pad);
  void cancel();  // [ui] every request of this plugin

  /// [ui] Step through the changes of a pad: its sounds, words and levels. False at the end. Steps
  /// live in the instrument and in the project, whether an editor is open or not. Automation and
  /// the host's own knobs make no steps.
  bool undo(std::uint32_t pad);
  bool redo(std::uint32_t pad);                            // [ui]
  bool choose(std::uint32_t pad, std::uint32_t position);  // [ui] any step of the history
  /// [ui] Plays another variation of the present step; none is lost by it. False when there is
  /// none.
  bool pick(std::uint32_t pad, std::uint32_t variation);
  /// [ui] A/B: the sound the pad had before, and forth again. False when there is none.
  bool compare(std::uint32_t pad);
  void clear_clip(std::uint32_t pad);  // [ui] can be undone
  /// [ui] A hand takes hold of one of the pad's parameters and lets go of it: one step.
  void begin_gesture(std::uint32_t pad);
  void end_gesture(std::uint32_t pad);
  /// [ui] The next edit of the pad's words makes a step of its own.
  void close_edit(std::uint32_t pad);

  /// [ui] Puts the user's own audio on a pad. `channels` are 1 or 2 spans of equal length, at most
  /// 60 s; peaks beyond full scale are scaled down; stored at 24 bit. False and a message when it
  /// can't be used.
  bool set_clip(std::uint32_t pad, std::span<const std::span<const float>> channels,
                double sample_rate_hz, std::string_view name, std::string& message);
  /// [ui] The same from a WAV, AIFF or FLAC file.
  bool import_file(std::uint32_t pad, const std::filesystem::path& path, std::string& message);
  /// [ui] The same on a thread of its own; what goes wrong is said in snapshot().message.
  void import_later(std::uint32_t pad, const std::filesystem::path& path);
  /// [ui] Writes the pad's clip as 24-bit WAV; into a folder under a name of its own when `path` is
  /// a folder. The written path goes to `written`.
  bool export_wav(std::uint32_t pad, const std::filesystem::path& path,
                  std::filesystem::path& written, std::string& message) const;
  /// [ui] The pad's clip as planar samples at its own rate; empty when there is none.
  std::vector<std::vector<float>> clip_samples(std::uint32_t pad) const;

  /// [ui] A hit from the editor or a controller, heard at the next process(): velocity 0 releases.
  /// False for numbers beyond 127 or when 128 such notes already wait.
  bool play_note(std::uint32_t note, std::uint32_t velocity);

  // ---- what the editor shows ----

  Snapshot snapshot() const;             // [ui]
  Peaks peaks(std::uint32_t pad) const;  // [ui] of the pad's clip; zeros when there is none
  Peaks peaks(std::uint32_t pad, std::uint32_t variation) const;  // [ui] of one to choose from
  void clear_message();                                           // [ui]

  // ---- state ----

  /// [ui] Everything a project must remember, the clips included. Equal settings give equal bytes.
  std::vector<std::uint8_t> save_state() const;
  /// [ui] Puts a saved state in place. A state that is broken, too large or from a newer version is
  /// refused: false, the reason in `message`, and nothing has changed.
  bool load_state(std::span<const std::uint8_t> bytes, std::string& message);
  /// [ui] The same as base64 text, for hosts that store text.
  std::string save_state_text() const;
  bool load_state_text(std::string_view text, std::string& message);  // [ui]

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace driftwave::shim
