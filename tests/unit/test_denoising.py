"""The denoiser's arithmetic: frames, noise, streams, rates, amount; all with Wiener's rule."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.denoising.amount import delta
from engine.denoising.answers import WienerAnswers
from engine.denoising.bands import band_of_bin, banded, bands_of
from engine.denoising.features import PLANES, TAPS, Listener
from engine.denoising.frames import analyse, framed, overlapped, synthesise
from engine.denoising.mixing import mixed
from engine.denoising.noise_level import NoiseTracker, learned
from engine.denoising.rates import Aligned, native_rate
from engine.denoising.stream import Stream
from engine.denoising.voice import WIENER, find_denoiser
from engine.denoising.whole import Array, denoise, split
from engine.errors import BadRange, VoiceError
from engine.metrics.pairs import si_sdr_db

RATE = 48_000
SIZE, HOP = 256, 64
BLOCKS = (1, 16, 127, 480, 1024, 8193)


def noise(samples: int, level: float = 0.1, channels: int = 1, seed: int = 1) -> Array:
    rng = np.random.Generator(np.random.Philox(key=[seed, 0]))
    return (level * rng.standard_normal((channels, samples))).astype(np.float32)


def chord(seconds: float, rate: int = RATE) -> Array:
    """Three tones that come and go, (1, T)."""
    time = np.arange(int(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 331.0, 557.0))
    return (0.1 * tones * (np.sin(2 * np.pi * 0.7 * time) > -0.3))[None].astype(np.float32)


def through(stream: Stream, sound: Array, block: int) -> tuple[Array, Array]:
    """dry and clean of a whole sound fed in blocks."""
    parts = [
        stream.process(sound[:, begin : begin + block]) for begin in range(0, sound.shape[1], block)
    ]
    return (
        np.concatenate([part.dry for part in parts], axis=1),
        np.concatenate([part.clean for part in parts], axis=1),
    )


class Everything:
    """Answers that keep every frame whole."""

    def step(self, features: Array) -> Array:
        rows, frames, _, bands = features.shape
        logits = np.full((rows, frames, TAPS, bands), -80.0, np.float32)
        logits[:, :, 0] = 80.0
        return logits.reshape(rows, frames, -1)


def test_frames_add_up_to_the_sound_and_keep_the_level_of_noise() -> None:
    sound = noise(4096, 1.0)
    spectra = analyse(framed(sound, SIZE, HOP))
    back = overlapped(synthesise(spectra, HOP), HOP)
    assert np.abs(back - sound)[:, SIZE:-SIZE].max() < 1e-5
    assert np.mean(np.abs(spectra) ** 2) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("bins", [17, 129, 481, 1025])
def test_bands_cover_every_bin_once_and_keep_what_is_even(bins: int) -> None:
    bands = band_of_bin(bins)
    assert bands.shape == (bins,)
    assert all(0 <= later - earlier <= 1 for earlier, later in pairwise(bands.tolist()))
    assert bands[-1] == bands_of(bins) - 1
    spectrum = np.arange(bands_of(bins), dtype=np.float32)[bands][None]
    assert np.allclose(banded(spectrum)[0], np.arange(bands_of(bins)))


@pytest.mark.parametrize("bins", [16, 20, 1024])
def test_bins_that_make_no_bands_are_refused(bins: int) -> None:
    with pytest.raises(ValueError, match=f"{bins} bins"):
        bands_of(bins)


def test_noise_is_tracked_and_learned_at_its_true_level() -> None:
    power = np.abs(analyse(framed(noise(SIZE + 400 * HOP, 0.1, 2), SIZE, HOP))) ** 2
    tracker = NoiseTracker(2, SIZE // 2 + 1)
    for frame in range(power.shape[1]):
        tracked = tracker.step(power[:, frame])
    assert 10 * np.log10(tracked.mean() / 0.01) == pytest.approx(0.0, abs=1.0)
    mean = learned(noise(20_000, 0.1), SIZE, HOP)
    assert 10 * np.log10(mean.mean() / 0.01) == pytest.approx(0.0, abs=0.3)
    short = learned(noise(100, 0.1), SIZE, HOP)
    assert 10 * np.log10(short.mean() / 0.01) == pytest.approx(0.0, abs=3.0)


def test_digital_silence_says_nothing_of_the_noise() -> None:
    power = np.abs(analyse(framed(noise(SIZE + 200 * HOP), SIZE, HOP))) ** 2
    silent, plain = NoiseTracker(1, SIZE // 2 + 1), NoiseTracker(1, SIZE // 2 + 1)
    for _ in range(48):
        before = silent.step(np.full((1, SIZE // 2 + 1), 1e-12, np.float32))
    assert before.max() <= 3e-12
    for frame in range(power.shape[1]):
        after, expected = silent.step(power[:, frame]), plain.step(power[:, frame])
    assert np.allclose(after, expected, rtol=0.5)


def test_features_do_not_depend_on_how_a_sound_is_divided_nor_on_its_level() -> None:
    spectra = analyse(framed(chord(0.4) + noise(19_200, 0.01), SIZE, HOP))
    whole = Listener(1, SIZE // 2 + 1).step(spectra)
    listener = Listener(1, SIZE // 2 + 1)
    parts = [listener.step(spectra[:, a:b]) for a, b in pairwise((0, 1, 9, 10, spectra.shape[1]))]
    assert whole.features.shape[2:] == (PLANES, SIZE // 4)
    features = np.concatenate([part.features for part in parts], axis=1)
    assert np.allclose(features, whole.features, atol=1e-5)
    assert np.allclose(np.concatenate([part.taps for part in parts], axis=1), whole.taps, atol=1e-6)
    quiet = Listener(1, SIZE // 2 + 1).step((spectra * np.float32(0.1)).astype(np.complex64))
    assert np.allclose(quiet.features, whole.features, atol=2e-3)


def test_turned_frames_of_a_tone_are_the_frame_itself() -> None:
    tone = np.sin(2 * np.pi * 1000.3 * np.arange(SIZE + 60 * HOP) / RATE)[None]
    told = Listener(1, SIZE // 2 + 1).step(analyse(framed(tone.astype(np.float32), SIZE, HOP)))
    last = told.taps[0, -1]
    peak = int(np.abs(last[0]).argmax())
    for tap in last[1:]:
        assert tap[peak] == pytest.approx(last[0, peak], rel=0.02)


def test_no_answer_makes_a_bin_louder_than_its_loudest_tap() -> None:
    rng = np.random.Generator(np.random.Philox(key=[5, 5]))
    shape = (1, 6, TAPS, SIZE // 2 + 1)
    taps = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    for size in (0.1, 10.0, 1e4):
        answer = (size * rng.standard_normal((1, 6, TAPS * SIZE // 4))).astype(np.float32)
        made = mixed(answer, taps)
        assert np.isfinite(made).all()
        assert (np.abs(made) <= np.abs(taps).max(axis=2) * 1.0001).all()


@pytest.mark.parametrize("block", BLOCKS)
def test_an_impulse_comes_out_after_the_latency_at_every_block_size(block: int) -> None:
    stream = Stream(Everything(), 2, SIZE, HOP)
    sound = np.zeros((2, 20_000 if block > 1 else 1500), np.float32)
    sound[:, 700] = (0.5, -0.25)
    dry, clean = through(stream, sound, block)
    assert dry.shape == clean.shape == sound.shape
    assert int(np.abs(clean[0]).argmax()) == int(np.abs(dry[0]).argmax()) == 700 + SIZE
    assert stream.latency_frames == SIZE
    assert np.array_equal(dry[:, SIZE:], sound[:, :-SIZE])
    assert np.abs(clean - dry).max() < 1e-5


def test_blocks_of_any_size_give_the_same_stream() -> None:
    sound = chord(0.5) + noise(24_000, 0.02)
    found = [
        through(Stream(WienerAnswers(), 1, SIZE, HOP), sound, block)[1] for block in BLOCKS[1:]
    ]
    for other in found[1:]:
        assert np.abs(other - found[0]).max() < 1e-6


def test_a_stream_learns_when_it_is_told_and_forgets_again() -> None:
    stream = Stream(WienerAnswers(), 2, SIZE, HOP)
    hiss = noise(48_000, 0.1, 2)
    stream.learn(True)
    stream.process(hiss)
    stream.learn(False)
    learned_now = stream.process(noise(24_000, 0.1, 2, seed=2)).clean
    assert np.sqrt((learned_now[:, 2000:] ** 2).mean()) < 0.02
    stream.forget()
    stream.learn(False)  # nothing was begun: nothing happens
    assert stream.process(noise(4800, 0.1, 2, seed=3)).clean.shape == (2, 4800)


def test_channels_share_their_gains_so_that_the_image_stays() -> None:
    left = chord(1.0) + noise(48_000, 0.02)
    heard = through(Stream(WienerAnswers(), 2, SIZE, HOP), np.concatenate((left, 0.5 * left)), 999)
    assert np.abs(heard[1][1] - 0.5 * heard[1][0]).max() < 1e-6


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000])
def test_sound_and_what_is_removed_are_aligned_at_every_rate(rate: int) -> None:
    stream = Stream(WienerAnswers(), 1, SIZE, HOP)
    aligned = Aligned(stream, rate, lambda dry, _clean: dry)  # all of it is removed
    sound = chord(0.5, rate)
    pieces = [aligned.feed(sound[:, begin : begin + 1000]) for begin in range(0, rate // 2, 1000)]
    pieces.append(aligned.finish())
    kept, removed = (np.concatenate(part, axis=1) for part in zip(*pieces, strict=True))
    assert np.array_equal(kept, sound)
    assert removed.shape == sound.shape
    assert np.abs(removed - sound)[:, 200:-200].max() < 2e-3


def test_rates_are_denoised_at_the_one_that_fits_them() -> None:
    rates = (44_100, 48_000, 22_050, 96_000, 16_000, 176_400)
    assert [native_rate(rate) for rate in rates] == [44_100, 48_000, 44_100, 48_000, 48_000, 44_100]
    with pytest.raises(BadRange, match="sample rate 1000 Hz; expected 4000 to 768000"):
        native_rate(1000)


def test_wiener_finds_music_in_noise() -> None:
    clean, hiss = chord(3.0), noise(3 * RATE, 0.05)
    passage = noise(RATE, 0.05, seed=4)
    out = denoise(clean + hiss, RATE, noise=passage, amount_decibels=60.0, voice=WIENER)
    assert out.shape == clean.shape
    assert si_sdr_db(clean, out) - si_sdr_db(clean, clean + hiss) > 6.0


@pytest.mark.parametrize("amount", [0.0, 6.0, 24.0, 96.0])
def test_the_amount_is_the_floor_and_what_stays_and_goes_is_the_sound(amount: float) -> None:
    step = np.float32(2**-23)
    sound = np.rint((chord(1.0) + noise(RATE, 0.05)) / step).astype(np.float32) * step
    parts = split(sound, RATE, find_denoiser(WIENER), amount)
    assert np.array_equal(parts.wet + parts.removed, sound)
    if amount == 0.0:
        assert np.array_equal(parts.wet, sound)
    dry = np.full((1, 4), 0.5, np.float32)
    kept = dry - delta(dry, np.zeros_like(dry), amount)
    assert 20 * np.log10(kept[0, 0] / 0.5) == pytest.approx(-amount, abs=0.05)


@pytest.mark.parametrize("amount", [-1.0, 97.0, float("nan")])
def test_an_amount_outside_of_its_range_is_refused(amount: float) -> None:
    with pytest.raises(BadRange, match=r"expected 0 .* to 96"):
        denoise(chord(0.1), RATE, amount_decibels=amount, voice=WIENER)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros((1, 5000), np.float32),
        np.full((2, 5000), 0.5, np.float32),
        np.sign(np.sin(np.arange(9000) / 20.0))[None].astype(np.float32),
        np.full((1, 5000), 1e-42, np.float32),
        np.full((6, 5000), np.nan, np.float32),
        np.full((1, 5000), np.inf, np.float32),
        np.full((1, 5000), 1e30, np.float32),
        np.ones((1, 1), np.float32),
        np.zeros((2, 0), np.float32),
        noise(5000, 0.1, 6),
    ],
    ids=["silence", "dc", "square", "denormal", "nan", "inf", "huge", "one", "none", "surround"],
)
@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_any_sound_gives_a_finite_one_of_its_shape(sound: Array, rate: int) -> None:
    parts = split(sound, rate, find_denoiser(WIENER), quality="best")
    assert parts.wet.shape == sound.shape
    assert np.isfinite(parts.wet).all()
    assert np.abs(parts.wet).max(initial=0.0) <= 17.0


def test_what_is_no_sound_or_no_denoiser_is_refused() -> None:
    with pytest.raises(BadRange, match=r"shape \(10,\)"):
        denoise(np.zeros(10, np.float32), RATE, voice=WIENER)
    with pytest.raises(BadRange, match="holds no sample"):
        denoise(chord(0.1), RATE, noise=np.zeros((1, 0), np.float32), voice=WIENER)
    with pytest.raises(VoiceError, match="no denoiser is called 'nobody'"):
        find_denoiser("nobody")
