"""What each recipe of the laboratory has to beat, and whether it did: a table of claims.

The claims are those of the papers, brought down to what minutes of training can show. Figures come
from a report (engine.laboratory.report) and from the learning curves; nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Verdict", "as_markdown", "verdicts"]

Row = Mapping[str, Any]

DENOISED_DB = 6.0  # SI-SDR that a denoising autoencoder gains on noise at 10 dB
WIDE_MARGIN = 0.6  # of a baseline's mel distance is left at most
CODES_USED = 0.5  # of the codebooks
NEAR = 1.25  # times another's Fréchet distance is still close to it
RECONSTRUCTING = ("vae", "vqvae", "vqgan")
VOCODING = ("diffwave_vocoder", "wavegrad_vocoder")
GENERATING = (
    "gan", "ddpm_waveform", "diffwave_unconditional", "diffwave_class", "vqgan_prior",
    "latent_diffusion", "latent_sketch", "consistency", "consistency_latent",
)  # fmt: skip
TEACHER, TUNED = "latent_diffusion", "consistency_latent"
SHAPED_NOISE, MEAN_SOUND = "floor: shaped noise", "floor: mean sound"


@dataclass(frozen=True)
class Verdict:
    """One claim. found, floor: the figures that were compared; met: None when one is missing."""

    recipe: str
    claim: str
    found: str
    floor: str
    met: bool | None


def verdicts(report: Mapping[str, Any], curves: Mapping[str, Sequence[Row]]) -> list[Verdict]:
    """The claims about the recipes that a report holds, in the order of the lecture.

    report: what report.json holds. curves: rows of each recipe's learning curve.
    """
    measured = {str(name) for name in report["subjects"]}
    claims = [
        *_denoising(report), *_reconstructing(report, curves), *_vocoding(report),
        *_generating(report), *_few_steps(report), *_fast_schedules(report),
    ]  # fmt: skip
    return [claim for claim in claims if claim.recipe in measured]


def as_markdown(found: Sequence[Verdict], whose: str = "recipe") -> str:
    """A pipe table of the claims. whose: what the first column holds."""
    lines = [f"| {whose} | claim | found | floor | met |", "| --- | --- | --- | --- | --- |"]
    for each in found:
        met = {True: "yes", False: "**no**", None: "not measured"}[each.met]
        lines.append(f"| {each.recipe} | {each.claim} | {each.found} | {each.floor} | {met} |")
    return "\n".join(lines) + "\n"


def _denoising(report: Mapping[str, Any]) -> Iterator[Verdict]:
    noisy = _best(report["given"], "noisy", "si_sdr_db", high=True, anywhere=True)
    cleaned = _best(report["given"], "dae", "si_sdr_db", high=True)
    gain = None if noisy is None or cleaned is None else cleaned - noisy
    yield Verdict(
        "dae", "SI-SDR gained on white noise at 10 dB", _text(gain, "{:+.1f} dB"),
        f"{DENOISED_DB:+.0f} dB", None if gain is None else gain >= DENOISED_DB,
    )  # fmt: skip


def _reconstructing(
    report: Mapping[str, Any], curves: Mapping[str, Sequence[Row]]
) -> Iterator[Verdict]:
    given = report["given"]
    floors = [
        value
        for name in (MEAN_SOUND, "untrained")
        if (value := _best(given, name, "mel_db", anywhere=True)) is not None
    ]
    floor = min(floors, default=None)
    for name in RECONSTRUCTING:
        found = _best(given, name, "mel_db")
        most = None if floor is None else floor * WIDE_MARGIN
        yield Verdict(
            name, "mel distance, against the mean sound and the untrained network",
            _text(found, "{:.2f} dB"), _text(floor, "{:.2f} dB") + f", {WIDE_MARGIN:.0%} of it",
            _below(found, most),
        )  # fmt: skip
    adversarial, plain = (_best(given, name, "frechet") for name in ("vqgan", "vqvae"))
    yield Verdict(
        "vqgan", "Fréchet distance of reconstructions, against vqvae",
        _text(adversarial, "{:.1f}"), _text(plain, "{:.1f}"), _below(adversarial, plain),
    )  # fmt: skip
    for name in ("vqvae", "vqgan"):
        used = _last(curves.get(name, ()), "used")
        yield Verdict(
            name, "share of the codes in use", _text(used, "{:.0%}"), f"{CODES_USED:.0%}",
            None if used is None else used > CODES_USED,
        )  # fmt: skip


def _vocoding(report: Mapping[str, Any]) -> Iterator[Verdict]:
    for name in VOCODING:
        for key, called, form in (
            ("mel_db", "mel distance", "{:.2f} dB"), ("frechet", "Fréchet distance", "{:.1f}"),
        ):  # fmt: skip
            for rival, short in (("Griffin-Lim", "Griffin-Lim, 60 iterations"),
                                 ("noise of", "noise in the frames' spectrum")):  # fmt: skip
                floor = _best(report["given"], rival, key, anywhere=True)
                found = _best(report["given"], name, key)
                yield Verdict(
                    name, f"{called}, against {short}", _text(found, form), _text(floor, form),
                    _below(found, floor),
                )  # fmt: skip


def _generating(report: Mapping[str, Any]) -> Iterator[Verdict]:
    for name in GENERATING:
        for key, called, form in (
            ("frechet", "Fréchet distance", "{:.1f}"), ("coverage", "coverage", "{:.0%}"),
        ):  # fmt: skip
            high = key == "coverage"
            floor = _best(report["rows"], SHAPED_NOISE, key, high=high)
            found = _best(report["rows"], name, key, high=high)
            met = _below(floor, found) if high else _below(found, floor)
            yield Verdict(
                name, f"{called}, against noise in the category's mean spectrum and envelope",
                _text(found, form), _text(floor, form), met,
            )  # fmt: skip


def _few_steps(report: Mapping[str, Any]) -> Iterator[Verdict]:
    many = [p for p in report["points"] if p["subject"] == TEACHER and p["steps"] == 50]
    teacher = min((float(p["frechet"]) for p in many), default=None)
    for steps, called in ((1, "one step"), (2, "two steps")):
        own = [p for p in report["points"] if p["subject"] == TUNED and p["steps"] == steps]
        found = min((float(p["frechet"]) for p in own), default=None)
        most = None if teacher is None else teacher * NEAR
        yield Verdict(
            TUNED, f"Fréchet distance in {called}, against its teacher in 50",
            _text(found, "{:.1f}"), _text(teacher, "{:.1f}") + f", up to {NEAR} times it",
            _below(found, most),
        )  # fmt: skip


def _fast_schedules(report: Mapping[str, Any]) -> Iterator[Verdict]:
    """The best of six steps (any sampler) against the ancestral sampler in fifty."""
    for name in ("diffwave_class", "diffwave_unconditional"):
        points = [p for p in report["points"] if p["subject"] == name]
        slow = [p for p in points if p["steps"] == 50 and p["sampler"] == "ancestral"]
        fast = [p for p in points if p["steps"] == 6]
        floor = min((float(p["frechet"]) for p in slow), default=None)
        best = min(fast, key=lambda p: float(p["frechet"]), default=None)
        found = None if best is None else float(best["frechet"])
        by = "" if best is None else f" ({best['sampler']})"
        yield Verdict(
            name, "Fréchet distance in 6 steps, against 50", _text(found, "{:.1f}") + by,
            _text(floor, "{:.1f}") + f", up to {NEAR} times it",
            _below(found, None if floor is None else floor * NEAR),
        )  # fmt: skip


def _best(
    rows: Sequence[Row], name: str, key: str, *, high: bool = False, anywhere: bool = False
) -> float | None:
    """The best figure of a subject's rows, or of the floors with ``name`` anywhere in theirs."""

    def named(subject: str) -> bool:
        if anywhere:
            return subject.startswith("floor: ") and name in subject
        return subject == name

    values = [float(row[key]) for row in rows if named(row["subject"]) and row.get(key) is not None]
    return (max if high else min)(values, default=None)


def _last(rows: Sequence[Row], key: str) -> float | None:
    """The last figure of a learning curve; phases stand before its name, with a dot."""
    for row in reversed(rows):
        for name, value in row.items():
            if name.split(".")[-1] == key:
                return float(value)
    return None


def _below(found: float | None, most: float | None) -> bool | None:
    return None if found is None or most is None else found < most


def _text(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
