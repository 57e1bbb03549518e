// The link thread against an engine in a thread: real socket, rings and slots, no Python.
#include <chrono>
#include <functional>
#include <memory>

#include "shim_engine.h"

using namespace driftwave::shim;
using namespace driftwave::shim::testing;

namespace {

// Waits for what must happen; a watchdog, no measure of speed.
bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 12000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

std::unique_ptr<Generator> linked(const TemporaryFolder& folder) {
  auto generator = std::make_unique<Generator>(
      GeneratorOptions{.link = true, .autostart = false, .runtime_dir = folder.path()});
  generator->prepare(48000, 512);
  generator->set_parameter(kAttackTime, 0.0F);
  return generator;
}

bool has_clip(const Generator& generator, std::uint32_t pad) {
  return generator.snapshot().pads[pad].clip.serial != 0;
}

}  // namespace

TEST("a trigger generates on the selected pad and the answer is played bit by bit") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  const auto generator = linked(folder);
  generator->set_prompt(2, "deep kick flurb");
  generator->set_parameter(kPad, 3);
  generator->set_parameter(kGenerate, 1);
  generator->set_parameter(kGenerate, 0);
  CHECK(eventually([&] { return has_clip(*generator, 2); }));
  const Snapshot now = generator->snapshot();
  CHECK(now.pads[2].clip.words_understood == "deep kick");
  CHECK(now.pads[2].clip.words_unknown == "flurb");
  CHECK(now.pads[2].clip.prompt == "deep kick flurb");
  CHECK(now.pads[2].clip.seed == engine.last_seed && now.pads[2].seed == engine.last_seed);
  CHECK(play(*generator, 400, 64, {note_on(0, 38)})[0] == TestEngine::sound(engine.last_seed));
  CHECK(eventually([&] { return generator->snapshot().status == EngineStatus::kReady; }));
  CHECK(eventually([&] { return generator->snapshot().voices.size() == 2; }));
  CHECK_EQ(engine.requests.load(), 1);
}

TEST("a locked seed is used again, an open one changes, a variation sends its source") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  const auto generator = linked(folder);
  const auto ask = [&](bool vary) {
    const std::uint64_t before = generator->snapshot().pads[0].clip.serial;
    if (vary) generator->vary(0);
    if (!vary) generator->generate(0);
    CHECK(eventually([&] { return generator->snapshot().pads[0].clip.serial != before; }));
    return engine.last_seed.load();
  };
  generator->vary(0);
  CHECK(eventually(
      [&] { return generator->snapshot().message.find("no sound") != std::string::npos; }));
  const std::int64_t first = ask(false);
  const std::int64_t second = ask(false);
  CHECK(first != second);
  generator->set_seed(0, 4711);
  CHECK_EQ(ask(false), 4711);
  CHECK_EQ(ask(false), 4711);
  generator->set_seed(0, kRandomSeed);
  CHECK(ask(false) != 4711);
  ask(true);
  CHECK_EQ(engine.last_source_frames.load(), 400U);
  CHECK(generator->snapshot().message.empty());
}

TEST("fresh hits keep four variations ready for every pad that has words or a sound") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  const auto generator = linked(folder);
  generator->set_prompt(0, "clap");
  generator->set_parameter(kFresh, 1);
  const auto pool = [&](std::uint32_t pad) { return generator->snapshot().pads[pad].pool; };
  CHECK(eventually([&] { return pool(0) == 4; }));
  CHECK_EQ(pool(1), 0U);
  std::vector<Samples> heard;
  for (int hit = 0; hit < 10; ++hit) {
    CHECK(eventually([&] { return pool(0) == 4; }));
    heard.push_back(play(*generator, 400, 64, {note_on(0, 36)})[0]);
    for (std::size_t i = 0; i + 1 < heard.size(); ++i) CHECK(heard[i] != heard.back());
    const auto shown = generator->clip_samples(0);
    CHECK(!shown.empty() && shown[0] == heard.back());
  }
  CHECK_EQ(generator->parameter(kXruns), 0.0F);
  const int asked = engine.requests;
  generator->set_prompt(0, "other clap");  // the pool is made anew
  CHECK(eventually([&] { return engine.requests >= asked + 4 && pool(0) == 4; }));
  CHECK(engine.last_prompt() == "other clap");
}

TEST("what the engine refuses is told in its words") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  engine.refuse = true;
  const auto generator = linked(folder);
  generator->generate(0);
  CHECK(eventually([&] { return generator->snapshot().message.find("No voice") == 0; }));
  CHECK(!generator->snapshot().pads[0].waiting);
  generator->clear_message();
  CHECK(generator->snapshot().message.empty());
}

