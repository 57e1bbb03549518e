"""`engine.evaluate --task denoise`: the whole run, from options to files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from engine.denoising_evaluation.materials import open_materials
from engine.denoising_evaluation.protocol import Plan
from engine.denoising_evaluation.report import Found, as_result, markdown, write_files
from engine.denoising_evaluation.running import Say, run_all, settings_of
from engine.denoising_evaluation.speech_metrics import absent
from engine.denoising_evaluation.subjects import open_subjects

__all__ = ["evaluate", "printed"]


def evaluate(
    plan: Plan,
    names: Sequence[str] = (),
    *,
    data: Path | None = None,
    soundfont: Path | None = None,
    report: Path | None = None,
    say: Say = lambda _line: None,
) -> Found:
    """Measures the subjects of these names (all by default) and writes the report's files.

    Raises BadRange and DataError for what cannot be measured, before anything is.
    """
    materials = open_materials(data, soundfont)
    plan.check_noises(materials)
    say("opening the denoisers and measuring their delays")
    subjects = open_subjects(names)
    for subject in subjects:
        if subject.missing:
            say(f"{subject.name}: {subject.missing}")
        elif subject.rate:
            say(f"{subject.name} {subject.version}: {subject.delay_frames} samples late")
    settings = settings_of(plan, data, soundfont)
    rows = run_all(plan, materials, subjects, report, settings, say)
    notes = [*materials.notes, *(absent() if "speech" in plan.kinds else [])]
    found = Found(settings, rows, subjects, notes)
    if report is not None:
        write_files(found, report, say)
    return found


def printed(found: Found, *, as_json: bool) -> str:
    """What goes to stdout: Markdown, or the report's JSON."""
    return json.dumps(as_result(found)) if as_json else markdown(found)
