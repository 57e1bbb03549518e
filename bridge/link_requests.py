"""What a plugin may ask over the link, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge import _native

FloatArray = npt.NDArray[np.float32]

DESCRIPTORS = ("brightness", "depth", "noisiness", "attack", "length", "loudness", "pitch")
"""Names of the descriptor fields in the order of the wire (cpp/link/records.h)."""

ALL_JOBS = -1


@dataclass(frozen=True, slots=True)
class LinkGenerate:
    """Make sounds. Values are as the plugin sent them: finite, but not checked for range.

    Attributes:
        job: chosen by the plugin, unique among the open jobs of its link, >= 0.
        voice: name, or empty for the engine's default.
        seed: None lets the engine choose.
        seconds: None takes the voice's default.
        note: MIDI note or None.
        guidance: None takes what is tuned into the voice.
        descriptors: name -> value that overrides the words; absent ones are missing.
        biases: name -> offset added to what the words say; zeros are missing.
        source: audio `(C, T)` float32 at `source_rate` hertz to vary, or None.
        source_clip: library id of the source, or empty.
        strength: 0 keeps the source, 1 ignores it.
        background: nobody waits for it (a pool is being filled).
        second: a second source like `source`, or None. With it the sounds lie between the two.
        second_rate, second_clip: as those of the first source.
        mix: places of the first and the last of `count` sounds between the two sources, 0..1.
        bars: length in bars instead of seconds, or None. `seconds` is then the same length.
        bar_quarters: quarter notes in a bar.
        bpm: quarter notes a minute.
        loop: the end must lead into the beginning without a seam.
    """

    job: int
    voice: str
    prompt: str
    negative: str
    seed: int | None
    steps: int
    count: int
    seconds: float | None
    note: int | None
    guidance: float | None
    strength: float
    descriptors: dict[str, float]
    biases: dict[str, float]
    source: FloatArray | None
    source_rate: int
    source_clip: str
    background: bool
    second: FloatArray | None = None
    second_rate: int = 0
    second_clip: str = ""
    mix: tuple[float, float] = (0.0, 0.0)
    bars: float | None = None
    bar_quarters: float = 4.0
    bpm: float = 120.0
    loop: bool = False


@dataclass(frozen=True, slots=True)
class LinkCancel:
    """Cancel `job`, or every job of this link when it is ALL_JOBS."""

    job: int


@dataclass(frozen=True, slots=True)
class LinkQueryStatus:
    """Answer with `LinkPeer.send_status`."""


LinkRequest = LinkGenerate | LinkCancel | LinkQueryStatus


def parse_generate(raw: _native.Request) -> LinkGenerate:
    """Turn a wire record into a request.

    Raises:
        ValueError: a number is not finite, or the upload does not match its announcement.
    """
    if not raw.source_complete:
        raise ValueError("The uploaded source is not the one announced; upload it again.")
    for name in ("seconds", "strength", "mix_first", "mix_last", "bars", "bar_quarters", "bpm"):
        if not np.isfinite(getattr(raw, name)):
            raise ValueError(f"{name} is {getattr(raw, name)}; send a finite number.")
    if raw.bars > 0 and not (raw.bpm > 0 and raw.bar_quarters > 0):
        raise ValueError(
            f"bars is {raw.bars:g} with bpm {raw.bpm:g} and bar_quarters {raw.bar_quarters:g}; "
            "send both above 0."
        )
    descriptors = dict(zip(DESCRIPTORS, raw.descriptors, strict=False))
    biases = dict(zip(DESCRIPTORS, raw.biases, strict=False))
    return LinkGenerate(
        job=raw.job,
        voice=raw.voice,
        prompt=raw.prompt,
        negative=raw.negative,
        seed=raw.seed if raw.seed >= 0 else None,
        steps=raw.steps,
        count=raw.count,
        seconds=raw.seconds if raw.seconds > 0 else None,
        note=raw.note if raw.note >= 0 else None,
        guidance=raw.guidance if np.isfinite(raw.guidance) else None,
        strength=raw.strength,
        descriptors={name: value for name, value in descriptors.items() if np.isfinite(value)},
        biases={name: value for name, value in biases.items() if np.isfinite(value) and value},
        source=raw.source,
        source_rate=round(raw.source_rate_hz) if raw.source is not None else 0,
        source_clip=raw.source_clip,
        background=raw.priority > 0,
        second=raw.second,
        second_rate=round(raw.second_rate_hz) if raw.second is not None else 0,
        second_clip=raw.second_clip,
        mix=(raw.mix_first, raw.mix_last),
        bars=raw.bars if raw.bars > 0 else None,
        bar_quarters=raw.bar_quarters,
        bpm=raw.bpm,
        loop=raw.loop > 0,
    )
