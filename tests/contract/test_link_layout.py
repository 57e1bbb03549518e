"""The wire format means the same to C++ and to Python, and to every released version."""

from __future__ import annotations

import ctypes as c
import os
import struct
from pathlib import Path

import pytest

from bridge import _native
from bridge.link import LinkServer
from bridge.link_requests import DESCRIPTORS
from tests.support.link_client import connect, hello
from tests.support.link_echo import EchoHandler

u32, u64, i32, i64, f32, f64 = c.c_uint32, c.c_uint64, c.c_int32, c.c_int64, c.c_float, c.c_double


def _struct(name: str, *fields: tuple[str, type]) -> type[c.LittleEndianStructure]:
    return type(name, (c.LittleEndianStructure,), {"_fields_": list(fields)})


ProcessId = _struct("ProcessId", ("pid", u32), ("reserved", u32), ("start_time", u64))
Section = _struct(
    "Section", ("kind", u32), ("reserved", u32), ("offset_bytes", u64), ("bytes", u64)
)
STRUCTS = [
    ProcessId,
    Section,
    _struct(
        "Header",
        ("magic", u64), ("abi_major", u32), ("abi_minor", u32), ("header_bytes", u32),
        ("section_count", u32), ("total_bytes", u64), ("generation", u64),
        ("sample_rate_hz", f64), ("max_block_frames", u32), ("channels", u32),
        ("engine", ProcessId), ("plugin", ProcessId), ("sections", Section * 16),
    ),
    _struct(
        "Hello",
        ("magic", u64), ("abi_major", u32), ("abi_minor", u32), ("plugin", ProcessId),
        ("sample_rate_hz", f64), ("max_block_frames", u32), ("channels", u32),
        ("kind", c.c_char * 32),
    ),
    _struct(
        "Welcome",
        ("magic", u64), ("abi_major", u32), ("abi_minor", u32), ("answer", u32),
        ("reserved", u32), ("generation", u64), ("total_bytes", u64), ("message", c.c_char * 216),
    ),
    _struct("RecordHeader", ("kind", u32), ("bytes", u32), ("job", u64)),
    _struct(
        "GenerateRecord",
        ("seed", i64), ("source_rate_hz", f64), ("source_frames", u32), ("source_channels", u32),
        ("steps", i32), ("count", i32), ("note", i32), ("priority", u32), ("seconds", f32),
        ("guidance", f32), ("strength", f32), ("reserved", u32), ("descriptors", f32 * 8),
        ("biases", f32 * 8), ("voice", c.c_char * 64), ("prompt", c.c_char * 512),
        ("negative", c.c_char * 256), ("source_clip", c.c_char * 40),
        ("second_rate_hz", f64), ("bpm", f64), ("second_frames", u32), ("second_channels", u32),
        ("mix_first", f32), ("mix_last", f32), ("bars", f32), ("bar_quarters", f32),
        ("loop", u32), ("reserved2", u32), ("second_clip", c.c_char * 40),
    ),
    _struct("SourceChunkRecord", ("first", u32), ("count", u32)),
    _struct("ReleaseClipRecord", ("slot", u32), ("reserved", u32), ("generation", u64)),
    _struct("QueuedRecord", ("position", u32), ("reserved", u32)),
    _struct("ProgressRecord", ("fraction", f32), ("step", u32), ("steps", u32), ("eta_s", f32)),
    _struct(
        "ClipRecord",
        ("generation", u64), ("seed", i64), ("sample_rate_hz", f64), ("slot", u32),
        ("frames", u32), ("channels", u32), ("index", u32), ("clip_id", c.c_char * 40),
        ("voice", c.c_char * 64), ("voice_hash", c.c_char * 72),
        ("words_understood", c.c_char * 256), ("words_unknown", c.c_char * 256),
    ),
    _struct("DoneRecord", ("clips", u32), ("milliseconds", f32)),
    _struct("FailRecord", ("code", c.c_char * 32), ("message", c.c_char * 480)),
    _struct(
        "StatusRecord",
        ("busy", u32), ("reserved", u32), ("version", c.c_char * 24), ("device", c.c_char * 64),
        ("voices", c.c_char * 1024),
    ),
    _struct("BlockMark", ("epoch", u64), ("position", u64), ("frames", u32), ("flags", u32)),
]  # fmt: skip

