"""A tiny voice with random weights: a real voice folder for tests, made in a few seconds.

    voice = tiny_voice(tmp_path / "voices" / "tiny")

The weights are the same every time; only its sound is worthless. Exporting graphs takes seconds,
so the voice is kept in build/ and copied.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from functools import cache
from pathlib import Path

import onnx
import torch

from engine.conditioning.descriptors import DESCRIPTORS
from engine.networks import convnext, transformer
from engine.networks.interface import NetworkInfo
from engine.training.categories import CATEGORIES
from engine.voice import Voice, load_voice
from engine.voice_format import RANKS, Audio, Codec, Conditioning, Sampling
from engine.voice_writer import VoiceParts, write_voice

LATENT_DIMS = 8
_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = tuple(
    _ROOT / "engine" / name
    for name in (
        "graphs.py", "voice_writer.py", "voice_format.py", "networks/transformer.py",
        "networks/conditioning.py", "networks/convnext.py", "networks/autoencoder.py",
        "networks/spectra.py", "training/categories.py", "conditioning/descriptors.py",
    )
)  # fmt: skip
SAMPLE_RATE = 44_100


def tiny_voice(folder: Path, name: str = "tiny") -> Voice:
    """Puts a voice called `name` at `folder`, whose parents are made; returns it loaded."""
    made = _made()
    shutil.copytree(made, folder, dirs_exist_ok=True)
    if name != "tiny":
        text = (folder / "voice.toml").read_text()
        (folder / "voice.toml").write_text(text.replace('name = "tiny"', f'name = "{name}"', 1))
    return load_voice(folder)


@cache
def _made() -> Path:
    """The voice in build/, made anew when anything it is made by has changed."""
    key = hashlib.sha256(f"{torch.__version__} {onnx.__version__}".encode())
    for source in (*_SOURCES, Path(__file__)):
        key.update(source.read_bytes())
    kept = _ROOT / "build" / "test-voices" / key.hexdigest()[:16]
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=kept.parent))
        before = torch.get_rng_state()
        torch.manual_seed(7)
        write_voice(making, tiny_parts())
        torch.set_rng_state(before)
        with contextlib.suppress(OSError):  # another test run was faster: its voice is the same
            making.rename(kept)
    return kept


def tiny_parts(name: str = "tiny") -> VoiceParts:
    """What the tiny voice is made of; draws weights from torch's global generator."""
    small = transformer.Settings(width=32, depth=1, heads=2, mlp_ratio=2.0)
    codec = convnext.ConvNextSettings(
        latent_dims=LATENT_DIMS,
        encoder_width=16,
        encoder_depth=1,
        decoder_widths=(16, 16, 16),
        decoder_depths=(1, 1, 1),
        expansion=2,
    )
    conditioning = Conditioning(
        categories=CATEGORIES,
        descriptors=DESCRIPTORS,
        quantiles=tuple(tuple(k + i / 4 for i in range(5)) for k in range(len(DESCRIPTORS))),
        ranks={"snare": tuple((0.2, 0.3, 0.4, 0.5, 0.6) for _ in DESCRIPTORS)},
    )
    assert len(conditioning.ranks["snare"][0]) == RANKS

    denoiser = transformer.build(small, NetworkInfo(LATENT_DIMS, CATEGORIES, DESCRIPTORS))
    for parameter in denoiser.parameters():  # gates begin at zero: nothing would be tested
        if float(parameter.detach().abs().max()) == 0.0:
            torch.nn.init.normal_(parameter, std=0.1)
    autoencoder = convnext.build(codec, None)
    for parameter in autoencoder.decoder.parameters():  # loud enough to be told from silence
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.2)
    return VoiceParts(
        name=name,
        version="0",
        licence="CC0-1.0",
        recipe="tiny",
        description="random weights for tests",
        denoiser=denoiser,
        denoiser_kind=("transformer", small),
        autoencoder=autoencoder,
        autoencoder_kind=("convnext", codec),
        audio=Audio(SAMPLE_RATE, 1, 0.25, 12.0),
        codec=Codec(LATENT_DIMS, 1024, 4, 86, 2048, 512, 1024, 256),
        sampling=Sampling("consistency", True, (1, 2, 4, 8), 4, 1.0, 2.0, 1.0, 4.0),
        conditioning=conditioning,
        card="# tiny\n\nRandom weights for tests.\n",
    )
