"""Pack an audio shard small enough to carry: python -m engine.training.pack SOUNDS.npz PACKED.npz.

Lossless and read with numpy and the standard library alone: second differences of the samples,
low and high bytes apart, LZMA. Synthesised sounds are left out and made again when unpacking.
"""

from __future__ import annotations

import lzma
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from engine import console
from engine.training.audio_shard import read_shard
from engine.training.categories import CATEGORIES
from engine.training.checkpoint import replace_file
from engine.training.oneshots import from_synthesis

_PER_SOUND = ("start", "length", "category", "descriptors", "held_out", "group", "name", "source")
_FADE = 2205  # samples: how a sound cut by --seconds ends


def pack(table: dict[str, NDArray[Any]], longest: int) -> dict[str, NDArray[Any]]:
    """Return what the packed file holds; sounds longer than ``longest`` samples are cut."""
    parts, lengths = [], table["length"].copy()
    for row, start in enumerate(table["start"]):
        if table["source"][row] == "synthesis":
            lengths[row] = 0
            continue
        sound = table["audio"][start : start + lengths[row]].astype(np.int32)
        if sound.size > longest:
            sound = sound[:longest]
            fade = np.linspace(1, 0, min(_FADE, longest)) ** 2
            sound[-fade.size :] = np.round(sound[-fade.size :] * fade)
            lengths[row] = longest
        # second differences wrap in 16 bits; the sums of unpacking wrap back
        residual = np.diff(sound, n=2, prepend=[0, 0]).astype(np.int16)
        folded = ((residual << 1) ^ (residual >> 15)).astype(np.uint16)
        parts.append(folded)
    whole = np.concatenate(parts) if parts else np.zeros(0, np.uint16)
    streams = ((whole & 255).astype(np.uint8), (whole >> 8).astype(np.uint8))
    packed = [np.frombuffer(lzma.compress(s.tobytes(), preset=4), np.uint8) for s in streams]
    kept = {name: table[name] for name in _PER_SOUND} | {"length": lengths}
    rest = {"quantiles": table["quantiles"], "sample_rate": table["sample_rate"]}
    return {**kept, **rest, "low": packed[0], "high": packed[1]}


def unpack(packed: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the audio shard that ``pack`` was given (long sounds stay cut)."""
    low, high = (
        np.frombuffer(lzma.decompress(packed[name].tobytes()), np.uint8) for name in ("low", "high")
    )
    folded = low.astype(np.uint16) | (high.astype(np.uint16) << 8)
    residual = ((folded >> 1) ^ (~(folded & 1) + 1)).astype(np.int16)
    names = [str(name) for name in packed["name"]]
    made = _synthesised({n for n in names if n.startswith("synth/")})
    parts, at = [], 0
    for row, count in enumerate(packed["length"]):
        if packed["source"][row] == "synthesis":
            parts.append(made[names[row]])
            continue
        once = np.cumsum(residual[at : at + count], dtype=np.int64)
        parts.append(np.cumsum(once, dtype=np.int64).astype(np.int16))
        at += int(count)
    length = np.array([part.size for part in parts])
    start = np.concatenate([[0], np.cumsum(length)[:-1]])
    kept = {k: v for k, v in packed.items() if k not in ("low", "high")}
    return {**kept, "audio": np.concatenate(parts), "start": start, "length": length}


def _synthesised(names: set[str]) -> dict[str, NDArray[np.int16]]:
    """Make the named synthesised drums again: synth/CATEGORY/INDEX of the smallest set with all."""
    found: dict[str, NDArray[np.int16]] = {}
    scale = 0.2
    while names - found.keys():
        found = {
            shot.name: np.round(shot.audio * 32767.0).astype(np.int16)
            for shot in from_synthesis(scale)
        }
        scale += 0.2
    return found


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--seconds", default=2.0, show_default=True, help="Cut longer sounds, packing.")
def command(source: Path, target: Path, seconds: float) -> None:
    """Pack the audio shard SOURCE into TARGET, or unpack a packed SOURCE into the shard TARGET."""
    with source.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        is_packed = "low" in file.files
        packed = {name: file[name] for name in file.files} if is_packed else {}
    if is_packed:
        table = unpack(packed)
    else:
        shard = read_shard(source)
        table = pack(shard, int(seconds * int(shard["sample_rate"])))
    replace_file(target, lambda out: np.savez(out, allow_pickle=False, **table))
    console.note(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {len(CATEGORIES)} categories")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the packer; returns the exit status."""
    return console.run(command, argv, "pack")


if __name__ == "__main__":
    sys.exit(main())
