"""One request of every kind, for tests that go through all of them."""

from __future__ import annotations

from typing import Any

from engine.types import Continue, GenerateRequest, Inpaint, Interpolate, Resynthesise, Sketch

EVERY_OPERATION: dict[str, dict[str, Any]] = {
    "generate": {"prompt": "short dark snare", "negative": "bright"},
    "at another rate": {"prompt": "kick", "rate": 48_000, "seconds": 0.3, "note": 40},
    "knobs": {"descriptors": {"brightness": 0.7}, "biases": {"depth": 0.3}, "guidance": 2.0},
    "loop": {"prompt": "texture", "seconds": 0.8, "loop": True},
    "long loop": {"prompt": "texture", "seconds": 3.1, "loop": True},
    "bars": {"prompt": "kick", "bars": 0.5, "bpm": 123.4, "beats": 3, "loop": True},
    "morph": {"prompt": "kick", "morph": "snare", "mix": 0.3},
    "vary": {"source": 1, "strength": 0.4},
    "vary at 0": {"source": 1, "strength": 0.0},
    "vary as a loop": {"source": 1, "strength": 0.3, "loop": True},
    "inpaint": {"source": 1, "operation": Inpaint(0.1, 0.2)},
    "continue": {"source": 1, "operation": Continue(0.2)},
    "interpolate": {"source": 1, "other": 2, "operation": Interpolate(points=4), "count": 4},
    "between": {"source": 1, "other": 2, "operation": Interpolate(mix=0.4)},
    "sketch": {"source": 1, "prompt": "snare", "operation": Sketch()},
    "drawn sketch": {"seconds": 0.4, "operation": Sketch((1.0, 0.2, 0.7), (0.3, 0.6))},
    "resynthesise": {"source": 1, "operation": Resynthesise()},
}
"""Name -> fields of a request; the source and the other are numbers of sounds."""


def request_of(name: str, **changes: Any) -> GenerateRequest:
    """The request called `name`; `changes` replace its fields, also those of its sources."""
    values = {"voice": "tiny", "seed": 11, "steps": 2, **EVERY_OPERATION[name]}
    for which in ("source", "other"):
        if which in values and which not in changes:
            del values[which]
    return GenerateRequest(**{**values, **changes})
