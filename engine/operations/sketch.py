"""Follow a sketch: loudness and brightness along time, drawn or taken from a recording.

At every onset of the sketch the voice makes a hit, told how bright and how long it is there; the
hits are put where the onsets are, tilted until they are as bright and then made exactly as loud
as the sketch says. Where a hit ends before the sketch does, its own sound goes on, frozen, so that
there is something to raise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.conditioning.descriptors import normalise
from engine.errors import BadRange
from engine.operations.bench import Bench, Draw, Made
from engine.operations.brightness import HOP, brightened, centroids
from engine.operations.circle import finish_loop, resampled_circle
from engine.operations.curves import (
    BLOCK,
    along,
    followed,
    needed,
    onsets,
    peak_curve,
    power_curve,
)
from engine.operations.finish import USUAL_PEAK, finish, without_dc
from engine.operations.lengths import clip_samples, latent_frames, rate_of
from engine.operations.waves import as_mono, at_rate, fitted
from engine.types import FloatArray, Sketch

__all__ = ["Curves", "follow_sketch", "measured"]

Curve = npt.NDArray[np.float64]

_QUIETEST_DB, _OCTAVES = -60.0, 10.0  # the ends of drawn curves
_CREST = 2.0  # peaks of a drawn loudness
_BED = 0.1  # of the sketch's loudness
_BED_BLOCKS = 41  # over which a bed comes in
_FROZEN = 16_384  # samples of a bed, which is circular
_LACKING = 10 ** (20 / 20)  # a hit needs this much gain or more
_AUDIBLE = 10 ** (-50 / 20)
_ROUGHLY = 6  # descriptors of hits are told in sixths, so that alike hits are one sound
_CUT_S = 0.005
_LATE_FRAMES = 4  # latent frames that a hit may take to begin


@dataclass(frozen=True)
class Curves:
    """A sketch at the voice's rate: peaks and power each BLOCK, octaves of brightness each HOP."""

    peaks: Curve
    power: Curve
    brightness: Curve


def follow_sketch(bench: Bench, operation: Sketch) -> Made:
    """A sound of the request's prompt with the sketch's loudness and brightness."""
    voice, request = bench.voice, bench.request
    rate, own_rate = rate_of(request, voice), voice.sample_rate
    usual = round(voice.default_seconds * rate)
    if request.source is not None:
        usual = round(request.source.shape[1] * rate / request.source_rate)
    samples = clip_samples(request, voice, max(1, usual))
    length = max(1, round(samples * own_rate / rate))
    curves = _curves(bench, operation, length)
    sound = _hits(bench, curves, length)
    sound = followed(sound, curves.peaks, curves.power, own_rate, circular=request.loop)
    level = not bench.says("loudness")
    if request.loop:
        turn = resampled_circle(sound, samples)[np.newaxis]
        return Made(finish_loop(turn, rate, level=level, highpass=False), rate)
    done = at_rate(sound, own_rate, rate, samples)[np.newaxis]
    return Made(finish(done, samples, rate, level=level, highpass=False), rate)


def measured(mono: FloatArray, sample_rate: int) -> Curves:
    """The curves of a recording, brought to the usual peak. BadRange when it is silent."""
    peak = float(np.abs(mono).max(initial=0.0))
    if peak < 1e-4:
        raise BadRange("the sketch is silent; give a recording with sound in it")
    level = mono * np.float32(USUAL_PEAK / peak)
    return Curves(
        peak_curve(level, sample_rate),
        power_curve(level, sample_rate),
        centroids(level, sample_rate),
    )


