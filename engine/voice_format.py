"""The tables of voice.toml as frozen dataclasses: every key typed, ranged, and none unknown."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.errors import VoiceError
from engine.samplers import SAMPLERS

__all__ = [
    "ABSENT",
    "FORMAT",
    "Audio",
    "Codec",
    "Conditioning",
    "Network",
    "Sampling",
    "Tables",
    "table_as",
]

FORMAT = 1
ABSENT = -1.0
"""In an example: the sound has no such descriptor (noise has no pitch)."""
RANKS = 5
"""Points of a category's rank table: the 5, 25, 50, 75 and 95 % quantiles."""

T = TypeVar("T")


@dataclass(frozen=True)
class Audio:
    """[audio]: what comes out."""

    sample_rate: int
    channels: int
    default_seconds: float
    max_seconds: float


@dataclass(frozen=True)
class Codec:
    """[codec]: latents and spectra.

    latent_dims: D. hop_frames: audio samples a latent frame. shortest_frames, longest_frames:
    lengths the denoiser was trained on, in latent frames; shorter sounds are cut from the
    shortest, longer ones end in silence. The rest: the STFTs before and after the graphs.
    """

    latent_dims: int
    hop_frames: int
    shortest_frames: int
    longest_frames: int
    encoder_fft: int
    encoder_hop: int
    decoder_fft: int
    decoder_hop: int


@dataclass(frozen=True)
class Sampling:
    """[sampling]: how the denoiser wants to be used.

    folded: guidance is an input of the network and costs nothing; otherwise a scale other than 1
    costs a second network call a step. guidance: default and range.
    """

    sampler: str
    folded: bool
    steps: tuple[int, ...]
    default_steps: int
    time_shift: float
    guidance: float
    guidance_low: float
    guidance_high: float


@dataclass(frozen=True)
class Conditioning:
    """[conditioning]: names in the order of the network's inputs, and their scales.

    quantiles: for each descriptor, raw values at even ranks 0..1 (its unit as measured).
    ranks: for each category, for each descriptor, the ranks that its quietest to loudest,
    darkest to brightest ... sounds reach (RANKS points); absent when it had too few sounds.
    examples: for some categories ("" = none asked for), the descriptors of real sounds, one row
    each, ranks 0..1 or ABSENT: what a sound is like where nothing is said.
    """

    categories: tuple[str, ...]
    descriptors: tuple[str, ...]
    quantiles: tuple[tuple[float, ...], ...]
    ranks: Mapping[str, tuple[tuple[float, ...], ...]]
    examples: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """[denoiser], [autoencoder]: registered name and settings, to rebuild it in torch."""

    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Tables:
    """The whole of voice.toml."""

    format: int
    name: str
    version: str
    licence: str
    recipe: str
    audio: Audio
    codec: Codec
    sampling: Sampling
    conditioning: Conditioning
    denoiser: Network
    autoencoder: Network
    files: Mapping[str, str]
    description: str = field(default="")


def read_tables(table: Mapping[str, Any], where: str) -> Tables:
    """Checks a parsed voice.toml. Raises VoiceError naming the key, the value and the remedy."""
    tables = table_as(Tables, table, where)
    _check(tables, where)
    return tables


