// One CLAP plugin instance, hosted without sound card or screen.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clap/entry.h"
#include "clap/events.h"
#include "clap/ext/audio-ports.h"
#include "clap/ext/latency.h"
#include "clap/ext/note-ports.h"
#include "clap/ext/params.h"
#include "clap/ext/state.h"
#include "clap/plugin-factory.h"

namespace driftwave::host {

/// A loaded .clap file.
class Module {
 public:
  /// Loads and initialises; throws std::runtime_error with what failed.
  explicit Module(const std::string& path);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const clap_plugin_factory_t* factory() const { return factory_; }
  const clap_plugin_descriptor_t* descriptor() const { return descriptor_; }

 private:
  void* library_ = nullptr;
  const clap_plugin_entry_t* entry_ = nullptr;
  const clap_plugin_factory_t* factory_ = nullptr;
  const clap_plugin_descriptor_t* descriptor_ = nullptr;
};

/// What the host offers beyond the bare minimum.
struct HostOffers {
  bool latency = true;
  bool params = true;
};

class Instance {
 public:
  /// Creates and initialises the module's first plugin; throws std::runtime_error.
  Instance(const Module& module, HostOffers offers);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  void activate(double sample_rate_hz, std::uint32_t max_frames);
  void deactivate();

  std::uint32_t parameter_count() const;
  /// False for an index out of range.
  bool parameter_info(std::uint32_t index, clap_param_info_t& info) const;
  bool parameter_value(clap_id id, double& value) const;
  std::string parameter_text(clap_id id, double value) const;
  /// 0 when the plugin has no latency extension.
  std::uint32_t latency() const;
  std::uint32_t output_channels() const;

  // Events wait until the frame counted from the next render() comes by.
  void queue_parameter(clap_id id, double value, std::uint32_t frame);
  void queue_note(bool on, std::int16_t key, double velocity, std::uint32_t frame);
  void queue_midi(const std::uint8_t bytes[3], std::uint32_t frame);
  /// Hands the waiting parameter events over without processing.
  void flush();

  /// The song from the next block on: at `frame` of it, at a tempo in quarter notes a minute. It
  /// goes on with every block while it plays.
  void set_transport(bool playing, double bpm, std::int64_t frame, std::uint16_t beats,
                     std::uint16_t unit);

  /// Processes `frames` frames in blocks of least..most frames (random, from `seed`) and appends
  /// interleaved stereo samples to `out`. False when the plugin reports an error.
  bool render(std::uint32_t frames, std::uint32_t least, std::uint32_t most, std::uint32_t seed,
              std::vector<float>& out);

  /// Streams pass at most `chunk` bytes a call, as hosts do.
  bool save(std::vector<char>& bytes, std::size_t chunk) const;
  bool load(const std::vector<char>& bytes, std::size_t chunk) const;

  std::uint32_t flush_requests() const { return flush_requests_; }

 private:
  union Event {
    clap_event_header_t header;
    clap_event_note_t note;
    clap_event_midi_t midi;
    clap_event_param_value_t parameter;
  };

  template <typename T>
  const T* extension(const char* id) const {
    return static_cast<const T*>(plugin_->get_extension(plugin_, id));
  }
  static const void* get_host_extension(const clap_host_t* host, const char* id);
  void queue(const Event& event);
  void place_transport();

  HostOffers offers_;
  clap_host_t host_{};
  const clap_plugin_t* plugin_ = nullptr;
  bool active_ = false;
  std::uint32_t max_frames_ = 0;
  std::int64_t steady_time_ = 0;
  double sample_rate_ = 0.0;
  clap_event_transport_t transport_{};
  std::int64_t song_frame_ = 0;
  std::vector<Event> waiting_;
  std::uint32_t flush_requests_ = 0;
};

}  // namespace driftwave::host
