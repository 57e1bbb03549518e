"""A beatbox or tapped recording as a drum pattern: onsets, drums, tempo, grid."""

from engine.patterns.beat.listen import heard_pattern

__all__ = ["heard_pattern"]
