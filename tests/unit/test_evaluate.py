"""The evaluate command on a tiny voice and a small shard of sounds made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine import evaluate
from engine.conditioning.descriptors import DESCRIPTORS
from tests.support.tiny_voice import tiny_voice

RATE = 44_100


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """120 decaying tones and noises of three categories, half of them held out."""
    rng = np.random.default_rng(0)
    t = np.arange(RATE // 4) / RATE
    sounds, categories = [], []
    for number in range(120):
        kind = number % 3
        decay = np.exp(-t * rng.uniform(10, 40))
        tone = np.sin(2 * np.pi * (80.0, 900.0, 0.0)[kind] * rng.uniform(0.8, 1.2) * t)
        sound = (tone if kind < 2 else rng.standard_normal(t.size) * 0.3) * decay * 0.5
        sounds.append((sound * 32767).astype(np.int16))
        categories.append(kind)
    length = np.array([len(sound) for sound in sounds])
    path = tmp_path / "sounds.npz"
    np.savez(
        path,
        sample_rate=np.int64(RATE),
        audio=np.concatenate(sounds),
        start=np.concatenate(([0], np.cumsum(length)[:-1])),
        length=length,
        category=np.array(categories, dtype=np.int64),
        descriptors=rng.random((120, len(DESCRIPTORS))),
        quantiles=np.tile(np.linspace(0, 1, 33), (len(DESCRIPTORS), 1)),
        held_out=np.arange(120) % 2 == 0,
        group=np.arange(120),
        name=np.array([f"sound {k}" for k in range(120)]),
        source=np.array(["made here"] * 120),
    )
    return path


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


def test_too_few_held_out_sounds_are_refused(shard: Path, tmp_path: Path) -> None:
    voice = tiny_voice(tmp_path / "voices" / "tiny")
    with np.load(shard) as table:
        rest = {name: table[name] for name in table.files}
    rest["held_out"] = np.arange(120) < 10
    np.savez(tmp_path / "few.npz", **rest)
    assert evaluate.main([str(voice.folder), "--data", str(tmp_path / "few.npz")]) == 2
    assert evaluate.main([str(voice.folder), "--data", str(tmp_path / "absent.npz")]) == 2
    assert evaluate.main(["absent", "--data", str(shard)]) == 3
