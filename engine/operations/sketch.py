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
    peak_curve,
    power_curve,
    rises,
)
from engine.operations.finish import USUAL_PEAK, finish, without_dc
from engine.operations.lengths import clip_samples, latent_frames, rate_of
from engine.operations.onsets import SAMPLE_RATE, onsets
from engine.operations.waves import as_mono, at_rate, fitted
from engine.types import FloatArray, Sketch

__all__ = ["Curves", "follow_sketch", "measured"]

Curve = npt.NDArray[np.float64]

_QUIETEST_DB, _OCTAVES = -60.0, 10.0  # the ends of drawn curves
_CREST = 2.0  # peaks of a drawn loudness
_FROZEN = 16_384  # samples of a bed, which is circular
_LAST = 4_096  # samples of a hit before it has died away
_DYING = 10 ** (-30 / 20)
_BED_BLOCKS = 81  # over which a bed comes in
_AUDIBLE = 10 ** (-50 / 20)
_BED_HEARD = 10 ** (-26 / 20)  # of the loudest; below it no bed is laid
_ROUGHLY = 6  # descriptors of hits are told in sixths, so that alike hits are one sound
_CUT_S = 0.005
_FLOOR = 1e-6  # of loudness
_RUMBLE_HZ = 30.0  # below this, a recording's loudness is not heard
_LOUDEST_NOISE = 10 ** (-26 / 20)
_OPENS, _CLOSES = 10 ** (18 / 20), 10 ** (8 / 20)  # against the noise
_CLOSING_S = 0.040
_LATE_FRAMES = 4  # latent frames that a hit may take to begin


@dataclass(frozen=True)
class Curves:
    """A sketch at the voice's rate.

    peaks and power: each BLOCK. brightness: octaves above 20 Hz each HOP. begins: blocks in which
    something begins.
    """

    peaks: Curve
    power: Curve
    brightness: Curve
    begins: npt.NDArray[np.int64]


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
    wave = mono[np.newaxis].astype(np.float64) * (USUAL_PEAK / peak)
    level = np.asarray(without_dc(wave, sample_rate, below_hz=_RUMBLE_HZ)[0], dtype=np.float32)
    heard = at_rate(level, sample_rate, SAMPLE_RATE).astype(np.float64)
    blocks = [onset.frame * sample_rate // (SAMPLE_RATE * BLOCK) for onset in onsets(heard)]
    peaks = peak_curve(level, sample_rate)
    begins = np.array(blocks, dtype=np.int64)
    weights = _without_noise(peaks, begins, sample_rate)
    return Curves(
        peaks * weights + _FLOOR,
        power_curve(level, sample_rate) * weights + _FLOOR,
        centroids(level, sample_rate),
        begins,
    )


def _without_noise(peaks: Curve, begins: npt.NDArray[np.int64], sample_rate: int) -> Curve:
    """Weights (blocks,) that are 0 where only the noise of a recording is left.

    They open at once where something begins or is far above the noise, and close softly when it
    has fallen into the noise, so that a tail which comes and goes there is no row of beginnings.
    """
    noise = min(float(np.quantile(peaks, 0.2)), float(peaks.max()) * _LOUDEST_NOISE)
    opens = peaks > _OPENS * noise
    opens[begins] = True
    closes = peaks < _CLOSES * noise
    fall = BLOCK / (_CLOSING_S * sample_rate)
    weights = np.zeros(peaks.size)
    is_open, weight = False, 0.0
    for block in range(peaks.size):
        is_open = bool(opens[block]) or (is_open and not closes[block])
        weight = 1.0 if is_open else max(0.0, weight - fall)
        weights[block] = weight
    return weights


def _curves(bench: Bench, operation: Sketch, length: int) -> Curves:
    """The sketch's curves: those of the source, and over these what was drawn."""
    request, rate = bench.request, bench.voice.sample_rate
    blocks, frames = -(-length // BLOCK), -(-length // HOP)
    if request.source is not None:
        mono = at_rate(as_mono(request.source), request.source_rate, rate, length)
        found = measured(mono, rate)
    elif operation.loudness:
        flat = np.ones(blocks)
        found = Curves(flat, flat, np.full(frames, np.nan), np.zeros(0, dtype=np.int64))
    else:
        raise BadRange("the sketch has no loudness; draw one, or give a recording")
    peaks, power, brightness, begins = found.peaks, found.power, found.brightness, found.begins
    if operation.loudness:
        drawn = _drawn(operation.loudness, blocks)
        level = np.where(drawn > 0.0, 10 ** (_QUIETEST_DB * (1.0 - drawn) / 20.0), 0.0)
        power = level / _CREST + _FLOOR
        peaks = level + _FLOOR
        begins = rises(peaks, rate)
    if operation.brightness:
        brightness = _drawn(operation.brightness, frames) * _OCTAVES
    return Curves(peaks, power, brightness, begins)


def _drawn(points: tuple[float, ...], count: int) -> Curve:
    places = np.linspace(0.0, 1.0, len(points)) if len(points) > 1 else np.zeros(1)
    return np.asarray(np.interp(np.linspace(0.0, 1.0, count), places, points))


def _hits(bench: Bench, curves: Curves, length: int) -> FloatArray:
    """A hit at each of the sketch's onsets, until the next."""
    rate = bench.voice.sample_rate
    begins = [int(block) for block in curves.begins]
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
    """The end of a hit's sound without its time (_FROZEN,), at a power of 1.

    It has the spectrum of what sounds before the hit has died away, with phases drawn at random.
    """
    assert bench.request.seed is not None
    key = bench.request.seed + (bench.index << 64)
    rng = np.random.Generator(np.random.Philox(key=key, counter=1 << 255))
    peaks = peak_curve(hit, bench.voice.sample_rate)
    end = (int(np.flatnonzero(peaks > peaks.max() * _DYING)[-1]) + 1) * BLOCK
    last = hit[max(0, end - _LAST) : end].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(last * np.hanning(last.size), _FROZEN))
    turn = np.exp(2j * np.pi * rng.random(spectrum.size))
    sound = np.fft.irfft(spectrum * turn, _FROZEN)
    return np.asarray(sound / (np.sqrt((sound**2).mean()) + 1e-9), dtype=np.float32)


def _with_bed(
    part: FloatArray, bed: FloatArray, curves: Curves, begin: int, sample_rate: int
) -> FloatArray:
    """A hit (T,) brought to the sketch's peak, and gone on by its frozen end.

    The bed takes over as the hit falls below the sketch, so that their sum needs no gain that
    rises, which would be heard as another beginning.
    """
    blocks = -(-part.size // BLOCK)
    peaks, power = (
        np.pad(curve[begin : begin + blocks], (0, max(0, begin + blocks - curve.size)), mode="edge")
        for curve in (curves.peaks, curves.power)
    )
    hit = part * (peaks.max() / max(float(np.abs(part).max(initial=0.0)), 1e-6))
    missing = 1.0 - (power_curve(hit, sample_rate) / power) ** 2
    missing = np.where(peaks > curves.peaks.max() * _BED_HEARD, np.clip(missing, 0.0, 1.0), 0.0)
    window = np.hanning(_BED_BLOCKS)
    padded = np.pad(np.sqrt(missing), _BED_BLOCKS // 2, mode="edge")
    share = np.convolve(padded, window / window.sum(), mode="valid")
    level = along(share * power, part.size)
    return np.asarray(hit + np.resize(bed, part.size) * level, dtype=np.float32)
