"""`vary`, `inpaint`, `continue`, `interpolate`, `sketch`, `resynthesise`, `again`: work on sounds.

A SOURCE is a sound file, or the id of a clip in the library (its first four digits or more).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np

from engine import console
from engine.audio_files import WAV_COMMENT_BYTES, encode, read_audio
from engine.config import Settings, resolve
from engine.errors import AudioFileError, NotFound, UsageError
from engine.generate import file_stem, run_generate, tell, write_beside
from engine.library import ClipRecord, Library, record_json
from engine.library.importing import IMPORT
from engine.logs import start_logging
from engine.types import (
    Continue,
    FloatArray,
    GenerateRequest,
    Inpaint,
    Interpolate,
    Resynthesise,
    Sketch,
)
from engine.voice import find_voice

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_MOST_SECONDS = 60.0


@dataclass(frozen=True)
class Source:
    """A sound to work on: audio `(C, T)` of a file, or a clip's record."""

    name: str
    audio: FloatArray | None = None
    sample_rate: int = 0
    record: ClipRecord | None = None

    @property
    def clip_id(self) -> str:
        """The clip's id; empty for a file."""
        return self.record.id if self.record else ""


@dataclass(frozen=True)
class Common:
    """What every operation is told besides its own."""

    prompt: str | None
    negative: str
    voice: str | None
    seed: int | None
    steps: int | None
    rate: int | None
    out: str
    aloud: bool
    as_json: bool
    settings: Settings


def operation(command: Decorated) -> Decorated:
    """The flags that every operation has."""
    flags = (
        click.option("--voice", metavar="NAME", help="Voice [default: the clip's, else drums]."),
        click.option("--negative", default="", metavar="WORDS", help="Words to move away from."),
        click.option("--seed", type=int, help="The same seed gives the same files."),
        click.option("--steps", type=int, help="Sampler steps [default: the voice's own]."),
        click.option("--rate", type=int, metavar="HZ", help="Rate [default: the source's]."),
        click.option("--out", default=".", metavar="DIR", help="Folder [default: here]."),
        click.option("--play", "aloud", is_flag=True, help="Play the sounds when finished."),
        console.library_option,
        console.device_option,
        console.json_option,
    )
    for flag in reversed(flags):
        command = flag(command)
    return command


prompt_option = click.option(
    "--prompt", metavar="WORDS", help="What it should sound like [default: the clip's words]."
)
count_option = click.option("--count", type=int, default=1, show_default=True, help="Variations.")
source_argument = click.argument("source", metavar="SOURCE")


@click.group("operate")
def command() -> None:
    """Work on sounds: a SOURCE is a sound file or the id of a clip."""


@command.command("vary")
@source_argument
@prompt_option
@click.option(
    "--strength", type=float, default=0.5, show_default=True, help="0 keeps it, 1 ignores it."
)
@click.option("--loop", is_flag=True, help="End and beginning join without a seam.")
@click.option("--bars", type=float, help="Length in bars, exact to the sample; needs --bpm.")
@click.option("--bpm", type=float, help="Tempo of --bars.")
@count_option
@operation
def vary(
    source: str, strength: float, loop: bool, bars: float | None, bpm: float | None, count: int,
    **flags: Any,
) -> None:  # fmt: skip
    """Make variations of a sound, near to it or far.

    With --strength 0 --loop, a sound becomes a loop and is otherwise left as it is.
    """
    common = _common(flags)
    request = GenerateRequest(strength=strength, loop=loop, bars=bars, bpm=bpm, count=count)
    _run(common, request, "vary", _source(source, common.settings))


@command.command("inpaint")
@source_argument
@click.argument("start", type=float)
@click.argument("end", type=float)
@prompt_option
@click.option(
    "--strength", type=float, default=1.0, show_default=True, help="0 keeps what was there."
)
@count_option
@operation
def inpaint(
    source: str, start: float, end: float, strength: float, count: int, **flags: Any
) -> None:
    """Make a sound anew from START to END, in seconds; the rest stays to the bit."""
    common = _common(flags)
    request = GenerateRequest(operation=Inpaint(start, end, strength), count=count)
    _run(common, request, "inpaint", _source(source, common.settings))


@command.command("continue")
@source_argument
@click.argument("seconds", type=float)
@prompt_option
@count_option
@operation
def continue_(source: str, seconds: float, count: int, **flags: Any) -> None:
    """Go on from the end of a sound for SECONDS; what was there stays."""
    common = _common(flags)
    request = GenerateRequest(operation=Continue(seconds), count=count)
    _run(common, request, "continue", _source(source, common.settings))


@command.command("interpolate")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--points", type=int, default=5, show_default=True, help="Sounds, both ends too.")
@click.option("--mix", type=float, metavar="0..1", help="One sound at this place instead.")
@prompt_option
@operation
def interpolate(first: str, second: str, points: int, mix: float | None, **flags: Any) -> None:
    """Make sounds between A and B; the first is A and the last is B, to the bit."""
    common = _common(flags)
    between = Interpolate(points) if mix is None else Interpolate(mix=mix)
    request = GenerateRequest(operation=between, count=points if mix is None else 1)
    ends = (_source(end, common.settings) for end in (first, second))
    _run(common, request, "interpolate", *ends)


