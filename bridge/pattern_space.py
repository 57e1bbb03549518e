"""Rows of the table of OSC methods that make drum loops."""

from __future__ import annotations

from typing import Final

from bridge import pattern_requests as requests
from bridge.osc_spec import Arg, Kind, Method

_I, _F, _B, _S = Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.STRING
_REPLIES: Final = ("/drift/queued", "/drift/progress", "/drift/clip/added", "/drift/done")


def _file(name: str, description: str) -> Arg:
    return Arg(name, _S, description, optional=True, max_chars=1000, local_only=True)


_KEYS: Final = (
    _file("midi", "MIDI file on the engine's machine to take the pattern from"),
    _file("beat", "recording on the engine's machine, beatboxed or tapped, to take it from"),
    Arg("again", _S, "id of a loop to make again from its record; the other keys then do not count",
        optional=True, max_chars=64),
    Arg("bars", _I, "length; left out: 2, or the file's own", minimum=1, maximum=64,
        optional=True),
    Arg("bpm", _F, "tempo; left out: the style's or the file's own", minimum=20, maximum=400,
        optional=True),
    Arg("swing", _F, "place of the off step, from straight to late; left out: the style's own",
        minimum=0.5, maximum=0.75, optional=True),
    Arg("humanise", _F, "machine to loose; left out: the style's own", minimum=0, maximum=1,
        optional=True),
    Arg("fill", _B, "1: the last bar ends with a fill", default=False, optional=True),
    Arg("quantise", _F, "with beat: as played to on the grid", minimum=0, maximum=1, default=0.8,
        optional=True),
    Arg("grid", _I, "with beat: steps of a beat, 3 for triplets", minimum=1, maximum=24,
        default=4, optional=True),
    Arg("sounds", _S, "words for single drums, such as kick=deep 808 kick; snare=tight snare",
        default="", optional=True, max_chars=1000),
    Arg("voice", _S, "voice of the hits; left out: the engine's", optional=True, max_chars=100),
    Arg("rate", _I, "sample rate of the loop; 0: the voice's", unit="Hz", minimum=0,
        maximum=768_000, absent=0, optional=True),
    Arg("stereo", _B, "1: two channels, each drum at its place", default=False, optional=True),
)  # fmt: skip


def pattern_methods(job: Arg, clip: Arg, seed: Arg, steps: Arg) -> tuple[Method, ...]:
    """The rows, with the arguments that other methods have too."""
    return (
        Method(
            "/drift/pattern", requests.PatternCommand,
            "Make a seamless drum loop of generated hits, exact to the sample, and its MIDI file",
            args=(
                job,
                Arg("words", _S, "a style and how it sounds, such as dark boom bap; with midi or "
                    "beat only how it sounds", default="", optional=True, max_chars=500),
            ),
            keys=(*_KEYS, seed, steps), replies=_REPLIES, job=True,
            done=(
                Arg("clip", _S, "id of the loop; its parents are its hits"),
                Arg("milliseconds", _F, "time it took to make", unit="ms"),
                Arg("midi", _S, "MIDI file of the pattern, in the export folder"),
                Arg("unknown", _S, "words that decided nothing, joined by spaces"),
            ),
        ),
        Method(
            "/drift/clip/midi", requests.ClipMidi,
            "Write the pattern of a drum loop as a MIDI file",
            args=(
                clip,
                Arg("path", _S, "file to write; left out or \"\": a new name in the export folder",
                    default="", optional=True, max_chars=1000, local_only=True),
            ),
            replies=("/drift/done",), done=(Arg("path", _S, "file that was written"),),
        ),
    )  # fmt: skip