TEST("cancel forgets what waits and tells the engine") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  engine.answer = false;
  const auto generator = linked(folder);
  generator->generate(0);
  CHECK(eventually([&] { return engine.requests == 1; }));
  CHECK(eventually([&] { return generator->snapshot().status == EngineStatus::kBusy; }));
  generator->set_parameter(kCancel, 1);
  CHECK(eventually([&] { return engine.cancels == 1; }));
  CHECK(eventually([&] { return generator->snapshot().jobs == 0; }));
}

TEST("a request survives the engine it was sent to, but not two of them") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  engine.answer = false;
  const auto generator = linked(folder);
  generator->generate(0);
  CHECK(eventually([&] { return engine.requests == 1; }));
  engine.answer = true;
  engine.hang_up = true;
  CHECK(eventually([&] { return has_clip(*generator, 0); }));
  CHECK_EQ(engine.requests.load(), 2);
  engine.answer = false;
  generator->generate(1);
  CHECK(eventually([&] { return engine.requests == 3; }));
  engine.hang_up = true;
  CHECK(eventually([&] { return engine.requests == 4; }));
  engine.hang_up = true;
  CHECK(
      eventually([&] { return generator->snapshot().message.find("twice") != std::string::npos; }));
  CHECK(eventually([&] { return generator->snapshot().jobs == 0; }));
}

TEST("a request made before any engine runs is answered once one does; sounds play on after it") {
  const TemporaryFolder folder;
  const auto generator = linked(folder);
  generator->generate(0);
  CHECK(eventually([&] { return !generator->snapshot().status_text.empty(); }));
  CHECK(generator->snapshot().status == EngineStatus::kOff);
  Samples sound;
  {
    TestEngine engine(folder.path());
    CHECK(eventually([&] { return has_clip(*generator, 0); }));
    sound = TestEngine::sound(engine.last_seed);
  }
  CHECK(eventually([&] { return generator->snapshot().status == EngineStatus::kLost; }));
  CHECK(play(*generator, 400, 64, {note_on(0, 36)})[0] == sound);
  TestEngine again(folder.path());
  CHECK(eventually([&] { return generator->snapshot().status == EngineStatus::kReady; }));
}

TEST("an engine that stands still is seen by its heartbeat") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  const auto generator = linked(folder);
  CHECK(eventually([&] { return generator->snapshot().status == EngineStatus::kReady; }));
  engine.beat = false;
  CHECK(eventually([&] { return generator->snapshot().status == EngineStatus::kLost; }));
  engine.beat = true;
  CHECK(eventually([&] { return generator->snapshot().status == EngineStatus::kReady; }));
}

TEST("one request makes several variations; triggers pick, compare, undo and redo them") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  const auto generator = linked(folder);
  const auto push = [&](std::uint32_t trigger) {
    generator->set_parameter(trigger, 1);
    generator->set_parameter(trigger, 0);
  };
  const auto pad = [&] { return generator->snapshot().pads[5]; };
  generator->set_parameter(kPad, 6);
  push(kGenerate);
  CHECK(eventually([&] { return pad().variations == 4; }));
  const std::int64_t seed = engine.last_seed;
  const auto heard = [&] { return play(*generator, 400, 64, {note_on(0, 41)})[0]; };
  CHECK(heard() == TestEngine::sound(seed));
  for (const std::uint32_t i : {2U, 0U, 3U, 1U}) {
    push(kPick1 + i);
    CHECK(eventually([&] { return pad().variation == i; }));
    CHECK(heard() == TestEngine::sound(seed + i));
    CHECK_EQ(pad().clip.index, i);
  }
  push(kCompare);
  CHECK(eventually([&] { return pad().variation == 3; }));
  push(kVary);
  CHECK(eventually([&] { return pad().history == 3 && pad().variations == 4; }));
  CHECK_EQ(engine.last_source_frames.load(), 400U);
  CHECK(heard() == TestEngine::sound(engine.last_seed));
  push(kUndo);
  CHECK(eventually([&] { return pad().history_at == 1; }));
  CHECK(heard() == TestEngine::sound(seed + 3));
  push(kRedo);
  CHECK(eventually([&] { return pad().history_at == 2; }));
  generator->set_parameter(kVariations, 1);
  push(kGenerate);
  CHECK(eventually([&] { return pad().history == 4; }));
  CHECK_EQ(engine.requests.load(), 3);
}

