// The plugin's end of the link for Python: LinkClient plays a plugin.
#include <pybind11/stl.h>

#include "link/client.h"
#include "python/link_common.h"

namespace driftwave::link {
namespace {

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

void bind_client_end(py::module_& m) {
  bind_reply(m);
  bind_client(m);
}

}  // namespace driftwave::link
