// The Deck for Python, and its callback for PortAudio: sound that no interpreter lock can delay.
#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "python/generator_handle.h"
#include "python/module.h"
#include "shim/deck.h"

namespace py = pybind11;
using namespace driftwave::shim;

namespace {

using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;

// PaStreamCallbackFlags of portaudio.h, which is not needed for anything else.
constexpr unsigned long kUnderOrOverrun = 0x1UL | 0x2UL | 0x4UL | 0x8UL;

// What a stream hands to its callback: the deck, how many channels to write, how long it takes.
struct DeckHandle {
  DeckHandle(driftwave::GeneratorHandle& generator, std::uint32_t channels)
      : deck(std::make_unique<Deck>(generator.get())), channels(channels) {}

  std::unique_ptr<Deck> deck;  // large: half a page of events
  std::uint32_t channels;
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint32_t> longest_ns{0};
};

// [audio] A PaStreamCallback.
int fill(const void*, void* output, unsigned long frames, const void*, unsigned long flags,
         void* user) {
  using Clock = std::chrono::steady_clock;
  auto& self = *static_cast<DeckHandle*>(user);
  const Clock::time_point begun = Clock::now();
  if ((flags & kUnderOrOverrun) != 0) self.deck->add_xrun();
  self.deck->note_time(std::chrono::duration<double>(begun.time_since_epoch()).count());
  self.deck->process(static_cast<float*>(output), self.channels,
                     static_cast<std::uint32_t>(frames));
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begun);
  const auto nanoseconds = static_cast<std::uint32_t>(std::min<long long>(took.count(), INT32_MAX));
  if (nanoseconds > self.longest_ns.load(std::memory_order_relaxed)) {
    self.longest_ns.store(nanoseconds, std::memory_order_relaxed);
  }
  self.calls.fetch_add(1, std::memory_order_release);
  return 0;  // paContinue
}

Floats render(DeckHandle& self, std::uint32_t frames) {
  Floats out({static_cast<py::ssize_t>(frames), static_cast<py::ssize_t>(self.channels)});
  float* const to = out.mutable_data();
  const py::gil_scoped_release release;
  self.deck->process(to, self.channels, frames);
  return out;
}

// The interpreter lock, held here, lets one thread post at a time.
bool post(DeckHandle& self, DeckAction action, const py::bytes& bytes, double value, DeckTime time,
          double place) {
  const std::string_view text = bytes;
  if (text.size() > 3) throw py::value_error("an event has at most 3 bytes");
  DeckEvent event;
  event.time = time;
  event.action = action;
  event.place = place;
  event.value = value;
  event.size = static_cast<std::uint8_t>(text.size());
  std::copy(text.begin(), text.end(), event.bytes);
  return self.deck->post(event);
}

// Frames in a row, left and right interleaved.
bool add_grain(DeckHandle& self, const Floats& audio, std::uint64_t frame) {
  if (audio.ndim() != 2 || audio.shape(1) != 2) {
    throw py::value_error("a grain has the shape (frames, 2)");
  }
  return self.deck->grains().add({frame, {audio.data(), audio.data() + audio.size()}});
}

}  // namespace

namespace driftwave {

void register_deck(py::module_& m) {
  py::native_enum<DeckTime>(m, "DeckTime", "enum.Enum")
      .value("NOW", DeckTime::kNow)
      .value("FRAME", DeckTime::kFrame)
      .value("BEAT", DeckTime::kBeat)
      .value("GRID", DeckTime::kGrid)
      .finalize();
  py::native_enum<DeckAction>(m, "DeckAction", "enum.Enum")
      .value("MIDI", DeckAction::kMidi)
      .value("STOP", DeckAction::kStop)
      .value("LOCATE", DeckAction::kLocate)
      .value("PLAY", DeckAction::kPlay)
      .value("TEMPO", DeckAction::kTempo)
      .finalize();
  m.attr("MIN_TEMPO") = kMinTempo;
  m.attr("MAX_TEMPO") = kMaxTempo;
  py::class_<DeckHandle>(m, "Deck")
      .def(py::init([](GeneratorHandle& generator, std::uint32_t channels) {
             if (channels < 1 || channels > 256) throw py::value_error("1 to 256 channels");
             return std::make_unique<DeckHandle>(generator, channels);
           }),
           py::arg("generator"), py::arg("channels") = 2, py::keep_alive<1, 2>())
      .def(
          "prepare",
          [](DeckHandle& self, double sample_rate, std::uint32_t max_block,
             std::uint32_t channels) {
            if (channels < 1 || channels > 256) throw py::value_error("1 to 256 channels");
            self.channels = channels;
            self.deck->prepare(sample_rate, max_block);
          },
          py::arg("sample_rate"), py::arg("max_block"), py::arg("channels") = 2)
      .def("render", &render, py::arg("frames"))
      .def("post", &post, py::arg("action"), py::arg("bytes") = py::bytes(), py::arg("value") = 0.0,
           py::arg("time") = DeckTime::kNow, py::arg("place") = 0.0)
      .def("forget", [](DeckHandle& self) { self.deck->forget(); })
      .def("add_grain", &add_grain, py::arg("audio"), py::arg("frame"))
      .def(
          "skip_grains",
          [](DeckHandle& self, std::uint64_t frame) {
            return self.deck->grains().skip_from(frame);
          },
          py::arg("frame"))
      .def("end_grains", [](DeckHandle& self) { return self.deck->grains().end(); })
      .def(
          "set_grain_gain",
          [](DeckHandle& self, float factor) { self.deck->grains().set_gain(factor); },
          py::arg("factor"))
      .def("take_levels",
           [](DeckHandle& self) {
             const DeckLevels levels = self.deck->take_levels();
             return py::make_tuple(levels.peak[0], levels.peak[1], levels.rms[0], levels.rms[1]);
           })
      .def_property_readonly("frame", [](const DeckHandle& self) { return self.deck->frame(); })
      .def(
          "note_time", [](DeckHandle& self, double now_s) { self.deck->note_time(now_s); },
          py::arg("now_s"))
      .def(
          "frame_at", [](const DeckHandle& self, double at_s) { return self.deck->frame_at(at_s); },
          py::arg("time_s"))
      .def_property_readonly("beat", [](const DeckHandle& self) { return self.deck->beat(); })
      .def_property_readonly("tempo", [](const DeckHandle& self) { return self.deck->tempo(); })
      .def_property_readonly("playing", [](const DeckHandle& self) { return self.deck->playing(); })
      .def_property_readonly("xruns", [](const DeckHandle& self) { return self.deck->xruns(); })
      .def_property_readonly("waiting", [](const DeckHandle& self) { return self.deck->waiting(); })
      .def_property_readonly("calls", [](const DeckHandle& self) { return self.calls.load(); })
      .def("take_longest_us", [](DeckHandle& self) { return self.longest_ns.exchange(0) / 1000.0; })
      .def_property_readonly_static(
          "callback", [](const py::object&) { return reinterpret_cast<std::uintptr_t>(&fill); })
      .def_property_readonly(
          "userdata", [](DeckHandle& self) { return reinterpret_cast<std::uintptr_t>(&self); });
}

}  // namespace driftwave
