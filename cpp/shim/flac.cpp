#include "shim/flac.h"

#include <FLAC/stream_decoder.h>
#include <FLAC/stream_encoder.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>

namespace driftwave::shim {
namespace {

constexpr std::uint32_t kBlockFrames = 4096;

struct EncoderDeleter {
  void operator()(FLAC__StreamEncoder* encoder) const { FLAC__stream_encoder_delete(encoder); }
};
struct DecoderDeleter {
  void operator()(FLAC__StreamDecoder* decoder) const { FLAC__stream_decoder_delete(decoder); }
};

// A file in memory that the encoder may seek in, to complete its header at the end.
struct Sink {
  std::vector<std::uint8_t> bytes;
  std::size_t at = 0;
};

FLAC__StreamEncoderWriteStatus write_sink(const FLAC__StreamEncoder* /*encoder*/,
                                          const FLAC__byte buffer[], std::size_t bytes,
                                          std::uint32_t /*samples*/, std::uint32_t /*frame*/,
                                          void* client) {
  Sink& sink = *static_cast<Sink*>(client);
  if (sink.at + bytes > sink.bytes.size()) sink.bytes.resize(sink.at + bytes);
  std::memcpy(sink.bytes.data() + sink.at, buffer, bytes);
  sink.at += bytes;
  return FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
}

FLAC__StreamEncoderSeekStatus seek_sink(const FLAC__StreamEncoder* /*encoder*/, FLAC__uint64 to,
                                        void* client) {
  Sink& sink = *static_cast<Sink*>(client);
  if (to > sink.bytes.size()) return FLAC__STREAM_ENCODER_SEEK_STATUS_ERROR;
  sink.at = static_cast<std::size_t>(to);
  return FLAC__STREAM_ENCODER_SEEK_STATUS_OK;
}

FLAC__StreamEncoderTellStatus tell_sink(const FLAC__StreamEncoder* /*encoder*/, FLAC__uint64* at,
                                        void* client) {
  *at = static_cast<Sink*>(client)->at;
  return FLAC__STREAM_ENCODER_TELL_STATUS_OK;
}

struct Source {
  std::span<const std::uint8_t> bytes;
  std::size_t at = 0;
  std::uint64_t max_frames = 0;
  std::uint32_t sample_rate_hz = 0;
  std::array<std::vector<float>, 2> channels;
  std::uint32_t channel_count = 0;
  std::string trouble;
};

FLAC__StreamDecoderReadStatus read_source(const FLAC__StreamDecoder* /*decoder*/,
                                          FLAC__byte buffer[], std::size_t* bytes, void* client) {
  Source& source = *static_cast<Source*>(client);
  const std::size_t count = std::min(*bytes, source.bytes.size() - source.at);
  std::memcpy(buffer, source.bytes.data() + source.at, count);
  source.at += count;
  *bytes = count;
  return count == 0 ? FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM
                    : FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
}

FLAC__StreamDecoderWriteStatus take_frame(const FLAC__StreamDecoder* /*decoder*/,
                                          const FLAC__Frame* frame,
                                          const FLAC__int32* const buffer[], void* client) {
  Source& source = *static_cast<Source*>(client);
  const std::uint32_t count = frame->header.blocksize;
  const std::uint32_t channels = frame->header.channels;
  if (source.channel_count == 0) {
    source.channel_count = channels;
    source.sample_rate_hz = frame->header.sample_rate;
  }
  if (channels < 1 || channels > 2) {
    source.trouble = "it has " + std::to_string(channels) + " channels, expected 1 or 2";
  } else if (channels != source.channel_count ||
             frame->header.sample_rate != source.sample_rate_hz) {
    source.trouble = "it changes its format midway";
  } else if (source.channels[0].size() + count > source.max_frames) {
    source.trouble = "it is longer than " + std::to_string(source.max_frames) + " frames";
  }
  if (!source.trouble.empty()) return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
  const double scale = std::ldexp(1.0, 1 - static_cast<int>(frame->header.bits_per_sample));
  for (std::uint32_t c = 0; c < channels; ++c) {
    for (std::uint32_t i = 0; i < count; ++i) {
      source.channels[c].push_back(static_cast<float>(buffer[c][i] * scale));
    }
  }
  return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
}

void take_error(const FLAC__StreamDecoder* /*decoder*/, FLAC__StreamDecoderErrorStatus status,
                void* client) {
  static_cast<Source*>(client)->trouble = FLAC__StreamDecoderErrorStatusString[status];
}

}  // namespace

Bytes encode_flac(const ClipData& clip, std::string& message) {
  const std::unique_ptr<FLAC__StreamEncoder, EncoderDeleter> encoder(FLAC__stream_encoder_new());
  auto sink = std::make_shared<Sink>();
  FLAC__StreamEncoder* e = encoder.get();
  const bool ready =
      e != nullptr && FLAC__stream_encoder_set_streamable_subset(e, false) != 0 &&
      FLAC__stream_encoder_set_channels(e, clip.channels()) != 0 &&
      FLAC__stream_encoder_set_bits_per_sample(e, 24) != 0 &&
      FLAC__stream_encoder_set_sample_rate(
          e, static_cast<std::uint32_t>(std::lround(clip.sample_rate_hz()))) != 0 &&
      FLAC__stream_encoder_set_compression_level(e, 5) != 0 &&
      FLAC__stream_encoder_set_total_samples_estimate(e, clip.frames()) != 0 &&
      FLAC__stream_encoder_init_stream(e, write_sink, seek_sink, tell_sink, nullptr, sink.get()) ==
          FLAC__STREAM_ENCODER_INIT_STATUS_OK;
  bool good = ready;
  std::vector<FLAC__int32> block(std::size_t{kBlockFrames} * clip.channels());
  for (std::uint32_t at = 0; good && at < clip.frames(); at += kBlockFrames) {
    const std::uint32_t count = std::min(kBlockFrames, clip.frames() - at);
    std::size_t to = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      for (std::uint32_t c = 0; c < clip.channels(); ++c) {
        block[to++] = static_cast<FLAC__int32>(clip.channel(c)[at + i] * kGrid);
      }
    }
    good = FLAC__stream_encoder_process_interleaved(e, block.data(), count) != 0;
  }
  if (ready) good = FLAC__stream_encoder_finish(e) != 0 && good;
  if (!good) {
    message = "The clip could not be encoded for the project: ";
    message += e == nullptr ? "out of memory" : FLAC__stream_encoder_get_resolved_state_string(e);
    return nullptr;
  }
  return {sink, &sink->bytes};
}

