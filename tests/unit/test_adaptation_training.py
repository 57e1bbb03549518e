"""Adaptation's framework and figures: pairs are one to one, the base is held, chance is told."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from engine.adaptation.measuring import Reference, _figures, chance  # noqa: E402
from engine.frameworks import Batch, DataInfo, Parts  # noqa: E402
from engine.frameworks.adaptation import Adaptation, Settings  # noqa: E402
from engine.metrics.sets import principal_axes  # noqa: E402
from engine.networks import transformer  # noqa: E402
from engine.networks.interface import Conditions  # noqa: E402
from engine.runtime.examples import filled  # noqa: E402
from engine.training.loop import CHECKPOINT, Run, Trainer  # noqa: E402
from engine.training.recipe import Recipe, parse_recipe  # noqa: E402
from engine.voice_format import ABSENT, Conditioning  # noqa: E402

INFO = DataInfo(44_100, 3, 8, ("old", "new"), ("height",))
NAN = math.nan


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network() -> nn.Module:
    torch.manual_seed(4)
    made = transformer.build(transformer.Settings(16, 1, 2), INFO.network())
    for parameter in made.parameters():
        if float(parameter.detach().abs().max()) == 0.0:
            nn.init.normal_(parameter, std=0.1)
    return made


def adaptation(**changes: object) -> Adaptation:
    settings = dataclasses.replace(
        Settings(pool=12, pool_frames=8, held_pool=10, held_categories=(0,)),
        **changes,  # type: ignore[arg-type]
    )
    return Adaptation(settings, Parts(network(), None, INFO, 100))


class Few:
    """Four sounds of two categories; a Source."""

    info = INFO

    def batch(self, seed: int, step: int, size: int) -> Batch:
        generator = torch.Generator().manual_seed(3)
        sounds = torch.randn((4, 3, 8), generator=generator)
        rows = torch.randint(4, (size,), generator=torch.Generator().manual_seed(seed * 99 + step))
        return Batch(sounds[rows], torch.full((size,), 8), rows % 2, rows[:, None] / 4)

    def held_out(self, size: int) -> Batch:
        return self.batch(0, 0, size)


def prepared(framework: Adaptation) -> torch.Generator:
    generator = torch.Generator().manual_seed(1)
    framework.before_step(0, lambda size: Few().batch(5, 0, size), generator)
    return generator


# ---- the framework ------------------------------------------------------------------------


def test_every_sound_of_the_pool_has_a_noise_of_its_own_and_the_pairs_are_near() -> None:
    framework = adaptation()
    prepared(framework)
    pool, eps = framework.paired, framework.paired_noise
    assert len({tuple(row.flatten().tolist()) for row in eps}) == 12
    told = Conditions(pool.category, torch.full((12, 1), NAN), pool.guidance)
    with torch.no_grad():
        made = eps - framework.network(eps, torch.ones(12), told)

    def total(order: torch.Tensor) -> float:
        return float((made[order] - pool.x).square().sum())

    usual = total(torch.arange(12))
    generator = torch.Generator().manual_seed(0)
    for category in (0, 1):  # no other order within a category is nearer
        members = torch.nonzero(pool.category == category)[:, 0]
        for _ in range(20):
            order = torch.arange(12)
            shuffled = torch.randperm(len(members), generator=generator)
            order[members] = members[shuffled]
            assert total(order) >= usual - 1e-4


def test_what_is_held_are_the_bases_own_answers() -> None:
    framework = adaptation()
    prepared(framework)
    held = framework.held
    assert set(held.category.tolist()) == {0}
    with torch.no_grad():
        answer = framework.base(held.x, held.t, held.conditions(torch.arange(10)))
    assert torch.allclose(answer, framework.held_answer, atol=1e-5)


def test_nothing_is_held_where_no_category_is_named() -> None:
    framework = adaptation(held_categories=())
    generator = prepared(framework)
    assert "held" not in framework.loss(Few().batch(1, 1, 4), generator, 1)


def test_training_learns_and_holds() -> None:
    framework = adaptation(renew_every=5, held_rows=4)
    generator = prepared(framework)
    optimizer = torch.optim.Adam(framework.network.parameters(), lr=3e-3)
    learnt, held = [], []
    for step in range(120):
        framework.before_step(step, lambda size: Few().batch(5, step, size), generator)  # noqa: B023
        losses = framework.loss(Few().batch(1, step, 8), generator, step)
        optimizer.zero_grad()
        losses["total"].backward()
        optimizer.step()
        learnt.append(losses["squares"].item())
        held.append(losses["held"].item())
    assert np.mean(learnt[-20:]) < 0.7 * np.mean(learnt[:20])
    assert np.mean(held[-20:]) < 0.5
    assert all(not p.requires_grad for p in framework.base.parameters())


def test_the_gap_is_one_until_its_time() -> None:
    framework = adaptation(gap_from=0.5, gap_until=1.0, last_gap=0.25)
    assert framework.gap(0) == framework.gap(50) == 1.0
    assert framework.gap(75) == pytest.approx(0.5)
    assert framework.gap(100) == pytest.approx(0.25)


# ---- the loop -----------------------------------------------------------------------------

TEXT = """
name = "small"
[network]
name = "transformer"
width = 16
depth = 1
heads = 2
[framework]
name = "adaptation"
pool = 12
pool_frames = 8
renew_every = 4
held_pool = 8
held_categories = [0]
[data]
name = "latents"
[loop]
steps = 14
batch = 4
save_every = 5
preview_every = 0
precision = "float32"
"""


def trainer(out: Path, **run: object) -> Trainer:
    recipe: Recipe = parse_recipe(TEXT)
    return Trainer(recipe, Few(), Run(out, **run))  # type: ignore[arg-type]


def weights(t: Trainer) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in t.framework.network.parameters()])


def test_an_adaptation_resumes_to_the_bit(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    whole.train(lambda _row: None, lambda: False)
    first = trainer(tmp_path / "parts")
    first.train(lambda _row: None, lambda: first.step >= 7)
    assert (tmp_path / "parts" / CHECKPOINT).exists()
    second = trainer(tmp_path / "parts", resume=True)
    assert second.step == 7
    second.train(lambda _row: None, lambda: False)
    assert torch.equal(weights(whole), weights(second))


def test_a_paced_run_ends_with_its_budget_and_counts_earlier_sessions(tmp_path: Path) -> None:
    paced = trainer(tmp_path, paced=True, budget_seconds=1e-6)
    paced.train(lambda _row: None, lambda: False)
    assert paced.step == 1
    assert paced.done >= 1.0
    resumed = trainer(tmp_path, paced=True, budget_seconds=1e-6, resume=True)
    resumed.train(lambda _row: None, lambda: False)
    assert resumed.step == 1
    planned = trainer(tmp_path, paced=True, budget_seconds=1e6, resume=True)
    planned.take_step(Few().batch(1, 1, 4))
    assert planned.done < 0.1  # by the clock, though steps are over


# ---- figures ------------------------------------------------------------------------------


def real(count: int, held: int) -> tuple[Reference, np.random.Generator]:
    rng = np.random.default_rng(6)
    mixing = rng.standard_normal((8, 320))
    training = rng.standard_normal((count, 8)) @ mixing
    unseen = rng.standard_normal((held, 8)) @ mixing
    axes = principal_axes(np.concatenate((training, unseen)), 6)
    return Reference(44_100, training, unseen, axes), rng


def test_a_perfect_voice_scores_near_zero_whatever_the_number_of_sounds() -> None:
    for held in (10, 40, 160):
        reference, rng = real(200, held)
        mixing = np.random.default_rng(6).standard_normal((8, 320))
        raw = [
            _figures(rng.standard_normal((64, 8)) @ mixing, reference)["frechet_raw"]
            for _ in range(12)
        ]
        expected = chance(reference, 64)
        assert np.mean(raw) == pytest.approx(expected, rel=0.6)
        assert expected > 0.0


def test_a_wrong_voice_scores_far_and_too_few_held_out_sounds_no_distance() -> None:
    reference, rng = real(60, 20)
    far = _figures(rng.standard_normal((64, 320)) + 9.0, reference)
    near = _figures(reference.training, reference)
    assert far["frechet"] > 10 * max(near["frechet"], 0.1)
    few, _ = real(10, 0)
    assert "frechet" not in _figures(few.training, few)


# ---- examples -----------------------------------------------------------------------------

TABLE = Conditioning(
    categories=("old", "new"),
    descriptors=("brightness", "loudness", "pitch"),
    quantiles=((0.0, 1.0),) * 3,
    ranks={},
    examples={
        "": tuple((k / 10, 0.5, ABSENT if k % 2 else 0.3) for k in range(10)),
        "new": ((0.9, 0.9, 0.9),),
    },
)


def test_what_is_not_said_comes_from_an_example_of_the_seed() -> None:
    drawn = [filled(TABLE, None, {}, seed, 0) for seed in range(40)]
    assert drawn == [filled(TABLE, None, {}, seed, 0) for seed in range(40)]
    assert len({round(d["brightness"], 1) for d in drawn}) > 6
    assert all("loudness" not in d for d in drawn)
    assert {"pitch" in d for d in drawn} == {True, False}
    assert filled(TABLE, None, {}, 3, 1) != filled(TABLE, None, {}, 3, 0)


def test_what_is_said_stays_and_chooses_the_example() -> None:
    for seed in range(20):
        found = filled(TABLE, None, {"brightness": 0.95}, seed, 0)
        assert found["brightness"] == 0.95
        assert found.get("pitch", 0.3) == pytest.approx(0.3, abs=0.03)
    assert filled(TABLE, "new", {}, 1, 0)["brightness"] == pytest.approx(0.9, abs=0.03)


def test_a_voice_without_examples_is_asked_nothing_more() -> None:
    plain = dataclasses.replace(TABLE, examples={})
    assert filled(plain, None, {"pitch": 0.2}, 1, 0) == {"pitch": 0.2}
    assert filled(TABLE, "old", {}, 1, 0) == {}
