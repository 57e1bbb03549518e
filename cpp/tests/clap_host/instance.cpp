#include "instance.h"

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>

namespace driftwave::host {

namespace {

constexpr std::uint32_t kChannels = 2;

// The events of one block, in the shape the plugin asks for.
struct BlockEvents {
  std::vector<const clap_event_header_t*> events;
  clap_input_events_t list{};

  BlockEvents() {
    list.ctx = this;
    list.size = [](const clap_input_events_t* self) {
      return static_cast<std::uint32_t>(static_cast<BlockEvents*>(self->ctx)->events.size());
    };
    list.get = [](const clap_input_events_t* self, std::uint32_t index) {
      return static_cast<BlockEvents*>(self->ctx)->events[index];
    };
  }
};

bool ignore_event(const clap_output_events_t*, const clap_event_header_t*) { return true; }

}  // namespace

Module::Module(const std::string& path) {
  library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) throw std::runtime_error(dlerror());
  entry_ = static_cast<const clap_plugin_entry_t*>(dlsym(library_, "clap_entry"));
  if (entry_ == nullptr) throw std::runtime_error("no clap_entry in " + path);
  if (!clap_version_is_compatible(entry_->clap_version)) throw std::runtime_error("CLAP version");
  if (!entry_->init(path.c_str())) throw std::runtime_error("clap_entry.init failed");
  factory_ = static_cast<const clap_plugin_factory_t*>(entry_->get_factory(CLAP_PLUGIN_FACTORY_ID));
  if (factory_ == nullptr || factory_->get_plugin_count(factory_) == 0)
    throw std::runtime_error("no plugin in " + path);
  descriptor_ = factory_->get_plugin_descriptor(factory_, 0);
}

Module::~Module() {
  if (entry_ != nullptr) entry_->deinit();
  // The library stays loaded: its threads have ended, but hosts differ in whether they unload.
}

Instance::Instance(const Module& module, HostOffers offers) : offers_(offers) {
  host_.clap_version = CLAP_VERSION;
  host_.host_data = this;
  host_.name = "clap-host";
  host_.vendor = "Driftwave";
  host_.url = "";
  host_.version = "1";
  host_.get_extension = &Instance::get_host_extension;
  host_.request_restart = [](const clap_host_t*) {};
  host_.request_process = [](const clap_host_t*) {};
  host_.request_callback = [](const clap_host_t*) {};
  plugin_ = module.factory()->create_plugin(module.factory(), &host_, module.descriptor()->id);
  if (plugin_ == nullptr) throw std::runtime_error("create_plugin failed");
  if (!plugin_->init(plugin_)) throw std::runtime_error("plugin.init failed");
}

Instance::~Instance() {
  deactivate();
  plugin_->destroy(plugin_);
}

const void* Instance::get_host_extension(const clap_host_t* host, const char* id) {
  static const clap_host_latency_t latency = {[](const clap_host_t*) {}};
  static const clap_host_params_t params = {
      [](const clap_host_t*, clap_param_rescan_flags) {},
      [](const clap_host_t*, clap_id, clap_param_clear_flags) {},
      [](const clap_host_t* self) { ++static_cast<Instance*>(self->host_data)->flush_requests_; }};
  const auto* const self = static_cast<const Instance*>(host->host_data);
  if (self->offers_.latency && std::strcmp(id, CLAP_EXT_LATENCY) == 0) return &latency;
  if (self->offers_.params && std::strcmp(id, CLAP_EXT_PARAMS) == 0) return &params;
  return nullptr;
}

void Instance::activate(double sample_rate_hz, std::uint32_t max_frames) {
  sample_rate_ = sample_rate_hz;
  deactivate();
  if (!plugin_->activate(plugin_, sample_rate_hz, 1, max_frames))
    throw std::runtime_error("activate failed");
  if (!plugin_->start_processing(plugin_)) throw std::runtime_error("start_processing failed");
  active_ = true;
  max_frames_ = max_frames;
}

void Instance::deactivate() {
  if (!active_) return;
  plugin_->stop_processing(plugin_);
  plugin_->deactivate(plugin_);
  active_ = false;
}

