#include "shim/pad.h"

#include <cmath>

namespace driftwave::shim {

std::optional<PadClip> make_pad_clip(std::span<const std::span<const float>> channels,
                                     double sample_rate_hz, std::string& message) {
  PadClip clip;
  clip.data = ClipData::make(channels, std::round(sample_rate_hz), message);
  if (clip.data == nullptr) return std::nullopt;
  clip.flac = encode_flac(*clip.data, message);
  if (clip.flac == nullptr) return std::nullopt;
  if (clip.flac->size() > kMaxClipBytes) {
    message = "The clip takes " + std::to_string(clip.flac->size() >> 20) +
              " MB in the project, at most " + std::to_string(kMaxClipBytes >> 20) +
              " MB are allowed for each pad. Cut it or lower its sample rate.";
    return std::nullopt;
  }
  clip.info.sample_rate_hz = clip.data->sample_rate_hz();
  clip.info.channels = clip.data->channels();
  clip.info.frames = clip.data->frames();
  return clip;
}

}  // namespace driftwave::shim
