"""Runs every subject on every case, one in memory at a time; a stopped run goes on later."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from engine.denoising_evaluation.materials import Materials
from engine.denoising_evaluation.metrics import measure
from engine.denoising_evaluation.protocol import (
    CLEAN,
    Case,
    Plan,
    cases,
    count,
    snr_text,
    without_audio,
)
from engine.denoising_evaluation.speech_metrics import measure_speech
from engine.denoising_evaluation.subjects import Subject
from engine.errors import Cancelled, DataError, DriftwaveError, OutOfMemory, StorageError

__all__ = ["ROWS", "Row", "Say", "run_all", "settings_of", "sound_file"]

Row = dict[str, Any]
Say = Callable[[str], None]

ROWS = "rows.jsonl"
_SOUNDS = "sounds"
# What a case's sounds depend on; the rest of the settings only says which cases there are.
_OF_A_CASE = ("seed", "sample_rate", "seconds", "data", "soundfont")
_SHOWN_SNR_DB = 5.0  # the nearest of the plan is what the page plays
_OWN_TROUBLE = (OutOfMemory, StorageError, Cancelled)  # not the subject's failure: stop


def run_all(
    plan: Plan, materials: Materials, subjects: Sequence[Subject], folder: Path | None,
    settings: Row, say: Say,
) -> list[Row]:  # fmt: skip
    """A row for each case and each subject that can run, in that order.

    folder: keeps finished rows (ROWS) and some sounds; rows of an earlier run are not made again,
    so that more cases and subjects can be added. Raises DataError when it holds rows of other
    sounds (_OF_A_CASE).
    """
    kept = _Kept(folder, settings)
    able = [subject for subject in subjects if subject.process is not None]
    total, begun, fresh = count(plan, materials), time.monotonic(), 0
    rows: list[Row] = []
    for number, case in enumerate(cases(plan, materials), 1):
        before = fresh
        if folder is not None and _is_shown(case, plan, materials):
            _write(sound_file(folder, case.kind, "clean"), case.clean, case.sample_rate)
        for subject in able:
            row = kept.found(case, subject)
            if row is None:
                row, sound = _row(case, subject)
                kept.add(row, case, subject)
                if folder is not None and sound is not None and _is_shown(case, plan, materials):
                    _write(sound_file(folder, case.kind, subject.name), sound, case.sample_rate)
                fresh += 1
            rows.append(row)
        if fresh > before or number == total:
            say(_progress(number, total, case, begun, fresh / max(1, len(able))))
    return rows


def settings_of(plan: Plan, data: Path | None, soundfont: Path | None) -> Row:
    """Everything that was chosen, for the report."""
    told = asdict(plan) | {"snrs_db": [snr_text(snr) for snr in plan.snrs_db]}
    told |= {"noises": list(plan.noises), "kinds": list(plan.kinds)}
    return told | {
        "data": None if data is None else data.name,
        "soundfont": None if soundfont is None else soundfont.name,
    }


def sound_file(folder: Path, kind: str, subject: str) -> Path:
    """Where the page's example of a subject is kept; "clean" is the clean sound."""
    slug = re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")
    return folder / _SOUNDS / f"{kind}-{slug}.flac"


class _Kept:
    """The rows of an earlier run, and the file that new ones are added to."""

    def __init__(self, folder: Path | None, settings: Row) -> None:
        self.path = None if folder is None else folder / ROWS
        self.rows: dict[tuple[str, str, str], Row] = {}
        if folder is None or self.path is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        lines = self._whole_lines(self.path)
        if not lines:
            first = {"settings": {key: settings[key] for key in _OF_A_CASE}}
            self.path.write_text(json.dumps(first) + "\n", encoding="utf-8")
        elif _changed(lines[0], settings):
            raise DataError(
                f"{self.path} holds rows of other settings ({_changed(lines[0], settings)}); "
                "choose another --report folder, or remove that file"
            )
        for row in lines[1:]:
            self.rows[row["case"], row["subject"], row["version"]] = row

    @staticmethod
    def _whole_lines(path: Path) -> list[Row]:
        """What the file holds; a line that a killed run left unfinished is cut off."""
        if not path.exists():
            return []
        found: list[Row] = []
        whole = 0
        data = path.read_bytes()
        for line in data.splitlines(keepends=True):
            try:
                row = json.loads(line)
            except ValueError:
                break
            if not line.endswith(b"\n") or not isinstance(row, dict):
                break
            found.append(row)
            whole += len(line)
        if whole < len(data):
            with path.open("r+b") as file:
                file.truncate(whole)
        return found

    def found(self, case: Case, subject: Subject) -> Row | None:
        return self.rows.get((case.key, subject.name, subject.version))

    def add(self, row: Row, case: Case, subject: Subject) -> None:
        self.rows[case.key, subject.name, subject.version] = row
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def _row(case: Case, subject: Subject) -> tuple[Row, np.ndarray[Any, Any] | None]:
    """What a subject made of a case, measured; a subject that fails has a row that says so."""
    assert subject.process is not None
    row: Row = {
        "case": case.key, "subject": subject.name, "version": subject.version,
        **without_audio(case),
    }  # fmt: skip
    begun = time.perf_counter()
    try:
        made = np.asarray(subject.process(case))
    except _OWN_TROUBLE:
        raise
    except (
        DriftwaveError,
        ArithmeticError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        return row | {"failed": f"{type(error).__name__}: {error}"}, None
    took = time.perf_counter() - begun
    if made.shape != case.clean.shape:
        return row | {"failed": f"shape {made.shape}; expected {case.clean.shape}"}, None
    if not np.isfinite(made).all():
        return row | {"failed": "its output holds values that are not numbers"}, None
    figures = measure(case.clean, case.noise, made, case.sample_rate)
    if case.kind == "speech":
        figures |= measure_speech(case.clean, made.astype(np.float32), case.sample_rate)
    row["real_time"] = case.clean.shape[1] / case.sample_rate / max(took, 1e-9)
    return row | figures, made


def _is_shown(case: Case, plan: Plan, materials: Materials) -> bool:
    """Whether the page plays it: a kind's first sound in the first noise at about 5 dB."""
    noisy = [snr for snr in plan.snrs_db if snr != CLEAN] or [CLEAN]
    return (
        case.sound.endswith(" 1")
        and case.snr_db == min(noisy, key=lambda snr: abs(snr - _SHOWN_SNR_DB))
        and case.noise_name in (plan.families(materials)[0], "none")
    )


def _write(path: Path, sound: np.ndarray[Any, Any], rate: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(sound.T, -1, 1), rate, subtype="PCM_16")


def _progress(number: int, total: int, case: Case, begun: float, fresh: float) -> str:
    if not fresh:
        return f"{number}/{total} {case.key}: kept from an earlier run"
    each = (time.monotonic() - begun) / fresh
    left = each * (total - number)
    return f"{number}/{total} {case.key}: {each:.1f} s a case, at most {left / 60:.0f} min left"


def _changed(first: Row, settings: Row) -> str:
    """Names and old values of what differs, "" when nothing does."""
    old = first.get("settings")
    if not isinstance(old, dict):
        return "none are named"
    return ", ".join(f"{key} {old.get(key)}" for key in _OF_A_CASE if old.get(key) != settings[key])
