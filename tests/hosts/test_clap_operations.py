"""What one does with a sound, in the built CLAP: variations, A/B, undo, loops in time, recall."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.clap_host import ClapHost, generate_on_pad_1, reach
from tests.support.clap_pads import RATE_HZ, becomes, changed, heard, push
from tests.support.engine_process import (
    COMPARE,
    PAD_1_BARS,
    PAD_1_LOOP,
    PICK_1,
    READY,
    REDO,
    UNDO,
    VARIATIONS,
    VARY,
    find_clip,
    host_environment,
    library_clips,
    running_engine,
)
from tests.support.serving import ServedEngine

pytestmark = pytest.mark.host

BPM = 240.0
BAR = 44_100  # frames of a bar of 4/4 at BPM
FADE = 221  # 5 ms


@pytest.fixture
def engine(tmp_path: Path, tiny_voices: Path) -> Iterator[ServedEngine]:
    with running_engine(tmp_path, tiny_voices) as engine:
        yield engine


@pytest.fixture
def host(tmp_path: Path, tiny_voices: Path) -> Iterator[ClapHost]:
    with ClapHost(tmp_path, host_environment(tmp_path, tiny_voices)) as host:
        yield host


def test_four_variations_to_pick_from_compare_vary_and_undo_and_all_of_it_after_a_recall(
    tmp_path: Path, tiny_voices: Path, engine: ServedEngine
) -> None:
    environment = host_environment(tmp_path, tiny_voices)
    with ClapHost(tmp_path, environment) as host:
        host.create(RATE_HZ, 512)
        reach(host, READY)
        generate_on_pad_1(host, variations=4)
        clips = library_clips(engine.library, 4)
        reach(host, READY)
        sounds = [heard(host)]
        for number in range(1, 4):
            push(host, PICK_1 + number)
            sounds.append(changed(host, sounds[-1]))
        for sound in sounds:
            assert any(find_clip(sound, clip[:, : sound.shape[1]]) == 0 for clip in clips)
        push(host, COMPARE)
        becomes(host, sounds[2])
        push(host, COMPARE)
        becomes(host, sounds[3])
        push(host, PICK_1 + 1)
        becomes(host, sounds[1])
        host.set(VARIATIONS, 2.0)
        push(host, VARY)
        varied = changed(host, sounds[1])
        library_clips(engine.library, 6)
        reach(host, READY)
        push(host, UNDO)
        becomes(host, sounds[1])
        push(host, REDO)
        becomes(host, varied)
        engine.kill()
        saved = host.save(tmp_path / "state.bin")
        assert host.save(tmp_path / "state.bin") == saved
    with ClapHost(tmp_path, environment) as host:
        host.create(RATE_HZ, 512)
        host.load(tmp_path / "state.bin")
        assert np.array_equal(heard(host), varied)
        assert host.save(tmp_path / "again.bin") == saved
        push(host, UNDO)
        becomes(host, sounds[1])
        for number in (0, 3, 2):
            push(host, PICK_1 + number)
            becomes(host, sounds[number])
        push(host, REDO)
        becomes(host, varied)


def bar_of_sound(host: ClapHost) -> np.ndarray:
    """Generate a bar at BPM on pad 1 and what a hit of it plays, `(2, BAR)`."""
    host.transport(False, BPM)
    host.run(64)
    host.set(PAD_1_BARS, 1.0)
    generate_on_pad_1(host)
    reach(host, READY)
    host.run(2 * RATE_HZ)
    bar = heard(host, 1.0)
    assert np.any(bar)
    host.run(2 * RATE_HZ)
    host.set(PAD_1_LOOP, 1.0)
    host.run(1_000)
    return bar


def test_a_loop_follows_start_stop_and_jumps_sample_by_sample_at_any_block_size(
    host: ClapHost, engine: ServedEngine
) -> None:
    host.create(RATE_HZ, 8_193)
    reach(host, READY)
    bar = bar_of_sound(host)
    assert host.run(RATE_HZ) == 0.0, "a stopped host is silent"
    for sizes in [(512, 512), (1, 8_193), (1, 1), (64, 64), (8_193, 8_193)]:
        frames = BAR // 10 if sizes == (1, 1) else 2 * BAR + 5_000
        host.transport(True, BPM, 0)
        played = host.render(frames, sizes, seed=sizes[1])
        wanted = np.tile(bar, 3)[:, :frames]
        assert np.array_equal(played, wanted), f"blocks of {sizes}"
        host.transport(False, BPM, frames)
        rest = host.render(2_000, sizes)
        assert not np.any(rest[:, FADE:])
    place = 7 * BAR + 12_345
    host.transport(True, BPM, place)
    played = host.render(BAR)
    assert np.array_equal(played[:, FADE:], np.roll(bar, -12_345, axis=1)[:, FADE:])
    host.transport(True, BPM, place + 5 * BAR + BAR)  # whole bars on: nothing to hear
    assert np.array_equal(host.render(BAR), np.roll(bar, -12_345, axis=1))
    host.transport(True, BPM, 0)
    assert np.array_equal(host.render(BAR)[:, FADE:], bar[:, FADE:])
    engine.kill()
    assert np.array_equal(host.render(BAR), bar), "the engine's death must not be heard"


@pytest.mark.parametrize(("beats", "unit"), [(3, 4), (7, 8)])
def test_bars_of_other_meters_last_what_they_say(
    beats: int, unit: int, host: ClapHost, engine: ServedEngine
) -> None:
    host.create(RATE_HZ, 512)
    reach(host, READY)
    host.transport(False, BPM, 0, beats, unit)
    host.run(64)
    host.set(PAD_1_BARS, 1.0)
    generate_on_pad_1(host)
    reach(host, READY)
    frames = round(beats * 4 / unit * 60 / BPM * RATE_HZ)
    sound = heard(host, 2.0)
    assert not np.any(sound[:, frames + 2_000 :])  # nothing behind the bar but the fade
    host.run(RATE_HZ)
    host.set(PAD_1_LOOP, 1.0)
    host.run(500)
    host.transport(True, BPM, 0, beats, unit)
    played = host.render(4 * frames)
    if frames == beats * 4 / unit * 60 / BPM * RATE_HZ:
        assert np.array_equal(played, np.tile(sound[:, :frames], 4))
    assert np.any(played[:, 3 * frames :])


def test_a_new_tempo_is_followed_at_once(host: ClapHost, engine: ServedEngine) -> None:
    host.create(RATE_HZ, 512)
    reach(host, READY)
    bar = bar_of_sound(host)
    host.transport(True, BPM / 2, 0)
    slow = host.render(2 * BAR)
    # Half the speed: every second frame stands where a frame of the bar stood.
    error = np.abs(slow[:, 2_000 : 2 * BAR - 2_000 : 2] - bar[:, 1_000 : BAR - 1_000])
    assert float(np.max(error)) < 0.02
    host.transport(True, BPM, 0)
    assert np.array_equal(host.render(2 * BAR)[:, BAR:], bar)
