"""A clip without its noise: a new clip, whose record says how it was made and of what."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.denoising.voice import Denoiser
from engine.denoising.whole import split
from engine.errors import BadRange
from engine.library.importing import IMPORT
from engine.types import Clip

__all__ = ["DenoiseOptions", "DenoisedClip", "denoised_clip"]


@dataclass(frozen=True)
class DenoiseOptions:
    """amount_db: dB; learn: seconds of a passage of noise alone; delta: keep what is removed."""

    amount_db: float
    learn: tuple[float, float] | None = None
    delta: bool = False
    quality: str = "live"


@dataclass(frozen=True)
class DenoisedClip:
    """The new clip, and how much lower its level is (of what stays, also with delta)."""

    clip: Clip
    reduction_db: float


def denoised_clip(
    clip: Clip, denoiser: Denoiser, options: DenoiseOptions, progress: Callable[[float], None]
) -> DenoisedClip:
    """Denoise a clip; its voice is that of imports, because no voice makes it again from words.

    progress hears the share that is done, and what it raises ends the work. Raises BadRange.
    """
    begin = time.monotonic()
    noise = None
    if options.learn is not None:
        first, last = (round(seconds * clip.sample_rate) for seconds in options.learn)
        if not 0 <= first < last <= clip.audio.shape[1]:
            raise BadRange(
                f"learn {options.learn[0]:g}:{options.learn[1]:g} s; expected a passage inside of "
                f"the clip's {clip.seconds:.3f} s, its start before its end"
            )
        noise = clip.audio[:, first:last]
    parts = split(
        clip.audio, clip.sample_rate, denoiser, options.amount_db,
        noise=noise, quality=options.quality, progress=progress,
    )  # fmt: skip
    audio = parts.removed if options.delta else parts.wet
    before, after = (float((x.astype(np.float64) ** 2).sum()) for x in (clip.audio, parts.wet))
    facts: dict[str, object] = {
        "denoiser": denoiser.name, "hash": denoiser.hash, "amount_db": options.amount_db,
        "learn": list(options.learn) if options.learn else None, "delta": options.delta,
        "quality": options.quality,
    }  # fmt: skip
    made = Clip(
        id=uuid.uuid4().hex,
        audio=np.clip(audio, -1.0, 1.0 - 2.0**-23).astype(np.float32),
        sample_rate=clip.sample_rate,
        seed=0,
        index=0,
        voice=IMPORT,
        voice_hash="",
        prompt=clip.prompt,
        negative="",
        steps=0,
        words_understood=(),
        words_unknown=(),
        conditions={"denoise": facts},
        parents=(clip.id,),
        milliseconds=(time.monotonic() - begin) * 1000.0,
        created=time.time(),
    )
    fall = 10.0 * np.log10((before + 1e-20) / (after + 1e-20)) if before > 1e-20 else 0.0
    return DenoisedClip(made, float(fall))
