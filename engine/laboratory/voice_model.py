"""Shipped voices as subjects of a comparison."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from engine.conditioning.frames import FrameSettings
from engine.denoisers import FlowDenoiser
from engine.errors import BadRange
from engine.interpolation import linear, row, slerp
from engine.laboratory.subjects import Sounds
from engine.operations.finish import finish
from engine.runtime import LoadedVoice
from engine.runtime.generation import Networks
from engine.runtime.inputs import Inputs, network_inputs
from engine.runtime.spectra import analyse, synthesise
from engine.samplers import SAMPLERS, philox_noise
from engine.schedules import flow_times
from engine.training.categories import CATEGORIES
from engine.types import GenerateRequest, Resynthesise
from engine.voice import WEIGHTS, Voice

__all__ = ["SECONDS", "UntrainedVoice", "VoiceCodec", "VoiceModel"]

FloatArray = npt.NDArray[np.float32]
T = TypeVar("T")

SECONDS = 1.0  # of every sound that is generated
_CONSISTENCY = "consistency"


@dataclass
class Counted:
    """A voice's networks, whose denoiser calls are counted. silent: answer velocity 0."""

    networks: Networks
    silent: bool = False
    calls: int = 0

    def array(self, x: FloatArray) -> Any:
        return self.networks.array(x)

    def velocity(self, x: Any, t: float, inputs: Inputs) -> Any:
        self.calls += 1
        return x * 0.0 if self.silent else self.networks.velocity(x, t, inputs)

    def decode(self, latent: Any) -> FloatArray:
        return self.networks.decode(latent)

    def encode(self, spectrum: FloatArray) -> Any:
        return self.networks.encode(spectrum)


