// The Generator's dealings with files and with audio from outside.
#include <algorithm>
#include <cmath>
#include <mutex>
#include <string_view>

#include "shim/audio_file.h"
#include "shim/generator_impl.h"
#include "shim/text.h"
#include "shim/wav.h"

namespace driftwave::shim {
namespace {

// A name that every file system takes: the words, without what separates or hides files.
std::string file_stem(const PadInfo& pad, std::uint32_t number) {
  const std::string& words = !pad.name.empty()          ? pad.name
                             : !pad.clip.prompt.empty() ? pad.clip.prompt
                                                        : pad.prompt;
  std::string stem = "pad ";
  stem += std::to_string(number);
  if (!words.empty()) stem += ' ';
  for (char c : clean_text(words, 60)) {
    const bool unsafe = std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos;
    stem += unsafe ? '-' : c;
  }
  if (pad.clip.seed >= 0) stem += " " + std::to_string(pad.clip.seed);
  return stem;
}

}  // namespace

bool Generator::set_clip(std::uint32_t pad, std::span<const std::span<const float>> channels,
                         double sample_rate_hz, std::string_view name, std::string& message) {
  if (pad >= kPadCount) {
    message =
        "There are 16 pads, numbered 0 to 15; pad " + std::to_string(pad) + " does not exist.";
    return false;
  }
  float peak = 0.0F;
  for (const auto& channel : channels) {
    for (float sample : channel) {
      if (std::isfinite(sample)) peak = std::max(peak, std::fabs(sample));
    }
  }
  std::vector<std::vector<float>> scaled;
  std::vector<std::span<const float>> spans(channels.begin(), channels.end());
  if (peak > 1.0F) {
    scaled.reserve(spans.size());
    for (auto& span : spans) {
      scaled.emplace_back(span.begin(), span.end());
      for (float& sample : scaled.back()) sample /= peak;
      span = scaled.back();
    }
  }
  auto clip = make_pad_clip(spans, sample_rate_hz, message);
  if (!clip) return false;
  clip->info.imported = true;
  const std::lock_guard lock(impl_->core.mutex);
  impl_->core.add_clip(pad, std::move(*clip));
  if (!name.empty()) impl_->core.pads[pad].settings().name = clean_text(name, kMaxNameBytes);
  return true;
}

bool Generator::import_file(std::uint32_t pad, const std::filesystem::path& path,
                            std::string& message) {
  AudioFile file;
  if (!read_audio_file(path, file, message)) return false;
  const std::vector<std::span<const float>> spans(file.channels.begin(), file.channels.end());
  return set_clip(pad, spans, file.sample_rate_hz, path.stem().string(), message);
}

void Generator::import_later(std::uint32_t pad, const std::filesystem::path& path) {
  if (pad >= kPadCount) return;
  {
    const std::lock_guard lock(impl_->core.mutex);
    ++impl_->core.pads[pad].importing;
    impl_->core.tell({});
  }
  impl_->importer.add([this, pad, path] {
    std::string message;
    const bool good = import_file(pad, path, message);
    const std::lock_guard lock(impl_->core.mutex);
    --impl_->core.pads[pad].importing;
    ++impl_->core.revision;
    if (!good) impl_->core.tell(message);
  });
}

bool Generator::export_wav(std::uint32_t pad, const std::filesystem::path& path,
                           std::filesystem::path& written, std::string& message) const {
  const auto clip = impl_->clip(pad);
  if (clip == nullptr) {
    message = "Pad " + std::to_string(pad + 1) + " has no sound to export.";
    return false;
  }
  written = path;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    const std::string stem = file_stem(snapshot().pads[pad], pad + 1);
    written = path / (stem + ".wav");
    for (int copy = 2; std::filesystem::exists(written, error) && copy < 10000; ++copy) {
      written = path / (stem + " (" + std::to_string(copy) + ").wav");
    }
  }
  return write_wav(*clip, written, message);
}

std::vector<std::vector<float>> Generator::clip_samples(std::uint32_t pad) const {
  const auto clip = impl_->clip(pad);
  std::vector<std::vector<float>> samples;
  for (std::uint32_t c = 0; clip != nullptr && c < clip->channels(); ++c) {
    samples.emplace_back(clip->channel(c), clip->channel(c) + clip->frames());
  }
  return samples;
}

}  // namespace driftwave::shim
