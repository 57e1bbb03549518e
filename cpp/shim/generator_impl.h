// What a Generator is made of: the core, the thread to the engine, the thread that reads files.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "shim/core.h"
#include "shim/importer.h"
#include "shim/link_worker.h"

namespace driftwave::shim {

/// All functions are [ui].
struct Generator::Impl {
  explicit Impl(const GeneratorOptions& options) {
    if (options.link) {
      worker.emplace(core, ConnectionOptions{options.autostart, options.runtime_dir,
                                             options.config_dir, options.plugin_kind});
    } else {
      core.report.text = "This instance is not connected to an engine.";
    }
  }

  /// Changes one of a pad's words.
  template <typename Value>
  void edit(std::uint32_t pad, Change change, Value PadSettings::*member, Value value) {
    if (pad >= kPadCount) return;
    const std::lock_guard lock(core.mutex);
    if (core.pads[pad].settings().*member == value) return;
    core.edit(pad, change).settings.*member = std::move(value);
  }

  template <typename Value>
  Value read(std::uint32_t pad, Value PadSettings::*member) const {
    if (pad >= kPadCount) return {};
    const std::lock_guard lock(core.mutex);
    return core.pads[pad].settings().*member;
  }

  /// Runs `change` under the mutex; false for a pad that does not exist.
  template <typename Action>
  bool with(std::uint32_t pad, Action change) {
    if (pad >= kPadCount) return false;
    const std::lock_guard lock(core.mutex);
    return change(core);
  }

  void wish(Wish::Kind kind, std::uint32_t pad) {
    if (pad >= kPadCount) return;
    const std::lock_guard lock(core.mutex);
    if (!worker) return core.tell("This instance is not connected to an engine.");
    core.wishes.push_back({kind, pad});
    core.pads[pad].waiting = true;
    core.pads[pad].history.close();
    ++core.revision;
    worker->wake();
  }

  std::shared_ptr<const ClipData> clip(std::uint32_t pad) {
    if (pad >= kPadCount) return nullptr;
    const std::lock_guard lock(core.mutex);
    core.settle();
    const PadClip* clip = core.pads[pad].history.clip();
    return clip == nullptr ? nullptr : clip->data;
  }

  Core core;
  Importer importer;
  std::optional<LinkWorker> worker;  // after the core: its thread ends before the core does
};

}  // namespace driftwave::shim
