"""Scheduling, limits and faults of the dispatcher, on clocks that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage

from bridge import osc_backlog, osc_limits
from bridge.osc_backlog import Backlog
from bridge.osc_call import OscCall, OscPeer
from bridge.osc_calls import FIRST_SERVER_JOB, MAX_OPEN_CALLS
from bridge.osc_dispatch import OscDispatcher
from bridge.osc_requests import ClipId, GenerateCommand, Nothing
from bridge.osc_schedule import AHEAD_S, MAX_PENDING
from tests.support.osc_client import Answer, bundle, message, timetag
from tests.support.osc_memory import MemoryHandler, MemoryStage

ALICE = OscPeer("127.0.0.1", 5001)
BOB = OscPeer("127.0.0.1", 5002)
REMOTE = OscPeer("192.168.1.9", 5003)
START_S = 1_800_000_000.0


class Bench:
    """A dispatcher whose clocks stand still and whose answers are kept."""

    def __init__(self, handler: MemoryHandler) -> None:
        self.handler = handler
        self.now_s = 0.0
        self.sent: list[tuple[OscPeer, Answer]] = []
        self.dispatcher = OscDispatcher(
            handler,
            self._keep,
            version="0",
            clock=lambda: self.now_s,
            wall_clock=lambda: START_S + self.now_s,
        )

    def _keep(self, peer: OscPeer, data: bytes) -> None:
        parsed = OscMessage(data)
        self.sent.append((peer, (parsed.address, list(parsed))))

    def packet(self, data: bytes, peer: OscPeer = ALICE) -> list[Answer]:
        """Run one packet; what was sent to `peer` at once."""
        before = len(self.sent)
        self.dispatcher.packet(data, peer)
        return [answer for to, answer in self.sent[before:] if to == peer]

    def pings(self) -> list[int]:
        """Numbers of the pongs so far."""
        return [args[0] for _, (address, args) in self.sent if address == "/drift/pong"]


class Silent(MemoryHandler):
    """Never answers generate by itself; the test has the calls."""

    def generate(self, call: OscCall, request: GenerateCommand) -> None:
        self.calls.append(call)

    calls: list[OscCall]


class Broken(MemoryHandler):
    """Has a fault in every method the tests call."""

    def get_clip(self, call: OscCall, request: ClipId) -> None:
        raise KeyError("unexpected")

    def status(self, call: OscCall, request: Nothing) -> None:
        call.answer("/drift/status/reply", object())  # type: ignore[arg-type]

    def delete_clip(self, call: OscCall, request: ClipId) -> None:
        call.done("superfluous")

    def generate(self, call: OscCall, request: GenerateCommand) -> None:
        error = RuntimeError("the card is full")
        error.code = "out_of_memory"  # type: ignore[attr-defined]
        raise error


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    handler = MemoryHandler(tmp_path)
    yield Bench(handler)
    handler.close()


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Bench]:
    handler = Silent(tmp_path)
    handler.calls = []
    yield Bench(handler)
    handler.close()


def ping(number: int) -> bytes:
    return message("/drift/ping", number)


def test_a_bundle_runs_in_order_and_a_past_one_now(bench: Bench) -> None:
    bench.packet(bundle(1, *(ping(n) for n in range(50))))
    bench.packet(bundle(timetag(START_S - 3_600), ping(50), bundle(1, ping(51)), ping(52)))
    assert bench.pings() == list(range(53))


def test_a_wrong_message_in_a_bundle_fails_alone(bench: Bench) -> None:
    answers = bench.packet(bundle(1, ping(1), message("/drift/ping", "x"), ping(2)))
    assert [address for address, _ in answers] == ["/drift/pong", "/drift/fail", "/drift/pong"]


def test_broken_framing_runs_nothing_of_the_bundle(bench: Bench) -> None:
    ((address, args),) = bench.packet(bundle(1, ping(1)) + b"\0\0\0")
    assert (address, args[:3]) == ("/drift/fail", ["", -1, "bad_type"])
    assert bench.pings() == []


def test_future_bundles_wait_and_run_by_time_then_by_arrival(bench: Bench) -> None:
    for ahead_s, number in ((3.0, 30), (1.0, 10), (2.0, 20), (1.0, 11)):
        bench.packet(bundle(timetag(START_S + ahead_s), ping(number), ping(number + 100)))
    assert bench.dispatcher.pending == 8
    assert bench.dispatcher.run_due() == pytest.approx(1.0, abs=1e-5)
    assert bench.pings() == []
    bench.now_s = 1.5
    bench.dispatcher.run_due()
    assert bench.pings() == [10, 110, 11, 111]
    bench.now_s = 60.0
    assert bench.dispatcher.run_due() is None
    assert bench.pings()[4:] == [20, 120, 30, 130]
    assert bench.dispatcher.pending == 0


def test_what_is_timed_is_handed_on_ahead_of_its_time_in_order(tmp_path: Path) -> None:
    seen: list[tuple[str, float | None, float]] = []

    class Stage(MemoryStage):
        def slot_play(self, call: OscCall, request: object) -> None:
            seen.append((call.command, call.due_s, bench.now_s))
            call.done()

        slot_stop = slot_play

    handler = MemoryHandler(tmp_path)
    handler.stage = Stage(handler)
    bench = Bench(handler)
    play, stop = message("/drift/slot/3/play", 1.0), message("/drift/slot/3/stop")
    bench.packet(bundle(timetag(START_S + 2), play, stop))
    bench.packet(bundle(timetag(START_S + 1.99), ping(1), play))  # mixed: on time, and first
    bench.packet(bundle(timetag(START_S + AHEAD_S / 2), play))
    bench.packet(play)
    for bench.now_s in (0.0, 1.9, 1.95, 1.99):
        bench.dispatcher.run_due()
    assert seen == [
        ("slot/3/play", None, 0.0),
        ("slot/3/play", pytest.approx(AHEAD_S / 2, abs=1e-5), 0.0),
        ("slot/3/play", pytest.approx(1.99, abs=1e-5), 1.99),
        ("slot/3/play", pytest.approx(2.0, abs=1e-5), 1.99),
        ("slot/3/stop", pytest.approx(2.0, abs=1e-5), 1.99),
    ]
    assert bench.pings() == [1]
    bench.handler.close()


@pytest.mark.parametrize("ahead_s", [10.5, 3_600.0, 200_000_000.0])
def test_bundles_too_far_ahead_are_refused(bench: Bench, ahead_s: float) -> None:
    ((address, args),) = bench.packet(bundle(timetag(START_S + ahead_s), ping(1)))
    assert (address, args[2]) == ("/drift/fail", "bad_range")
    assert "10 s at most" in args[3]
    assert bench.dispatcher.pending == 0


def test_what_waits_is_bounded_and_panic_forgets_it(bench: Bench) -> None:
    full = bundle(timetag(START_S + 5), *(ping(n) for n in range(MAX_PENDING // 4)))
    for _ in range(4):
        assert bench.packet(full) == []
    for peer in (ALICE, BOB):
        assert bench.packet(full, peer)[0][1][2] == "busy"
    for _ in range(1_000):
        bench.packet(bundle(timetag(START_S + 5)))  # Empty bundles wait for nothing.
    assert bench.dispatcher.pending == MAX_PENDING
    bench.packet(message("/drift/panic", 0))
    assert bench.dispatcher.pending == MAX_PENDING, "the release of a button does nothing"
    assert bench.packet(message("/drift/panic", 1))[0][1] == ["panic", -1]
    assert bench.dispatcher.pending == 0
    assert [command for command, _ in bench.handler.seen] == ["panic"]


def test_large_messages_that_wait_are_bounded_by_bytes(bench: Bench) -> None:
    large = bundle(timetag(START_S + 5), message("/drift/hello", "x" * 60_000))
    answers = [bench.packet(large) for _ in range(80)]
    assert [] in answers
    assert answers[-1][0][1][2] == "busy"


def test_the_backlog_is_bounded_by_packets_and_bytes() -> None:
    small, large = Backlog(), Backlog()
    while not small.full:
        small.push(b"/a\0\0", ALICE)
    while not large.full:
        large.push(b"x" * 60_000, ALICE)
    assert len(small) == osc_backlog.MAX_PACKETS
    assert len(large) * 60_000 < osc_backlog.MAX_BYTES + 60_000
    assert large.pop() == (b"x" * 60_000, ALICE)
    assert not large.full


def test_fails_are_limited_for_each_sender_and_come_back(bench: Bench) -> None:
    wrong = message("/drift/nothing")
    fails = [bench.packet(wrong) for _ in range(10_000)]
    codes = [answers[0][1][2] for answers in fails if answers]
    assert codes == ["bad_address"] * osc_limits.FAIL_BURST + ["rate_limited"]
    assert bench.packet(wrong, BOB)[0][1][2] == "bad_address"
    assert bench.packet(ping(1)) == [("/drift/pong", [1])], "right messages are never limited"
    bench.now_s = 10.0
    assert bench.packet(wrong)[0][1][2] == "bad_address"


def test_forged_senders_cost_bounded_memory(bench: Bench) -> None:
    for number in range(20_000):
        bench.packet(b"junk", OscPeer("10.0.0.1", number))
    assert len(bench.dispatcher._limiter._buckets) == osc_limits.MAX_SENDERS


def test_leases_end_unless_something_is_received(bench: Bench) -> None:
    bench.packet(message("/drift/notify", 1), ALICE)
    bench.packet(message("/drift/notify", 1), BOB)
    bench.now_s = osc_limits.LEASE_S - 1
    bench.packet(ping(1), BOB)
    bench.now_s = osc_limits.LEASE_S + 1
    bench.sent.clear()
    bench.dispatcher.broadcast("/drift/clip/changed", ("c", "clip/name"), skip=None)
    assert [peer for peer, _ in bench.sent] == [BOB]


def test_subscribers_are_bounded_and_the_place_of_one_can_be_taken(bench: Bench) -> None:
    for number in range(osc_limits.MAX_SUBSCRIBERS):
        bench.packet(message("/drift/notify", 1), OscPeer("127.0.0.1", 6_000 + number))
    assert bench.packet(message("/drift/notify", 1))[0][1][2] == "busy"
    bench.packet(message("/drift/notify", 0), OscPeer("127.0.0.1", 6_000))
    assert bench.packet(message("/drift/notify", 1))[0][0] == "/drift/done"


def test_paths_are_refused_from_another_machine(bench: Bench) -> None:
    ((_, args),) = bench.packet(message("/drift/clip/export", "c", "/tmp/x.wav"), REMOTE)
    assert args[2] == "bad_range"
    assert "this machine only" in args[3]
    assert bench.packet(message("/drift/clip/export", "c"), REMOTE)[0][1][2] == "not_found"


def test_open_requests_are_bounded(silent: Bench) -> None:
    request = message("/drift/generate", -1)
    for _ in range(MAX_OPEN_CALLS):
        silent.packet(request)
    assert silent.sent == []
    assert silent.packet(request)[0][1][2] == "busy"
    calls = silent.handler.calls  # type: ignore[attr-defined]
    assert len({call.job for call in calls}) == MAX_OPEN_CALLS
    assert min(call.job for call in calls) == FIRST_SERVER_JOB
    for call in calls:
        call.done(1, 1.0, "", "")
    assert silent.dispatcher.open_calls == 0
    assert silent.packet(request) == []


def test_an_answer_ends_a_call_once(silent: Bench) -> None:
    silent.packet(message("/drift/generate", 4))
    (call,) = silent.handler.calls  # type: ignore[attr-defined]
    call.queued(0)
    call.done(1, 2.0, "short", "snrae")
    call.done(1, 2.0, "short", "snrae")
    call.fail("internal", "late")
    call.progress(1.0, 4, 4)
    assert [answer for _, answer in silent.sent] == [
        ("/drift/queued", [4, 0]),
        ("/drift/done", ["generate", 4, 1, 2.0, "short", "snrae"]),
    ]


def test_progress_is_sent_ten_times_a_second_and_at_the_end(silent: Bench) -> None:
    silent.packet(message("/drift/generate", 4))
    (call,) = silent.handler.calls  # type: ignore[attr-defined]
    for step in range(1, 101):
        silent.now_s = step * 0.01
        call.progress(step / 100, step, 100, 0.5)
    steps = [args[2] for _, (_, args) in silent.sent]
    assert len(steps) <= 12
    assert steps[-1] == 100


@pytest.mark.parametrize(
    ("address", "args", "code"),
    [
        ("/drift/clip/get", ("c",), "internal"),
        ("/drift/status", (), "internal"),
        ("/drift/clip/delete", ("c",), "internal"),
        ("/drift/generate", (1,), "out_of_memory"),
    ],
)
def test_faults_of_the_handler_are_answered(
    tmp_path: Path, address: str, args: tuple[object, ...], code: str
) -> None:
    handler = Broken(tmp_path)
    bench = Bench(handler)
    ((_, fail),) = bench.packet(message(address, *args))
    assert fail[2] == code
    assert bench.dispatcher.open_calls == 0
    assert bench.packet(ping(1)) == [("/drift/pong", [1])]
    handler.close()


def test_an_unknown_code_becomes_internal(silent: Bench) -> None:
    silent.packet(message("/drift/generate", 4))
    silent.handler.calls[0].fail("nonsense", "x")  # type: ignore[attr-defined]
    assert silent.sent[-1][1] == ("/drift/fail", ["generate", 4, "internal", "x"])


def test_float32_bounds_are_inside(bench: Bench) -> None:
    before = len(bench.handler.seen)
    bench.packet(message("/drift/generate", 1, "duration", 0.1, "seed", 16_777_216.0))
    (_, request), *_ = bench.handler.seen[before:]
    assert isinstance(request, GenerateCommand)
    assert (request.duration, request.seed) == (0.1, 16_777_216)


def test_minus_one_means_left_out(bench: Bench) -> None:
    bench.packet(message("/drift/generate", 1, "seed", -1, "note", -1.0, "brightness", 1))
    request = bench.handler.seen[-1][1]
    assert isinstance(request, GenerateCommand)
    assert (request.seed, request.note, request.descriptors) == (None, None, {"brightness": 1.0})


@pytest.mark.parametrize("text", ["", "808 kick", "Bügel\u00a0Snare", "👩\u200d🎤 vox", "低い太鼓"])
def test_text_of_every_language_is_accepted(bench: Bench, text: str) -> None:
    bench.packet(message("/drift/generate", 1, "prompt", text))
    request = bench.handler.seen[-1][1]
    assert isinstance(request, GenerateCommand)
    assert request.prompt == text
