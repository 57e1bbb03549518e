"""Mixtures, the framework masking, and the voice that is made of a run: torch and NumPy agree."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine import denoise, export, train
from engine.denoiser_writer import write_denoiser
from engine.denoising.features import TAPS
from engine.denoising.mixing import mixed
from engine.denoising.split import held_out_noise, held_out_program, held_out_sound
from engine.denoising.voice import find_denoiser, load_denoiser
from engine.denoising.whole import denoise as denoised
from engine.errors import DataError, RecipeError, VoiceError
from engine.frameworks.masking import Masking
from engine.training.loop import MODEL, build_framework
from engine.training.mixture_shard import Mixtures, MixtureSettings
from engine.training.mixture_sounds import KINDS, Material, write_mixture_shard
from engine.training.noises import NOISES
from engine.training.recipe import parse_recipe
from engine.voice import find_voices
from tests.support.tiny_recipes import LOOP

RECIPE = f"""
name = "tiny_denoiser"
[network]
name = "freq_unet"
planes = 8
width = 8
region_width = 4
memory = 8
[framework]
name = "masking"
size = 128
hop = 32
heard_frames = 8
[data]
name = "mixtures"
frames = 4096
{LOOP}"""


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of tones, clicks and rain, one of each held out."""
    path = tmp_path_factory.mktemp("mixtures") / "mixtures.npz"
    rng = np.random.Generator(np.random.Philox(key=[1, 1]))
    time = np.arange(44_100) / 44_100

    def material() -> list[Material]:
        made = []
        for index in range(4):
            tone = 0.5 * np.sin(2 * np.pi * (200 + 130 * index) * time)
            hiss = 0.2 * rng.standard_normal(time.size)
            for kind, audio in zip(
                KINDS, (tone, tone * np.exp(-9 * time), tone * (time % 0.3), hiss), strict=True
            ):
                made.append(Material(audio.astype(np.float32), kind, f"{kind}_{index}", index == 0))
        return made

    assert write_mixture_shard(iter(material()), path, lambda _count: None) == 16
    return path


@pytest.fixture(scope="module")
def run(shard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "tiny.toml").write_text(RECIPE)
    arguments = [folder / "tiny.toml", "--data", shard, "--out", folder / "out", "--device", "cpu"]
    assert train.main([str(argument) for argument in arguments]) == 0
    return folder / "out"


