"""The built VST3 in two real hosts: generate by parameter, play, save, recall without an engine."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tests.support.engine_process import (
    VST3,
    find_clip,
    host_environment,
    library_clips,
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
        clips = library_clips(engine.library, 1)
        engine.kill()

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
