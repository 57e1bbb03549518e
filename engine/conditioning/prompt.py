"""Understand a prompt: words become a category, descriptor values and a pitch.

"short dark snare" -> category snare, length low, brightness low. Misspelt words are matched to
the nearest known one. What was not understood is told, never guessed.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from engine.conditioning.categories import CATEGORY_WORDS
from engine.conditioning.words import DESCRIPTOR_WORDS, MODIFIERS, NEGATIONS, SILENT_WORDS

__all__ = ["USUAL", "Understood", "biased", "opposite", "understand"]

USUAL = 0.5
"""The middle of a descriptor's scale."""

LONGEST_PROMPT = 2000
"""Characters that are read; what follows is ignored."""

_LONGEST_PHRASE = 3
_NEARNESS = 0.8  # of difflib, 0..1: "snair" to "snare" is 0.8
_NOTE_NAME = re.compile(r"([a-g])([#b]?)(-?\d)")
_FREQUENCY = re.compile(r"(\d+(?:\.\d+)?)hz")
_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


@dataclass(frozen=True)
class Understood:
    """What a prompt says.

    category: name or None. values: descriptor -> 0..1 among the sounds of that category.
    note: MIDI note number (may be fractional) or None. known, unknown: the prompt's words.
    """

    category: str | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    note: float | None = None
    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def understand(
    prompt: str, categories: Collection[str], descriptors: Collection[str]
) -> Understood:
    """Reads a prompt for a voice that has these categories and descriptors.

    Words that mean something the voice does not have count as unknown. The last category named
    wins ("snare like a clap" is a clap); values of several words for one descriptor average.
    """
    phrases = _phrases(categories, descriptors)
    words = _words(prompt[:LONGEST_PROMPT])
    category: str | None = None
    note: float | None = None
    values: dict[str, list[float]] = {}
    known: list[str] = []
    unknown: list[str] = []
    factor, pending = 1.0, list[str]()
    at = 0
    while at < len(words):
        if words[at] in NEGATIONS or words[at] in MODIFIERS:
            factor *= -1.0 if words[at] in NEGATIONS else MODIFIERS[words[at]]
            pending.append(words[at])
            at += 1
            continue
        length, phrase = _longest_phrase(words, at, phrases)
        said = " ".join(words[at : at + length])
        at += length
        heard = _note_of(said)
        if phrase in DESCRIPTOR_WORDS and phrase in phrases:
            for name, value in DESCRIPTOR_WORDS[phrase].items():
                if name in descriptors:
                    values.setdefault(name, []).append(_scaled(value, factor))
            known += [*pending, said]
        elif phrase in phrases:
            if factor < 0:  # "no snare": there is nothing to steer towards
                unknown += [*pending, said]
            else:
                category = phrases[phrase]
                known.append(said)
        elif heard is not None and "pitch" in descriptors:
            note = heard
            known.append(said)
        elif said not in SILENT_WORDS:
            unknown.append(said)
        if said not in SILENT_WORDS:
            factor, pending = 1.0, []
    averages = {name: sum(said) / len(said) for name, said in values.items()}
    return Understood(category, averages, note, tuple(known), tuple(unknown))


def biased(value: float | None, bias: float) -> float | None:
    """A value moved by a knob from -1 to 1: 0 leaves it (None stays), the ends reach 0 and 1."""
    if bias == 0.0:
        return value
    base = USUAL if value is None else value
    bias = min(max(bias, -1.0), 1.0)
    return base + bias * (1.0 - base) if bias > 0.0 else base + bias * base


def opposite(value: float) -> float:
    """What to aim for when a prompt says "not this"."""
    return 1.0 - value


def _scaled(value: float, factor: float) -> float:
    """Moves a value away from the usual (factor > 1), towards it, or to the other side (< 0)."""
    return min(max(USUAL + factor * (value - USUAL), 0.02), 0.98)


def _words(prompt: str) -> list[str]:
    text = prompt.lower().replace("lo-fi", "lofi").replace("one-shot", "oneshot")
    text = re.sub(r"(\d)\s+hz\b", r"\1hz", text)
    return re.findall(r"[a-z]#-?\d|[^\W_]+(?:\.\d+\w*)?", text)


def _phrases(categories: Collection[str], descriptors: Collection[str]) -> dict[str, str]:
    """Every phrase the voice can follow -> its category ("" for descriptor words)."""
    phrases = {
        phrase: category
        for category, synonyms in CATEGORY_WORDS.items()
        if category in categories
        for phrase in synonyms
    }
    for category in categories:  # a voice's categories answer to their own names before all others
        phrases[category.replace("_", " ")] = category
    for word, values in DESCRIPTOR_WORDS.items():
        if any(name in descriptors for name in values):
            phrases.setdefault(word, "")
    return phrases


def _longest_phrase(words: list[str], at: int, phrases: Mapping[str, str]) -> tuple[int, str]:
    """(words taken, phrase meant) at a place; the phrase is the word itself when unknown."""
    for length in range(min(_LONGEST_PHRASE, len(words) - at), 0, -1):
        phrase = " ".join(words[at : at + length])
        if phrase in phrases:
            return length, phrase
    word = words[at]
    if len(word) < 4 or word in SILENT_WORDS or _note_of(word) is not None:
        return 1, word  # too short to be told from another word by its letters
    likely = [p for p in phrases if p[0] == word[0] and abs(len(p) - len(word)) <= 1]
    near = difflib.get_close_matches(word, likely, n=1, cutoff=_NEARNESS)
    return 1, near[0] if near else word


def _note_of(word: str) -> float | None:
    """MIDI note of "c2", "f#3" (C4 = 60) or "55hz"; None for any other word."""
    named = _NOTE_NAME.fullmatch(word)
    if named:
        letter, sign, octave = named.groups()
        shift = {"#": 1, "b": -1, "": 0}[sign]
        note = 12.0 * (int(octave) + 1) + _SEMITONES[letter] + shift
        return note if 0 <= note <= 127 else None
    frequency = _FREQUENCY.fullmatch(word)
    if frequency and 8.0 <= float(frequency[1]) <= 13_000.0:
        return 69.0 + 12.0 * math.log2(float(frequency[1]) / 440.0)
    return None
