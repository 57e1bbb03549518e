"""The plugin's operations by the engine's own: a real host, the real engine, its library's word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.library import ClipRecord, Library
from engine.library.importing import IMPORT
from tests.support.clap_host import ClapHost, generate_on_pad_1, reach
from tests.support.clap_pads import RATE_HZ, becomes, changed, heard, import_file, push
from tests.support.engine_process import (
    ATTACK_TIME,
    GENERATE,
    INTERPOLATE,
    PAD,
    PAD_1_BARS,
    PAD_1_LOOP,
    PARTNER,
    PICK_1,
    READY,
    STRENGTH,
    UNDO,
    VARIATIONS,
    VARY,
    as_stereo,
    host_environment,
    running_engine,
    wait_for,
)
from tests.support.serving import ServedEngine

pytestmark = pytest.mark.host


@pytest.fixture
def engine(tmp_path: Path, tiny_voices: Path) -> Iterator[ServedEngine]:
    with running_engine(tmp_path, tiny_voices) as engine:
        yield engine


@pytest.fixture
def host(tmp_path: Path, tiny_voices: Path, engine: ServedEngine) -> Iterator[ClapHost]:
    with ClapHost(tmp_path, host_environment(tmp_path, tiny_voices)) as host:
        host.create(RATE_HZ, 512)
        reach(host, READY)
        yield host


def made(engine: ServedEngine, count: int) -> list[tuple[ClipRecord, np.ndarray]]:
    """The library's clips and how the plugin plays them, oldest first, once there are `count`."""
    with Library(engine.library) as library:
        wait_for(lambda: library.count() >= count, f"{count} clips in the library")
        records = sorted(library.search(), key=lambda record: (record.created, record.index))
        return [(record, as_stereo(library.get(record.id).audio)) for record in records]


def same(sound: np.ndarray, clip: np.ndarray) -> bool:
    """Whether a pad played this clip, from its first sample on."""
    length = min(sound.shape[1], clip.shape[1])
    return bool(np.any(sound)) and np.array_equal(sound[:, :length], clip[:, :length])


def test_vary_makes_a_child_at_the_strength_of_the_knob_and_undo_brings_the_parent_back(
    host: ClapHost, engine: ServedEngine
) -> None:
    generate_on_pad_1(host)
    ((parent, first),) = made(engine, 1)
    before = heard(host)
    assert same(before, first)
    host.set(STRENGTH, 0.25)
    push(host, VARY)
    after = changed(host, before)
    child, second = made(engine, 2)[1]
    assert same(after, second)
    assert child.parents == (parent.id,)
    assert child.request["strength"] == 0.25
    assert child.frames == parent.frames
    push(host, UNDO)
    becomes(host, before)


def test_interpolate_makes_evenly_spaced_sounds_between_two_pads(
    host: ClapHost, engine: ServedEngine
) -> None:
    generate_on_pad_1(host)
    host.set(PAD, 2.0)
    push(host, GENERATE)
    wait_for(lambda: bool(np.any(heard(host, pad=2))), "a sound on pad 2")
    ends = made(engine, 2)
    reach(host, READY)
    host.set(PAD, 1.0)
    host.set(PARTNER, 2.0)
    host.set(VARIATIONS, 3.0)
    before = heard(host)
    push(host, INTERPOLATE)
    sounds = [changed(host, before)]
    between = made(engine, 5)[2:]
    reach(host, READY)
    for number in (1, 2):
        push(host, PICK_1 + number)
        sounds.append(changed(host, sounds[-1]))
    for number, ((record, clip), sound) in enumerate(zip(between, sounds, strict=True), start=1):
        assert same(sound, clip)
        assert record.parents == tuple(end.id for end, _ in ends)
        assert record.index == number
        operation = record.request["operation"]
        assert isinstance(operation, dict)
        assert (operation["name"], operation["points"]) == ("interpolate", 5)


@pytest.mark.parametrize(("bpm", "beats", "unit"), [(61.7, 3, 4), (137.0, 7, 8)])
def test_a_bar_is_made_to_the_sample_and_loops_without_a_seam(
    bpm: float, beats: int, unit: int, host: ClapHost, engine: ServedEngine
) -> None:
    host.transport(False, bpm, 0, beats, unit)
    host.run(64)
    host.set(PAD_1_BARS, 1.0)
    host.set(PAD_1_LOOP, 1.0)
    generate_on_pad_1(host)
    ((record, clip),) = made(engine, 1)
    quarters = beats * 4 / unit
    assert record.frames == round(quarters * 60 / bpm * RATE_HZ)
    assert record.request["loop"] is True
    assert (record.request["bars"], record.request["bpm"]) == (quarters, bpm)
    reach(host, READY)
    host.run(6 * RATE_HZ)
    host.transport(True, bpm, 0, beats, unit)
    played = host.render(2 * record.frames + 2_000)
    # The bar is no whole number of frames, so that it is played a millionth faster or slower.
    assert float(np.max(np.abs(played[:, : record.frames] - clip))) < 0.02
    steps = np.abs(np.diff(played, axis=1))
    seam = steps[:, record.frames - 2 : record.frames + 2]
    assert float(np.max(seam)) <= float(np.max(steps[:, : record.frames - 2]))


def test_an_imported_file_is_a_source_and_stays_in_the_library_as_the_parent(
    tmp_path: Path, host: ClapHost, engine: ServedEngine
) -> None:
    rng = np.random.default_rng(5)
    noise = np.rint(rng.uniform(-0.5, 0.5, (12_000, 2)) * 2**23) / 2**23
    soundfile.write(tmp_path / "break.wav", noise, RATE_HZ, subtype="PCM_24")
    host.set(ATTACK_TIME, 0.0)
    host.run(64)
    import_file(host, tmp_path / "break.wav", tmp_path)
    wanted = noise.T.astype(np.float32)
    wait_for(lambda: same(heard(host), wanted), "the file's sound")
    host.set(VARIATIONS, 1.0)
    before = heard(host)
    push(host, VARY)
    after = changed(host, before)
    clips = {record.voice: (record, clip) for record, clip in made(engine, 2)}
    source, kept = clips.pop(IMPORT)
    assert np.array_equal(kept, wanted)
    ((child, clip),) = clips.values()
    assert same(after, clip)
    assert child.parents == (source.id,)
    push(host, UNDO)
    becomes(host, before)
