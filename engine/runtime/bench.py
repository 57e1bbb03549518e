"""A loaded voice at work on one variation: codec, sampler, noise and progress for an operation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from engine.denoisers import FlowDenoiser, add_noise
from engine.errors import Cancelled, VoiceError
from engine.operations.bench import Draw
from engine.runtime.guide import Guide, guide_of
from engine.runtime.inputs import Inputs
from engine.runtime.spectra import analyse, synthesise
from engine.samplers import SAMPLERS, philox_noise
from engine.schedules import flow_times
from engine.types import FloatArray, GenerateRequest
from engine.voice import Voice

__all__ = ["Networks", "Progress", "RuntimeBench"]

_DRAWS_A_STREAM = 1 << 20
"""Draws of noise between two streams of one variation; no sampler takes as many steps."""


class Networks(Protocol):
    """A voice's networks on some device. Arrays are that device's own; shapes as in DESIGN."""

    def array(self, x: FloatArray) -> Any:
        """Moves a NumPy array to the device."""
        ...

    def velocity(self, x: Any, t: float, inputs: Inputs) -> Any:
        """The denoiser F: x (1, D, L) at time t -> velocity (1, D, L)."""
        ...

    def decode(self, latent: Any) -> FloatArray:
        """Latent (1, D, L) -> spectrum (1, 2, bins, frames) on the CPU."""
        ...

    def encode(self, spectrum: FloatArray) -> Any:
        """Spectrum (1, 2, bins, frames) -> latent (1, D, L)."""
        ...


@dataclass
class Progress:
    """Counts sampler steps over all runs of one variation.

    on_step(done, steps); cancelled() ends the work with Cancelled at the next step.
    """

    on_step: Callable[[int, int], None]
    cancelled: Callable[[], bool]
    runs: int = 1
    done: int = 0

    def check(self) -> None:
        """Raise Cancelled when somebody asked for it."""
        if self.cancelled():
            raise Cancelled("the job was cancelled")

    def step(self, done: int, steps: int) -> None:
        """A step of the present run is done."""
        self.check()
        self.runs = max(self.runs, self.done + 1)
        self.on_step(self.done * steps + done, self.runs * steps)
        self.done += done == steps


@dataclass(frozen=True)
class RuntimeBench:
    """Implements engine.operations.Bench on a runtime's networks."""

    voice: Voice
    networks: Networks
    request: GenerateRequest
    index: int
    progress: Progress
    guide: Guide = field(repr=False)

    def noise(self, index: int, draw: int, frames: int) -> FloatArray:
        assert self.request.seed is not None
        return philox_noise(self.request.seed, index, draw, self.voice.codec.latent_dims, frames)

    def encode(self, mono: FloatArray, frames: int) -> FloatArray:
        codec = self.voice.codec
        padded = np.zeros((1, frames * codec.hop_frames), dtype=np.float32)
        kept = mono[: padded.shape[1]]
        padded[0, : len(kept)] = kept
        latent = _on_cpu(
            self.networks.encode(analyse(padded, codec.encoder_fft, codec.encoder_hop))
        )
        if latent.shape != (1, codec.latent_dims, frames):
            raise VoiceError(
                f"voice {self.voice.name!r}: encoder made {latent.shape} from {frames} "
                f"frames; expected (1, {codec.latent_dims}, {frames})"
            )
        return latent

    def decode(self, latent: FloatArray) -> FloatArray:
        codec = self.voice.codec
        self.progress.check()
        spectrum = self.networks.decode(self.networks.array(latent))
        return np.asarray(synthesise(spectrum, codec.decoder_fft, codec.decoder_hop)[0])

    def expect(self, runs: int) -> None:
        self.progress.runs = runs

    def sample(self, draw: Draw) -> FloatArray:
        array, sampling = self.networks.array, self.voice.sampling

        def noise(k: int) -> Any:
            if draw.noise is not None:
                return array(draw.noise(k))
            number = k + draw.stream * _DRAWS_A_STREAM
            return array(self.noise(self.index, number, draw.frames))

        self.progress.check()
        x = noise(0)
        denoise: Any = FlowDenoiser(lambda x, t: self.guide.velocity(self.networks, x, t))
        if draw.clean is not None:
            clean = array(draw.clean)
            x = add_noise(clean, x, draw.start)
            if draw.keep is not None:
                denoise = _keeping(denoise, clean, array(draw.keep))
        times = flow_times(self.request.steps, start=draw.start, shift=sampling.time_shift)
        return _on_cpu(SAMPLERS[sampling.sampler](denoise, x, times, noise, self.progress.step))

    def told(self, descriptors: Mapping[str, float]) -> RuntimeBench:
        request = dataclasses.replace(
            self.request, descriptors={**descriptors, **self.request.descriptors}
        )
        return dataclasses.replace(
            self, request=request, guide=guide_of(self.voice, request, self.index)
        )

    def says(self, descriptor: str) -> bool:
        return self.guide.says(descriptor)


def _keeping(denoise: Any, clean: Any, keep: Any) -> Any:
    """D(x, t) that is the clean sound where `keep` is 1."""
    return lambda x, t: denoise(x, t) * (1.0 - keep) + clean * keep


def _on_cpu(x: Any) -> FloatArray:
    """A device's array as NumPy's."""
    found = x.detach().cpu().numpy() if hasattr(x, "detach") else x
    return np.asarray(found, dtype=np.float32)
