"""`serve --audio` on JACK's dummy driver: OSC and MIDI play it, every sample is compared."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from engine.library import Library
from tests.support.engine_process import as_stereo, find_clip, run_host, wait_for
from tests.support.jack_server import jack_environment, jack_server
from tests.support.jack_stage import ENDS, PERIOD, RATE_HZ, Audio, ask, recording, serving
from tests.support.osc_client import OscClient, bundle, message, timetag
from tests.support.serving import ROOT, WATCHDOG_S, ServedEngine, engine_environment

pytest.importorskip("mido")
pytest.importorskip("jack")


def generate(client: OscClient, slot: int, seed: int) -> str:
    """A new sound on a slot; returns the id of its clip."""
    ask(client, f"/drift/slot/{slot}/seed", seed)
    client.send(f"/drift/slot/{slot}/generate", 1, -1, "short dark snare")
    answers = client.until(*ENDS)
    assert answers[-1][0] == "/drift/done", answers
    return str(next(values[0] for address, values in answers if address == "/drift/clip/added"))


def clip_audio(engine: ServedEngine, clip: str) -> Audio:
    """A clip of the library as it is played, `(2, T)`."""
    with Library(engine.library) as library:
        wait_for(lambda: library.count() > 0, "a clip in the library")
        return as_stereo(library.get(clip).audio)


def midi(*message: int) -> None:
    """Send a MIDI message to the engine."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(bytes(message), os.environ["MIDO_SOCKET"])


def start_of(heard: Audio, clip: Audio, gain: float = 1.0) -> int:
    """Where a clip with a gain was played, sample by sample."""
    return find_clip(heard, clip * np.float32(gain), tolerance=2e-7)


def test_slots_are_heard_sample_by_sample_by_osc_and_by_midi(
    jack: dict[str, str], tmp_path: Path, tiny_voices: Path
) -> None:
    with serving(tmp_path, tiny_voices) as engine, OscClient(engine.port) as client:
        client.send("/drift/slot/1/play")
        assert client.until(*ENDS)[-1][1][2] == "not_found"
        clip = clip_audio(engine, generate(client, 1, 5))
        seconds = clip.shape[1] / RATE_HZ + 0.3

        with recording(tmp_path) as heard:
            ask(client, "/drift/slot/1/play", 1.0)
            time.sleep(seconds)
        assert start_of(heard[0], clip) >= 0

        with recording(tmp_path) as heard:
            midi(0x90, 36, 64)
            time.sleep(seconds)
        assert start_of(heard[0], clip, (64 / 127) ** 2) >= 0, "velocity is squared"

        ask(client, "/drift/slot/1/gain", -20.0)
        ask(client, "/drift/slot/1/pan", -1.0)
        with recording(tmp_path) as heard:
            ask(client, "/drift/slot/1/play")
            time.sleep(seconds)
        left = np.stack([clip[0] * np.float32(0.1 * np.sqrt(2.0)), np.zeros_like(clip[1])])
        assert find_clip(heard[0], left.astype(np.float32), tolerance=1e-6) >= 0

        status = client.ask("/drift/status")[0][1]
        assert "JACK" in str(status[7])
        assert engine.stop() == 0


