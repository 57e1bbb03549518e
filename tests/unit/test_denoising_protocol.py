"""The protocol of the denoising evaluation: exact, seeded, and the same in any order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.denoising_evaluation.materials import KINDS, NOISES, open_materials
from engine.denoising_evaluation.noises import MADE, NEVER_TRAINED
from engine.denoising_evaluation.protocol import CLEAN, Case, Plan, cases, count, parse_snrs
from engine.errors import BadRange, DataError

SMALL = Plan(seconds=2.0, sample_rate=16_000, noises=("pink", "motor"), snrs_db=(-5.0, 10.0, CLEAN))


def made(plan: Plan = SMALL, data: Path | None = None) -> dict[str, Case]:
    return {case.key: case for case in cases(plan, open_materials(data, None))}


def test_every_snr_is_exact() -> None:
    found = made()
    assert len(found) == count(SMALL, open_materials(None, None)) == 4 * (2 * 2 + 1)
    for case in found.values():
        assert np.abs(case.mixture).max() <= 0.951
        np.testing.assert_array_equal(case.mixture, case.clean + case.noise)
        if case.snr_db == CLEAN:
            assert not case.noise.any()
            assert not case.profile.any()
            continue
        power = [float((x.astype(np.float64) ** 2).sum()) for x in (case.clean, case.noise)]
        assert 10 * np.log10(power[0] / power[1]) == pytest.approx(case.snr_db, abs=1e-4)


def test_a_seed_says_everything_and_the_rest_of_the_plan_nothing() -> None:
    first, again = made(), made()
    other = made(replace(SMALL, seed=2))
    fewer = made(replace(SMALL, noises=("motor",), snrs_db=(10.0,), kinds=("drums",)))
    assert first.keys() == again.keys() == other.keys()
    assert set(fewer) < set(first)
    for key, case in first.items():
        np.testing.assert_array_equal(case.mixture, again[key].mixture)
        assert not np.array_equal(case.mixture, other[key].mixture)
    for key, case in fewer.items():
        np.testing.assert_array_equal(case.mixture, first[key].mixture)
        np.testing.assert_array_equal(case.profile, first[key].profile)


def test_every_kind_sounds_after_a_gap_and_mixes_are_stereo() -> None:
    gap = round(0.45 * SMALL.sample_rate)
    for case in made().values():
        assert not case.clean[:, :gap].any(), case.key
        assert np.abs(case.clean).max() > 0.05, case.key
        assert case.clean.shape[0] == (2 if case.kind == "mixes" else 1)
        assert case.profile.shape[1] == SMALL.sample_rate


def test_a_sound_meets_the_same_noise_at_every_snr() -> None:
    found = made()
    low, high = (found[f"drums/drums 1/pink/{snr}"] for snr in ("-5", "10"))
    a, b = (x.noise / np.abs(x.noise).max() for x in (low, high))
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_noise_before_is_of_the_same_kind_and_level() -> None:
    case = made()["instruments/plucked string 1/pink/10"]
    level = [float(np.sqrt((x**2).mean())) for x in (case.noise, case.profile)]
    assert 0.7 < level[0] / level[1] < 1.4
    assert not np.array_equal(case.noise[:, : case.profile.shape[1]], case.profile)


def test_two_of_eight_families_are_never_trained_on() -> None:
    materials = open_materials(None, None)
    assert len(materials.noises) == NOISES == len(MADE)
    assert sum(map(materials.never_trained, materials.noises)) == 2
    marked = {case.noise_name for case in made().values() if case.never_trained}
    assert marked == {"motor"}


def folder(path: Path) -> Path:
    """A prepared folder with speech, one kick and two recorded noises, one of them kept apart."""
    rng = np.random.default_rng(1)
    for name, rate, seconds in (
        ("speech/a.wav", 44_100, 1.0), ("speech/narrow.wav", 16_000, 1.0),
        ("noise/home_dishwasher_0.wav", 48_000, 4.0), ("noise/home_aircon_0.wav", 48_000, 4.0),
        ("oneshots/kick/k.wav", 44_100, 0.3),
    ):  # fmt: skip
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        sound = 0.3 * rng.standard_normal(round(rate * seconds))
        soundfile.write(path / name, sound, rate)
    return path


def test_a_prepared_folder_is_used_and_the_rest_is_made(tmp_path: Path) -> None:
    materials = open_materials(folder(tmp_path), None)
    assert len(materials.noises) == NOISES
    assert next(iter(materials.noises)) == "aircon"
    apart = [name for name in materials.noises if materials.never_trained(name)]
    assert apart == ["dishwasher", "motor"]
    assert any("no instruments/" in note for note in materials.notes)
    plan = replace(SMALL, noises=("aircon", "dishwasher"))
    found = made(plan, tmp_path)
    for key, case in found.items():
        np.testing.assert_array_equal(case.mixture, made(plan, tmp_path)[key].mixture)


def test_folders_without_sounds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        open_materials(tmp_path / "absent", None)
    with pytest.raises(DataError, match="no audio files in speech/, noise/"):
        open_materials(tmp_path, None)
    (tmp_path / "speech").mkdir()
    (tmp_path / "speech" / "broken.wav").write_bytes(b"RIFF but no sound")
    with pytest.raises(DataError, match=r"broken\.wav: cannot be read as audio"):
        open_materials(tmp_path, None)
    with pytest.raises(DataError, match="expected an SF2 or SF3 file"):
        open_materials(None, tmp_path / "absent.sf2")


def test_a_silent_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "speech").mkdir()
    soundfile.write(tmp_path / "speech" / "silent.wav", np.zeros(48_000), 48_000)
    with pytest.raises(DataError, match=r"silent\.wav: is silent"):
        made(replace(SMALL, kinds=("speech",)), tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"seconds": 0.5}, {"sample_rate": 100}, {"sounds": 0}, {"seed": -1}, {"kinds": ("noise",)},
     {"kinds": ()}, {"snrs_db": (float("nan"),)}, {"snrs_db": (200.0,)}],
)  # fmt: skip
def test_plans_outside_their_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadRange, match="expected"):
        replace(SMALL, **wrong)  # type: ignore[arg-type]
    with pytest.raises(BadRange, match="expected some of white"):
        replace(SMALL, noises=("bagpipes",)).check_noises(open_materials(None, None))


def test_snrs_are_numbers_and_clean() -> None:
    assert parse_snrs("10, clean,-5") == (-5.0, 10.0, CLEAN)
    assert parse_snrs("") == Plan().snrs_db
    with pytest.raises(BadRange, match="loud"):
        parse_snrs("5,loud")


def test_kinds_and_families_are_documented_words() -> None:
    assert KINDS == ("instruments", "drums", "mixes", "speech")
    assert set(NEVER_TRAINED) < set(MADE)
