"""The plugin core against real link processes that are killed, stopped and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge import _native
from plugin_host.harness import FloatArray, Harness, find_clip, note_on
from tests.support.link_client import mapped_segments, open_descriptors, stop_process
from tests.support.link_echo import RATE, Nursery, echo_audio

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery(ROOT)
    yield nursery
    nursery.close()


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    (tmp_path / "driftwave").mkdir(mode=0o700)
    return tmp_path


def socket_of(runtime: Path) -> Path:
    return runtime / "driftwave" / "engine.sock"


def expected(seed: int, seconds: float = 1.0) -> FloatArray:
    """The echo engine's sound as a clip: on the 24-bit grid, below full scale."""
    audio = np.round(echo_audio(seed, 0, round(seconds * RATE)).astype(np.float64) * 2**23)
    return (np.clip(audio, -(2**23), 2**23 - 1) / 2**23).astype(np.float32)


def test_a_generated_clip_is_played_and_survives_the_engine(
    nursery: Nursery, runtime: Path
) -> None:
    pid = nursery.serve(socket_of(runtime))
    with Harness(runtime_dir=str(runtime)) as host:
        clip = host.generate(0, "short dark snare", 7)
        assert (clip.seed, clip.prompt, clip.sample_rate) == (7, "short dark snare", RATE)
        assert find_clip(host.play(RATE + 100, [note_on(77, 36)]), expected(7)) == 77
        host.play(100)
        os.kill(pid, signal.SIGKILL)
        host.wait(lambda s: s.status is _native.EngineStatus.LOST, "the engine seen as lost")
        host.generator.panic()
        host.play(1_000)
        assert find_clip(host.hit(0, RATE), expected(7)) == 0
        state = host.generator.save_state()
    with Harness(link=False) as other:
        other.generator.load_state(state)
        assert find_clip(other.hit(0, RATE), expected(7)) == 0
        assert other.generator.save_state() == state


def test_a_stopped_engine_is_noticed_and_the_request_answered_when_it_goes_on(
    nursery: Nursery, runtime: Path
) -> None:
    pid = nursery.serve(socket_of(runtime))
    with Harness(runtime_dir=str(runtime)) as host:
        host.wait(lambda s: s.status is _native.EngineStatus.READY, "ready")
        stop_process(pid)
        host.generator.set_seed(2, 9)
        host.generator.generate(2)
        host.wait(lambda s: s.status is _native.EngineStatus.LOST, "the stopped engine noticed")
        assert host.hit(2, 512).shape == (2, 512)
        os.kill(pid, signal.SIGCONT)
        host.wait(lambda s: s.pads[2].clip.seed == 9, "the clip")
        host.wait(lambda s: s.status is _native.EngineStatus.READY, "ready again")
    os.kill(pid, signal.SIGKILL)


def test_a_hundred_kills_and_stops_while_eight_instances_play(
    nursery: Nursery, runtime: Path
) -> None:
    random = np.random.default_rng(1)
    descriptors, segments = open_descriptors(), mapped_segments()
    hosts = [Harness(runtime_dir=str(runtime), block=257) for _ in range(8)]
    try:
        for host in hosts:
            host.generator.set_parameter("seconds", 0.1)
            for pad in range(4):
                host.generator.set_prompt(pad, "tom")
            host.generator.set_parameter("fresh", 1.0)
        for round_ in range(100):
            pid = nursery.serve(socket_of(runtime))
            end = time.monotonic() + random.uniform(0.0, 0.06)
            while True:
                host = hosts[int(random.integers(8))]
                host.generator.generate(int(random.integers(4)))
                audio = host.hit(int(random.integers(4)), int(random.integers(1, 1_500)))
                assert np.isfinite(audio).all()
                if time.monotonic() > end:
                    break
            if round_ % 3 == 0:
                os.kill(pid, signal.SIGSTOP)
                host.hit(0, 600)
            os.kill(pid, signal.SIGKILL)
        pid = nursery.serve(socket_of(runtime))
        for host in hosts:
            host.wait(lambda s: s.jobs == 0 and s.pads[0].clip.serial > 0, "every answer")
            host.generator.set_parameter("fresh", 0.0)
            host.generator.panic()
            host.play(4_410)
            assert host.generator.parameter("playing_voices") == 0
            clip = host.generator.clip_samples(0)
            assert find_clip(host.hit(0, clip.shape[1]), clip) == 0
        os.kill(pid, signal.SIGKILL)
    finally:
        for host in hosts:
            host.generator.close()
    assert open_descriptors() == descriptors
    assert mapped_segments() == segments


def test_the_engine_is_started_by_the_launch_record_once_for_all(
    runtime: Path, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    script = (
        "import os, sys, time; from pathlib import Path\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        f"open({str(starts)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        "from bridge.link import LinkServer; from tests.support.link_echo import EchoHandler\n"
        f"server = LinkServer(EchoHandler(), Path({str(socket_of(runtime))!r}))\n"
        "time.sleep(600)\n"
    )
    record = tmp_path / "driftwave" / "launch"
    record.write_text("\n".join([sys.executable, "-c", f"exec({script!r})"]) + "\n")
    hosts = [
        Harness(runtime_dir=str(runtime), config_dir=str(tmp_path), autostart=True)
        for _ in range(4)
    ]
    try:
        for host in hosts:
            host.play(64)  # only a plugin in use starts an engine
        for host in hosts:
            host.wait(lambda s: s.status is _native.EngineStatus.READY, "a started engine")
        first = [int(line) for line in starts.read_text().split()]
        assert len(first) == 1
        assert os.getsid(first[0]) != os.getsid(0)
        os.kill(first[0], signal.SIGKILL)
        hosts[0].generator.set_parameter("seconds", 0.1)
        hosts[0].generate(0, "again", 3)  # asked while nobody listens: a new engine answers
        assert np.array_equal(hosts[0].generator.clip_samples(0), expected(3, 0.1))
        assert len(starts.read_text().split()) == 2
    finally:
        for host in hosts:
            host.generator.close()
        for pid in starts.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
