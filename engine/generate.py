"""`generate`: sounds from words, as WAV files that are the same for the same seed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from engine import console
from engine.audio_files import WAV_COMMENT_BYTES, encode, read_audio, storage_error, write_durably
from engine.config import Settings, resolve
from engine.errors import DriftwaveError, StorageError, UsageError
from engine.jobs import Engine, Job, JobListener, Progress
from engine.library import Library, record_json, record_of
from engine.logs import start_logging
from engine.pattern_command import deliver, loop_for_generate
from engine.patterns.plan import plan_of
from engine.patterns.styles import names_loop
from engine.types import DESCRIPTORS, Clip, GenerateRequest
from engine.voice import Voice, find_voice


class FileWriter(JobListener):
    """Writes each variation as it finishes and remembers what the report needs."""

    def __init__(self, folder: Path, stem: str, *, quiet: bool) -> None:
        self.clips: list[Clip] = []
        self.files: list[Path] = []
        self.error: DriftwaveError | None = None
        self._folder = folder
        self._stem = stem
        self._show = sys.stderr.isatty() and not quiet

    def progress(self, job: Job, progress: Progress) -> None:
        """Show how far the job is."""
        if self._show:
            percent = f"{progress.fraction:4.0%}"
            click.echo(f"\r{percent}  {progress.eta_s:.1f} s left ", err=True, nl=False)

    def clip(self, job: Job, clip: Clip) -> None:
        """Write one variation; a disk that is full ends the command with that error."""
        record = record_json(record_of(clip), repeatable=True, max_bytes=WAV_COMMENT_BYTES)
        data = encode(clip.audio, clip.sample_rate, form="wav", record=record)
        name = f"{self._stem}_s{clip.seed}_{clip.index + 1}"
        try:
            self.files.append(write_beside(self._folder, name, data))
        except StorageError as error:
            self.error = error
            job.request_cancel()
            return
        self.clips.append(clip)

    def not_stored(self, job: Job, clip: Clip, error: StorageError) -> None:
        """The WAV file is there; only the library lacks the clip."""
        console.note(f"driftwave: warning: {error}")

    def done(self, job: Job) -> None:
        """End the progress line."""
        if self._show:
            click.echo("\r                    \r", err=True, nl=False)

    def fail(self, job: Job, error: DriftwaveError) -> None:
        """Keep the first error."""
        self.done(job)
        self.error = self.error or error


def write_beside(folder: Path, name: str, data: bytes) -> Path:
    """Write `data` as name.wav without replacing another sound.

    A file that already holds exactly this is kept; otherwise -2, -3 … is added. Raises
    StorageError.
    """
    number = 1
    while True:
        path = folder / (f"{name}.wav" if number == 1 else f"{name}-{number}.wav")
        try:
            if not path.exists():
                write_durably(path, path.with_name(f".{path.name}.{os.getpid()}.tmp"), data)
                return path
            if path.is_file() and path.read_bytes() == data:
                return path
        except OSError as error:
            raise storage_error(path, error) from error
        number += 1


def file_stem(prompt: str, voice: str) -> str:
    """A short file name from the prompt: letters, digits and hyphens."""
    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-_")[:60].strip("-_")
    return words or voice


def run_generate(
    request: GenerateRequest,
    voice: Voice,
    settings: Settings,
    out: Path,
    *,
    quiet: bool,
    stem: str = "",
) -> tuple[FileWriter, Job]:
    """Generate, write and store; raises the job's error. stem: of file names, else the prompt."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(out, error) from error
    library = _open_library(settings)
    try:
        from engine.open_engine import open_engine

        engine = open_engine(settings, library, extra=(voice,))
        stem = stem or file_stem(request.prompt, request.voice)
        listener = FileWriter(out, stem, quiet=quiet)
        try:
            job = engine.submit(request, listener=listener)
            _wait(engine, job)
        finally:
            engine.close()
    finally:
        if library is not None:
            library.close()
    if listener.error is not None:
        raise listener.error
    return listener, job


def _open_library(settings: Settings) -> Library | None:
    try:
        return Library(settings.library)
    except StorageError as error:
        console.note(f"driftwave: warning: the clips are not kept in the library: {error}")
        return None


def _wait(engine: Engine, job: Job) -> None:
    try:
        while not job.wait(0.2):
            pass
    except KeyboardInterrupt:
        engine.cancel_job(job)
        raise


def report(listener: FileWriter, job: Job) -> dict[str, object]:
    """What `--json` prints."""
    first = listener.clips[0]
    return {
        "prompt": first.prompt,
        "voice": first.voice,
        "voice_hash": first.voice_hash,
        "seed": first.seed,
        "steps": first.steps,
        "sample_rate": first.sample_rate,
        "words_understood": list(job.words_understood),
        "words_unknown": list(job.words_unknown),
        "files": [str(path) for path in listener.files],
        "clips": [clip.id for clip in listener.clips],
        "parents": list(first.parents),
        "seconds": [round(clip.seconds, 4) for clip in listener.clips],
        "milliseconds": [round(clip.milliseconds, 2) for clip in listener.clips],
    }


def play(clips: Sequence[Clip]) -> None:
    """Play clips one after another; raises AudioDeviceError when that is impossible."""
    from engine.playback import play_blocking

    for clip in clips:
        play_blocking(clip.audio, clip.sample_rate)