@dataclass
class VoiceModel:
    """A loaded voice; satisfies Model, BetweenSeeds, BetweenSounds and Restarts.

    A consistency voice has that one sampler; a flow voice may be sampled by euler or by heun.
    """

    loaded: LoadedVoice
    silent: bool = False
    _counted: Counted = field(init=False)

    def __post_init__(self) -> None:
        self._counted = Counted(self.loaded.networks, self.silent)

    @property
    def voice(self) -> Voice:
        return self.loaded.voice

    @property
    def name(self) -> str:
        return self.voice.name

    @property
    def kind(self) -> str:
        return "generates"

    @property
    def sample_rate(self) -> int:
        return self.voice.sample_rate

    @property
    def parameters(self) -> int:
        """All of the weights file: denoiser, encoder and decoder."""
        with safe_open(self.voice.path(WEIGHTS), framework="numpy") as file:
            shapes = [file.get_slice(key).get_shape() for key in file.keys()]  # noqa: SIM118
        return sum(math.prod(shape) for shape in shapes)

    @property
    def samplers(self) -> Mapping[str, int]:
        own, steps = self.voice.sampling.sampler, self.voice.sampling.default_steps
        others = [] if own == _CONSISTENCY else [n for n in SAMPLERS if n != _CONSISTENCY]
        return {own: steps, **{name: steps for name in others if name != own}}

    @property
    def sampler(self) -> str:
        """The default sampler."""
        return self.voice.sampling.sampler

    @property
    def conditional(self) -> bool:
        return bool(self.voice.conditioning.categories)

    @property
    def condition(self) -> FrameSettings:
        """Nothing along time."""
        return FrameSettings()

    @property
    def usual_guidance(self) -> float:
        """The guidance scale that the voice is meant to be used with."""
        return self.voice.sampling.guidance

    def generate(
        self,
        categories: npt.NDArray[np.int64],
        *,
        seed: int,
        sampler: str = "",
        steps: int = 0,
        guidance: float | None = None,
        descriptors: FloatArray | None = None,
        frames: FloatArray | None = None,
    ) -> Sounds:
        """Sound k has seed `seed` + k and lasts a second; see Model."""
        if frames is not None:
            raise BadRange(f"voice {self.name!r} takes no conditions along time; leave frames out")
        loaded = self._with_sampler(sampler)
        requests = [
            GenerateRequest(
                voice=self.name,
                prompt=_words(int(category)),
                seed=seed + number,
                steps=steps or self.voice.sampling.default_steps,
                seconds=SECONDS,
                guidance=guidance,
                descriptors={} if descriptors is None else self._asked(descriptors[number]),
            )
            for number, category in enumerate(categories)
        ]
        return self._timed(lambda request: loaded.generate(request).audio[0], requests)

    def render(
        self, sounds: Sequence[FloatArray], *, seed: int, sampler: str = "", steps: int = 0
    ) -> Sounds:
        """The codec alone: each sound encoded and decoded (varied with strength 0)."""
        return self._varied(sounds, 0.0, seed, steps)

    def restart(
        self, sound: FloatArray, start: float, *, category: int, seed: int, steps: int = 0
    ) -> Sounds:
        """See Restarts. The noise is added to the latent, in flow time."""
        return self._varied([sound], start, seed, steps, category)

    def between_seeds(
        self, first: int, second: int, points: int, *, category: int, steps: int = 0
    ) -> Sounds:
        """See BetweenSeeds. Renewed noise (consistency) goes the same way as the first."""
        codec, sampling = self.voice.codec, self.voice.sampling
        prompt = "" if category < 0 else CATEGORIES[category].replace("_", " ")
        inputs = network_inputs(self.voice, GenerateRequest(prompt=prompt))
        frames = max(
            math.ceil(SECONDS * self.sample_rate / codec.hop_frames), codec.shortest_frames
        )
        frames = min(frames, codec.longest_frames)
        times = flow_times(steps or sampling.default_steps, shift=sampling.time_shift)

        def make(share: float) -> FloatArray:
            def noise(draw: int) -> Any:
                one, other = (
                    philox_noise(seed, 0, draw, codec.latent_dims, frames)
                    for seed in (first, second)
                )
                return self._counted.array(np.asarray(slerp(one, other, share), np.float32))

            denoise = FlowDenoiser(lambda x, t: self._guided(x, t, inputs))
            latent = SAMPLERS[sampling.sampler](
                denoise, noise(0), times, noise, lambda _done, _steps: None
            )
            return self._finished(latent, level=True)

        return self._timed(make, [k / (points - 1) for k in range(points)])

    def between_sounds(self, first: FloatArray, second: FloatArray, points: int) -> Sounds:
        """See BetweenSounds. The latents are the codec's; no denoiser runs."""
        ends = [np.asarray(self._latent(sound), np.float32) for sound in (first, second)]
        latents = row(ends[0], ends[1], points, linear)

        def make(latent: FloatArray) -> FloatArray:
            return self._finished(self._counted.array(latent), level=False)

        return self._timed(make, list(latents))

    def _varied(
        self,
        sounds: Sequence[FloatArray],
        strength: float,
        seed: int,
        steps: int,
        category: int = -1,
    ) -> Sounds:
        loaded = self._with_sampler("")
        requests = [
            GenerateRequest(
                voice=self.name,
                prompt=_words(int(category)),
                seed=seed + number,
                steps=steps or self.voice.sampling.default_steps,
                source=sound[np.newaxis],
                source_rate=self.sample_rate,
                strength=strength,
                operation=None if strength else Resynthesise(),
            )
            for number, sound in enumerate(sounds)
        ]
        return self._timed(lambda request: loaded.generate(request).audio[0], requests)

    def _timed(self, make: Callable[[T], FloatArray], orders: Sequence[T]) -> Sounds:
        self._counted.calls = 0
        begun = time.perf_counter()
        audio = [make(order) for order in orders]
        elapsed_ms = (time.perf_counter() - begun) * 1000.0
        each = max(1, len(audio))
        return Sounds(audio, round(self._counted.calls / each), elapsed_ms / each)

    def _with_sampler(self, sampler: str) -> LoadedVoice:
        if sampler and sampler not in self.samplers:
            raise BadRange(
                f"sampler is {sampler!r}; voice {self.name!r} takes {', '.join(self.samplers)}"
            )
        sampling = dataclasses.replace(
            self.voice.sampling, sampler=sampler or self.voice.sampling.sampler
        )
        return LoadedVoice(dataclasses.replace(self.voice, sampling=sampling), self._counted)

    def _asked(self, values: FloatArray) -> dict[str, float]:
        names = self.voice.conditioning.descriptors
        return {n: float(v) for n, v in zip(names, values, strict=True) if np.isfinite(v)}

    def _guided(self, x: Any, t: float, inputs: Inputs) -> Any:
        scale = float(inputs.guidance[0])
        if self.voice.sampling.folded or scale == 1.0:
            return self._counted.velocity(x, t, inputs)
        told = self._counted.velocity(x, t, inputs.unguided())
        untold = self._counted.velocity(x, t, inputs.without_conditions())
        return untold + (told - untold) * scale

    def _latent(self, sound: FloatArray) -> Any:
        """(T,) -> latent (1, D, L) of one second."""
        codec = self.voice.codec
        frames = max(
            math.ceil(SECONDS * self.sample_rate / codec.hop_frames), codec.shortest_frames
        )
        padded = np.zeros((1, frames * codec.hop_frames), dtype=np.float32)
        kept = sound[: padded.shape[1]]
        padded[0, : len(kept)] = kept
        return self._counted.encode(analyse(padded, codec.encoder_fft, codec.encoder_hop))

    def _frames(self) -> int:
        """Latent frames of one second."""
        codec = self.voice.codec
        needed = math.ceil(SECONDS * self.sample_rate / codec.hop_frames)
        return max(needed, codec.shortest_frames)

    def _finished(self, latent: Any, *, level: bool) -> FloatArray:
        codec = self.voice.codec
        audio = synthesise(self._counted.decode(latent), codec.decoder_fft, codec.decoder_hop)
        samples = round(SECONDS * self.sample_rate)
        mono: FloatArray = finish(audio, samples, self.sample_rate, level=level)[0]
        return mono


