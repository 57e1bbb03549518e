"""`engine.evaluate --task denoise` as a whole: reports, goals, stopping and going on."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import evaluate
from engine.denoising_evaluation.filters import oracle_mask
from engine.denoising_evaluation.goals import goals
from engine.denoising_evaluation.materials import open_materials
from engine.denoising_evaluation.protocol import Case, Plan
from engine.denoising_evaluation.report import Found, markdown, write_files
from engine.denoising_evaluation.running import ROWS, run_all, settings_of
from engine.denoising_evaluation.subjects import Subject, open_subjects
from engine.errors import DataError

SMALL = ["--task", "denoise", "wiener", "--sounds", "1", "--seconds", "2", "--rate", "16000",
         "--noises", "pink,motor", "--snr", "5,30,clean"]  # fmt: skip


def without_times(rows: Any) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "real_time"} for row in rows]


def rows_of(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / ROWS).read_text().splitlines()
    return without_times(json.loads(line) for line in lines[1:])


def test_a_report_is_written_and_a_stopped_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report"
    arguments = [*SMALL, "--kinds", "drums", "--report", str(report)]
    assert evaluate.main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((report / "report.json").read_text())
    assert told["tables"][0]["title"] == "Music at 0 to 10 dB"
    music = {row["subject"]: row for row in told["tables"][0]["rows"]}
    noisy, learned, oracle = (
        music[name]["si_sdr_db"]
        for name in ("floor: noisy input", "learned Wiener", "ceiling: oracle ratio mask")
    )
    assert noisy == pytest.approx(5.0, abs=0.3)
    assert noisy < learned < oracle
    page = (report / "report.html").read_text()
    assert page.count("<audio") == 4  # clean and three subjects
    assert "motor (never trained)" in page
    for picture in ("gain.png", "spectrograms-drums.png"):
        assert (report / picture).read_bytes().startswith(b"\x89PNG")
    assert "| learned Wiener |" in (report / "table.md").read_text()

    first = rows_of(report)
    whole = (report / ROWS).read_bytes()
    (report / ROWS).write_bytes(whole[: len(whole) * 2 // 3])  # ends within a line
    assert evaluate.main(arguments) == 0
    said = capsys.readouterr()
    assert "5/5 drums" in said.err
    assert "1/5 drums" not in said.err  # it was whole
    assert said.out.startswith("5 cases: 1 of each of drums, 2 s at 16,000 Hz")
    assert rows_of(report) == first

    assert evaluate.main([*arguments, "--seed", "2"]) == 2
    assert "rows of other settings (seed 1)" in capsys.readouterr().err


def test_speech_has_its_own_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--kinds", "speech", "--snr", "5", "--noises", "motor", "--json"]
    assert evaluate.main([*SMALL, *chosen]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tables"][0]["title"] == "Speech"
    for package, key in (("pesq", "pesq"), ("pystoi", "stoi"), ("speechmos", "dnsmos")):
        known = importlib.util.find_spec(package) is not None
        assert all((row[key] is not None) == known for row in told["tables"][0]["rows"])
        assert any(package in note for note in told["notes"]) != known


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--snr", "loud"], "'loud'; expected numbers and clean"),
        (["--noises", "bagpipes"], "'bagpipes': expected some of white"),
        (["--kinds", "opera"], "'opera': expected some of instruments"),
        (["--seconds", "0.1"], "expected 2 to 60 s"),
        (["--data", "/nowhere/at/all"], "no such folder"),
        (["--steps", "3"], "--steps belongs to --task generate"),
        (["somebody"], "subject 'somebody': expected words of"),
    ],
)
def test_bad_input_is_one_clear_error(
    wrong: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main([*SMALL, *wrong]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


def test_options_of_denoising_are_refused_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["drums", "--data", "x.npz", "--snr", "5"]) == 2
    assert "--snr belongs to --task denoise" in capsys.readouterr().err
    assert evaluate.main([]) == 2
    assert "nothing to measure" in capsys.readouterr().err


def ran(process: Any, plan: Plan) -> Found:
    """A run with an own voice that is a function of the case."""
    subjects = [*open_subjects(["wiener"]), Subject("driftwave denoise", "test", process)]
    settings = settings_of(plan, None, None)
    rows = run_all(plan, open_materials(None, None), subjects, None, settings, lambda _line: None)
    return Found(settings, rows, subjects, [])


PLAN = Plan(
    seconds=2.0,
    sample_rate=16_000,
    noises=("white",),
    snrs_db=(10.0, 30.0, np.inf),
    kinds=("drums",),
)


def test_an_ideal_voice_meets_the_goals_that_can_be_measured() -> None:
    def ideal(case: Case) -> np.ndarray:
        return case.clean

    run = ran(ideal, PLAN)
    measured = [each for each in goals(run.rows, run.subjects) if each.met is not None]
    assert len(measured) == 5  # share, level, onsets, 30 dB, clean
    assert all(each.met for each in measured)


def test_the_oracle_itself_is_all_of_the_way_and_doing_nothing_none() -> None:
    def oracle(case: Case) -> np.ndarray:
        return oracle_mask(case.mixture, case.clean, case.noise, case.sample_rate)

    for process, found in ((oracle, "100%"), (lambda case: case.mixture, "-")):
        run = ran(process, PLAN)
        (share,) = (each for each in goals(run.rows, run.subjects) if "share" in each.claim)
        assert share.found.startswith(found)
        assert share.met is (found == "100%")


def test_a_voice_that_harms_is_told_so() -> None:
    def dull(case: Case) -> np.ndarray:
        return (0.9 * case.mixture + 0.1 * np.roll(case.mixture, 1, axis=1)).astype(np.float32)

    run = ran(dull, PLAN)
    met = {each.claim: each.met for each in goals(run.rows, run.subjects)}
    assert met["at 30 dB: SI-SDR against doing nothing, the worst case"] is False
    assert met["clean input: log-spectral distance to it, the worst case"] is False


@pytest.mark.parametrize(
    ("process", "said"),
    [
        (lambda case: case.mixture * np.float32("nan"), "not numbers"),
        (lambda case: case.mixture[:, :-1], "expected (1, 32000)"),
        (lambda case: case.mixture.reshape(7, 3), "ValueError: cannot reshape"),
    ],
)
def test_a_voice_that_fails_is_a_row_that_says_so(process: Any, said: str, tmp_path: Path) -> None:
    run = ran(process, replace(PLAN, snrs_db=(5.0,)))
    assert said in run.rows[-1]["failed"]
    assert "1 cases failed: " in markdown(run)
    assert any(each.met is None for each in run.verdicts())
    write_files(run, tmp_path, lambda _line: None)


def test_rows_without_settings_are_not_taken_up(tmp_path: Path) -> None:
    (tmp_path / ROWS).write_text('{"case": "x"}\n')
    with pytest.raises(DataError, match="none are named"):
        run_all(
            PLAN, open_materials(None, None), [], tmp_path, settings_of(PLAN, None, None),
            lambda _line: None,
        )  # fmt: skip