@command.command("sketch")
@source_argument
@click.argument("prompt")
@click.option("--loop", is_flag=True, help="End and beginning join without a seam.")
@click.option("--seconds", type=float, help="Length [default: the recording's].")
@click.option("--bars", type=float, help="Length in bars, exact to the sample; needs --bpm.")
@click.option("--bpm", type=float, help="Tempo of --bars.")
@count_option
@operation
def sketch(
    source: str, loop: bool, seconds: float | None, bars: float | None, bpm: float | None,
    count: int, **flags: Any,
) -> None:  # fmt: skip
    """Make a sound of PROMPT that is as loud and as bright along time as SOURCE.

    SOURCE is a recording, such as a beatbox, or a file NAME.json with drawn curves: "loudness"
    and "brightness", each a list of points 0..1 from begin to end.
    """
    common = _common(flags)
    request = GenerateRequest(loop=loop, seconds=seconds, bars=bars, bpm=bpm, count=count)
    if source.endswith(".json"):
        _run(common, replace(request, operation=_drawn(Path(source))), "sketch")
        return
    _run(common, replace(request, operation=Sketch()), "sketch", _source(source, common.settings))


@command.command("resynthesise")
@source_argument
@operation
def resynthesise(source: str, **flags: Any) -> None:
    """Send any sound through a voice's codec, to latents and back."""
    common = _common(flags)
    request = GenerateRequest(operation=Resynthesise())
    _run(common, request, "resynthesise", _source(source, common.settings))


@command.command("again")
@click.argument("clip", metavar="ID")
@click.option("--out", default=".", metavar="DIR", help="Folder for the file [default: here].")
@console.library_option
@console.device_option
@console.json_option
def again(clip: str, out: str, library: str | None, device: str | None, as_json: bool) -> None:
    """Make a clip again from its record and say whether it is the same, bit for bit."""
    from engine.jobs import make_again
    from engine.open_engine import open_engine

    settings = resolve({"library": library, "device": device})
    start_logging(settings.log_format, "warning")
    with Library(settings.library) as clips:
        record = clips.record(clips.resolve(clip))
        engine = open_engine(settings, clips)
        try:
            made = make_again(record, engine)
        finally:
            engine.close()
        try:
            same = bool(np.array_equal(clips.get(record.id).audio, made.audio))
        except NotFound:
            same = False
    text = record_json(record, repeatable=True, max_bytes=WAV_COMMENT_BYTES)
    data = encode(made.audio, made.sample_rate, form="wav", record=text)
    Path(out).mkdir(parents=True, exist_ok=True)
    stem = file_stem(record.prompt, record.voice)
    path = write_beside(Path(out), f"{stem}_{record.id[:8]}", data)
    if as_json:
        console.print_json({"clip": record.id, "file": str(path), "identical": same})
        return
    click.echo(f"{path}  {'the same, bit for bit' if same else 'differs from the stored clip'}")


def _common(flags: dict[str, Any]) -> Common:
    settings = resolve(
        {"voice": flags["voice"], "library": flags["library"], "device": flags["device"]}
    )
    start_logging(settings.log_format, "warning")
    return Common(
        prompt=flags.get("prompt"),
        settings=settings,
        **{
            name: flags[name]
            for name in ("negative", "voice", "seed", "steps", "rate", "out", "aloud", "as_json")
        },
    )


def _source(named: str, settings: Settings) -> Source:
    """A sound file, or a clip of the library."""
    path = Path(named)
    if path.exists():
        audio, rate = read_audio(path, max_seconds=_MOST_SECONDS)
        return Source(path.stem, audio, rate)
    with Library(settings.library) as clips:
        try:
            record = clips.record(clips.resolve(named))
        except NotFound:
            raise AudioFileError(
                f"{named}: neither a sound file nor a clip; give a path, or an id as "
                "`driftwave clips list` shows it"
            ) from None
    return Source(record.name or record.prompt or record.id[:8], record=record)


def _drawn(path: Path) -> Sketch:
    """Curves from a JSON file."""
    try:
        values = json.loads(path.read_text())
        unknown = set(values) - {"loudness", "brightness"}
        if unknown:
            raise ValueError(f"unknown key {min(unknown)!r}")
        curves = {key: tuple(float(point) for point in row) for key, row in values.items()}
        return Sketch(**curves)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: no curves ({error}); expected "
            '{"loudness": [0.0, 1.0, ...], "brightness": [...]} with points 0..1'
        ) from None


def _run(common: Common, request: GenerateRequest, name: str, *sources: Source) -> None:
    """Make, write, store and tell. What was not said is taken from the source clip."""
    record = next((source.record for source in sources if source.record), None)
    own_voice = record.voice if record and record.voice != IMPORT else ""
    named = common.voice or own_voice or common.settings.voice
    chosen = find_voice(named)
    own_words = record.prompt if record else ""
    request = replace(
        request,
        voice=chosen.name,
        prompt=own_words if common.prompt is None else common.prompt,
        negative=common.negative,
        seed=common.seed,
        steps=chosen.sampling.default_steps if common.steps is None else common.steps,
        rate=common.rate,
    )
    for which, source in zip(("source", "other"), sources, strict=False):
        fields: dict[str, Any] = {
            which: source.audio,
            f"{which}_rate": source.sample_rate,
            f"{which}_id": source.clip_id,
            f"{which}_name": source.name,
        }
        request = replace(request, **fields)
    stem = f"{file_stem(sources[0].name if sources else request.prompt, chosen.name)}_{name}"
    listener, job = run_generate(
        request, chosen, common.settings, Path(common.out), quiet=common.as_json, stem=stem
    )
    tell(listener, job, as_json=common.as_json, aloud=common.aloud)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    return console.run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
