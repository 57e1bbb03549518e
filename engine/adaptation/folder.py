"""Read a folder of sounds of any size: in an order that mixes it, within a time and a memory.

Whole groups of takes are held out, so that no take of a held-out sound is trained on.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.errors import DataError
from engine.training.neighbours import copies_and_groups, fingerprint
from engine.training.oneshots import SAMPLE_RATE, OneShot, read_sound, sound_files, take_group

FloatArray = npt.NDArray[np.float32]

MOST_SOUNDS = 3000
"""Sounds that are used of a larger folder: more than minutes of training can learn."""

MOST_SECONDS = 1200.0
"""Of all sounds that are used together: what bounds the memory, to about 200 MB."""

HELD_SHARE = 0.2
FEWEST_HELD = 4
"""Fewer sounds than this are not worth holding out: they say nothing, and training lacks them."""

FEW_SOUNDS = 12
"""Folders with fewer sounds are trained on whole."""


@dataclass(frozen=True)
class Folder:
    """The sounds that are used of a folder.

    sounds: tidy, (T,) float32 mono at SAMPLE_RATE, in the order they were read. held: (N,) bool.
    files: how many sound files there are. skipped: why some are not used. copies: how many were
    left out because they equal another. full: more are not read, whatever the time.
    """

    sounds: list[FloatArray]
    names: list[str]
    held: npt.NDArray[np.bool_]
    files: int
    skipped: list[str]
    copies: int
    full: bool


def read_folder(
    folder: Path, seconds: float, progress: Callable[[int, int], None], most: int = MOST_SOUNDS
) -> Folder:
    """Read up to ``most`` sounds, for about ``seconds`` at most (but a few in any case).

    Raises DataError when there is no folder, no sound file, or none that is usable.
    """
    names = mixed(sound_files(folder))
    shots: list[OneShot] = []
    skipped: list[str] = []
    full = False
    begin, total = time.monotonic(), 0
    for name in names:
        found = read_sound(folder, name)
        if isinstance(found, str):
            skipped.append(found)
        else:
            shots.append(found)
            total += found.audio.size
        progress(len(shots), len(names))
        late = time.monotonic() - begin > seconds and len(shots) >= FEW_SOUNDS
        full = len(shots) >= most or total > MOST_SECONDS * SAMPLE_RATE
        if late or full:
            break
    if not shots:
        raise DataError(
            f"no usable sound in {folder} ({'; '.join(skipped[:3])}); expected audible files of "
            "5 ms to 60 s"
        )
    prints = np.stack([fingerprint(shot.audio, SAMPLE_RATE) for shot in shots])
    keys = [take_group(folder.name, shot.name) for shot in shots]
    # near-equal sounds are found across categories: a folder's labels are not to be trusted
    keep, groups = copies_and_groups(prints, np.zeros(len(shots), np.int64), keys)
    kept = np.flatnonzero(keep)
    return Folder(
        sounds=[shots[i].audio for i in kept],
        names=[shots[i].name for i in kept],
        held=held_out([shots[i].name for i in kept], groups[kept]),
        files=len(names),
        skipped=skipped,
        copies=len(shots) - len(kept),
        full=full,
    )


def mixed(names: Sequence[str]) -> list[str]:
    """The names in an order of their own hashes: any beginning of it is a fair sample."""
    return sorted(names, key=_hash)


def held_out(names: Sequence[str], groups: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Choose HELD_SHARE of the sounds, whole groups at a time; none of few sounds.

    Where groups are so large that this is impossible, single sounds are taken: then other takes
    of a held-out sound may be trained on.
    """
    held = np.zeros(len(names), bool)
    if len(names) < FEW_SOUNDS:
        return held
    wanted = max(FEWEST_HELD, round(HELD_SHARE * len(names)))
    first: dict[int, bytes] = {}
    for name, group in zip(names, groups.tolist(), strict=True):
        first[group] = min(_hash(name), first.get(group, _hash(name)))
    for group in sorted(first, key=first.__getitem__):
        members = groups == group
        if held.sum() + members.sum() <= 1.25 * wanted and held.sum() < wanted:
            held |= members
    if held.sum() < FEWEST_HELD:
        held[:] = False
        order = sorted(range(len(names)), key=lambda i: _hash(names[i]))
        held[order[:wanted]] = True
    return held


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
