"""What the laboratory's recipes have to beat, read from a report."""

from __future__ import annotations

from typing import Any

from engine.laboratory.verdicts import Verdict, as_markdown, verdicts

NAMES = ["dae", "vae", "vqvae", "vqgan", "diffwave_vocoder", "latent_diffusion",
         "consistency_latent", "diffwave_class"]  # fmt: skip


def given(subject: str, mel_db: float, frechet: float, si_sdr_db: float = 0.0) -> dict[str, Any]:
    return {"subject": subject, "mel_db": mel_db, "frechet": frechet, "si_sdr_db": si_sdr_db}


def made(subject: str, frechet: float, coverage: float) -> dict[str, Any]:
    return {"subject": subject, "frechet": frechet, "coverage": coverage}


def point(subject: str, steps: int, frechet: float, sampler: str = "euler") -> dict[str, Any]:
    return {"subject": subject, "steps": steps, "frechet": frechet, "sampler": sampler}


REPORT: dict[str, Any] = {
    "subjects": NAMES,
    "given": [
        given("floor: noisy at 10 dB", 9.0, 90.0, 10.0), given("dae", 5.0, 40.0, 16.5),
        given("floor: mean sound", 10.0, 100.0), given("floor: vae, untrained", 30.0, 900.0),
        given("vae", 3.0, 20.0), given("vqvae", 5.0, 50.0), given("vqgan", 7.0, 30.0),
        given("floor: Griffin-Lim, 60 iterations, 64 bands each 128", 1.0, 2.0),
        given("floor: noise of 64 bands each 128", 4.0, 9.0),
        given("diffwave_vocoder", 3.0, 1.5), given("diffwave_vocoder", 2.5, 1.9),
    ],
    "rows": [
        made("floor: shaped noise", 60.0, 0.2),
        made("latent_diffusion", 30.0, 0.6), made("consistency_latent", 70.0, 0.1),
    ],
    "points": [
        point("latent_diffusion", 50, 30.0), point("latent_diffusion", 50, 33.0, "heun"),
        point("consistency_latent", 1, 40.0), point("consistency_latent", 2, 36.0),
        point("diffwave_class", 50, 20.0, "ancestral"), point("diffwave_class", 6, 50.0, "ddim"),
        point("diffwave_class", 6, 24.0, "diffwave_fast"),
    ],
}  # fmt: skip
CURVES = {"vqvae": [{"step": 1, "used": 0.2}, {"step": 2, "used": 0.9}],
          "vqgan": [{"step": 2, "autoencoder.used": 0.4}]}  # fmt: skip


def by_claim(found: list[Verdict]) -> dict[tuple[str, str], Verdict]:
    return {(each.recipe, each.claim.split(",")[0]): each for each in found}


def test_figures_are_held_against_their_floors() -> None:
    found = by_claim(verdicts(REPORT, CURVES))
    gain = found["dae", "SI-SDR gained on white noise at 10 dB"]
    assert gain == Verdict("dae", gain.claim, "+6.5 dB", "+6 dB", True)
    assert found["vae", "mel distance"].met
    assert found["vqvae", "mel distance"].met
    assert not found["vqgan", "mel distance"].met  # 7.0 of the mean sound's 10.0 is no wide margin
    assert found["vqgan", "Fréchet distance of reconstructions"].met
    assert found["vqvae", "share of the codes in use"].met
    assert not found["vqgan", "share of the codes in use"].met
    assert found["latent_diffusion", "coverage"].met
    assert not found["consistency_latent", "Fréchet distance"].met


def test_vocoders_are_held_against_both_that_hear_the_same_frames() -> None:
    found = [each for each in verdicts(REPORT, CURVES) if each.recipe == "diffwave_vocoder"]
    assert [each.met for each in found] == [False, True, True, True]
    assert found[0].found == "2.50 dB"
    assert found[0].floor == "1.00 dB"


def test_few_steps_are_held_against_many() -> None:
    found = verdicts(REPORT, CURVES)
    tuned = [each for each in found if "its teacher" in each.claim]
    assert [each.met for each in tuned] == [False, True]
    (fast,) = (each for each in found if "in 6 steps" in each.claim)
    assert fast.met
    assert fast.found == "24.0 (diffwave_fast)"


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    empty = {"subjects": NAMES, "given": [], "rows": [], "points": []}
    found = verdicts(empty, {})
    assert {each.met for each in found} == {None}
    assert "not measured" in as_markdown(found)
    assert verdicts(empty | {"subjects": []}, {}) == []


def test_the_table_names_what_falls_short() -> None:
    table = as_markdown(verdicts(REPORT, CURVES)).splitlines()
    assert table[0].startswith("| recipe | claim |")
    assert sum(line.endswith("| **no** |") for line in table) >= 3
