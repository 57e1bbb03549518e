"""Conditions along time and sounds at other rates: what is measured, and what shards make of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.codecs.shaping import flattened  # noqa: E402
from engine.conditioning.frames import (  # noqa: E402
    FRAME_SECONDS,
    FrameSettings,
    mel,
    mel_filters,
    mel_frames,
    place,
    sketch_of,
)
from engine.errors import RecipeError  # noqa: E402
from engine.training.audio_shard import AudioSettings, AudioShard, read_shard  # noqa: E402
from engine.training.oneshots import from_synthesis  # noqa: E402
from engine.training.prepare import write_shard  # noqa: E402
from engine.training.recipe import parse_recipe  # noqa: E402
from engine.training.resampling import resample  # noqa: E402
from engine.training.shards import Ingredients, prepared  # noqa: E402

RATE = 16_000
RECIPE = """
name = "tiny"
[network]
name = "mlp"
[framework]
name = "ddpm"
[data]
name = "audio"
sample_rate = 16000
frames = 2048
gain = 4.0
"""


def sine(hertz: float, seconds: float, sample_rate: int) -> np.ndarray:
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    return np.sin(2 * np.pi * hertz * t).astype(np.float32)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "sounds.npz"
    write_shard(from_synthesis(0.03), path)
    return path


@pytest.mark.parametrize(("rate", "hop", "size"), [(22_050, 256, 1024), (24_000, 300, 2048)])
def test_the_frames_of_imported_vocoders_have_their_scale(rate: int, hop: int, size: int) -> None:
    told = FrameSettings(kind="mel", hop=hop, bands=80, scale="lmnt")
    tone = 0.1 * sine(40 * rate / size, 1.0, rate)  # in the middle of bin 40
    frames = mel_frames(tone, rate, told)
    assert frames.shape == (80, -(-rate // hop))
    assert mel_frames(tone[:20], rate, told).shape == (80, 1)
    assert not mel_frames(0.0 * tone, rate, told).any()
    # a sine's bin has half of its amplitude times the window's sum, over the root of its energy:
    # sum 4 hop / 2, energy 3 / 8 of 4 hop. A triangle of height h takes it and its neighbours
    bin_db = 20 * np.log10(0.1 / 2 * (2 * hop) / np.sqrt(1.5 * hop))
    top = 100 * float(frames[:, 20:-20].max()) - 80
    assert bin_db - 1.0 < top < bin_db + 8.0
    louder = 100 * mel_frames(2 * tone, rate, told) - 80
    assert float(louder[:, 20:-20].max()) == pytest.approx(top + 20 * np.log10(2), abs=0.01)


def test_a_tone_is_loud_in_its_own_mel_band_alone() -> None:
    frames = mel(sine(1000.0, 0.5, RATE), RATE, 128, 40)
    assert frames.shape == (40, -(-8000 // 128))
    assert frames.dtype == np.float32
    centres = (mel_filters(RATE, 512, 40) @ np.fft.rfftfreq(512, 1 / RATE)).round()
    band = int(frames[:, 30].argmax())
    assert abs(centres[band] - 1000.0) < 100.0
    assert 0.6 < frames[band, 30] < 1.1
    assert frames[band + 12 :, 30].max() < 0.2


def test_mel_frames_stand_where_their_samples_stand() -> None:
    click = np.zeros(1280, np.float32)
    click[5 * 128 + 64] = 1.0
    assert mel(click, RATE, 128, 20).sum(axis=0).argmax() == 5
    assert np.all(mel(np.zeros(300, np.float32), RATE, 128, 20) == -1.0)


@pytest.mark.parametrize("sample_rate", [16_000, 44_100, 48_000])
def test_a_sketch_follows_loudness_and_brightness(sample_rate: int) -> None:
    low, high = sine(200.0, 0.5, sample_rate), 0.05 * sine(4000.0, 0.5, sample_rate)
    curves = sketch_of(np.concatenate((low, high, 0 * low)), sample_rate)
    assert curves.shape == (2, int(np.ceil(1.5 / FRAME_SECONDS)))
    assert curves.min() >= 0.0
    assert curves.max() <= 1.0
    loudness, brightness = curves
    assert loudness[10] == pytest.approx(1 - 3.5 / 60, abs=0.01)
    assert loudness[10] - loudness[32] == pytest.approx(26 / 60, abs=0.01)
    assert brightness[32] - brightness[10] == pytest.approx(np.log2(20) / 10, abs=0.03)
    assert np.all(curves[:, -8:] == 0.0)


def test_a_beatbox_is_sketched_whatever_its_level_and_channels() -> None:
    mono = sine(300.0, 0.3, RATE)
    np.testing.assert_allclose(
        sketch_of(np.stack((mono, mono)) * np.float32(0.1), RATE), sketch_of(mono, RATE), atol=1e-5
    )
    assert sketch_of(np.zeros(0, np.float32), RATE).shape == (2, 0)
    assert not sketch_of(np.zeros(5000, np.float32), RATE).any()


@pytest.mark.parametrize(("old", "new"), [(44_100, 16_000), (44_100, 22_050), (16_000, 44_100)])
def test_resampling_keeps_what_the_rate_can_hold(old: int, new: int) -> None:
    made, wanted = resample(sine(1000.0, 0.25, old), old, new), sine(1000.0, 0.25, new)
    assert abs(made.size - wanted.size) <= 1
    middle = slice(new // 50, made.size - new // 50)
    np.testing.assert_allclose(made[middle], wanted[: made.size][middle], atol=2e-3)
    if new < old:
        assert np.abs(resample(sine(0.49 * old, 0.25, old), old, new)[middle]).max() < 1e-3


def test_resampling_refuses_rates_that_are_none() -> None:
    with pytest.raises(RecipeError, match="to 0 Hz"):
        resample(np.zeros(4, np.float32), 44_100, 0)
    assert resample(np.zeros(0, np.float32), 44_100, 16_000).size == 0


def test_a_recipe_s_rate_is_made_once_and_kept(shard: Path, tmp_path: Path) -> None:
    recipe = parse_recipe(RECIPE)
    ingredients = Ingredients(shard, (), 0.0, None, 1)
    told: list[dict[str, object]] = []
    path = prepared(recipe, ingredients, tmp_path, told.append)
    assert told == [{"resampling_to": 16_000}]
    assert prepared(recipe, ingredients, tmp_path, told.append) == path
    assert len(told) == 1
    source, whole = AudioShard(recipe.data.settings, path), AudioShard(AudioSettings(), shard)
    direct = AudioShard(recipe.data.settings, shard)
    assert source.sample_rate == direct.sample_rate == 16_000
    assert source.sound(0).size == -(-whole.sound(0).size * 160 // 441)
    assert torch.equal(source.batch(1, 0, 2).x, direct.batch(1, 0, 2).x)
    assert int(read_shard(path)["sample_rate"]) == 16_000
    assert 0.95 < source.held_out(1).x.abs().max() / 4.0 <= 1.0


def test_crops_come_with_the_mel_frames_of_what_they_hold(shard: Path) -> None:
    told = FrameSettings("mel", hop=128, bands=20)
    settings = AudioSettings(frames=2048, sample_rate=16_000, gain=2.0, condition=told)
    source = AudioShard(settings, shard)
    assert source.info.frame_channels == 20
    batch = source.batch(1, 0, 3)
    assert batch.frames is not None
    assert batch.frames.shape == (3, 20, 16)
    again = mel(batch.x[1, 0].numpy() / 2.0, 16_000, 128, 20)
    np.testing.assert_allclose(batch.frames[1].numpy(), again, atol=1e-5)


def test_unlabelled_data_names_no_condition(shard: Path) -> None:
    source = AudioShard(AudioSettings(frames=2048, labels=False), shard)
    batch = source.batch(1, 0, 3)
    assert source.info.categories == source.info.descriptors == ()
    assert batch.descriptors.shape == (3, 0)
    assert batch.category.tolist() == [-1, -1, -1]


def test_conditions_that_cannot_be_are_refused(shard: Path) -> None:
    with pytest.raises(RecipeError, match="multiple of hop"):
        AudioShard(AudioSettings(frames=2048, condition=FrameSettings("mel", hop=300)), shard)
    with pytest.raises(RecipeError, match="sketches go with latents"):
        AudioShard(AudioSettings(condition=FrameSettings("sketch")), shard)
    with pytest.raises(RecipeError, match="expected mel, sketch or place"):
        FrameSettings("chroma")
    with pytest.raises(RecipeError, match="no known place"):
        AudioShard(AudioSettings(frames=2048, condition=FrameSettings("place", hop=128)), shard)


def test_a_shaped_condition_takes_the_spectrum_out_of_the_crops(shard: Path) -> None:
    told = FrameSettings("mel", hop=128, bands=20, shaped=True)
    plain = FrameSettings("mel", hop=128, bands=20)
    flat, heard = (
        AudioShard(AudioSettings(frames=2048, condition=each), shard).batch(1, 0, 2)
        for each in (told, plain)
    )
    assert flat.frames is not None
    assert heard.frames is not None
    assert torch.equal(flat.frames, heard.frames)
    wanted = flattened(heard.x[0, 0].numpy(), heard.frames[0].numpy(), 44_100, 128)
    np.testing.assert_array_equal(flat.x[0, 0].numpy(), wanted)


def test_crops_from_the_onset_can_be_told_their_place(shard: Path) -> None:
    told = FrameSettings("place", hop=128)
    source = AudioShard(AudioSettings(frames=2048, onset_share=1.0, condition=told), shard)
    batch = source.batch(1, 0, 3)
    assert source.info.frame_channels == 4
    assert batch.frames is not None
    assert batch.frames.shape == (3, 4, 16)
    np.testing.assert_array_equal(batch.frames[2].numpy(), place(16, source.sample_rate, 128))
