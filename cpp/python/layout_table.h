// Every field of the wire format by name, for the contract tests: {"Header.magic": (0, 8), ...}.
#pragma once

#include <pybind11/pybind11.h>

#include "link/audio_stream.h"
#include "link/clips.h"
#include "link/handshake.h"
#include "link/layout.h"
#include "link/params.h"
#include "link/records.h"
#include "link/stats.h"
#include "link/transport.h"

namespace driftwave::link {

/// Offset and size in bytes of every field, and `(0, size)` of every struct.
inline pybind11::dict layout_table() {
  pybind11::dict to;
#define DRIFTWAVE_STRUCT(type) to[#type] = pybind11::make_tuple(0, sizeof(type))
#define DRIFTWAVE_MEMBER(type, field) \
  to[#type "." #field] = pybind11::make_tuple(offsetof(type, field), sizeof(type::field))
  DRIFTWAVE_STRUCT(ProcessId);
  DRIFTWAVE_MEMBER(ProcessId, pid);
  DRIFTWAVE_MEMBER(ProcessId, start_time);
  DRIFTWAVE_STRUCT(Section);
  DRIFTWAVE_MEMBER(Section, kind);
  DRIFTWAVE_MEMBER(Section, offset_bytes);
  DRIFTWAVE_MEMBER(Section, bytes);
  DRIFTWAVE_STRUCT(Header);
  DRIFTWAVE_MEMBER(Header, magic);
  DRIFTWAVE_MEMBER(Header, abi_major);
  DRIFTWAVE_MEMBER(Header, abi_minor);
  DRIFTWAVE_MEMBER(Header, header_bytes);
  DRIFTWAVE_MEMBER(Header, section_count);
  DRIFTWAVE_MEMBER(Header, total_bytes);
  DRIFTWAVE_MEMBER(Header, generation);
  DRIFTWAVE_MEMBER(Header, sample_rate_hz);
  DRIFTWAVE_MEMBER(Header, max_block_frames);
  DRIFTWAVE_MEMBER(Header, channels);
  DRIFTWAVE_MEMBER(Header, engine);
  DRIFTWAVE_MEMBER(Header, plugin);
  DRIFTWAVE_MEMBER(Header, sections);
  DRIFTWAVE_STRUCT(Hello);
  DRIFTWAVE_MEMBER(Hello, magic);
  DRIFTWAVE_MEMBER(Hello, abi_major);
  DRIFTWAVE_MEMBER(Hello, abi_minor);
  DRIFTWAVE_MEMBER(Hello, plugin);
  DRIFTWAVE_MEMBER(Hello, sample_rate_hz);
  DRIFTWAVE_MEMBER(Hello, max_block_frames);
  DRIFTWAVE_MEMBER(Hello, channels);
  DRIFTWAVE_MEMBER(Hello, kind);
  DRIFTWAVE_STRUCT(Welcome);
  DRIFTWAVE_MEMBER(Welcome, magic);
  DRIFTWAVE_MEMBER(Welcome, abi_major);
  DRIFTWAVE_MEMBER(Welcome, abi_minor);
  DRIFTWAVE_MEMBER(Welcome, answer);
  DRIFTWAVE_MEMBER(Welcome, generation);
  DRIFTWAVE_MEMBER(Welcome, total_bytes);
  DRIFTWAVE_MEMBER(Welcome, message);
  DRIFTWAVE_STRUCT(RingCursors);
  DRIFTWAVE_MEMBER(RingCursors, write);
  DRIFTWAVE_MEMBER(RingCursors, read);
  DRIFTWAVE_STRUCT(RecordHeader);
  DRIFTWAVE_MEMBER(RecordHeader, kind);
  DRIFTWAVE_MEMBER(RecordHeader, bytes);
  DRIFTWAVE_MEMBER(RecordHeader, job);
  DRIFTWAVE_STRUCT(GenerateRecord);
  DRIFTWAVE_MEMBER(GenerateRecord, seed);
  DRIFTWAVE_MEMBER(GenerateRecord, source_rate_hz);
  DRIFTWAVE_MEMBER(GenerateRecord, source_frames);
  DRIFTWAVE_MEMBER(GenerateRecord, source_channels);
  DRIFTWAVE_MEMBER(GenerateRecord, steps);
  DRIFTWAVE_MEMBER(GenerateRecord, count);
  DRIFTWAVE_MEMBER(GenerateRecord, note);
  DRIFTWAVE_MEMBER(GenerateRecord, priority);
  DRIFTWAVE_MEMBER(GenerateRecord, seconds);
  DRIFTWAVE_MEMBER(GenerateRecord, guidance);
  DRIFTWAVE_MEMBER(GenerateRecord, strength);
  DRIFTWAVE_MEMBER(GenerateRecord, descriptors);
  DRIFTWAVE_MEMBER(GenerateRecord, biases);
  DRIFTWAVE_MEMBER(GenerateRecord, voice);
  DRIFTWAVE_MEMBER(GenerateRecord, prompt);
  DRIFTWAVE_MEMBER(GenerateRecord, negative);
  DRIFTWAVE_MEMBER(GenerateRecord, source_clip);
  DRIFTWAVE_STRUCT(SourceChunkRecord);
  DRIFTWAVE_STRUCT(ReleaseClipRecord);
  DRIFTWAVE_STRUCT(QueuedRecord);
  DRIFTWAVE_STRUCT(ProgressRecord);
  DRIFTWAVE_STRUCT(ClipRecord);
  DRIFTWAVE_MEMBER(ClipRecord, generation);
  DRIFTWAVE_MEMBER(ClipRecord, seed);
  DRIFTWAVE_MEMBER(ClipRecord, sample_rate_hz);
  DRIFTWAVE_MEMBER(ClipRecord, slot);
  DRIFTWAVE_MEMBER(ClipRecord, frames);
  DRIFTWAVE_MEMBER(ClipRecord, channels);
  DRIFTWAVE_MEMBER(ClipRecord, index);
  DRIFTWAVE_MEMBER(ClipRecord, clip_id);
  DRIFTWAVE_MEMBER(ClipRecord, voice);
  DRIFTWAVE_MEMBER(ClipRecord, voice_hash);
  DRIFTWAVE_MEMBER(ClipRecord, words_understood);
  DRIFTWAVE_MEMBER(ClipRecord, words_unknown);
  DRIFTWAVE_STRUCT(DoneRecord);
  DRIFTWAVE_STRUCT(FailRecord);
  DRIFTWAVE_MEMBER(FailRecord, message);
  DRIFTWAVE_STRUCT(StatusRecord);
  DRIFTWAVE_MEMBER(StatusRecord, version);
  DRIFTWAVE_MEMBER(StatusRecord, device);
  DRIFTWAVE_MEMBER(StatusRecord, voices);
  DRIFTWAVE_STRUCT(ClipSlot);
  DRIFTWAVE_STRUCT(ClipsSection);
  DRIFTWAVE_STRUCT(ParamsSection);
  DRIFTWAVE_MEMBER(ParamsSection, values);
  DRIFTWAVE_STRUCT(Transport);
  DRIFTWAVE_STRUCT(TransportSection);
  DRIFTWAVE_STRUCT(StatsSection);
  DRIFTWAVE_MEMBER(StatsSection, plugin);
  DRIFTWAVE_STRUCT(BlockMark);
  DRIFTWAVE_STRUCT(AudioSection);
  DRIFTWAVE_MEMBER(AudioSection, samples);
  DRIFTWAVE_MEMBER(AudioSection, mark_data);
#undef DRIFTWAVE_STRUCT
#undef DRIFTWAVE_MEMBER
  return to;
}

}  // namespace driftwave::link