def tell(listener: FileWriter, job: Job, *, as_json: bool, aloud: bool) -> None:
    """Print what was made, for people or for machines, and play it when that was asked for."""
    if as_json:
        console.print_json(report(listener, job))
    else:
        for path, clip in zip(listener.files, listener.clips, strict=True):
            click.echo(f"{path}  {clip.seconds:.2f} s  {clip.milliseconds:.0f} ms")
        first = listener.clips[0]
        console.note(f"voice {first.voice}, seed {first.seed}, {first.steps} steps")
        if job.words_unknown:
            console.note(f"not understood: {' '.join(job.words_unknown)}")
    if aloud:
        play(listener.clips)


@click.command("generate")
@click.argument("prompt")
@click.option("--voice", metavar="NAME", help="Voice or voice folder [default: drums].")
@click.option("--negative", default="", metavar="WORDS", help="Words to move away from.")
@click.option("--seed", type=int, help="The same seed gives the same files [default: random].")
@click.option("--steps", type=int, help="Sampler steps [default: the voice's own].")
@click.option("--count", type=int, default=1, show_default=True, help="Variations.")
@click.option("--seconds", type=float, help="Length [default: the voice's own].")
@click.option(
    "--bars", type=float,
    help="Length in bars, exact to the sample; with words that end in a style, a drum loop.",
)  # fmt: skip
@click.option("--bpm", type=float, help="Tempo of --bars [drum loops: the style's own].")
@click.option("--beats", type=int, default=4, show_default=True, help="Beats of a bar.")
@click.option("--loop", is_flag=True, help="End and beginning join without a seam.")
@click.option("--rate", type=int, metavar="HZ", help="Sample rate [default: the voice's].")
@click.option("--note", type=int, help="MIDI note 0-127 as target pitch.")
@click.option("--from", "source", metavar="FILE", help="Sound file to start from.")
@click.option(
    "--strength",
    type=float,
    default=0.5,
    show_default=True,
    help="0 keeps the sound of --from, 1 ignores it.",
)
@click.option("--morph", default="", metavar="WORDS", help="Second prompt to move to; see --mix.")
@click.option("--mix", type=float, metavar="0..1", help="How far to --morph [default: 0.5].")
@click.option("--out", default=".", metavar="DIR", help="Folder for the files [default: here].")
@click.option("--play", "aloud", is_flag=True, help="Play the sounds when they are finished.")
@console.library_option
@console.device_option
@console.json_option
def command(
    prompt: str,
    voice: str | None,
    negative: str,
    seed: int | None,
    steps: int | None,
    count: int,
    seconds: float | None,
    bars: float | None,
    bpm: float | None,
    beats: int,
    loop: bool,
    rate: int | None,
    note: int | None,
    source: str | None,
    strength: float,
    morph: str,
    mix: float | None,
    out: str,
    aloud: bool,
    library: str | None,
    device: str | None,
    as_json: bool,
    **descriptors: float | None,
) -> None:
    """Make sounds from words and write them as WAV files.

    PROMPT is words such as "short dark snare"; the answer says which were understood. The
    same seed gives bit-identical files, and an existing file is never replaced by another
    sound. With --bars, words that end in a style make a drum loop, as `pattern` does. To work
    on a sound: vary, inpaint, continue, interpolate, sketch, resynthesise.
    """  # fmt: skip
    settings = resolve({"voice": voice, "library": library, "device": device})
    start_logging(settings.log_format, "warning")
    if bars is not None and names_loop(prompt):
        others: dict[str, object] = {"negative": negative, "note": note, "seconds": seconds}
        others |= {"count": None if count == 1 else count, "from": source, **descriptors}
        others |= {"morph": morph, "mix": mix, "beats": None if beats == 4 else beats}
        asked = loop_for_generate(prompt, bars, bpm, others)
        plan = plan_of(
            replace(asked, voice=settings.voice, seed=seed, steps=steps, sample_rate=rate)
        )
        deliver(plan, settings, Path(out), "wav", as_json=as_json, aloud=aloud)
        return
    if mix is not None and not morph:
        raise UsageError(f"--mix {mix:g} without --morph; give the words to move to")
    audio, source_rate = read_audio(Path(source), max_seconds=60.0) if source else (None, 0)
    chosen = find_voice(settings.voice)
    request = GenerateRequest(
        voice=chosen.name,
        prompt=prompt,
        negative=negative,
        seed=seed,
        steps=chosen.sampling.default_steps if steps is None else steps,
        count=count,
        seconds=seconds,
        bars=bars,
        bpm=bpm,
        beats=beats,
        loop=loop,
        rate=rate,
        note=note,
        descriptors={key: value for key, value in descriptors.items() if value is not None},
        source=audio,
        source_rate=source_rate,
        source_name=Path(source).stem if source else "",
        strength=strength,
        morph=morph,
        mix=(0.5 if mix is None else mix) if morph else 0.0,
    )
    listener, job = run_generate(request, chosen, settings, Path(out), quiet=as_json)
    tell(listener, job, as_json=as_json, aloud=aloud)


for _name in DESCRIPTORS:
    command.params.append(
        click.Option(
            [f"--{_name}"], type=float, metavar="0..1", help=f"{_name.capitalize()} of the sound."
        )
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return console.run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
