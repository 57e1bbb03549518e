"""Everything that decides a drum loop, from a style, a MIDI file, a recording or a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.audio_files import RATES_HZ, read_audio
from engine.errors import BadRange, UsageError
from engine.jobs.job import random_seed
from engine.jobs.requests import MAX_PROMPT, MAX_SEED, MAX_STEPS
from engine.patterns.beat import heard_pattern
from engine.patterns.midi import read_midi
from engine.patterns.pattern import (
    BARS,
    BPM,
    MOST_SECONDS,
    Pattern,
    check_range,
    humanised,
    pattern_fields,
    pattern_of,
)
from engine.patterns.roles import ROLES
from engine.patterns.styles import find_style

USUAL_BARS = 2
SWING = (0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Options:
    """What may be asked of a loop; None takes the style's or the source's own.

    Attributes:
        words: a style and how it should sound; with a source only how it should sound.
        midi, beat: a file to take the pattern from.
        bars, bpm, swing, humanise, fill: of the pattern.
        quantise, grid: how a recording is brought to its grid, 0..1, steps a beat.
        sounds: drum -> words for its sound.
        voice, seed, steps: of the hits.
        sample_rate, stereo: of the loop.
    """

    words: str = ""
    midi: Path | None = None
    beat: Path | None = None
    bars: int | None = None
    bpm: float | None = None
    swing: float | None = None
    humanise: float | None = None
    fill: bool = False
    quantise: float = 0.8
    grid: int = 4
    sounds: Mapping[str, str] = field(default_factory=dict)
    voice: str = "drums"
    seed: int | None = None
    steps: int | None = None
    sample_rate: int | None = None
    stereo: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A loop, decided: the same plan and voice make the same loop to the bit.

    Attributes:
        words: as asked for, for people.
        pattern: the hits as they are played.
        kit: drum -> words for its sound.
        voice, seed, steps: of the hits; steps None is the voice's usual number.
        sample_rate: in hertz, None is the voice's.
        stereo: two channels.
    """

    words: str
    pattern: Pattern
    kit: Mapping[str, str]
    voice: str
    seed: int
    steps: int | None
    sample_rate: int | None
    stereo: bool


def plan_of(options: Options) -> Plan:
    """Decide a loop. Raises NotFound (style), AudioFileError and BadRange."""
    _check(options)
    seed = random_seed() if options.seed is None else options.seed
    pattern, usual_kit, how, humanise = _pattern(options)
    if not pattern.hits:
        raise BadRange(f"{pattern.name}: no hits within {pattern.bars} bars; ask for more bars")
    amount = humanise if options.humanise is None else options.humanise
    kit = {
        role: options.sounds.get(role)
        or " ".join(f"{how} {usual_kit.get(role, ROLES[role].prompt)}".split())
        for role in pattern.roles
    }
    return Plan(
        words=options.words or pattern.name,
        pattern=humanised(pattern, amount, seed),
        kit=kit,
        voice=options.voice,
        seed=seed,
        steps=options.steps,
        sample_rate=options.sample_rate,
        stereo=options.stereo,
    )


def _pattern(options: Options) -> tuple[Pattern, Mapping[str, str], str, float]:
    """The pattern as written, its kit, the words for every sound, and its usual looseness."""
    if options.midi is not None:
        pattern = read_midi(options.midi, bars=options.bars, bpm=options.bpm)
        return pattern, {}, options.words, 0.0
    if options.beat is not None:
        audio, sample_rate = read_audio(options.beat, max_seconds=MOST_SECONDS)
        pattern = heard_pattern(
            audio,
            sample_rate,
            name=options.beat.stem,
            bars=options.bars,
            bpm=options.bpm,
            quantise=options.quantise,
            grid=options.grid,
        )
        return pattern, {}, options.words, 0.0
    style, how = find_style(options.words)
    bars = USUAL_BARS if options.bars is None else options.bars
    pattern = style.pattern(bars, bpm=options.bpm, swing=options.swing, fill=options.fill)
    return pattern, style.kit, how, style.humanise


def _check(options: Options) -> None:
    if options.midi is not None and options.beat is not None:
        raise BadRange("a MIDI file and a recording at once: expected one source")
    if (options.midi or options.beat) and (options.swing is not None or options.fill):
        raise BadRange("swing and fill belong to styles: leave them out with a file")
    if options.swing is not None and not SWING[0] <= options.swing <= SWING[1]:
        raise BadRange(f"swing {options.swing:g}: expected {SWING[0]} straight to {SWING[1]}")
    if options.bars is not None:
        check_range("bars", options.bars, *BARS)
    if options.bpm is not None:
        check_range("bpm", options.bpm, *BPM)
    rate = options.sample_rate
    if rate is not None and not RATES_HZ[0] <= rate <= RATES_HZ[1]:
        raise BadRange(f"rate {rate} Hz: expected {RATES_HZ[0]} to {RATES_HZ[1]} Hz")
    if options.seed is not None and not 0 <= options.seed <= MAX_SEED:
        raise BadRange(f"seed {options.seed}: expected 0 to {MAX_SEED}")
    if options.steps is not None and not 1 <= options.steps <= MAX_STEPS:
        raise BadRange(f"steps {options.steps}: expected 1 to {MAX_STEPS}")
    if len(options.words) > MAX_PROMPT:
        raise BadRange(f"{len(options.words)} characters: expected at most {MAX_PROMPT}")
    for role in options.sounds:
        if role not in ROLES:
            raise BadRange(f"drum {role!r}: expected one of {', '.join(ROLES)}")


def sounds_of(pairs: Sequence[str]) -> dict[str, str]:
    """DRUM=WORDS pairs as a table; raises UsageError for anything else."""
    found = {}
    for pair in pairs:
        role, equals, words = pair.partition("=")
        if not equals or not words.strip():
            raise UsageError(f"sound {pair!r}: expected DRUM=WORDS, such as kick='deep 808 kick'")
        found[role.strip()] = words.strip()
    return found


def plan_fields(plan: Plan) -> dict[str, object]:
    """The plan as plain values, for the record of its loop."""
    return {
        **pattern_fields(plan.pattern),
        "words": plan.words,
        "kit": dict(plan.kit),
        "sample_rate": plan.sample_rate,
        "stereo": plan.stereo,
    }


def plan_again(conditions: Mapping[str, object], *, voice: str, seed: int, steps: int) -> Plan:
    """The plan in the record of a loop. Raises BadRange when it is the record of another sound."""
    fields = conditions.get("pattern")
    if not isinstance(fields, Mapping):
        raise BadRange("not the record of a drum loop: expected one that `pattern` made")
    kit, rate = fields.get("kit"), fields.get("sample_rate")
    pattern = pattern_of(fields)
    if not isinstance(kit, Mapping) or not set(pattern.roles) <= set(kit):
        raise BadRange("the record of this drum loop names no sounds: expected a kit")
    return Plan(
        words=str(fields.get("words", "")),
        pattern=pattern,
        kit={str(role): str(words) for role, words in kit.items()},
        voice=voice,
        seed=seed,
        steps=steps or None,
        sample_rate=int(rate) if isinstance(rate, int) else None,
        stereo=bool(fields.get("stereo")),
    )
