"""Say how an adaptation goes: lines for people on stderr, JSON lines for machines on stdout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from engine import console
from engine.adaptation.report import Report
from engine.voice import Voice

_STAGES = {
    "reading": "reading sounds",
    "encoding": "encoding sounds",
    "denoiser": "learning",
    "decoder": "tuning the decoder",
    "voice": "writing the voice",
    "report": "measuring, before and after",
}


class Progress:
    """Called with each row that an adaptation says."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __call__(self, row: dict[str, Any]) -> None:
        if self._as_json:
            click.echo(json.dumps(row))
        console.note(_line(row))

    def over(self, voice: Voice, report: Report, out: Path) -> None:
        """Tell where the voice and its report are."""
        if self._as_json:
            row = {"voice": voice.name, "hash": voice.hash, "folder": str(voice.folder),
                   "report": str(out / "report.json"), "change": report.change,
                   **{key: dict(figures) for key, figures in report.figures.items()}}  # fmt: skip
            click.echo(json.dumps(row))
        words = ", ".join(word.replace("_", " ") for word in report.facts["words"][:8])
        console.note(f"voice {voice.name!r} is ready in every door; its words: {words}")
        console.note(f'  try     driftwave generate "" --voice {voice.name}')
        console.note(f"  report  {out / 'report.md'}, with report.png and previews/ beside it")


def _line(row: dict[str, Any]) -> str:
    if "stage" not in row:
        return "  ".join(f"{key.replace('_', ' ')}: {value}" for key, value in row.items())
    stage = _STAGES[row["stage"]]
    if "sounds" in row:
        of = f" of {row['of']}" if "of" in row else ""
        return f"{stage}: {row['sounds']}{of}"
    if not row["percent"] and len(row) == 2:
        return f"{stage} ..."
    left = f"  {row['minutes_left']} min left in all" if "minutes_left" in row else ""
    return f"{stage}: {row['percent']} %  step {row['step']}  loss {row['loss']:.3f}{left}"
