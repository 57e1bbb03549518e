"""`clips`: the library from the command line; works while an engine runs."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from engine import console
from engine.clips_common import clip_line, clip_row, opened, print_lines, search_options
from engine.clips_files import export, import_files, show_file
from engine.library import Relative, Search, Step
from engine.library.history import MOST_STEPS
from engine.library.library import TRASH_DAYS
from engine.library.search import SORTS


@click.group("clips")
def command() -> None:
    """List, find, import, export, name, tag and delete the clips in the library.

    ID is a clip's id or its first four digits or more. What changes the library can be undone.
    """


command.add_command(import_files)
command.add_command(export)


@command.command("list")
@click.argument("words", nargs=-1)
@search_options
@click.option("--sort", type=click.Choice(list(SORTS)), default="newest", show_default=True)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, help="Clips to skip.")
@click.option("--trash", "in_trash", is_flag=True, help="Deleted clips instead.")
@console.library_option
@console.json_option
def list_clips(
    words: tuple[str, ...],
    what: Search,
    sort: str,
    limit: int,
    offset: int,
    in_trash: bool,
    library: str | None,
    as_json: bool,
) -> None:
    """List clips, newest first, whose prompt, name or tags have all WORDS."""
    what = replace(what, text=" ".join(words), sort=sort, limit=limit, offset=offset)
    with opened(library) as clips:
        if in_trash:
            trashed = clips.trashed()
            if as_json:
                console.print_json([{**clip_row(one), "days_left": days} for one, days in trashed])
            else:
                for one, days in trashed:
                    click.echo(f"{one.id}  {days:4.0f} days left  {one.name or one.prompt}")
            return
        found, total = clips.find(what), clips.count(what)
    if as_json:
        console.print_json([clip_row(record) for record in found])
        return
    for record in found:
        click.echo(clip_line(record))
    if offset + len(found) < total:
        console.note(
            f"clips {offset + 1} to {offset + len(found)} of {total}; "
            f"--offset {offset + len(found)} shows more"
        )


@command.command("tags")
@console.library_option
@console.json_option
def tags(library: str | None, as_json: bool) -> None:
    """List the tags in use and on how many clips each is."""
    with opened(library) as clips:
        found = clips.tags()
    if as_json:
        console.print_json(dict(found))
        return
    for tag, count in found:
        click.echo(f"{count:6}  {tag}")


@command.command("show")
@click.argument("clip", metavar="ID|FILE")
@console.library_option
@console.json_option
def show(clip: str, library: str | None, as_json: bool) -> None:
    """Tell everything about a clip, or about a sound file that Driftwave wrote."""
    if Path(clip).suffix:
        row = show_file(Path(clip))
    else:
        with opened(library) as clips:
            clip_id = clips.resolve(clip)
            row = {**clip_row(clips.record(clip_id)), "file": str(clips.path(clip_id))}
    if as_json:
        console.print_json(row)
        return
    for key, value in row.items():
        click.echo(f"{key:16} {value}")


@command.command("lineage")
@click.argument("clip", metavar="ID")
@click.option("--depth", type=click.IntRange(1, 100), default=20, help="Generations each way.")
@console.library_option
@console.json_option
def lineage(clip: str, depth: int, library: str | None, as_json: bool) -> None:
    """Show what a clip was made from and what was made from it."""
    with opened(library) as clips:
        family = clips.lineage(clips.resolve(clip), depth=depth)
    if as_json:
        console.print_json(
            {
                "clip": clip_row(family.clip),
                "parents": [_tree(one) for one in family.parents],
                "children": [_tree(one) for one in family.children],
            }
        )
        return
    click.echo(clip_line(family.clip))
    for title, branch in (("made from", family.parents), ("became", family.children)):
        if branch:
            click.echo(title)
        for relative in branch:
            for generation, one in relative.walk():
                click.echo("  " * generation + _relative_line(one))


def _tree(relative: Relative) -> dict[str, object]:
    record = relative.record
    return {
        "id": relative.id,
        "state": relative.state,
        "name": record.name if record else "",
        "prompt": record.prompt if record else "",
        "relatives": [_tree(one) for one in relative.relatives],
    }


def _relative_line(relative: Relative) -> str:
    if relative.record is None:
        return f"{relative.id[:8]}   no longer in the library"
    state = "" if relative.state == "here" else f"  ({relative.state})"
    return clip_line(relative.record) + state


@command.command("delete", help=f"Move clips to the trash, where they stay for {TRASH_DAYS} days.")
@click.argument("clip_ids", metavar="ID...", nargs=-1, required=True)
@console.library_option
def delete(clip_ids: tuple[str, ...], library: str | None) -> None:
    """Move clips to the trash."""
    with opened(library) as clips:
        found = [clips.resolve(prefix) for prefix in clip_ids]
        clips.delete(*found)
    print_lines(found, False)


@command.command("restore")
@click.argument("clip_ids", metavar="ID...", nargs=-1, required=True)
@console.library_option
def restore(clip_ids: tuple[str, ...], library: str | None) -> None:
    """Take clips out of the trash."""
    with opened(library) as clips:
        for prefix in clip_ids:
            click.echo(clips.restore(clips.resolve(prefix, deleted=True)).id)


@command.command("empty-trash")
@console.library_option
def empty_trash(library: str | None) -> None:
    """Remove deleted clips for good; this cannot be undone."""
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


@command.command("undo")
@click.option("--steps", type=click.IntRange(1, MOST_STEPS), default=1, help="How many.")
@console.library_option
def undo(steps: int, library: str | None) -> None:
    """Take back the last change of the library, whoever made it and however long ago."""
    with opened(library) as clips:
        for _ in range(steps):
            click.echo(f"undone: {clips.undo().label}")


@command.command("redo")
@click.option("--steps", type=click.IntRange(1, MOST_STEPS), default=1, help="How many.")
@console.library_option
def redo(steps: int, library: str | None) -> None:
    """Make the change again that was undone last."""
    with opened(library) as clips:
        for _ in range(steps):
            click.echo(f"done again: {clips.redo().label}")


@command.command("history")
@click.option("--limit", type=click.IntRange(1, MOST_STEPS), default=20, show_default=True)
@console.library_option
@console.json_option
def history(limit: int, library: str | None, as_json: bool) -> None:
    """List the changes that can be undone, newest first."""
    with opened(library) as clips:
        found = clips.history.steps(limit)
    if as_json:
        console.print_json([_step_row(step) for step in found])
        return
    for step in found:
        when = datetime.datetime.fromtimestamp(step.made).isoformat(" ", "seconds")
        click.echo(f"{when}  {step.label}{'  (undone)' if step.undone else ''}")


def _step_row(step: Step) -> dict[str, object]:
    return {
        "number": step.number,
        "made": step.made,
        "label": step.label,
        "undone": step.undone,
        "clips": list(step.clips),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return console.run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
