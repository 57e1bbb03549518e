"""The built CLAP in the project's own host: parameters, sound, state, block sizes and rates."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge import _native
from tests.support.clap_host import ClapHost, HostRefused, generate_on_pad_1, reach, state_span
from tests.support.engine_process import (
    GENERATE,
    READY,
    find_clip,
    host_environment,
    library_clips,
    running_engine,
)
from tests.support.serving import ServedEngine

pytestmark = pytest.mark.host

PAD_NOTE = 36
RATE_HZ = 44_100
GAIN, PAD_1_PAN = 14, 21
VERSION_OFFSET = 8  # in the state, after its magic number


@pytest.fixture
def engine(tmp_path: Path, tiny_voices: Path) -> Iterator[ServedEngine]:
    with running_engine(tmp_path, tiny_voices) as engine:
        yield engine


@pytest.fixture
def host(tmp_path: Path, tiny_voices: Path) -> Iterator[ClapHost]:
    with ClapHost(tmp_path, host_environment(tmp_path, tiny_voices)) as host:
        yield host


def hit(host: ClapHost, frames: int = RATE_HZ, **sizes: object) -> np.ndarray:
    """What the pad plays when it is hit at frame 100."""
    host.note(PAD_NOTE, 1.0, 100)
    return host.render(frames, **sizes)


def test_parameters_are_those_of_the_table(host: ClapHost) -> None:
    host.create(48_000, 512)
    shown = host.parameters()
    table = _native.PARAMETERS
    assert [p.name for p in shown] == [p.name for p in table]
    assert [p.default for p in shown] == pytest.approx([p.default for p in table])
    assert host.ask("latency") == "0"
    assert host.ask("channels") == "2"
    with pytest.raises(HostRefused):
        host.ask("info", len(shown))
    with pytest.raises(HostRefused):
        host.get(4_000_000_000)
    host.set(GAIN, -6.0)
    host.set(9_999, 1.0)
    host.run(64)
    assert host.get(GAIN) == -6.0
    host.set(GAIN, 3.0)
    host.ask("flush")
    assert host.get(GAIN) == 3.0


def test_a_generated_clip_is_played_bit_for_bit_at_any_block_size(
    host: ClapHost, engine: ServedEngine
) -> None:
    host.create(RATE_HZ, 8_193)
    reach(host, READY)
    generate_on_pad_1(host)
    assert host.get(GENERATE) == 0.0
    (clip,) = library_clips(engine.library, 1)
    for sizes in [(512, 512), (1, 1), (1, 64), (1, 8_193), (8_193, 8_193)]:
        heard = hit(host, 20_000, sizes=sizes, seed=sizes[1])
        assert find_clip(heard, clip) == 100, f"blocks of {sizes}"
        host.run(RATE_HZ)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 88_200, 96_000, 176_400, 192_000])
def test_a_clip_keeps_its_length_and_level_at_any_rate(
    rate_hz: int, host: ClapHost, engine: ServedEngine
) -> None:
    number = host.create(RATE_HZ, 1_024)
    reach(host, READY)
    generate_on_pad_1(host)
    reference = hit(host, 2 * RATE_HZ)
    host.ask("use", number)
    host.ask("deactivate")
    host.ask("activate", rate_hz, 1_024)
    heard = hit(host, 2 * rate_hz, sizes=(1, 1_024))
    loud = np.flatnonzero(np.max(np.abs(heard), axis=0) > 1e-3)
    loud_before = np.flatnonzero(np.max(np.abs(reference), axis=0) > 1e-3)
    length = (loud[-1] - loud[0]) / rate_hz
    assert length == pytest.approx((loud_before[-1] - loud_before[0]) / RATE_HZ, abs=0.01)
    energy = float(np.mean(heard.astype(np.float64) ** 2))
    assert energy == pytest.approx(float(np.mean(reference.astype(np.float64) ** 2)), rel=0.1)


def test_a_state_is_recalled_bit_for_bit_without_the_engine(
    tmp_path: Path, tiny_voices: Path, engine: ServedEngine
) -> None:
    state = tmp_path / "state.bin"
    environment = host_environment(tmp_path, tiny_voices)
    with ClapHost(tmp_path, environment) as host:
        host.create(RATE_HZ, 512)
        reach(host, READY)
        generate_on_pad_1(host)
        host.set(PAD_1_PAN, 0.25)
        host.set(GAIN, -3.1)
        host.run(RATE_HZ)
        before = hit(host)
        saved = host.save(state, chunk=1_000)
        engine.kill()
        host.run(RATE_HZ)
        assert np.array_equal(hit(host), before), "the engine's death must not be heard"
        assert host.save(state) == saved, "a state must be the same bytes each time"
    with ClapHost(tmp_path, environment) as host:
        host.create(RATE_HZ, 512, "nolatency", "noparams")
        host.load(state, chunk=509)
        assert host.get(GAIN) == pytest.approx(-3.1)
        assert np.array_equal(hit(host), before)
        assert host.save(state, chunk=13) == saved


def test_a_broken_or_newer_state_is_refused_and_the_present_one_stays(
    tmp_path: Path, host: ClapHost, engine: ServedEngine
) -> None:
    host.create(RATE_HZ, 512)
    reach(host, READY)
    generate_on_pad_1(host)
    host.set(GAIN, -9.0)
    before = hit(host)
    saved = host.save(tmp_path / "good.bin")
    bad = tmp_path / "bad.bin"
    newer = newer_version(saved)
    for name, data in {
        "empty": b"",
        "random": np.random.default_rng(1).bytes(5_000),
        "cut off": saved[: len(saved) // 2],
        "from a newer version": newer,
        "one letter changed": changed_in_the_middle(saved),
    }.items():
        bad.write_bytes(data)
        with pytest.raises(HostRefused):
            host.load(bad)
        host.run(RATE_HZ)
        assert host.get(GAIN) == -9.0, name
        assert np.array_equal(hit(host), before), name
    assert "newer" in host.errors
    assert host.save(tmp_path / "after.bin") == saved


def newer_version(state: bytes) -> bytes:
    """The same state, marked as from the version after this one, with another gain beside it.

    The plugin's own state is base64 text inside the wrapper's; see cpp/shim/state.cpp.
    """
    start, end = state_span(state)
    blob = bytearray(base64.b64decode(state[start:end]))
    blob[VERSION_OFFSET] += 1
    return state[:start] + base64.b64encode(bytes(blob)) + state[end:].replace(b"-9", b"-1")


def changed_in_the_middle(state: bytes) -> bytes:
    """One letter of the base64 text replaced by another."""
    middle = sum(state_span(state)) // 2
    other = b"A" if state[middle : middle + 1] != b"A" else b"B"
    return state[:middle] + other + state[middle + 1 :]


def test_eight_instances_share_the_engine_and_sound_alone(
    host: ClapHost, engine: ServedEngine
) -> None:
    numbers = [host.create(RATE_HZ, 512) for _ in range(8)]
    heard = []
    for number in numbers:
        host.ask("use", number)
        reach(host, READY)
        generate_on_pad_1(host)
    for number in numbers:
        host.ask("use", number)
        host.run(RATE_HZ)
        heard.append(hit(host))
    library_clips(engine.library, len(numbers))
    for one in range(len(numbers)):
        for other in range(one):
            assert not np.array_equal(heard[one], heard[other])
    for number in numbers[::2]:
        host.ask("destroy", number)
    for number in numbers[1::2]:
        host.ask("use", number)
        assert np.array_equal(hit(host), heard[number])
        host.run(RATE_HZ)


def test_destroying_an_instance_at_once_is_harmless(host: ClapHost, engine: ServedEngine) -> None:
    for _ in range(20):
        number = host.create(RATE_HZ, 64)
        host.set(GENERATE, 1.0)
        host.run(256, (64, 64))
        host.ask("destroy", number)
    assert engine.process.poll() is None
