"""From a request to a finished sound: conditions, noise, sampler, decoder, finishing.

Written once for every runtime: a runtime brings only the networks (class Networks).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import soxr

from engine.denoisers import FlowDenoiser, add_noise
from engine.errors import BadRange, Cancelled, VoiceError
from engine.runtime.finish import finish
from engine.runtime.inputs import Inputs, network_inputs
from engine.runtime.spectra import analyse, synthesise
from engine.samplers import SAMPLERS, philox_noise
from engine.schedules import MAX_STEPS, flow_times
from engine.types import Generated, GenerateRequest
from engine.voice import Voice

FloatArray = npt.NDArray[np.float32]

LEAST_STRENGTH = 0.02
"""Below this a variation is the source itself, decoded: no step is worth taking."""


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


@dataclass(frozen=True)
class LoadedVoice:
    """A voice that is ready to make sound. Calls may come from one thread at a time."""

    voice: Voice
    networks: Networks

    def generate(
        self,
        request: GenerateRequest,
        *,
        index: int = 0,
        on_step: Callable[[int, int], None] = lambda _done, _steps: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Generated:
        """Makes variation `index` of a request: from noise, or from request.source ("vary").

        The result depends on the voice, the request and the index alone, never on what else
        was asked for before or at the same time. on_step(done, steps) is called after every
        sampler step. Raises Cancelled between steps, BadRange for values out of range.
        """
        if request.seed is None:
            raise BadRange("a request needs a seed before it reaches the runtime")
        if not 1 <= request.steps <= MAX_STEPS:
            raise BadRange(f"steps is {request.steps}; expected 1 to {MAX_STEPS}")
        inputs = network_inputs(self.voice, request, index)
        source = self._source(request)
        samples = self._samples(request, source)
        frames = self._latent_frames(samples, varies=source is not None)

        def hook(done: int, steps: int) -> None:
            if cancelled():
                raise Cancelled("the job was cancelled")
            on_step(done, steps)

        if cancelled():
            raise Cancelled("the job was cancelled")
        latent = self._sample(request, inputs, index, frames, source, hook)
        codec = self.voice.codec
        spectrum = self.networks.decode(latent)
        audio = synthesise(spectrum, codec.decoder_fft, codec.decoder_hop)
        return Generated(
            audio=finish(
                audio,
                samples,
                self.voice.sample_rate,
                level=source is None and not inputs.says("loudness", self.voice),
            ),
            words_understood=inputs.words_understood,
            words_unknown=inputs.words_unknown,
            conditions=inputs.record,
        )

    def _sample(
        self,
        request: GenerateRequest,
        inputs: Inputs,
        index: int,
        frames: int,
        source: FloatArray | None,
        hook: Callable[[int, int], None],
    ) -> Any:
        dims = self.voice.codec.latent_dims
        seed = request.seed
        assert seed is not None

        def noise(draw: int) -> Any:
            return self.networks.array(philox_noise(seed, index, draw, dims, frames))

        start = 1.0
        x = noise(0)
        if source is not None:
            clean = self._encode(source, frames)
            start = request.strength
            if start < LEAST_STRENGTH:
                return clean
            x = add_noise(clean, x, start)
        sampling = self.voice.sampling
        times = flow_times(request.steps, start=start, shift=sampling.time_shift)
        denoise = FlowDenoiser(lambda x, t: self._velocity(x, t, inputs))
        return SAMPLERS[sampling.sampler](denoise, x, times, noise, hook)

    def _velocity(self, x: Any, t: float, inputs: Inputs) -> Any:
        """The network's velocity, with guidance where the network has not got it folded in."""
        scale = float(inputs.guidance[0])
        if self.voice.sampling.folded or scale == 1.0:
            return self.networks.velocity(x, t, inputs)
        told = self.networks.velocity(x, t, inputs.unguided())
        untold = self.networks.velocity(x, t, inputs.without_conditions())
        return untold + (told - untold) * scale

    def _source(self, request: GenerateRequest) -> FloatArray | None:
        """The sound to vary, mono (T,) at the voice's rate; None when there is none."""
        if request.source is None:
            return None
        if not 0.0 <= request.strength <= 1.0:
            raise BadRange(f"strength is {request.strength}; expected 0 to 1")
        source = np.atleast_2d(np.asarray(request.source, dtype=np.float32))
        if source.size == 0 or not np.isfinite(source).all():
            raise BadRange("the source to vary is empty or holds numbers that are not finite")
        if not 1_000 <= request.source_rate <= 768_000:
            raise BadRange(f"source_rate is {request.source_rate}; expected 1000 to 768000 Hz")
        mono = source.mean(axis=0)
        if request.source_rate != self.voice.sample_rate:
            mono = soxr.resample(mono, request.source_rate, self.voice.sample_rate)
        return np.asarray(mono, dtype=np.float32)

    def _samples(self, request: GenerateRequest, source: FloatArray | None) -> int:
        """Length of the clip in samples: as asked, as the source, or the voice's own default."""
        voice = self.voice
        if request.seconds is not None:
            seconds = request.seconds
        elif source is not None:
            seconds = min(len(source) / voice.sample_rate, voice.max_seconds)
        else:
            seconds = voice.default_seconds
        if not 0.0 < seconds <= voice.max_seconds:
            raise BadRange(
                f"seconds is {seconds}; voice {voice.name!r} makes more than 0, "
                f"at most {voice.max_seconds}"
            )
        return max(1, round(seconds * voice.sample_rate))

    def _latent_frames(self, samples: int, *, varies: bool) -> int:
        """Latent frames to sample: the clip's, kept in the range the denoiser was trained on."""
        codec = self.voice.codec
        frames = max(math.ceil(samples / codec.hop_frames), codec.shortest_frames)
        return frames if varies else min(frames, codec.longest_frames)

    def _encode(self, source: FloatArray, frames: int) -> Any:
        codec = self.voice.codec
        padded = np.zeros((1, frames * codec.hop_frames), dtype=np.float32)
        kept = source[: padded.shape[1]]
        padded[0, : len(kept)] = kept
        latent = self.networks.encode(analyse(padded, codec.encoder_fft, codec.encoder_hop))
        if tuple(latent.shape) != (1, codec.latent_dims, frames):
            raise VoiceError(
                f"voice {self.voice.name!r}: encoder made {tuple(latent.shape)} from {frames} "
                f"frames; expected (1, {codec.latent_dims}, {frames})"
            )
        return latent
