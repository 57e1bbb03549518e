"""Recorded rhythms, synthesised: each with sounds, a tempo, noise and a room of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

Array = npt.NDArray[np.float64]

RATES = (44_100, 48_000, 22_050, 32_000)
BARS = (
    "k.h.s.h.k.k.s.h.", "k...s...k.k.s...", "k.hhs.hhkkh.s.hh", "k..k..s.k.k.s..h",
    "h.h.s.h.h.h.s.h.", "k.s.k.s.k.s.kks.", "k.....k.s.......", "kh.hsh.hkh.hshhh",
    "k..s..k.s...k.s.", "k.h.k.h.s.h.o...",
)  # fmt: skip


@dataclass(frozen=True)
class Rhythm:
    """A recording `(1, T)` with what was played: (seconds, drum) of each hit, and the tempo."""

    audio: npt.NDArray[np.float32]
    sample_rate: int
    hits: list[tuple[float, str]]
    bpm: float


def rhythm(number: int) -> Rhythm:
    """One of any number of rhythms; the same number gives the same one."""
    rng = np.random.default_rng([77, number])
    rate = RATES[number % len(RATES)]
    bpm = float(np.round(rng.uniform(70, 165), 1))
    step_s = 15.0 / bpm
    kit = _kit(rng, rate, mouth=number % 2 == 1)
    steps = BARS[number % len(BARS)] + BARS[(number * 3 + 1) % len(BARS)]
    lead_s = rng.uniform(0.05, 0.6)
    total = int((lead_s + len(steps) * step_s + 0.6) * rate)
    sound = np.zeros(total)
    hits = []
    late_s = rng.uniform(0.0, 0.008)
    for place, mark in enumerate(steps):
        if mark == ".":
            continue
        time_s = lead_s + place * step_s + float(rng.normal(0.0, late_s))
        start = round(time_s * rate)
        hit = kit[mark] * rng.uniform(0.45, 1.0)
        sound[start : start + len(hit)] += hit[: total - start]
        hits.append((start / rate, mark))
    sound = _room(sound, rng, rate)
    sound /= np.abs(sound).max()
    noise = rng.standard_normal(total)
    if number % 3 == 0:  # a hum and the rumble of a room instead of hiss
        noise = np.cumsum(noise - noise.mean())
        noise = noise / noise.std() + np.sin(np.arange(total) * 2 * np.pi * 50 / rate)
    level_db = rng.uniform(-52.0, -34.0)
    sound = 0.7 * sound + 10 ** (level_db / 20) * noise / noise.std()
    return Rhythm(sound[None].astype(np.float32), rate, hits, bpm)


def _kit(rng: np.random.Generator, rate: int, *, mouth: bool) -> dict[str, Array]:
    if mouth:
        sounds = {
            "k": _plosive(rng, rate), "s": _burst(rng, rate, 900, 5_000, rng.uniform(0.06, 0.12)),
            "h": _burst(rng, rate, 6_500, 12_000, rng.uniform(0.03, 0.06)),
            "o": _burst(rng, rate, 6_500, 12_000, rng.uniform(0.3, 0.4)),
        }  # fmt: skip
    else:
        sounds = {
            "k": _swept(rng, rate), "s": _snare(rng, rate),
            "h": _burst(rng, rate, 7_000, 14_000, rng.uniform(0.02, 0.05)),
            "o": _burst(rng, rate, 7_000, 14_000, rng.uniform(0.3, 0.5)),
        }  # fmt: skip
    levels = {"k": 1.0, "s": rng.uniform(0.5, 0.9), "h": rng.uniform(0.2, 0.5), "o": 0.4}
    return {mark: sound / np.abs(sound).max() * levels[mark] for mark, sound in sounds.items()}


def _time(seconds: float, rate: int) -> Array:
    return np.arange(int(seconds * rate)) / rate


def _burst(rng: np.random.Generator, rate: int, low: float, high: float, seconds: float) -> Array:
    """Noise in a band that dies away; 60 dB in about twice `seconds`."""
    t = _time(seconds * 2.2, rate)
    spectrum = np.fft.rfft(rng.standard_normal(len(t) * 2))
    hertz = np.fft.rfftfreq(len(t) * 2, 1 / rate)
    top = min(high, 0.45 * rate)
    spectrum *= 1 / (1 + (low / np.maximum(hertz, 1)) ** 8) / (1 + (hertz / top) ** 6)
    attack = 1 - np.exp(-t / rng.uniform(0.0005, 0.002))
    return np.asarray(np.fft.irfft(spectrum)[: len(t)] * attack * np.exp(-3.4 * t / seconds))


def _plosive(rng: np.random.Generator, rate: int) -> Array:
    """A "b": a low thump of the lips with a puff of air."""
    t = _time(0.18, rate)
    hertz = rng.uniform(70, 110) * (1 + 1.2 * np.exp(-t / 0.012))
    thump = np.sin(2 * np.pi * np.cumsum(hertz) / rate) * np.exp(-t / rng.uniform(0.03, 0.06))
    puff = _burst(rng, rate, 300, 2_500, 0.03)
    thump[: len(puff)] += 0.25 * puff / np.abs(puff).max() * np.ones(len(puff))
    return thump


def _swept(rng: np.random.Generator, rate: int) -> Array:
    t = _time(rng.uniform(0.25, 0.6), rate)
    hertz = rng.uniform(45, 65) * (1 + rng.uniform(2, 6) * np.exp(-t / rng.uniform(0.01, 0.03)))
    body = np.sin(2 * np.pi * np.cumsum(hertz) / rate) * np.exp(-t / rng.uniform(0.06, 0.15))
    return np.asarray(np.tanh(body * rng.uniform(1, 2.5)))


def _snare(rng: np.random.Generator, rate: int) -> Array:
    noise = _burst(rng, rate, 1_200, 9_000, rng.uniform(0.08, 0.18))
    t = np.arange(len(noise)) / rate
    tone = np.sin(2 * np.pi * rng.uniform(160, 230) * t) * np.exp(-t / 0.04)
    return np.asarray(noise / np.abs(noise).max() + rng.uniform(0.3, 0.7) * tone)


def _room(sound: Array, rng: np.random.Generator, rate: int) -> Array:
    """Early reflections and a short tail."""
    length = int(0.25 * rate)
    tail = rng.standard_normal(length) * np.exp(-np.arange(length) / (0.05 * rate))
    tail[: int(0.004 * rate)] = 0.0
    size = 1 << (len(sound) + length).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: len(sound)]
    return np.asarray(sound + rng.uniform(0.0, 0.25) * wet / np.sqrt((tail**2).sum()))


def resampled(audio: npt.NDArray[np.float32], from_hz: int, to_hz: int) -> npt.NDArray[np.float32]:
    """`(C, T)` at another rate."""
    return np.ascontiguousarray(soxr.resample(audio.T, from_hz, to_hz).T)
