"""Find or make the shard a recipe trains on: sounds, and latents or codes of them when it asks.

A made shard lies in the run's folder beside a key of what went into it, and is made anew only
when that changes. What imports soundfile is imported here only when sounds must be read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import DataError, RecipeError
from engine.training.checkpoint import replace_file
from engine.training.recipe import Recipe

if TYPE_CHECKING:
    from engine.training.oneshots import OneShot

Say = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Ingredients:
    """What training data is made of."""

    data: Path | None  # folder of sounds, or a shard (.npz); None = synthesised ones alone
    soundfonts: tuple[Path, ...]
    synthesise: float  # about 1,040 x this many synthesised drums
    codec: Path | None  # model file of the codec, for recipes over latents
    versions: int  # of each sound in a latent shard


def prepared(recipe: Recipe, ingredients: Ingredients, out: Path, say: Say) -> Path:
    """Return the path of the shard of the kind the recipe trains on, made first if need be."""
    wanted = recipe.data.spec.name
    data = ingredients.data
    if data is not None and data.suffix == ".npz":
        if not data.exists():
            raise DataError(f"no shard {data}; expected a folder of sounds or a .npz shard")
        if wanted == "mixtures" or (wanted != "audio" and ingredients.codec is None):
            return data
        sounds = data
    elif wanted == "mixtures":
        return _mixtures(ingredients, out, say)
    else:
        sounds = _sounds(ingredients, out, say)
    if wanted == "audio":
        return _at_rate(recipe.data.settings.sample_rate, sounds, out, say)
    if ingredients.codec is None:
        raise RecipeError(
            f"recipe {recipe.name!r} trains on {wanted}; add --codec MODEL, the model file of a "
            f"trained codec, or give --data a shard of {wanted}"
        )
    return _encoded(recipe, ingredients, sounds, out, say)


def _sounds(ingredients: Ingredients, out: Path, say: Say) -> Path:
    from engine.training.oneshots import from_folder, from_soundfont, from_synthesis
    from engine.training.prepare import write_shard

    path = out / "sounds.npz"
    key = _key_of_sounds(ingredients)
    if _is_current(path, key):
        return path
    skipped: list[str] = []

    def shots() -> Iterator[OneShot]:
        if ingredients.data is not None:
            yield from from_folder(ingredients.data, skipped)
        if ingredients.synthesise > 0:
            yield from from_synthesis(ingredients.synthesise)
        for soundfont in ingredients.soundfonts:
            yield from from_soundfont(soundfont)

    def progress(count: int) -> None:
        if count % 500 == 0:
            say({"sounds_read": count})

    try:
        summary = write_shard(shots(), path, progress)
    except DataError as error:
        reasons = "; ".join(skipped[:3])
        raise DataError(f"{error} ({reasons})" if reasons else str(error)) from error
    for line in skipped:
        say({"skipped": line})
    _mark_current(path, key)
    say({"sounds": summary.sounds, "copies_dropped": summary.copies,
         "held_out": summary.held_out, "seconds": round(summary.seconds, 1)})  # fmt: skip
    return path


def _mixtures(ingredients: Ingredients, out: Path, say: Say) -> Path:
    from engine.training.mixture_sounds import gather, write_mixture_shard

    path = out / "mixtures.npz"
    key = f"mixtures {_key_of_sounds(ingredients)}"
    if _is_current(path, key):
        return path

    def progress(count: int) -> None:
        if count % 500 == 0:
            say({"sounds_read": count})

    count = write_mixture_shard(gather(ingredients.data, ingredients.soundfonts), path, progress)
    _mark_current(path, key)
    say({"sounds": count})
    return path


def _at_rate(sample_rate: int, sounds: Path, out: Path, say: Say) -> Path:
    """The shard of sounds at the rate that a recipe wants, 0 = its own."""
    from engine.training.audio_shard import read_shard
    from engine.training.resampling import resampled_shard

    if not sample_rate:
        return sounds
    path = out / f"sounds-{sample_rate}.npz"
    state = sounds.stat()
    key = repr((str(sounds), state.st_size, state.st_mtime_ns, sample_rate))
    if _is_current(path, key):
        return path
    table = read_shard(sounds)
    if int(table["sample_rate"]) == sample_rate:
        return sounds
    say({"resampling_to": sample_rate})
    made = resampled_shard(table, sample_rate)
    replace_file(path, lambda file: np.savez(file, **made))
    _mark_current(path, key)
    return path


def _encoded(recipe: Recipe, ingredients: Ingredients, sounds: Path, out: Path, say: Say) -> Path:
    from engine.training.audio_shard import AudioSettings, AudioShard
    from engine.training.codec_model import load_codec
    from engine.training.encode import write_codes, write_latents

    assert ingredients.codec is not None
    wanted = recipe.data.spec.name
    path = out / f"{wanted}.npz"
    write = {"latents": write_latents, "codes": write_codes}[wanted]
    state = sounds.stat()
    codec_state = ingredients.codec.stat() if ingredients.codec.exists() else None
    key = repr((str(sounds), state.st_size, state.st_mtime_ns, str(ingredients.codec),
                codec_state and codec_state.st_mtime_ns, ingredients.versions))  # fmt: skip
    if _is_current(path, key):
        return path
    network, codec = load_codec(ingredients.codec)

    def progress(done: int, total: int) -> None:
        if done % 500 == 0 or done == total:
            say({"encoded": done, "of": total})

    shard = AudioShard(AudioSettings(), sounds)
    write(network, codec, shard, path, ingredients.versions, progress)
    _mark_current(path, key)
    return path


def _key_of_sounds(ingredients: Ingredients) -> str:
    """Names, sizes and times of all files, and what is added to them."""
    digest = hashlib.sha256()
    data = ingredients.data
    if data is not None and not data.is_dir():
        raise DataError(f"no folder {data}; expected a folder of audio files")
    files = sorted(p for p in data.rglob("*") if p.is_file()) if data is not None else []
    for path in [*files, *ingredients.soundfonts]:
        if not path.exists():
            raise DataError(f"no soundfont {path}; expected an .sf2 or .sf3 file")
        state = path.stat()
        digest.update(f"{path}:{state.st_size}:{state.st_mtime_ns};".encode())
    digest.update(repr(ingredients.synthesise).encode())
    return digest.hexdigest()


def _is_current(path: Path, key: str) -> bool:
    mark = path.with_suffix(".key")
    return path.exists() and mark.exists() and mark.read_text(encoding="utf-8") == key


def _mark_current(path: Path, key: str) -> None:
    path.with_suffix(".key").write_text(key, encoding="utf-8")
