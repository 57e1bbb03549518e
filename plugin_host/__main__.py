"""`python -m plugin_host`: play Driftwave Generate without a DAW, or render a MIDI file."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from types import FrameType

import click

from bridge import _native
from plugin_host.errors import HostError
from plugin_host.live import LiveOptions, list_devices, play_live
from plugin_host.midi_file import read_song
from plugin_host.pads import PadPlan, prepare_pads, save_state, wait_for_prompts
from plugin_host.render import late_variations, render_song, write_audio

INTERRUPTED = 130

_PAD = click.IntRange(1, _native.PAD_COUNT)
_FILE = click.Path(path_type=Path, dir_okay=False)

_sounds = [
    click.option(
        "--pad",
        "prompts",
        nargs=2,
        type=(_PAD, str),
        multiple=True,
        metavar="N PROMPT",
        help="Generate a pad's sound from words (1 to 16).",
    ),
    click.option(
        "--file",
        "files",
        nargs=2,
        type=(_PAD, _FILE),
        multiple=True,
        metavar="N FILE",
        help="Put a WAV, AIFF or FLAC file on a pad.",
    ),
    click.option("--state", type=_FILE, help="Begin with a saved state."),
    click.option("--save", type=_FILE, help="Save the state at the end."),
    click.option(
        "--set",
        "parameters",
        nargs=2,
        type=(str, float),
        multiple=True,
        metavar="SYMBOL VALUE",
        help="Set a parameter; `params` lists them.",
    ),
    click.option("--seed", type=click.IntRange(0, 2**62), help="Seed of pad 1; pad 2 has the next"),
    click.option("--fresh", is_flag=True, help="Every hit plays a new variation."),
    click.option(
        "--bpm",
        type=click.FloatRange(20, 400),
        default=120.0,
        show_default=True,
        help="Tempo of the pads that loop.",
    ),
]


def _sound_options(command: click.decorators.FC) -> click.decorators.FC:
    for option in reversed(_sounds):
        command = option(command)
    return command


def _report(line: str) -> None:
    click.echo(line, err=True)


def _plan(
    state: Path | None,
    files: tuple[tuple[int, Path], ...],
    prompts: tuple[tuple[int, str], ...],
    seed: int | None,
    parameters: tuple[tuple[str, float], ...],
    fresh: bool,
) -> PadPlan:
    extra = (("fresh", 1.0),) if fresh else ()
    return PadPlan(state, files, prompts, seed, (*parameters, *extra))


@click.group(invoke_without_command=True)
@_sound_options
@click.option("--device", help="Sound device by index or part of its name.")
@click.option("--midi", help="MIDI input by part of its name; '' for none. [every input]")
@click.option("--rate", type=click.FloatRange(8000, 384000), help="Sample rate. [the device's]")
@click.option("--block", type=click.IntRange(0, 8192), default=0, help="Frames a callback.")
@click.option("--seconds", type=click.FloatRange(0), help="Play so long. [until Ctrl-C]")
@click.option("--list-devices", "listing", is_flag=True, help="List sound devices and MIDI inputs.")
@click.pass_context
def cli(
    context: click.Context,
    prompts: tuple[tuple[int, str], ...],
    files: tuple[tuple[int, Path], ...],
    state: Path | None,
    save: Path | None,
    parameters: tuple[tuple[str, float], ...],
    seed: int | None,
    fresh: bool,
    bpm: float,
    device: str | None,
    midi: str | None,
    rate: float | None,
    block: int,
    seconds: float | None,
    listing: bool,
) -> None:
    """Play live: notes 36-51 are the pads, all others play the selected pad."""
    if context.invoked_subcommand is not None:
        return
    if listing:
        click.echo(list_devices())
        return
    generator = _native.Generator(plugin_kind="host")
    try:
        prepare_pads(generator, _plan(state, files, prompts, seed, parameters, fresh))
        chosen = int(device) if device is not None and device.isdigit() else device
        options = LiveOptions(chosen, midi, rate, block, bpm)
        stopper = _Stopper(seconds)
        missed = play_live(generator, options, _report, stopper.asked)
        if missed:
            _report(f"the sound device ran dry {missed} times; try a larger --block")
        if save is not None:
            save_state(generator, save)
        context.exit(INTERRUPTED if stopper.interrupted else 0)
    finally:
        generator.close()


class _Stopper:
    """Ends live play by the clock or by Ctrl-C."""

    def __init__(self, seconds: float | None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._ended = False
        self.interrupted = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._ended = True
        self.interrupted = number == signal.SIGINT
        signal.signal(number, signal.SIG_DFL)

    def asked(self) -> bool:
        """Whether to stop now."""
        return self._ended or (self._until is not None and time.monotonic() >= self._until)


@cli.command()
@click.argument("song", type=_FILE)
@click.argument("out", type=_FILE)
@_sound_options
@click.option("--rate", type=click.IntRange(8000, 384000), default=48000, show_default=True)
@click.option("--block", type=click.IntRange(1, 1 << 20), default=512, show_default=True)
@click.option(
    "--bits",
    type=click.Choice(["16", "24", "32"]),
    default="24",
    show_default=True,
    help="Bits a sample; 32 is float.",
)
@click.option(
    "--tail",
    type=click.FloatRange(0),
    default=12.0,
    show_default=True,
    help="At most so many seconds after the song.",
)
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    help="Seconds to wait for generated sounds.",
)
def render(
    song: Path,
    out: Path,
    prompts: tuple[tuple[int, str], ...],
    files: tuple[tuple[int, Path], ...],
    state: Path | None,
    save: Path | None,
    parameters: tuple[tuple[str, float], ...],
    seed: int | None,
    fresh: bool,
    bpm: float,
    rate: int,
    block: int,
    bits: str,
    tail: float,
    wait: float,
) -> None:
    """Render the MIDI file SONG to the WAV file OUT."""
    notes = read_song(song, rate)
    plan = _plan(state, files, prompts, seed, parameters, fresh)
    generator = _native.Generator(link=plan.needs_engine or fresh, plugin_kind="render")
    try:
        asked = prepare_pads(generator, plan)
        wait_for_prompts(generator, asked, wait, _report)
        audio = render_song(generator, notes, sample_rate=rate, block=block, tail_s=tail, bpm=bpm)
        if late := late_variations(generator):
            _report(f"{late} hits repeated the last variation: the engine had no new one ready")
        write_audio(out, audio, rate, int(bits))
        if save is not None:
            save_state(generator, save)
    finally:
        generator.close()
    click.echo(str(out))


@cli.command()
def params() -> None:
    """List the parameters: symbol, range, default, unit, meaning."""
    for p in _native.PARAMETERS:
        if not p.is_output:
            span = f"{p.minimum:g}..{p.maximum:g} ({p.default:g})"
            click.echo(f"{p.symbol:20} {span:18} {p.unit:10} {p.hint}".rstrip())


def main() -> int:
    """Run the command line; returns the exit status."""
    try:
        code = cli.main(prog_name="python -m plugin_host", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except HostError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
