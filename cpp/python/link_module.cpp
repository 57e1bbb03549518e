// Both ends of the link for Python: EngineLink serves plugins, LinkClient plays one.
#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstring>
#include <string>

#include "link/client.h"
#include "link/engine_side.h"
#include "python/layout_table.h"
#include "python/module.h"

namespace py = pybind11;
using namespace driftwave::link;

namespace {

using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;

template <std::size_t N>
py::str text_of(const char (&from)[N]) {
  const std::string_view text = get_text(from);
  PyObject* decoded =
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
  if (decoded == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(decoded);
}

template <typename T>
py::bytes pod_bytes(const T& pod) {
  return {reinterpret_cast<const char*>(&pod), sizeof pod};
}

Hello parse_hello(const py::bytes& bytes) {
  const std::string_view text = bytes;
  if (text.size() != sizeof(Hello)) {
    throw py::value_error("a Hello has " + std::to_string(sizeof(Hello)) + " bytes, not " +
                          std::to_string(text.size()));
  }
  Hello hello;
  std::memcpy(&hello, text.data(), sizeof hello);
  return hello;
}

std::span<std::byte> region(Segment& segment, std::size_t offset, std::size_t bytes) {
  const std::span<std::byte> all = segment.raw();
  if (offset > all.size() || bytes > all.size() - offset) {
    throw py::index_error("bytes " + std::to_string(offset) + "+" + std::to_string(bytes) +
                          " are outside the segment of " + std::to_string(all.size()));
  }
  return all.subspan(offset, bytes);
}

template <typename T>
void bind_memory(py::class_<T>& type) {
  type.def(
          "peek",
          [](T& self, std::size_t offset, std::size_t bytes) {
            const auto from = region(self.segment(), offset, bytes);
            return py::bytes(reinterpret_cast<const char*>(from.data()), from.size());
          },
          py::arg("offset"), py::arg("bytes"))
      .def(
          "poke",
          [](T& self, std::size_t offset, const py::bytes& bytes) {
            const std::string_view from = bytes;
            std::memcpy(region(self.segment(), offset, from.size()).data(), from.data(),
                        from.size());
          },
          py::arg("offset"), py::arg("data"));
}

py::dict stats_of(const Stats& stats) {
  py::dict to;
  to["engine_heartbeat"] = stats.engine_heartbeat;
  to["jobs_done"] = stats.jobs_done;
  to["inference_p50_us"] = stats.inference_p50_us;
  to["inference_p99_us"] = stats.inference_p99_us;
  to["plugin_heartbeat"] = stats.plugin_heartbeat;
  to["xruns"] = stats.xruns;
  return to;
}

// ---- the engine's end ------------------------------------------------------------------------

py::array_t<float> planar_array(const float* from, py::ssize_t channels, py::ssize_t frames) {
  const py::ssize_t shape[2] = {channels, frames};
  py::array_t<float> to(shape);
  std::memcpy(to.mutable_data(), from, static_cast<std::size_t>(channels * frames) * sizeof(float));
  return to;
}

void bind_request(py::module_& m) {
  py::class_<Request> type(m, "Request");
  type.def_property_readonly("kind", [](const Request& r) { return r.kind; })
      .def_readonly("job", &Request::job)
      .def_readonly("source_complete", &Request::source_complete)
      .def_property_readonly("source",
                             [](const Request& r) -> py::object {
                               if (!r.source_complete || r.source.empty()) return py::none();
                               return planar_array(r.source.data(), r.generate.source_channels,
                                                   r.generate.source_frames);
                             })
      .def_property_readonly("second",
                             [](const Request& r) -> py::object {
                               if (!r.source_complete || r.generate.second_frames == 0)
                                 return py::none();
                               const std::size_t first = std::size_t{r.generate.source_channels} *
                                                         r.generate.source_frames;
                               return planar_array(r.source.data() + first,
                                                   r.generate.second_channels,
                                                   r.generate.second_frames);
                             })
      .def_property_readonly("descriptors",
                             [](const Request& r) { return std::to_array(r.generate.descriptors); })
      .def_property_readonly("biases",
                             [](const Request& r) { return std::to_array(r.generate.biases); });
#define DRIFTWAVE_FIELD(name) \
  type.def_property_readonly(#name, [](const Request& r) { return r.generate.name; })
#define DRIFTWAVE_TEXT(name) \
  type.def_property_readonly(#name, [](const Request& r) { return text_of(r.generate.name); })
  DRIFTWAVE_FIELD(seed);
  DRIFTWAVE_FIELD(source_rate_hz);
  DRIFTWAVE_FIELD(steps);
  DRIFTWAVE_FIELD(count);
  DRIFTWAVE_FIELD(note);
  DRIFTWAVE_FIELD(priority);
  DRIFTWAVE_FIELD(seconds);
  DRIFTWAVE_FIELD(guidance);
  DRIFTWAVE_FIELD(strength);
  DRIFTWAVE_FIELD(second_rate_hz);
  DRIFTWAVE_FIELD(mix_first);
  DRIFTWAVE_FIELD(mix_last);
  DRIFTWAVE_FIELD(bars);
  DRIFTWAVE_FIELD(bar_quarters);
  DRIFTWAVE_FIELD(bpm);
  DRIFTWAVE_FIELD(loop);
  DRIFTWAVE_TEXT(voice);
  DRIFTWAVE_TEXT(prompt);
  DRIFTWAVE_TEXT(negative);
  DRIFTWAVE_TEXT(source_clip);
  DRIFTWAVE_TEXT(second_clip);
#undef DRIFTWAVE_FIELD
#undef DRIFTWAVE_TEXT
}

ClipStatus send_clip(EngineLink& self, std::uint64_t job, const Floats& audio,
                     double sample_rate_hz, std::int64_t seed, std::uint32_t index,
                     const std::string& clip_id, const std::string& voice,
                     const std::string& voice_hash, const std::string& understood,
                     const std::string& unknown) {
  if (audio.ndim() != 2 || audio.shape(0) < 1 || audio.shape(0) > kMaxClipChannels ||
      audio.shape(1) < 1) {
    throw py::value_error("a clip is (channels 1..2, frames >= 1) float32");
  }
  ClipRecord record{};
  record.seed = seed;
  record.sample_rate_hz = sample_rate_hz;
  record.index = index;
  record.channels = static_cast<std::uint32_t>(audio.shape(0));
  record.frames = static_cast<std::uint32_t>(std::min<py::ssize_t>(audio.shape(1), UINT32_MAX));
  put_text(record.clip_id, clip_id);
  put_text(record.voice, voice);
  put_text(record.voice_hash, voice_hash);
  put_text(record.words_understood, understood);
  put_text(record.words_unknown, unknown);
  const std::span<const float> planar(audio.data(), static_cast<std::size_t>(audio.size()));
  const py::gil_scoped_release unlocked;
  return self.send_clip(job, record, planar);
}

void bind_engine_link(py::module_& m) {
  py::class_<EngineLink> type(m, "EngineLink");
  type.def(py::init([](const py::bytes& hello) {
             const Hello parsed = parse_hello(hello);
             if (judge(parsed) != Answer::accepted) throw py::value_error("unacceptable Hello");
             return std::make_unique<EngineLink>(parsed);
           }),
           py::arg("hello"))
      .def_property_readonly("memory_fd", &EngineLink::memory)
      .def("close_memory_fd", &EngineLink::close_memory)
      .def_property_readonly("welcome", [](const EngineLink& e) { return pod_bytes(e.welcome()); })
      .def_property_readonly("generation",
                             [](EngineLink& e) { return e.segment().header().generation; })
      .def_property_readonly("plugin_pid", [](const EngineLink& e) { return e.hello().plugin.pid; })
      .def_property_readonly("kind", [](const EngineLink& e) { return text_of(e.hello().kind); })
      .def_property_readonly("sample_rate_hz",
                             [](const EngineLink& e) { return e.hello().sample_rate_hz; })
      .def_property_readonly("max_block_frames",
                             [](const EngineLink& e) { return e.hello().max_block_frames; })
      .def_property_readonly("channels", [](const EngineLink& e) { return e.hello().channels; })
      .def_property_readonly("broken", &EngineLink::broken)
      .def("free_slots", &EngineLink::free_slots)
      .def("beat", &EngineLink::beat)
      .def("publish", &EngineLink::publish, py::arg("jobs_done"), py::arg("p50_us"),
           py::arg("p99_us"))
      .def("stats", [](const EngineLink& e) { return stats_of(e.stats()); })
      .def("parameter", [](EngineLink& e, std::uint32_t i) { return e.segment().params().get(i); })
      .def("next_request",
           [](EngineLink& e) -> std::unique_ptr<Request> {
             auto request = std::make_unique<Request>();
             return e.next_request(*request) == RingStatus::ok ? std::move(request) : nullptr;
           })
      .def("send_queued",
           [](EngineLink& e, std::uint64_t job, std::uint32_t position) {
             return e.send(RecordKind::queued, job, bytes_of(QueuedRecord{position, 0}));
           })
      .def("send_progress",
           [](EngineLink& e, std::uint64_t job, float fraction, std::uint32_t step,
              std::uint32_t steps, float eta_s) {
             return e.send(RecordKind::progress, job,
                           bytes_of(ProgressRecord{fraction, step, steps, eta_s}));
           })
      .def("send_clip", &send_clip, py::arg("job"), py::arg("audio"), py::arg("sample_rate_hz"),
           py::arg("seed"), py::arg("index"), py::arg("clip_id"), py::arg("voice"),
           py::arg("voice_hash"), py::arg("words_understood"), py::arg("words_unknown"))
      .def("send_done",
           [](EngineLink& e, std::uint64_t job, std::uint32_t clips, float milliseconds) {
             return e.send(RecordKind::done, job, bytes_of(DoneRecord{clips, milliseconds}));
           })
      .def("send_fail",
           [](EngineLink& e, std::uint64_t job, const std::string& code,
              const std::string& message) {
             FailRecord record{};
             put_text(record.code, code);
             put_text(record.message, message);
             return e.send(RecordKind::fail, job, bytes_of(record));
           })
      .def("send_status", [](EngineLink& e, std::uint32_t busy, const std::string& version,
                             const std::string& device, const std::string& voices) {
        StatusRecord record{};
        record.busy = busy;
        put_text(record.version, version);
        put_text(record.device, device);
        put_text(record.voices, voices);
        return e.send(RecordKind::status, 0, bytes_of(record));
      });
  bind_memory(type);
}

// ---- the plugin's end ------------------------------------------------------------------------

struct FieldsOf {
  py::dict operator()(const QueuedRecord& r) const {
    return make("queued", "position", r.position);
  }
  py::dict operator()(const ProgressRecord& r) const {
    return make("progress", "fraction", r.fraction, "step", r.step, "steps", r.steps, "eta_s",
                r.eta_s);
  }
  py::dict operator()(const ClipRecord& r) const {
    return make("clip", "seed", r.seed, "sample_rate_hz", r.sample_rate_hz, "slot", r.slot,
                "generation", r.generation, "frames", r.frames, "channels", r.channels, "index",
                r.index, "clip_id", text_of(r.clip_id), "voice", text_of(r.voice), "voice_hash",
                text_of(r.voice_hash), "words_understood", text_of(r.words_understood),
                "words_unknown", text_of(r.words_unknown));
  }
  py::dict operator()(const DoneRecord& r) const {
    return make("done", "clips", r.clips, "milliseconds", r.milliseconds);
  }
  py::dict operator()(const FailRecord& r) const {
    return make("fail", "code", text_of(r.code), "message", text_of(r.message));
  }
  py::dict operator()(const StatusRecord& r) const {
    return make("status", "busy", r.busy, "version", text_of(r.version), "device",
                text_of(r.device), "voices", text_of(r.voices));
  }

 private:
  static void put(py::dict&) {}
  template <typename T, typename... Rest>
  static void put(py::dict& to, const char* name, const T& value, const Rest&... rest) {
    to[name] = value;
    put(to, rest...);
  }
  template <typename... Pairs>
  static py::dict make(const char* kind, const Pairs&... pairs) {
    py::dict to;
    to["kind"] = kind;
    put(to, pairs...);
    return to;
  }
};

void bind_reply(py::module_& m) {
  py::class_<Reply>(m, "Reply")
      .def_readonly("job", &Reply::job)
      .def_property_readonly("fields",
                             [](const Reply& r) { return std::visit(FieldsOf{}, r.body); })
      .def_property_readonly("kind", [](const Reply& r) {
        return std::visit(FieldsOf{}, r.body)["kind"].cast<std::string>();
      });
}

bool client_generate(LinkClient& self, std::uint64_t job, const std::string& prompt,
                     const std::string& negative, const std::string& voice, std::int64_t seed,
                     std::int32_t steps, std::int32_t count, float seconds, std::int32_t note,
                     float guidance, float strength, std::uint32_t priority,
                     const std::vector<float>& descriptors, const std::vector<float>& biases,
                     const std::string& source_clip, const std::optional<Floats>& source,
                     double source_rate_hz, const std::optional<Floats>& second,
                     double second_rate_hz, const std::string& second_clip,
                     const std::pair<float, float>& mix, float bars, float bar_quarters, double bpm,
                     bool loop) {
  GenerateRecord record = make_generate();
  record.seed = seed;
  record.steps = steps;
  record.count = count;
  record.seconds = seconds;
  record.note = note;
  record.guidance = guidance;
  record.strength = strength;
  record.priority = priority;
  record.source_rate_hz = source_rate_hz;
  std::copy_n(descriptors.begin(), std::min(descriptors.size(), kDescriptors), record.descriptors);
  std::copy_n(biases.begin(), std::min(biases.size(), kDescriptors), record.biases);
  put_text(record.voice, voice);
  put_text(record.prompt, prompt);
  put_text(record.negative, negative);
  put_text(record.source_clip, source_clip);
  put_text(record.second_clip, second_clip);
  record.second_rate_hz = second_rate_hz;
  record.mix_first = mix.first;
  record.mix_last = mix.second;
  record.bars = bars;
  record.bar_quarters = bar_quarters;
  record.bpm = bpm;
  record.loop = loop ? 1 : 0;
  const auto planar = [](const std::optional<Floats>& audio, std::uint32_t& channels) {
    if (!audio) return std::span<const float>();
    if (audio->ndim() != 2) throw py::value_error("source audio is (channels, frames)");
    channels = static_cast<std::uint32_t>(audio->shape(0));
    return std::span(audio->data(), static_cast<std::size_t>(audio->size()));
  };
  const auto first = planar(source, record.source_channels);
  return self.generate(job, record, first, planar(second, record.second_channels));
}

py::object client_take_clip(LinkClient& self, const Reply& reply) {
  const auto* clip = std::get_if<ClipRecord>(&reply.body);
  if (clip == nullptr) throw py::value_error("take_clip needs a clip reply");
  ReceivedClip received;
  if (!self.take_clip(*clip, received)) return py::none();
  const py::ssize_t shape[2] = {received.channels, received.frames};
  py::array_t<float> audio(shape);
  std::memcpy(audio.mutable_data(), received.audio.data(), received.audio.size() * sizeof(float));
  return py::make_tuple(audio, received.sample_rate_hz, received.repaired);
}

void bind_client(py::module_& m) {
  const float absent = std::numeric_limits<float>::quiet_NaN();
  py::class_<LinkClient> type(m, "LinkClient");
  type.def(py::init<>())
      .def(
          "connect",
          [](LinkClient& self, const std::string& path, double rate, std::uint32_t block,
             std::uint32_t channels, const std::string& kind, int timeout_ms, int stall_after_ms) {
            LinkOptions options;
            options.socket_path = path;
            options.sample_rate_hz = rate;
            options.max_block_frames = block;
            options.channels = channels;
            options.kind = kind;
            options.timeout = std::chrono::milliseconds(timeout_ms);
            options.stall_after = std::chrono::milliseconds(stall_after_ms);
            const py::gil_scoped_release unlocked;
            return self.connect(options);
          },
          py::arg("socket_path") = "", py::arg("sample_rate_hz") = 48000.0,
          py::arg("max_block_frames") = 1024, py::arg("channels") = 2, py::arg("kind") = "generate",
          py::arg("timeout_ms") = 1000, py::arg("stall_after_ms") = 3000)
      .def("disconnect", &LinkClient::disconnect)
      .def_property_readonly("state", &LinkClient::state)
      .def_property_readonly("message", &LinkClient::message)
      .def_property_readonly("generation", &LinkClient::generation)
      .def_property_readonly("engine_pid", &LinkClient::engine_pid)
      .def_property_readonly("engine_minor", &LinkClient::engine_minor)
      .def("wake", &LinkClient::wake)
      .def("generate", &client_generate, py::arg("job"), py::arg("prompt") = "",
           py::arg("negative") = "", py::arg("voice") = "", py::arg("seed") = -1,
           py::arg("steps") = 4, py::arg("count") = 1, py::arg("seconds") = 0.0F,
           py::arg("note") = -1, py::arg("guidance") = absent, py::arg("strength") = 0.5F,
           py::arg("priority") = 0, py::arg("descriptors") = std::vector<float>{},
           py::arg("biases") = std::vector<float>{}, py::arg("source_clip") = "",
           py::arg("source") = py::none(), py::arg("source_rate_hz") = 0.0,
           py::arg("second") = py::none(), py::arg("second_rate_hz") = 0.0,
           py::arg("second_clip") = "", py::arg("mix") = std::make_pair(0.0F, 0.0F),
           py::arg("bars") = 0.0F, py::arg("bar_quarters") = 0.0F, py::arg("bpm") = 0.0,
           py::arg("loop") = false)
      .def("cancel", &LinkClient::cancel, py::arg("job") = kAllJobs)
      .def("query_status", &LinkClient::query_status)
      .def(
          "poll",
          [](LinkClient& self, int timeout_ms) {
            const py::gil_scoped_release unlocked;
            return self.poll(std::chrono::milliseconds(timeout_ms));
          },
          py::arg("timeout_ms"))
      .def("next_reply",
           [](LinkClient& self) -> std::unique_ptr<Reply> {
             auto reply = std::make_unique<Reply>();
             return self.next_reply(*reply) ? std::move(reply) : nullptr;
           })
      .def("take_clip", &client_take_clip, py::arg("reply"))
      .def("report_xruns", &LinkClient::report_xruns, py::arg("count"))
      .def("stats", [](const LinkClient& self) { return stats_of(self.stats()); });
  bind_memory(type);
}

}  // namespace

void driftwave::register_link(py::module_& m) {
  m.attr("HELLO_BYTES") = sizeof(Hello);
  m.attr("ABI_MAJOR") = kAbiMajor;
  m.attr("ABI_MINOR") = kAbiMinor;
  m.attr("HEARTBEAT_MS") = kHeartbeatMs;
  m.attr("CLIP_SLOTS") = kClipSlots;
  m.attr("CLIP_SLOT_BYTES") = kClipSlotBytes;
  m.attr("ALL_JOBS") = kAllJobs;
  py::native_enum<RingStatus>(m, "RingStatus", "enum.Enum")
      .value("OK", RingStatus::ok)
      .value("AGAIN", RingStatus::again)
      .value("BROKEN", RingStatus::broken)
      .finalize();
  py::native_enum<ClipStatus>(m, "ClipStatus", "enum.Enum")
      .value("SENT", ClipStatus::sent)
      .value("NO_SLOT", ClipStatus::no_slot)
      .value("NO_ROOM", ClipStatus::no_room)
      .value("TOO_LONG", ClipStatus::too_long)
      .value("BROKEN", ClipStatus::broken)
      .finalize();
  py::native_enum<LinkState>(m, "LinkState", "enum.Enum")
      .value("OFF", LinkState::off)
      .value("READY", LinkState::ready)
      .value("STALLED", LinkState::stalled)
      .finalize();
  py::native_enum<ConnectResult>(m, "ConnectResult", "enum.Enum")
      .value("CONNECTED", ConnectResult::connected)
      .value("NO_ENGINE", ConnectResult::no_engine)
      .value("TIMED_OUT", ConnectResult::timed_out)
      .value("INCOMPATIBLE", ConnectResult::incompatible)
      .value("REFUSED", ConnectResult::refused)
      .value("BAD_SEGMENT", ConnectResult::bad_segment)
      .value("SYSTEM_ERROR", ConnectResult::system_error)
      .finalize();
  py::native_enum<Answer>(m, "Answer", "enum.Enum")
      .value("ACCEPTED", Answer::accepted)
      .value("INCOMPATIBLE", Answer::incompatible)
      .value("REFUSED", Answer::refused)
      .finalize();
  py::native_enum<RecordKind>(m, "RequestKind", "enum.Enum")
      .value("GENERATE", RecordKind::generate)
      .value("CANCEL", RecordKind::cancel)
      .value("RELEASE_CLIP", RecordKind::release_clip)
      .value("QUERY_STATUS", RecordKind::query_status)
      .finalize();
  m.def("runtime_folder", &runtime_folder);
  m.def("socket_path", &socket_path);
  m.def("process_start_time", &platform::start_time, py::arg("pid"));
  m.def("layout", &layout_table);
  m.def("judge_hello", [](const py::bytes& hello) { return judge(parse_hello(hello)); });
  m.def("hello_abi", [](const py::bytes& hello) {
    const Hello parsed = parse_hello(hello);
    return py::make_tuple(parsed.abi_major, parsed.abi_minor);
  });
  m.def("refusal", [](Answer answer, const std::string& message) {
    return pod_bytes(make_refusal(answer, message));
  });
  bind_request(m);
  bind_engine_link(m);
  bind_reply(m);
  bind_client(m);
}
