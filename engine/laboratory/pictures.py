"""The pictures of a report: the trilemma, quality against steps, learning curves.

Colours are those of Okabe and Ito (2008) and cividis, which colour-blind readers can tell apart;
markers and line styles say the same once more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["COLOURS", "curve_rows", "draw_curves", "draw_steps", "draw_trilemma", "pyplot"]

Row = Mapping[str, Any]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vP*X"
_LINES = ("-", "--", "-.", ":")
_DPI = 120
_LABEL_PT = 8.5
_CURVE_COLUMNS = 4
_LARGEST_CURVE = 400  # points drawn of a curve; more are averaged


def pyplot() -> Any:
    """matplotlib.pyplot on the Agg backend, with this report's settings."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({
        "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6,
        "axes.axisbelow": True, "legend.frameon": False,
    })  # fmt: skip
    return plt


def draw_trilemma(
    path: Path, rows: Sequence[Row], split_half: float, expected_coverage: float
) -> None:
    """One dot a row: quality to the left, diversity upwards, speed as colour."""
    plt = pyplot()
    from matplotlib.colors import LogNorm

    figure, axes = plt.subplots(figsize=(10, 6.2), layout="constrained")
    subjects = [row for row in rows if not _is_baseline(row)]
    others = [row for row in rows if _is_baseline(row)]
    axes.set_xscale("log")
    axes.axvline(split_half, color="#555555", linestyle="--", linewidth=1)
    axes.axhline(100 * expected_coverage, color="#555555", linestyle=":", linewidth=1)
    times = [max(row["milliseconds"], 0.01) for row in subjects]
    low, high = _decades(times)
    axes.scatter(
        [row["frechet"] for row in others], [100 * row["coverage"] for row in others],
        marker="D", s=46, facecolors="none", edgecolors="#555555", linewidths=1.3, zorder=3,
    )  # fmt: skip
    dots = axes.scatter(
        [row["frechet"] for row in subjects], [100 * row["coverage"] for row in subjects],
        c=times, cmap="cividis", norm=LogNorm(low, high), s=150, edgecolors="black",
        linewidths=0.9, zorder=4,
    )  # fmt: skip
    bar = figure.colorbar(dots, ax=axes, pad=0.02)
    bar.set_label("time for one sound, ms (log)")
    ticks = _round_ticks(low, high)
    bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    bar.ax.minorticks_off()
    values = [split_half, *(row["frechet"] for row in rows)]
    axes.set_xlim(min(values) / 1.35, max(values) * 2.2)
    axes.set_ylim(-3, 104)
    ticks = _round_ticks(*axes.get_xlim())
    axes.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("Fréchet distance, dB² (log; lower is better)")
    axes.set_ylabel("coverage of held-out sounds, % (higher is better)")
    axes.set_title("Quality, diversity and speed", loc="left", fontweight="bold")
    axes.annotate(
        "two halves of\nthe real sounds", (split_half, 1), xytext=(4, 2),
        textcoords="offset points", fontsize=_LABEL_PT, color="#555555", va="bottom",
    )  # fmt: skip
    axes.annotate(
        "expected of equal distributions", (axes.get_xlim()[1], 100 * expected_coverage),
        xytext=(-2, 3), textcoords="offset points", fontsize=_LABEL_PT, color="#555555",
        ha="right", va="bottom",
    )  # fmt: skip
    _label(axes, [(row["frechet"], 100 * row["coverage"], _called(row, rows)) for row in rows])
    _save(figure, path)


