// Saved states: round trips, refusals that change nothing, and 20 000 damaged ones.
#include <cstring>
#include <memory>

#include "shim/state.h"
#include "shim/text.h"
#include "shim_support.h"

using namespace driftwave::shim;
using namespace driftwave::shim::testing;

namespace {

using Blob = std::vector<std::uint8_t>;

// A generator with something in every corner of its state.
std::unique_ptr<Generator> furnished(std::uint32_t seed) {
  auto generator = std::make_unique<Generator>(GeneratorOptions{.link = false});
  std::mt19937 random(seed);
  for (const Parameter& p : kParameters) {
    const float part = static_cast<float>(random() % 997) / 997.0F;
    generator->set_parameter(p.index, p.minimum + part * (p.maximum - p.minimum));
  }
  for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
    generator->set_prompt(pad, "kurze Snäre " + std::to_string(random()));
    generator->set_negative(pad, pad % 3 == 0 ? "hall" : "");
    generator->set_voice(pad, pad % 2 == 0 ? "drums" : "");
    generator->set_name(pad, "pad " + std::to_string(pad));
    if (pad % 4 != 3) generator->set_seed(pad, static_cast<std::int64_t>(random()));
    if (pad % 3 == 2) continue;
    const std::array<Samples, 2> both = {noise(300 + pad, random()), noise(300 + pad, random())};
    load(*generator, pad, std::span(both).first(1 + pad % 2), pad % 5 == 0 ? 48000 : 44100);
  }
  return generator;
}

void put_u32(Blob& blob, std::size_t at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i)
    blob[at + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> (8 * i));
}

// Bitwise, to check the table-driven one of the shim against.
std::uint32_t crc32_of(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0);
  }
  return ~crc;
}

// Makes length and checksum fit again, so that the parts behind them are reached.
void seal(Blob& blob) {
  if (blob.size() < 24) return;
  put_u32(blob, 12, crc32_of(std::span(blob).subspan(24)));
  put_u32(blob, 16, static_cast<std::uint32_t>(blob.size() - 24));
  put_u32(blob, 20, 0);
}

void refused(Generator& generator, const Blob& blob, const char* word) {
  const Blob before = generator.save_state();
  std::string message;
  CHECK(!generator.load_state(blob, message));
  CHECK(message.find(word) != std::string::npos);
  CHECK(message.find("are kept") != std::string::npos);
  CHECK(generator.snapshot().message == message);
  CHECK(generator.save_state() == before);
}

}  // namespace

TEST("a state comes back whole: settings, prompts, seeds and every sample") {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    const auto first = furnished(seed);
    const Blob saved = first->save_state();
    CHECK(first->save_state() == saved);
    Generator second(GeneratorOptions{.link = false});
    std::string message;
    CHECK(second.load_state(saved, message));
    CHECK_EQ(message, "");
    CHECK(second.save_state() == saved);
    for (std::uint32_t i = 0; i < kParameterCount; ++i) {
      if (is_saved(i)) CHECK_EQ(second.parameter(i), first->parameter(i));
    }
    for (std::uint32_t pad = 0; pad < kPadCount; ++pad) {
      CHECK_EQ(second.prompt(pad), first->prompt(pad));
      CHECK_EQ(second.negative(pad), first->negative(pad));
      CHECK_EQ(second.voice(pad), first->voice(pad));
      CHECK_EQ(second.name(pad), first->name(pad));
      CHECK_EQ(second.seed(pad), first->seed(pad));
      CHECK(second.clip_samples(pad) == first->clip_samples(pad));
    }
  }
}

TEST("equal settings give equal bytes, however one came to them") {
  const auto first = furnished(7);
  const auto second = furnished(8);
  const Blob saved = first->save_state();
  std::string message;
  CHECK(second->load_state(saved, message));
  CHECK(second->save_state() == saved);
}

TEST("a loaded state plays at the next block") {
  const auto first = silent_generator(48000);
  const Samples clip = noise(700, 3);
  load(*first, 5, clip, 48000);
  const auto second = silent_generator(48000);
  std::string message;
  CHECK(second->load_state(first->save_state(), message));
  CHECK(play(*second, 700, 128, {note_on(0, 41)})[0] == clip);
}

TEST("a clip that sounds outlives the state that replaces it") {
  const auto generator = silent_generator(48000);
  const Samples clip = noise(4000, 3);
  load(*generator, 0, clip, 48000);
  play(*generator, 1000, 100, {note_on(0, 36)});
  std::string message;
  CHECK(generator->load_state(Generator({.link = false}).save_state(), message));
  generator->set_parameter(kAttackTime, 0.0F);
  const Stereo rest = play(*generator, 3000, 100, {note_on(50, 36)});
  CHECK(std::equal(clip.begin() + 1000, clip.end(), rest[0].begin()));
  CHECK(generator->clip_samples(0).empty());
}

TEST("newer, empty, foreign, cut and altered states are refused by name, the old one stays") {
  const auto generator = furnished(9);
  const Blob good = furnished(10)->save_state();
  refused(*generator, {}, "empty");
  refused(*generator, Blob(1000, 0x41), "begin");
  Blob newer = good;
  put_u32(newer, 8, kStateVersion + 1);
  refused(*generator, newer, "newer");
  Blob zero = good;
  put_u32(zero, 8, 0);
  refused(*generator, zero, "format 0");
  Blob cut = good;
  cut.resize(cut.size() / 2);
  refused(*generator, cut, "bytes instead");
  Blob flipped = good;
  flipped[flipped.size() / 2] ^= 1;
  refused(*generator, flipped, "checksum");
  Blob longer = good;
  longer.push_back(0);
  seal(longer);
  refused(*generator, longer, "no sense");
}

