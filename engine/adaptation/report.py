"""Tell what an adaptation learned: a table, a picture, and plain words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.metrics.sheet import RANGE_DB, spectrogram_db
from engine.training.checkpoint import replace_file

FloatArray = npt.NDArray[np.float32]

PICTURED = 10
_ROWS = {"before": "before", "after": "after", "real": "the folder's own training sounds"}


@dataclass(frozen=True)
class Report:
    """figures: "before", "after" and "real" (see measuring). facts: of the run, for people too."""

    name: str
    base: str
    figures: Mapping[str, Mapping[str, float]]
    facts: Mapping[str, Any]

    @property
    def change(self) -> float | None:
        """The Fréchet distance after, as a share of that before; None where it is not measured."""
        before = self.figures["before"].get("frechet")
        after = self.figures["after"].get("frechet")
        return None if not before or after is None else after / before


def table(report: Report) -> str:
    """The report as Markdown, for people and for the voice's card."""
    facts, figures = report.facts, report.figures
    lines = [
        f"Learned from {facts['trained']} sounds ({facts['rows']} with changed versions) of "
        f"{facts['files']} sound files; {facts['held']} were held out and never trained on.",
        "",
    ]
    lines += [f"- {line}" for line in facts["remarks"]]
    if facts["remarks"]:
        lines.append("")
    if "frechet" in figures["after"]:
        lines += [
            "| sounds | Fréchet distance | coverage | density | nearest training sound, dB "
            "| nearest held-out sound, dB | diversity, dB |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for key, name in _ROWS.items():
            row = figures[key]
            lines.append(
                f"| {name} | {row['frechet']:.1f} | {row['coverage']:.0%} | {row['density']:.2f} "
                f"| {row['nearest_train_db']:.1f} | {row['nearest_held_db']:.1f} "
                f"| {row['diversity_db']:.1f} |"
            )
        lines += ["", _explained(report)]
    else:
        lines += [
            "Too few sounds are held out to measure distances of whole sets. The nearest training "
            f"sound of a generated one was {figures['before']['nearest_train_db']:.1f} dB away "
            f"before and is {figures['after']['nearest_train_db']:.1f} dB away now.",
        ]
    return "\n".join(lines) + "\n"


def _explained(report: Report) -> str:
    after, before, real = (report.figures[key] for key in ("after", "before", "real"))
    asked = report.facts["asked"]
    return (
        "The Fréchet distance is to the held-out files, in "
        f"{report.facts['dimensions']} principal directions of a mel-envelope embedding, less what "
        f"a perfect voice would score with so few sounds (raw: {before['frechet_raw']:.1f} before, "
        f"{after['frechet_raw']:.1f} after, {real['frechet_raw']:.1f} for the training sounds; by "
        f"chance {after['chance']:.1f}). Before: {report.base!r} asked for {asked['before']!r}, "
        f"the nearer of what it can be asked for; after: {report.name!r} asked for "
        f"{asked['after']!r}. Held-out sounds lie {real['nearest_train_db']:.1f} dB from the "
        "nearest training sound: a voice whose sounds lie much nearer copies."
    )


def summary(report: Report) -> list[str]:
    """A few lines for the terminal."""
    before, after = report.figures["before"], report.figures["after"]
    lines = []
    if report.change is not None:
        lines.append(
            f"Fréchet distance to held-out sounds {before['frechet']:.1f} -> "
            f"{after['frechet']:.1f} (real ones: {report.figures['real']['frechet']:.1f}); "
            f"coverage {before['coverage']:.0%} -> {after['coverage']:.0%}"
        )
    lines.append(
        f"nearest training sound {before['nearest_train_db']:.1f} dB -> "
        f"{after['nearest_train_db']:.1f} dB"
        + (
            f" (unseen real sounds: {report.figures['real']['nearest_train_db']:.1f} dB)"
            if report.facts["held"]
            else ""
        )
    )
    return lines


def write_report(
    out: Path, report: Report, rows: Mapping[str, Sequence[FloatArray]], sample_rate: int
) -> None:
    """Write report.json, report.md and report.png. rows: title -> (T,) sounds to picture."""
    content = {
        "voice": report.name,
        "base": report.base,
        "change": report.change,
        **{key: dict(row) for key, row in report.figures.items()},
        "facts": dict(report.facts),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    replace_file(out / "report.json", lambda file: file.write(text.encode()))
    page = f"# {report.name}, adapted from {report.base}\n\n{table(report)}\n![](report.png)\n"
    replace_file(out / "report.md", lambda file: file.write(page.encode()))
    write_picture(out / "report.png", rows, sample_rate)


def write_picture(
    path: Path, rows: Mapping[str, Sequence[FloatArray]], sample_rate: int, seconds: float = 0.8
) -> None:
    """Spectrograms of (T,) sounds, one row a title: log frequency up, time across."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(rows), PICTURED, figsize=(PICTURED * 1.2, len(rows) * 1.5), squeeze=False
    )
    for places, (title, sounds) in zip(axes, rows.items(), strict=True):
        places[0].set_title(title, fontsize=8, loc="left")
        for place in places:
            place.axis("off")
        for place, sound in zip(places, sounds[:PICTURED], strict=False):
            place.imshow(
                spectrogram_db(sound, sample_rate, seconds), origin="lower", aspect="auto",
                cmap="magma", vmin=-RANGE_DB, vmax=0.0,
            )  # fmt: skip
    figure.subplots_adjust(0.005, 0.01, 0.995, 0.93, wspace=0.06, hspace=0.25)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
