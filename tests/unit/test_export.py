"""Export: weights once, graphs that point into them, and a description that is true."""

from __future__ import annotations

import struct
import tomllib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load_file

from engine import export
from engine.conditioning.descriptors import DESCRIPTORS
from engine.training.categories import CATEGORIES
from engine.voice import DESCRIPTION, GRAPHS, WEIGHTS, load_voice
from engine.voice_writer import write_voice
from tests.support.tiny_voice import tiny_parts, tiny_voice


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_voice(tmp_path / "tiny").folder


def test_graphs_hold_no_weights_of_their_own(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    used = set()
    for file in GRAPHS:
        model = onnx.load(str(folder / file), load_external_data=False)
        for tensor in model.graph.initializer:
            facts = {entry.key: entry.value for entry in tensor.external_data}
            assert facts["location"] == WEIGHTS
            name = tensor.name.removesuffix(".stored")
            used.add(name)
            data = (folder / WEIGHTS).read_bytes()
            start = int(facts["offset"])
            piece = data[start : start + int(facts["length"])]
            assert piece == tensors[name].tobytes()
    assert used == {name for name in tensors if "num_batches" not in name}


def test_graphs_tell_nothing_of_the_machine_that_made_them(folder: Path) -> None:
    for file in folder.iterdir():
        data = file.read_bytes()
        for trace in (str(Path.home()).encode() + b"/", b"site-packages", b'.py"', b"/tests/"):
            assert trace not in data, (file.name, trace)


def test_matrices_are_half_precision_and_the_rest_is_not(folder: Path) -> None:
    for name, tensor in load_file(folder / WEIGHTS).items():
        assert tensor.dtype == (np.float16 if tensor.ndim >= 2 else np.float32), name


def test_the_weights_file_has_no_pickle_and_a_sane_header(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert length < 1 << 20
    assert data[8:9] == b"{"


def test_the_same_networks_make_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    state = torch.get_rng_state()
    torch.manual_seed(7)
    again = write_voice(tmp_path / "again", tiny_parts())
    torch.set_rng_state(state)
    for name in (DESCRIPTION, WEIGHTS, *GRAPHS):
        assert (folder / name).read_bytes() == again.path(name).read_bytes(), name


def test_a_category_has_ranks_when_it_has_sounds_enough() -> None:
    rng = np.random.default_rng(0)
    count = 60
    category = np.array([0] * 40 + [1] * 5 + [2] * 15)
    descriptors = rng.random((count, len(DESCRIPTORS)))
    descriptors[category == 0, 0] *= 0.5
    descriptors[category == 2, 6] = np.nan
    table = {
        "held_out": np.zeros(count, bool),
        "categories": np.array(CATEGORIES),
        "descriptor_names": np.array(DESCRIPTORS),
        "category": category,
        "descriptors": descriptors,
        "quantiles": np.tile(np.linspace(0, 1, 33), (len(DESCRIPTORS), 1)),
    }
    conditioning = export._conditioning(table)
    assert set(conditioning.ranks) == {CATEGORIES[0], CATEGORIES[2]}
    assert conditioning.ranks[CATEGORIES[0]][0][-1] < 0.55
    assert conditioning.ranks[CATEGORIES[2]][6] == (0.05, 0.25, 0.5, 0.75, 0.95)


def test_the_command_makes_a_voice_of_trained_models(tmp_path: Path) -> None:
    """The real models of real (one-step) training runs, through the command line."""
    codec_recipe = """
name = "codec"
[network]
name = "convnext"
latent_dims = 8
encoder_width = 16
encoder_depth = 1
decoder_widths = [16, 16, 16]
decoder_depths = [1, 1, 1]
expansion = 2
[codec]
name = "stft_vae"
[framework]
name = "vae"
[data]
name = "audio"
"""
    denoiser_recipe = """
name = "few"
[network]
name = "transformer"
width = 32
depth = 1
heads = 2
[framework]
name = "consistency"
guidance_high = 3.0
[data]
name = "latents"
frames = [20, 43]
"""
    from engine.frameworks import DataInfo
    from engine.training.checkpoint import save_checkpoint
    from engine.training.recipe import parse_recipe

    info = DataInfo(44_100, 8, 43, CATEGORIES, DESCRIPTORS)
    for name, text in (("codec", codec_recipe), ("denoiser", denoiser_recipe)):
        recipe = parse_recipe(text)
        network = recipe.network.spec.build(recipe.network.settings, info.network())
        facts = {"step": 1, "name": recipe.name, "recipe": text}
        save_checkpoint(tmp_path / f"{name}.safetensors", network.state_dict(), facts)
    count = 40
    rng = np.random.default_rng(1)
    np.savez(
        tmp_path / "latents.npz",
        latents=rng.standard_normal((count * 10, 8)).astype(np.float16),
        start=np.arange(count) * 10,
        length=np.full(count, 10),
        silence=np.zeros(8, np.float32),
        category=np.arange(count) % 2,
        descriptors=rng.random((count, len(DESCRIPTORS))).astype(np.float32),
        raw=rng.random((count, len(DESCRIPTORS))),
        quantiles=np.tile(np.linspace(0, 1, 33), (len(DESCRIPTORS), 1)),
        held_out=np.arange(count) % 10 == 0,
        group=np.arange(count),
        row=np.arange(count),
        version=np.zeros(count, np.int64),
        categories=np.array(CATEGORIES),
        descriptor_names=np.array(DESCRIPTORS),
        sample_rate=np.int64(44_100),
        hop_frames=np.int64(1024),
    )
    out = tmp_path / "my-voice"
    arguments = [
        str(tmp_path / "denoiser.safetensors"), "--codec", str(tmp_path / "codec.safetensors"),
        "--latents", str(tmp_path / "latents.npz"), "--out", str(out), "--version", "3",
        "--description", "two kinds of noise",
    ]  # fmt: skip
    assert export.main(arguments) == 0
    voice = load_voice(out)
    assert (voice.name, voice.version, voice.recipe) == ("my-voice", "3", "few")
    assert voice.sampling.guidance_high == 3.0
    assert (voice.codec.shortest_frames, voice.codec.longest_frames) == (20, 43)
    assert set(voice.conditioning.ranks) == set(CATEGORIES[:2])
    assert "two kinds of noise" in (out / "CARD.md").read_text()
    assert tomllib.loads((out / DESCRIPTION).read_text())["files"][WEIGHTS]
    missing = ["absent.safetensors", *arguments[1:]]
    assert export.main(missing) == 2
