"""Every clip can be made again from its record, to the bit; and what stands in the way is said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import BadRange, NotFound, StorageError, VoiceError
from engine.jobs import Engine, Job, JobListener, make_again
from engine.library import Library
from engine.library.importing import IMPORT
from engine.library.record import record_from_json, record_json
from engine.runtime import LoadedVoice, open_runtime
from engine.runtime.cuda import TorchRuntime
from engine.types import Clip, GenerateRequest
from engine.voice import Voice, load_voice
from tests.support.every_operation import EVERY_OPERATION, request_of
from tests.support.tiny_voice import tiny_voice

WATCHDOG_S = 120.0
TOLERANCE = 1e-4
SKETCH_TOLERANCE = 5e-3
"""A sketch raises what is quiet by up to 30 dB, and with it what differs."""


class Clips(JobListener):
    def __init__(self) -> None:
        self.made: list[Clip] = []

    def clip(self, job: Job, clip: Clip) -> None:
        self.made.append(clip)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    return tiny_voice(tmp_path_factory.mktemp("voices") / "tiny")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as library:
        yield library


@pytest.fixture
def engine(library: Library, voice: Voice) -> Iterator[Engine]:
    engine = engine_with(library, voice)
    yield engine
    engine.close(finish=True)


def engine_with(library: Library, *voices: Voice) -> Engine:
    return Engine(lambda _: voices, lambda: open_runtime("cpu"), library=library)


def sound(number: int, rate: int = 44_100, channels: int = 1) -> np.ndarray:
    time = np.arange(round((0.3 + 0.1 * number) * rate)) / rate
    rng = np.random.default_rng(number)
    wave = np.sin(2 * np.pi * 150 * number * time) + 0.1 * rng.standard_normal(time.size)
    return np.tile(0.4 * wave * np.exp(-6 * time), (channels, 1)).astype(np.float32)


def run(engine: Engine, request: GenerateRequest) -> list[Clip]:
    listener = Clips()
    job = engine.submit(request, listener=listener)
    assert job.wait(WATCHDOG_S)
    assert job.error is None, job.error
    return listener.made


def sounds_of(name: str, how: str, engine: Engine) -> dict[str, Any]:
    """The sources of a request: clips of the library, or sounds from outside."""
    fields: dict[str, Any] = {}
    for which, number in EVERY_OPERATION[name].items():
        if which not in ("source", "other"):
            continue
        if how == "clip":
            seconds = 0.3 + 0.1 * number
            made = run(engine, request_of("generate", seed=number, seconds=seconds))[0]
            fields |= {f"{which}_id": made.id}
        else:
            fields |= {which: sound(number, 48_000, 2), f"{which}_rate": 48_000}
    return fields


@pytest.mark.parametrize("name", EVERY_OPERATION)
@pytest.mark.parametrize("how", ["clip", "outside"])
def test_the_record_makes_the_clip_again_to_the_bit(
    engine: Engine, library: Library, name: str, how: str
) -> None:
    request = request_of(name, **sounds_of(name, how, engine))
    for clip in run(engine, request):
        stored = library.record(clip.id)
        assert stored == record_from_json(record_json(stored))
        count = library.count()
        again = make_again(stored, engine, timeout_s=WATCHDOG_S)
        assert np.array_equal(again.audio, clip.audio)
        assert (again.sample_rate, again.index) == (clip.sample_rate, clip.index)
        assert again.request == stored.request
        assert again.parents == stored.parents
        assert library.count() == count


@pytest.mark.parametrize("name", EVERY_OPERATION)
def test_both_runtimes_make_the_same_sound(voice: Voice, engine: Engine, name: str) -> None:
    request = request_of(name, **sounds_of(name, "outside", engine))
    index = request.count // 2
    here = LoadedVoice(voice, open_runtime("cpu").load(voice).networks)
    there = TorchRuntime("cpu").load(voice)
    one, two = (loaded.generate(request, index=index) for loaded in (here, there))
    assert one.audio.shape == two.audio.shape
    assert np.abs(one.audio).max() > 1e-3
    tolerance = SKETCH_TOLERANCE if "sketch" in name else TOLERANCE
    np.testing.assert_allclose(one.audio, two.audio, atol=tolerance)


def test_a_sound_from_outside_becomes_a_clip_once(engine: Engine, library: Library) -> None:
    request = request_of(
        "vary", source=3.0 * sound(1, channels=3), source_rate=44_100, source_name="beatbox"
    )
    first, second = run(engine, request)[0], run(engine, request)[0]
    assert first.parents == second.parents
    parent = library.record(first.parents[0])
    assert (parent.voice, parent.channels) == (IMPORT, 1)
    assert parent.conditions == {"import": {"file": "beatbox"}}
    assert library.count() == 3
    library.delete(parent.id)
    third = run(engine, request)[0]
    assert library.record(third.parents[0]).id == parent.id, "it came back from the trash"
    with pytest.raises(NotFound, match="imported"):
        make_again(parent, engine)


def test_a_missing_parent_is_said(engine: Engine, library: Library) -> None:
    parent = run(engine, request_of("generate"))[0]
    child = run(engine, request_of("inpaint", source_id=parent.id))[0]
    library.delete(parent.id)
    with pytest.raises(NotFound, match=f"its source, clip {parent.id}, is not in the library"):
        make_again(library.record(child.id), engine)
    library.restore(parent.id)
    assert np.array_equal(make_again(library.record(child.id), engine).audio, child.audio)


def test_a_parent_that_is_another_sound_is_said(engine: Engine, library: Library) -> None:
    parent = run(engine, request_of("generate"))[0]
    other = run(engine, request_of("generate", seed=5))[0]
    record = library.record(run(engine, request_of("vary", source_id=parent.id))[0].id)
    forged = replace(record, parents=(other.id,))
    with pytest.raises(StorageError, match="not the sound it was made from"):
        make_again(forged, engine)


def test_another_version_of_the_voice_and_a_missing_voice_are_said(
    engine: Engine, library: Library, voice: Voice, tmp_path: Path
) -> None:
    record = library.record(run(engine, request_of("generate"))[0].id)
    folder = tmp_path / "voices" / "tiny"
    shutil.copytree(voice.folder, folder)
    text = (folder / "voice.toml").read_text()
    (folder / "voice.toml").write_text(text.replace('version = "0"', 'version = "2"'))
    newer = engine_with(library, load_voice(folder))
    with pytest.raises(VoiceError, match="install that version"):
        make_again(record, newer)
    newer.close()
    none = engine_with(library)
    with pytest.raises(VoiceError, match="no voice is installed"):
        make_again(record, none)
    none.close()


def test_a_record_that_does_not_say_everything_is_said(engine: Engine, library: Library) -> None:
    record = library.record(run(engine, request_of("generate"))[0].id)
    before = replace(record, request={})
    with pytest.raises(NotFound, match="older Driftwave"):
        make_again(before, engine)
    broken = replace(record, request={**record.request, "sources": [["source"]]})
    with pytest.raises(BadRange, match="cannot be read"):
        make_again(broken, engine)
