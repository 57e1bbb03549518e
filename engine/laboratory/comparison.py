"""Measure any set of subjects in the same way: the rows of the table and the points of the curves.

All sounds are compared at one sample rate (the lowest of subjects and data) and over one length
(the shortest that a subject makes, at most a second), so that neither bandwidth nor length decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.conditioning.frames import FRAME_SECONDS, FrameSettings, sketch_of
from engine.errors import DriftwaveError, UsageError
from engine.laboratory import baselines
from engine.laboratory.subjects import HasUntrained, Made, Model, Sounds
from engine.laboratory.voice_model import UntrainedVoice, VoiceModel
from engine.metrics import measure
from engine.metrics.measure import SEED, Real
from engine.metrics.sheet import spread
from engine.training.audio_shard import AudioShard

__all__ = ["STEPS", "Comparison", "Plan", "Row", "compare_subjects"]

FloatArray = npt.NDArray[np.float32]
Row = dict[str, Any]
Say = Callable[[str], None]

STEPS = (1, 2, 4, 6, 8, 16, 32, 50, 128, 256, 512, 1000)
SHORTEST_SECONDS = 0.25  # compared; a subject's shorter sounds end in silence
RENDERED = 48  # held-out sounds that a subject which needs sounds is given
PROBES = 2  # sounds that tell a subject's length and speed
PATIENCE = 10.0  # a subject's default sampler may take this many times seconds_a_point
_ANY = np.full(1, -1, dtype=np.int64)  # one sound of any category
_CHUNK = 32  # sounds asked for at once
_SHOWN = 32  # sounds of a subject that are kept for pictures


@dataclass(frozen=True)
class Plan:
    """What is measured.

    sounds: generated for each row; 0 = as many as are held out. samplers: (name, steps), steps 0
    = the usual; none = all that a subject has. steps: always measured, with every sampler;
    sweep: measured where that takes less than seconds_a_point. guidance: None = each one's own.
    """

    sounds: int = 0
    samplers: tuple[tuple[str, int], ...] = ()
    steps: tuple[int, ...] = ()
    sweep: tuple[int, ...] = STEPS
    guidance: float | None = None
    seconds_a_point: float = 20.0


@dataclass
class Comparison:
    """What was measured. rows: the table of generated sounds; given: of sounds from sounds.

    points: quality against steps. shown: name of a generating subject -> number of a held-out
    sound -> the sound made for its category, at real.sample_rate. notes: what was left out, why.
    """

    real: Real
    floors: dict[str, float]
    rows: list[Row] = field(default_factory=list)
    given: list[Row] = field(default_factory=list)
    points: list[Row] = field(default_factory=list)
    shown: dict[str, dict[int, FloatArray]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def compare_subjects(
    subjects: Sequence[Model], shard: AudioShard, plan: Plan, say: Say
) -> Comparison:
    """Measures every subject on a shard's held-out sounds.

    Raises DataError when too few sounds are held out, UsageError for a sampler that none has.
    What is too slow, or fails with an error of engine.errors, is left out and noted.
    """
    held = measure.held_rows(shard, plan.sounds)
    _refuse_unknown(subjects, plan)
    notes: list[str] = []
    probes: dict[str, Sounds] = {}
    for subject in subjects:
        try:  # some that need sounds also generate, such as a VAE from its prior
            probes[subject.name] = _probe(subject, shard, held, plan)
        except DriftwaveError as error:
            if subject.kind == "generates":
                notes.append(f"{subject.name}: left out, {error}")
    makers = [subject for subject in subjects if subject.name in probes]
    rate = min([shard.sample_rate, *(subject.sample_rate for subject in subjects)])
    lengths = [
        max(len(sound) for sound in probes[subject.name].audio) / subject.sample_rate
        for subject in makers
    ]
    seconds = max(min([measure.WHOLE_SECONDS, *lengths]), SHORTEST_SECONDS)
    say(f"reading real sounds at {rate} Hz, {seconds:.2f} s each")
    real = measure.read_real(shard, held, sample_rate=rate, seconds=seconds)
    found = Comparison(real, measure.floors(real), notes=notes)
    for name, made in baselines.made_baselines(real):
        found.rows.append(_baseline_row(name, made, real))
    for subject in makers:
        if isinstance(subject, VoiceModel):
            untrained = UntrainedVoice(subject.loaded)
            made = untrained.generate(real.held_categories, seed=SEED, steps=1)
            found.rows.append(_row(untrained, "", 1, made, real, shown="floor: " + untrained.name))
        _measure_maker(subject, probes[subject.name].milliseconds, found, plan, say)
    _measure_given(subjects, shard, held[:: max(1, len(held) // RENDERED)], found, plan, say)
    return found


def _measure_maker(
    subject: Model, probe_ms: float, found: Comparison, plan: Plan, say: Say
) -> None:
    """The rows and points of a subject that generates."""
    chosen = _samplers(subject, plan) if subject.kind == "generates" else [("", 1)]
    frames = _sketches(subject, found.real)
    times_ms = {max(1, next(iter(subject.samplers.values()), 1)): probe_ms}
    for place, (sampler, usual) in enumerate(chosen):
        seen: dict[int, Row] = {}
        shown: dict[int, dict[int, FloatArray]] = {}
        slow: list[str] = []
        refused: list[str] = []
        for steps in dict.fromkeys((usual, *sorted({*plan.steps, *plan.sweep}))):
            expected = _expected_ms(times_ms, steps) * len(found.real.held_out) / 1000.0
            limit = plan.seconds_a_point * (PATIENCE if steps == usual and not place else 1.0)
            if expected > limit and steps not in plan.steps:
                slow.append(str(steps))
                continue
            try:
                made = _made(subject, found.real.held_categories, plan, sampler, steps, frames)
            except DriftwaveError as error:
                refused.append(f"{_called(subject, sampler)}, {steps} steps: {error}")
                continue
            times_ms[steps] = made.milliseconds
            row = _row(subject, sampler, steps, made, found.real)
            say(f"{_called(subject, sampler)}, {steps} steps: Fréchet {row['frechet']:.1f}")
            seen[steps] = row
            shown[steps] = _shown(subject, made, found.real)
            if len(seen) == 1 and not _takes_steps(subject, made, plan, sampler, steps):
                break  # every count would be the same
        if seen:  # where the usual steps were too slow, the most that were not
            steps = usual if usual in seen else max(seen)
            found.rows.append(seen[steps])
            found.shown.setdefault(subject.name, shown[steps])
        found.notes += refused[:1]  # what is refused once is refused for the same reason again
        if slow:
            found.notes.append(
                f"{_called(subject, sampler)}: {', '.join(slow)} steps are left out, each would "
                f"take more than {plan.seconds_a_point:.0f} s for its sounds"
            )
        found.points += [seen[steps] for steps in sorted(seen)]


def _measure_given(
    subjects: Sequence[Model],
    shard: AudioShard,
    rows: npt.NDArray[np.int64],
    found: Comparison,
    plan: Plan,
    say: Say,
) -> None:
    """The rows of subjects that need sounds, beside what needs no learning."""
    real = found.real
    kinds = {subject.kind for subject in subjects} - {"generates"}
    if not kinds:
        return
    whole = [shard.sound(int(row)) for row in rows]
    wanted = [real.fitted(sound, shard.sample_rate) for sound in whole]

    def add(name: str, kind: str, made: Made, rate: int, **facts: Any) -> None:
        scores = measure.compare_pairs(list(made.audio), wanted, real, rate)
        row = {"subject": name, "kind": kind, "sampler": "", "steps": 0, "parameters": 0}
        found.given.append(row | {"sample_rate": rate} | facts | _speed(made, rate) | scores)
        say(f"{name}: mel distance {scores['mel_db']:.2f} dB")

    if "denoises" in kinds:
        made = Sounds(baselines.noisy(wanted), 0, 0.0)
        add(baselines.NOISY, "denoises", made, real.sample_rate)
    if "reconstructs" in kinds:
        means = [real.means.mean_sound(int(shard.category[row])) for row in rows]
        add("floor: mean sound", "reconstructs", Sounds(means, 0, 0.0), real.sample_rate)
    for rate, told in _frames_of(subjects) or [(real.sample_rate, FrameSettings())]:
        sounds = [measure.fitted(x, shard.sample_rate, rate, real.seconds) for x in whole]
        if told.kind == "mel":
            name, made = baselines.noise_of_frames(sounds, rate, told)
            add(name, "vocodes", made, rate)
        name, made = baselines.griffin_lim(sounds, rate, told.bands, told.hop)
        add(name, "vocodes", made, rate)
    for subject in [*_untrained(subjects), *subjects]:
        if subject.kind == "generates":
            continue
        rate = subject.sample_rate
        sounds = [measure.fitted(x, shard.sample_rate, rate, real.seconds) for x in whole]
        if subject.kind == "denoises":
            sounds = baselines.noisy(sounds)
        for place, (sampler, steps) in enumerate(_samplers(subject, plan)):
            limit = plan.seconds_a_point * (1.0 if place else PATIENCE)
            try:
                probe = subject.render(sounds[:1], seed=SEED, sampler=sampler, steps=steps)
                if probe.milliseconds * len(sounds) / 1000.0 > limit:
                    found.notes.append(
                        f"{_called(subject, sampler)}: left out, it would take more than "
                        f"{limit:.0f} s for its sounds"
                    )
                    continue
                rendered = subject.render(sounds, seed=SEED, sampler=sampler, steps=steps)
            except DriftwaveError as error:
                found.notes.append(f"{_called(subject, sampler)}: left out, {error}")
                continue
            add(
                subject.name, subject.kind, rendered, rate, sampler=sampler,
                steps=steps if sampler else 0,
                parameters=subject.parameters,
            )  # fmt: skip


def _untrained(subjects: Sequence[Model]) -> list[Model]:
    """The first trained run that reconstructs, as it was before training."""
    runs = [s for s in subjects if s.kind == "reconstructs" and isinstance(s, HasUntrained)]
    return [run.untrained() for run in runs[:1]]


def _sketches(subject: Model, real: Real) -> FloatArray | None:
    """For a subject that is told sketches, those of training sounds, one a held-out sound."""
    if subject.condition.kind != "sketch":
        return None
    usual = subject.generate(_ANY, seed=SEED, steps=1)
    frames = round(len(usual.audio[0]) / subject.sample_rate / FRAME_SECONDS)
    told = [sketch_of(sound, real.sample_rate)[:, :frames] for sound in real.twins]
    return np.stack([np.pad(each, ((0, 0), (0, frames - each.shape[1]))) for each in told])


def _frames_of(subjects: Sequence[Model]) -> list[tuple[int, FrameSettings]]:
    """The sample rates and mel frames from which vocoders make sound, each once."""
    return list(
        dict.fromkeys(
            (subject.sample_rate, subject.condition)
            for subject in subjects
            if subject.kind == "vocodes"
        )
    )


def _made(
    subject: Model,
    categories: npt.NDArray[np.int64],
    plan: Plan,
    sampler: str,
    steps: int,
    frames: FloatArray | None = None,
) -> Sounds:
    """One sound for each category, asked for a few at a time; sound k has seed SEED + k.

    frames: (N, M, L) conditions along time; None = the subject's usual ones.
    """
    asked = categories if subject.conditional else np.full_like(categories, -1)
    guidance = plan.guidance
    if guidance is None:
        guidance = float(getattr(subject, "usual_guidance", 1.0))
    audio: list[FloatArray] = []
    nfe, total_ms = 0, 0.0
    for begin in range(0, len(asked), _CHUNK):
        part = asked[begin : begin + _CHUNK]
        made = subject.generate(
            part, seed=SEED + begin, sampler=sampler, steps=steps, guidance=guidance,
            frames=None if frames is None else frames[begin : begin + _CHUNK],
        )  # fmt: skip
        audio += [np.asarray(sound, np.float32).reshape(-1) for sound in made.audio]
        nfe, total_ms = made.nfe, total_ms + made.milliseconds * len(part)
    return Sounds(audio, nfe, total_ms / len(asked))


def _probe(subject: Model, shard: AudioShard, held: npt.NDArray[np.int64], plan: Plan) -> Sounds:
    categories = shard.category[held[:PROBES]].astype(np.int64)
    return _made(subject, categories, plan, "", 0)


def _refuse_unknown(subjects: Sequence[Model], plan: Plan) -> None:
    known = {name for subject in subjects for name in subject.samplers}
    for name, _ in plan.samplers:
        if name not in known:
            raise UsageError(
                f"no subject has a sampler called {name!r}; expected one of: "
                + ", ".join(sorted(known))
            )


def _samplers(subject: Model, plan: Plan) -> list[tuple[str, int]]:
    """(name, steps) to use: those of the plan that it has, else all it has, the default first."""
    own = subject.samplers
    named = [(name, steps or own[name]) for name, steps in plan.samplers if name in own]
    return named or list(own.items()) or [("", 1)]


def _row(subject: Model, sampler: str, steps: int, made: Made, real: Real, shown: str = "") -> Row:
    scores: dict[str, Any] = measure.compare(
        list(made.audio), real, subject.sample_rate, conditional=subject.conditional
    )
    if not subject.conditional:
        scores["accuracy"] = None
    facts = {
        "subject": shown or subject.name,
        "kind": subject.kind,
        "sampler": sampler,
        "steps": steps,
        "parameters": subject.parameters,
        "sample_rate": subject.sample_rate,
    }
    return facts | _speed(made, subject.sample_rate) | scores


def _baseline_row(name: str, made: Sounds, real: Real) -> Row:
    facts = {"subject": name, "kind": "baseline", "sampler": "", "steps": 0, "parameters": 0}
    speed = _speed(made, real.sample_rate)
    scores = measure.compare(made.audio, real, real.sample_rate)
    return facts | {"sample_rate": real.sample_rate} | speed | scores


def _speed(made: Made, sample_rate: int) -> Row:
    """real_time: seconds of sound made in a second; None for what was not made here."""
    seconds = float(np.mean([len(sound) for sound in made.audio])) / sample_rate
    real_time = seconds * 1000.0 / made.milliseconds if made.milliseconds else None
    return {
        "nfe": made.nfe,
        "milliseconds": made.milliseconds,
        "seconds": seconds,
        "real_time": real_time,
    }


def _takes_steps(subject: Model, made: Made, plan: Plan, sampler: str, steps: int) -> bool:
    """Whether another number of steps takes another number of network evaluations."""
    try:
        other = _made(subject, _ANY, plan, sampler, steps - 1 if steps > 1 else 2)
    except DriftwaveError:
        return False  # it has one number of steps alone
    return other.nfe != made.nfe


def _expected_ms(times_ms: dict[int, float], steps: int) -> float:
    """About the time of a sound in `steps`, from the times of other step counts."""
    known = sorted(times_ms)
    if steps <= known[0] or len(known) == 1:
        return times_ms[known[0]] * steps / known[0]
    above = next((place for place, count in enumerate(known) if count >= steps), len(known) - 1)
    low, high = known[above - 1], known[above]
    slope = max(times_ms[high] - times_ms[low], 0.0) / (high - low)
    return times_ms[low] + slope * (steps - low)


def _shown(subject: Model, made: Made, real: Real) -> dict[int, FloatArray]:
    chosen = spread(real.held_categories, _SHOWN)
    return {k: real.fitted(made.audio[k], subject.sample_rate) for k in chosen}


def _called(subject: Model, sampler: str) -> str:
    return f"{subject.name} ({sampler})" if sampler else subject.name
