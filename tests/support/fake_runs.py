"""Run folders without training: models that satisfy engine.laboratory.subjects.Model.

fake_run(tmp_path / "runs" / "tones", "generates")
monkeypatch.setitem(sys.modules, "engine.laboratory.model", fake_runs)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.conditioning.frames import FrameSettings
from engine.errors import BadRange
from engine.laboratory.subjects import Sounds

SAMPLE_RATE = 22_050
MOST_STEPS = 4


@dataclass
class FakeModel:
    """Makes tones that grow less noisy with more steps; renders a sound as it is, some bits short.

    One that reconstructs also generates, as a VAE does.
    """

    name: str
    kind: str
    conditional: bool = True
    sample_rate: int = SAMPLE_RATE
    parameters: int = 12_345
    condition: FrameSettings = field(default_factory=FrameSettings)

    @property
    def samplers(self) -> Mapping[str, int]:
        return {"plain": 2, "double": 1} if self.kind == "generates" else {}

    def generate(
        self,
        categories: np.ndarray,
        *,
        seed: int,
        sampler: str = "",
        steps: int = 0,
        guidance: float = 1.0,
        descriptors: np.ndarray | None = None,
        frames: np.ndarray | None = None,
    ) -> Sounds:
        if self.kind not in ("generates", "reconstructs"):
            raise BadRange(f"{self.name} {self.kind}; expected a model that generates")
        if sampler not in ("", *self.samplers):
            raise BadRange(f"sampler is {sampler!r}")
        name = sampler or "plain"
        count = steps or self.samplers.get(name, 1)
        if count > MOST_STEPS:
            raise BadRange(f"steps is {count}; expected at most {MOST_STEPS}")
        t = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
        audio = []
        for number, category in enumerate(categories):
            rng = np.random.default_rng(seed + number)
            hertz = (80.0, 900.0, 3000.0)[int(category) % 3] * rng.uniform(0.8, 1.2)
            noise = rng.standard_normal(t.size) / (2.0 * count)
            sound = (np.sin(2 * np.pi * hertz * t) + noise) * np.exp(-20 * t)
            audio.append(sound.astype(np.float32) * 0.3)
        return Sounds(audio, count * (2 if name == "double" else 1), 0.5 * count)

    def render(
        self, sounds: Sequence[np.ndarray], *, seed: int, sampler: str = "", steps: int = 0
    ) -> Sounds:
        return Sounds([np.round(sound * 512) / np.float32(512) for sound in sounds], 1, 0.25)


def fake_run(folder: Path, kind: str, name: str = "") -> Path:
    """A run folder with a learning curve, its last line cut short, and a model of kind and name."""
    folder.mkdir(parents=True)
    rows = [{"step": n, "total": 3.0 / n, "steps_per_s": 9.0} for n in range(1, 30)]
    text = "".join(json.dumps(row) + "\n" for row in rows) + '{"step": 30, "tot'
    (folder / "curve.jsonl").write_text(text)
    (folder / "kind").write_text(kind)
    (folder / "name").write_text(name or folder.name)
    return folder


def open_model(folder: Path, *, device: str = "cpu") -> FakeModel:
    """As engine.laboratory.model has it."""
    assert device == "cpu"
    return FakeModel((folder / "name").read_text(), (folder / "kind").read_text())