std::uint32_t Instance::parameter_count() const {
  const auto* const params = extension<clap_plugin_params_t>(CLAP_EXT_PARAMS);
  return params == nullptr ? 0 : params->count(plugin_);
}

bool Instance::parameter_info(std::uint32_t index, clap_param_info_t& info) const {
  const auto* const params = extension<clap_plugin_params_t>(CLAP_EXT_PARAMS);
  return params != nullptr && params->get_info(plugin_, index, &info);
}

bool Instance::parameter_value(clap_id id, double& value) const {
  const auto* const params = extension<clap_plugin_params_t>(CLAP_EXT_PARAMS);
  return params != nullptr && params->get_value(plugin_, id, &value);
}

std::string Instance::parameter_text(clap_id id, double value) const {
  const auto* const params = extension<clap_plugin_params_t>(CLAP_EXT_PARAMS);
  char text[128] = {};
  if (params == nullptr || !params->value_to_text(plugin_, id, value, text, sizeof text)) return {};
  return text;
}

std::uint32_t Instance::latency() const {
  const auto* const latency = extension<clap_plugin_latency_t>(CLAP_EXT_LATENCY);
  return latency == nullptr ? 0 : latency->get(plugin_);
}

std::uint32_t Instance::output_channels() const {
  const auto* const ports = extension<clap_plugin_audio_ports_t>(CLAP_EXT_AUDIO_PORTS);
  clap_audio_port_info_t info{};
  if (ports == nullptr || ports->count(plugin_, false) != 1 ||
      !ports->get(plugin_, 0, false, &info))
    return 0;
  return info.channel_count;
}

void Instance::queue(const Event& event) {
  const auto place = std::upper_bound(
      waiting_.begin(), waiting_.end(), event,
      [](const Event& a, const Event& b) { return a.header.time < b.header.time; });
  waiting_.insert(place, event);
}

void Instance::queue_parameter(clap_id id, double value, std::uint32_t frame) {
  Event event{};
  event.parameter.header = {sizeof(clap_event_param_value_t), frame, CLAP_CORE_EVENT_SPACE_ID,
                            CLAP_EVENT_PARAM_VALUE, 0};
  event.parameter.param_id = id;
  event.parameter.note_id = event.parameter.port_index = event.parameter.channel = -1;
  event.parameter.key = -1;
  event.parameter.value = value;
  queue(event);
}

void Instance::queue_note(bool on, std::int16_t key, double velocity, std::uint32_t frame) {
  Event event{};
  event.note.header = {sizeof(clap_event_note_t), frame, CLAP_CORE_EVENT_SPACE_ID,
                       static_cast<std::uint16_t>(on ? CLAP_EVENT_NOTE_ON : CLAP_EVENT_NOTE_OFF),
                       0};
  event.note.note_id = -1;
  event.note.key = key;
  event.note.velocity = velocity;
  queue(event);
}

void Instance::queue_midi(const std::uint8_t bytes[3], std::uint32_t frame) {
  Event event{};
  event.midi.header = {sizeof(clap_event_midi_t), frame, CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_MIDI,
                       0};
  std::copy_n(bytes, 3, event.midi.data);
  queue(event);
}

void Instance::flush() {
  const auto* const params = extension<clap_plugin_params_t>(CLAP_EXT_PARAMS);
  if (params == nullptr) return;
  BlockEvents block;
  for (const Event& event : waiting_) block.events.push_back(&event.header);
  clap_output_events_t output{nullptr, ignore_event};
  params->flush(plugin_, &block.list, &output);
  waiting_.clear();
}

