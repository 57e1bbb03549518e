// The engine's end of the link for Python: EngineLink serves one plugin.
#include <pybind11/stl.h>

#include "link/engine_side.h"
#include "python/link_common.h"

namespace driftwave::link {
namespace {

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

}  // namespace

void bind_engine_end(py::module_& m) {
  bind_request(m);
  bind_engine_link(m);
}

}  // namespace driftwave::link
