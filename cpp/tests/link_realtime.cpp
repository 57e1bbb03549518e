// Every [audio] function of the link inside one nonblocking function: the rtsan variant proves
// that none of them locks, allocates or calls the system; the compiler checks the same promise.
#include <memory>
#include <vector>

#include "check.h"
#include "link/params.h"
#include "link/realtime.h"
#include "link/stats.h"
#include "link_harness.h"

using namespace driftwave::link;

namespace {

struct Audio {
  AudioWriter up;
  AudioReader down;
  Params params;
  TransportWriter transport;
  TransportReader transport_back;
  const StatsSection* stats;
  float block[1024];
  int failures;
};

/// What a plugin's process() may do with the link.
void process(Audio& audio, std::uint64_t position) noexcept RT_NONBLOCKING {
  BlockMark mark{1, position, 0, 0};
  if (audio.up.push(mark, audio.block) == RingStatus::broken) ++audio.failures;
  if (audio.down.pop(mark, audio.block) == RingStatus::broken) ++audio.failures;
  audio.params.set(3, 0.5F);
  audio.transport.set({120, 1, 0, static_cast<std::int64_t>(position), kPlaying, 4, 4});
  Transport value{};
  if (!audio.transport_back.get(value)) ++audio.failures;
  if (read_stats(*audio.stats).xruns != 0) ++audio.failures;
}

}  // namespace

TEST("the audio thread's part of the link never blocks, with a reader and with a full ring") {
  Pair pair;
  Segment& segment = pair.client.segment();
  auto audio = std::make_unique<Audio>();
  audio->up = segment.audio_writer(SectionKind::audio_up);
  audio->down = segment.audio_reader(SectionKind::audio_down);
  audio->params = segment.params();
  audio->transport = TransportWriter(segment.transport());
  audio->transport_back = TransportReader(segment.transport());
  audio->stats = segment.stats();
  AudioReader engine_up = pair.link().segment().audio_reader(SectionKind::audio_up);
  AudioWriter engine_down = pair.link().segment().audio_writer(SectionKind::audio_down);
  std::vector<float> block(1024);
  for (std::uint64_t n = 0; n < 400; ++n) {
    process(*audio, n * 512);
    if (n > 200) continue;  // from here on nobody reads
    BlockMark mark{};
    CHECK(engine_up.pop(mark, block) == RingStatus::ok);
    CHECK(engine_down.push(mark, block) == RingStatus::ok);
  }
  CHECK_EQ(audio->failures, 0);
  CHECK_EQ(pair.link().segment().params().get(3), 0.5F);
}