SIZES = {
    "RingCursors": 128, "ClipSlot": 64, "ClipsSection": 16 * 64, "ParamsSection": 64 + 4 * 512,
    "Transport": 40, "TransportSection": 64, "StatsSection": 128, "AudioSection": 256 + 24 * 64,
}  # fmt: skip


@pytest.mark.parametrize("mirror", STRUCTS, ids=lambda mirror: mirror.__name__)
def test_every_field_stands_where_python_expects_it(mirror: type[c.LittleEndianStructure]) -> None:
    layout = _native.layout()
    name = mirror.__name__
    assert layout[name] == (0, c.sizeof(mirror))
    for field, _ in mirror._fields_:  # type: ignore[misc]
        if f"{name}.{field}" in layout:
            descriptor = getattr(mirror, field)
            assert layout[f"{name}.{field}"] == (descriptor.offset, descriptor.size), field


def test_every_field_that_cpp_lists_has_a_mirror_or_a_size() -> None:
    known = {mirror.__name__ for mirror in STRUCTS} | SIZES.keys()
    assert {name.split(".")[0] for name in _native.layout()} == known


@pytest.mark.parametrize(("name", "size"), SIZES.items())
def test_shared_sections_keep_their_size(name: str, size: int) -> None:
    assert _native.layout()[name] == (0, size)


def test_the_descriptors_have_the_order_of_the_header_file() -> None:
    text = (Path(__file__).parents[2] / "cpp/link/records.h").read_text()
    body = text.split("enum class Descriptor", 1)[1].split("{", 1)[1].split("}", 1)[0]
    assert tuple(word.strip() for word in body.split(",") if word.strip()) == DESCRIPTORS


def test_a_hello_packed_by_python_is_accepted_and_each_wrong_one_is_judged() -> None:
    judge = _native.judge_hello
    assert judge(hello()) is _native.Answer.ACCEPTED
    assert judge(hello(minor=99)) is _native.Answer.ACCEPTED
    assert judge(hello(major=2)) is _native.Answer.INCOMPATIBLE
    for wrong in (
        hello(magic=1),
        hello(rate=float("nan")),
        hello(rate=1.0),
        hello(rate=1e9),
        hello(block=0),
        hello(block=1 << 20),
        hello(channels=0),
        hello(channels=9),
    ):
        assert judge(wrong) is _native.Answer.REFUSED
    with pytest.raises(ValueError, match="80 bytes"):
        judge(b"short")


def test_page_0_of_a_live_segment_reads_the_same_in_python(tmp_path: Path) -> None:
    server = LinkServer(EchoHandler(), tmp_path / "engine.sock")
    try:
        client = connect(server.path, sample_rate_hz=96000.0, max_block_frames=8193)
        page = client.peek(0, 4096)
        magic, major, minor, header_bytes, sections = struct.unpack_from("<QIIII", page)
        total, generation, rate, block, channels = struct.unpack_from("<QQdII", page, 24)
        assert (magic, major, minor) == (0x314B4E4C54465244, _native.ABI_MAJOR, _native.ABI_MINOR)
        assert (header_bytes, sections) == (_native.layout()["Header"][1], 8)
        assert (rate, block, channels) == (96000.0, 8193, 2)
        assert generation == client.generation
        end = 4096
        for index in range(sections):
            kind, _, offset, size = struct.unpack_from("<IIQQ", page, 88 + 24 * index)
            assert kind == index + 1
            assert offset == end
            end = offset + -(-size // 4096) * 4096
        assert end == total
    finally:
        server.close()


def test_a_process_is_named_by_its_start_time() -> None:
    fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    assert _native.process_start_time(os.getpid()) == int(fields[19])
    assert _native.process_start_time(2**31 - 2) == 0
