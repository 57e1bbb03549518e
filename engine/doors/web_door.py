"""The web door: clips as files and outlines, from the engine."""

from __future__ import annotations

import numpy as np

from bridge.web_handler import ClipPeaks
from engine.audio_files import encode
from engine.jobs import Engine

_DECIMALS = 4


class WebDoor:
    """Implements `bridge.web_handler.WebHandler` for an engine. [web workers]"""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def clip_audio(self, clip: str, form: str) -> bytes:
        """A clip as a WAV or FLAC file of 24 bits; raises NotFound."""
        found = self._engine.clip(clip)
        return encode(found.audio, found.sample_rate, form=form)

    def clip_peaks(self, clip: str, count: int) -> ClipPeaks:
        """The outline of a clip; raises NotFound."""
        found = self._engine.clip(clip)
        frames = found.audio.shape[1]
        starts = np.linspace(0, frames, min(count, frames), endpoint=False).astype(np.int64)
        low = np.minimum.reduceat(found.audio, starts, axis=1)
        high = np.maximum.reduceat(found.audio, starts, axis=1)
        return ClipPeaks(
            sample_rate=found.sample_rate,
            frames=frames,
            low=np.round(low.astype(np.float64), _DECIMALS).tolist(),
            high=np.round(high.astype(np.float64), _DECIMALS).tolist(),
        )