TEST("a hostile clip can't ask for more memory than is allowed") {
  const auto generator = furnished(9);
  SavedState state;
  for (const Parameter& p : kParameters) state.values[p.index] = p.default_value;
  const Samples silence(100, 0.0F);
  const std::span<const float> channel(silence);
  std::string message;
  auto clip = make_pad_clip(std::span(&channel, 1), 48000, message);
  CHECK(clip.has_value());
  clip->info.frames = 0xFFFFFFFFU;
  state.pads[0].steps[0].clips = {0};
  state.pads[0].clips = {*clip};
  refused(*generator, write_state(state), "no sense");
  clip->info.frames = 99;  // the stream holds more than was announced
  state.pads[0].clips = {*clip};
  refused(*generator, write_state(state), "longer than 99");
  clip->info.frames = 101;
  state.pads[0].clips = {*clip};
  refused(*generator, write_state(state), "damaged");
}

TEST("20 000 damaged states: refused or loaded whole, never a crash, never half") {
  std::mt19937 random(77);
  const auto generator = std::make_unique<Generator>(GeneratorOptions{.link = false});
  Samples tone = soft_sine(200, 800, 44100);
  load(*generator, 0, tone, 44100);
  load(*generator, 9, std::array<Samples, 2>{tone, tone}, 48000);
  generator->set_prompt(3, "deep kick");
  const Blob good = generator->save_state();
  Blob before = good;
  int loaded = 0;
  for (int round = 0; round < 20000; ++round) {
    Blob bad = good;
    const std::uint32_t edits = 1 + random() % 4;
    for (std::uint32_t i = 0; i < edits && !bad.empty(); ++i) {
      const std::size_t at = random() % bad.size();
      switch (random() % 6) {
        case 0:
          bad[at] = static_cast<std::uint8_t>(random());
          break;
        case 1:
          bad[at] ^= static_cast<std::uint8_t>(1U << (random() % 8));
          break;
        case 2:
          bad.resize(at);
          break;
        case 3:
          bad.insert(bad.begin() + static_cast<std::ptrdiff_t>(at), 1 + random() % 40,
                     static_cast<std::uint8_t>(random()));
          break;
        case 4:
          bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        default:
          for (std::size_t k = at; k < std::min(at + 4, bad.size()); ++k) {
            bad[k] = random() % 2 == 0 ? 0xFF : 0;
          }
      }
    }
    if (round % 8 != 0) seal(bad);
    std::string message;
    if (generator->load_state(bad, message)) {
      ++loaded;
      before = generator->save_state();
      CHECK(before == bad || before.size() == bad.size());
    } else {
      CHECK(!message.empty());
      if (round % 50 == 0) CHECK(generator->save_state() == before);
    }
  }
  CHECK(loaded > 0);
  std::printf("     %d of 20000 were harmless and loaded\n", loaded);
}

TEST("20 000 damaged FLAC streams decode to something finite or to a message") {
  std::mt19937 random(78);
  const Samples left = noise(400, 1, 0.2F);
  const std::span<const float> channel(left);
  std::string message;
  const auto clip = ClipData::make(std::span(&channel, 1), 44100, message);
  const Bytes good = encode_flac(*clip, message);
  for (int round = 0; round < 20000; ++round) {
    Blob bad = *good;
    for (std::uint32_t i = 0; i < 1 + random() % 3; ++i) {
      bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    }
    if (random() % 4 == 0) bad.resize(random() % bad.size());
    message.clear();
    const auto decoded = decode_flac(bad, 1000, message);
    CHECK((decoded == nullptr) == !message.empty());
    if (decoded != nullptr) CHECK(decoded->frames() <= 1000);
  }
}

TEST("base64 keeps every length and refuses what is none") {
  std::mt19937 random(1);
  for (std::size_t length = 0; length < 200; ++length) {
    Blob bytes(length);
    for (auto& b : bytes) b = static_cast<std::uint8_t>(random());
    const std::string text = to_base64(bytes);
    CHECK(from_base64(text) == bytes);
    CHECK(from_base64(" " + text.substr(0, text.size() / 2) + "\r\n" +
                      text.substr(text.size() / 2) + "\n") == bytes);
  }
  CHECK_EQ(to_base64(Blob{'f', 'o', 'o', 'b'}), "Zm9vYg==");
  for (const char* bad : {"A", "AAAAA", "AA=A", "A===", "Zm9v!", "\xff\xff\xff\xff"}) {
    CHECK(!from_base64(bad));
  }
  const auto generator = furnished(3);
  std::string message;
  CHECK(generator->load_state_text(generator->save_state_text(), message));
  CHECK(!generator->load_state_text("%%%", message));
  CHECK(message.find("base64") != std::string::npos);
}

TEST("texts are stored as valid UTF-8 of bounded length") {
  CHECK_EQ(clean_text("a\tb\nc", 10), "a b c");
  CHECK_EQ(clean_text("aäöü", 4), "aä");
  CHECK_EQ(clean_text("\xC3(\xF0\x9F\x92\xA9\xED\xA0\x80\xFF", 100), "(\xF0\x9F\x92\xA9");
  Generator generator(GeneratorOptions{.link = false});
  generator.set_prompt(0, std::string(5000, 'x'));
  CHECK_EQ(generator.prompt(0).size(), kMaxPromptBytes);
  generator.set_prompt(99, "nowhere");
  CHECK_EQ(generator.prompt(99), "");
}
