// process() never allocates, locks or calls the system: a trap around it counts every attempt.
//
// malloc and its kin and the pthread locks are replaced in this program and count while a thread
// is inside the trap. On Linux x86-64 the kernel moreover reports every system call in there
// (prctl PR_SET_SYSCALL_USER_DISPATCH). Under sanitizers, which replace the same functions, only
// the playing itself is tested here; RealtimeSanitizer then is the trap.
#include <atomic>
#include <memory>
#include <thread>

#include "shim_support.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHIM_TRAP 0
#elif defined(__has_feature)
#if __has_feature(realtime_sanitizer)
#define SHIM_TRAP 0
#endif
#endif
#ifndef SHIM_TRAP
#define SHIM_TRAP 1
#endif

#if SHIM_TRAP
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>

namespace {
thread_local bool trapped = false;
std::atomic<int> offences{0};
volatile char dispatch = 0;  // 1: the kernel reports system calls
volatile int last_call = -1;

void count() {
  if (trapped) offences.fetch_add(1);
}
}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void __libc_free(void*);
void* malloc(std::size_t bytes) {
  count();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t number, std::size_t bytes) {
  count();
  return __libc_calloc(number, bytes);
}
void* realloc(void* old, std::size_t bytes) {
  count();
  return __libc_realloc(old, bytes);
}
void free(void* memory) {
  count();
  __libc_free(memory);
}
int pthread_mutex_lock(pthread_mutex_t* mutex) {
  count();
  using Lock = int (*)(pthread_mutex_t*);
  static const Lock real = reinterpret_cast<Lock>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  return real(mutex);
}
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  count();
  using Wait = int (*)(pthread_cond_t*, pthread_mutex_t*);
  static const Wait real = reinterpret_cast<Wait>(dlsym(RTLD_NEXT, "pthread_cond_wait"));
  return real(condition, mutex);
}
}
#endif

using namespace driftwave::shim;
using namespace driftwave::shim::testing;

namespace {

#if SHIM_TRAP
void on_call(int /*signal*/, siginfo_t* info, void* /*context*/) {
  dispatch = 0;  // so that the return from here gets through
  last_call = info->si_syscall;
  offences.fetch_add(1);
}

// Whether this kernel can report system calls.
bool watch_calls() {
  struct sigaction action {};
  action.sa_sigaction = on_call;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, nullptr);
#ifdef PR_SET_SYSCALL_USER_DISPATCH
  return prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &dispatch) == 0;
#else
  return false;
#endif
}

class Trap {
 public:
  explicit Trap(bool calls) {
    trapped = true;
    if (calls) dispatch = 1;
  }
  ~Trap() {
    dispatch = 0;
    trapped = false;
  }
};
#endif

// An hour of a bad day in the life of process(): everything at once, parameters and clips moving.
template <typename Around>
void torture(Around&& around) {
  auto generator = silent_generator(48000);
  std::mt19937 random(5);
  generator->set_parameter(kFresh, 1.0F);
  std::vector<float> left(8193);
  std::vector<float> right(8193);
  float* const outputs[2] = {left.data(), right.data()};
  std::vector<MidiEvent> events;
  for (int block = 0; block < 600; ++block) {
    if (block % 10 == 0) {
      load(*generator, random() % 16, noise(100 + random() % 9000, random()),
           random() % 2 == 0 ? 44100 : 48000);
    }
    if (block % 25 == 0) generator->clear_clip(random() % 16);
    if (block % 7 == 0) generator->play_note(random() % 128, random() % 128);
    if (block % 90 == 0) generator->panic();
    events.clear();
    const std::uint32_t frames = block % 20 == 0 ? 8193 : random() % 700;
    for (std::uint32_t i = 0; i < 20; ++i) {
      constexpr std::uint8_t kKinds[] = {0x90, 0x90, 0x80, 0xB0, 0xE0};
      events.push_back({frames * i / 20,
                        {kKinds[random() % 5], static_cast<std::uint8_t>(random() % 128),
                         static_cast<std::uint8_t>(random() % 128)},
                        3});
    }
    const std::uint32_t index = random() % kParameterCount;
    const float value = static_cast<float>(random() % 100) / 10.0F - 3.0F;
    if (block % 3 == 0) {
      generator->set_parameter(pad_parameter(random() % 16, kPadLoop), 1.0F);
      generator->set_parameter(pad_parameter(random() % 16, kPadBars), 1.0F);
    }
    Transport song;
    song.playing = block % 50 < 45;
    song.tempo_valid = block % 13 != 0;
    song.frame_valid = block % 5 == 0;
    song.bpm = 90.0 + static_cast<double>(random() % 100);
    song.beat = static_cast<double>(block % 40) * 0.1;  // goes on, glides and jumps back
    song.frame = std::int64_t{block} * 512;
    around([&] {
      generator->set_parameter(index, value);
      generator->process(outputs, frames, events, song);
    });
    CHECK(all_finite(std::span(left).first(frames)));
  }
}

}  // namespace

TEST("process() and set_parameter() never allocate, lock or call the system") {
#if SHIM_TRAP
  const bool calls = watch_calls();
  if (!calls) std::printf("     notice: this kernel can't report system calls\n");
  torture([&](auto&& body) {
    const Trap trap(calls);
    body();
  });
  CHECK_EQ(offences.load(), 0);
  CHECK_EQ(last_call, -1);
#else
  torture([](auto&& body) { body(); });
#endif
}

#if SHIM_TRAP
TEST("the trap sees an allocation, a lock and a system call") {
  offences = 0;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  {
    const Trap trap(false);
    void* volatile memory = std::malloc(100);
    std::free(memory);
    pthread_mutex_lock(&mutex);
  }
  pthread_mutex_unlock(&mutex);
  CHECK_EQ(offences.load(), 3);
  if (!watch_calls()) return;
  offences = 0;
  {
    const Trap trap(true);
    static_cast<void>(getppid());
  }
  CHECK_EQ(offences.load(), 1);
}
#endif
