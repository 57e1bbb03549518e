"""Packets to messages and back, with the faults of python-osc kept out."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from pythonosc.osc_message import OscMessage

from bridge.osc_packet import (
    MAX_DEPTH,
    MAX_REPLY_BYTES,
    MAX_TAGS,
    Group,
    Message,
    build_message,
    parse_packet,
    seconds_until,
)
from bridge.osc_spec import OscFault
from tests.support.osc_client import bundle, message, timetag

NOW_S = 1_800_000_000.0


def only(data: bytes) -> Message:
    (group,) = parse_packet(data)
    (parsed,) = group.messages
    return parsed


def read(data: bytes) -> list[object]:
    return list(OscMessage(data))


def test_a_message_is_read_with_its_type_tags() -> None:
    data = message("/drift/ping", 3, 0.5, "hé", True, False, 2**40, 0.1, tags="ifsTFhd")
    assert only(data) == Message("/drift/ping", "ifsTFhd", (3, 0.5, "hé", True, False, 2**40, 0.1))


@pytest.mark.parametrize("data", [b"/drift/ping\0", b"/drift/ping\0,\0\0\0"])
def test_a_message_without_arguments(data: bytes) -> None:
    assert only(data) == Message("/drift/ping", "", ())


@pytest.mark.parametrize("tag", list("SIcbrmtN[]x"))
def test_type_tags_that_shift_or_stop_python_osc_are_named(tag: str) -> None:
    data = b"/drift/ping\0" + f",i{tag}i".encode().ljust(8, b"\0") + struct.pack(">3i", 1, 2, 3)
    parsed = only(data)
    assert parsed.values == ()
    assert parsed.fault is not None
    assert parsed.fault.code == "bad_type"
    assert f"argument 2 has type tag {tag!r}" in str(parsed.fault)


@pytest.mark.parametrize(
    "data",
    [
        b"/drift/ping\0,i\0\0\0\0",  # short int
        b"/drift/ping\0,s\0\0abcd",  # string without its end
        b"/drift/ping\0,s\0\0\xff\xfe\0\0",  # not UTF-8: UnicodeDecodeError in python-osc
        b"/drift/ping\0,d\0\0\0\0\0\0",  # short double
        b"/drift/ping\0,i",  # type tags without their end
        b"/drift/ping\0i\0\0\0",  # no comma
        b"/drift/ping\0," + b"i" * (MAX_TAGS + 3) + b"\0" * 4 * (MAX_TAGS + 4),
    ],
)
def test_broken_arguments_leave_the_address_for_the_answer(data: bytes) -> None:
    parsed = only(data)
    assert parsed.address == "/drift/ping"
    assert parsed.fault is not None
    assert parsed.fault.code == "bad_type"


@pytest.mark.parametrize("data", [b"/drift", b"/dr\xffft\0\0", b"/dr\x07ift\0"])
def test_broken_addresses_are_faults(data: bytes) -> None:
    parsed = only(data)
    assert parsed.fault is not None
    assert parsed.fault.code == "bad_address"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"hello",
        b"#bundle",
        b"#bundle\0\0\0\0\0",
        bundle(1) + b"\0\0",
        bundle(1) + struct.pack(">i", 8) + b"/a\0\0",
        bundle(1) + struct.pack(">i", -4) + b"/a\0\0",  # python-osc loops for ever here
        bundle(1) + struct.pack(">i", 0),
        bundle(1) + struct.pack(">i", 6) + b"/abcd\0\0\0",
        bundle(1, b"what"),
        bundle(1, message("/a"), b"what"),
    ],
)
def test_broken_framing_refuses_the_whole_packet(data: bytes) -> None:
    with pytest.raises(OscFault) as caught:
        parse_packet(data)
    assert caught.value.code == "bad_type"


def test_deep_nesting_is_refused_before_the_stack_ends() -> None:
    data = bundle(1, message("/a"))
    for _ in range(1_000):
        data = bundle(1, data)
    with pytest.raises(OscFault, match=f"deeper than {MAX_DEPTH}"):
        parse_packet(data)


def test_bundles_inside_bundles_run_in_their_place_unless_later() -> None:
    a, b, c, d, e = (message(f"/{name}") for name in "abcde")
    data = bundle(1_000 << 32, a, bundle(1, b), bundle(500 << 32, c), bundle(2_000 << 32, d), e)
    outer, inner = parse_packet(data)
    assert [m.address for m in outer.messages] == ["/a", "/b", "/c", "/e"]
    assert inner == Group(2_000 << 32, (Message("/d", "", ()),))


def test_timetags_count_from_1900() -> None:
    assert seconds_until(0, NOW_S) == seconds_until(1, NOW_S) == 0.0
    assert seconds_until(timetag(NOW_S + 2.5), NOW_S) == pytest.approx(2.5, abs=1e-5)
    assert seconds_until(timetag(NOW_S - 60), NOW_S) == pytest.approx(-60, abs=1e-5)


def test_timetags_are_understood_across_their_rollover_in_2036() -> None:
    rollover_s = 2**32 - 2_208_988_800
    early_s = rollover_s - 1.0
    assert seconds_until(2 << 32, early_s) == pytest.approx(3.0, abs=1e-5)
    assert seconds_until((2**32 - 2) << 32, rollover_s + 1.0) == pytest.approx(-3.0, abs=1e-5)
    assert seconds_until(5 << 32, NOW_S) < 0, "a clock that was never set counts as past"


def test_answers_carry_numpy_scalars_wide_integers_and_booleans() -> None:
    values = (np.float32(0.5), np.int64(7), np.bool_(True), True, 2**40, -(2**31), 1e300, "")
    data = build_message("/drift/x", values)
    assert data[12:].startswith(b",fiiihhds\0")
    assert read(data) == [0.5, 7, 1, 1, 2**40, -(2**31), 1e300, ""]


def test_answers_keep_not_a_number_and_infinity() -> None:
    nan, infinity = read(build_message("/drift/x", (math.nan, math.inf)))
    assert math.isnan(float(str(nan)))
    assert infinity == math.inf


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "naïve"])
def test_answers_carry_any_text(text: str) -> None:
    (value,) = read(build_message("/drift/x", (text,)))
    assert isinstance(value, str)
    assert "\0" not in value


@pytest.mark.parametrize("texts", [("x" * 9_000,), ("ü" * 9_000, "y" * 3_000), ("🥁" * 5_000, "z")])
def test_long_texts_are_cut_to_fit_one_datagram(texts: tuple[str, ...]) -> None:
    data = build_message("/drift/fail", (1, *texts, 2))
    assert MAX_REPLY_BYTES - 16 < len(data) <= MAX_REPLY_BYTES
    number, *cut, last = read(data)
    assert (number, last) == (1, 2)
    assert any(str(text).endswith("…") for text in cut)


@pytest.mark.parametrize("value", [None, b"blob", (1, 2, 3, 4), [1], object(), 1j])
def test_answers_of_other_types_are_programming_errors(value: object) -> None:
    with pytest.raises(TypeError, match="expected a number or a string"):
        build_message("/drift/x", (value,))


def test_integers_beyond_64_bits_are_programming_errors() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        build_message("/drift/x", (2**63,))
