"""What is compared in the denoising evaluation: filters, peers, delays."""

from __future__ import annotations

import numpy as np
import pytest

from engine.denoising_evaluation.alignment import aligned, measured_delay, probe
from engine.denoising_evaluation.filters import oracle_mask, wiener
from engine.denoising_evaluation.materials import open_materials
from engine.denoising_evaluation.peers import PEERS, Peer
from engine.denoising_evaluation.protocol import Case, Plan, cases
from engine.denoising_evaluation.subjects import (
    NOISY,
    ORACLE,
    WIENER,
    Subject,
    _peer,
    names,
    open_subjects,
)
from engine.errors import BadRange, DataError
from engine.metrics.pairs import si_sdr_db

PLAN = Plan(seconds=2.0, noises=("pink",), snrs_db=(5.0,))


def made(plan: Plan = PLAN) -> list[Case]:
    return list(cases(plan, open_materials(None, None)))


def test_the_oracle_is_above_the_learned_filter_which_is_above_the_input() -> None:
    for case in made():
        learned = wiener(case.mixture, case.profile, case.sample_rate)
        ideal = oracle_mask(case.mixture, case.clean, case.noise, case.sample_rate)
        noisy, first, best = (si_sdr_db(case.clean, x) for x in (case.mixture, learned, ideal))
        assert noisy == pytest.approx(5.0, abs=0.3), case.key
        assert noisy + 2.0 < first < best - 0.5, case.key


def test_the_filters_take_any_rate_and_length() -> None:
    for rate, samples in ((16_000, 12_345), (44_100, 44_100), (96_000, 5)):
        rng = np.random.default_rng(1)
        sound, noise = (rng.standard_normal((2, samples)).astype(np.float32) for _ in range(2))
        for out in (wiener(sound, noise, rate), oracle_mask(sound + noise, sound, noise, rate)):
            assert out.shape == sound.shape
            assert np.isfinite(out).all()


def test_what_has_no_noise_is_left_alone() -> None:
    case = made()[0]
    silent = np.zeros_like(case.profile)
    np.testing.assert_array_equal(wiener(case.clean, silent, 48_000), case.clean)
    kept = oracle_mask(case.clean, case.clean, np.zeros_like(case.noise), 48_000)
    np.testing.assert_allclose(kept, case.clean, atol=1e-5)


@pytest.mark.parametrize("delay", [0, 1, 480, 1440, -7])
def test_a_delay_is_measured_to_the_sample_and_taken_out(delay: int) -> None:
    def late(sound: np.ndarray) -> np.ndarray:
        moved = np.pad(sound, (delay, 0)) if delay > 0 else np.pad(sound[-delay:], (0, -delay))
        return 0.3 * moved[: sound.size]

    assert measured_delay(late, 48_000) == delay
    sound = probe(48_000)
    back = aligned(late, sound, delay)
    assert back.shape == sound.shape
    inside = slice(10, -10)
    np.testing.assert_allclose(back[inside], 0.3 * sound[inside], atol=1e-7)


def test_what_deletes_the_voice_has_no_delay() -> None:
    with pytest.raises(DataError, match="no delay could be measured"):
        measured_delay(np.zeros_like, 48_000)


def test_a_package_that_is_absent_is_a_row_that_says_so() -> None:
    found = _peer(Peer("Nobody", "no-such-package-at-all", 48_000, lambda: lambda x: x))
    assert found.process is None
    assert found.missing == (
        "no-such-package-at-all is not installed (pip install 'driftwave[peers]')"
    )


def test_a_package_that_does_not_run_says_why() -> None:
    def broken() -> None:
        raise ImportError("cannot import name 'blackman'")

    found = _peer(Peer("Broken", "numpy", 48_000, broken))  # type: ignore[arg-type]
    assert found.process is None
    assert "does not run: cannot import name 'blackman'" in found.missing


def test_subjects_are_chosen_by_words() -> None:
    chosen = [subject.name for subject in open_subjects(["Wiener"])]
    assert chosen == [NOISY, WIENER, ORACLE]
    assert {"RNNoise", "NSNet2", "DeepFilterNet3", "driftwave denoise"} < set(names())
    with pytest.raises(BadRange, match="expected words of floor: noisy input"):
        open_subjects(["denoiser of the year"])


@pytest.mark.parametrize(("name", "delay"), [("RNNoise", 960), ("DeepFilterNet3", 1440)])
def test_peers_run_at_their_own_rate_and_are_in_time(name: str, delay: int) -> None:
    peer = next(peer for peer in PEERS if peer.name == name)
    subject = _peer(peer)
    if not subject.version:
        pytest.skip(subject.missing)
    assert subject.delay_frames == delay
    _voice_comes_back(subject)


@pytest.mark.filterwarnings("ignore")  # what its package warns of is its own affair
def test_nsnet2_runs_with_a_new_scipy() -> None:
    subject = _peer(next(peer for peer in PEERS if peer.name == "NSNet2"))
    if not subject.version:
        pytest.skip(subject.missing)
    assert subject.missing == ""
    assert subject.delay_frames == 0
    _voice_comes_back(subject)


def _voice_comes_back(subject: Subject) -> None:
    """At 44.1 kHz in stereo, in time with what went in, and the same each time."""
    clean = np.stack([probe(44_100)[:66_150]] * 2)
    case = Case(
        "speech", "voice 1", "none", False, np.inf, 44_100, clean, np.zeros_like(clean),
        np.zeros((2, 44_100), np.float32),
    )  # fmt: skip
    assert subject.process is not None
    made = subject.process(case)
    assert made.shape == clean.shape
    assert measured_delay(lambda _x: made[0], 44_100, clean[0]) == 0
    np.testing.assert_array_equal(made, subject.process(case))
