"""The built VST3 in two real hosts: generate by parameter, play, save, recall without an engine."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from engine.library import Library
from tests.support.engine_process import (
    VST3,
    as_stereo,
    find_clip,
    host_environment,
    require,
    run_python_host,
    running_engine,
)

pytestmark = pytest.mark.host


@pytest.mark.parametrize("host", ["pedalboard", "dawdreamer"])
def test_a_generated_sound_is_played_saved_and_recalled_without_the_engine(
    host: str, tmp_path: Path, tiny_voices: Path
) -> None:
    if importlib.util.find_spec(host) is None:
        pytest.skip(f"{host} is not installed: pip install {host}")
    environment = host_environment(tmp_path, tiny_voices)
    arguments = [require(VST3), tmp_path]
    with running_engine(tmp_path, tiny_voices) as engine:
        run_python_host("tests.support.vst3_host", [host, "generate", *arguments], environment)
        engine.kill()
        with Library(engine.library) as library:
            clips = [as_stereo(library.get(record.id).audio) for record in library.search()]

    generated = np.load(tmp_path / "generated.npy")
    found = [(find_clip(generated, clip), clip) for clip in clips]
    heard = [(place, clip) for place, clip in found if place >= 0]
    assert heard, "what the plugin played is no clip of the library"
    place, clip = heard[0]

    run_python_host("tests.support.vst3_host", [host, "recall", *arguments], environment)
    recalled = np.load(tmp_path / "recalled.npy")
    again = find_clip(recalled, clip)
    assert again >= 0, "the recalled sound differs from the library's clip"
    length = clip.shape[1]
    assert np.array_equal(generated[:, place : place + length], recalled[:, again : again + length])
