"""The voices that ship: whole, small, documented, and sane in every sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import engine
from engine.runtime import LoadedVoice, open_runtime
from engine.types import GenerateRequest
from engine.voice import find_voice

VOICES = Path(engine.__file__).parent / "voices"
NAMES = sorted(folder.name for folder in VOICES.iterdir() if (folder / "voice.toml").exists())
LARGEST_BYTES = 60 * 2**20  # of all shipped voices together
SEEDS = range(3)


@pytest.fixture(scope="module", params=NAMES)
def loaded(request: pytest.FixtureRequest) -> LoadedVoice:
    """Loading checks every file's SHA-256."""
    return open_runtime("cpu").load(find_voice(request.param))


def test_they_are_few_megabytes() -> None:
    assert NAMES
    size = sum(file.stat().st_size for file in VOICES.rglob("*") if file.is_file())
    assert size <= LARGEST_BYTES


def test_every_card_names_licence_and_data_and_shows_figures(loaded: LoadedVoice) -> None:
    card = (VOICES / loaded.voice.name / "CARD.md").read_text()
    for word in ("licence", "held-out", "Fréchet", loaded.voice.licence):
        assert word in card, f"the card does not speak of {word}"


def test_every_category_and_step_count_gives_a_clean_sound(loaded: LoadedVoice) -> None:
    voice = loaded.voice
    for category in voice.conditioning.categories:
        for seed in SEEDS:
            steps = voice.sampling.steps[seed % len(voice.sampling.steps)]
            request = GenerateRequest(
                voice=voice.name, prompt=category.replace("_", " "), seed=seed, steps=steps
            )
            audio = loaded.generate(request).audio
            where = (category, seed, steps)
            assert audio.shape == (voice.channels, voice.sample_rate), where
            assert np.isfinite(audio).all(), where
            peak = float(np.abs(audio).max())
            assert 0.1 < peak <= 0.99, (where, peak)
            assert abs(float(audio.mean())) < 0.01, where
            assert abs(float(audio[0, -1])) < 1e-3, (where, "it ends with a click")


def test_its_own_words_are_understood(loaded: LoadedVoice) -> None:
    for category in loaded.voice.conditioning.categories:
        if category == "other":
            continue
        words = f"short {category.replace('_', ' ')}"
        made = loaded.generate(
            GenerateRequest(voice=loaded.voice.name, prompt=words, seed=1, steps=1)
        )
        assert not made.words_unknown, words
