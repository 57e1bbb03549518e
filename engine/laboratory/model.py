"""One way to use any trained run, whatever its framework: generate sounds, or render given ones.

    model = open_model(Path("build/lab/latent_diffusion"))
    made = model.generate(np.array([0, 1]), seed=1, steps=20)

| kind         | models                                  | render(sounds) gives              |
|--------------|-----------------------------------------|-----------------------------------|
| generates    | diffusion, consistency, GAN, prior      | cannot                            |
| reconstructs | VAE, VQ-VAE, VQGAN                      | encoded and decoded; a VAE also   |
|              |                                         | generates, from its own prior     |
| vocodes      | models told mel frames                  | made of the sounds' mel frames    |
| denoises     | DAE                                     | without the noise                 |
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.codecs.shaping import matched, shaped
from engine.conditioning.frames import FrameSettings, mel_frames, place, sketch_of
from engine.errors import BadRange
from engine.frameworks.codec_framework import CodecFramework
from engine.frameworks.dae import Dae
from engine.frameworks.sampling import Order, Sampling
from engine.frameworks.vae import Vae
from engine.laboratory.between import between_sounds, noise_between
from engine.laboratory.noise import row_noise
from engine.laboratory.opened import Opened, open_run
from engine.networks.interface import Conditions

__all__ = ["Made", "Model", "open_model", "usual_sketch"]

Sound = NDArray[np.float32]
_TOGETHER = 8  # sounds that are generated in one call
_ONE = {"one_step": 1}


class Made(NamedTuple):
    """audio: sounds (T,) float32. nfe: network evaluations of each. milliseconds: their median."""

    audio: list[Sound]
    nfe: int
    milliseconds: float


class Model:
    """A trained model.

    kind: generates | reconstructs | vocodes | denoises. parameters: of all networks that run, a
    codec's decoder among them. samplers: name -> usual steps, the first is the default.
    conditional: it is told the category. categories, descriptors: names, by index. condition: what
    it is told along time. length: samples of a generated sound. usual_guidance: the scale that the
    recipe asks its sounds to be made with.
    """

    kind = ""

    def __init__(self, opened: Opened, samplers: Mapping[str, int]) -> None:
        self.opened = opened
        self.name = opened.recipe.name
        self.sample_rate = opened.info.sample_rate
        decoder = opened.codec[0].decoder.parameters() if opened.codec else ()
        self.parameters = sum(p.numel() for p in (*opened.network.parameters(), *decoder))
        self.samplers = dict(samplers)
        self.conditional = False
        self.categories, self.descriptors = opened.info.categories, opened.info.descriptors
        self.condition: FrameSettings = opened.recipe.data.settings.condition
        self.length = opened.usual_length * opened.hop_frames
        self.usual_guidance = opened.recipe.lab.guidance

    def generate(
        self,
        categories: NDArray[np.int64],
        *,
        seed: int,
        sampler: str = "",
        steps: int = 0,
        guidance: float = 1.0,
        descriptors: NDArray[np.float32] | None = None,
        frames: NDArray[np.float32] | None = None,
    ) -> Made:
        """Make a sound for each of ``categories`` (N,), -1 = any; sound k follows from (seed, k).

        descriptors: (N, K) in 0..1, NaN = any. frames: (N, M, L) along time, which decide the
        length too. Raises BadRange for what the model cannot be asked.
        """
        raise BadRange(f"{self.name} {self.kind}; expected a model that generates, or render()")

    def render(self, sounds: list[Sound], *, seed: int, sampler: str = "", steps: int = 0) -> Made:
        """Reconstruct, vocode or denoise sounds (T,) at ``sample_rate``; lengths stay.

        Raises BadRange when the model only generates, or for an unknown sampler.
        """
        raise BadRange(f"{self.name} {self.kind}; expected a model that renders, or generate()")

    def _one_step(self, sampler: str, steps: int) -> None:
        if sampler not in ("", *_ONE) or steps not in (0, 1):
            raise BadRange(
                f"{self.name} has sampler one_step in 1 step, not {sampler!r} in {steps}"
            )

    def _each(self, sounds: list[Sound], render: Callable[[int, Tensor], Tensor]) -> list[Sound]:
        """render(k, sound (T,)) of each, cut to its length; times go to ``self._times``."""
        made = []
        self._times: list[float] = []
        for number, sound in enumerate(sounds):
            if sound.ndim != 1 or not sound.size:
                raise BadRange(f"sound {number} has shape {sound.shape}; expected (T,), T >= 1")
            begun = time.perf_counter()
            x = torch.from_numpy(np.ascontiguousarray(sound, np.float32)).to(self.opened.device)
            audio = render(number, x)[: sound.size].float().cpu().numpy()
            self._times.append((time.perf_counter() - begun) * 1000.0)
            made.append(audio)
        return made

    def _median_ms(self) -> float:
        return float(np.median(self._times)) if self._times else 0.0


class _Sampled(Model):
    """Generates by its framework's sampling."""

    kind = "generates"

    def __init__(self, opened: Opened) -> None:
        self.sampling: Sampling = opened.framework.sampling()
        super().__init__(opened, self.sampling.samplers)
        self.conditional = bool(opened.info.categories)
        if self.sampling.restarts:
            self.restart = self._restart

    def generate(
        self,
        categories: NDArray[np.int64],
        *,
        seed: int,
        sampler: str = "",
        steps: int = 0,
        guidance: float = 1.0,
        descriptors: NDArray[np.float32] | None = None,
        frames: NDArray[np.float32] | None = None,
    ) -> Made:
        count = len(categories)
        told = self._conditions(categories, guidance, descriptors, frames)
        drawn = told.frames if self.condition.kind == "sketch" else None
        length = self.opened.usual_length if drawn is None else drawn.shape[2]
        made: list[Sound] = []
        nfe, times = 0, []
        for first in range(0, count, _TOGETHER):
            part = _rows(told, slice(first, first + _TOGETHER))
            order = Order(part, length, row_noise(seed, first, self.opened.device))
            some = self._draw(order, sampler, steps)
            made.extend(some.audio)
            times.append(some.milliseconds)
            nfe = some.nfe
        return Made(made, nfe, float(np.median(times)) if times else 0.0)

    def _restart(
        self, sound: Sound, start: float, *, category: int, seed: int, steps: int = 0
    ) -> Made:
        """One sound: (T,) noised to flow time start (0 none, 1 all), then sampled from there."""
        x = self.opened.x(torch.from_numpy(sound)[None].to(self.opened.device))
        frames = None
        if self.condition.kind == "sketch":
            seconds = self.opened.hop_frames / self.sample_rate
            frames = sketch_of(sound, self.sample_rate, frame_seconds=seconds)[None]
        told = self._conditions(np.array([category]), 1.0, None, frames)
        noise = row_noise(seed, 0, self.opened.device)
        order = Order(told, x.shape[2], noise, sound=x, start=start)
        sampler = next((name for name in ("ddim", "heun") if name in self.samplers), "")
        made = self._draw(order, sampler, steps)
        return made._replace(audio=[made.audio[0][: sound.size]])

    def _draw(self, order: Order, sampler: str, steps: int) -> Made:
        begun = time.perf_counter()
        drawn = self.sampling.draw(self.opened.network, order, sampler, steps)
        audio = self.opened.audio(drawn.x).float().cpu().numpy()
        each = (time.perf_counter() - begun) * 1000.0 / len(audio)
        return Made([np.ascontiguousarray(sound) for sound in audio], drawn.nfe, each)

    def _usual_frames(self) -> Sound:
        """(M, L) for a sound that none are given for."""
        length, hop = self.opened.usual_length, self.condition.hop
        if self.condition.kind == "place":
            return place(-(-length // hop), self.sample_rate, hop)
        return usual_sketch(length)

    def _conditions(
        self,
        categories: NDArray[np.int64],
        guidance: float,
        descriptors: NDArray[np.float32] | None,
        frames: NDArray[np.float32] | None,
    ) -> Conditions:
        count, info = len(categories), self.opened.info
        asked = np.asarray(categories, np.int64)
        if asked.ndim != 1 or asked.min(initial=0) < -1:
            raise BadRange(f"categories are {categories!r}; expected (N,) indices, -1 = any")
        if not info.categories:
            asked = np.full(count, -1)
        elif asked.max(initial=0) >= len(info.categories):
            raise BadRange(
                f"category {asked.max()} is unknown; expected less than {len(info.categories)}"
            )
        if descriptors is None or not info.descriptors:
            descriptors = np.full((count, len(info.descriptors)), np.nan)
        wanted = {"descriptors": (descriptors, len(info.descriptors))}
        if info.frame_channels:
            if frames is None:
                frames = np.repeat(self._usual_frames()[None], count, axis=0)
            wanted["frames"] = (frames, info.frame_channels)
        for name, (values, channels) in wanted.items():
            if values.shape[:2] != (count, channels):
                raise BadRange(
                    f"{name} have shape {values.shape}; expected ({count}, {channels}) first"
                )
        device = self.opened.device
        return Conditions(
            torch.from_numpy(asked).to(device),
            torch.from_numpy(np.asarray(descriptors, np.float32)).to(device),
            torch.full((count,), guidance, device=device),
            torch.from_numpy(np.asarray(frames, np.float32)).to(device)
            if "frames" in wanted
            else None,
        )


class _Latent(_Sampled):
    """Generates latents; it can also go from one sound to another."""

    def between_seeds(
        self, first: int, second: int, points: int, *, category: int, steps: int = 0
    ) -> Made:
        """``points`` sounds, the noise going from one seed's to the other's on a great circle."""
        told = self._conditions(np.full(points, category), 1.0, None, None)
        noise = noise_between(first, second, points, self.opened.device)
        return self._draw(Order(told, self.opened.usual_length, noise), "", steps)

    def between_sounds(self, first: Sound, second: Sound, points: int) -> Made:
        """``points`` sounds, the latent going from one sound's to the other's on a line."""
        assert self.opened.codec is not None
        begun = time.perf_counter()
        made = between_sounds(*self.opened.codec, self.opened.device, first, second, points)
        return Made(made, 0, (time.perf_counter() - begun) * 1000.0 / points)


def _rows(told: Conditions, rows: slice) -> Conditions:
    frames = None if told.frames is None else told.frames[rows]
    return Conditions(told.category[rows], told.descriptors[rows], told.guidance[rows], frames)


class _Vocoder(Model):
    """Makes sounds of their own mel frames."""

    kind = "vocodes"

    def __init__(self, opened: Opened) -> None:
        self.sampling: Sampling = opened.framework.sampling()
        super().__init__(opened, self.sampling.samplers)

    def render(self, sounds: list[Sound], *, seed: int, sampler: str = "", steps: int = 0) -> Made:
        hop, rate = self.condition.hop, self.sample_rate
        nothing = torch.full((1,), -1, device=self.opened.device)
        nfe = 0

        def vocode(number: int, sound: Tensor) -> Tensor:
            nonlocal nfe
            frames = mel_frames(sound.cpu().numpy(), rate, self.condition)
            told = Conditions(
                nothing, torch.full((1, len(self.descriptors)), torch.nan, device=nothing.device),
                torch.ones(1, device=nothing.device),
                torch.from_numpy(frames)[None].to(nothing.device),
            )  # fmt: skip
            noise = row_noise(seed, number, self.opened.device)
            order = Order(told, hop * frames.shape[1], noise)
            drawn = self.sampling.draw(self.opened.network, order, sampler, steps)
            nfe = drawn.nfe
            made: Sound = self.opened.audio(drawn.x)[0].cpu().numpy()
            if self.condition.shaped:
                made = shaped(made, frames, rate, hop)
            return torch.from_numpy(matched(made, frames, rate, hop, self.condition.matched))

        return Made(self._each(sounds, vocode), nfe, self._median_ms())


class _Denoiser(Model):
    """Takes the noise out of sounds, in one call."""

    kind = "denoises"

    def __init__(self, opened: Opened, framework: Dae) -> None:
        super().__init__(opened, _ONE)
        self.framework = framework

    def render(self, sounds: list[Sound], *, seed: int, sampler: str = "", steps: int = 0) -> Made:
        self._one_step(sampler, steps)
        gain = float(self.opened.recipe.data.settings.gain)

        def denoise(_number: int, sound: Tensor) -> Tensor:
            return self.framework.denoised(sound[None, None] * gain)[0, 0] / gain

        return Made(self._each(sounds, denoise), 1, self._median_ms())


class _Reconstructor(Model):
    """Encodes and decodes; a VAE also decodes its prior's latents."""

    kind = "reconstructs"

    def __init__(self, opened: Opened, framework: CodecFramework) -> None:
        super().__init__(opened, _ONE)
        self.framework = framework

    def render(self, sounds: list[Sound], *, seed: int, sampler: str = "", steps: int = 0) -> Made:
        self._one_step(sampler, steps)
        codec, network = self.framework.codec, self.framework.network

        def reconstruct(_number: int, sound: Tensor) -> Tensor:
            return codec.decode(network, codec.encode(network, sound[None, None]))[0, 0]

        return Made(self._each(sounds, reconstruct), 1, self._median_ms())

    def untrained(self) -> Model:
        """With the weights that training began with, before its first look at sounds."""
        opened = self.opened.untrained()
        assert isinstance(opened.framework, CodecFramework)
        fresh = _Reconstructor(opened, opened.framework)
        fresh.name = f"floor: {self.name}, untrained"
        return fresh


class _Vae(_Reconstructor):
    """Also generates, from its own prior."""

    def __init__(self, opened: Opened, framework: CodecFramework) -> None:
        super().__init__(opened, framework)
        self.prior = _Latent(opened)
        self.generate = self.prior.generate  # type: ignore[method-assign]
        self.between_seeds = self.prior.between_seeds

    def between_sounds(self, first: Sound, second: Sound, points: int) -> Made:
        """``points`` sounds, the latent going from one sound's to the other's on a line."""
        made = between_sounds(
            self.framework.network, self.framework.codec, self.opened.device, first, second, points
        )
        return Made(made, 1, 0.0)


def open_model(folder: Path, *, device: str = "cpu", codec: Path | None = None) -> Model:
    """Open a run's folder as a model.

    device: where it runs. codec: model file to use instead of the run's own copy. Raises
    RecipeError when the folder holds no run, or a part of it is missing or damaged.
    """
    opened = open_run(folder, device, codec)
    framework = opened.framework
    if isinstance(framework, Dae):
        return _Denoiser(opened, framework)
    if isinstance(framework, Vae):
        return _Vae(opened, framework)
    if isinstance(framework, CodecFramework):
        return _Reconstructor(opened, framework)
    if opened.recipe.data.settings.condition.kind == "mel":
        return _Vocoder(opened)
    latent = opened.codec is not None and not opened.info.codebook_size
    return _Latent(opened) if latent else _Sampled(opened)


def usual_sketch(frames: int) -> Sound:
    """A plain hit, for models of sketches that are given none: (2, frames)."""
    loudness = np.linspace(0.85, 0.0, frames)
    brightness = np.where(loudness > 0.0, np.linspace(0.65, 0.5, frames), 0.0)
    return np.stack((loudness, brightness)).astype(np.float32)
