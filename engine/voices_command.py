"""`voices`: which voices are installed, where, and which folders are broken."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from engine import console
from engine.errors import VoiceError
from engine.voice import Voice, find_voice, find_voices, voice_dirs


def voice_row(voice: Voice) -> dict[str, object]:
    """What is told about one voice."""
    return {
        "name": voice.name,
        "version": voice.version,
        "description": voice.description,
        "sample_rate": voice.sample_rate,
        "channels": voice.channels,
        "default_seconds": voice.default_seconds,
        "max_seconds": voice.max_seconds,
        "licence": voice.licence,
        "recipe": voice.recipe,
        "hash": voice.hash,
        "folder": str(voice.folder),
    }


@click.command("voices")
@click.argument("name", required=False)
@console.json_option
def command(name: str | None, as_json: bool) -> None:
    """List the installed voices, or tell everything about NAME.

    A voice folder put into the user's voices directory appears at once.
    """
    if name is not None:
        _show(voice_row(find_voice(name)), as_json)
        return
    broken: list[tuple[Path, VoiceError]] = []
    voices = find_voices(None, lambda folder, error: broken.append((folder, error)))
    if as_json:
        console.print_json(
            {
                "voices": [voice_row(voice) for voice in voices],
                "broken": [{"folder": str(path), "error": str(error)} for path, error in broken],
                "directories": [str(folder) for folder in voice_dirs()],
            }
        )
    else:
        for voice in voices:
            shape = f"{voice.sample_rate} Hz, up to {voice.max_seconds:g} s"
            click.echo(f"{voice.name:16} {voice.version:8} {shape:24} {voice.description}")
    for folder, error in broken:
        console.note(f"driftwave: broken voice {folder}: {error}")
    if not voices and not as_json:
        raise VoiceError(
            f"no voice is installed; put a voice folder into {voice_dirs()[0]} "
            "(`driftwave train` makes one)"
        )


def _show(row: dict[str, object], as_json: bool) -> None:
    if as_json:
        console.print_json(row)
        return
    for key, value in row.items():
        click.echo(f"{key:16} {value}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return console.run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
