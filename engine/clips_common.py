"""What the commands of `clips` share: the open library, its conditions, and rows for people."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from engine import console
from engine.config import resolve
from engine.library import ClipRecord, Library, Search, record_fields
from engine.library.search import day
from engine.logs import start_logging


@contextmanager
def opened(library: str | None) -> Iterator[Library]:
    """The library named by the flag or the settings."""
    settings = resolve({"library": library})
    start_logging(settings.log_format, "warning")
    with Library(settings.library) as found:
        yield found


def search_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that narrow a search; the command gets them as one `what`."""

    @functools.wraps(command)
    def run(
        voice: str,
        tags: tuple[str, ...],
        favourite: bool,
        longer: float,
        shorter: float,
        since: str,
        before: str,
        **rest: Any,
    ) -> None:
        what = Search(
            voice=voice,
            tags=tags,
            favourite=favourite,
            shortest=longer,
            longest=shorter,
            since=day(since, "--since") if since else 0.0,
            before=day(before, "--before") if before else math.inf,
        )
        command(what=what, **rest)

    for option in (
        click.option("--before", default="", metavar="DAY", help="Only clips made before DAY."),
        click.option("--since", default="", metavar="DAY", help="Only clips made since DAY."),
        click.option("--shorter", type=float, default=math.inf, metavar="S", show_default=False,
                     help="Only clips of at most S seconds."),
        click.option("--longer", type=float, default=0.0, metavar="S", show_default=False,
                     help="Only clips of at least S seconds."),
        click.option("--favourite", is_flag=True, help="Only favourites."),
        click.option("--tag", "tags", multiple=True, metavar="TAG",
                     help="Only clips with this tag; may be given several times."),
        click.option("--voice", default="", metavar="NAME",
                     help="Only clips of this voice; `import` for imported ones."),
    ):  # fmt: skip
        option(run)
    return run


def clip_row(record: ClipRecord) -> dict[str, object]:
    """What is told about one clip."""
    return {**record_fields(record), "seconds": round(record.seconds, 4)}


def clip_line(record: ClipRecord) -> str:
    """One clip in a list for people."""
    mark = "*" if record.favourite else " "
    label = record.name or record.prompt or record.voice
    tags = "".join(f" #{tag}" for tag in record.tags)
    return f"{record.id[:8]} {mark} {record.seconds:6.2f} s  {label}{tags}"


def print_lines(lines: Sequence[str], as_json: bool) -> None:
    """Lines as they are, or as one JSON list."""
    if as_json:
        console.print_json(lines)
        return
    for line in lines:
        click.echo(line)
