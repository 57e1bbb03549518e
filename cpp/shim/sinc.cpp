#include "shim/sinc.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

namespace driftwave::shim {
namespace {

constexpr double kKaiserBeta = 8.5;  // -87 dB side lobes
constexpr std::uint32_t kPhaseBits = 9;
static_assert(kSincPhases == 1U << kPhaseBits);
constexpr std::uint32_t kBaseTaps = 32;
constexpr std::array<double, 11> kRatios = {1.0,  1.1225, 1.26, 1.4143, 1.5875,   2.0,
                                            2.52, 3.175,  4.0,  8.0,    kMaxRatio};

// Modified Bessel function of the first kind, order 0. [ui]
double bessel_i0(double x) {
  double sum = 1.0;
  double term = 1.0;
  for (int k = 1; k < 40 && term > 1e-15 * sum; ++k) {
    const double half = x / (2.0 * k);
    term *= half * half;
    sum += term;
  }
  return sum;
}

// Kaiser window over -1..1, tabulated: the filters ask for it a million times. [ui]
class Kaiser {
 public:
  Kaiser() {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      const double x = static_cast<double>(i) / kSteps;
      table_[i] =
          bessel_i0(kKaiserBeta * std::sqrt(std::max(0.0, 1.0 - x * x))) / bessel_i0(kKaiserBeta);
    }
  }
  double operator()(double x) const {
    const double at = std::min(std::fabs(x), 1.0) * kSteps;
    const auto index = std::min(static_cast<std::size_t>(at), table_.size() - 2);
    const double part = at - static_cast<double>(index);
    return table_[index] + part * (table_[index + 1] - table_[index]);
  }

 private:
  static constexpr double kSteps = 8192.0;
  std::array<double, 8193> table_{};
};

SincFilter make_filter(double max_ratio, const Kaiser& kaiser) {
  SincFilter filter;
  filter.max_ratio = max_ratio;
  const auto wanted = static_cast<std::uint32_t>(std::ceil(kBaseTaps * max_ratio / 4.0)) * 4;
  filter.taps = std::clamp(wanted, kBaseTaps, kMaxTaps);
  const double cutoff = max_ratio <= 1.0 ? 1.0 : 0.95 / std::min(max_ratio, 8.0);
  const auto half = static_cast<std::int32_t>(filter.taps / 2);
  filter.rows.resize((kSincPhases + 1) * static_cast<std::size_t>(filter.taps));
  std::array<double, kMaxTaps> row{};
  for (std::uint32_t phase = 0; phase <= kSincPhases; ++phase) {
    const double fraction = static_cast<double>(phase) / kSincPhases;
    double sum = 0.0;
    for (std::uint32_t k = 0; k < filter.taps; ++k) {
      const double distance =
          static_cast<double>(static_cast<std::int32_t>(k) - half + 1) - fraction;
      const double x = cutoff * distance;
      const double angle = std::numbers::pi * x;
      double value = std::fabs(x) < 1e-12 ? 1.0 : std::sin(angle) / angle;
      // Whole-number crossings of the full-band sinc are zero; sin(pi * k) is only nearly so.
      if (x == std::floor(x) && x != 0.0) value = 0.0;
      row[k] = value * kaiser(distance / half);
      sum += row[k];
    }
    float* out = filter.rows.data() + static_cast<std::size_t>(phase) * filter.taps;
    for (std::uint32_t k = 0; k < filter.taps; ++k) out[k] = static_cast<float>(row[k] / sum);
  }
  return filter;
}

// Four lanes that both compilers turn into one register.
using Lanes = float __attribute__((vector_size(16)));

inline Lanes load(const float* from) noexcept RT_NONBLOCKING {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

inline float sum(Lanes lanes) noexcept RT_NONBLOCKING {
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

template <bool kStereo>
void run(const SincFilter& filter, const float* left, const float* right, Position position,
         Position increment, float* out_left, float* out_right,
         std::uint32_t count) noexcept RT_NONBLOCKING {
  const std::uint32_t taps = filter.taps;
  const std::ptrdiff_t reach = static_cast<std::ptrdiff_t>(taps / 2) - 1;
  constexpr std::uint32_t kPartBits = 32 - kPhaseBits;
  constexpr float kPartScale = 1.0F / static_cast<float>(1U << kPartBits);
  for (std::uint32_t i = 0; i < count; ++i, position += increment) {
    const auto frame = static_cast<std::ptrdiff_t>(position >> 32) - reach;
    const auto fraction = static_cast<std::uint32_t>(position);
    const float* row = filter.rows.data() + static_cast<std::size_t>(fraction >> kPartBits) * taps;
    const float part = static_cast<float>(fraction & ((1U << kPartBits) - 1)) * kPartScale;
    const Lanes parts = {part, part, part, part};
    Lanes sum_left = {0, 0, 0, 0};
    Lanes sum_right = {0, 0, 0, 0};
    for (std::uint32_t k = 0; k < taps; k += 4) {
      const Lanes low = load(row + k);
      const Lanes coefficient = low + parts * (load(row + taps + k) - low);
      sum_left += coefficient * load(left + frame + k);
      if constexpr (kStereo) sum_right += coefficient * load(right + frame + k);
    }
    out_left[i] = sum(sum_left);
    if constexpr (kStereo) out_right[i] = sum(sum_right);
  }
}

}  // namespace

SincBank::SincBank() {
  const Kaiser kaiser;
  filters_.reserve(kRatios.size());
  for (double ratio : kRatios) filters_.push_back(make_filter(ratio, kaiser));
}

const SincBank& SincBank::shared() {
  static const SincBank bank;
  return bank;
}

const SincFilter& SincBank::pick(Position increment) const noexcept RT_NONBLOCKING {
  const double ratio = static_cast<double>(increment) / static_cast<double>(kUnity);
  const SincFilter* filter = filters_.data();
  const SincFilter* last = filter + filters_.size() - 1;
  while (filter != last && ratio > filter->max_ratio) ++filter;
  return *filter;
}

void interpolate(const SincFilter& filter, const float* left, const float* right, Position position,
                 Position increment, float* out_left, float* out_right,
                 std::uint32_t count) noexcept RT_NONBLOCKING {
  if (right == nullptr) {
    run<false>(filter, left, left, position, increment, out_left, out_left, count);
  } else {
    run<true>(filter, left, right, position, increment, out_left, out_right, count);
  }
}

}  // namespace driftwave::shim
