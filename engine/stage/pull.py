"""How a transport is kept with a clock from outside without anybody hearing it."""

from __future__ import annotations

from typing import Final

JUMP_BEATS: Final = 0.25
"""Further away than this the transport jumps."""
_PULL: Final = 30.0
"""Beats a minute more for each beat that the transport is behind: half of it in a second."""
_MOST_PULL: Final = 0.1


def pulled(tempo: float, behind: float) -> float:
    """A tempo a little above or below the clock's, by how many beats the transport is behind."""
    most = tempo * _MOST_PULL
    return tempo + min(max(behind * _PULL, -most), most)
