"""From a request to the network's inputs: prompt, negative, knobs, note, explicit descriptors."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.conditioning.prompt import Understood, biased, opposite, understand
from engine.errors import BadRange
from engine.runtime.examples import filled
from engine.types import GenerateRequest
from engine.voice import Voice
from engine.voice_format import Conditioning

__all__ = ["Inputs", "network_inputs"]

_RANK_POINTS = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Inputs:
    """What the denoiser is told besides x and t, and what the answer tells the user.

    category: (1,) int64, -1 = any. descriptors: (1, K) float32 in 0..1, NaN = any.
    guidance: (1,) float32. record: the same for people and for the library.
    """

    category: npt.NDArray[np.int64]
    descriptors: npt.NDArray[np.float32]
    guidance: npt.NDArray[np.float32]
    words_understood: tuple[str, ...]
    words_unknown: tuple[str, ...]
    record: Mapping[str, object]

    def says(self, descriptor: str, voice: Voice) -> bool:
        """Whether anything is asked of a descriptor."""
        names = voice.conditioning.descriptors
        if descriptor not in names:
            return False
        return not bool(np.isnan(self.descriptors[0, names.index(descriptor)]))

    def unguided(self) -> Inputs:
        """The same conditions with guidance scale 1."""
        return dataclasses.replace(self, guidance=np.ones_like(self.guidance))

    def without_conditions(self) -> Inputs:
        """No condition at all: what guidance steers away from."""
        return dataclasses.replace(
            self,
            category=np.full_like(self.category, -1),
            descriptors=np.full_like(self.descriptors, np.nan),
            guidance=np.ones_like(self.guidance),
        )


def network_inputs(voice: Voice, request: GenerateRequest, index: int = 0) -> Inputs:
    """Joins everything a request says about the sound, of which this is variation ``index``.

    Words and knobs are relative to the sounds of the category ("a dark snare" is dark for a
    snare); request.descriptors and notes are absolute and win. Raises BadRange for a descriptor
    that is unknown or out of range.
    """
    table = voice.conditioning
    said = understand(request.prompt, table.categories, table.descriptors)
    refused = understand(request.negative, table.categories, table.descriptors)
    ranks = _from_words(table, said, refused, request)
    for name, value in _checked(request.descriptors, table, 0.0, 1.0).items():
        ranks[name] = value
    note = request.note if request.note is not None else said.note
    if note is not None and "pitch" in table.descriptors:
        if not 0 <= note <= 127:
            raise BadRange(f"note is {note}; expected 0 to 127")
        ranks["pitch"] = _rank_of(table, "pitch", float(note))
    if request.seed is not None and request.source is None:  # a source says what it is like
        ranks = filled(table, said.category, ranks, request.seed, index)
    values = [ranks.get(name, np.nan) for name in table.descriptors]
    guidance = _guidance(voice, request.guidance)
    index = -1 if said.category is None else table.categories.index(said.category)
    # A category cannot be steered away from, so a negative prompt's category is not understood.
    wasted = (refused.category,) if refused.category is not None else ()
    return Inputs(
        category=np.array([index], dtype=np.int64),
        descriptors=np.array([values], dtype=np.float32),
        guidance=np.array([guidance], dtype=np.float32),
        words_understood=said.known,
        words_unknown=(*said.unknown, *refused.unknown, *wasted),
        record={
            "category": said.category,
            "descriptors": {name: round(float(value), 4) for name, value in ranks.items()},
            "guidance": guidance,
        },
    )


def _from_words(
    table: Conditioning, said: Understood, refused: Understood, request: GenerateRequest
) -> dict[str, float]:
    """Absolute ranks of all descriptors that words or knobs say something about."""
    within: dict[str, float] = {name: opposite(value) for name, value in refused.values.items()}
    within.update(said.values)
    for name, bias in _checked(request.biases, table, -1.0, 1.0).items():
        moved = biased(within.get(name), bias)
        if moved is not None:
            within[name] = moved
    rows = table.ranks.get(said.category or "")
    if rows is None:
        return within
    return {
        name: _in_category(rows[table.descriptors.index(name)], value)
        for name, value in within.items()
    }


def _in_category(row: tuple[float, ...], value: float) -> float:
    """Value 0..1 among a category's sounds -> rank 0..1 among all sounds."""
    return float(np.interp(value, _RANK_POINTS, row))


def _rank_of(table: Conditioning, name: str, raw: float) -> float:
    """Rank 0..1 of a raw value (a MIDI note, say) among the training sounds."""
    row = np.asarray(table.quantiles[table.descriptors.index(name)])
    values, first = np.unique(row, return_index=True)
    return float(np.interp(raw, values, first / (row.size - 1)))


def _guidance(voice: Voice, asked: float | None) -> float:
    sampling = voice.sampling
    if asked is None:
        return sampling.guidance
    if not np.isfinite(asked):
        raise BadRange(f"guidance is {asked}; expected a finite number")
    return min(max(asked, sampling.guidance_low), sampling.guidance_high)


def _checked(
    values: Mapping[str, float], table: Conditioning, low: float, high: float
) -> dict[str, float]:
    for name, value in values.items():
        if name not in table.descriptors:
            raise BadRange(
                f"no descriptor is called {name!r}; expected one of {', '.join(table.descriptors)}"
            )
        if not low <= value <= high:
            raise BadRange(f"{name} is {value}; expected {low:g} to {high:g}")
    return {name: float(value) for name, value in values.items()}