def _check(tables: Tables, where: str) -> None:
    if tables.format != FORMAT:
        raise VoiceError(f"{where}: format is {tables.format}; expected {FORMAT}")
    if not tables.name or not all(c.isalnum() or c in "-_" for c in tables.name):
        raise VoiceError(f"{where}: name is {tables.name!r}; use letters, digits, - and _")
    audio, codec, sampling = tables.audio, tables.codec, tables.sampling
    for name, value, low, high in (
        ("audio.sample_rate", audio.sample_rate, 8_000, 192_000),
        ("audio.channels", audio.channels, 1, 2),
        ("audio.max_seconds", audio.max_seconds, 0.1, 600.0),
        ("audio.default_seconds", audio.default_seconds, 0.05, audio.max_seconds),
        ("codec.latent_dims", codec.latent_dims, 1, 1024),
        ("codec.hop_frames", codec.hop_frames, 16, 16_384),
        ("codec.shortest_frames", codec.shortest_frames, 1, 10_000),
        ("codec.longest_frames", codec.longest_frames, codec.shortest_frames, 100_000),
        ("codec.encoder_fft", codec.encoder_fft, 32, 65_536),
        ("codec.encoder_hop", codec.encoder_hop, 16, 16_384),
        ("codec.decoder_fft", codec.decoder_fft, 32, 65_536),
        ("codec.decoder_hop", codec.decoder_hop, 16, 16_384),
        ("sampling.default_steps", sampling.default_steps, 1, 1000),
        ("sampling.time_shift", sampling.time_shift, 0.01, 100.0),
        ("sampling.guidance_low", sampling.guidance_low, 0.1, 100.0),
        ("sampling.guidance_high", sampling.guidance_high, sampling.guidance_low, 100.0),
        ("sampling.guidance", sampling.guidance, sampling.guidance_low, sampling.guidance_high),
    ):
        if not low <= value <= high:
            raise VoiceError(f"{where}: {name} is {value}; expected {low} to {high}")
    for name, fft, hop in (
        ("encoder", codec.encoder_fft, codec.encoder_hop),
        ("decoder", codec.decoder_fft, codec.decoder_hop),
    ):
        if fft % hop or (fft - hop) % 2 or fft < 2 * hop or codec.hop_frames % hop:
            raise VoiceError(
                f"{where}: {name}_fft {fft} with {name}_hop {hop} and hop_frames "
                f"{codec.hop_frames}; each must be a multiple of the hop, fft at least twice it"
            )
    if sampling.sampler not in SAMPLERS:
        raise VoiceError(
            f"{where}: sampling.sampler is {sampling.sampler!r}; "
            f"expected one of {', '.join(sorted(SAMPLERS))}"
        )
    _check_conditioning(tables.conditioning, where)


def _check_conditioning(conditioning: Conditioning, where: str) -> None:
    kinds = len(conditioning.descriptors)
    for name, names in (
        ("categories", conditioning.categories),
        ("descriptors", conditioning.descriptors),
    ):
        if len(set(names)) != len(names) or len(names) > 4096:
            raise VoiceError(f"{where}: conditioning.{name} has repeated or too many names")
    tables = [
        ("quantiles", conditioning.quantiles, 2),
        *((f"ranks.{name}", ranks, RANKS) for name, ranks in conditioning.ranks.items()),
    ]
    for name, rows, least in tables:
        if len(rows) != kinds or any(len(row) < least for row in rows):
            raise VoiceError(
                f"{where}: conditioning.{name} needs {kinds} rows of at least {least} numbers"
            )
    for name in conditioning.ranks:
        if name not in conditioning.categories:
            raise VoiceError(f"{where}: conditioning.ranks names the unknown category {name!r}")
    for name, examples in conditioning.examples.items():
        if name and name not in conditioning.categories:
            raise VoiceError(f"{where}: conditioning.examples names the unknown category {name!r}")
        for row in examples:
            if len(row) != kinds or not all(v == ABSENT or 0.0 <= v <= 1.0 for v in row):
                raise VoiceError(
                    f"{where}: conditioning.examples.{name} needs rows of {kinds} numbers, each 0 "
                    f"to 1, or {ABSENT:g} for none"
                )


def table_as(kind: type[T], table: Any, where: str) -> T:
    """A TOML table as the dataclass ``kind``; VoiceError names the key that is wrong."""
    if not isinstance(table, Mapping):
        raise VoiceError(f"{where} is {_shown(table)}; expected a table")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise VoiceError(f"{where} has the unknown key {_shown(key)}{hint}")
    for name, f in fields.items():
        no_default = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if name not in table and no_default:
            raise VoiceError(f"{where} lacks {name!r}")
    return kind(**{key: _value(hints[key], table[key], f"{where}: {key}") for key in table})


def _value(hint: Any, value: Any, where: str) -> Any:
    """`value` as the type `hint`, or VoiceError."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return table_as(typing.cast(type[Any], hint), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise VoiceError(f"{where} is {_shown(value)}; expected a list")
        return tuple(_value(parts[0], item, where) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise VoiceError(f"{where} is {_shown(value)}; expected a table")
        return types.MappingProxyType(
            {key: _value(parts[1], item, f"{where}.{key}") for key, item in value.items()}
        )
    if hint is Any:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return _finite(float(value) if abs(value) < 2**53 else math.inf, where)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise VoiceError(f"{where} is {_shown(value)}; expected {hint.__name__}")
    return _finite(value, where) if hint is float else value


def _finite(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise VoiceError(f"{where} is {value}; expected a finite number")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
