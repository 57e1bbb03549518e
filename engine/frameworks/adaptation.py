"""Adapt a few-step voice to few sounds: noise is matched to sounds, the rest held where it was.

A consistency model answers at t = 1 with a whole sound. Trained on random pairs of sound and noise,
few steps of training leave it at the mean of all sounds. Here each sound is paired with the noise
whose present answer is nearest to it, so that the answers part instead of meeting; at gap = 1 the
target is the sound itself.

| paper                                                        | here                          |
|--------------------------------------------------------------|-------------------------------|
| optimal pairs of x_0 and eps in a batch, Pooladian 2023      | matched: on the model's answer|
| nearest answer is pulled to each sound, IMLE, Li & Malik 2018| one to one, so no noise is left|
| learning without forgetting, Li & Hoiem 2016                 | held: the base's own answers  |

What the network must not forget (other categories) is held by the answers of the network that the
run began with, on sounds that it makes itself: no data of its training are needed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.denoisers import denoised_from_velocity
from engine.frameworks import Batch, Parts
from engine.frameworks.consistency import ConsistencyModel, Curriculum
from engine.frameworks.losses import (
    conditions_with_guidance,
    logit_normal_times,
    normal_like,
    spread,
    uniform,
)
from engine.networks.interface import SEQUENCE, Conditions
from engine.registry import Spec

_ABSENT = -1.0  # in a saved row, which holds finite numbers only
_ROWS = 32  # sounds a call of the network, where no gradient is needed


@dataclass(frozen=True)
class Settings(Curriculum):
    """Settings of an adaptation: the curriculum, the pool of pairs and what is held."""

    time_mean: float = 0.4
    time_std: float = 1.4
    last_gap: float = 0.4
    gap_from: float = 0.6  # share of the run before which the target is the sound itself
    gap_until: float = 1.0
    whole_noise: float = 0.3
    guidance_low: float = 1.0  # scales that the network hears of: the answer is the same for all
    guidance_high: float = 4.0
    pool: int = 192  # pairs of sound and noise
    pool_frames: int = 43  # latent frames of the pool's sounds
    renew_every: int = 40  # steps after which the pool is drawn and matched anew
    loose_every: int = 4  # each so many steps, a batch of any length with noise as it comes
    held_pool: int = 256  # answers of the base that are kept
    held_rows: int = 4  # of them in a step
    held_weight: float = 1.0
    held_categories: tuple[int, ...] = ()  # which categories are held


class Adaptation(ConsistencyModel):
    """Tunes the network that the run starts from. See the module."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__(settings, parts)
        self.settings = settings
        self._loose = False
        self.base: nn.Module = copy.deepcopy(parts.network)
        self.base.requires_grad_(False)
        rows, kinds = settings.pool, len(parts.data.descriptors)
        self.frames = min(settings.pool_frames, parts.data.frames)
        shape = (rows, self.channels, self.frames)
        self.paired = _Rows(rows, shape, kinds)
        self.register_buffer("paired_noise", torch.zeros(shape))
        self.paired_noise: Tensor
        held = settings.held_pool if settings.held_categories else 0
        shape = (held, self.channels, self.frames)
        self.held = _Rows(held, shape, kinds)
        self.register_buffer("held_answer", torch.zeros(shape))
        self.held_answer: Tensor

    def before_step(
        self, step: int, draw: Callable[[int], Batch], generator: torch.Generator
    ) -> None:
        """Fill what is held once, and match sounds with noise anew from time to time."""
        self._loose = step % self.settings.loose_every == 0
        if len(self.held.t) and not bool(self.held.t.any()):
            self._hold(generator)
        if step % self.settings.renew_every == 0 or not bool(self.paired.t.any()):
            batch = draw(self.settings.pool)
            if batch.x.shape[2] >= self.frames:  # else: a step with shorter sounds, wait
                self._match(batch, generator)

    def asked(self, batch: Batch, generator: torch.Generator) -> Conditions:
        """Some conditions, and a guidance scale that changes nothing in the target."""
        settings = self.settings
        low, high = settings.guidance_low, settings.guidance_high
        return conditions_with_guidance(batch, settings.dropout, (low, high), generator)

    def earlier(
        self, x_t: Tensor, t: Tensor, s: Tensor, velocity: Tensor, conditions: Conditions
    ) -> Tensor:
        """The same pair of sound and noise at s."""
        return x_t + spread(s - t) * velocity

    def gap(self, step: int) -> float:
        """1 until gap_from of the run, then down to last_gap by equal factors."""
        s = self.settings
        done = (step / max(1, self.steps) - s.gap_from) / max(1e-6, s.gap_until - s.gap_from)
        return math.pow(s.last_gap, min(1.0, max(0.0, done)))

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Distance of the answer from the sound (later: from the answer at s), and what is held."""
        settings = self.settings
        matched = bool(self.paired.t.any()) and not self._loose
        if matched:
            rows = _drawn(len(batch.x), settings.pool, generator, batch.x)
            batch = self.paired.batch(rows)
        conditions = self.asked(batch, generator)
        eps = normal_like(batch.x, generator)
        if matched:  # told descriptors say which sound it is, whatever the noise
            untold = conditions.descriptors.isnan().all(dim=1)
            eps = torch.where(untold[:, None, None], self.paired_noise[rows], eps)
        t = self.times(batch, generator)
        velocity = eps - batch.x
        x_t = batch.x + spread(t) * velocity
        gap, target = self.gap(step), batch.x
        if gap < 1.0:
            with torch.no_grad():
                s = t * (1.0 - gap)
                target = self._jump(self.earlier(x_t, t, s, velocity, conditions), s, conditions)
        result = self.distances((self._jump(x_t, t, conditions) - target) / spread(t), batch)
        if len(self.held.t) and bool(self.held.t.any()):
            rows = _drawn(settings.held_rows, len(self.held.t), generator, batch.x)
            kept = self.held.conditions(rows)
            answer = self.network(self.held.x[rows], self.held.t[rows], kept).float()
            squares = (answer - self.held_answer[rows]).square().mean((1, 2))
            held = self.softened(squares).mean()
            share = settings.held_weight * settings.held_rows / len(batch.x)
            result |= {"total": result["total"] + share * held, "held": held}
        return result

    @torch.no_grad()
    def _match(self, batch: Batch, generator: torch.Generator) -> None:
        """Pair each sound with one noise, so that the present answers are nearest to the sounds.

        The answers are those to the sounds' categories in equal shares, nothing else being told.
        """
        from scipy.optimize import linear_sum_assignment

        x = batch.x[:, :, : self.frames]
        eps = normal_like(x, generator)
        plain = Conditions(
            batch.category,
            torch.full_like(batch.descriptors, math.nan),
            torch.full((len(x),), self._usual_guidance, device=x.device),
        )
        made = self._answers(self.network, eps, torch.ones(len(x), device=x.device), plain)
        made = eps - made
        cost = torch.cdist(made.flatten(1), x.flatten(1)).square()
        # noise may only go to a sound of the category whose answer it gave
        cost += 1e9 * (batch.category[:, None] != batch.category[None, :])
        order = torch.from_numpy(linear_sum_assignment(cost.T.cpu().numpy())[1]).to(x.device)
        self.paired.set(x, torch.ones_like(plain.guidance), batch, plain.guidance)
        self.paired_noise.copy_(eps[order])

    @torch.no_grad()
    def _hold(self, generator: torch.Generator) -> None:
        """Sounds that the base makes of the held categories, noised, with its answers to them."""
        s, pool = self.settings, self.held
        rows, kinds = pool.descriptors.shape
        which = torch.tensor(s.held_categories)
        category = which.to(pool.x.device)[_drawn(rows, len(which), generator, pool.x)]
        descriptors = uniform((rows, kinds), pool.x, generator)
        absent = uniform((rows, kinds), pool.x, generator) < 0.6
        low, high = s.guidance_low, s.guidance_high
        guidance = low + (high - low) * uniform((rows,), pool.x, generator)
        told = Conditions(category, descriptors.masked_fill(absent, math.nan), guidance)
        eps, again = normal_like(pool.x, generator), normal_like(pool.x, generator)
        whole = torch.ones(rows, device=pool.x.device)
        sound = denoised_from_velocity(eps, 1.0, self._answers(self.base, eps, whole, told))
        t = logit_normal_times(pool.x, 0.8, 1.6, generator).clamp(min=1e-3)
        t = torch.where(uniform((rows,), pool.x, generator) < s.whole_noise, whole, t)
        x_t = sound + spread(t) * (again - sound)
        lengths = torch.full_like(category, self.frames)
        batch = Batch(sound, lengths, told.category, told.descriptors)
        pool.set(x_t, t, batch, told.guidance)
        self.held_answer.copy_(self._answers(self.base, x_t, t, told))

    @staticmethod
    def _answers(network: nn.Module, x: Tensor, t: Tensor, told: Conditions) -> Tensor:
        """The network's answers in calls of _ROWS sounds."""
        parts = []
        for begin in range(0, len(x), _ROWS):
            rows = slice(begin, begin + _ROWS)
            some = Conditions(*(part[rows] for part in told[:3] if part is not None))
            parts.append(network(x[rows], t[rows], some).float())
        return torch.cat(parts)

    @property
    def _usual_guidance(self) -> float:
        return 0.5 * (self.settings.guidance_low + self.settings.guidance_high)


