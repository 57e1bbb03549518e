"""Hostile packets: whatever arrives, nothing breaks and memory stays bounded."""

from __future__ import annotations

import gc
import logging
import random
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.address_space import METHODS
from bridge.osc import OscServer
from bridge.osc_call import OscCall, OscPeer
from bridge.osc_dispatch import OscDispatcher
from bridge.osc_packet import MAX_REPLY_BYTES, parse_packet
from bridge.osc_requests import GenerateCommand, VaryCommand
from bridge.osc_schedule import MAX_PENDING
from bridge.osc_spec import OscFault
from tests.support.osc_client import OscClient, bundle, message, timetag
from tests.support.osc_memory import MemoryHandler

DIRECT_PACKETS = 120_000
SOCKET_PACKETS = 5_000
GROWTH_BYTES = 24 << 20
PAGE_BYTES = 4096


class Forgetful(list[tuple[str, object]]):
    """Keeps nothing."""

    def append(self, item: tuple[str, object]) -> None:
        pass


class Prompt(MemoryHandler):
    """Answers every job at once, without a sound, and remembers no request."""

    def __init__(self, export_folder: Path) -> None:
        super().__init__(export_folder)
        self.seen = Forgetful()

    def generate(self, call: OscCall, request: GenerateCommand) -> None:
        call.done(request.count, 0.0, request.prompt, "")

    def vary(self, call: OscCall, request: VaryCommand) -> None:
        call.done(request.count, 0.0, request.prompt or "", "")


class Crashes(logging.Handler):
    """Collects what the dispatcher and the server log as unexpected."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@pytest.fixture
def crashes() -> Iterator[list[str]]:
    collector = Crashes()
    logging.getLogger("driftwave.osc").addHandler(collector)
    yield collector.texts
    logging.getLogger("driftwave.osc").removeHandler(collector)


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[Prompt]:
    handler = Prompt(tmp_path)
    yield handler
    handler.close()


def corpus(now_s: float) -> list[bytes]:
    """Packets that are right, to be broken."""
    example = {"i": 1, "f": 0.5, "T": True, "s": "snare"}
    packets = [
        message(m.address, *(example[arg.kind.value] for arg in m.args), *pairs)
        for m in METHODS
        if m.number <= 1
        for pairs in ([], [v for key in m.keys for v in (key.name, example[key.kind.value])])
    ]
    packets += [message(p) for p in ("/drift/*", "//get", "/*/{ping,clip/[a-z]*}", "/drift/????")]
    bundles = [bundle(t, *packets[:6]) for t in (0, 1, timetag(now_s), timetag(now_s + 3))]
    return packets + bundles + [bundle(1, bundles[1], packets[0], bundles[3])]


def mutated(rng: random.Random, seeds: list[bytes]) -> bytes:
    """One packet: random bytes, or a right one with a few things wrong."""
    if rng.random() < 0.1:
        head = rng.choice([b"", b"/", b"#bundle\0", b"/drift/"])
        return head + rng.randbytes(rng.randrange(64))
    data = bytearray(rng.choice(seeds))
    edits: list[Callable[[int], None]] = [
        lambda at: data.__setitem__(at, rng.randrange(256)),
        lambda at: data.__setitem__(at, data[at] ^ (1 << rng.randrange(8))),
        lambda at: data.__delitem__(slice(at, None)),
        lambda at: data.__delitem__(slice(at, at + rng.randrange(1, 9))),
        lambda at: data.__setitem__(slice(at, at), rng.randbytes(rng.randrange(1, 9))),
        lambda at: data.__setitem__(slice(at, at), data[: rng.randrange(len(data))]),
        lambda at: data.extend(rng.choice(seeds)),
        lambda at: data.__setitem__(
            slice(at, at + 4), struct.pack(">i", rng.choice([-1, -4, 0, 4, 2**31 - 1, -(2**31)]))
        ),
        lambda at: data.__setitem__(at, rng.choice(b"*?[]{}!,/\0ifhdsTFNIScbrmt")),
    ]
    for _ in range(rng.randrange(1, 5)):
        if data:
            rng.choice(edits)(rng.randrange(len(data)))
    return bytes(data[:65_000])


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


@pytest.mark.parametrize(
    "packets",
    [DIRECT_PACKETS, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(7_200)])],
)
def test_random_and_mutated_packets_into_the_dispatcher(
    packets: int, handler: Prompt, crashes: list[str]
) -> None:
    rng = random.Random(9630)
    now_s = 1_800_000_000.0
    sizes: list[int] = []
    moved = [0.0]
    dispatcher = OscDispatcher(
        handler,
        lambda peer, data: sizes.append(len(data)),
        version="0",
        clock=lambda: moved[0],
        wall_clock=lambda: now_s,
    )
    seeds = corpus(now_s)
    answered = 0
    baseline = 0
    for number in range(packets):
        moved[0] += 0.0001
        peer = OscPeer("127.0.0.1", 1_024 + rng.randrange(100))
        dispatcher.packet(mutated(rng, seeds), peer)
        dispatcher.run_due()
        assert dispatcher.pending <= MAX_PENDING
        if number % 1_000 == 0:
            answered += len(sizes)
            assert max(sizes, default=0) <= MAX_REPLY_BYTES
            sizes.clear()
        if number == packets // 4:
            baseline = resident_bytes()
    growth = resident_bytes() - baseline
    print(f"{packets} packets, {answered} answers, memory grew by {growth / 2**20:.1f} MiB")
    assert crashes == []
    assert answered > packets // 10
    assert growth < GROWTH_BYTES
    assert dispatcher.open_calls == 0


def test_5_000_mutated_packets_through_the_socket(handler: Prompt, crashes: list[str]) -> None:
    rng = random.Random(5_000)
    server = OscServer("127.0.0.1", 0, handler)
    server.start()
    seeds = corpus(time.time())
    with OscClient(server.port) as client, OscClient(server.port) as watcher:
        for number in range(SOCKET_PACKETS):
            client.send_raw(mutated(rng, seeds))
            if number % 100 == 0:
                watcher.drain()
        watcher.drain()
        assert server.stats.received >= SOCKET_PACKETS
        assert watcher.ask("/drift/version") == [("/drift/version/reply", ["0", 1])]
    server.stop()
    assert crashes == []


@given(st.binary(max_size=256))
@settings(max_examples=1_000, deadline=None)
def test_any_bytes_parse_or_are_a_fault(data: bytes) -> None:
    parse_or_fault(data)


@given(
    st.integers(0, 2**64 - 1),
    st.lists(
        st.one_of(
            st.binary(max_size=64),
            st.builds(
                lambda name, tags, body: b"/" + name + b"\0" * 4 + b"," + tags + b"\0" * 4 + body,
                st.binary(max_size=12),
                st.text("ifsdhTFbNSIcrmt[]", max_size=12).map(str.encode),
                st.binary(max_size=64),
            ),
        ),
        max_size=6,
    ),
)
@settings(max_examples=1_000, deadline=None)
def test_any_bundle_parses_or_is_a_fault(stamp: int, elements: list[bytes]) -> None:
    inner = bundle(stamp, *elements)
    parse_or_fault(inner)
    parse_or_fault(bundle(stamp ^ 1, inner, *elements))


def parse_or_fault(data: bytes) -> None:
    """Every value has its type tag; anything else is an `OscFault`."""
    try:
        groups = parse_packet(data)
    except OscFault:
        return
    for group in groups:
        for parsed in group.messages:
            assert len(parsed.tags) == len(parsed.values)
            assert parsed.fault is None or parsed.values == ()
