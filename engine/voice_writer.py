"""Write a voice folder: weights, graphs, voice.toml with everyone's sha256, and the card."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.graphs import Graph, halved, write_graph, write_weights
from engine.networks.interface import Conditions
from engine.voice import DESCRIPTION, GRAPHS, WEIGHTS, Voice, load_voice
from engine.voice_format import FORMAT, Audio, Codec, Conditioning, Sampling

__all__ = ["CARD", "VoiceParts", "toml_lines", "write_voice"]

CARD = "CARD.md"


@dataclass(frozen=True)
class VoiceParts:
    """Everything a voice is made of. Networks hold their final weights.

    denoiser_kind, autoencoder_kind: (registered name, settings dataclass), to rebuild them.
    """

    name: str
    version: str
    licence: str
    recipe: str
    description: str
    denoiser: nn.Module
    denoiser_kind: tuple[str, Any]
    autoencoder: nn.Module
    autoencoder_kind: tuple[str, Any]
    audio: Audio
    codec: Codec
    sampling: Sampling
    conditioning: Conditioning
    card: str


class _DenoiserGraph(nn.Module):
    def __init__(self, denoiser: nn.Module) -> None:
        super().__init__()
        self.denoiser = denoiser

    def forward(
        self, x: Tensor, t: Tensor, category: Tensor, descriptors: Tensor, guidance: Tensor
    ) -> Tensor:
        velocity: Tensor = self.denoiser(x, t, Conditions(category, descriptors, guidance))
        return velocity


class _DecoderGraph(nn.Module):
    def __init__(self, autoencoder: Any) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, latent: Tensor) -> Tensor:
        spectrum: Tensor = self.autoencoder.decode(latent)
        return spectrum


class _EncoderGraph(nn.Module):
    def __init__(self, autoencoder: Any) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, spectrum: Tensor) -> Tensor:
        latent: Tensor = self.autoencoder.encode(spectrum)
        return latent


def write_voice(folder: Path, parts: VoiceParts) -> Voice:
    """Writes the folder and loads it again. The networks' weights are rounded to what is stored."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    for prefix, network in (("denoiser.", parts.denoiser), ("autoencoder.", parts.autoencoder)):
        stored = halved(network.state_dict())
        network.load_state_dict({name: tensor.float() for name, tensor in stored.items()})
        network.eval()
        tensors |= {prefix + name: tensor for name, tensor in stored.items()}
    write_weights(folder, tensors)
    for graph in _graphs(parts):
        write_graph(folder, graph)
    (folder / CARD).write_text(parts.card, encoding="utf-8")
    (folder / DESCRIPTION).write_text(_description(folder, parts), encoding="utf-8")
    return load_voice(folder)


def _graphs(parts: VoiceParts) -> list[Graph]:
    codec, kinds = parts.codec, len(parts.conditioning.descriptors)
    frames = 8
    x = torch.zeros(1, codec.latent_dims, frames)
    ahead = codec.hop_frames // codec.encoder_hop
    spectrum = torch.zeros(1, 2, codec.encoder_fft // 2 + 1, ahead * frames)
    conditions = (torch.zeros(1, dtype=torch.int64), torch.zeros(1, kinds), torch.ones(1))
    names = ("x", "t", "category", "descriptors", "guidance")
    denoiser, decoder, encoder = GRAPHS
    return [
        Graph(
            denoiser,
            _DenoiserGraph(parts.denoiser),
            (x, torch.ones(1), *conditions),
            names,
            "velocity",
            {"x": (2, 1)},
        ),
        Graph(
            decoder, _DecoderGraph(parts.autoencoder), (x,), ("latent",), "spectrum",
            {"latent": (2, 1)},
        ),
        Graph(
            encoder, _EncoderGraph(parts.autoencoder), (spectrum,), ("spectrum",), "latent",
            {"spectrum": (3, ahead)},
        ),
    ]  # fmt: skip


def _description(folder: Path, parts: VoiceParts) -> str:
    """The text of voice.toml."""
    hashes = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in (WEIGHTS, *GRAPHS)
    }
    table: dict[str, Any] = {
        "format": FORMAT,
        "name": parts.name,
        "version": parts.version,
        "licence": parts.licence,
        "recipe": parts.recipe,
        "description": parts.description,
        "audio": dataclasses.asdict(parts.audio),
        "codec": dataclasses.asdict(parts.codec),
        "sampling": dataclasses.asdict(parts.sampling),
        "denoiser": _kind(parts.denoiser_kind),
        "autoencoder": _kind(parts.autoencoder_kind),
        "conditioning": {
            "categories": parts.conditioning.categories,
            "descriptors": parts.conditioning.descriptors,
            "quantiles": parts.conditioning.quantiles,
            "ranks": dict(parts.conditioning.ranks),
            **({"examples": examples} if (examples := dict(parts.conditioning.examples)) else {}),
        },
        "files": hashes,
    }
    return "\n".join(toml_lines(table, "")).lstrip("\n") + "\n"


def _kind(kind: tuple[str, Any]) -> dict[str, Any]:
    name, settings = kind
    return {"name": name, "settings": dataclasses.asdict(settings)}


def toml_lines(table: Mapping[str, Any], path: str) -> list[str]:
    """A table as TOML: its values first, then its subtables."""
    lines = [f"\n[{path}]"] if path else []
    lines += [
        f"{_key(key)} = {_toml(value)}"
        for key, value in table.items()
        if not isinstance(value, Mapping)
    ]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += toml_lines(value, f"{path}.{_key(key)}" if path else _key(key))
    return lines


def _key(name: str) -> str:
    plain = name.replace("_", "").replace("-", "")
    return name if plain.isascii() and plain.isalnum() else json.dumps(name)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}" if "." in f"{value:.6g}" or "e" in f"{value:.6g}" else f"{value:.1f}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    raise TypeError(f"no TOML for {type(value).__name__}")
