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


@pytest.mark.parametrize("host", ["pedalboard", "dawdreamer"])
def test_variations_are_chosen_varied_undone_and_there_again_after_a_recall_without_engine(
    host: str, tmp_path: Path, tiny_voices: Path
) -> None:
    if importlib.util.find_spec(host) is None:
        pytest.skip(f"{host} is not installed: pip install {host}")
    environment = host_environment(tmp_path, tiny_voices)
    arguments = [require(VST3), tmp_path]
    with running_engine(tmp_path, tiny_voices) as engine:
        run_python_host("tests.support.vst3_host", [host, "choose", *arguments], environment)
        engine.kill()
    run_python_host("tests.support.vst3_host", [host, "again", *arguments], environment)
    made = np.load(tmp_path / "choose.npz")
    sounds = [made[f"pick {number}"] for number in range(4)]
    assert len({sound.tobytes() for sound in (*sounds, made["varied"])}) == 5
    for name, same in {
        "first": sounds[0],
        "chosen 1": sounds[1],
        "chosen 2": sounds[2],
        "undone": sounds[2],
        "redone": made["varied"],
        "compared": sounds[3],
    }.items():
        assert np.array_equal(made[name], same), name
    again = np.load(tmp_path / "again.npz")
    for name in again.files:
        assert np.array_equal(again[name], made[name]), name


def test_a_bar_goes_round_with_the_song_of_dawdreamer(tmp_path: Path, tiny_voices: Path) -> None:
    if importlib.util.find_spec("dawdreamer") is None:
        pytest.skip("dawdreamer is not installed: pip install dawdreamer")
    environment = host_environment(tmp_path, tiny_voices)
    arguments = ["dawdreamer", "loop", require(VST3), tmp_path]
    with running_engine(tmp_path, tiny_voices):
        run_python_host("tests.support.vst3_host", arguments, environment)
    hit = np.load(tmp_path / "hit.npy")
    looped = np.load(tmp_path / "looped.npy")
    bar = 44_100
    start = 441  # of the note
    clip = hit[:, start : start + bar]
    assert np.any(clip)
    for frame in range(0, looped.shape[1] - bar, bar):
        assert np.array_equal(looped[:, frame : frame + bar], clip), f"round from frame {frame}"
