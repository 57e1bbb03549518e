// The test harness: TEST("property") { CHECK(...); }, one file = one program.
//
// A failed check prints where and what and goes on; the program ends with 1 if any failed. A word
// on the command line runs only the tests whose name contains it.
#pragma once

#include <cstdio>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

namespace driftwave::check {

struct Test {
  const char* name;
  void (*run)();
};

/// [any] Every TEST of the program, in order.
inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

/// [any] Failed checks so far.
inline int& failures() {
  static int count = 0;
  return count;
}

struct Registration {
  Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

/// [any] Note a failed check.
inline void fail(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what.c_str());
  ++failures();
}

/// [any] "a == b (3 vs 4)".
template <typename A, typename B>
std::string describe(const char* text, const A& a, const B& b) {
  std::ostringstream to;
  to << text << " (" << a << " vs " << b << ")";
  return to.str();
}

/// [any] Run the tests whose name contains `filter`.
inline int run_all(const char* filter) {
  std::size_t ran = 0;
  for (const Test& test : tests()) {
    if (filter != nullptr && std::strstr(test.name, filter) == nullptr) continue;
    const int before = failures();
    try {
      test.run();
    } catch (const std::exception& error) {
      fail(test.name, 0, std::string("exception: ") + error.what());
    }
    ++ran;
    std::printf("%s %s\n", failures() == before ? "ok  " : "FAIL", test.name);
  }
  std::printf("%zu tests, %d failed checks\n", ran, failures());
  return failures() == 0 && ran > 0 ? 0 : 1;
}

}  // namespace driftwave::check

#define DW_JOIN2(a, b) a##b
#define DW_JOIN(a, b) DW_JOIN2(a, b)
#define TEST(name)                                                                \
  static void DW_JOIN(test_, __LINE__)();                                         \
  static const ::driftwave::check::Registration DW_JOIN(registration_, __LINE__)( \
      name, DW_JOIN(test_, __LINE__));                                            \
  static void DW_JOIN(test_, __LINE__)()
#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) ::driftwave::check::fail(__FILE__, __LINE__, #condition); \
  } while (false)
#define CHECK_EQ(a, b)                                                                        \
  do {                                                                                        \
    const auto& check_a = (a);                                                                \
    const auto& check_b = (b);                                                                \
    if (!(check_a == check_b)) {                                                              \
      ::driftwave::check::fail(__FILE__, __LINE__,                                            \
                               ::driftwave::check::describe(#a " == " #b, check_a, check_b)); \
    }                                                                                         \
  } while (false)

int main(int argc, char** argv) { return driftwave::check::run_all(argc > 1 ? argv[1] : nullptr); }
