"""The base voice as the beginning of an adaptation: its networks, with more categories."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.codecs.stft_vae import StftVae, StftVaeSettings
from engine.errors import VoiceError
from engine.networks.autoencoder import Autoencoder
from engine.registry import find
from engine.voice import Voice
from engine.voice_networks import voice_network

_TABLE = "condition.category.weight"
"""The table of categories in every network that has ConditionEmbedding: row 0 = any."""


@dataclass(frozen=True)
class Start:
    """The codec of a voice in torch, and its denoiser's weights with rows for new categories."""

    network: Autoencoder
    codec: StftVae
    denoiser: dict[str, Tensor]


def start_of(voice: Voice, categories: int) -> Start:
    """Open a voice to adapt it to ``categories``, its own first. VoiceError when it cannot be."""
    check_adaptable(voice)
    codec = voice.codec
    network = voice_network(voice, voice.autoencoder, "autoencoder.")
    assert isinstance(network, Autoencoder)
    settings = StftVaeSettings(
        sample_rate=voice.sample_rate,
        encoder_fft=codec.encoder_fft,
        encoder_hop=codec.encoder_hop,
        decoder_fft=codec.decoder_fft,
        decoder_hop=codec.decoder_hop,
        latent_dims=codec.latent_dims,
    )
    weights = voice_network(voice, voice.denoiser, "denoiser.").state_dict()
    table = weights[_TABLE]
    missing = categories + 1 - len(table)
    # a new word begins as "any sound": what it means is only learned
    weights[_TABLE] = torch.cat((table, table[:1].repeat(missing, 1)))
    return Start(network.eval(), StftVae(settings), weights)


def check_adaptable(voice: Voice) -> None:
    """Raise VoiceError unless the voice is one that adaptation can tune."""
    sampling = voice.sampling
    if sampling.sampler != "consistency" or not sampling.folded:
        raise VoiceError(
            f"voice {voice.name!r} samples by {sampling.sampler!r}; only few-step voices (sampler "
            "consistency, guidance folded in) can be adapted: use --from drums"
        )
    network = voice_network(voice, voice.denoiser, "denoiser.")
    autoencoder = voice_network(voice, voice.autoencoder, "autoencoder.")
    if _TABLE not in network.state_dict() or not isinstance(autoencoder, Autoencoder):
        raise VoiceError(
            f"voice {voice.name!r} has networks {voice.denoiser.name!r} and "
            f"{voice.autoencoder.name!r}, which cannot be adapted: use --from drums"
        )


def settings_text(voice: Voice, kind: str) -> str:
    """A network's settings as lines of a recipe; kind: "denoiser" or "autoencoder"."""
    description = voice.denoiser if kind == "denoiser" else voice.autoencoder
    lines = [f'name = "{description.name}"']
    for key, value in description.settings.items():
        lines.append(f"{key} = {list(value) if isinstance(value, (list, tuple)) else value!r}")
    return "\n".join(lines)


def kind_of(voice: Voice, kind: str) -> tuple[str, Any]:
    """(registered name, settings dataclass) of a voice's network, to describe it again."""
    description = voice.denoiser if kind == "denoiser" else voice.autoencoder
    spec = find("network", description.name)
    known = {field.name for field in dataclasses.fields(spec.settings)}
    values = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in description.settings.items()
        if key in known
    }
    return description.name, spec.settings(**values)