@pytest.mark.parametrize("name", NOISES)
def test_made_noise_is_even_finite_and_follows_from_its_generator(name: str) -> None:
    sounds = [
        NOISES[name](np.random.Generator(np.random.Philox(key=[seed, 0])), 20_000, 44_100)
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(sounds[0], sounds[1])
    assert not np.array_equal(sounds[0], sounds[2])
    for sound in sounds:
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert np.sqrt((sound**2).mean()) == pytest.approx(1.0, rel=1e-3)


def test_mixtures_follow_from_seed_and_step_and_keep_what_is_held_out_apart(shard: Path) -> None:
    source = Mixtures(MixtureSettings(frames=4096), shard)
    first, again, next_one = (source.batch(1, step, 8).x for step in (0, 0, 1))
    assert first.shape == (8, 3, 4096)
    assert torch.equal(first, again)
    assert not torch.equal(first, next_one)
    assert first.isfinite().all()
    assert float((first[:, 0] + first[:, 1]).abs().max()) <= 1.0
    assert torch.equal(source.held_out(3).x, source.held_out(3).x)
    for kind in KINDS:
        assert source.rows[kind, True].size == 1
        assert source.rows[kind, False].size == 3


def test_without_music_or_with_impossible_shares_there_is_nothing_to_learn(
    shard: Path, tmp_path: Path
) -> None:
    rain = Material(np.ones(99, np.float32), "noise", "rain", False)
    with pytest.raises(DataError, match="no sound to denoise"):
        write_mixture_shard(iter([rain]), tmp_path / "x.npz", lambda _count: None)
    (tmp_path / "other.npz").write_bytes(b"no shard")
    with pytest.raises(DataError, match="cannot read mixture shard"):
        Mixtures(MixtureSettings(), tmp_path / "other.npz")
    recipe = parse_recipe(RECIPE.replace("frames = 4096", "speech_share = 0.9"))
    with pytest.raises(RecipeError, match=r"add up to 1\.6"):
        recipe.data.spec.build(recipe.data.settings, shard)


def test_a_folder_of_sounds_becomes_a_shard_by_the_names_of_its_folders(tmp_path: Path) -> None:
    time = np.arange(22_050) / 44_100
    tone = 0.5 * np.sin(2 * np.pi * 300 * time)
    for name in ("noise/rain_1.wav", "noise/dishwasher_2.wav", "speech/a.wav", "kick/b.wav"):
        (tmp_path / "sounds" / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "sounds" / name, tone, 44_100)
    (tmp_path / "sounds" / "broken.wav").write_text("nothing")
    (tmp_path / "tiny.toml").write_text(RECIPE)
    arguments = ["tiny.toml", "--data", "sounds", "--out", "run", "--prepare-only"]
    paths = [str(tmp_path / a) if a in ("tiny.toml", "sounds", "run") else a for a in arguments]
    assert train.main(paths) == 0
    table = np.load(tmp_path / "run" / "mixtures.npz")
    kinds = dict(zip(table["name"].tolist(), table["kind"].tolist(), strict=True))
    assert kinds == {"noise/rain_1.wav": 3, "noise/dishwasher_2.wav": 3, "speech/a.wav": 2,
                     "kick/b.wav": 1}  # fmt: skip
    held = dict(zip(table["name"].tolist(), table["held_out"].tolist(), strict=True))
    assert held["noise/dishwasher_2.wav"]
    assert not held["noise/rain_1.wav"]


def test_takes_of_a_sound_and_families_of_noise_are_held_out_together() -> None:
    assert held_out_noise("noise/home_dishwasher_3.flac")
    assert not held_out_noise("noise/blanket_rain.flac")
    assert held_out_sound("kick/big_1.wav") == held_out_sound("kick/big_27.wav")
    assert [program for program in range(16) if held_out_program(program)] == [5, 13]


def test_mixing_is_the_same_in_torch_and_in_numpy(shard: Path) -> None:
    recipe = parse_recipe(RECIPE)
    source = recipe.data.spec.build(recipe.data.settings, shard)
    framework = build_framework(recipe, source.info)
    assert isinstance(framework, Masking)
    generator = torch.Generator().manual_seed(4)
    answer = 3.0 * torch.randn((2, TAPS * 32, 7), generator=generator)
    taps = torch.randn((2, 7, TAPS, 65, 2), generator=generator)
    made = framework.mixed(answer, torch.view_as_complex(taps))
    expected = mixed(answer.transpose(1, 2).numpy(), torch.view_as_complex(taps).numpy())
    assert np.abs(made.numpy() - expected).max() < 1e-5


def test_a_perfect_answer_has_the_least_loss(shard: Path) -> None:
    recipe = parse_recipe(RECIPE)
    source = recipe.data.spec.build(recipe.data.settings, shard)
    framework = build_framework(recipe, source.info)
    batch = source.batch(1, 0, 4)
    silent = dataclasses.replace(batch, x=batch.x * torch.tensor([1.0, 0.0, 0.0])[:, None])
    losses = [
        framework.loss(given, torch.Generator().manual_seed(1), 0)["total"]
        for given in (batch, silent)
    ]
    assert all(bool(loss.isfinite()) for loss in losses)
    rows = framework.preview(batch)
    assert len(rows) == 3
    assert {tuple(row.shape[:2]) for row in rows} == {(4, 1)}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("size = 128", "size = 100", "frames of 100 with hop 32"),
        ("heard_frames = 8", "heard_frames = 800", "mixtures of 4096 samples; expected"),
    ],
)
def test_frames_that_do_not_add_up_are_refused(old: str, new: str, says: str, shard: Path) -> None:
    recipe = parse_recipe(RECIPE.replace(old, new))
    source = recipe.data.spec.build(recipe.data.settings, shard)
    with pytest.raises(RecipeError, match=says):
        build_framework(recipe, source.info)


def test_a_run_becomes_a_voice_that_needs_no_torch(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "voices" / "mine"
    assert export.main([str(run / MODEL), "--out", str(folder), "--licence", "CC0-1.0"]) == 0
    denoiser = load_denoiser(folder)
    assert (denoiser.name, denoiser.size, denoiser.hop) == ("mine", 128, 32)
    assert find_denoiser("mine", [tmp_path / "voices"]).hash == denoiser.hash
    assert find_voices([tmp_path / "voices"], pytest.fail) == []
    sound = np.random.Generator(np.random.Philox(key=[1, 2])).standard_normal((2, 9000))
    out = denoised(sound.astype(np.float32) * np.float32(0.1), 48_000, voice=denoiser)
    assert out.shape == sound.shape
    assert np.isfinite(out).all()
    soundfile.write(tmp_path / "in.wav", sound.T * 0.1, 48_000)
    paths = [str(tmp_path / name) for name in ("in.wav", "out.wav")]
    assert denoise.main([*paths, "--voice", str(folder)]) == 0


def test_broken_denoisers_are_refused(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write_denoiser(
        folder, run / MODEL, name="mine", version="1", licence="CC0-1.0", description="", card=""
    )
    text = (folder / "voice.toml").read_text()
    for old, new, says in (
        ("hop = 32", "hop = 31", "with hop 31"),
        ("planes = 8", "planes = 7", "7 planes"),
        ("format = 1", "format = 9", "format is 9"),
        ('kind = "denoiser"', 'kind = "singer"', "makes sounds"),
        ("[1, 1, 8]", "[1, 1, -8]", "a state of shape"),
        ("size = 128", "sighs = 128", "unknown key 'sighs'"),
        ("format = 1", "format = ", "not valid TOML"),
    ):
        assert old in text
        (folder / "voice.toml").write_text(text.replace(old, new))
        with pytest.raises(VoiceError, match=says):
            load_denoiser(folder)
    (folder / "voice.toml").write_text(text)
    load_denoiser(folder)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(VoiceError, match="is damaged"):
        load_denoiser(folder)
