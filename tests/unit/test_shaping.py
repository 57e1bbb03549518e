"""Noise in the spectrum of mel frames, and sounds with their spectrum taken out."""

from __future__ import annotations

import numpy as np
import pytest

from engine.codecs.shaping import flattened, matched, shaped
from engine.conditioning.frames import FrameSettings, mel, mel_amplitude, place
from engine.errors import RecipeError
from engine.laboratory.baselines import griffin_lim, noise_of_frames
from engine.metrics.pairs import mel_distance_db

RATE, HOP, BANDS = 16_000, 128, 64


def hit(seconds: float = 0.4) -> np.ndarray:
    """A falling tone in noise that decays."""
    t = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(3).standard_normal(t.size)
    tone = np.sin(2 * np.pi * 220.0 * t * np.exp(-0.5 * t))
    return np.asarray(0.5 * np.exp(-12.0 * t) * (tone + 0.3 * noise), np.float32)


def test_a_sound_comes_back_from_what_is_left_without_its_spectrum() -> None:
    sound = hit()
    frames = mel(sound, RATE, HOP, BANDS)
    flat = flattened(sound, frames, RATE, HOP)
    again = shaped(flat, frames, RATE, HOP)
    assert again.shape == flat.shape == sound.shape
    assert flat.dtype == again.dtype == np.float32
    assert 0.5 < flat.std() < 1.5
    error = float(np.square(again - sound).sum() / np.square(sound).sum())
    assert error < 0.02


def test_white_noise_gets_the_levels_of_the_frames() -> None:
    sound = hit()
    frames = mel(sound, RATE, HOP, BANDS)
    noise = np.random.default_rng(0).standard_normal(sound.size).astype(np.float32)
    made = shaped(noise, frames, RATE, HOP)
    wanted, found = (20 * np.log10(mel_amplitude(x)) for x in (frames, mel(made, RATE, HOP, BANDS)))
    loud = wanted > -60.0
    assert abs(float((wanted - found)[loud].mean())) < 2.0


@pytest.mark.parametrize("samples", [6400, 6401, 127])
def test_each_round_brings_the_frames_nearer_and_keeps_the_length(samples: int) -> None:
    sound = hit(0.5)[:samples]
    frames = mel(sound, RATE, HOP, BANDS)
    noise = np.random.default_rng(1).standard_normal(samples).astype(np.float32)
    made = shaped(noise, frames, RATE, HOP)
    distances = []
    for rounds in (0, 2, 16):
        found = matched(made, frames, RATE, HOP, rounds)
        assert found.shape == (samples,)
        distances.append(float(np.abs(mel(found, RATE, HOP, BANDS) - frames).mean()))
    assert distances == sorted(distances, reverse=True)


def test_silence_stays_silent() -> None:
    nothing = np.zeros(1000, np.float32)
    frames = mel(nothing, RATE, HOP, BANDS)
    assert not flattened(nothing, frames, RATE, HOP).any()
    noise = np.random.default_rng(2).standard_normal(1000).astype(np.float32)
    made = matched(shaped(noise, frames, RATE, HOP), frames, RATE, HOP, 4)
    assert np.abs(made).max() < 1e-2  # a vocoder's frames end at -80 dB a band


def test_the_baselines_of_a_vocoder_hear_its_frames() -> None:
    sound = hit()
    told = FrameSettings("mel", hop=HOP, bands=BANDS, shaped=True, matched=4)
    names, distances = [], []
    for name, made in (
        noise_of_frames([sound], RATE, told),
        griffin_lim([sound], RATE, told.bands, told.hop),
    ):
        assert made.audio[0].shape == sound.shape
        names.append(name)
        distances.append(mel_distance_db(sound, made.audio[0], RATE))
    assert all("64 bands each 128" in name for name in names)
    assert distances[1] < distances[0] < 10.0


def test_a_place_falls_from_one_at_the_onset() -> None:
    curves = place(48, RATE, HOP)
    assert curves.shape == (4, 48)
    assert curves.dtype == np.float32
    assert np.all(np.diff(curves, axis=1) <= 0.0)
    assert curves[3, 0] > 0.9
    assert curves.min() >= -1.0


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(RecipeError, match="shaped or matched"):
        FrameSettings("place", shaped=True)
    with pytest.raises(RecipeError, match="matched -1"):
        FrameSettings("mel", matched=-1)
