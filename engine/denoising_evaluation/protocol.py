"""The protocol: which noisy sounds there are, exactly mixed, the same for a seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.denoising_evaluation.materials import KINDS, Materials
from engine.denoising_evaluation.noises import Floats
from engine.denoising_evaluation.seeds import generator
from engine.errors import BadRange

__all__ = [
    "CLEAN", "PROFILE_SECONDS", "SNRS_DB", "Case", "Plan", "cases", "count", "mixed", "parse_names",
    "parse_snrs", "snr_text", "without_audio",
]  # fmt: skip

CLEAN = math.inf
SNRS_DB = (-5.0, 0.0, 5.0, 10.0, 20.0, 30.0, CLEAN)
PROFILE_SECONDS = 1.0
NO_NOISE = "none"
_PEAK = 0.5  # of the clean sound
_MOST = 0.95  # of the mixture: what is above is turned down as a whole

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Plan:
    """What is measured. sounds: of each kind. noises: families, () = all that there are."""

    seed: int = 1
    sample_rate: int = 48_000
    seconds: float = 4.0
    sounds: int = 1
    snrs_db: tuple[float, ...] = SNRS_DB
    noises: tuple[str, ...] = ()
    kinds: tuple[str, ...] = KINDS

    def __post_init__(self) -> None:
        if not 8_000 <= self.sample_rate <= 192_000:
            raise BadRange(f"--rate {self.sample_rate}: expected 8000 to 192000 Hz")
        if not 2.0 <= self.seconds <= 60.0:
            raise BadRange(f"--seconds {self.seconds:g}: expected 2 to 60 s for each sound")
        if not 1 <= self.sounds <= 1000:
            raise BadRange(f"--sounds {self.sounds}: expected 1 to 1000 of each kind")
        if not 0 <= self.seed < 2**32:
            raise BadRange(f"--seed {self.seed}: expected 0 to 4294967295")
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds:
            raise BadRange(f"--kinds {','.join(unknown)!r}: expected some of {', '.join(KINDS)}")
        for snr in self.snrs_db:
            if math.isnan(snr) or not (-40.0 <= snr <= 100.0 or snr == CLEAN):
                raise BadRange(f"--snr {snr:g}: expected -40 to 100 dB, or clean")

    def check_noises(self, materials: Materials) -> None:
        """BadRange for a family that there is not."""
        for name in self.noises:
            if name not in materials.noises:
                known = ", ".join(materials.noises)
                raise BadRange(f"--noises {name!r}: expected some of {known}")

    def families(self, materials: Materials) -> tuple[str, ...]:
        """The noise families that are used."""
        return self.noises or tuple(materials.noises)


@dataclass(frozen=True)
class Case:
    """One noisy sound. All sounds are (C, T) float32 at sample_rate; mixture = clean + noise.

    profile: PROFILE_SECONDS of the same noise alone, just before it, at the same level.
    """

    kind: str
    sound: str
    noise_name: str
    never_trained: bool
    snr_db: float
    sample_rate: int
    clean: FloatArray
    noise: FloatArray
    profile: FloatArray

    @property
    def mixture(self) -> FloatArray:
        """What a denoiser hears."""
        return self.clean + self.noise

    @property
    def key(self) -> str:
        """Its name among all cases of a plan."""
        return f"{self.kind}/{self.sound}/{self.noise_name}/{snr_text(self.snr_db)}"


def snr_text(snr_db: float) -> str:
    """ "clean" or the number."""
    return "clean" if snr_db == CLEAN else f"{snr_db:g}"


def count(plan: Plan, materials: Materials) -> int:
    """How many cases there are."""
    noisy = sum(snr != CLEAN for snr in plan.snrs_db)
    each = noisy * len(plan.families(materials)) + (CLEAN in plan.snrs_db)
    return len(plan.kinds) * plan.sounds * each


def cases(plan: Plan, materials: Materials) -> Iterator[Case]:
    """Every case, one after another; a sound meets the same stretch of noise at every SNR."""
    samples = round(plan.seconds * plan.sample_rate)
    profile = round(PROFILE_SECONDS * plan.sample_rate)
    families = plan.families(materials)
    for kind in plan.kinds:
        for index in range(plan.sounds):
            rng = generator(plan.seed, kind, str(index))
            name, clean = materials.clean(kind, index, rng, samples, plan.sample_rate)
            clean = clean * (_PEAK / max(1e-9, float(np.abs(clean).max())))
            if CLEAN in plan.snrs_db:
                nothing = np.zeros((clean.shape[0], samples + profile))
                yield _case(plan, kind, name, (NO_NOISE, False), CLEAN, clean, nothing)
            for family in families:
                noise = np.stack([
                    materials.noises[family](
                        generator(plan.seed, kind, str(index), family, str(channel)),
                        samples + profile, plan.sample_rate,
                    )
                    for channel in range(clean.shape[0])
                ])  # fmt: skip
                told = (family, materials.never_trained(family))
                for snr in plan.snrs_db:
                    if snr != CLEAN:
                        yield _case(plan, kind, name, told, snr, clean, noise)


def mixed(clean: Floats, noise: Floats, snr_db: float) -> float:
    """The factor for the noise (C, T) that makes 10 log10(|clean|^2 / |noise|^2) the SNR."""
    power = float((noise**2).sum())
    if not power:
        return 0.0
    return float(np.sqrt((clean**2).sum() / power * 10 ** (-snr_db / 10)))


def _case(
    plan: Plan, kind: str, name: str, told: tuple[str, bool], snr_db: float,
    clean: Floats, noise: Floats,
) -> Case:  # fmt: skip
    lead = noise.shape[1] - clean.shape[1]
    factor = 0.0 if snr_db == CLEAN else mixed(clean, noise[:, lead:], snr_db)
    noise = noise * factor
    peak = float(np.abs(clean + noise[:, lead:]).max())
    level = min(1.0, _MOST / max(1e-9, peak))
    sounds = (level * x for x in (clean, noise[:, lead:], noise[:, :lead]))
    return Case(
        kind, name, *told, snr_db, plan.sample_rate, *(x.astype(np.float32) for x in sounds)
    )


def parse_snrs(text: str) -> tuple[float, ...]:
    """ "-5,10,clean" -> (-5.0, 10.0, inf); BadRange when it is not of that form."""
    found: list[float] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            found.append(CLEAN if part == "clean" else float(part))
        except ValueError:
            raise BadRange(f"--snr has {part!r}; expected numbers and clean, with commas") from None
    return tuple(sorted(set(found))) or SNRS_DB


def parse_names(text: str) -> tuple[str, ...]:
    """ "a, b" -> ("a", "b")."""
    return tuple(filter(None, (piece.strip() for piece in text.split(","))))


def without_audio(case: Case) -> dict[str, str | float | bool]:
    """What a row says of its case."""
    return {
        "kind": case.kind, "sound": case.sound, "noise": case.noise_name,
        "never_trained": case.never_trained, "snr": snr_text(case.snr_db),
    }  # fmt: skip
