"""Means over cases: the tables of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from engine.denoising_evaluation.materials import MUSIC
from engine.denoising_evaluation.running import Row
from engine.denoising_evaluation.subjects import Subject
from engine.laboratory.tables import Column

__all__ = [
    "FIGURES", "GOAL_SNRS", "SPEECH_FIGURES", "figure_rows", "is_goal_case", "mean", "of_subject",
    "spread_columns", "spread_rows",
]  # fmt: skip

GOAL_SNRS = ("0", "5", "10")
"""SNRs (as rows name them) at which the goals on music are measured."""


def _decibels(places: int) -> Callable[[Any], str]:
    return lambda value: f"{round(value, places) + 0.0:,.{places}f}"  # no -0.0


def _speed(value: float) -> str:
    return f"{value:,.0f} ×" if value >= 10 else f"{value:.2g} ×"


_SUBJECT = Column("subject", "subject", str)
_LAST = (
    Column("delay, samples", "delay_frames", lambda v: f"{v:,}", "", "measured and compensated"),
    Column("× real time", "real_time", _speed, "", "median, whatever else the machine did"),
    Column("cases", "cases", str),
    Column("note", "note", str),
)
FIGURES: tuple[Column, ...] = (
    _SUBJECT,
    Column("SI-SDR, dB", "si_sdr_db", _decibels(1), "high"),
    Column("gained, dB", "improvement_db", _decibels(1), "high", "SI-SDR over the noisy input's"),
    Column("log-spectral distance, dB", "log_spectral_db", _decibels(1), "low"),
    Column("multi-resolution STFT", "multi_resolution", _decibels(2), "low"),
    Column("onsets, dB", "onset_db", _decibels(1), "", "energy of their 20 ms, mean"),
    Column("onset error, dB", "onset_error_db", _decibels(1), "low", "mean size"),
    Column("level, dB", "level_db", _decibels(1), "", "against clean, mean"),
    Column("level error, dB", "level_error_db", _decibels(1), "low", "mean size"),
    Column("clean sound kept, dB", "kept_db", _decibels(1), "high"),
    Column("noise left in gaps, dB", "gap_db", _decibels(1), "low"),
    *_LAST,
)
_OF_SPEECH = (
    Column("PESQ", "pesq", _decibels(2), "high"),
    Column("STOI", "stoi", _decibels(3), "high"),
    Column("DNSMOS", "dnsmos", _decibels(2), "high"),
)
SPEECH_FIGURES = (*FIGURES[:3], *_OF_SPEECH, *FIGURES[3:])
_AVERAGED = [column.key for column in SPEECH_FIGURES if column.key.endswith("_db")] + [
    "multi_resolution", "pesq", "stoi", "dnsmos",
]  # fmt: skip


def is_goal_case(row: Row) -> bool:
    """Whether it is music at 0 to 10 dB."""
    return row["kind"] in MUSIC and row["snr"] in GOAL_SNRS


def of_subject(rows: Iterable[Row], name: str) -> list[Row]:
    """The rows of a subject that did not fail."""
    return [row for row in rows if row["subject"] == name and "failed" not in row]


def mean(rows: Iterable[Row], key: str) -> float | None:
    """Of a figure where it is there; level_error_db is the size of level_db."""
    source, size = ("level_db", True) if key == "level_error_db" else (key, False)
    values = [float(row[source]) for row in rows if row.get(source) is not None]
    return float(np.mean(np.abs(values) if size else values)) if values else None


def figure_rows(rows: Sequence[Row], subjects: Sequence[Subject]) -> list[Row]:
    """One row a subject: means of every figure, and what there is to say of it."""
    table: list[Row] = []
    for subject in subjects:
        own = of_subject(rows, subject.name)
        row: Row = {"subject": subject.name, "cases": len(own), "note": _note(rows, subject)}
        row |= {key: mean(own, key) for key in _AVERAGED}
        speeds = [float(each["real_time"]) for each in own]
        trivial = subject.name.startswith(("floor:", "ceiling:"))
        row["real_time"] = float(np.median(speeds)) if speeds and not trivial else None
        row["delay_frames"] = subject.delay_frames if subject.rate and own else None
        table.append(row)
    return table


def spread_columns(names: Sequence[str], unit: str) -> tuple[Column, ...]:
    """A column for each value of what the cases are told apart by."""
    return (
        _SUBJECT,
        *(Column(f"{name}{unit}" if name != "clean" else name, name, _decibels(1), "high")
          for name in names),
    )  # fmt: skip


def spread_rows(
    rows: Sequence[Row], subjects: Sequence[Subject], key: str, names: Sequence[str], figure: str
) -> list[Row]:
    """The mean of one figure for each value of a key, one row a subject that ran."""
    table = []
    for subject in subjects:
        own = of_subject(rows, subject.name)
        if own:
            parts = {name: [row for row in own if row[key] == name] for name in names}
            table.append(
                {"subject": subject.name, **{n: mean(p, figure) for n, p in parts.items()}}
            )
    return table


def _note(rows: Iterable[Row], subject: Subject) -> str:
    if subject.missing:
        return subject.missing
    failed = [row for row in rows if row["subject"] == subject.name and "failed" in row]
    said = "is told 1 s of the noise" if subject.learned else ""
    if failed:
        return f"{len(failed)} cases failed: {failed[0]['failed']}"
    return said
