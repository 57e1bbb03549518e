"""Sounds made even for a network, and made uneven again."""

from __future__ import annotations

import numpy as np
import pytest

from engine.codecs.emphasis import Emphasis
from engine.errors import RecipeError

RATE = 16_000


@pytest.mark.parametrize(
    "emphasis", [Emphasis(), Emphasis(0.95), Emphasis(0.0, 0.8), Emphasis(0.95, 1.2)]
)
def test_what_is_emphasised_comes_back(emphasis: Emphasis) -> None:
    sounds = np.random.default_rng(0).standard_normal((2, 3, 4000)).astype(np.float32)
    flat = emphasis.emphasised(sounds, RATE)
    assert flat.shape == sounds.shape
    np.testing.assert_allclose(emphasis.restored(flat, RATE), sounds, atol=2e-5)


def test_low_tones_and_onsets_lose_their_lead() -> None:
    t = np.arange(8000) / RATE
    low, high = (np.sin(2 * np.pi * hz * t).astype(np.float32) for hz in (60.0, 6000.0))
    emphasis = Emphasis(0.95)
    ratio = emphasis.emphasised(high, RATE).std() / emphasis.emphasised(low, RATE).std()
    assert ratio > 15.0
    fading = (0.001 ** (t / 1.2) * high).astype(np.float32)
    even = Emphasis(0.0, 1.2).emphasised(fading, RATE)
    assert even[-800:].std() == pytest.approx(even[:800].std(), rel=0.05)


def test_an_envelope_ends_falling_at_forty_db() -> None:
    flat = Emphasis(0.0, 0.1).emphasised(np.ones(4 * RATE, np.float32), RATE)
    assert flat.max() == pytest.approx(100.0)


@pytest.mark.parametrize("settings", [(1.0, 0.0), (-0.1, 0.0), (0.5, -1.0)])
def test_an_emphasis_that_cannot_be_undone_is_refused(settings: tuple[float, float]) -> None:
    with pytest.raises(RecipeError, match="expected 0 to below 1"):
        Emphasis(*settings)
