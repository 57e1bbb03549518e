"""The link server keeps its promises to every plugin, whatever another plugin does."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge import _native, link_peer
from bridge.link import ALL_JOBS, LinkCancel, LinkGenerate, LinkPeer, LinkRequest, LinkServer
from tests.support.link_client import check_served, connect, replies_until, wait_until
from tests.support.link_echo import RATE, EchoHandler, echo_audio


@pytest.fixture
def handler() -> EchoHandler:
    return EchoHandler()


@pytest.fixture
def server(handler: EchoHandler, tmp_path: Path) -> Iterator[LinkServer]:
    running = LinkServer(handler, tmp_path / "engine.sock")
    yield running
    running.close()


# ---- one plugin ------------------------------------------------------------------------------


def test_every_field_of_a_request_arrives(server: LinkServer, handler: EchoHandler) -> None:
    client = connect(server.path)
    source = echo_audio(1, 0, 60_000)
    client.generate(
        9, "knarzige Snäre", negative="long", voice="drums", seed=2**62, steps=3, count=2,
        seconds=0.25, note=60, guidance=2.5, strength=0.75, priority=1,
        descriptors=[0.1, float("nan"), 0.3], biases=[0.0, -1.0], source_clip="ab" * 16,
        source=source, source_rate_hz=48000.0, second=echo_audio(2, 0, 1_000),
        second_rate_hz=22050.0, second_clip="cd" * 16, mix=(0.25, 0.75), bars=2.0,
        bar_quarters=3.0, bpm=61.7, loop=True,
    )  # fmt: skip
    replies_until(client, "done", 9)
    (request,) = handler.requests
    assert isinstance(request, LinkGenerate)
    assert (request.job, request.prompt, request.negative) == (9, "knarzige Snäre", "long")
    assert (request.voice, request.seed, request.steps, request.count) == ("drums", 2**62, 3, 2)
    assert (request.seconds, request.note, request.guidance) == (0.25, 60, 2.5)
    assert (request.strength, request.background) == (0.75, True)
    assert request.descriptors == pytest.approx({"brightness": 0.1, "noisiness": 0.3})
    assert request.biases == {"depth": -1.0}
    assert (request.source_clip, request.source_rate) == ("ab" * 16, 48000)
    assert request.source is not None
    np.testing.assert_array_equal(request.source, source)
    assert request.second is not None
    np.testing.assert_array_equal(request.second, echo_audio(2, 0, 1_000))
    assert (request.second_clip, request.second_rate) == ("cd" * 16, 22050)
    assert request.mix == (0.25, 0.75)
    assert (request.bars, request.bar_quarters, request.bpm) == (2.0, 3.0, 61.7)
    assert request.loop


def test_absent_values_are_none(server: LinkServer, handler: EchoHandler) -> None:
    client = connect(server.path)
    client.generate(1, "kick")
    replies_until(client, "done", 1)
    (request,) = handler.requests
    assert isinstance(request, LinkGenerate)
    assert request.seed is request.seconds is request.note is request.guidance is None
    assert request.source is request.second is request.bars is None
    assert not request.loop
    assert request.descriptors == request.biases == {}
    assert not request.background


@pytest.mark.parametrize(
    "odd",
    [{"bars": 1.0}, {"bars": 1.0, "bpm": 120.0}, {"bars": float("nan")}, {"bpm": -float("inf")}],
)
def test_bars_without_a_tempo_are_refused(server: LinkServer, odd: dict[str, float]) -> None:
    client = connect(server.path)
    client.generate(1, "kick", **odd)
    failed = replies_until(client, "fail", 1)[-1].fields
    assert failed["code"] == "bad_range"
    assert next(iter(odd)) in str(failed["message"])


@pytest.mark.parametrize("frames", [1, 2, 511, 44100, 12 * 44100, 2**20])
def test_clips_of_every_length_arrive_bit_for_bit(server: LinkServer, frames: int) -> None:
    client = connect(server.path)
    client.generate(1, seed=frames, seconds=frames / RATE)
    *_, clip, done = replies_until(client, "done", 1)
    taken = client.take_clip(clip)
    assert taken is not None
    audio, rate, repaired = taken
    np.testing.assert_array_equal(audio, echo_audio(frames, 0, frames))
    assert (rate, repaired, done.fields["clips"]) == (RATE, 0, 1)


def test_a_clip_longer_than_a_slot_fails_its_job_and_says_how_long_it_may_be(
    server: LinkServer,
) -> None:
    client = connect(server.path)
    client.generate(1, seconds=(2**20 + 1) / RATE)
    failed = replies_until(client, "fail", 1)[-1].fields
    assert failed["code"] == "bad_range"
    assert "1048576" in str(failed["message"])


def test_status_is_answered(server: LinkServer) -> None:
    client = connect(server.path)
    client.query_status()
    fields = replies_until(client, "status", 0)[-1].fields
    assert (fields["voices"], fields["device"]) == ("echo", "cpu")


def test_cancel_reaches_the_handler_for_one_job_and_for_all(
    server: LinkServer, handler: EchoHandler
) -> None:
    client = connect(server.path)
    client.cancel(5)
    client.cancel()
    wait_until(lambda: len(handler.requests) == 2, "two cancels")
    assert handler.requests == [LinkCancel(5), LinkCancel(ALL_JOBS)]


def test_a_job_number_in_use_is_refused_and_the_running_job_lives(tmp_path: Path) -> None:
    peers: list[LinkPeer] = []

    class Slow(EchoHandler):
        def link_request(self, peer: LinkPeer, request: LinkRequest) -> None:
            peers.append(peer)

    server = LinkServer(Slow(), tmp_path / "engine.sock")
    try:
        client = connect(server.path)
        client.generate(1, "a")
        client.generate(1, "b")
        assert replies_until(client, "fail", 1)[-1].fields["code"] == "bad_range"
        peers[0].send_done(1, 0)
        replies_until(client, "done", 1)
        peers[0].send_progress(1, 0.5)  # the job has ended: ignored
        peers[0].send_status(voices=[], device="")
        assert [r.kind for r in replies_until(client, "status", 0)] == ["status"]
    finally:
        server.close()


def test_an_exception_in_the_handler_fails_the_job_and_nothing_else(tmp_path: Path) -> None:
    class Faulty(EchoHandler):
        def link_request(self, peer: LinkPeer, request: LinkRequest) -> None:
            if isinstance(request, LinkGenerate) and request.prompt == "bad":
                raise RuntimeError("boom")
            super().link_request(peer, request)

    server = LinkServer(Faulty(), tmp_path / "engine.sock")
    try:
        client = connect(server.path)
        client.generate(1, "bad")
        assert replies_until(client, "fail", 1)[-1].fields["code"] == "internal"
        client.generate(2, "good")
        replies_until(client, "done", 2)
    finally:
        server.close()


def test_more_clips_than_slots_arrive_when_the_plugin_takes_them(server: LinkServer) -> None:
    client = connect(server.path)
    client.generate(1, seed=3, count=60, seconds=0.01)
    indexes = []
    for reply in _stream(client, 1):
        taken = client.take_clip(reply)
        assert taken is not None
        index = reply.fields["index"]
        assert isinstance(index, int)
        np.testing.assert_array_equal(taken[0], echo_audio(3, index, 441))
        indexes.append(index)
    assert indexes == list(range(60))


def _stream(client: _native.LinkClient, job: int) -> Iterator[_native.Reply]:
    while True:
        reply = client.next_reply()
        if reply is None:
            assert client.poll(1000) is not _native.LinkState.OFF
        elif reply.kind == "clip":
            yield reply
        elif reply.kind == "done" and reply.job == job:
            return


def test_a_plugin_that_keeps_every_slot_gets_busy_andcheck_served_again_after_release(
    server: LinkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_peer, "SLOT_WAIT_S", 0.05)
    client = connect(server.path)
    client.generate(1, count=_native.CLIP_SLOTS + 1, seconds=0.01)
    replies = replies_until(client, "fail", 1)
    assert replies[-1].fields["code"] == "busy"
    clips = [reply for reply in replies if reply.kind == "clip"]
    assert len(clips) == _native.CLIP_SLOTS
    for clip in clips:
        client.take_clip(clip)
    client.generate(2, seconds=0.01)
    replies_until(client, "done", 2)


# ---- many plugins ----------------------------------------------------------------------------


def test_eight_plugins_at_once_each_get_their_own_sounds(server: LinkServer) -> None:
    failures: list[str] = []

    def play(number: int) -> None:
        client = connect(server.path, kind=f"plugin {number}")
        for job in range(1, 21):
            seed = number * 1000 + job
            client.generate(job, seed=seed, count=3, seconds=0.01)
            for reply in _stream(client, job):
                taken = client.take_clip(reply)
                index = reply.fields["index"]
                assert isinstance(index, int)
                if taken is None or not np.array_equal(taken[0], echo_audio(seed, index, 441)):
                    failures.append(f"plugin {number} job {job}")

    threads = [threading.Thread(target=play, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []
    wait_until(lambda: not server.peers, "every plugin has left")


@pytest.mark.parametrize(
    ("where", "value"),
    [("requests", 2**63), ("replies", 2**63), ("requests", 8), ("clips", 2**64 - 1)],
)
def test_a_corrupt_plugin_is_dropped_and_the_others_play_on(
    server: LinkServer, handler: EchoHandler, where: str, value: int
) -> None:
    client = connect(server.path)
    client.generate(1, count=2, seconds=0.01)
    replies_until(client, "done", 1)
    offset = _section(client, where) + {"requests": 0, "replies": 64, "clips": 0}[where]
    before = len(handler.closed)

    def is_dropped() -> bool:
        # Each push overwrites the cursor of the plugin's own ring, so poke behind it; enough
        # status replies fill the other ring, and the engine looks at the plugin's cursor there.
        client.query_status() if where == "replies" else client.generate(1, count=0)
        client.poke(offset, struct.pack("<Q", value))
        return client.poll(1) is _native.LinkState.OFF

    wait_until(is_dropped, "the corrupt plugin is dropped")
    wait_until(lambda: len(handler.closed) > before, "the handler hears of it")
    check_served(server.path)


def _section(client: _native.LinkClient, name: str) -> int:
    number = {"params": 3, "requests": 5, "replies": 6, "clips": 7}[name]
    offset, _ = struct.unpack_from("<QQ", client.peek(88 + 24 * (number - 1), 24), 8)
    return int(offset)


def test_a_flooding_plugin_leaves_the_others_their_turn(server: LinkServer) -> None:
    flooder = connect(server.path)
    stop = threading.Event()

    def flood() -> None:
        job = 1
        while not stop.is_set():
            job += 1
            flooder.generate(job, seconds=0.001)
            if flooder.state is _native.LinkState.OFF:
                return

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        for _ in range(5):
            check_served(server.path)
    finally:
        stop.set()
        thread.join(60)


def test_a_plugin_that_reads_nothing_is_dropped_as_hung(
    server: LinkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_peer, "RING_WAIT_S", 0.05)
    client = connect(server.path)
    job = 0
    while len(server.peers) == 1 and client.state is not _native.LinkState.OFF:
        job += 1
        client.query_status()
        client.poll(0)
    check_served(server.path)


def test_too_many_open_jobs_of_one_plugin_are_refused(tmp_path: Path) -> None:
    class Never(EchoHandler):
        def link_request(self, peer: LinkPeer, request: LinkRequest) -> None:
            self.requests.append(request)

    handler = Never()
    server = LinkServer(handler, tmp_path / "engine.sock")
    try:
        client = connect(server.path)
        for job in range(1, link_peer.MAX_OPEN_JOBS + 2):
            assert client.generate(job)
        failed = replies_until(client, "fail", link_peer.MAX_OPEN_JOBS + 1)[-1]
        assert failed.fields["code"] == "rate_limited"
        assert len(handler.requests) == link_peer.MAX_OPEN_JOBS
    finally:
        server.close()


def test_a_seed_that_no_record_holds_raises_in_the_caller_and_blocks_nothing(
    tmp_path: Path,
) -> None:
    raised: list[BaseException] = []

    class Careless(EchoHandler):
        def link_request(self, peer: LinkPeer, request: LinkRequest) -> None:
            if isinstance(request, LinkGenerate):
                try:
                    peer.send_clip(request.job, echo_audio(1, 0, 10), RATE, clip_id="", seed=2**70)
                except TypeError as error:
                    raised.append(error)
            super().link_request(peer, request)

    server = LinkServer(Careless(), tmp_path / "engine.sock")
    try:
        check_served(server.path)
    finally:
        server.close()
    assert len(raised) == 1
