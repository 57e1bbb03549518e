"""Arguments that several OSC methods share."""

from __future__ import annotations

from typing import Final

from bridge.osc_spec import Arg, Kind

_I, _F, _B, _S = Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.STRING
_INT32_MAX: Final = 2**31 - 1

JOB = Arg("job", _I, "id chosen by the sender, -1 for the server's", minimum=-1, maximum=_INT32_MAX)
CLIP = Arg("clip", _S, "id of a clip, as /drift/clip/added gave it", max_chars=64)
VOICE = Arg("voice", _S, "name of a voice, as /drift/voice/list gives it", max_chars=100)
NUMBER = Arg(
    "number", _I, "any number; it comes back", minimum=-(2**31), maximum=_INT32_MAX, default=0,
    optional=True,
)  # fmt: skip
COUNT = Arg("count", _I, "variations", minimum=1, maximum=64, default=1, optional=True)
STRENGTH = Arg(
    "strength", _F, "0 keeps the source, 1 ignores it", minimum=0, maximum=1, default=0.5,
    optional=True,
)  # fmt: skip
SEED = Arg(
    "seed", _I, "the same seed gives the same sound; -1 lets the engine choose",
    minimum=-1, maximum=2**63 - 1, absent=-1, optional=True,
)  # fmt: skip
STEPS = Arg("steps", _I, "sampler steps", minimum=1, maximum=64, optional=True)


def words(name: str, description: str, default: str | None) -> Arg:
    return Arg(name, _S, description, default=default, optional=True, max_chars=500)


def descriptor(name: str, description: str) -> Arg:
    return Arg(name, _F, description, minimum=0, maximum=1, optional=True)


def points(name: str, description: str) -> Arg:
    """Numbers in one string, as a client without arrays can send them."""
    return Arg(name, _S, description, default="", optional=True, max_chars=1200)


LOOP = Arg("loop", _B, "1: end and beginning join without a seam", default=False, optional=True)
BARS = Arg(
    "bars", _F, "length in bars of four beats, exact to the sample; needs bpm",
    minimum=1 / 64, maximum=1024, optional=True,
)  # fmt: skip
BPM = Arg(
    "bpm", _F, "tempo of bars, 10 to 1000", unit="1/min", minimum=1, maximum=1000, optional=True
)
SOUND_RATE = Arg(
    "rate", _I, "sample rate, from 4000; left out or 0: the source's, else the voice's",
    unit="Hz", minimum=0, maximum=768_000, absent=0, optional=True,
)  # fmt: skip
DURATION = Arg("duration", _F, "length of the clip", unit="s", minimum=0.1, maximum=60,
               optional=True)  # fmt: skip
PROMPT = words("prompt", "new words; left out: those of the clip", None)
JOB_REPLIES: Final = (
    "/drift/queued", "/drift/progress", "/drift/clip/added", "/drift/done",
)  # fmt: skip
GENERATE_DONE: Final = (
    Arg("count", _I, "variations made"),
    Arg("milliseconds", _F, "time from request to done", unit="ms"),
    Arg("understood", _S, "prompt words that decided something, joined by spaces"),
    Arg("unknown", _S, "prompt words that decided nothing, joined by spaces"),
)
