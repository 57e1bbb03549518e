"""Words in folder and file names that become words of the adapted voice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.conditioning.words import DESCRIPTOR_WORDS, MODIFIERS, NEGATIONS, SILENT_WORDS
from engine.training.categories import CATEGORIES, OTHER, category_of

MOST_TAGS = 24
MOST_PER_SOUND = 3
_LEAST_SOUNDS = 3  # with a word, for it to mean something
_LEAST_SHARE, _MOST_SHARE = 0.01, 0.8  # of all sounds: a word of all tells nothing apart
_LEAST_LETTERS = 3
_TAKES = frozenset(("take", "layer", "vel", "velocity", "round", "robin", "copy", "final", "edit"))
_FILES = frozenset(("wav", "flac", "aif", "aiff", "ogg", "samples", "sample", "audio", "sounds"))
_IGNORED = (
    frozenset(DESCRIPTOR_WORDS) | frozenset(MODIFIERS) | NEGATIONS | SILENT_WORDS | _TAKES | _FILES
)


@dataclass(frozen=True)
class Tags:
    """categories: the base's and then the new ones. rows: for each sound, what it is called.

    rows[k]: indices into categories, the style (the voice's own name) first.
    """

    categories: tuple[str, ...]
    style: int
    rows: tuple[tuple[int, ...], ...]

    @property
    def used(self) -> tuple[str, ...]:
        """The categories that some sound is called, the style first."""
        counts = Counter(index for row in self.rows for index in row)
        return tuple(self.categories[index] for index, _ in counts.most_common())


def tagged(names: Sequence[str], style: str, known: Sequence[str]) -> Tags:
    """Tags of the sounds called ``names`` (POSIX paths below the folder).

    style: the voice's name, which all sounds are called. known: the base voice's categories. A
    name that says one of these keeps it; other words that some sounds share, but not all, become
    categories. Words for qualities ("dark") are left to what is measured.
    """
    own = style.lower().replace("-", "_")
    categories = list(known) + ([own] if own not in known else [])
    place = {name: index for index, name in enumerate(categories)}
    words = [_words(name) for name in names]
    counts = Counter(word for some in words for word in set(some))
    least = max(_LEAST_SOUNDS, _LEAST_SHARE * len(names))
    frequent = [
        word
        for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if least <= count <= _MOST_SHARE * len(names) and word not in place
    ]
    for word in frequent[:MOST_TAGS]:
        place[word] = len(categories)
        categories.append(word)
    rows = []
    for name, some in zip(names, words, strict=True):
        found = [place[own]]
        kind = category_of(PurePosixPath(name))
        if kind != OTHER and CATEGORIES[kind] in place:
            found.append(place[CATEGORIES[kind]])
        # the rarest words say most about a sound
        tags = sorted({w for w in some if w in place}, key=lambda w: (counts[w], w))
        found += [place[word] for word in tags]
        rows.append(tuple(dict.fromkeys(found))[: 1 + MOST_PER_SOUND])
    return Tags(tuple(categories), place[own], tuple(rows))


def _words(name: str) -> list[str]:
    """Lower-case words of a path that could be tags."""
    text = PurePosixPath(name).with_suffix("").as_posix()
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return [
        word
        for word in re.findall(r"[^\W\d_]+", text.lower())
        if len(word) >= _LEAST_LETTERS
        and word not in _IGNORED
        and category_of(PurePosixPath(word)) == OTHER  # those are categories already
    ]
