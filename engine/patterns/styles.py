"""Styles of drum patterns: the table in styles.toml, how words name one, and its bars as hits."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.errors import NotFound
from engine.patterns.pattern import Hit, Pattern, ordered
from engine.patterns.roles import ROLES

TABLE = Path(__file__).with_name("styles.toml")

VELOCITIES = {"X": 1.0, "x": 0.8, "o": 0.58, "-": 0.35}
_ROLL = {"2": 2, "3": 3, "4": 4}
_REST = "."
_LOOP_WORDS = ("beat", "beats", "loop", "drums", "groove", "pattern")
"""Say what a style is for and nothing about how its drums sound."""
_STAYS_IN_FILL = ("kick", "crash")

Bars = tuple[tuple[str, ...], ...]
"""Bars of steps, each step one character."""


@dataclass(frozen=True, slots=True)
class Style:
    """One style; see the head of styles.toml for what the fields mean."""

    name: str
    words: tuple[str, ...]
    bpm: float
    beats: int
    steps: int
    swing: float
    humanise: float
    drums: Mapping[str, Bars]
    fill: Mapping[str, tuple[str, ...]]
    kit: Mapping[str, str]

    def pattern(
        self, bars: int, *, bpm: float | None = None, swing: float | None = None, fill: bool = False
    ) -> Pattern:
        """So many bars of it, exactly on its grid with its swing."""
        place = _Grid(self.steps, self.beats, self.swing if swing is None else swing)
        hits: list[Hit] = []
        for bar in range(bars):
            filled = self._filled(last=fill and bar == bars - 1)
            for role, rows in self.drums.items():
                row = rows[bar % len(rows)]
                kept = row if role in _STAYS_IN_FILL and role not in self.fill else row[:filled]
                hits += place.hits(role, kept, bar)
            if filled < self.steps:
                for role, row in self.fill.items():
                    hits += place.hits(role, row, bar, self.steps - len(row))
        tempo = self.bpm if bpm is None else bpm
        return Pattern(self.name, bars, self.beats, tempo, ordered(hits))

    def _filled(self, *, last: bool) -> int:
        """The step at which the fill of a bar begins; `steps` when there is none."""
        return self.steps - max(map(len, self.fill.values()), default=0) if last else self.steps


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where steps lie: `swing` is the place of the off step within a pair."""

    steps: int
    beats: int
    swing: float

    def hits(self, role: str, row: Sequence[str], bar: int, first: int = 0) -> list[Hit]:
        """The hits of a row of steps that begins at step `first` of a bar."""
        found = []
        for number, mark in enumerate(row, first):
            if mark == _REST:
                continue
            start, end = (bar * self.beats + self._beat(n) for n in (number, number + 1))
            times = _ROLL.get(mark, 1)
            for k in range(times):
                loud = VELOCITIES.get(mark, 0.55 + 0.3 * k / max(1, times - 1))
                found.append(Hit(role, start + (end - start) * k / times, loud))
        return found

    def _beat(self, step: int) -> float:
        length = self.beats / self.steps
        swung = (self.steps // self.beats) % 2 == 0 and step % 2 == 1
        return (step + (2.0 * self.swing - 1.0 if swung else 0.0)) * length


def _rows(text: str) -> Bars:
    return tuple(tuple(bar.replace(" ", "")) for bar in text.split("|"))


def _style(name: str, table: Mapping[str, object]) -> Style:
    """One style of the table; asserts that the table is right."""
    drums = {key: _rows(str(value)) for key, value in table.items() if key in ROLES}
    fill_table, kit = table.get("fill", {}), table.get("kit", {})
    assert isinstance(fill_table, dict)
    assert isinstance(kit, dict)
    fill = {role: _rows(text)[0] for role, text in fill_table.items()}
    words, beats, steps = table.get("words", []), table.get("beats", 4), table.get("steps", 0)
    assert isinstance(words, list)
    assert isinstance(beats, int)
    assert isinstance(steps, int)
    style = Style(
        name=name,
        words=tuple(dict.fromkeys((name.replace("_", " "), *map(str, words)))),
        bpm=float(str(table["bpm"])),
        beats=beats,
        steps=steps or beats * 4,
        swing=float(str(table.get("swing", 0.5))),
        humanise=float(str(table.get("humanise", 0.2))),
        drums=drums,
        fill=fill,
        kit=kit,
    )
    known = {"words", "bpm", "beats", "steps", "swing", "humanise", "fill", "kit"}
    marks = {*VELOCITIES, *_ROLL, _REST}
    assert set(table) - known == set(drums), f"{name}: {set(table) - known - set(drums)}"
    assert {*fill, *kit} <= set(ROLES), name
    for role, rows in drums.items():
        for row in rows:
            assert len(row) == style.steps, f"{name} {role}: {len(row)} steps of {style.steps}"
            assert set(row) <= marks, f"{name} {role}: {''.join(row)}"
    assert all(len(row) <= style.steps and set(row) <= marks for row in fill.values()), name
    return style


@cache
def styles() -> dict[str, Style]:
    """Every style by name, in the order of the table."""
    return {name: _style(name, table) for name, table in tomllib.loads(TABLE.read_text()).items()}


def find_style(text: str) -> tuple[Style, str]:
    """The style that words name, and the words left, which say how its drums should sound.

    "dark boom bap" is boom bap with the word "dark". Raises NotFound with a suggestion.
    """
    said = _plain(text)
    named = _named()
    for words in sorted(named, key=len, reverse=True):
        if re.search(rf"(?<!\S){re.escape(words)}(?!\S)", said):
            left = re.sub(rf"(?<!\S){re.escape(words)}(?!\S)", " ", said, count=1)
            return named[words], " ".join(w for w in left.split() if w not in _LOOP_WORDS)
    near = difflib.get_close_matches(said, list(named), n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}? " if near else ""
    names = ", ".join(style.words[0] for style in styles().values())
    raise NotFound(f"style {text[:60]!r}: {hint}expected one of {names}")


def names_loop(text: str) -> bool:
    """Whether words end in a style, as "dark boom bap" and "house beat" do.

    "house kick" does not: it is a kick.
    """
    said = _plain(text)
    while said.rpartition(" ")[2] in _LOOP_WORDS and said not in _named():
        said = said.rpartition(" ")[0]
    return any(f" {said}".endswith(f" {words}") for words in _named())


def _named() -> dict[str, Style]:
    return {_plain(words): style for style in styles().values() for words in style.words}


def _plain(text: str) -> str:
    """Lower case, with single spaces between letters and digits."""
    return " ".join(re.findall(r"[\w']+", text.lower().replace("_", " ")))
