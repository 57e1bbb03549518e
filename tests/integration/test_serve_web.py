"""The page's server beside a real engine: clips as files, outlines, OSC over WebSocket."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.address_space import METHODS
from engine.library import Library
from tests.support.osc_client import OscClient
from tests.support.osc_walk import TRANSPORTS, call_everything, connector
from tests.support.serving import ROOT, WATCHDOG_S, ServedEngine, engine_environment
from tests.support.web_client import WebSocketClient, get


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, tiny_voices: Path) -> Iterator[ServedEngine]:
    folder = tmp_path_factory.mktemp("web")
    with ServedEngine(folder, tiny_voices, voice="tiny") as engine:
        yield engine


def test_a_clip_made_by_the_page_can_be_heard_and_drawn(engine: ServedEngine) -> None:
    with WebSocketClient(engine.web_port, Origin=f"http://127.0.0.1:{engine.web_port}") as page:
        page.send("/drift/generate", 1, "prompt", "short dark snare", "seed", 7, "duration", 0.3)
        answers = page.until("/drift/done", "/drift/fail")
    clip = next(args[0] for address, args in answers if address == "/drift/clip/added")
    for form in ("wav", "flac"):
        file = get(engine.web_port, f"/clips/{clip}.{form}")
        audio, rate = soundfile.read(io.BytesIO(file.body), dtype="float32", always_2d=True)
        with Library(engine.library) as library:
            stored = library.get(clip)
        assert rate == stored.sample_rate
        np.testing.assert_array_equal(audio.T, stored.audio)
    peaks = get(engine.web_port, f"/clips/{clip}/peaks?count=64").json
    frames = stored.audio.shape[1]
    assert (peaks["count"], peaks["frames"], peaks["channels"]) == (64, frames, len(stored.audio))
    parts = np.array_split(stored.audio[0], 64)
    assert np.abs(np.array(peaks["high"][0]) - [part.max() for part in parts]).max() < 0.2
    assert max(peaks["high"][0]) == pytest.approx(stored.audio[0].max(), abs=1e-4)
    assert min(peaks["low"][0]) == pytest.approx(stored.audio[0].min(), abs=1e-4)
    assert get(engine.web_port, f"/clips/{'0' * 32}.wav").status == 404
    assert get(engine.web_port, "/clips/nonsense/peaks").status == 404


def test_the_banner_names_the_page(engine: ServedEngine) -> None:
    assert engine.facts["page"] == f"http://127.0.0.1:{engine.web_port}/"
    assert get(engine.web_port, "/", Accept="text/html").status == 200
    assert get(engine.web_port, "/?HOST_INFO").json["OSC_PORT"] == engine.port


def test_a_web_port_in_use_is_named_with_its_flag(
    engine: ServedEngine, tmp_path: Path, tiny_voices: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine.serve", "--osc-port", "0", "--voice", "tiny",
         "--web-port", str(engine.web_port), "--library", str(tmp_path / "library")],
        cwd=ROOT, env=engine_environment(tmp_path, tiny_voices), capture_output=True, text=True,
        timeout=WATCHDOG_S,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert f"web port {engine.web_port}" in done.stderr
    assert "--web-port" in done.stderr


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_method_of_the_engine_answers_as_the_tree_says(
    transport: str, engine: ServedEngine, tmp_path: Path
) -> None:
    connect = connector(transport, engine.port, engine.web_port)
    with OscClient(engine.port) as client:
        client.send("/drift/generate", 900_000, "duration", 0.1)
        clip = client.until("/drift/done")[-2][1][0]
    numbers = itertools.count()
    known = {
        "clip": clip,
        "voice": "tiny",
        "pattern": "/drift/ping",
        "count": 1,
        "rate": 48_000,
        "path": lambda: str(tmp_path / f"{next(numbers)}.wav"),
    }
    assert call_everything(engine.web_port, connect, known) == len(METHODS)
    with OscClient(engine.port) as client:
        assert client.ask("/drift/voice/load", "tiny") is not None
        client.send("/drift/sync", 1)
        client.until("/drift/synced")
