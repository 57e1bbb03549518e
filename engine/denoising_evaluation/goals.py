"""The goals of Driftwave's denoiser, and whether its voices meet them, from the rows of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.denoising_evaluation.own import OWN, VOICES
from engine.denoising_evaluation.running import Row
from engine.denoising_evaluation.subjects import ORACLE, WIENER, Subject
from engine.denoising_evaluation.summary import is_goal_case, mean, of_subject
from engine.laboratory.verdicts import Verdict

__all__ = ["goals"]

SHARE = 0.5  # of the way from the Wiener filter to the oracle
OVER_SPEECH_DB = 15.0
LEVEL_DB = ONSET_DB = 0.5
HARM_DB = 0.2
SPEECH_ON_MUSIC = ("RNNoise", "DeepFilterNet3")
BETTER_ON_SPEECH = ("RNNoise", "NSNet2")
STATED_ON_SPEECH = "DeepFilterNet3"


def goals(rows: Sequence[Row], subjects: Sequence[Subject]) -> list[Verdict]:
    """The goals for each own voice, without a learned passage where the goal says so.

    A voice that did not run has its goals listed as not measured.
    """
    ours = [s.name for s in subjects if s.is_own and not s.learned and not s.missing]
    found: list[Verdict] = []
    for name in ours or [f"{OWN} {VOICES[0]}"]:
        found += [*_on_music(rows, name), *_harmless(rows, name), *_on_speech(rows, name)]
    return found


def _on_music(rows: Sequence[Row], name: str) -> Iterator[Verdict]:
    music = [row for row in rows if is_goal_case(row)]
    own = _si_sdr(music, name)
    low, high = _si_sdr(music, WIENER), _si_sdr(music, ORACLE)
    share = None
    if own is not None and low is not None and high is not None and high != low:
        share = (own - low) / (high - low)
    yield Verdict(
        name, "music at 0-10 dB: SI-SDR, share of the way from learned Wiener to the oracle",
        _text(share, "{:.0%}") + _also(" ({:.1f} dB)", own),
        f"{SHARE:.0%}" + _also(" of {:.1f}", low) + _also(" to {:.1f} dB", high),
        None if share is None else share >= SHARE,
    )  # fmt: skip
    for peer in SPEECH_ON_MUSIC:
        gap = _difference(own, _si_sdr(music, peer))
        yield Verdict(
            name, f"music at 0-10 dB: SI-SDR over {peer}", _text(gap, "{:+.1f} dB"),
            f"{OVER_SPEECH_DB:+.0f} dB", None if gap is None else gap >= OVER_SPEECH_DB,
        )  # fmt: skip
    level = mean(of_subject(music, name), "level_error_db")
    yield Verdict(
        name, "music at 0-10 dB: level against clean, mean size", _text(level, "{:.2f} dB"),
        f"{LEVEL_DB:g} dB", None if level is None else level <= LEVEL_DB,
    )  # fmt: skip
    drums = [row for row in of_subject(music, name) if row["kind"] == "drums"]
    onsets = mean(drums, "onset_error_db")
    yield Verdict(
        name, "drums at 0-10 dB: energy of onsets against clean, mean size",
        _text(onsets, "{:.2f} dB"), f"{ONSET_DB:g} dB",
        None if onsets is None else onsets <= ONSET_DB,
    )  # fmt: skip


def _harmless(rows: Sequence[Row], name: str) -> Iterator[Verdict]:
    """Against doing nothing; of clean input the spectrum counts, for its SI-SDR has no bound."""
    own = of_subject(rows, name)
    gains = [row["improvement_db"] for row in own if row["snr"] == "30"]
    worst = min(gains, default=None)
    yield Verdict(
        name, "at 30 dB: SI-SDR against doing nothing, the worst case", _text(worst, "{:+.2f} dB"),
        f"{-HARM_DB:+g} dB", None if worst is None else worst >= -HARM_DB,
    )  # fmt: skip
    clean = [row for row in own if row["snr"] == "clean"]
    distance = max((row["log_spectral_db"] for row in clean), default=None)
    yield Verdict(
        name, "clean input: log-spectral distance to it, the worst case",
        _text(distance, "{:.2f} dB") + _also(" (SI-SDR {:.1f} dB)", mean(clean, "si_sdr_db")),
        f"{HARM_DB:g} dB", None if distance is None else distance <= HARM_DB,
    )  # fmt: skip


def _on_speech(rows: Sequence[Row], name: str) -> Iterator[Verdict]:
    speech = [row for row in rows if row["kind"] == "speech" and row["snr"] != "clean"]
    for key, called, form in (("si_sdr_db", "SI-SDR", "{:.1f} dB"), ("pesq", "PESQ", "{:.2f}")):
        own = mean(of_subject(speech, name), key)
        for peer in BETTER_ON_SPEECH:
            other = mean(of_subject(speech, peer), key)
            yield Verdict(
                name, f"speech: {called} above {peer}", _text(own, form), _text(other, form),
                None if own is None or other is None else own > other,
            )  # fmt: skip
        gap = _difference(own, mean(of_subject(speech, STATED_ON_SPEECH), key))
        yield Verdict(
            name, f"speech: distance to {STATED_ON_SPEECH} in {called}, stated",
            _text(gap, "{:+.2f}"), "–", None if gap is None else True,
        )  # fmt: skip


def _si_sdr(rows: Sequence[Row], name: str) -> float | None:
    return mean(of_subject(rows, name), "si_sdr_db")


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _text(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _also(form: str, value: float | None) -> str:
    return "" if value is None else form.format(value)
