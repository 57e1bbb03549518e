// What each side tells about itself: that it lives, and how well it keeps up.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "link/layout.h"
#include "link/realtime.h"

namespace driftwave::link {

/// How often the engine beats while a plugin is connected.
inline constexpr int kHeartbeatMs = 200;

struct EngineStats {
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> heartbeat;  ///< grows every kHeartbeatMs
  std::atomic<std::uint64_t> jobs_done;
  std::atomic<std::uint32_t> inference_p50_us;
  std::atomic<std::uint32_t> inference_p99_us;
};
static_assert(sizeof(EngineStats) == 64 && offsetof(EngineStats, inference_p50_us) == 16);

struct PluginStats {
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> heartbeat;  ///< grows with every poll
  std::atomic<std::uint64_t> xruns;
};
static_assert(sizeof(PluginStats) == 64 && offsetof(PluginStats, xruns) == 8);

struct StatsSection {
  EngineStats engine;
  PluginStats plugin;
};
static_assert(sizeof(StatsSection) == 128 && offsetof(StatsSection, plugin) == 64);

/// A plain copy of the section.
struct Stats {
  std::uint64_t engine_heartbeat;
  std::uint64_t jobs_done;
  std::uint32_t inference_p50_us;
  std::uint32_t inference_p99_us;
  std::uint64_t plugin_heartbeat;
  std::uint64_t xruns;
};

/// [any] Read every counter; they need not belong to one instant.
inline Stats read_stats(const StatsSection& section) noexcept RT_NONBLOCKING {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  return {section.engine.heartbeat.load(kRelaxed),
          section.engine.jobs_done.load(kRelaxed),
          section.engine.inference_p50_us.load(kRelaxed),
          section.engine.inference_p99_us.load(kRelaxed),
          section.plugin.heartbeat.load(kRelaxed),
          section.plugin.xruns.load(kRelaxed)};
}

}  // namespace driftwave::link
