// The segment: seals, the checks of page 0, and thousands of corrupt ones.
#include "link/segment.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"

using namespace driftwave::link;

namespace {

Hello a_hello(std::uint32_t block = 512, std::uint32_t channels = 2) {
  Hello hello{};
  hello.magic = kMagic;
  hello.abi_major = kAbiMajor;
  hello.plugin = platform::this_process();
  hello.sample_rate_hz = 48000;
  hello.max_block_frames = block;
  hello.channels = channels;
  return hello;
}

Header a_header() { return make_header(a_hello(), 1, platform::this_process()); }

HeaderFault fault_of(const Header& header) { return check_header(header, a_header().total_bytes); }

}  // namespace

TEST("both sides agree on a fresh segment for every block length and channel count") {
  for (const std::uint32_t block : {1U, 64U, 1024U, 8193U, kMaxBlockFrames}) {
    for (std::uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
      const Header header = make_header(a_hello(block, channels), 9, platform::this_process());
      FileDescriptor fd;
      Segment engine;
      Segment plugin;
      CHECK(Segment::create(header, fd, engine));
      CHECK(Segment::attach(fd.get(), plugin) == HeaderFault::none);
      CHECK_EQ(plugin.header().generation, 9U);
      for (std::uint32_t kind = 1; kind <= kSectionKinds; ++kind) {
        CHECK(plugin.section(static_cast<SectionKind>(kind)) != nullptr);
      }
    }
  }
}

TEST("what one side writes the other reads") {
  FileDescriptor fd;
  Segment engine;
  Segment plugin;
  CHECK(Segment::create(a_header(), fd, engine));
  CHECK(Segment::attach(fd.get(), plugin) == HeaderFault::none);
  RecordWriter requests = plugin.record_writer(SectionKind::requests);
  RecordReader inbox = engine.record_reader(SectionKind::requests);
  CHECK(requests.push(RecordKind::cancel, 5, {}) == RingStatus::ok);
  static Record record;
  CHECK(inbox.pop(record) == RingStatus::ok);
  CHECK_EQ(record.header.job, 5U);
  plugin.params().set(1, 0.5F);
  CHECK_EQ(engine.params().get(1), 0.5F);
}

TEST("nobody can shrink, grow or unseal the memory") {
  FileDescriptor fd;
  Segment engine;
  CHECK(Segment::create(a_header(), fd, engine));
  CHECK(::ftruncate(fd.get(), 4096) != 0);
  CHECK(::ftruncate(fd.get(), 1L << 30) != 0);
  CHECK(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE) != 0);
}

TEST("memory without the seals is refused before it is mapped") {
  const Header header = a_header();
  const FileDescriptor fd(::memfd_create("unsealed", MFD_ALLOW_SEALING | MFD_CLOEXEC));
  CHECK(::ftruncate(fd.get(), static_cast<off_t>(header.total_bytes)) == 0);
  CHECK(::pwrite(fd.get(), &header, sizeof header, 0) == sizeof header);
  Segment plugin;
  CHECK(Segment::attach(fd.get(), plugin) == HeaderFault::bad_length);
}

TEST("a descriptor that is no memory is refused") {
  Segment plugin;
  CHECK(Segment::attach(0, plugin) != HeaderFault::none);
  CHECK(Segment::attach(-1, plugin) != HeaderFault::none);
}

TEST("a header with one fault is refused and the fault is named") {
  CHECK(fault_of(a_header()) == HeaderFault::none);
  Header header = a_header();
  header.magic ^= 1;
  CHECK(fault_of(header) == HeaderFault::bad_magic);
  header = a_header();
  header.abi_major += 1;
  CHECK(fault_of(header) == HeaderFault::bad_abi);
  header = a_header();
  header.total_bytes += kPageBytes;
  CHECK(fault_of(header) == HeaderFault::bad_length);
  header = a_header();
  header.section_count = 1'000'000;
  CHECK(fault_of(header) == HeaderFault::bad_length);
  header = a_header();
  header.sample_rate_hz = std::numeric_limits<double>::quiet_NaN();
  CHECK(fault_of(header) == HeaderFault::bad_format);
  header = a_header();
  header.section_count -= 1;
  CHECK(fault_of(header) == HeaderFault::bad_section);
  header = a_header();
  header.sections[2] = header.sections[3];
  CHECK(fault_of(header) != HeaderFault::none);
  header = a_header();
  header.sections[3].offset_bytes = header.sections[2].offset_bytes;
  CHECK(fault_of(header) == HeaderFault::overlap);
  for (const std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{64}, ~std::uint64_t{0}, ~std::uint64_t{4095}}) {
    header = a_header();
    header.sections[6].offset_bytes = offset;
    CHECK(fault_of(header) == HeaderFault::bad_section);
  }
}

TEST("a section of an unknown kind is allowed and ignored") {
  Header header = a_header();
  header.sections[kSectionKinds] = {99, 0, kPageBytes, 0};
  header.section_count += 1;
  CHECK(fault_of(header) == HeaderFault::none);
}

TEST("fuzz: every value of every header byte is refused or leaves every section in bounds") {
  const Header good = a_header();
  std::size_t inputs = 0;
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < sizeof(Header); ++at) {
    for (int value = 0; value < 256; ++value) {
      Header header = good;
      reinterpret_cast<unsigned char*>(&header)[at] = static_cast<unsigned char>(value);
      ++inputs;
      if (fault_of(header) != HeaderFault::none) continue;
      ++accepted;
      for (const Section& section : std::span(header.sections, header.section_count)) {
        CHECK(section.offset_bytes + section.bytes <= good.total_bytes);
      }
    }
  }
  std::printf("fuzzed %zu headers, %zu still usable\n", inputs, accepted);
  CHECK(inputs > 100'000 && accepted < inputs);
}

TEST("fuzz: random headers never pass with a section out of bounds or on another") {
  const Header good = a_header();
  std::mt19937_64 random(7);
  constexpr std::size_t kInputs = 200'000;
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < kInputs; ++i) {
    Header header = good;
    const std::size_t mutations = 1 + random() % 6;
    for (std::size_t m = 0; m < mutations; ++m) {
      Section& section = header.sections[random() % kMaxSections];
      switch (random() % 6) {
        case 0:
          section.offset_bytes = random();
          break;
        case 1:
          section.offset_bytes = (random() % 40'000) * kPageBytes;
          break;
        case 2:
          section.bytes = random();
          break;
        case 3:
          section.kind = static_cast<std::uint32_t>(random() % 12);
          break;
        case 4:
          header.section_count = static_cast<std::uint32_t>(random() % 20);
          break;
        default:
          std::swap(section, header.sections[random() % kMaxSections]);
      }
    }
    if (fault_of(header) != HeaderFault::none) continue;
    ++accepted;
    for (std::uint32_t a = 0; a < header.section_count; ++a) {
      const Section& one = header.sections[a];
      CHECK(one.offset_bytes >= kPageBytes && one.offset_bytes + one.bytes <= good.total_bytes);
      for (std::uint32_t b = 0; b < a; ++b) {
        const Section& two = header.sections[b];
        CHECK(one.offset_bytes >= two.offset_bytes + two.bytes ||
              two.offset_bytes >= one.offset_bytes + one.bytes || one.bytes == 0 || two.bytes == 0);
      }
    }
  }
  std::printf("fuzzed %zu headers, %zu still usable\n", kInputs, accepted);
}
