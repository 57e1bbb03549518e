"""The tables of a report, as Markdown and as HTML."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["GENERATED", "GIVEN", "Column", "as_html", "as_markdown"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """title: with its unit. text: a row's cell. better: "low", "high" or "" (no contest)."""

    title: str
    key: str
    text: Callable[[Any], str]
    better: str = ""
    hint: str = ""


def _number(places: int) -> Callable[[Any], str]:
    return lambda value: f"{value:,.{places}f}"


def _percent(value: float) -> str:
    return f"{value:.0%}" if value >= 0.1 or value == 0.0 else f"{value:.1%}"


def _count(value: int) -> str:
    if value >= 1_000_000:
        return f"{value / 1e6:.1f} M"
    return f"{value / 1e3:.0f} k" if value >= 1000 else str(value) if value else "–"


def _speed(value: float) -> str:
    return f"{value:,.0f} ×" if value >= 10 else f"{value:.2g} ×"


def _steps(value: int) -> str:
    return str(value) if value else "–"


def _milliseconds(value: float) -> str:
    return f"{value:,.1f}" if value else "–"


_LAST = (
    Column("network evaluations", "nfe", _steps),
    Column("ms a sound", "milliseconds", _milliseconds, "low"),
    Column("× real time", "real_time", _speed, "high", "seconds of sound made in a second"),
    Column("length, s", "seconds", _number(2), "", "of its own sounds, mean"),
    Column("parameters", "parameters", _count),
    Column("rate, Hz", "sample_rate", lambda value: f"{value:,}"),
)

GENERATED: tuple[Column, ...] = (
    Column("subject", "subject", str),
    Column("sampler", "sampler", lambda value: value or "–"),
    Column("steps", "steps", _steps),
    Column("Fréchet", "frechet", _number(1), "low", "quality and diversity together; floor below"),
    Column("± ", "frechet_deviation", _number(1), "", "standard deviation, bootstrap"),
    Column("mel distance, dB", "mel_db", _number(2), "low", "to the nearest held-out sound"),
    Column("category accuracy", "accuracy", _percent, "high"),
    Column("precision", "precision", _percent, "high", "made sounds among real ones"),
    Column("density", "density", _number(2), "high", "1: as dense as real sounds lie"),
    Column("coverage", "coverage", _percent, "high", "real sounds with a made one nearby"),
    Column("recall", "recall", _percent, "high", "real sounds among made ones"),
    Column("pairwise distance, dB", "diversity_db", _number(1)),
    Column("copies", "copies", _percent, "low", "nearer to training than held-out sounds are"),
    *_LAST,
)

GIVEN: tuple[Column, ...] = (
    Column("subject", "subject", str),
    Column("does", "kind", str),
    Column("sampler", "sampler", lambda value: value or "–"),
    Column("steps", "steps", _steps),
    Column("mel distance, dB", "mel_db", _number(2), "low"),
    Column("Fréchet", "frechet", _number(1), "low", "of the made and the wanted sounds as sets"),
    Column("log-spectral distance, dB", "log_spectral_db", _number(2), "low"),
    Column("SI-SDR, dB", "si_sdr_db", _number(1), "high", "median"),
    *_LAST,
)


def as_markdown(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """A pipe table; the best subject of each column is bold."""
    best = _best(columns, rows)
    lines = [
        "| " + " | ".join(column.title for column in columns) + " |",
        "|" + " --- |" * len(columns),
    ]
    for number, row in enumerate(rows):
        cells = [_cell(column, row).replace("|", "\\|") for column in columns]
        marked = [
            f"**{cell}**" if number in best.get(column.key, ()) else cell
            for cell, column in zip(cells, columns, strict=True)
        ]
        lines.append("| " + " | ".join(marked) + " |")
    return "\n".join(lines) + "\n"


def as_html(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """A table element; baselines are set apart, the best subject of each column is marked."""
    best = _best(columns, rows)
    head = "".join(
        f'<th title="{html.escape(column.hint)}">{html.escape(column.title)}{_arrow(column)}</th>'
        for column in columns
    )
    body = []
    for number, row in enumerate(rows):
        cells = []
        for column in columns:
            mark = ' class="best"' if number in best.get(column.key, ()) else ""
            cells.append(f"<td{mark}>{html.escape(_cell(column, row))}</td>")
        kind = ' class="baseline"' if _is_baseline(row) else ""
        body.append(f"<tr{kind}>{''.join(cells)}</tr>")
    rows_text = "\n".join(body)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows_text}\n</tbody>\n</table>"


def _cell(column: Column, row: Row) -> str:
    value = row.get(column.key)
    return "–" if value is None else column.text(value)


def _arrow(column: Column) -> str:
    return {"low": " ↓", "high": " ↑"}.get(column.better, "")


def _is_baseline(row: Row) -> bool:
    return str(row["subject"]).startswith(("real:", "floor:", "ceiling:"))


def _best(columns: Sequence[Column], rows: Sequence[Row]) -> dict[str, list[int]]:
    """Column key -> numbers of the rows with its best value, when two subjects or more compete."""
    best = {}
    contest = [number for number, row in enumerate(rows) if not _is_baseline(row)]
    for column in columns:
        values = {n: rows[n][column.key] for n in contest if rows[n].get(column.key) is not None}
        if column.better and len(values) > 1:
            target = (min if column.better == "low" else max)(values.values())
            best[column.key] = [n for n, value in values.items() if value == target]
    return best