bool Instance::render(std::uint32_t frames, std::uint32_t least, std::uint32_t most,
                      std::uint32_t seed, std::vector<float>& out) {
  if (!active_ || most > max_frames_) throw std::runtime_error("not active, or blocks too large");
  std::mt19937 random(seed);
  std::uniform_int_distribution<std::uint32_t> any_size(least, most);
  std::vector<float> left(most);
  std::vector<float> right(most);
  float* channels[kChannels] = {left.data(), right.data()};
  clap_audio_buffer_t output{channels, nullptr, kChannels, 0, 0};
  clap_output_events_t output_events{nullptr, ignore_event};
  for (std::uint32_t done = 0; done < frames;) {
    const std::uint32_t size = std::min(any_size(random), frames - done);
    std::fill(left.begin(), left.end(), NAN);  // the plugin must write every sample
    std::fill(right.begin(), right.end(), NAN);
    std::vector<Event> due;
    for (const Event& event : waiting_) {
      if (event.header.time >= done + size) break;
      due.push_back(event);
      due.back().header.time -= std::min(event.header.time, done);
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(due.size()));
    BlockEvents block;
    for (const Event& event : due) block.events.push_back(&event.header);
    clap_process_t process{};
    process.steady_time = steady_time_;
    place_transport();
    if (transport_.header.size > 0) process.transport = &transport_;
    process.frames_count = size;
    process.audio_outputs = &output;
    process.audio_outputs_count = 1;
    process.in_events = &block.list;
    process.out_events = &output_events;
    if (plugin_->process(plugin_, &process) == CLAP_PROCESS_ERROR) return false;
    for (std::uint32_t i = 0; i < size; ++i) {
      out.push_back(left[i]);
      out.push_back(right[i]);
    }
    steady_time_ += size;
    if ((transport_.flags & CLAP_TRANSPORT_IS_PLAYING) != 0) song_frame_ += size;
    done += size;
  }
  for (Event& event : waiting_) event.header.time -= std::min(event.header.time, frames);
  return true;
}

void Instance::set_transport(bool playing, double bpm, std::int64_t frame, std::uint16_t beats,
                             std::uint16_t unit) {
  transport_ = {};
  transport_.header = {sizeof transport_, 0, CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_TRANSPORT, 0};
  transport_.flags = CLAP_TRANSPORT_HAS_TEMPO | CLAP_TRANSPORT_HAS_BEATS_TIMELINE |
                     CLAP_TRANSPORT_HAS_SECONDS_TIMELINE | CLAP_TRANSPORT_HAS_TIME_SIGNATURE |
                     (playing ? std::uint32_t{CLAP_TRANSPORT_IS_PLAYING} : 0U);
  transport_.tempo = bpm;
  transport_.tsig_num = beats;
  transport_.tsig_denom = unit;
  song_frame_ = frame;
}

void Instance::place_transport() {
  const double seconds = static_cast<double>(song_frame_) / sample_rate_;
  transport_.song_pos_seconds = std::llround(seconds * static_cast<double>(CLAP_SECTIME_FACTOR));
  transport_.song_pos_beats =
      std::llround(seconds * transport_.tempo / 60.0 * static_cast<double>(CLAP_BEATTIME_FACTOR));
}

bool Instance::save(std::vector<char>& bytes, std::size_t chunk) const {
  struct Context {
    std::vector<char>* bytes;
    std::size_t chunk;
  } context{&bytes, chunk};
  clap_ostream_t stream{};
  stream.ctx = &context;
  stream.write = [](const clap_ostream_t* self, const void* data, std::uint64_t size) {
    auto* const to = static_cast<Context*>(self->ctx);
    const std::size_t count = std::min<std::size_t>(size, to->chunk);
    const auto* const from = static_cast<const char*>(data);
    to->bytes->insert(to->bytes->end(), from, from + count);
    return static_cast<std::int64_t>(count);
  };
  const auto* const state = extension<clap_plugin_state_t>(CLAP_EXT_STATE);
  return state != nullptr && state->save(plugin_, &stream);
}

bool Instance::load(const std::vector<char>& bytes, std::size_t chunk) const {
  struct Context {
    const std::vector<char>* bytes;
    std::size_t chunk;
    std::size_t at;
  } context{&bytes, chunk, 0};
  clap_istream_t stream{};
  stream.ctx = &context;
  stream.read = [](const clap_istream_t* self, void* data, std::uint64_t size) {
    auto* const from = static_cast<Context*>(self->ctx);
    const std::size_t left = from->bytes->size() - from->at;
    const std::size_t count = std::min({static_cast<std::size_t>(size), from->chunk, left});
    std::copy_n(from->bytes->data() + from->at, count, static_cast<char*>(data));
    from->at += count;
    return static_cast<std::int64_t>(count);
  };
  const auto* const state = extension<clap_plugin_state_t>(CLAP_EXT_STATE);
  return state != nullptr && state->load(plugin_, &stream);
}

}  // namespace driftwave::host
