"""The OSC methods that work on clips, a part of the table in bridge.address_space."""

from __future__ import annotations

from typing import Final

from bridge import osc_requests as requests
from bridge.osc_arguments import (
    BARS,
    BPM,
    CLIP,
    COUNT,
    DURATION,
    GENERATE_DONE,
    JOB,
    JOB_REPLIES,
    LOOP,
    PROMPT,
    SEED,
    SOUND_RATE,
    STEPS,
    VOICE,
    points,
    words,
)
from bridge.osc_spec import Arg, Kind, Method

_F, _I, _S = Kind.FLOAT, Kind.INT, Kind.STRING
_OTHER_VOICE: Final = Arg(
    "voice", _S, "voice to use; left out: the clip's", optional=True, max_chars=VOICE.max_chars
)


def _operation(
    name: str, request: type, description: str, args: tuple[Arg, ...], keys: tuple[Arg, ...] = ()
) -> Method:
    return Method(
        f"/drift/{name}", request, description, args=(JOB, *args), keys=keys, replies=JOB_REPLIES,
        done=GENERATE_DONE, job=True,
    )  # fmt: skip


OPERATIONS: Final[tuple[Method, ...]] = (
    _operation(
        "inpaint", requests.InpaintCommand, "Make a region of a clip anew; the rest stays",
        (
            CLIP,
            Arg("start", _F, "begin of the region", unit="s", minimum=0, maximum=60),
            Arg("end", _F, "end of the region", unit="s", minimum=0, maximum=60),
        ),
        (
            Arg("strength", _F, "0 keeps what was there, 1 ignores it", minimum=0, maximum=1,
                default=1, optional=True),
            PROMPT, SEED, STEPS, COUNT,
        ),
    ),
    _operation(
        "continue", requests.ContinueCommand, "Go on from the end of a clip",
        (CLIP, Arg("seconds", _F, "how much longer", unit="s", minimum=0.01, maximum=60)),
        (PROMPT, SEED, STEPS, COUNT),
    ),
    _operation(
        "interpolate", requests.InterpolateCommand, "Make clips between two clips",
        (
            Arg("clip_a", _S, "id of the clip to go from", max_chars=64),
            Arg("clip_b", _S, "id of the clip to go to", max_chars=64),
            Arg("mix", _F, "0 is clip_a, 1 is clip_b", minimum=0, maximum=1, default=0.5,
                optional=True),
        ),
        (
            Arg("points", _I, "as many clips, evenly spaced with both ends, in place of mix; "
                "0 for mix", minimum=0, maximum=64, default=0, optional=True),
            PROMPT, SEED, STEPS,
        ),
    ),
    _operation(
        "sketch", requests.SketchCommand,
        "Make a clip that is as loud and as bright along time as another, or as drawn",
        (Arg("clip", _S, "id of the clip to follow; \"\" follows the drawn curves alone",
             max_chars=64, default="", optional=True),),
        (
            words("prompt", "what it should sound like", ""),
            points("loudness", "points 0..1 from begin to end, separated by spaces"),
            points("brightness", "points 0..1 from begin to end, separated by spaces"),
            DURATION, BARS, BPM, LOOP, SOUND_RATE, SEED, STEPS, COUNT, _OTHER_VOICE,
        ),
    ),
    _operation(
        "resynthesise", requests.ResynthesiseCommand, "Send a clip through a voice's codec",
        (CLIP,), (_OTHER_VOICE,),
    ),
    _operation(
        "again", requests.AgainCommand, "Make a clip again from its record", (CLIP,),
    ),
)  # fmt: skip