class UntrainedVoice(VoiceModel):
    """A voice whose denoiser answers velocity 0, as it does before training: noise, decoded.

    (The transformer's last layer begins at zero.) What the trained codec sounds like on its own.
    """

    def __init__(self, loaded: LoadedVoice) -> None:
        super().__init__(loaded, silent=True)

    @property
    def name(self) -> str:
        return f"{self.voice.name}, untrained"


@dataclass(frozen=True)
class VoiceCodec:
    """A voice's codec as a subject that reconstructs."""

    model: VoiceModel
    kind: str = "reconstructs"
    conditional: bool = False
    condition: FrameSettings = field(default_factory=FrameSettings)

    @property
    def name(self) -> str:
        return f"{self.model.name}, codec"

    @property
    def sample_rate(self) -> int:
        return self.model.sample_rate

    @property
    def parameters(self) -> int:
        """Of the whole voice's weights file, the encoder's and the decoder's."""
        with safe_open(self.model.voice.path(WEIGHTS), framework="numpy") as file:
            names = [key for key in file.keys() if not key.startswith("denoiser.")]  # noqa: SIM118
            return sum(math.prod(file.get_slice(key).get_shape()) for key in names)

    @property
    def samplers(self) -> Mapping[str, int]:
        return {}

    def generate(
        self,
        categories: npt.NDArray[np.int64],
        *,
        seed: int,
        sampler: str = "",
        steps: int = 0,
        guidance: float = 1.0,
        descriptors: FloatArray | None = None,
        frames: FloatArray | None = None,
    ) -> Sounds:
        """Refused: a codec needs a sound."""
        raise BadRange(f"{self.name} makes sounds from sounds alone; use render")

    def render(
        self, sounds: Sequence[FloatArray], *, seed: int, sampler: str = "", steps: int = 0
    ) -> Sounds:
        """Each sound encoded and decoded."""
        return self.model.render(sounds, seed=seed)


def _words(category: int) -> str:
    """The prompt that asks for a category; none for -1."""
    return "" if category < 0 else CATEGORIES[category].replace("_", " ")
