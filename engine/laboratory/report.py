"""Write the report of a comparison: report.json, report.html, table.md and pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.errors import DriftwaveError
from engine.laboratory import pictures
from engine.laboratory.comparison import Comparison, Plan, compare_subjects
from engine.laboratory.page import Section, page
from engine.laboratory.strips import Strip, draw_strips, strips
from engine.laboratory.subjects import Model, is_run, open_subjects
from engine.laboratory.tables import GENERATED, GIVEN, as_html, as_markdown
from engine.metrics.manifolds import NEIGHBOURS, expected_coverage
from engine.metrics.measure import DIMENSIONS, held_rows, open_shard
from engine.metrics.memorisation import QUANTILE
from engine.metrics.sheet import write_sheet
from engine.training.categories import CATEGORIES

__all__ = ["as_result", "write_files", "write_report"]

Say = Callable[[str], None]

CURVE = "curve.jsonl"
_PLAYED = 6


def write_report(
    folders_or_names: Sequence[str | Path],
    data: Path,
    out: Path,
    *,
    sounds: int = 0,
    say: Say = lambda _line: None,
    plan: Plan | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """Measures voices and runs on an audio shard and writes everything into `out`.

    folders_or_names: voice names, voice folders, run folders. data: an audio shard (.npz).
    sounds: generated a row, 0 = as many as are held out. plan: more choices; its own `sounds`
    counts when it is given. Returns what report.json holds. Raises DataError and VoiceError.
    """
    shard = open_shard(data)
    chosen = plan or Plan(sounds=sounds)
    held_rows(shard, chosen.sounds)  # refuses too few before anything is opened
    subjects = open_subjects(folders_or_names, device)
    found = compare_subjects(subjects, shard, chosen, say)
    runs = [Path(name) for name in folders_or_names if is_run(Path(name))]
    return write_files(found, subjects, runs, out, say)


def write_files(
    found: Comparison, subjects: Sequence[Model], runs: Sequence[Path], out: Path, say: Say
) -> dict[str, Any]:
    """The files of a comparison. runs: folders whose learning curves are drawn."""
    out.mkdir(parents=True, exist_ok=True)
    result = as_result(found, subjects)
    (out / "report.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (out / "table.md").write_text(_markdown(found), encoding="utf-8")
    sections = [_tables(found), _trilemma(found, out)]
    if found.points:
        sections.append(_steps(found, out))
    sections += [*_sheets(found, out), *_strips(found, subjects, out, say)]
    curves = {run.name: pictures.curve_rows(run / CURVE) for run in runs if (run / CURVE).exists()}
    curves = {name: rows for name, rows in curves.items() if rows}
    if curves:
        pictures.draw_curves(out / "curves.png", curves)
        section = Section("Learning curves")
        section.add_picture(
            out / "curves.png", "Training losses of each run; those of two runs do not compare."
        )
        sections.append(section)
    (out / "report.html").write_text(
        page("Driftwave: generative models compared", _lead(found), sections), encoding="utf-8"
    )
    say(f"wrote {out / 'report.html'}")
    return result


def as_result(found: Comparison, subjects: Sequence[Model]) -> dict[str, Any]:
    """What report.json holds."""
    real = found.real
    return {
        "sample_rate": real.sample_rate,
        "seconds": real.seconds,
        "sounds": len(real.held_out),
        "trained_on": len(real.train_embeddings),
        "subjects": [subject.name for subject in subjects],
        "real": found.floors,
        "expected_coverage": _expected(found),
        "copies_below_db": real.copies.below_db,
        "rows": found.rows,
        "given": found.given,
        "points": found.points,
        "notes": found.notes,
    }


def _lead(found: Comparison) -> str:
    real = found.real
    return (
        f"On {len(real.held_out)} held-out sounds; as many were made for each row, of the same "
        "categories where a subject can be asked for one. Everything is resampled to "
        f"{real.sample_rate:,} Hz, the lowest rate of subjects and data, and the first "
        f"{real.seconds:.2f} s count."
    )


def _how(found: Comparison) -> list[str]:
    """How to read the columns."""
    real = found.real
    return [
        f"Fréchet: distance of the Gaussians of two sets of sounds, in {DIMENSIONS} principal "
        f"directions of a mel-envelope embedding, in dB². Two halves of the real sounds, of this "
        f"size: {found.floors['split_half']:.1f}; training against held-out sounds: "
        f"{found.floors['frechet']:.1f} (more where these come from other sources). "
        "Differences below two or three times the ± are none.",
        "Mel distance: median, over windows of 2048, 1024 and 512 samples, to the held-out sound "
        "(of the category) that is nearest; gain removed.",
        "Category accuracy: what a linear classifier, trained on the real training sounds, says "
        f"about the category asked for; it is right about {found.floors['accuracy']:.0%} of the "
        "held-out sounds. A higher figure means typical sounds, not better ones.",
        f"Precision, density, coverage, recall: in the same directions, with {NEIGHBOURS} nearest "
        f"neighbours. Equal distributions would have density 1, coverage {_expected(found):.0%}. "
        "A lone real sound has a wide neighbourhood, so precision is easily high; with fewer "
        "than some 200 sounds so is coverage.",
        "Pairwise distance: mean distance of two sounds of a set; of the held-out sounds "
        f"{found.floors['diversity_db']:.1f} dB.",
        f"Copies: share of sounds nearer to a training sound than {real.copies.below_db:.2f} dB, "
        f"the {QUANTILE:.0%} quantile of held-out sounds. A generator that copies nothing "
        f"scores {QUANTILE:.0%}, the training sounds themselves 100%.",
        "Given a sound: Griffin-Lim, and the noise beside it, hear the mel frames that the "
        "vocoders hear, far more than a codec's latents hold; phases count in SI-SDR alone.",
        "Milliseconds are wall-clock time on the machine that wrote this, with what else it did.",
    ]


def _markdown(found: Comparison) -> str:
    lines = [_lead(found), "", as_markdown(GENERATED, found.rows)]
    if found.given:
        lines += ["Given a sound:", "", as_markdown(GIVEN, found.given)]
    lines += [f"- {line}" for line in (*_how(found), *found.notes)]
    return "\n".join(lines) + "\n"


def _tables(found: Comparison) -> Section:
    section = Section("Figures")
    section.add_table(as_html(GENERATED, found.rows))
    if found.given:
        section.add_table("<h3>Given a sound</h3>" + as_html(GIVEN, found.given))
    section.add_list(_how(found))
    if found.notes:
        section.add_list(found.notes)
    return section


def _trilemma(found: Comparison, out: Path) -> Section:
    path = out / "trilemma.png"
    pictures.draw_trilemma(path, found.rows, found.floors["split_half"], _expected(found))
    section = Section("The trilemma")
    section.add_picture(
        path,
        "Good, diverse and fast: the upper left corner, in a dark colour. Grey diamonds are "
        "baselines that learned nothing, and training sounds themselves.",
    )
    return section


def _steps(found: Comparison, out: Path) -> Section:
    path = out / "steps.png"
    pictures.draw_steps(path, found.points, found.floors["split_half"])
    section = Section("Steps")
    section.add_picture(path, "Bars: standard deviation over draws of the made sounds (bootstrap).")
    return section


def _sheets(found: Comparison, out: Path) -> list[Section]:
    real = found.real
    sections = []
    for name, sounds in found.shown.items():
        path = out / f"sheet-{_slug(name)}.png"
        write_sheet(path, sounds, real)
        section = Section(f"Sounds: {name}")
        section.add_picture(
            path, f"{name} on the left, held-out sounds of the same categories on the right."
        )
        numbers = sorted(sounds)
        played = numbers[:: max(1, len(numbers) // _PLAYED)][:_PLAYED]
        labels = {f"{CATEGORIES[real.held_categories[k]].replace('_', ' ')} {k}": k for k in played}
        for title, source in ((name, sounds), ("Real, held out", dict(enumerate(real.held_out)))):
            section.add_sounds(
                title, {label: source[k] for label, k in labels.items()}, real.sample_rate
            )
        sections.append(section)
    return sections


def _strips(found: Comparison, subjects: Sequence[Model], out: Path, say: Say) -> list[Section]:
    sections = []
    for subject in subjects:
        try:
            made: list[Strip] = strips(subject, found.real)
        except DriftwaveError as error:
            say(f"{subject.name}: no strips, {error}")
            continue
        if not made:
            continue
        path = out / f"strips-{_slug(subject.name)}.png"
        draw_strips(path, made, found.real.seconds)
        section = Section(f"Between sounds: {subject.name}")
        section.add_picture(path, "Level below the loudest point, 80 dB from dark to light.")
        for strip in made:
            labels = [label.replace("\n", ", ") for label in strip.labels]
            section.add_sounds(
                strip.title, dict(zip(labels, strip.sounds, strict=True)), strip.sample_rate
            )
        sections.append(section)
    return sections


def _expected(found: Comparison) -> float:
    return expected_coverage(len(found.real.held_out), len(found.real.held_out))


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "subject"
