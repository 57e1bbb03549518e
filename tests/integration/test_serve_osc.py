"""A real engine process behind its OSC door: sounds, errors, signals, kill -9, floods."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.library import Library
from tests.support.osc_client import OscClient
from tests.support.serving import ROOT, WATCHDOG_S, ServedEngine, engine_environment

ENDS = ("/drift/done", "/drift/fail")


@pytest.fixture
def engine(tmp_path: Path, tiny_voices: Path) -> Iterator[ServedEngine]:
    with ServedEngine(tmp_path, tiny_voices, voice="tiny") as engine:
        yield engine


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, tiny_voices: Path) -> Iterator[ServedEngine]:
    """One engine for the tests that leave it as they found it."""
    with ServedEngine(tmp_path_factory.mktemp("shared"), tiny_voices, voice="tiny") as engine:
        yield engine


def generate(client: OscClient, job: int, *keys: object) -> tuple[list[list[object]], list[object]]:
    """The clips of a job and its last answer."""
    client.send("/drift/generate", job, *keys)
    clips = []
    while True:
        address, values = client.receive()
        if address == "/drift/clip/added":
            clips.append(values)
        elif address in ENDS:
            return clips, [address, *values]


def test_a_request_becomes_a_clip_and_a_file(engine: ServedEngine, tmp_path: Path) -> None:
    with OscClient(engine.port) as client:
        client.send("/drift/generate", 5, "prompt", "short dark zzz", "seed", 7, "count", 2)
        answers = client.until(*ENDS)
        assert answers[0][0] == "/drift/queued"
        assert answers[0][1][0] == 5
        assert "/drift/progress" in [address for address, _ in answers]
        clips = [values for address, values in answers if address == "/drift/clip/added"]
        assert [(clip[1], clip[2], clip[3]) for clip in clips] == [(5, 0, 7), (5, 1, 7)]
        done = answers[-1]
        assert done[0] == "/drift/done"
        assert done[1][:3] == ["generate", 5, 2]
        assert "zzz" in done[1][5].split()

        client.send("/drift/clip/get", clips[0][0])
        item, end = client.until(*ENDS)
        assert item[0] == "/drift/clip/item"
        assert item[1][9] == "short dark zzz"
        assert end[1] == ["clip/get", -1]

        client.send("/drift/clip/export", clips[0][0])
        path = Path(client.until(*ENDS)[-1][1][2])
        assert path.parent == tmp_path / "exports"
        chosen = tmp_path / "chosen.flac"
        client.send("/drift/clip/export", clips[0][0], str(chosen))
        assert client.until(*ENDS)[-1][0] == "/drift/done"
        client.send("/drift/clip/export", clips[0][0], str(chosen))
        assert client.until(*ENDS)[-1][1][2] == "bad_range"
        with Library(engine.library) as library:
            stored = library.get(clips[0][0])
        for file in (path, chosen):
            audio, rate = soundfile.read(file, dtype="float32", always_2d=True)
            assert rate == stored.sample_rate
            assert np.array_equal(audio.T, stored.audio)


def test_the_same_seed_gives_the_same_sound(shared: ServedEngine) -> None:
    with OscClient(shared.port) as client:
        ids = []
        for job, seed in enumerate([3, 3, 4]):
            clips, end = generate(client, job, "prompt", "kick", "seed", seed)
            assert end[0] == "/drift/done"
            ids.append(str(clips[0][0]))
        with Library(shared.library) as library:
            first, again, other = (library.get(clip).audio for clip in ids)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_clips_are_varied_listed_and_curated(engine: ServedEngine) -> None:
    with OscClient(engine.port) as client:
        clips, _ = generate(client, 1, "prompt", "kick", "seed", 1)
        parent = str(clips[0][0])
        client.send("/drift/vary", 2, parent, 0.3, 2)
        answers = client.until(*ENDS)
        assert answers[-1][0] == "/drift/done"
        child = next(values[0] for address, values in answers if address == "/drift/clip/added")
        for address, *args in (
            ("favourite", child),
            ("name", child, "Child"),
            ("tag", child, "low"),
            ("delete", parent),
        ):
            client.send(f"/drift/clip/{address}", *args)
            assert client.until(*ENDS)[-1][0] == "/drift/done", address
        client.send("/drift/clip/list")
        answers = client.until(*ENDS)
        assert answers[-1][1][2:] == [2, 2]
        assert parent not in [values[0] for _, values in answers]
        with Library(engine.library) as library:
            record = library.record(child)
        assert (record.parents, record.name, record.favourite) == ((parent,), "Child", True)


def test_voices_are_listed_loaded_and_unloaded(shared: ServedEngine) -> None:
    with OscClient(shared.port) as client:
        client.send("/drift/voice/list")
        *items, end = client.until(*ENDS)
        loaded = {values[0]: values[5] for _, values in items}
        assert end[1][2] == len(loaded)
        assert [name for name, here in loaded.items() if here] == ["tiny"]
        client.send("/drift/voice/unload", "tiny")
        assert client.until(*ENDS)[-1][0] == "/drift/done"
        client.send("/drift/voice/load", "tiny")
        assert client.until(*ENDS)[-1][0] == "/drift/done"
        client.send("/drift/voice/load", "tini")
        fail = client.until(*ENDS)[-1][1]
        assert fail[2] == "no_voice"
        assert "did you mean 'tiny'" in fail[3]
        client.send("/drift/status")
        status = client.receive()[1]
        assert status[:3] == ["ready", "cpu", len(loaded)]


@pytest.mark.parametrize(
    ("address", "args", "code"),
    [
        ("/drift/generate", (1, "voice", "nothing"), "no_voice"),
        ("/drift/generate", (1, "source", "0" * 32), "not_found"),
        ("/drift/generate", (1, "duration", 59.0), "bad_range"),
        ("/drift/vary", (1, "../../etc/passwd"), "not_found"),
        ("/drift/clip/get", ("0" * 32,), "not_found"),
        ("/drift/clip/delete", ("nonsense",), "not_found"),
        ("/drift/clip/name", ("0" * 32, "x"), "not_found"),
        ("/drift/clip/export", ("0" * 32,), "not_found"),
        ("/drift/cancel", (99,), "not_found"),
        ("/drift/generate", ("x",), "bad_type"),
        ("/drift/generat", (1,), "bad_address"),
    ],
)
def test_wrong_requests_get_their_code(
    shared: ServedEngine, address: str, args: tuple[object, ...], code: str
) -> None:
    with OscClient(shared.port) as client:
        client.send(address, *args)
        answer, values = client.until(*ENDS)[-1]
        assert answer == "/drift/fail"
        assert values[2] == code, values


def test_cancel_reaches_a_running_job_and_waiting_ones(shared: ServedEngine) -> None:
    with OscClient(shared.port) as client, OscClient(shared.port) as other:
        for job in range(5):
            client.send("/drift/generate", job, "steps", 64, "count", 64)
        client.send("/drift/cancel", 3)
        answers = client.until("/drift/fail")
        assert answers[-1][1][1:3] == [3, "cancelled"]
        other.send("/drift/cancel", -1)
        assert other.until(*ENDS)[-1][1][2] == 4
        ends = client.wait_all(4, ("/drift/fail",))
        codes = {values[1]: values[2] for address, values in ends if address == "/drift/fail"}
        assert codes == dict.fromkeys((0, 1, 2, 4), "cancelled")
        clips, end = generate(client, 3, "seed", 1)
        assert len(clips) == 1
        assert end[0] == "/drift/done"


def test_a_second_engine_is_refused_by_port_and_by_socket(
    engine: ServedEngine, tmp_path: Path, tiny_voices: Path
) -> None:
    environment = engine_environment(tmp_path, tiny_voices)
    for port, words in ((engine.port, "--osc-port"), (0, "already listens")):
        done = subprocess.run(
            [sys.executable, "-m", "engine.serve", "--osc-port", str(port), "--voice", "tiny",
             "--library", str(tmp_path / "other")],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=WATCHDOG_S,
        )  # fmt: skip
        assert done.returncode == 4, done.stderr
        assert words in done.stderr
        if port:
            assert str(port) in done.stderr
    with OscClient(engine.port) as client:
        assert generate(client, 1, "seed", 1)[1][0] == "/drift/done"


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 0)]
)
def test_signals_end_it_cleanly_and_say_so_to_waiting_clients(
    engine: ServedEngine, number: int, status: int
) -> None:
    with OscClient(engine.port) as client:
        client.send("/drift/generate", 1, "steps", 64, "count", 64)
        client.until("/drift/progress")
        assert engine.stop(number) == status
        assert client.until("/drift/fail")[-1][1][1:3] == [1, "cancelled"]
    assert not Path(str(engine.facts["socket"])).exists()
    assert not any("Traceback" in line for line in engine.log)


def test_an_unknown_voice_ends_it_with_3(tmp_path: Path, tiny_voices: Path) -> None:
    with pytest.raises(AssertionError, match="did you mean 'tiny'"):
        ServedEngine(tmp_path, tiny_voices, voice="tinny")


def test_kill_9_and_restart_offers_the_clips_again(tmp_path: Path, tiny_voices: Path) -> None:
    done: set[str] = set()
    for _ in range(3):
        with ServedEngine(tmp_path, tiny_voices, voice="tiny") as engine:
            with OscClient(engine.port) as client:
                for job in range(3):
                    clips, _ = generate(client, job, "seed", job)
                    done.update(str(clip[0]) for clip in clips)
                client.send("/drift/generate", 50, "count", 64)
                client.until("/drift/clip/added")
            engine.stop(signal.SIGKILL)
    with ServedEngine(tmp_path, tiny_voices, voice="tiny") as engine, OscClient(engine.port) as c:
        c.send("/drift/clip/list", 0, 200)
        listed = {str(values[0]) for address, values in c.until(*ENDS) if "item" in address}
        assert done <= listed
        for clip in sorted(done):
            c.send("/drift/clip/get", clip)
            assert c.until(*ENDS)[-1][0] == "/drift/done"


def test_100_000_requests_are_all_answered_and_memory_stays_bounded(
    engine: ServedEngine,
) -> None:
    before = engine.memory_mb
    queued = busy = 0
    with OscClient(engine.port) as client, OscClient(engine.port) as calm:
        for first in range(0, 100_000, 100):
            for job in range(first, first + 100):
                client.send("/drift/generate", job, "steps", 64, "count", 64)
            answered = 0
            while answered < 100:
                address, values = client.receive()
                if address == "/drift/queued":
                    queued += 1
                elif address == "/drift/fail":
                    assert values[2] == "busy", values
                    busy += 1
                else:
                    continue
                answered += 1
        assert queued + busy == 100_000
        assert 9_000 <= queued < 9_100
        assert engine.memory_mb - before < 250
        _, end = generate(calm, 1, "seed", 1, "steps", 1)
        assert end[0] == "/drift/done", "the flood starved another client"
        calm.send("/drift/cancel", -1)
        cancelled = calm.until(*ENDS)[-1]
        assert cancelled[0] == "/drift/done"
        assert cancelled[1][2] >= 8_900
        assert generate(calm, 2, "seed", 1)[1][0] == "/drift/done"


def test_a_full_disk_still_delivers_the_clip_and_says_so(tmp_path: Path, tiny_voices: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs permission to mount a small file system")
    try:
        with ServedEngine(tmp_path, tiny_voices, voice="tiny", library=disk / "library") as engine:
            (disk / "filler").write_bytes(bytes(700_000))
            with OscClient(engine.port) as client:
                for job in range(200):
                    clips, end = generate(client, job, "seed", job)
                    assert len(clips) == 1
                    if end[0] == "/drift/fail":
                        break
                assert end[3] == "internal"
                assert "disk space" in str(end[4])
                client.send("/drift/clip/get", str(clips[0][0]))
                assert client.until(*ENDS)[-1][0] == "/drift/done"
                (disk / "filler").unlink()
                time.sleep(0.1)
                assert generate(client, 500, "seed", 1)[1][0] == "/drift/done"
            assert engine.stop() == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
