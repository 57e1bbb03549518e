"""A run's folder opened: its recipe, its framework with the averaged weights, and its codec.

A run is self-contained: its model file says what the data was, and a copy of the codec that made
the latents or codes lies beside it, known by its sha256.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.codecs.stft_vae import StftVae
from engine.errors import RecipeError
from engine.frameworks import DataInfo, Framework
from engine.networks.autoencoder import Autoencoder
from engine.networks.quantized import QuantizedAutoencoder
from engine.training.checkpoint import load_checkpoint
from engine.training.codec_model import load_codec
from engine.training.loop import MODEL, build_framework
from engine.training.recipe import Recipe, parse_recipe

__all__ = ["Opened", "open_run"]


@dataclass(frozen=True)
class Opened:
    """What a run trained, ready to use. codec: of latents and codes, None for audio."""

    recipe: Recipe
    info: DataInfo
    framework: Framework
    codec: tuple[Autoencoder, StftVae] | None
    device: str

    @property
    def network(self) -> nn.Module:
        """The trained network, in evaluation mode."""
        return self.framework.network

    @property
    def hop_frames(self) -> int:
        """Samples of audio that one frame of x covers."""
        return 1 if self.codec is None else self.codec[1].hop_frames

    @property
    def usual_length(self) -> int:
        """Frames of x that a sound is made of: the training window, a second of latents at most."""
        if self.codec is None:
            return self.info.frames
        return max(1, min(self.info.frames, self.info.sample_rate // self.hop_frames))

    def untrained(self) -> Opened:
        """The same with fresh weights."""
        with torch.random.fork_rng(devices=[]):
            framework = build_framework(self.recipe, self.info)
        return replace(self, framework=framework.to(self.device).eval())

    @torch.no_grad()
    def audio(self, x: Tensor) -> Tensor:
        """x (B, C, L) as training saw it to sounds (B, L * hop_frames)."""
        if self.codec is None:
            settings = self.recipe.data.settings
            flat = (x[:, 0] / float(settings.gain)).float().cpu().numpy()
            return torch.from_numpy(settings.emphasis.restored(flat, self.info.sample_rate))
        autoencoder, codec = self.codec
        if self.info.codebook_size:
            assert isinstance(autoencoder, QuantizedAutoencoder)
            return codec.audio(autoencoder.decode_codes(x))[:, 0]
        return codec.decode(autoencoder, x)[:, 0]

    def x(self, sounds: Tensor) -> Tensor:
        """Sounds (B, T) as training's x (B, C, L): scaled samples, or latents."""
        if self.codec is None:
            settings = self.recipe.data.settings
            flat = settings.emphasis.emphasised(sounds.cpu().numpy(), self.info.sample_rate)
            return torch.from_numpy(flat).to(sounds)[:, None] * float(settings.gain)
        return self.codec[1].encode(self.codec[0], sounds[:, None])


def open_run(folder: Path, device: str = "cpu", codec: Path | None = None) -> Opened:
    """Open a run's folder; ``codec`` is used instead of the run's own copy.

    Raises RecipeError when the folder holds no run, or a part of it is missing or damaged.
    """
    tensors, facts = load_checkpoint(folder / MODEL)
    if "data" not in facts:
        raise RecipeError(f"{folder / MODEL} does not say what it was trained on; train it again")
    recipe = parse_recipe(str(facts["recipe"]), f"recipe in {folder / MODEL}")
    info = _data_info(facts["data"])
    with torch.random.fork_rng(devices=[]):  # the fresh weights do not stay
        framework = build_framework(recipe, info)
    try:
        framework.network.load_state_dict(tensors)
    except RuntimeError as error:
        raise RecipeError(
            f"{folder / MODEL} does not fit its own recipe; train it again"
        ) from error
    made_by = None
    if recipe.data.spec.name != "audio":
        autoencoder, stft = load_codec(codec or _own_codec(folder, facts))
        made_by = autoencoder.to(device), stft
        if info.codebook_size and not isinstance(autoencoder, QuantizedAutoencoder):
            raise RecipeError(f"{folder}: the codec makes no codes; expected a vqvae's or vqgan's")
    framework.to(device).eval()
    return Opened(recipe, info, framework, made_by, device)


def _own_codec(folder: Path, facts: dict[str, Any]) -> Path:
    """The codec's copy beside the model, checked."""
    if "codec" not in facts:
        raise RecipeError(
            f"{folder} does not say which codec made its data; train with --codec MODEL, or open "
            "it with codec=MODEL"
        )
    path = folder / str(facts["codec"]["file"])
    if not path.exists():
        raise RecipeError(f"no codec {path}; copy {facts['codec']['from']} there")
    if hashlib.sha256(path.read_bytes()).hexdigest() != facts["codec"]["sha256"]:
        raise RecipeError(f"{path} is not the codec that the run was trained with; train it again")
    return path


def _data_info(table: dict[str, Any]) -> DataInfo:
    lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
    return DataInfo(**{**table, **lists})
