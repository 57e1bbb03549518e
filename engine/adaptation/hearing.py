"""Hear networks that are still in training exactly as a finished voice would sound."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engine.networks.autoencoder import Autoencoder
from engine.networks.interface import Conditions
from engine.runtime.generation import LoadedVoice
from engine.runtime.inputs import Inputs
from engine.training.preview import write_wav
from engine.types import GenerateRequest
from engine.voice import Voice
from engine.voice_format import Conditioning

FloatArray = npt.NDArray[np.float32]

SEED = 1
"""Sound k of every preview has seed SEED + k, so that previews can be compared."""


class ModuleNetworks:
    """engine.runtime.generation.Networks of torch modules on the CPU."""

    def __init__(self, denoiser: nn.Module, autoencoder: Autoencoder) -> None:
        self._denoiser = denoiser
        self._autoencoder = autoencoder

    def array(self, x: FloatArray) -> Tensor:
        return torch.from_numpy(x)

    @torch.no_grad()
    def velocity(self, x: Tensor, t: float, inputs: Inputs) -> Tensor:
        told = Conditions(
            torch.from_numpy(inputs.category),
            torch.from_numpy(inputs.descriptors),
            torch.from_numpy(inputs.guidance),
        )
        answer: Tensor = self._denoiser(x, torch.tensor([t], dtype=torch.float32), told)
        return answer

    @torch.no_grad()
    def decode(self, latent: Tensor) -> FloatArray:
        spectrum: FloatArray = self._autoencoder.decode(latent).numpy()
        return spectrum

    @torch.no_grad()
    def encode(self, spectrum: FloatArray) -> Any:
        return self._autoencoder.encode(torch.from_numpy(spectrum))


def heard(
    base: Voice, name: str, table: Conditioning, denoiser: nn.Module, autoencoder: Autoencoder
) -> LoadedVoice:
    """The voice that these networks would be, ready to generate; both in evaluation mode."""
    voice = dataclasses.replace(base, name=name, conditioning=table)
    return LoadedVoice(voice, ModuleNetworks(denoiser, autoencoder))


def sounds(
    loaded: LoadedVoice, prompts: Sequence[str], *, seed: int = SEED, seconds: float = 1.0
) -> list[FloatArray]:
    """One (T,) sound for each prompt; sound k has seed ``seed`` + k."""
    made = []
    for number, prompt in enumerate(prompts):
        request = GenerateRequest(
            voice=loaded.voice.name,
            prompt=prompt,
            seed=seed + number,
            steps=loaded.voice.sampling.default_steps,
            seconds=seconds,
        )
        made.append(loaded.generate(request).audio[0])
    return made


def write_previews(
    loaded: LoadedVoice, prompts: Sequence[str], folder: Path, label: str
) -> list[Path]:
    """Write a WAV file for each prompt into ``folder``; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, sound in enumerate(sounds(loaded, prompts)):
        path = folder / f"{label}_{number + 1}.wav"
        write_wav(path, sound, loaded.voice.sample_rate)
        paths.append(path)
    return paths
