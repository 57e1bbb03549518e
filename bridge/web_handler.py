"""What stands behind the web door: sounds, from the engine's side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ClipPeaks:
    """The outline of a clip for drawing.

    Attributes:
        sample_rate: of the clip.
        frames: of the clip.
        low, high: per channel, the least and greatest sample of each of `count` equal parts.
    """

    sample_rate: int
    frames: int
    low: Sequence[Sequence[float]]
    high: Sequence[Sequence[float]]


class WebHandler(Protocol):
    """The engine's side of the web door; called on worker threads, several at once.

    A method may take its time. An exception whose `code` attribute is `not_found` is answered
    with 404, any other with 500 and logged.
    """

    def clip_audio(self, clip: str, form: str) -> bytes:
        """A whole sound file; `form` is "wav" or "flac"."""

    def clip_peaks(self, clip: str, count: int) -> ClipPeaks:
        """The outline in `count` parts (fewer when the clip has fewer frames)."""
