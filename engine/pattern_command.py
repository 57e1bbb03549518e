"""`pattern`: drum loops of generated hits, from a style, a MIDI file or a beatbox recording."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from engine import console
from engine.clips_common import opened
from engine.config import Settings, resolve
from engine.errors import StorageError, UsageError
from engine.library import Library, record_of
from engine.library.file_names import stem_of, write_new
from engine.library.importing import file_record
from engine.library.request_record import check_voice
from engine.library.sound_file import FORMS, sound_bytes
from engine.logs import start_logging
from engine.patterns.loop import Loop, LoopRun
from engine.patterns.plan import Options, Plan, plan_again, plan_of, sounds_of
from engine.patterns.styles import styles
from engine.voice import find_voice


def print_styles(as_json: bool) -> None:
    """The table of styles, for people or machines."""
    if as_json:
        console.print_json(
            [
                {
                    "name": style.name,
                    "words": list(style.words),
                    "bpm": style.bpm,
                    "beats": style.beats,
                    "drums": list(style.drums),
                }
                for style in styles().values()
            ]
        )
        return
    for style in styles().values():
        also = f"  (also {', '.join(style.words[1:])})" if len(style.words) > 1 else ""
        click.echo(f"{style.words[0]:12} {style.bpm:4.0f} bpm, {style.beats}/4{also}")


def plan_of_record(where: str, library: str | None) -> Plan:
    """The plan of a loop made before: a clip's id, or a file with its record inside."""
    if Path(where).suffix:
        record = file_record(Path(where))
        if record is None:
            raise UsageError(f"--again {where}: holds no record of Driftwave")
    else:
        with opened(library) as clips:
            record = clips.record(clips.resolve(where))
    plan = plan_again(record.conditions, voice=record.voice, seed=record.seed, steps=record.steps)
    check_voice(record, find_voice(record.voice).hash)
    return plan


def make(plan: Plan, settings: Settings, *, quiet: bool) -> Loop:
    """Make a loop with an engine of our own; raises what its jobs fail with."""
    from engine.open_engine import open_engine

    voice = find_voice(plan.voice)
    library = _open_library(settings)
    show = sys.stderr.isatty() and not quiet

    def progress(fraction: float, step: int, steps: int) -> None:
        if show:
            click.echo(f"\r{fraction:4.0%} ", err=True, nl=False)

    try:
        engine = open_engine(settings, library, extra=(voice,))
        run = LoopRun(engine, replace(plan, voice=voice.name), on_progress=progress)
        try:
            return run.run()
        finally:
            engine.close()
            if show:
                click.echo("\r     \r", err=True, nl=False)
    finally:
        if library is not None:
            library.close()


def _open_library(settings: Settings) -> Library | None:
    try:
        return Library(settings.library)
    except StorageError as error:
        console.note(f"driftwave: warning: the loop is not kept in the library: {error}")
        return None


