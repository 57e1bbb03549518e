"""The clean sounds and the noises of an evaluation, from a prepared folder or made from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from engine.denoising_evaluation import instruments
from engine.denoising_evaluation.drums import PLAYED, Hit, made_hit, pattern
from engine.denoising_evaluation.folder import Folder
from engine.denoising_evaluation.noises import MADE, NEVER_TRAINED, Floats, Maker
from engine.denoising_evaluation.soundfont import soundfont_instruments
from engine.errors import DataError

__all__ = ["KINDS", "MUSIC", "NOISES", "Materials", "open_materials"]

KINDS = ("instruments", "drums", "mixes", "speech")
MUSIC = KINDS[:3]
NOISES = 8
_FROM_FILES = ("aircon", "rain", "fireplace", "dishwasher", "train")  # before all others
_PAN = ((0.9, 0.5), (0.5, 0.9), (0.7, 0.7))  # left, right


@dataclass(frozen=True)
class Materials:
    """kinds: of clean sounds -> what each is called -> its maker. noises: by family.

    apart: the families that no denoiser of Driftwave was trained on.
    """

    kinds: Mapping[str, Mapping[str, Maker]]
    noises: Mapping[str, Maker]
    apart: frozenset[str]
    notes: tuple[str, ...] = ()

    def clean(
        self, kind: str, index: int, rng: np.random.Generator, samples: int, rate: int
    ) -> tuple[str, Floats]:
        """Name and sound (C, T) of the index-th of a kind; mixes are stereo, the others mono."""
        if kind == "mixes" and "mixes" not in self.kinds:
            return self._mix(index, rng, samples, rate)
        makers = list(self.kinds[kind].items())
        name, make = makers[index % len(makers)]
        return f"{name} {index + 1}", make(rng, samples, rate)[np.newaxis]

    def _mix(
        self, index: int, rng: np.random.Generator, samples: int, rate: int
    ) -> tuple[str, Floats]:
        """Two instruments and drums, each at its own place."""
        makers = list(self.kinds["instruments"].values())
        chosen = rng.choice(len(makers), 2, replace=len(makers) < 2)
        parts = [makers[k] for k in chosen] + [next(iter(self.kinds["drums"].values()))]
        out = np.zeros((2, samples))
        for make, pan in zip(parts, _PAN, strict=True):
            sound = make(rng, samples, rate)
            out += np.outer(pan, sound / max(1e-9, float(np.sqrt((sound**2).mean()))))
        return f"mix {index + 1}", out

    def never_trained(self, family: str) -> bool:
        """Whether no denoiser of this project may have heard such noise in training."""
        return family in self.apart


def open_materials(data: Path | None, soundfont: Path | None) -> Materials:
    """The sounds of a folder, of a soundfont, and made ones for what these do not have."""
    notes: list[str] = []
    made = dict(instruments.INSTRUMENTS)
    if soundfont is not None:
        if not soundfont.is_file():
            raise DataError(f"--soundfont {soundfont}: no such file; expected an SF2 or SF3 file")
        made = soundfont_instruments(soundfont)
        notes.append(f"Instruments are those of {soundfont.name}.")
    if data is None:
        notes.append("No --data: drums, speech and noises are made, and speech has no words.")
        all_made: dict[str, dict[str, Maker]] = {
            "instruments": made,
            "drums": {"drums": pattern(made_hit)},
            "speech": {"voice": instruments.voice},
        }
        return Materials(all_made, dict(MADE), frozenset(NEVER_TRAINED), tuple(notes))
    folder = Folder(data)
    kinds: dict[str, dict[str, Maker]] = {
        "instruments": _recorded(folder, "instruments", notes) or made,
        "drums": {"drums": pattern(_hits(folder, notes))},
        "speech": _recorded(folder, "speech", notes) or {"voice": instruments.voice},
    }
    mixes = _recorded(folder, "mixes", [])
    if mixes:
        kinds["mixes"] = mixes
    noises, apart = _noises(folder, notes)
    return Materials(kinds, noises, frozenset(apart), tuple(notes))


def _recorded(folder: Folder, kind: str, notes: list[str]) -> dict[str, Maker]:
    files = folder.files(kind)
    if not files:
        notes.append(f"--data has no {kind}/: they are made or rendered.")
        return {}

    def make(rng: np.random.Generator, samples: int, rate: int) -> Floats:
        return folder.pieces(rng, files, samples, rate)

    return {kind: make}


def _hits(folder: Folder, notes: list[str]) -> Hit:
    found = {category: folder.files(f"oneshots/{category}") for category in PLAYED}
    if not any(found.values()):
        notes.append("--data has no drum sounds in oneshots/: they are made.")

    def hit(rng: np.random.Generator, category: str, rate: int) -> Floats:
        files = found[category]
        if not files:
            return made_hit(rng, category, rate)
        return folder.sound(files[int(rng.integers(len(files)))], rate)

    return hit


def _noises(folder: Folder, notes: list[str]) -> tuple[dict[str, Maker], list[str]]:
    """NOISES families, recorded ones first, two of them never trained on; and which two."""
    families = folder.families()
    wanted = [name for name in _FROM_FILES if name in families]
    wanted += sorted(set(families) - set(wanted))
    everything: dict[str, Maker] = {**MADE}
    for name in wanted:
        everything[name] = partial(_stretch, folder, tuple(families[name]))
    kept_apart = [name for name in wanted if folder.never_trained(families[name])]
    apart = [*kept_apart, *NEVER_TRAINED][:2]
    trained = [name for name in wanted if name not in kept_apart][: NOISES // 2 - 1]
    trained += [name for name in MADE if name not in NEVER_TRAINED]
    if not families:
        notes.append("--data has no noise/: noises are made.")
    return {name: everything[name] for name in (*trained[: NOISES - len(apart)], *apart)}, apart


def _stretch(
    folder: Folder, files: tuple[Path, ...], rng: np.random.Generator, samples: int, rate: int
) -> Floats:
    return folder.stretch(rng, files, samples, rate)
