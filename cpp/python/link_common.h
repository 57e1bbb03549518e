// What both ends of the link share on their way to Python.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "link/handshake.h"
#include "link/segment.h"
#include "link/stats.h"

namespace driftwave::link {

namespace py = pybind11;

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

inline Hello parse_hello(const py::bytes& bytes) {
  const std::string_view text = bytes;
  if (text.size() != sizeof(Hello)) {
    throw py::value_error("a Hello has " + std::to_string(sizeof(Hello)) + " bytes, not " +
                          std::to_string(text.size()));
  }
  Hello hello;
  std::memcpy(&hello, text.data(), sizeof hello);
  return hello;
}

inline std::span<std::byte> region(Segment& segment, std::size_t offset, std::size_t bytes) {
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

inline py::dict stats_of(const Stats& stats) {
  py::dict to;
  to["engine_heartbeat"] = stats.engine_heartbeat;
  to["jobs_done"] = stats.jobs_done;
  to["inference_p50_us"] = stats.inference_p50_us;
  to["inference_p99_us"] = stats.inference_p99_us;
  to["plugin_heartbeat"] = stats.plugin_heartbeat;
  to["xruns"] = stats.xruns;
  return to;
}

/// EngineLink and the Request that it takes (link_engine_module.cpp).
void bind_engine_end(py::module_& m);

/// LinkClient and the Reply that it takes (link_client_module.cpp).
void bind_client_end(py::module_& m);

}  // namespace driftwave::link
