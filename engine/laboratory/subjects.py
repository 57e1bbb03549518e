"""What can be compared: one protocol for shipped voices, trained runs and baselines.

A run folder's model comes from engine.laboratory.model.open_model and satisfies Model by its
methods alone; a voice becomes one in engine.laboratory.voice_model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from engine.conditioning.frames import FrameSettings
from engine.errors import DataError
from engine.voice import find_voice

if TYPE_CHECKING:
    from engine.laboratory.model import Model as RunModel

__all__ = [
    "KINDS",
    "BetweenSeeds",
    "BetweenSounds",
    "HasUntrained",
    "Made",
    "Model",
    "Restarts",
    "Sounds",
    "is_run",
    "open_subjects",
]

FloatArray = npt.NDArray[np.float32]
Categories = npt.NDArray[np.int64]

KINDS = ("generates", "reconstructs", "vocodes", "denoises")
VOICE_FILE = "voice.toml"


class Made(Protocol):
    """What a subject made."""

    @property
    def audio(self) -> Sequence[FloatArray]:
        """(T,) each, at the subject's rate."""
        ...

    @property
    def nfe(self) -> int:
        """Network evaluations that each sound took."""
        ...

    @property
    def milliseconds(self) -> float:
        """Time that each sound took."""
        ...


@dataclass(frozen=True)
class Sounds:
    """A Made as plain values."""

    audio: list[FloatArray]
    nfe: int
    milliseconds: float


class Model(Protocol):
    """Something that makes sounds: from nothing ("generates") or from other sounds."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str:
        """One of KINDS."""
        ...

    @property
    def sample_rate(self) -> int: ...
    @property
    def parameters(self) -> int:
        """Numbers learned, of all networks that run."""
        ...

    @property
    def samplers(self) -> Mapping[str, int]:
        """Name -> usual steps; the first is the default. Empty when there is nothing to step."""
        ...

    @property
    def conditional(self) -> bool:
        """Whether a category can be asked for."""
        ...

    @property
    def condition(self) -> FrameSettings:
        """What it is told along time."""
        ...

    def generate(
        self,
        categories: Categories,
        *,
        seed: int,
        sampler: str = "",
        steps: int = 0,
        guidance: float = 1.0,
        descriptors: FloatArray | None = None,
        frames: FloatArray | None = None,
    ) -> Made:
        """One sound for each category index (N,), -1 = any; kind "generates", and some others.

        "" and 0: the default sampler and its usual steps. descriptors: (N, K) in 0..1, NaN = any.
        frames: (N, M, L) conditions along time. Raises BadRange for what it cannot take.
        """
        ...

    def render(
        self, sounds: list[FloatArray], *, seed: int, sampler: str = "", steps: int = 0
    ) -> Made:
        """One sound for each sound (T,) at the subject's rate; the other kinds."""
        ...


@runtime_checkable
class BetweenSeeds(Protocol):
    """A subject whose noise can be set: it goes from one seed's sound to another's. Optional."""

    def between_seeds(
        self, first: int, second: int, points: int, *, category: int, steps: int = 0
    ) -> Made:
        """`points` sounds, the noise going from one seed's to the other's on a great circle."""
        ...


@runtime_checkable
class BetweenSounds(Protocol):
    """A subject with latents of given sounds: it goes from one to another. Optional."""

    def between_sounds(self, first: FloatArray, second: FloatArray, points: int) -> Made:
        """`points` sounds, the latent going from one sound's to the other's on a line."""
        ...


@runtime_checkable
class Restarts(Protocol):
    """A subject whose reverse process can be entered part of the way, with a sound. Optional."""

    def restart(
        self, sound: FloatArray, start: float, *, category: int, seed: int, steps: int = 0
    ) -> Made:
        """One sound: (T,) noised to time start (0 none, 1 all), then sampled from there."""
        ...


@runtime_checkable
class HasUntrained(Protocol):
    """A subject that can be had as it was before training. Optional."""

    def untrained(self) -> Model:
        """The same networks with fresh weights, called "floor: ..., untrained"."""
        ...


def is_run(folder: Path) -> bool:
    """Whether a folder is a trained run rather than a voice."""
    return folder.is_dir() and not (folder / VOICE_FILE).exists()


def open_subjects(names: Sequence[str | Path], device: str = "cpu") -> list[Model]:
    """Every subject of the names: voice names, voice folders, run folders.

    A voice gives two: the voice, and its codec ("reconstructs"). Raises VoiceError or DataError.
    """
    subjects: list[Model] = []
    runs: list[tuple[Path, RunModel]] = []
    for name in names:
        if is_run(Path(name)) and (isinstance(name, Path) or os.sep in name or _has_run(name)):
            runs.append((Path(name), _open_run(Path(name), device)))
            subjects.append(runs[-1][1])
        else:
            from engine.laboratory.voice_model import VoiceCodec, VoiceModel
            from engine.runtime import open_runtime

            # a folder's path must look like one, or it would be taken for a voice's name
            text = name if isinstance(name, str) else str(name.absolute())
            voice = VoiceModel(open_runtime(device).load(find_voice(text)))
            subjects += [voice, VoiceCodec(voice)]
    _told_apart(runs)
    return _with_own_names(subjects)


def _has_run(name: str) -> bool:
    """Whether the bare name of a folder here holds what the training loop writes."""
    return any(Path(name).glob("*.safetensors"))


def _open_run(folder: Path, device: str) -> RunModel:
    from engine.laboratory.model import open_model

    if device == "auto":
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
    model = open_model(folder, device=device)
    if model.kind not in KINDS:
        raise DataError(f"{folder}: kind is {model.kind!r}; expected one of {', '.join(KINDS)}")
    return model


def _with_own_names(subjects: list[Model]) -> list[Model]:
    """The same subjects; DataError when two share a name, for a table could not tell them apart."""
    names = [subject.name for subject in subjects]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"two subjects are called {name!r}; expected different names")
    return subjects


def _told_apart(runs: Sequence[tuple[Path, RunModel]]) -> None:
    """Runs of one recipe are called by their folders too."""
    names = [model.name for _, model in runs]
    for folder, model in runs:
        if names.count(model.name) > 1:
            model.name = f"{model.name} ({folder.name})"