def _curves(bench: Bench, operation: Sketch, length: int) -> Curves:
    """The sketch's curves: those of the source, and over these what was drawn."""
    request, rate = bench.request, bench.voice.sample_rate
    blocks, frames = -(-length // BLOCK), -(-length // HOP)
    if request.source is not None:
        mono = at_rate(as_mono(request.source), request.source_rate, rate, length)
        found = measured(mono, rate)
    elif operation.loudness:
        flat = np.ones(blocks)
        found = Curves(flat, flat, np.full(frames, np.nan))
    else:
        raise BadRange("the sketch has no loudness; draw one, or give a recording")
    peaks, power, brightness = found.peaks, found.power, found.brightness
    if operation.loudness:
        drawn = _drawn(operation.loudness, blocks)
        level = np.where(drawn > 0.0, 10 ** (_QUIETEST_DB * (1.0 - drawn) / 20.0), 0.0)
        power = level / _CREST + 1e-6
        peaks = level + 1e-6
    if operation.brightness:
        brightness = _drawn(operation.brightness, frames) * _OCTAVES
    return Curves(peaks, power, brightness)


def _drawn(points: tuple[float, ...], count: int) -> Curve:
    places = np.linspace(0.0, 1.0, len(points)) if len(points) > 1 else np.zeros(1)
    return np.asarray(np.interp(np.linspace(0.0, 1.0, count), places, points))


def _hits(bench: Bench, curves: Curves, length: int) -> FloatArray:
    """A hit at each of the sketch's onsets, until the next."""
    rate = bench.voice.sample_rate
    begins = [int(block) for block in onsets(curves.peaks, rate)]
    if not begins or begins[0] * BLOCK > _CUT_S * rate:
        begins.insert(0, 0)
    ends = [*begins[1:], curves.peaks.size]
    told = [_told(bench, curves, *span) for span in zip(begins, ends, strict=True)]
    bench.expect(len(set(told)))
    longest: dict[tuple[tuple[str, float], ...], int] = {}
    for key, begin, end in zip(told, begins, ends, strict=True):
        longest[key] = max(longest.get(key, 0), (end - begin) * BLOCK)
    hits = {key: _hit(bench.told(dict(key)), longest[key]) for key in sorted(longest)}
    beds = {key: _frozen(bench, hit) for key, hit in hits.items()}
    out = np.zeros(length, dtype=np.float32)
    cut = round(_CUT_S * rate)
    fall = np.linspace(1.0, 0.0, cut, dtype=np.float32)
    for key, begin, end in zip(told, begins, ends, strict=True):
        at = begin * BLOCK
        part = fitted(hits[key], min((end - begin) * BLOCK + cut, length - at))
        part = _with_bed(part, beds[key], curves, begin, rate)
        part = brightened(part, curves.brightness[at // HOP :], rate)
        if part.size > cut:
            part[-cut:] *= fall
        out[at : at + part.size] += part
    return out


def _told(bench: Bench, curves: Curves, begin: int, end: int) -> tuple[tuple[str, float], ...]:
    """Brightness and length of the sketch between two blocks, as ranks of the voice."""
    table, rate = bench.voice.conditioning, bench.voice.sample_rate
    peaks = curves.peaks[begin:end]
    low, high = begin * BLOCK // HOP, max(begin * BLOCK // HOP + 1, end * BLOCK // HOP)
    octaves = curves.brightness[low:high]
    known = np.isfinite(octaves)
    weights = along(curves.peaks, curves.peaks.size * BLOCK)[::HOP][low:high][: octaves.size]
    raw = {"length": np.log10(_decay_s(peaks, rate))}
    if known[: weights.size].any():
        raw["brightness"] = float(np.average(octaves[known], weights=weights[known] + 1e-9))
    found = []
    for name, value in sorted(raw.items()):
        if name in table.descriptors:
            row = np.asarray([table.quantiles[table.descriptors.index(name)]])
            rank = float(normalise(np.array([[value]]), row)[0, 0])
            found.append((name, round(rank * _ROUGHLY) / _ROUGHLY))
    return tuple(found)


def _decay_s(peaks: Curve, sample_rate: int) -> float:
    """Seconds until a part stays 40 dB below its loudest."""
    sounding = np.flatnonzero(peaks > peaks.max() * _AUDIBLE)
    return float(max((sounding[-1] + 1) * BLOCK / sample_rate, 0.03))


def _hit(bench: Bench, samples: int) -> FloatArray:
    """A hit of the voice from its onset on, about so long. All hits share their noise."""
    voice = bench.voice
    codec = voice.codec
    frames = latent_frames(samples, voice.sample_rate, voice) + _LATE_FRAMES
    frames = min(max(frames, codec.shortest_frames), codec.longest_frames)
    sound = bench.decode(bench.sample(Draw(frames)))
    peaks = peak_curve(sound, voice.sample_rate)
    begin = int(np.argmax(peaks > 0.25 * peaks.max())) * BLOCK
    clean = without_dc(sound[np.newaxis].astype(np.float64), voice.sample_rate)[0, begin:]
    return np.asarray(clean, dtype=np.float32)


def _frozen(bench: Bench, hit: FloatArray) -> FloatArray:
    """A hit's sound without its time (_FROZEN,): its spectrum with phases drawn at random."""
    assert bench.request.seed is not None
    key = bench.request.seed + (bench.index << 64)
    rng = np.random.Generator(np.random.Philox(key=key, counter=1 << 255))
    spectrum = np.abs(np.fft.rfft(fitted(hit, _FROZEN).astype(np.float64)))
    turn = np.exp(2j * np.pi * rng.random(spectrum.size))
    sound = np.fft.irfft(spectrum * turn, _FROZEN)
    return np.asarray(sound / (np.sqrt((sound**2).mean()) + 1e-9), dtype=np.float32)


def _with_bed(
    part: FloatArray, bed: FloatArray, curves: Curves, begin: int, sample_rate: int
) -> FloatArray:
    """A hit (T,), gone on by its frozen sound where it ends before the sketch does."""
    blocks = -(-part.size // BLOCK)
    peaks = curves.peaks[begin : begin + blocks]
    peaks = np.pad(peaks, (0, blocks - peaks.size), mode="edge")
    lacking = needed(part, peaks, sample_rate) > _LACKING
    lacking &= peaks > curves.peaks.max() * _AUDIBLE
    if not lacking.any():
        return part
    window = np.hanning(_BED_BLOCKS)
    share = np.convolve(lacking.astype(np.float64), window / window.sum())
    share = share[_BED_BLOCKS // 2 :][:blocks]
    level = along(share * peaks * _BED, part.size)
    return np.asarray(part + np.resize(bed, part.size) * level, dtype=np.float32)