class _Rows(nn.Module):
    """Sounds, times and conditions that are saved with the run, so that it resumes to the bit."""

    x: Tensor
    t: Tensor
    lengths: Tensor
    category: Tensor
    descriptors: Tensor
    guidance: Tensor

    def __init__(self, rows: int, shape: tuple[int, ...], kinds: int) -> None:
        super().__init__()
        self.register_buffer("x", torch.zeros(shape))
        self.register_buffer("t", torch.zeros(rows))  # 0 throughout: nothing is in here yet
        self.register_buffer("lengths", torch.zeros(rows, dtype=torch.int64))
        self.register_buffer("category", torch.zeros(rows, dtype=torch.int64))
        self.register_buffer("descriptors", torch.zeros(rows, kinds))
        self.register_buffer("guidance", torch.ones(rows))

    def batch(self, rows: Tensor) -> Batch:
        """Some rows as a training batch."""
        return Batch(self.x[rows], self.lengths[rows], self.category[rows], self._told(rows))

    def set(self, x: Tensor, t: Tensor, batch: Batch, guidance: Tensor) -> None:
        """Fill all rows."""
        self.x.copy_(x)
        self.t.copy_(t)
        self.lengths.copy_(batch.lengths.clamp(max=self.x.shape[2]))
        self.category.copy_(batch.category)
        self.descriptors.copy_(batch.descriptors.nan_to_num(nan=_ABSENT))
        self.guidance.copy_(guidance)

    def conditions(self, rows: Tensor) -> Conditions:
        """What was told of some rows."""
        return Conditions(self.category[rows], self._told(rows), self.guidance[rows])

    def _told(self, rows: Tensor) -> Tensor:
        """Descriptors, NaN where absent."""
        stored = self.descriptors[rows]
        return stored.masked_fill(stored == _ABSENT, math.nan)


def _drawn(count: int, of: int, generator: torch.Generator, x: Tensor) -> Tensor:
    """``count`` row numbers below ``of``, on x's device."""
    device = generator.device
    return torch.randint(of, (count,), generator=generator, device=device).to(x.device)


def build(settings: Settings, parts: Parts) -> Adaptation:
    """Build the framework; parts.network should hold a consistency model's weights."""
    return Adaptation(settings, parts)


SPEC = Spec(
    "adaptation",
    Settings,
    build,
    frozenset({SEQUENCE}),
    noise_range=lambda _settings: (0.0, 1.0),
    paper="Li & Malik 2018 (arXiv 1809.09087), Pooladian et al. 2023 (arXiv 2304.14772)",
)