std::shared_ptr<const ClipData> decode_flac(std::span<const std::uint8_t> bytes,
                                            std::uint64_t max_frames, std::string& message) {
  const std::unique_ptr<FLAC__StreamDecoder, DecoderDeleter> decoder(FLAC__stream_decoder_new());
  Source source;
  source.bytes = bytes;
  source.max_frames = max_frames;
  FLAC__StreamDecoder* d = decoder.get();
  const bool good = d != nullptr && FLAC__stream_decoder_set_md5_checking(d, true) != 0 &&
                    FLAC__stream_decoder_init_stream(
                        d, read_source, nullptr, nullptr, nullptr, nullptr, take_frame, nullptr,
                        take_error, &source) == FLAC__STREAM_DECODER_INIT_STATUS_OK &&
                    FLAC__stream_decoder_process_until_end_of_stream(d) != 0;
  const bool sum_right = d != nullptr && FLAC__stream_decoder_finish(d) != 0;
  if (source.trouble.empty() && !good) source.trouble = "it is not a FLAC stream";
  if (source.trouble.empty() && !sum_right) source.trouble = "its checksum is wrong";
  if (source.trouble.empty() && source.channels[0].empty()) source.trouble = "it holds no sound";
  if (!source.trouble.empty()) {
    message = "The FLAC data can't be used: " + source.trouble + ".";
    return nullptr;
  }
  const std::array<std::span<const float>, 2> spans = {source.channels[0], source.channels[1]};
  return ClipData::make({spans.data(), source.channel_count}, source.sample_rate_hz, message);
}

}  // namespace driftwave::shim
