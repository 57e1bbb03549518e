"""The endless stream of `serve --audio`, recorded through PortAudio on JACK's dummy driver."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from engine.stage.stream_grains import CEILING
from tests.support.jack_stage import PERIOD, RATE_HZ, Audio, ask, recording, serving
from tests.support.osc_client import OscClient

pytest.importorskip("mido")
pytest.importorskip("jack")

FAINT = 1e-5
SETTLE_S = 1.5


def status(client: OscClient) -> list[object]:
    """What /drift/stream/status answers."""
    client.send("/drift/stream/status")
    return client.until("/drift/stream/status/reply")[-1][1]


def until_it_plays(client: OscClient) -> None:
    """Wait for the first sound."""
    for _ in range(2000):
        if status(client)[2]:
            return
        time.sleep(0.01)
    raise AssertionError(status(client))


def begin_of(loud: npt.NDArray[np.bool_], since: int) -> int:
    """The first frame from `since` on that is loud."""
    found = np.flatnonzero(loud[since:])
    assert len(found), f"nothing is heard after frame {since}"
    return since + int(found[0])


def longest_silence(mono: npt.NDArray[np.float32]) -> int:
    """Frames of the longest silence between two sounds."""
    return int(np.diff(np.flatnonzero(np.abs(mono) > FAINT)).max(initial=0))


def flux(mono: npt.NDArray[np.float32]) -> float:
    """The greatest rise of the spectrum from one window to the next."""
    windows = np.lib.stride_tricks.sliding_window_view(mono.astype(np.float64), 1024)[::64]
    spectra = np.abs(np.fft.rfft(windows * np.hanning(1024), axis=1))
    return float(np.maximum(np.diff(spectra, axis=0), 0.0).sum(axis=1).max())


def test_another_prompt_is_heard_with_the_next_sound(
    jack: dict[str, str], tmp_path: Path, tiny_voices: Path
) -> None:
    """A hit panned to the left, sent with each change, tells in the recording when it was sent."""
    with serving(tmp_path, tiny_voices) as engine, OscClient(engine.port) as client:
        ask(client, "/drift/slot/1/generate", 1)
        ask(client, "/drift/slot/1/pan", -1.0)
        for name, value in (("y", 1.0), ("temperature", 0.0), ("density", 0.25)):
            ask(client, f"/drift/stream/{name}", value)
        ask(client, "/drift/stream/prompt/0", "kick", 1.0)
        ask(client, "/drift/stream/run", 1)
        until_it_plays(client)
        time.sleep(SETTLE_S)
        words = list(itertools.islice(itertools.cycle(("snare", "kick")), 6))
        with recording(tmp_path) as recordings:
            time.sleep(0.1)
            for word in words:
                client.send("/drift/slot/1/play")
                client.send("/drift/stream/prompt/0", word)
                time.sleep(SETTLE_S)
        left, right = recordings[0]
        heard: dict[str, Audio] = {}
        waits: list[int] = []
        at = 0
        for word in words:
            sent = begin_of(np.abs(left - right) > FAINT, at)
            begun = begin_of(np.abs(right) > FAINT, sent - PERIOD)
            waits.append(begun - sent + PERIOD)  # the hit itself waited for a block at most
            sound = right[begun : begun + RATE_HZ // 5]
            other = heard.setdefault(word, sound)
            np.testing.assert_allclose(sound, other, atol=1e-6)  # the same words, the same sound
            at = sent + RATE_HZ * 6 // 5
        assert np.abs(heard["kick"] - heard["snare"]).max() > 0.01
        # within the 1.5 s of a change, not with the sound that was due after 4 s; see benchmarks
        assert all(0 < wait < SETTLE_S * RATE_HZ for wait in waits)
        assert engine.stop() == 0


def test_it_plays_on_without_gaps_or_seams_and_ends_with_panic(
    jack: dict[str, str], tmp_path: Path, tiny_voices: Path
) -> None:
    with serving(tmp_path, tiny_voices) as engine, OscClient(engine.port) as client:
        ask(client, "/drift/stream/prompt/0", "snare", 1.0)
        for name, value in (("y", 1.0), ("temperature", 0.0), ("density", 0.25)):
            ask(client, f"/drift/stream/{name}", value)
        with recording(tmp_path) as alone:
            ask(client, "/drift/stream/run", 1)
            until_it_plays(client)
            time.sleep(SETTLE_S)
        ask(client, "/drift/stream/density", 4.0)
        with recording(tmp_path) as dense:
            time.sleep(4.0)
        assert flux(dense[0][0]) < 1.25 * flux(alone[0][0])

        ask(client, "/drift/stream/prompt/3", "dark kick", 0.5)
        for name, value in (("y", 0.0), ("temperature", 0.6), ("density", 8.0)):
            ask(client, f"/drift/stream/{name}", value)
        with recording(tmp_path) as recordings:
            time.sleep(10.0)
        heard = recordings[0]
        assert longest_silence(heard[0]) < 2 / 8 * RATE_HZ
        assert np.abs(heard).max() <= CEILING + 1e-3
        state, _, sounds, *_ = status(client)
        assert state in ("playing", "repeating")
        assert int(str(sounds)) > 80

        ask(client, "/drift/panic")
        with recording(tmp_path) as after:
            time.sleep(0.3)
        assert not after[0][:, PERIOD * 4 :].any()
        assert status(client)[0] == "off"
        client.send("/drift/stream/run")
        assert client.until("/drift/done")[-2][1][1] == 0
        assert engine.stop() == 0