def draw_steps(path: Path, points: Sequence[Row], split_half: float) -> None:
    """Fréchet distance and coverage against steps, a line for each subject and sampler."""
    plt = pyplot()
    figure, panels = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    subjects = list(dict.fromkeys(point["subject"] for point in points))
    lines: dict[tuple[str, str], list[Row]] = {}
    for point in points:
        lines.setdefault((point["subject"], point["sampler"]), []).append(point)
    drawn = dict.fromkeys(subjects, 0)
    handles = []
    for (subject, sampler), line in lines.items():
        place, number = subjects.index(subject), drawn[subject]
        drawn[subject] += 1
        style = {
            "color": COLOURS[place % len(COLOURS)],
            "marker": _MARKERS[(place // len(COLOURS) + number) % len(_MARKERS)],
            "linestyle": _LINES[number % len(_LINES)],
            "label": f"{subject} ({sampler})" if sampler else subject,
            "markersize": 6,
        }
        steps = [max(1, point["steps"]) for point in line]
        scores = [point["frechet"] for point in line]
        errors = [point["frechet_deviation"] for point in line]
        handles.append(panels[0].errorbar(steps, scores, errors, capsize=2.5, **style))
        panels[1].plot(steps, [100 * point["coverage"] for point in line], **style)
    panels[0].axhline(split_half, color="#555555", linestyle="--", linewidth=1)
    panels[0].annotate(
        "two halves of the real sounds", (1, split_half), xytext=(0, 3),
        textcoords="offset points", fontsize=_LABEL_PT, color="#555555",
    )  # fmt: skip
    panels[0].set_yscale("log")
    limits = (min(split_half, *panels[0].get_ylim()) / 1.1, panels[0].get_ylim()[1])
    panels[0].set_ylim(limits)
    _plain_ticks(panels[0])
    panels[0].set_ylabel("Fréchet distance, dB² (log; lower is better)")
    panels[1].set_ylabel("coverage, % (higher is better)")
    panels[1].set_ylim(-3, 103)
    most = max([8, *(point["steps"] for point in points)])
    marks = [tick for tick in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000) if tick <= most]
    for panel in panels:
        panel.set_xscale("log")
        panel.set_xticks(marks, labels=[str(mark) for mark in marks])
        panel.minorticks_off()
        panel.set_xlabel("sampler steps (log)")
    figure.suptitle("Quality and diversity against steps", x=0.01, ha="left", fontweight="bold")
    figure.legend(
        handles=handles, loc="outside right upper", fontsize=_LABEL_PT,
        ncols=1 + (len(handles) - 1) // 26,
    )  # fmt: skip
    _save(figure, path)


def curve_rows(file: Path) -> list[Row]:
    """The rows of a run's curve.jsonl; a line that a killed run left unfinished is passed over."""
    rows: list[Row] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return rows


def draw_curves(path: Path, curves: Mapping[str, Sequence[Row]]) -> None:
    """One panel a run: its total losses against training steps. Losses of runs do not compare."""
    plt = pyplot()
    columns = min(_CURVE_COLUMNS, len(curves))
    lines = -(-len(curves) // columns)
    figure, panels = plt.subplots(
        lines, columns, figsize=(max(6.0, 3.6 * columns), 2.9 * lines), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for panel in list(panels.flat)[len(curves) :]:
        panel.axis("off")
    for panel, (name, rows) in zip(panels.flat, curves.items(), strict=False):
        panel.set_title(name, loc="left", fontsize=10, fontweight="bold")
        keys = _losses(rows)
        for number, key in enumerate(keys):
            known = [row for row in rows if isinstance(row.get(key), int | float)]
            steps = _thinned(np.array([row["step"] for row in known], np.float64))
            values = _thinned(np.array([row[key] for row in known], np.float64))
            panel.plot(
                steps, values, color=COLOURS[number % len(COLOURS)],
                linestyle=_LINES[number % len(_LINES)], linewidth=1.4, label=key,
            )  # fmt: skip
        if keys and all(row.get(key, 1.0) > 0.0 for row in rows for key in keys):
            panel.set_yscale("log")
            _plain_ticks(panel)
        panel.set_xlabel("training step")
        panel.set_ylabel("loss")
        if len(keys) > 1:
            panel.legend(fontsize=7.5)
    _save(figure, path)


def _losses(rows: Sequence[Row]) -> list[str]:
    """Keys of the totals of every phase; of a run without one, its first figure."""
    keys = list(dict.fromkeys(key for row in rows for key in row if key != "step"))
    totals = [key for key in keys if key.split(".")[-1] == "total"]
    return (totals or keys[:1])[: len(_LINES)]


def _thinned(values: Any) -> Any:
    parts = np.array_split(values, min(len(values), _LARGEST_CURVE)) if len(values) else []
    return np.array([part.mean() for part in parts])


def _is_baseline(row: Row) -> bool:
    return str(row["subject"]).startswith(("real:", "floor:"))


def _called(row: Row, rows: Sequence[Row]) -> str:
    """The subject, with its sampler where it stands in several rows."""
    name = str(row["subject"]).removeprefix("floor: ").removeprefix("real: ")
    if _is_baseline(row):
        return name
    alone = sum(other["subject"] == row["subject"] for other in rows) == 1
    steps = f"{row['steps']} steps" if row["steps"] != 1 else "1 step"
    return f"{name}, {steps}" if alone else f"{name} ({row['sampler']}, {steps})"


def _label(axes: Any, labels: Sequence[tuple[float, float, str]]) -> None:
    """Words beside each dot, at the first of several places that touches no other word or dot."""
    if not labels:
        return
    axes.figure.canvas.draw()
    scale = 72.0 / axes.figure.dpi  # everything below is in points
    dots = axes.transData.transform([(x, y) for x, y, _ in labels]) * scale
    edges = axes.get_window_extent()
    left_edge, right_edge = edges.x0 * scale, (edges.x1 + 4) * scale
    taken = [(x - 7, x + 7, y - 7, y + 7) for x, y in dots]
    for index in np.argsort(dots[:, 0]):
        x, y = dots[index]
        text = labels[index][2]
        wide, tall = 0.56 * _LABEL_PT * len(text), 1.3 * _LABEL_PT
        best = (np.inf, 9.0, 0.0, "left", (0.0, 0.0, 0.0, 0.0))
        for rise in (0, 1, -1, 2, -2, 3, -3, 4):
            for shift, side in ((9.0, "left"), (-9.0, "right")):
                begin = x + shift if side == "left" else x + shift - wide
                middle = y + rise * tall
                box = (begin, begin + wide, middle - tall / 2, middle + tall / 2)
                cost = sum(_overlap(box, other) for other in taken)
                cost += 1e3 * (box[0] < left_edge or box[1] > right_edge) + 0.01 * abs(rise)
                if cost < best[0]:
                    best = (cost, shift, rise * tall, side, box)
        taken.append(best[4])
        far = abs(best[2]) > tall
        axes.annotate(
            text, labels[index][:2], xytext=best[1:3], textcoords="offset points",
            fontsize=_LABEL_PT, va="center", ha=best[3], zorder=5,
            arrowprops={"arrowstyle": "-", "color": "#888888", "linewidth": 0.6} if far else None,
        )  # fmt: skip


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Common area of two boxes (left, right, bottom, top)."""
    wide, tall = min(a[1], b[1]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[2], b[2])
    return float(max(wide, 0.0) * max(tall, 0.0))


def _round_ticks(low: float, high: float, digits: Sequence[float] = (1.0, 2.0, 5.0)) -> list[float]:
    """Digits times powers of ten from low to high."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [digit * 10.0**power for power in powers for digit in digits]
    return [tick for tick in ticks if low <= tick <= high]


def _plain_ticks(panel: Any) -> None:
    """Plain numbers, not too many, on a logarithmic vertical axis."""
    low, high = panel.get_ylim()
    for digits in ((1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0), (1.0, 2.0, 5.0), (1.0,)):
        ticks = _round_ticks(low, high, digits)
        if len(ticks) <= 7:
            break
    panel.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    panel.minorticks_off()


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """Powers of ten around the values, at least a factor of ten apart."""
    low = 10.0 ** np.floor(np.log10(min(values, default=1.0)))
    high = 10.0 ** np.ceil(np.log10(max(values, default=10.0)))
    return float(low), float(max(high, 10.0 * low))


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=_DPI)
    pyplot().close(figure)
