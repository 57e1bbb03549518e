"""`clips`: the library from the command line; works while an engine runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from engine import console
from engine.config import resolve
from engine.errors import UsageError
from engine.library import ClipRecord, Library, record_fields
from engine.logs import start_logging


@contextmanager
def opened(library: str | None) -> Iterator[Library]:
    """The library named by the flag or the settings."""
    settings = resolve({"library": library})
    start_logging(settings.log_format, "warning")
    with Library(settings.library) as found:
        yield found


def clip_row(record: ClipRecord) -> dict[str, object]:
    """What is told about one clip."""
    return {**record_fields(record), "seconds": round(record.seconds, 4)}


def _print_lines(lines: Sequence[str], as_json: bool) -> None:
    if as_json:
        console.print_json(lines)
        return
    for line in lines:
        click.echo(line)


@click.group("clips")
def command() -> None:
    """List, export, name and delete the clips in the library.

    ID is a clip's id or its first four digits or more.
    """


@command.command("list")
@click.argument("words", nargs=-1)
@click.option("--voice", default="", metavar="NAME", help="Only clips of this voice.")
@click.option("--tag", default="", help="Only clips with this tag.")
@click.option("--favourite", is_flag=True, help="Only favourites.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--trash", "in_trash", is_flag=True, help="Ids of deleted clips instead.")
@console.library_option
@console.json_option
def list_clips(
    words: tuple[str, ...],
    voice: str,
    tag: str,
    favourite: bool,
    limit: int,
    in_trash: bool,
    library: str | None,
    as_json: bool,
) -> None:
    """List clips, newest first, whose prompt, name or tags have all WORDS."""
    with opened(library) as clips:
        if in_trash:
            deleted = clips.trash()
            _print_lines(deleted, as_json)
            return
        found = clips.search(
            text=" ".join(words), voice=voice, tag=tag, favourite=favourite, limit=limit
        )
    if as_json:
        console.print_json([clip_row(record) for record in found])
        return
    for record in found:
        mark = "*" if record.favourite else " "
        label = record.name or record.prompt or record.voice
        tags = "".join(f" #{tag}" for tag in record.tags)
        click.echo(f"{record.id[:8]} {mark} {record.seconds:6.2f} s  {label}{tags}")


@command.command("info")
@click.argument("clip", metavar="ID")
@console.library_option
@console.json_option
def info(clip: str, library: str | None, as_json: bool) -> None:
    """Tell everything about a clip: how it was made and where its file is."""
    with opened(library) as clips:
        clip_id = clips.resolve(clip)
        row = {**clip_row(clips.record(clip_id)), "file": str(clips.path(clip_id))}
    if as_json:
        console.print_json(row)
        return
    for key, value in row.items():
        click.echo(f"{key:16} {value}")


@command.command("export")
@click.argument("clip_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--out", default=".", metavar="PATH", help="Folder, or a .wav or .flac file.")
@click.option("--rate", type=int, metavar="HZ", help="Sample rate [default: the clip's].")
@click.option("--format", "form", type=click.Choice(["wav", "flac"]), default="wav")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@console.library_option
@console.json_option
def export(
    clip_ids: tuple[str, ...],
    out: str,
    rate: int | None,
    form: str,
    force: bool,
    library: str | None,
    as_json: bool,
) -> None:
    """Write clips as 24-bit files with their record inside."""
    target = Path(out)
    single = target.suffix.lower() in (".wav", ".flac")
    if single and len(clip_ids) > 1:
        raise UsageError(f"--out {out}: one file for {len(clip_ids)} clips; give a folder")
    files = []
    with opened(library) as clips:
        for prefix in clip_ids:
            clip_id = clips.resolve(prefix)
            path = target if single else target / f"{clip_id}.{form}"
            if path.exists() and not force:
                raise UsageError(f"{path} exists; give another --out, or --force to replace it")
            if not single:
                target.mkdir(parents=True, exist_ok=True)
            files.append(str(clips.export(clip_id, path, sample_rate=rate)))
    _print_lines(files, as_json)


@command.command("delete")
@click.argument("clip_ids", metavar="ID...", nargs=-1, required=True)
@console.library_option
def delete(clip_ids: tuple[str, ...], library: str | None) -> None:
    """Move clips to the trash; `clips restore` brings them back."""
    with opened(library) as clips:
        for clip_id in [clips.resolve(prefix) for prefix in clip_ids]:
            clips.delete(clip_id)
            click.echo(clip_id)


@command.command("restore")
@click.argument("clip_ids", metavar="ID...", nargs=-1, required=True)
@console.library_option
def restore(clip_ids: tuple[str, ...], library: str | None) -> None:
    """Take clips out of the trash; ID is the whole id, as `clips list --trash` prints it."""
    with opened(library) as clips:
        for clip_id in clip_ids:
            click.echo(clips.restore(clip_id).id)


@command.command("empty-trash")
@console.library_option
def empty_trash(library: str | None) -> None:
    """Remove deleted clips for good."""
    with opened(library) as clips:
        console.note(f"{clips.empty_trash()} clips removed")


@command.command("name")
@click.argument("clip", metavar="ID")
@click.argument("name")
@console.library_option
def name(clip: str, name: str, library: str | None) -> None:
    """Name a clip; an empty NAME takes its name away."""
    with opened(library) as clips:
        clips.name(clips.resolve(clip), name)


@command.command("tag")
@click.argument("clip", metavar="ID")
@click.argument("tag")
@click.option("--off", is_flag=True, help="Take the tag off.")
@console.library_option
def tag(clip: str, tag: str, off: bool, library: str | None) -> None:
    """Put a tag on a clip, or take it off."""
    with opened(library) as clips:
        clips.tag(clips.resolve(clip), tag, not off)


@command.command("favourite")
@click.argument("clip", metavar="ID")
@click.option("--off", is_flag=True, help="Make it no favourite.")
@console.library_option
def favourite(clip: str, off: bool, library: str | None) -> None:
    """Make a clip a favourite."""
    with opened(library) as clips:
        clips.favourite(clips.resolve(clip), not off)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return console.run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
