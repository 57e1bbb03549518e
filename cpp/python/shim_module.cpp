// The plugin core for Python: plugin_host, the tests and everyone who reads the
// parameter table.
#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/generator_handle.h"
#include "python/module.h"
#include "shim/generator.h"

namespace py = pybind11;
using namespace driftwave::shim;

namespace {

using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;
using Handle = driftwave::GeneratorHandle;
using NoGil = py::call_guard<py::gil_scoped_release>;
using Events = std::vector<std::pair<std::uint32_t, py::bytes>>;

void check_pad(std::uint32_t pad) {
  if (pad >= kPadCount) {
    throw py::index_error("pads are numbered 0 to 15, not " + std::to_string(pad));
  }
}

std::uint32_t index_of(const std::string& symbol) {
  for (const Parameter& p : kParameters) {
    if (symbol == p.symbol.data()) return p.index;
  }
  throw py::key_error("no parameter is called '" + symbol + "'; see PARAMETERS");
}

std::uint32_t checked(std::uint32_t index) {
  if (index < kParameterCount) return index;
  throw py::index_error("parameters are numbered 0 to " + std::to_string(kParameterCount - 1) +
                        ", not " + std::to_string(index));
}

std::vector<MidiEvent> midi_events(const Events& events) {
  std::vector<MidiEvent> out;
  out.reserve(events.size());
  for (const auto& [frame, bytes] : events) {
    const std::string_view text = bytes;
    if (text.empty() || text.size() > 3) continue;
    MidiEvent event;
    event.frame = frame;
    event.size = static_cast<std::uint8_t>(text.size());
    std::copy(text.begin(), text.end(), event.bytes);
    out.push_back(event);
  }
  return out;
}

Floats process(const Handle& self, std::uint32_t frames, const Events& events, bool playing,
               std::optional<double> bpm, double beat, double bar_quarters,
               std::optional<std::int64_t> frame) {
  Generator& generator = self.get();
  const std::vector<MidiEvent> list = midi_events(events);
  Floats out({py::ssize_t{2}, static_cast<py::ssize_t>(frames)});
  float* const outputs[2] = {out.mutable_data(), out.mutable_data() + frames};
  Transport transport;
  transport.playing = playing;
  transport.tempo_valid = bpm.has_value();
  transport.frame_valid = frame.has_value();
  transport.bpm = bpm.value_or(transport.bpm);
  transport.bar_quarters = bar_quarters;
  transport.frame = frame.value_or(0);
  transport.beat = beat;
  const py::gil_scoped_release release;
  generator.process(outputs, frames, list, transport);
  return out;
}

void set_clip(const Handle& self, std::uint32_t pad, const Floats& audio, double sample_rate,
              const std::string& name) {
  check_pad(pad);
  if (audio.ndim() != 2) throw py::value_error("audio must have the shape (channels, frames)");
  std::vector<std::span<const float>> channels;
  for (py::ssize_t c = 0; c < audio.shape(0); ++c) {
    channels.emplace_back(audio.data(c, 0), static_cast<std::size_t>(audio.shape(1)));
  }
  std::string message;
  bool good = false;
  {
    const py::gil_scoped_release release;
    good = self.get().set_clip(pad, channels, sample_rate, name, message);
  }
  if (!good) throw py::value_error(message);
}

Floats clip_samples(const Handle& self, std::uint32_t pad) {
  check_pad(pad);
  const auto samples = self.get().clip_samples(pad);
  const std::size_t frames = samples.empty() ? 0 : samples[0].size();
  Floats out({static_cast<py::ssize_t>(samples.size()), static_cast<py::ssize_t>(frames)});
  for (std::size_t c = 0; c < samples.size(); ++c) {
    std::copy(samples[c].begin(), samples[c].end(),
              out.mutable_data(static_cast<py::ssize_t>(c), 0));
  }
  return out;
}

Floats peaks(const Handle& self, std::uint32_t pad) {
  check_pad(pad);
  const Peaks peaks = self.get().peaks(pad);
  Floats out({py::ssize_t{2}, static_cast<py::ssize_t>(kPeakCount)});
  std::copy(peaks.low.begin(), peaks.low.end(), out.mutable_data(0, 0));
  std::copy(peaks.high.begin(), peaks.high.end(), out.mutable_data(1, 0));
  return out;
}

void load_state(const Handle& self, const py::bytes& bytes) {
  const std::string_view text = bytes;
  const std::span<const std::uint8_t> raw(reinterpret_cast<const std::uint8_t*>(text.data()),
                                          text.size());
  std::string message;
  bool good = false;
  {
    const py::gil_scoped_release release;
    good = self.get().load_state(raw, message);
  }
  if (!good) throw py::value_error(message);
}

py::bytes save_state(const Handle& self) {
  std::vector<std::uint8_t> bytes;
  {
    const py::gil_scoped_release release;
    bytes = self.get().save_state();
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A function of one pad that Python may call with any number.
template <typename Result, typename... Arguments>
auto of_pad(Result (Generator::*function)(std::uint32_t, Arguments...)) {
  return [function](const Handle& self, std::uint32_t pad, Arguments... arguments) {
    check_pad(pad);
    return (self.get().*function)(pad, std::move(arguments)...);
  };
}
template <typename Result>
auto of_pad(Result (Generator::*function)(std::uint32_t) const) {
  return [function](const Handle& self, std::uint32_t pad) {
    check_pad(pad);
    return (self.get().*function)(pad);
  };
}

void bind_parameters(py::module_& m) {
  py::class_<Parameter>(m, "Parameter")
      .def_readonly("index", &Parameter::index)
      .def_property_readonly("symbol", [](const Parameter& p) { return p.symbol.data(); })
      .def_property_readonly("name", [](const Parameter& p) { return p.name.data(); })
      .def_property_readonly("unit", [](const Parameter& p) { return p.unit; })
      .def_readonly("minimum", &Parameter::minimum)
      .def_readonly("maximum", &Parameter::maximum)
      .def_readonly("default", &Parameter::default_value)
      .def_readonly("step", &Parameter::step)
      .def_property_readonly("hint", [](const Parameter& p) { return p.hint; })
      .def_property_readonly("is_automatable",
                             [](const Parameter& p) { return (p.flags & kAutomatable) != 0; })
      .def_property_readonly("is_boolean",
                             [](const Parameter& p) { return (p.flags & kBoolean) != 0; })
      .def_property_readonly("is_integer",
                             [](const Parameter& p) { return (p.flags & kInteger) != 0; })
      .def_property_readonly("is_trigger",
                             [](const Parameter& p) { return (p.flags & kTrigger) != 0; })
      .def_property_readonly("is_output",
                             [](const Parameter& p) { return (p.flags & kOutput) != 0; })
      .def("__repr__", [](const Parameter& p) {
        return "<Parameter " + std::to_string(p.index) + " " + p.symbol.data() + ">";
      });
  py::tuple table(kParameters.size());
  for (std::size_t i = 0; i < kParameters.size(); ++i) {
    table[i] = py::cast(&kParameters[i], py::return_value_policy::reference);
  }
  m.attr("PARAMETERS") = table;
  m.attr("PAD_COUNT") = kPadCount;
  m.attr("FIRST_PAD_NOTE") = kFirstPadNote;
  m.attr("ROOT_NOTE") = kRootNote;
  m.attr("RANDOM_SEED") = kRandomSeed;
}

void bind_snapshot(py::module_& m) {
  py::native_enum<EngineStatus>(m, "EngineStatus", "enum.Enum")
      .value("OFF", EngineStatus::kOff)
      .value("STARTING", EngineStatus::kStarting)
      .value("READY", EngineStatus::kReady)
      .value("BUSY", EngineStatus::kBusy)
      .value("LOST", EngineStatus::kLost)
      .finalize();
  py::class_<ClipInfo>(m, "ClipInfo")
      .def_readonly("serial", &ClipInfo::serial)
      .def_readonly("clip_id", &ClipInfo::clip_id)
      .def_readonly("prompt", &ClipInfo::prompt)
      .def_readonly("negative", &ClipInfo::negative)
      .def_readonly("voice", &ClipInfo::voice)
      .def_readonly("voice_hash", &ClipInfo::voice_hash)
      .def_readonly("words_understood", &ClipInfo::words_understood)
      .def_readonly("words_unknown", &ClipInfo::words_unknown)
      .def_readonly("seed", &ClipInfo::seed)
      .def_readonly("index", &ClipInfo::index)
      .def_readonly("sample_rate", &ClipInfo::sample_rate_hz)
      .def_readonly("channels", &ClipInfo::channels)
      .def_readonly("frames", &ClipInfo::frames)
      .def_readonly("quarters", &ClipInfo::quarters)
      .def_readonly("imported", &ClipInfo::imported);
  py::class_<PadInfo>(m, "PadInfo")
      .def_readonly("name", &PadInfo::name)
      .def_readonly("prompt", &PadInfo::prompt)
      .def_readonly("negative", &PadInfo::negative)
      .def_readonly("voice", &PadInfo::voice)
      .def_readonly("seed", &PadInfo::seed)
      .def_readonly("waiting", &PadInfo::waiting)
      .def_readonly("progress", &PadInfo::progress)
      .def_readonly("pool", &PadInfo::pool)
      .def_readonly("history", &PadInfo::history)
      .def_readonly("history_at", &PadInfo::history_at)
      .def_readonly("variations", &PadInfo::variations)
      .def_readonly("variation", &PadInfo::variation)
      .def_readonly("comparable", &PadInfo::comparable)
      .def_readonly("importing", &PadInfo::importing)
      .def_readonly("loop_position", &PadInfo::loop_position)
      .def_readonly("hits", &PadInfo::hits)
      .def_readonly("clip", &PadInfo::clip);
  py::class_<Snapshot>(m, "Snapshot")
      .def_readonly("serial", &Snapshot::serial)
      .def_readonly("status", &Snapshot::status)
      .def_readonly("status_text", &Snapshot::status_text)
      .def_readonly("message", &Snapshot::message)
      .def_readonly("device", &Snapshot::device)
      .def_readonly("engine_version", &Snapshot::engine_version)
      .def_readonly("voices", &Snapshot::voices)
      .def_readonly("progress", &Snapshot::progress)
      .def_readonly("jobs", &Snapshot::jobs)
      .def_readonly("playing_voices", &Snapshot::playing_voices)
      .def_readonly("late_variations", &Snapshot::late_variations)
      .def_readonly("selected_pad", &Snapshot::selected_pad)
      .def_readonly("transport_playing", &Snapshot::transport_playing)
      .def_readonly("bpm", &Snapshot::bpm)
      .def_readonly("bar_quarters", &Snapshot::bar_quarters)
      .def_readonly("pads", &Snapshot::pads);
}

void bind_pads(py::class_<Handle>& type) {
  type.def("set_prompt", of_pad(&Generator::set_prompt), py::arg("pad"), py::arg("text"))
      .def("set_negative", of_pad(&Generator::set_negative), py::arg("pad"), py::arg("text"))
      .def("set_voice", of_pad(&Generator::set_voice), py::arg("pad"), py::arg("name"))
      .def("set_name", of_pad(&Generator::set_name), py::arg("pad"), py::arg("name"))
      .def("set_seed", of_pad(&Generator::set_seed), py::arg("pad"), py::arg("seed"))
      .def("prompt", of_pad(&Generator::prompt), py::arg("pad"))
      .def("negative", of_pad(&Generator::negative), py::arg("pad"))
      .def("voice", of_pad(&Generator::voice), py::arg("pad"))
      .def("name", of_pad(&Generator::name), py::arg("pad"))
      .def("seed", of_pad(&Generator::seed), py::arg("pad"))
      .def("generate", of_pad(&Generator::generate), py::arg("pad"))
      .def("vary", of_pad(&Generator::vary), py::arg("pad"))
      .def("interpolate", of_pad(&Generator::interpolate), py::arg("pad"))
      .def("cancel", [](const Handle& self) { self.get().cancel(); })
      .def("undo", of_pad(&Generator::undo), py::arg("pad"))
      .def("redo", of_pad(&Generator::redo), py::arg("pad"))
      .def("choose", of_pad(&Generator::choose), py::arg("pad"), py::arg("position"))
      .def("pick", of_pad(&Generator::pick), py::arg("pad"), py::arg("variation"))
      .def("compare", of_pad(&Generator::compare), py::arg("pad"))
      .def("begin_gesture", of_pad(&Generator::begin_gesture), py::arg("pad"))
      .def("end_gesture", of_pad(&Generator::end_gesture), py::arg("pad"))
      .def("close_edit", of_pad(&Generator::close_edit), py::arg("pad"))
      .def("clear_clip", of_pad(&Generator::clear_clip), py::arg("pad"))
      .def("set_clip", &set_clip, py::arg("pad"), py::arg("audio"), py::arg("sample_rate"),
           py::arg("name") = "")
      .def(
          "import_file",
          [](const Handle& self, std::uint32_t pad, const std::string& path) {
            check_pad(pad);
            std::string message;
            if (!self.get().import_file(pad, path, message)) throw py::value_error(message);
          },
          py::arg("pad"), py::arg("path"))
      .def(
          "import_later",
          [](const Handle& self, std::uint32_t pad, const std::string& path) {
            check_pad(pad);
            self.get().import_later(pad, path);
          },
          py::arg("pad"), py::arg("path"))
      .def(
          "export_wav",
          [](const Handle& self, std::uint32_t pad, const std::string& path) {
            check_pad(pad);
            std::string message;
            std::filesystem::path written;
            if (!self.get().export_wav(pad, path, written, message)) {
              throw py::value_error(message);
            }
            return written.string();
          },
          py::arg("pad"), py::arg("path"))
      .def("clip_samples", &clip_samples, py::arg("pad"))
      .def("peaks", &peaks, py::arg("pad"));
}

}  // namespace

namespace driftwave {

void register_shim(py::module_& m) {
  bind_parameters(m);
  bind_snapshot(m);
  py::class_<Handle> type(m, "Generator");
  type.def(py::init([](bool link, bool autostart, std::string runtime_dir, std::string config_dir,
                       std::string plugin_kind) {
             return std::make_unique<Handle>(
                 GeneratorOptions{link, autostart, std::move(runtime_dir), std::move(config_dir),
                                  std::move(plugin_kind)});
           }),
           py::arg("link") = true, py::arg("autostart") = true, py::arg("runtime_dir") = "",
           py::arg("config_dir") = "", py::arg("plugin_kind") = "generate")
      .def("close", &Handle::close, NoGil())
      .def(
          "prepare",
          [](const Handle& self, double sample_rate, std::uint32_t max_block) {
            self.get().prepare(sample_rate, max_block);
          },
          py::arg("sample_rate"), py::arg("max_block"))
      .def("process", &process, py::arg("frames"), py::arg("events") = Events{},
           py::arg("playing") = false, py::arg("bpm") = py::none(), py::arg("beat") = 0.0,
           py::arg("bar_quarters") = 4.0, py::arg("frame") = py::none())
      .def("panic", [](const Handle& self) { self.get().panic(); })
      .def("stop", of_pad(&Generator::stop), py::arg("pad"))
      .def(
          "set_parameter",
          [](const Handle& self, std::uint32_t index, float value) {
            self.get().set_parameter(checked(index), value);
          },
          py::arg("index"), py::arg("value"))
      .def(
          "set_parameter",
          [](const Handle& self, const std::string& symbol, float value) {
            self.get().set_parameter(index_of(symbol), value);
          },
          py::arg("symbol"), py::arg("value"))
      .def(
          "parameter",
          [](const Handle& self, std::uint32_t index) {
            return self.get().parameter(checked(index));
          },
          py::arg("index"))
      .def(
          "parameter",
          [](const Handle& self, const std::string& symbol) {
            return self.get().parameter(index_of(symbol));
          },
          py::arg("symbol"))
      .def(
          "play_note",
          [](const Handle& self, std::uint32_t note, std::uint32_t velocity) {
            return self.get().play_note(note, velocity);
          },
          py::arg("note"), py::arg("velocity"))
      .def("snapshot", [](const Handle& self) { return self.get().snapshot(); })
      .def("clear_message", [](const Handle& self) { self.get().clear_message(); })
      .def("save_state", &save_state)
      .def("load_state", &load_state, py::arg("state"))
      .def("save_state_text", [](const Handle& self) { return self.get().save_state_text(); })
      .def(
          "load_state_text",
          [](const Handle& self, const std::string& text) {
            std::string message;
            if (!self.get().load_state_text(text, message)) throw py::value_error(message);
          },
          py::arg("text"));
  bind_pads(type);
}

}  // namespace driftwave
