"""Which operation a request asks for."""

from __future__ import annotations

from engine.errors import BadRange
from engine.operations.bench import Bench, Made
from engine.operations.between import interpolate
from engine.operations.circle import new_loop, vary_loop
from engine.operations.extend import extend
from engine.operations.inpaint import inpaint
from engine.operations.plain import new_sound, vary
from engine.operations.resynthesis import resynthesise
from engine.operations.sketch import follow_sketch
from engine.types import Continue, Inpaint, Interpolate, Sketch

__all__ = ["make"]


def make(bench: Bench) -> Made:
    """Make the variation. Raises BadRange, Cancelled and VoiceError."""
    request = bench.request
    operation = request.operation
    if isinstance(operation, Sketch):
        return follow_sketch(bench, operation)
    if operation is None:
        if request.source is None:
            return new_loop(bench) if request.loop else new_sound(bench)
        return vary_loop(bench) if request.loop else vary(bench)
    if request.source is None:
        name = type(operation).__name__.lower()
        raise BadRange(f"{name} needs a source; give a clip or a sound file")
    if isinstance(operation, Inpaint):
        return inpaint(bench, operation)
    if isinstance(operation, Continue):
        return extend(bench, operation)
    if isinstance(operation, Interpolate):
        return interpolate(bench, operation)
    return resynthesise(bench)
