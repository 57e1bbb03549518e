"""What the denoiser is told at each step: one prompt, or two with weights on them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from engine.runtime.inputs import Inputs, network_inputs
from engine.types import GenerateRequest
from engine.voice import Voice

__all__ = ["Guide", "guide_of"]


class Denoising(Protocol):
    """The part of a voice's networks that is told something."""

    def velocity(self, x: Any, t: float, inputs: Inputs) -> Any: ...


@dataclass(frozen=True)
class Guide:
    """The conditions of a request, and the velocity under them.

    first: what `prompt` says. second: what `morph` says, None when it says nothing more. mix: 0
    is the first alone, 1 the second.
    """

    voice: Voice
    first: Inputs
    second: Inputs | None = None
    mix: float = 0.0

    def velocity(self, networks: Denoising, x: Any, t: float) -> Any:
        """(1, D, L) at time t -> velocity (1, D, L); two prompts cost two network calls."""
        first = self._told(networks, x, t, self.first)
        if self.second is None:
            return first
        return first * (1.0 - self.mix) + self._told(networks, x, t, self.second) * self.mix

    def says(self, descriptor: str) -> bool:
        """Whether anything is asked of a descriptor."""
        return self.first.says(descriptor, self.voice)

    def _told(self, networks: Denoising, x: Any, t: float, inputs: Inputs) -> Any:
        """With guidance, where the network has not got it folded in."""
        scale = float(inputs.guidance[0])
        if self.voice.sampling.folded or scale == 1.0:
            return networks.velocity(x, t, inputs)
        told = networks.velocity(x, t, inputs.unguided())
        untold = networks.velocity(x, t, inputs.without_conditions())
        return untold + (told - untold) * scale


def guide_of(voice: Voice, request: GenerateRequest, index: int = 0) -> Guide:
    """The conditions of variation ``index``. Descriptors of which both prompts speak are mixed."""
    first = network_inputs(voice, request, index)
    if not request.morph or request.mix == 0.0:
        return Guide(voice, first)
    second = network_inputs(voice, dataclasses.replace(request, prompt=request.morph), index)
    if request.mix == 1.0:
        return Guide(voice, second)
    mixed = first.descriptors * (1.0 - request.mix) + second.descriptors * request.mix
    both = np.isfinite(mixed)
    first, second = (
        dataclasses.replace(
            inputs, descriptors=np.where(both, mixed, inputs.descriptors).astype(np.float32)
        )
        for inputs in (first, second)
    )
    joined = dataclasses.replace(
        first,
        words_understood=tuple(dict.fromkeys((*first.words_understood, *second.words_understood))),
        words_unknown=tuple(dict.fromkeys((*first.words_unknown, *second.words_unknown))),
        record={**first.record, "morph": second.record, "mix": request.mix},
    )
    return Guide(voice, joined, second, request.mix)
