"""`clips import` and `clips export`: sound files of other programs in and out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from engine import console
from engine.audio_files import read_audio
from engine.clips_common import clip_line, clip_row, opened, search_options
from engine.errors import AudioFileError, UsageError
from engine.library import Library, Search, Wanted
from engine.library.importing import file_record
from engine.library.search import MOST_CLIPS
from engine.library.sound_file import DEPTHS, FORMS, SUFFIXES, form_of

_FILES = {*SUFFIXES, ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma", ".caf", ".au", ".w64"}
"""Suffixes of --out that mean one file, and no folder."""


def show_file(path: Path) -> dict[str, object]:
    """What is told about a sound file. Raises AudioFileError when it is none of ours."""
    audio, sample_rate = read_audio(path)
    record = file_record(path)
    if record is None:
        seconds = audio.shape[1] / sample_rate
        raise AudioFileError(
            f"{path}: {seconds:.2f} s of sound without a record of Driftwave; "
            "`driftwave clips import` takes it as it is"
        )
    return {**clip_row(record), "file": str(path)}


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--name", default="", help="Name of the clip [default: the file's].")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Put this tag on it.")
@console.library_option
@console.json_option
def import_files(
    files: tuple[str, ...], name: str, tags: tuple[str, ...], library: str | None, as_json: bool
) -> None:
    """Take sound files into the library, as sources for vary and the like.

    A file that Driftwave wrote brings its record along, and is not taken twice.
    """
    if name and len(files) > 1:
        raise UsageError(f"--name {name!r}: one name for {len(files)} files; leave it out")
    rows, refused = [], []
    with opened(library) as clips:
        for file in files:
            try:
                record, new = clips.import_file(Path(file), name=name)
            except AudioFileError as error:
                refused.append(str(error))
                continue
            for tag in tags:
                clips.tag(record.id, tag)
            rows.append(record)
            if not new:
                console.note(f"{file}: already in the library as {record.id[:8]}")
            if not as_json:
                click.echo(clip_line(clips.record(record.id)))
        if as_json:
            console.print_json([clip_row(clips.record(record.id)) for record in rows])
    if refused:
        text = f"{len(refused)} of {len(files)} files were not taken:\n  " if len(files) > 1 else ""
        raise AudioFileError(text + "\n  ".join(refused))


@click.command("export")
@click.argument("clip_ids", metavar="[ID...]", nargs=-1)
@click.option("--words", default="", help="Only clips whose prompt, name or tags have these.")
@search_options
@click.option("--all", "everything", is_flag=True, help="Every clip of the library.")
@click.option("--out", default=".", metavar="PATH", help="Folder, or one file [default: here].")
@click.option("--rate", type=int, metavar="HZ", help="Sample rate [default: the clip's].")
@click.option("--format", "form", type=click.Choice(FORMS), default="wav", show_default=True)
@click.option(
    "--depth", type=click.Choice(DEPTHS), default="24", show_default=True,
    help="Bits: 16 with dither, 24, or 32 floating point.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the one file named by --out.")
@console.library_option
@console.json_option
def export(
    clip_ids: tuple[str, ...],
    words: str,
    what: Search,
    everything: bool,
    out: str,
    rate: int | None,
    form: str,
    depth: str,
    force: bool,
    library: str | None,
    as_json: bool,
) -> None:
    """Write clips, named by ID or found by conditions, as files with their record inside.

    In a folder each gets a name of its own, and no other sound is ever replaced.
    """
    what = replace(what, text=words, limit=MOST_CLIPS)
    searching = everything or what != Search(limit=MOST_CLIPS)
    if bool(clip_ids) == searching:
        problem = "both ids and conditions" if clip_ids else "nothing"
        raise UsageError(f"{problem} to export: give ids, or conditions such as --tag, or --all")
    target = Path(out)
    files = []
    with opened(library) as clips:
        if searching:
            found = [record.id for record in clips.find(what)]
        else:
            found = [clips.resolve(prefix) for prefix in clip_ids]
        if target.suffix.lower() in _FILES and not target.is_dir():
            _export_one(clips, found, target, rate, depth, force)
            files.append(str(target.absolute()))
            if not as_json:
                click.echo(files[-1])
        else:
            for clip_id in found:
                wanted = Wanted(form, rate, depth)
                files.append(str(clips.export_beside(clip_id, target, wanted)))
                if not as_json:
                    click.echo(files[-1])
    if as_json:
        console.print_json(files)
    if searching:
        console.note(f"{len(files)} clips exported to {target}")


def _export_one(
    clips: Library, found: list[str], target: Path, rate: int | None, depth: str, force: bool
) -> None:
    if len(found) != 1:
        raise UsageError(f"--out {target}: one file for {len(found)} clips; give a folder")
    form_of(target)
    if target.exists() and not force:
        raise UsageError(f"{target} exists; give another --out, or --force to replace it")
    clips.export(found[0], target, sample_rate=rate, depth=depth)
