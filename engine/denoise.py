"""`denoise`: take the noise out of a sound file.

    denoise IN OUT [--amount DB] [--learn START:END] [--delta] [--quality live|best]

Any length, sample rate and number of channels; OUT is as long as IN and in time with it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from engine import console
from engine.denoising.amount import DEFAULT_AMOUNT_DB
from engine.denoising.files import FileOrder, denoise_file
from engine.denoising.voice import find_denoiser
from engine.denoising.whole import QUALITIES
from engine.errors import UsageError
from engine.logs import start_logging


def parse_passage(text: str) -> tuple[float, float]:
    """The seconds of START:END, such as 0:1.5; UsageError for anything else."""
    start, colon, end = text.partition(":")
    try:
        seconds = float(start), float(end)
    except ValueError:
        colon = ""
    if not colon or not all(math.isfinite(value) for value in seconds):
        raise UsageError(f"learn {text!r}; expected START:END in seconds, such as 0:1.5")
    return seconds


@click.command("denoise")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--amount",
    default=DEFAULT_AMOUNT_DB,
    show_default=True,
    metavar="DB",
    help="How far noise is brought down; 0 changes nothing.",
)
@click.option(
    "--learn", metavar="START:END", help="A passage of noise alone, in seconds [default: tracked]."
)
@click.option("--delta", is_flag=True, help="Write what is removed instead: OUT + it = IN.")
@click.option(
    "--quality",
    type=click.Choice(QUALITIES),
    default="live",
    show_default=True,
    help="best: hears the whole file first, in twice the time.",
)
@click.option("--voice", default="", metavar="NAME", help="Denoiser or its folder, or wiener.")
@console.json_option
def command(
    source: Path,
    target: Path,
    amount: float,
    learn: str | None,
    delta: bool,
    quality: str,
    voice: str,
    as_json: bool,
) -> None:
    """Take the noise out of the sound file IN and write OUT (WAV, FLAC, AIFF or OGG).

    What is music stays as it is: the same length, rate and channels, in time to the sample. A
    file is denoised block by block, so that its length does not matter.
    """  # fmt: skip
    start_logging("text", "warning")
    passage = None if learn is None else parse_passage(learn)
    denoiser = find_denoiser(voice)
    order = FileOrder(source, target, amount, passage, delta, quality)
    done = denoise_file(order, denoiser, _progress(not as_json))
    if done.promised:
        console.note(
            f"driftwave: warning: {source} ends after {done.frames} of {done.promised} frames; "
            "all that is there was denoised"
        )
    seconds = done.frames / done.sample_rate
    if as_json:
        console.print_json(
            {
                "file": str(target), "denoiser": denoiser.name, "voice_hash": denoiser.hash,
                "amount_db": amount, "quality": quality, "delta": delta,
                "learned": list(passage) if passage else None, "seconds": round(seconds, 4),
                "sample_rate": done.sample_rate, "channels": done.channels,
                "reduction_db": round(done.reduction_db, 2),
            }
        )  # fmt: skip
        return
    click.echo(f"{target}  {seconds:.2f} s  {done.reduction_db:.1f} dB lower")
    console.note(f"denoiser {denoiser.name}, amount {amount:g} dB")


def _progress(wanted: bool) -> Callable[[float], None]:
    shown = wanted and sys.stderr.isatty()
    last = -1

    def tell(share: float) -> None:
        nonlocal last
        percent = int(100 * share)
        if shown and percent != last:
            last = percent
            end = "\r     \r" if percent >= 100 else ""
            click.echo(f"\r{percent:3d} %{end}", err=True, nl=False)

    return tell


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return console.run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
