"""A real engine process behind the plugins' door, with the plugin's own client."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge import _native
from engine.library import Library
from tests.support.osc_client import OscClient
from tests.support.serving import WATCHDOG_S, ServedEngine

_SOUND = np.full((1, 4_000), 0.25, np.float32)
_TWO_SOUNDS: dict[str, object] = {
    "source": _SOUND, "source_rate_hz": 44_100.0, "second": _SOUND, "second_rate_hz": 44_100.0,
}  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path, tiny_voices: Path) -> Iterator[ServedEngine]:
    with ServedEngine(tmp_path, tiny_voices, voice="tiny") as engine:
        yield engine


def connect(engine: ServedEngine) -> _native.LinkClient:
    client = _native.LinkClient()
    result = client.connect(str(engine.facts["socket"]))
    assert result is _native.ConnectResult.CONNECTED, client.message
    return client


def replies(client: _native.LinkClient, *last: str) -> list[_native.Reply]:
    """Every reply up to and with the first of a kind in `last`."""
    found: list[_native.Reply] = []
    deadline = time.monotonic() + WATCHDOG_S
    while not found or found[-1].kind not in last:
        assert time.monotonic() < deadline, [reply.kind for reply in found]
        client.poll(100)
        while (reply := client.next_reply()) is not None:
            found.append(reply)
            if reply.kind in last:
                break
    return found


def test_a_plugin_gets_the_very_samples_of_the_library(engine: ServedEngine) -> None:
    client = connect(engine)
    assert client.generate(11, prompt="short kick zzz", seed=7, count=3, steps=2)
    found, clips = [], []
    while not found or found[-1].kind != "done":
        found += replies(client, "clip", "done")
        if found[-1].kind == "clip":
            taken = client.take_clip(found[-1])
            assert taken is not None
            clips.append((found[-1].fields, *taken))
    assert found[0].kind == "queued"
    assert {reply.job for reply in found} == {11}
    assert found[-1].fields["clips"] == 3
    with Library(engine.library) as library:
        for index, (fields, audio, rate, _) in enumerate(clips):
            stored = library.get(str(fields["clip_id"]))
            assert np.array_equal(stored.audio, audio)
            assert (stored.sample_rate, stored.seed, stored.index) == (rate, 7, index)
            assert "zzz" in str(fields["words_unknown"])
            assert stored.voice_hash == fields["voice_hash"]


def test_two_plugins_and_a_controller_share_an_engine(engine: ServedEngine) -> None:
    first, second = connect(engine), connect(engine)
    with OscClient(engine.port) as listener:
        listener.send("/drift/notify", 1)
        listener.until("/drift/done")
        first.generate(1, prompt="kick", seed=1)
        second.generate(1, prompt="snare", seed=1)
        for client in (first, second):
            assert replies(client, "done", "fail")[-1].kind == "done"
        heard = [listener.until("/drift/clip/added")[-1][1] for _ in range(2)]
        assert [values[1] for values in heard] == [-1, -1]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"voice": "nothing"}, "no_voice"),
        ({"count": 65}, "bad_range"),
        ({"steps": 1000}, "bad_range"),
        ({"seconds": 1000.0}, "bad_range"),
        ({"source_clip": "0" * 32}, "not_found"),
        ({"bars": 9.0, "bar_quarters": 4.0, "bpm": 60.0}, "bad_range"),
        ({**_TWO_SOUNDS, "mix": (0.1, 0.9)}, "bad_range"),
        ({**_TWO_SOUNDS, "count": -1}, "bad_range"),
    ],
)
def test_wrong_requests_fail_with_their_code(
    engine: ServedEngine, options: dict[str, object], code: str
) -> None:
    client = connect(engine)
    client.generate(1, prompt="kick", **options)  # type: ignore[arg-type]
    fail = replies(client, "done", "fail")[-1]
    assert (fail.kind, fail.fields["code"]) == ("fail", code)


def test_a_plugin_uploads_a_sound_to_vary(engine: ServedEngine) -> None:
    client = connect(engine)
    source = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 24_000)).astype(np.float32)
    client.generate(1, prompt="kick", seed=1, source=source, source_rate_hz=48_000, strength=0.4)
    assert replies(client, "done", "fail")[-1].kind == "done"


def test_cancel_and_status(engine: ServedEngine) -> None:
    client = connect(engine)
    client.generate(1, prompt="kick", steps=64, count=64)
    client.generate(2, prompt="kick", steps=64, count=64)
    client.cancel(1)
    fail = replies(client, "fail")[-1]
    assert (fail.job, fail.fields["code"]) == (1, "cancelled")
    client.query_status()
    status = replies(client, "status")[-1].fields
    assert str(status["voices"]).split("\n")[0] == "tiny"
    assert status["device"] == "cpu"
    client.cancel()
    assert replies(client, "fail")[-1].job == 2


def test_a_plugin_that_leaves_takes_its_jobs_along(engine: ServedEngine) -> None:
    client = connect(engine)
    client.generate(1, prompt="kick", steps=64, count=64)
    replies(client, "progress")
    client.disconnect()
    with OscClient(engine.port) as controller:
        deadline = time.monotonic() + WATCHDOG_S
        while time.monotonic() < deadline:
            controller.send("/drift/status")
            if controller.receive()[1][0] == "ready":
                return
            time.sleep(0.02)
    pytest.fail("the job of a plugin that is gone goes on")


def test_after_kill_9_a_new_engine_takes_the_socket(tmp_path: Path, tiny_voices: Path) -> None:
    with ServedEngine(tmp_path, tiny_voices, voice="tiny") as engine:
        client = connect(engine)
        client.generate(1, prompt="kick", steps=64, count=64)
        replies(client, "progress")
        engine.stop(signal.SIGKILL)
        deadline = time.monotonic() + WATCHDOG_S
        while client.poll(50) is not _native.LinkState.OFF:
            assert time.monotonic() < deadline
    with ServedEngine(tmp_path, tiny_voices, voice="tiny") as engine:
        client = connect(engine)
        client.generate(1, prompt="kick", seed=1)
        assert replies(client, "done", "fail")[-1].kind == "done"