TEST("interpolate sends both sounds and where between them to be, or says what it lacks") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  const auto generator = linked(folder);
  const auto said = [&](const char* words) {
    return eventually(
        [&] { return generator->snapshot().message.find(words) != std::string::npos; });
  };
  generator->interpolate(0);
  CHECK(said("Pad 1 has no sound to interpolate from"));
  load(*generator, 0, noise(300, 1), 48000);
  generator->interpolate(0);
  CHECK(said("Pad 2 has no sound to interpolate to"));
  generator->set_parameter(kPartner, 1);
  generator->interpolate(0);
  CHECK(said("two pads"));
  generator->set_parameter(kPartner, 9);
  load(*generator, 8, std::array<Samples, 2>{noise(200, 2), noise(200, 3)}, 44100);
  generator->interpolate(0);
  CHECK(eventually([&] { return generator->snapshot().pads[0].variations == 4; }));
  CHECK_EQ(engine.last_source_frames.load(), 300U);
  CHECK_EQ(engine.last_second_frames.load(), 200U);
  CHECK(std::fabs(engine.last_mix_first - 0.2F) < 1e-6F);
  CHECK(std::fabs(engine.last_mix_last - 0.8F) < 1e-6F);
  CHECK(generator->undo(0));
  CHECK_EQ(generator->clip_samples(0)[0].size(), 300U);
  CHECK_EQ(generator->clip_samples(8)[0].size(), 200U);
}

TEST("a pad of bars asks in the host's bars and tempo and holds exactly that length") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  const auto generator = linked(folder);
  generator->set_parameter(kVariations, 1);
  generator->set_parameter(pad_parameter(0, kPadBars), 2);
  generator->set_parameter(pad_parameter(0, kPadLoop), 1);
  Transport song;
  song.tempo_valid = true;
  song.bpm = 61.7;
  song.bar_quarters = 3.0;
  Samples silence(64);
  float* const outputs[2] = {silence.data(), silence.data()};
  generator->process(outputs, 64, {}, song);
  generator->generate(0);
  CHECK(eventually([&] { return has_clip(*generator, 0); }));
  CHECK_EQ(engine.last_bars.load(), 2.0F);
  CHECK_EQ(engine.last_bpm.load(), 61.7);
  CHECK_EQ(engine.last_loop.load(), 1U);
  const double seconds = 6.0 * 60.0 / 61.7;
  CHECK(std::fabs(engine.last_seconds - seconds) < 1e-5);
  const ClipInfo clip = generator->snapshot().pads[0].clip;
  CHECK_EQ(clip.frames, static_cast<std::uint32_t>(std::lround(seconds * 48000.0)));
  CHECK_EQ(clip.quarters, 6.0);
}

TEST("playing, generating, undoing, saving and loading at once: no race, no leak") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  const auto generator = linked(folder);
  for (std::uint32_t pad = 0; pad < 4; ++pad) generator->set_prompt(pad, "tom");
  std::atomic<bool> stop{false};
  std::thread audio([&] {
    std::mt19937 random(1);
    while (!stop) {
      const int note = 36 + static_cast<int>(random() % 4);
      const Stereo out = play(*generator, 256, 64, {note_on(random() % 256, note)});
      if (!all_finite(out[0])) std::abort();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  std::thread editor([&] {
    std::mt19937 random(2);
    while (!stop) {
      const std::uint32_t pad = random() % 4;
      if (random() % 2 == 0) generator->undo(pad);
      if (random() % 4 == 0) generator->vary(pad);
      generator->set_parameter(random() % kParameterCount,
                               static_cast<float>(random() % 10) / 5.0F);
      static_cast<void>(generator->peaks(pad));
      static_cast<void>(generator->snapshot());
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  });
  std::string message;
  for (int round = 0; round < 60; ++round) {
    generator->set_parameter(kFresh, static_cast<float>(round % 2));
    generator->generate(static_cast<std::uint32_t>(round) % 4);
    const auto state = generator->save_state();
    if (round % 5 == 0) CHECK(generator->load_state(state, message));
    if (round % 20 == 10) engine.hang_up = true;
    load(*generator, 0, noise(300, static_cast<std::uint32_t>(round)), 48000);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  stop = true;
  audio.join();
  editor.join();
}

TEST("eight instances share one engine, and closing them never hangs") {
  const TemporaryFolder folder;
  TestEngine engine(folder.path());
  std::vector<std::unique_ptr<Generator>> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back(linked(folder));
    all.back()->generate(static_cast<std::uint32_t>(i));
  }
  for (std::uint32_t i = 0; i < 8; ++i) {
    CHECK(eventually([&] { return has_clip(*all[i], i); }));
  }
  CHECK_EQ(engine.links.load(), 8);
  for (int round = 0; round < 20; ++round) {
    all.push_back(linked(folder));
    all.back()->generate(0);
    all.pop_back();
  }
}
