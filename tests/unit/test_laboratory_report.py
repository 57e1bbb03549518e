"""The whole report of a tiny voice and of runs that stand on the protocol alone."""

from __future__ import annotations

import base64
import io
import json
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image
from torch import Tensor, nn

from engine.errors import DataError, UsageError
from engine.frameworks import DataInfo
from engine.frameworks.sampling import Drawn, Order, Sampling
from engine.laboratory import subjects
from engine.laboratory.comparison import Plan, _expected_ms, compare_subjects
from engine.laboratory.pictures import draw_steps, draw_trilemma
from engine.laboratory.report import write_report
from engine.laboratory.run_strips import seeds_between
from engine.laboratory.subjects import BetweenSeeds, BetweenSounds, Restarts, open_subjects
from engine.laboratory.voice_model import UntrainedVoice, VoiceModel
from engine.metrics.measure import open_shard
from engine.runtime import open_runtime
from engine.voice import load_voice
from tests.support import fake_runs
from tests.support.fake_runs import fake_run
from tests.support.tiny_shard import tiny_shard
from tests.support.tiny_voice import tiny_voice

PLAN = Plan(sounds=48, sweep=(1, 2, 8))


@dataclass
class Written:
    out: Path
    result: dict[str, Any]
    said: list[str]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("laboratory")
    names = [
        tiny_voice(folder / "voices" / "tiny").folder,
        fake_run(folder / "runs" / "tones", "generates"),
        fake_run(folder / "runs" / "vocoder", "vocodes"),
        fake_run(folder / "runs" / "cleaner", "denoises"),
        fake_run(folder / "runs" / "vae", "reconstructs"),
    ]
    shard = tiny_shard(folder / "sounds.npz")
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "engine.laboratory.model", fake_runs)
        result = write_report(names, shard, folder / "out", say=said.append, plan=PLAN)
    return Written(folder / "out", result, said)