def test_a_hit_waits_for_its_beat_and_chokes_its_group(
    jack: dict[str, str], tmp_path: Path, tiny_voices: Path
) -> None:
    with serving(tmp_path, tiny_voices) as engine, OscClient(engine.port) as client:
        clip = clip_audio(engine, generate(client, 1, 5))
        # At 120 beats a minute a beat has 22050 frames.
        ask(client, "/drift/slot/1/quantise", "beat")
        ask(client, "/drift/transport/play", 1)
        with recording(tmp_path) as heard:
            for _ in range(2):
                ask(client, "/drift/slot/1/play")
                time.sleep(clip.shape[1] / RATE_HZ + 0.8)
        first = start_of(heard[0], clip)
        assert first >= 0
        rest = heard[0][:, first + clip.shape[1] :]
        second = first + clip.shape[1] + start_of(rest, clip)
        assert (second - first) % (RATE_HZ // 2) == 0, "both are on the beat, to the sample"

        ask(client, "/drift/transport/play", 0)
        for slot in (1, 2):
            ask(client, f"/drift/slot/{slot}/choke", 1)
        other = clip_audio(engine, generate(client, 2, 6))
        with recording(tmp_path) as heard:
            ask(client, "/drift/slot/1/play")
            ask(client, "/drift/slot/2/play")
            time.sleep(clip.shape[1] / RATE_HZ + 0.5)
        assert start_of(heard[0], clip) < 0, "the first did not come to its end"
        after_the_cut = other[:, RATE_HZ // 100 :]
        assert start_of(heard[0], after_the_cut) >= 0, "the second hit has cut the first"


def test_a_bundle_sounds_at_its_time(
    jack: dict[str, str], tmp_path: Path, tiny_voices: Path
) -> None:
    with serving(tmp_path, tiny_voices) as engine, OscClient(engine.port) as client:
        clip = clip_audio(engine, generate(client, 1, 5))
        ask(client, "/drift/slot/1/quantise", "beat")  # which a timetag goes before
        ask(client, "/drift/transport/play", 1)
        gap_s = clip.shape[1] / RATE_HZ + 0.2123
        count = 3
        with recording(tmp_path) as heard:
            begin_s = time.time() + 0.3
            for hit in (2, 0, 1):  # in any order
                play = message("/drift/slot/1/play", 1.0)
                client.send_raw(bundle(timetag(begin_s + hit * gap_s), play))
            far = bundle(timetag(time.time() + 9.0), message("/drift/slot/1/play"))
            client.send_raw(far)  # what is due later delays nothing
            time.sleep(0.3 + count * gap_s)
            client.send("/drift/panic", 1)
        starts, begin = [], 0
        for _ in range(count):
            found = start_of(heard[0][:, begin:], clip)
            assert found >= 0
            starts.append(begin + found)
            begin = starts[-1] + clip.shape[1]
        gaps = np.diff(starts)
        assert np.all(np.abs(gaps - gap_s * RATE_HZ) < PERIOD), "each within a block of its time"
        assert start_of(heard[0][:, begin:], clip) < 0


def test_everything_is_back_after_kill_9(
    jack: dict[str, str], tmp_path: Path, tiny_voices: Path
) -> None:
    with serving(tmp_path, tiny_voices) as engine, OscClient(engine.port) as client:
        name = generate(client, 3, 7)
        clip = clip_audio(engine, name)
        ask(client, "/drift/slot/3/gain", -6.0)
        ask(client, "/drift/transport/tempo", 97.0)
        ask(client, "/drift/snapshot/save", "verse")
        client.send("/drift/midi/learn", "/drift/slot/3/pan", -1.0, 0.5)
        client.drain()
        midi(0xB0, 21, 0)
        assert client.until(*ENDS)[-1][1] == ["midi/learn", -1, "cc", 1, 21]
        ask(client, "/drift/slot/3/gain", 0.0)
        ask(client, "/drift/clip/delete", name)
        time.sleep(1.0)  # what the engine promises
        engine.process.send_signal(signal.SIGKILL)
        engine.wait()

    with serving(tmp_path, tiny_voices) as engine, OscClient(engine.port) as client:
        assert any("back from the last session: 1 sound" in line for line in engine.log)
        slots = [values for address, values in client.ask("/drift/slot/list")
                 if address == "/drift/slot/item"]  # fmt: skip
        assert slots[2][:3] == [3, name, "short dark snare"]
        client.send("/drift/slot/3/gain")
        assert client.until("/drift/value")[-1][1] == ["/drift/slot/3/gain", 0.0]
        client.until(*ENDS)
        ask(client, "/drift/snapshot/recall", "verse", 0.2)
        midi(0xB0, 21, 127)

        def settled() -> bool:
            client.send("/drift/slot/3/gain")
            client.send("/drift/slot/3/pan")
            values = [values for address, values in client.drain() if address == "/drift/value"]
            return values == [["/drift/slot/3/gain", -6.0], ["/drift/slot/3/pan", 0.5]]

        wait_for(settled, "the snapshot and the fader")
        ask(client, "/drift/slot/3/gain", 0.0)
        ask(client, "/drift/slot/3/pan", 0.0)
        time.sleep(0.1)
        with recording(tmp_path) as heard:
            ask(client, "/drift/slot/3/play")
            time.sleep(clip.shape[1] / RATE_HZ + 0.3)
        assert start_of(heard[0], clip) >= 0, "the sound outlived the library's clip"


def test_a_device_that_went_plays_again_when_it_is_back(
    tmp_path: Path, tiny_voices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**jack_environment(), "MIDO_SOCKET": str(tmp_path / "m.sock")}.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as first, ExitStack() as later:
        first.enter_context(jack_server(dict(os.environ), tmp_path, RATE_HZ, PERIOD))
        engine = later.enter_context(serving(tmp_path, tiny_voices, "--midi", "off"))
        client = later.enter_context(OscClient(engine.port))
        clip = clip_audio(engine, generate(client, 1, 5))
        first.close()

        def said(words: str) -> bool:
            assert engine.process.poll() is None, "\n".join(engine.log)
            return any(words in line for line in engine.log)

        wait_for(lambda: said("is gone"), "the loss")
        client.send("/drift/slot/1/play")
        fail = client.until(*ENDS)[-1][1]
        assert (fail[2], "is gone" in str(fail[3])) == ("busy", True)
        later.enter_context(jack_server(dict(os.environ), tmp_path, RATE_HZ, PERIOD))
        wait_for(lambda: said("is back"), "the device's return")
        with recording(tmp_path) as heard:
            ask(client, "/drift/slot/1/play")
            time.sleep(clip.shape[1] / RATE_HZ + 0.3)
        assert start_of(heard[0], clip) >= 0
        assert engine.stop() == 0


def test_without_a_device_slots_are_made_and_hits_say_what_to_do(
    tmp_path: Path, tiny_voices: Path
) -> None:
    with (
        ServedEngine(tmp_path, tiny_voices, voice="tiny") as engine,
        OscClient(engine.port) as client,
    ):
        generate(client, 16, 5)
        client.send("/drift/slot/16/play")
        fail = client.until(*ENDS)[-1][1]
        assert fail[2] == "busy"
        assert "--audio" in str(fail[3])


def test_a_wrong_device_is_named_with_those_there_are(
    jack: dict[str, str], tmp_path: Path, tiny_voices: Path
) -> None:
    command = [sys.executable, "-m", "engine.serve", "--osc-port", "0", "--voice", "tiny"]
    done = subprocess.run(
        [*command, "--library", str(tmp_path / "library"), "--audio", "theremin"],
        cwd=ROOT, env=engine_environment(tmp_path, tiny_voices), capture_output=True, text=True,
        timeout=WATCHDOG_S, check=False,
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    assert "theremin" in done.stderr
    assert "JACK Audio Connection Kit" in done.stderr
    assert "Traceback" not in done.stderr
    listed = run_host([*command[:3], "--list-devices"], engine_environment(tmp_path, tiny_voices))
    assert "JACK Audio Connection Kit" in listed
