// The link for Python: its numbers, its answers and both of its ends.
#include <pybind11/native_enum.h>

#include "link/client.h"
#include "link/engine_side.h"
#include "python/layout_table.h"
#include "python/link_common.h"
#include "python/module.h"

namespace py = pybind11;
using namespace driftwave::link;

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
  bind_engine_end(m);
  bind_client_end(m);
}