class Page(HTMLParser):
    """Collects what a page shows and refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.sources: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_every_subject_and_baseline_has_its_row(written: Written) -> None:
    assert json.loads((written.out / "report.json").read_text()) == written.result
    rows = {(row["subject"], row["sampler"]): row for row in written.result["rows"]}
    names = {name for name, _ in rows}
    assert {"tiny", "tones", "vae", "real: training sounds", "floor: shaped noise"} < names
    assert {"floor: mean sound", "floor: tiny, untrained"} < names
    assert rows["tones", "plain"]["nfe"] == rows["tones", "double"]["nfe"] == 2
    assert rows["tones", "plain"]["parameters"] == 12_345
    for row in rows.values():
        assert all(np.isfinite(row[key]) for key in ("frechet", "mel_db", "coverage", "copies"))
    given = {row["subject"]: row for row in written.result["given"]}
    assert {"tiny, codec", "vocoder", "cleaner", "vae", "floor: noisy at 10 dB"} < set(given)
    assert given["vocoder"]["si_sdr_db"] > 20.0
    assert given["floor: noisy at 10 dB"]["si_sdr_db"] == pytest.approx(10.0, abs=1.0)


def test_all_is_compared_at_the_lowest_rate_and_shortest_length(written: Written) -> None:
    assert written.result["sample_rate"] == fake_runs.SAMPLE_RATE
    assert written.result["seconds"] == 0.5
    assert written.result["sounds"] == 48


def test_training_sounds_count_as_copies_and_better_sounds_score_better(written: Written) -> None:
    rows = {row["subject"]: row for row in written.result["rows"]}
    real = rows["real: training sounds"]
    assert real["copies"] == 1.0
    for name in ("tones", "tiny", "floor: shaped noise", "floor: mean sound"):
        assert real["frechet"] < rows[name]["frechet"]
        assert real["coverage"] > rows[name]["coverage"]
    assert rows["tones"]["frechet"] < rows["tiny"]["frechet"]
    assert rows["floor: mean sound"]["coverage"] < 0.3


def test_steps_are_swept_as_far_as_a_subject_goes(written: Written) -> None:
    points = [p["steps"] for p in written.result["points"] if p["subject"] == "tones"]
    assert points == [1, 2, 1, 2]  # plain and double; eight steps are refused
    assert any("8 steps" in note and "at most 4" in note for note in written.result["notes"])


def test_expected_times_grow_with_steps() -> None:
    assert _expected_ms({4: 40.0}, 8) == 80.0
    assert _expected_ms({4: 40.0, 8: 60.0}, 2) == 20.0
    assert _expected_ms({4: 40.0, 8: 60.0}, 6) == 50.0
    assert _expected_ms({4: 40.0, 8: 60.0}, 8) == 60.0
    assert _expected_ms({4: 40.0, 8: 60.0}, 16) == 100.0


def test_the_page_stands_alone_and_shows_every_subject(written: Written) -> None:
    page = Page()
    page.feed((written.out / "report.html").read_text())
    assert page.open == []
    text = " ".join(page.words)
    for name in ("tiny", "tones", "vocoder", "cleaner", "vae", "tiny, codec", "Griffin-Lim"):
        assert name in text
    kinds = {source.split(",")[0] for source in page.sources}
    assert kinds == {"data:image/png;base64", "data:audio/flac;base64"}
    for source in page.sources:
        data = base64.b64decode(source.split(",")[1], validate=True)
        if source.startswith("data:image"):
            assert not_blank(Image.open(io.BytesIO(data)))
        else:
            assert soundfile.info(io.BytesIO(data)).frames > 1000


def test_the_pictures_are_there_and_not_blank(written: Written) -> None:
    names = {path.name for path in written.out.glob("*.png")}
    assert names == {
        "trilemma.png", "steps.png", "curves.png", "sheet-tiny.png", "sheet-tones.png",
        "sheet-vae.png", "strips-tiny.png",
    }  # fmt: skip
    for name in names:
        assert not_blank(Image.open(written.out / name)), name


def test_the_markdown_table_is_one_table_for_all(written: Written) -> None:
    lines = (written.out / "table.md").read_text().splitlines()
    tables = [line for line in lines if line.startswith("|")]
    widths = {line.count("|") for line in tables if line.startswith("| t")}
    assert len(widths) == 2  # of what generates, and of what is given a sound
    assert any("| tones | double |" in line for line in tables)


def test_a_voice_goes_from_seed_to_seed_and_from_sound_to_sound(tmp_path: Path) -> None:
    voice = load_voice(tiny_voice(tmp_path / "voices" / "tiny").folder)
    model = VoiceModel(open_runtime("cpu", threads=1).load(voice))
    for ability in (BetweenSeeds, BetweenSounds, Restarts):
        assert isinstance(model, ability)
    kick = np.zeros(1, dtype=np.int64)
    row = model.between_seeds(5, 9, 3, category=0, steps=2).audio
    for place, seed in ((0, 5), (2, 9)):  # the ends are what those seeds make
        alone = model.generate(kick, seed=seed, steps=2).audio[0]
        np.testing.assert_allclose(row[place], alone, atol=1e-6)
    assert not np.array_equal(row[1], row[0])
    sounds = [np.sin(np.arange(9000, dtype=np.float32) * k) for k in (0.01, 0.3)]
    between = model.between_sounds(sounds[0], sounds[1], 3).audio
    whole = np.pad(sounds[0], (0, voice.sample_rate - 9000))
    decoded = model.restart(whole, 0.0, category=-1, seed=1).audio[0]
    np.testing.assert_allclose(between[0], decoded, atol=1e-6)
    assert model.generate(kick, seed=1, steps=4).nfe == 4
    assert UntrainedVoice(model.loaded).generate(kick, seed=1, steps=1).nfe == 1


INFO = DataInfo(8000, 1, 500, ("kick", "snare"), ("length",))


@dataclass(frozen=True)
class NoiseItself:
    """A run whose sound is its noise: opened and sampled at once."""

    network: nn.Module = field(default_factory=nn.Identity)
    info: DataInfo = INFO
    device: str = "cpu"
    usual_length: int = 500

    @property
    def opened(self) -> NoiseItself:
        return self

    @property
    def sampling(self) -> Sampling:
        def make(_network: nn.Module, order: Order, _sampler: str, steps: int) -> Drawn:
            assert order.conditions.category.tolist() == [1] * order.rows
            return Drawn(order.noise(0, (order.rows, 1, order.length)), steps)

        return Sampling({"noise": 3}, make, "sound")

    def audio(self, x: Tensor) -> Tensor:
        return x[:, 0]


def test_a_run_goes_from_seed_to_seed_on_a_great_circle() -> None:
    made = seeds_between(NoiseItself(), 4, 9, 5, category=1)
    assert (len(made.audio), made.nfe) == (5, 3)
    for place, seed in ((0, 4), (4, 9)):  # the ends are those seeds' own noise
        own = np.random.Generator(np.random.Philox(key=seed)).standard_normal(500, np.float32)
        np.testing.assert_array_equal(made.audio[place], own)
    norms = [float(np.linalg.norm(sound)) for sound in made.audio]
    assert norms[2] == pytest.approx((norms[0] + norms[4]) / 2, rel=0.05)


def test_a_folder_that_is_neither_voice_nor_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "engine.laboratory.model", fake_runs)
    with pytest.raises(DataError, match="expected one of generates"):
        open_subjects([fake_run(tmp_path / "odd", "sings")])
    with pytest.raises(DataError, match="two subjects are called"):
        open_subjects([fake_run(tmp_path / f"{k}" / "same", "generates") for k in "ab"])
    assert subjects.is_run(tmp_path / "odd")


def test_runs_of_one_recipe_are_called_by_their_folders_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "engine.laboratory.model", fake_runs)
    folders = [fake_run(tmp_path / name, "generates", "flow") for name in ("long", "short")]
    assert [s.name for s in open_subjects(folders)] == ["flow (long)", "flow (short)"]
    assert [s.name for s in open_subjects(folders[:1])] == ["flow"]


def test_pictures_of_many_subjects_and_of_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        {
            "subject": f"subject number {k}", "sampler": "ddim", "steps": 2 ** (k % 11),
            "frechet": float(np.exp(rng.uniform(2.5, 5))), "frechet_deviation": 2.0,
            "coverage": float(rng.uniform()), "milliseconds": float(np.exp(rng.uniform(1, 8))),
        }
        for k in range(20)
    ]  # fmt: skip
    for number, some in enumerate((rows, [])):
        path = tmp_path / f"{number}.png"
        draw_trilemma(path, some, 6.7, 0.97)
        assert not_blank(Image.open(path))
    draw_steps(tmp_path / "steps.png", rows, 6.7)
    assert not_blank(Image.open(tmp_path / "steps.png"))


def test_a_sampler_that_no_subject_has_is_refused(tmp_path: Path) -> None:
    model = fake_runs.FakeModel("tones", "generates")
    shard = open_shard(tiny_shard(tmp_path / "sounds.npz"))
    with pytest.raises(UsageError, match="expected one of: double, plain"):
        compare_subjects([model], shard, Plan(samplers=(("ddim", 0),)), lambda _line: None)


def not_blank(image: Image.Image) -> bool:
    pixels = np.asarray(image.convert("L"), dtype=np.float64)
    return min(pixels.shape) > 150 and float(pixels.std()) > 5.0
