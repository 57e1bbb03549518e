"""Writes what a run found: report.json, table.md, report.html and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from engine.denoising_evaluation.goals import goals
from engine.denoising_evaluation.materials import MUSIC
from engine.denoising_evaluation.pictures import FloatArray, draw_gain, draw_spectrograms
from engine.denoising_evaluation.running import Row, Say, sound_file
from engine.denoising_evaluation.subjects import Subject
from engine.denoising_evaluation.summary import (
    FIGURES,
    SPEECH_FIGURES,
    figure_rows,
    is_goal_case,
    spread_columns,
    spread_rows,
)
from engine.laboratory.page import Section, page
from engine.laboratory.tables import Column, as_html, as_markdown
from engine.laboratory.verdicts import Verdict
from engine.laboratory.verdicts import as_markdown as verdict_table

__all__ = ["Found", "as_result", "markdown", "write_files"]

_HOW = (
    "Every mean is over cases. The SNR is that of all samples: of the noisy input SI-SDR and SNR "
    "agree. Each sound meets the same stretch of noise at every SNR.",
    "Log-spectral distance and multi-resolution STFT: what lies more than 80 dB below the clean "
    "sound's peak counts as silence.",
    "Onsets: energy of the 20 ms after each onset of the clean sound, against the clean sound's; "
    "the error is the mean size of that. Level: root mean square where the clean sound is heard "
    "(within 40 dB of its loudest 20 ms), the noise that is left included. Clean sound kept: the "
    "gain at which it is in the output. Noise left in gaps: output against the noise where the "
    "clean sound is silent (60 dB below its loudest).",
    "Learned Wiener: decision-directed (0.98), Hann window of 4096 samples at 48 kHz, told the "
    "second of noise that goes before. Oracle ratio mask: |S|² / (|S|² + |N|²) of each bin of the "
    "same transform, told sound and noise.",
    "Of clean input there is no noise to learn: the learned filters leave it as it is. A clean "
    "sound's SI-SDR to itself ends at 100 dB.",
    "Each denoiser runs at its own rate (soxr); its delay is measured by cross-correlation on a "
    "clean voice, compensated, and stands in the table.",
)


@dataclass(frozen=True)
class Found:
    """A finished run. notes: what there is to say about its sounds and figures."""

    settings: Row
    rows: Sequence[Row]
    subjects: Sequence[Subject]
    notes: Sequence[str]

    def verdicts(self) -> list[Verdict]:
        """The goals, met or not."""
        return goals(self.rows, self.subjects)


@dataclass(frozen=True)
class Table:
    """One table of the report."""

    title: str
    columns: tuple[Column, ...]
    rows: list[Row]


def tables(found: Found) -> list[Table]:
    """Every table that the rows give."""
    rows, subjects = found.rows, found.subjects
    music = [row for row in rows if row["kind"] in MUSIC]
    goal = [row for row in rows if is_goal_case(row)]
    speech = [row for row in rows if row["kind"] == "speech"]
    noisy_speech = [row for row in speech if row["snr"] != "clean"]
    snrs = list(found.settings["snrs_db"])
    made = []
    if goal:
        made.append(Table("Music at 0 to 10 dB", FIGURES, figure_rows(goal, subjects)))
    if noisy_speech:
        made.append(Table("Speech", SPEECH_FIGURES, figure_rows(noisy_speech, subjects)))
    for title, part in (("music", music), ("speech", speech)):
        if part:
            made.append(
                _spread(f"SI-SDR of {title} by SNR, dB", part, subjects, "snr", snrs, " dB")
            )
    if goal:
        kinds = [kind for kind in MUSIC if any(row["kind"] == kind for row in goal)]
        made.append(_spread("SI-SDR by kind at 0 to 10 dB, dB", goal, subjects, "kind", kinds))
        noises = list(dict.fromkeys(row["noise"] for row in goal))
        apart = {row["noise"] for row in goal if row["never_trained"]}
        named = [{**r, "noise": _noise(r["noise"], apart)} for r in goal]
        names = [_noise(noise, apart) for noise in noises]
        made.append(
            _spread("SI-SDR by noise, music at 0 to 10 dB, dB", named, subjects, "noise", names)
        )
    for title, snr in (("All at 30 dB", "30"), ("All that is clean", "clean")):
        part = [row for row in rows if row["snr"] == snr]
        if part:
            made.append(Table(title, FIGURES, figure_rows(part, subjects)))
    return made


def as_result(found: Found) -> dict[str, Any]:
    """What report.json holds; the single rows stand in rows.jsonl."""
    return {
        "task": "denoise",
        "settings": found.settings,
        "subjects": [
            {
                "name": subject.name,
                "version": subject.version,
                "sample_rate": subject.rate,
                "delay_frames": subject.delay_frames,
                "learned": subject.learned,
                "missing": subject.missing,
            }
            for subject in found.subjects
        ],
        "tables": [{"title": table.title, "rows": table.rows} for table in tables(found)],
        "goals": [asdict(verdict) for verdict in found.verdicts()],
        "notes": list(found.notes),
    }


def markdown(found: Found) -> str:
    """The goals and the tables."""
    lines = [_lead(found), "", "## Goals", "", verdict_table(found.verdicts(), "voice")]
    for table in tables(found):
        lines += [f"## {table.title}", "", as_markdown(table.columns, table.rows)]
    lines += ["## How to read this", ""]
    return "\n".join([*lines, *(f"- {line}" for line in (*_HOW, *found.notes)), ""])


def write_files(found: Found, folder: Path, say: Say) -> None:
    """Every file of the report."""
    folder.mkdir(parents=True, exist_ok=True)
    result = json.dumps(as_result(found), indent=1)
    (folder / "report.json").write_text(result + "\n", encoding="utf-8")
    (folder / "table.md").write_text(markdown(found), encoding="utf-8")
    sections = [_goal_section(found)]
    for table in tables(found):
        section = Section(table.title)
        section.add_table(as_html(table.columns, table.rows))
        sections.append(section)
    groups = {"Music": list(MUSIC), "Speech": ["speech"]}
    kinds = {row["kind"] for row in found.rows if row["snr"] != "clean"}
    groups = {title: names for title, names in groups.items() if kinds & set(names)}
    if groups:
        draw_gain(folder / "gain.png", found.rows, found.subjects, groups)
        section = Section("SI-SDR against the noise")
        section.add_picture(folder / "gain.png", "Dashed: the noisy input and the oracle mask.")
        sections.append(section)
    sections += _examples(found, folder)
    how = Section("How to read this")
    how.add_list([*_HOW, *found.notes])
    text = page("Driftwave: denoisers compared", _lead(found), [*sections, how])
    (folder / "report.html").write_text(text, encoding="utf-8")
    say(f"wrote {folder / 'report.html'}")


def _lead(found: Found) -> str:
    told = found.settings
    cases = len({row["case"] for row in found.rows})
    return (
        f"{cases} cases: {told['sounds']} of each of {', '.join(told['kinds'])}, "
        f"{told['seconds']:g} s at {told['sample_rate']:,} Hz, at {', '.join(told['snrs_db'])} dB; "
        f"seed {told['seed']}."
    )


def _goal_section(found: Found) -> Section:
    met = {True: "yes", False: "no", None: "not measured"}
    columns = tuple(
        Column(title, key, str)
        for title, key in (
            ("voice", "subject"), ("goal", "claim"), ("found", "found"), ("asked", "floor"),
            ("met", "met"),
        )
    )  # fmt: skip
    rows: list[Mapping[str, Any]] = [
        {
            "subject": v.recipe,
            "claim": v.claim,
            "found": v.found,
            "floor": v.floor,
            "met": met[v.met],
        }
        for v in found.verdicts()
    ]
    section = Section("Goals")
    section.add_table(as_html(columns, rows))
    return section


def _examples(found: Found, folder: Path) -> list[Section]:
    """Players and spectrograms of one sound of each kind, as every subject made it."""
    sections = []
    for kind in found.settings["kinds"]:
        sounds: dict[str, FloatArray] = {}
        rate = 0
        for name in ("clean", *(subject.name for subject in found.subjects)):
            path = sound_file(folder, kind, name)
            if path.exists():
                audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
                sounds[name.split(": ")[-1]] = np.asarray(audio.mean(axis=1), np.float32)
        if sounds:
            picture = folder / f"spectrograms-{kind}.png"
            draw_spectrograms(picture, sounds, rate)
            section = Section(f"An example: {kind}")
            section.add_picture(picture, "Clean, noisy at about 5 dB, and what each made of it.")
            section.add_sounds("Listen", sounds, rate)
            sections.append(section)
    return sections


def _spread(
    title: str, rows: Sequence[Row], subjects: Sequence[Subject], key: str,
    names: Sequence[str], unit: str = "",
) -> Table:  # fmt: skip
    columns = spread_columns(names, unit)
    return Table(title, columns, spread_rows(rows, subjects, key, names, "si_sdr_db"))


def _noise(name: str, apart: set[str]) -> str:
    return f"{name} (never trained)" if name in apart else name
