"""The evaluate command on a tiny voice and a small shard of sounds made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine import evaluate
from engine.errors import UsageError
from tests.support.tiny_shard import tiny_shard
from tests.support.tiny_voice import tiny_voice


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    return tiny_shard(tmp_path / "sounds.npz")


def test_a_report_a_table_and_a_sheet(
    shard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice = tiny_voice(tmp_path / "voices" / "tiny")
    report = tmp_path / "report"
    arguments = [str(voice.folder), "--data", str(shard), "--report", str(report), "--steps", "1"]
    assert evaluate.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((report / "report.json").read_text())
    assert told["sounds"] == 60
    assert told["real"]["accuracy"] > 0.9
    made = told["steps"]["1"]
    assert made["frechet"] > told["real"]["frechet"] > 0.0
    assert made["nearest_train_db"] > told["real"]["nearest_train_db"]
    assert set(told["reconstruction"]) == {"log_spectral_db", "snr_db"}
    assert (report / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert "| 1 step |" in (report / "figures.md").read_text()
    assert "tiny, codec" in (report / "table.md").read_text()
    assert "<table>" in (report / "report.html").read_text()


def test_too_few_held_out_sounds_are_refused(shard: Path, tmp_path: Path) -> None:
    voice = tiny_voice(tmp_path / "voices" / "tiny")
    with np.load(shard) as table:
        rest = {name: table[name] for name in table.files}
    rest["held_out"] = np.arange(120) < 10
    np.savez(tmp_path / "few.npz", **rest)
    assert evaluate.main([str(voice.folder), "--data", str(tmp_path / "few.npz")]) == 2
    assert evaluate.main([str(voice.folder), "--data", str(tmp_path / "absent.npz")]) == 2
    assert evaluate.main(["absent", "--data", str(shard)]) == 3


def test_samplers_are_read_as_name_and_steps() -> None:
    assert evaluate._samplers("ddim:20, euler") == (("ddim", 20), ("euler", 0))
    assert evaluate._samplers("") == ()
    for wrong in (":3", "ddim:many", "ddim:-1"):
        with pytest.raises(UsageError, match="name:steps"):
            evaluate._samplers(wrong)