@click.command("pattern")
@click.argument("words", default="")
@click.option("--bars", type=int, help="Length [default: 2, or the source's own].")
@click.option("--bpm", type=float, help="Tempo [default: the style's or the source's own].")
@click.option("--swing", type=float, help="0.5 straight to 0.75 [default: the style's own].")
@click.option("--humanise", type=float, help="0 machine to 1 loose [default: the style's own].")
@click.option("--fill", is_flag=True, help="End the last bar with a fill.")
@click.option("--midi", metavar="FILE", help="Take the pattern from a MIDI file.")
@click.option("--beat", metavar="FILE", help="Take the pattern from a beatbox recording.")
@click.option(
    "--quantise",
    type=float,
    default=0.8,
    show_default=True,
    help="For --beat: 0 as played, 1 on the grid.",
)
@click.option(
    "--grid",
    type=int,
    default=4,
    show_default=True,
    help="For --beat: steps of a beat; 3 for triplets.",
)
@click.option("--again", metavar="ID|FILE", help="Make a loop again from its record.")
@click.option(
    "--sound",
    "sounds",
    multiple=True,
    metavar="DRUM=WORDS",
    help="Words for the sound of one drum; may be given several times.",
)
@click.option("--seed", type=int, help="The same seed gives the same files [default: random].")
@click.option("--steps", type=int, help="Sampler steps [default: the voice's own].")
@click.option("--voice", metavar="NAME", help="Voice of the hits [default: drums].")
@click.option("--rate", type=int, metavar="HZ", help="Sample rate [default: the voice's].")
@click.option("--stereo", is_flag=True, help="Two channels, each drum at its place.")
@click.option("--format", "form", type=click.Choice(FORMS), default="wav", show_default=True)
@click.option("--out", default=".", metavar="DIR", help="Folder for the files [default: here].")
@click.option("--styles", "list_styles", is_flag=True, help="List the styles.")
@click.option("--play", "aloud", is_flag=True, help="Play the loop twice when it is finished.")
@console.library_option
@console.device_option
@console.json_option
def command(
    words: str,
    bars: int | None,
    bpm: float | None,
    swing: float | None,
    humanise: float | None,
    fill: bool,
    midi: str | None,
    beat: str | None,
    quantise: float,
    grid: int,
    again: str | None,
    sounds: tuple[str, ...],
    seed: int | None,
    steps: int | None,
    voice: str | None,
    rate: int | None,
    stereo: bool,
    form: str,
    out: str,
    list_styles: bool,
    aloud: bool,
    library: str | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Make a drum loop of generated hits, with its MIDI file beside it.

    WORDS name a style and how it should sound, such as "dark boom bap"; with --midi or --beat
    only how it should sound. The loop is exact to the sample and has no seam.
    """  # fmt: skip
    if list_styles:
        print_styles(as_json)
        return
    if not (words or midi or beat or again):
        raise UsageError("nothing to play: give a style (see --styles), --midi, --beat or --again")
    settings = resolve({"voice": voice, "library": library, "device": device})
    start_logging(settings.log_format, "warning")
    if again:
        plan = plan_of_record(again, library)
        if voice:
            plan = replace(plan, voice=settings.voice)
    else:
        plan = plan_of(
            Options(
                words=words,
                midi=Path(midi) if midi else None,
                beat=Path(beat) if beat else None,
                bars=bars,
                bpm=bpm,
                swing=swing,
                humanise=humanise,
                fill=fill,
                quantise=quantise,
                grid=grid,
                sounds=sounds_of(sounds),
                voice=settings.voice,
                seed=seed,
                steps=steps,
                sample_rate=rate,
                stereo=stereo,
            )
        )
    deliver(plan, settings, Path(out), form, as_json=as_json, aloud=aloud)


def deliver(
    plan: Plan, settings: Settings, out: Path, form: str, *, as_json: bool, aloud: bool
) -> None:
    """Make a loop, write its files, say so, and play it when that was asked for."""
    loop = make(plan, settings, quiet=as_json)
    audio, notes = write_loop(loop, plan, out, form)
    if loop.unstored is not None:
        console.note(f"driftwave: warning: {loop.unstored}")
    if as_json:
        console.print_json(report(loop, plan, audio, notes))
    else:
        click.echo(f"{audio}  {loop.clip.seconds:.2f} s  {loop.clip.milliseconds:.0f} ms")
        click.echo(str(notes))
        pattern = plan.pattern
        console.note(f"{pattern.bars} bars at {pattern.bpm:g} bpm, seed {plan.seed}")
        if loop.clip.words_unknown:
            console.note(f"not understood: {' '.join(loop.clip.words_unknown)}")
    if aloud:
        from engine.playback import play_blocking

        for _ in range(2):
            play_blocking(loop.clip.audio, loop.clip.sample_rate)


def loop_for_generate(
    prompt: str, bars: float, bpm: float | None, others: Mapping[str, object]
) -> Options:
    """What `generate --bars 2 --bpm 120 "boom bap"` asks for.

    `others` are options that a loop does not take and their values; raises UsageError when one
    of them is set, or when `bars` is no whole number.
    """
    if not float(bars).is_integer():
        raise UsageError(f"--bars {bars:g} of a drum loop: expected a whole number")
    given = ", ".join(f"--{name}" for name, value in others.items() if value not in (None, ""))
    if given:
        raise UsageError(
            f"{given}: not for drum loops, and {prompt!r} names the style of one; "
            "leave it out, or see `driftwave pattern --help`"
        )
    return Options(words=prompt, bars=int(bars), bpm=bpm)


def write_loop(loop: Loop, plan: Plan, folder: Path, form: str) -> tuple[Path, Path]:
    """Write the sound and its MIDI file, under one name and never over another file."""
    pattern = plan.pattern
    stem = f"{stem_of(plan.words, 'pattern')}_{pattern.bpm:g}bpm_s{plan.seed}".replace(".", "-")
    # Without what differs from run to run, so that the same seed gives the same file.
    record = replace(record_of(loop.clip), id="", parents=(), created=0.0, milliseconds=0.0)
    data = sound_bytes(loop.clip.audio, loop.clip.sample_rate, record, form=form)
    audio = write_new(folder.absolute(), stem, f".{form}", data)
    return audio, write_new(folder.absolute(), audio.stem, ".mid", loop.midi)


def report(loop: Loop, plan: Plan, audio: Path, notes: Path) -> dict[str, object]:
    """What `--json` prints."""
    clip, pattern = loop.clip, plan.pattern
    return {
        "words": plan.words,
        "style": pattern.name,
        "bars": pattern.bars,
        "beats": pattern.beats,
        "bpm": pattern.bpm,
        "seed": plan.seed,
        "voice": clip.voice,
        "voice_hash": clip.voice_hash,
        "sample_rate": clip.sample_rate,
        "frames": int(clip.audio.shape[1]),
        "hits": len(pattern.hits),
        "kit": dict(plan.kit),
        "words_unknown": list(clip.words_unknown),
        "file": str(audio),
        "midi": str(notes),
        "clip": clip.id,
        "parents": list(clip.parents),
        "milliseconds": round(clip.milliseconds, 2),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return console.run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
