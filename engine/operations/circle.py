"""Loops: latents on a circle, decoded on a circle, so that there is no seam to hide.

The decoder sees the loop's end before its beginning and its beginning after its end, and its
overlapping blocks wrap round; rates and lengths are changed on the circle as well. The end of a
sound that goes on, rather than beginning with a hit, is made anew, told what comes before and
after, so that it leads into the beginning.
"""

from __future__ import annotations

import numpy as np

from engine.errors import VoiceError
from engine.operations.bench import LEAST_STRENGTH, Bench, Draw, Made
from engine.operations.finish import GRID, MOST_GAIN, PEAK, USUAL_PEAK
from engine.operations.lengths import clip_samples, latent_frames, rate_of
from engine.operations.plain import source_at_rate, source_latent
from engine.operations.waves import CROSSFADE_S, fitted, played, spliced, spread
from engine.operations.windows import ending, extended, runs_to_extend
from engine.types import FloatArray

__all__ = ["finish_loop", "new_loop", "on_the_circle", "resampled_circle", "vary_loop"]

_SURROUNDINGS = 24  # latent frames: more than the decoder sees to either side
_SEAM = 12  # latent frames before the end that are made anew
_SEAM_STRENGTH = 0.7
_GOES_ON_DB = -12.0  # of the end against the beginning
_SILENT = 1e-8  # power
_HIGHPASS_HZ = 8.0


def new_loop(bench: Bench) -> Made:
    """A loop from noise, of any length that the voice makes."""
    voice, request = bench.voice, bench.request
    codec, rate = voice.codec, rate_of(request, voice)
    samples = clip_samples(request, voice, max(1, round(voice.default_seconds * rate)))
    frames = latent_frames(samples, rate, voice)
    first = min(max(frames, codec.shortest_frames), codec.longest_frames)
    known = first if frames <= first else first - ending(first)
    bench.expect(2 + runs_to_extend(bench, known, frames))
    begun = bench.sample(Draw(first))[..., :known]
    latent = extended(bench, begun, frames, stream=2)[..., :frames]
    turned = _decoded(bench, _led_back(bench, latent), samples, rate)
    return Made(finish_loop(turned[np.newaxis], rate, level=not bench.says("loudness")), rate)


def vary_loop(bench: Bench) -> Made:
    """The source as a loop. At strength 0 it stays to the bit, except for its end and a fade."""
    voice, request = bench.voice, bench.request
    source, rate = source_at_rate(bench)
    samples = clip_samples(request, voice, source.shape[1])
    frames = latent_frames(samples, rate, voice)
    latent = source_latent(bench, frames)
    keeps = request.strength < LEAST_STRENGTH
    bench.expect(1 if keeps else 2)
    if not keeps:
        whole = max(frames, voice.codec.shortest_frames)
        clean = latent if whole == frames else source_latent(bench, whole)
        latent = bench.sample(Draw(whole, clean=clean, start=request.strength))[..., :frames]
    turned = _decoded(bench, _led_back(bench, latent), samples, rate)
    sound = spread(turned, played(source))
    if not keeps:
        return Made(finish_loop(sound, rate), rate)
    kept = played(fitted(source, samples))
    hop = voice.codec.hop_frames * rate // voice.sample_rate
    fade = min(round(CROSSFADE_S * rate), samples // 8)
    seam = max(samples - _seam_frames(frames) * hop, samples // 2)
    kept[:, :fade] = _faded(sound[:, :fade], kept[:, :fade])
    return Made(spliced(kept, sound, seam, samples, fade), rate)


def on_the_circle(bench: Bench, latent: FloatArray) -> FloatArray:
    """Latents (1, D, L) -> one turn (L * hop,) whose end leads into its beginning."""
    frames, hop = latent.shape[2], bench.voice.codec.hop_frames
    around = np.arange(-_SURROUNDINGS, frames + _SURROUNDINGS) % frames
    sound = bench.decode(np.ascontiguousarray(latent[..., around]))
    return sound[_SURROUNDINGS * hop : (_SURROUNDINGS + frames) * hop]


def shortened_circle(turn: FloatArray, samples: int) -> FloatArray:
    """One turn (T,) -> a shorter one (samples,): its end fades into what came before the start."""
    surplus = turn.size - samples
    if surplus <= 0:
        return turn
    fade = min(1024, samples // 4)
    weight = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / max(fade, 1))
    out = turn[:samples].copy()
    out[samples - fade :] *= 1.0 - weight.astype(np.float32)
    out[samples - fade :] += turn[turn.size - fade :] * weight.astype(np.float32)
    return out


def resampled_circle(turn: FloatArray, samples: int) -> FloatArray:
    """One turn (T,) with another number of samples: its spectrum, cut or continued by zeros."""
    if turn.size == samples:
        return turn
    spectrum = np.fft.rfft(turn.astype(np.float64))
    kept = np.zeros(samples // 2 + 1, dtype=np.complex128)
    count = min(kept.size, spectrum.size)
    kept[:count] = spectrum[:count]
    return np.asarray(np.fft.irfft(kept, samples) * (samples / turn.size), dtype=np.float32)


def finish_loop(
    audio: FloatArray, sample_rate: int, *, level: bool = False, highpass: bool = True
) -> FloatArray:
    """(C, T) -> the same on the 24-bit grid: no DC, no clipping, and no fades.

    level, highpass: as in `finish`. Raises VoiceError when a sample is not finite.
    """
    if not np.isfinite(audio).all():
        raise VoiceError("the voice made samples that are not finite; install the voice again")
    sound = audio.astype(np.float64)
    if highpass:
        square = np.fft.rfftfreq(audio.shape[1], 1.0 / sample_rate) ** 2
        kept = np.fft.rfft(sound, axis=1) * (square / (square + _HIGHPASS_HZ**2))
        sound = np.fft.irfft(kept, audio.shape[1], axis=1)
    peak = float(np.abs(sound).max(initial=0.0))
    if level and peak > 0.0:
        sound *= min(USUAL_PEAK / peak, MOST_GAIN)
    elif peak > PEAK:
        sound *= PEAK / peak
    return np.asarray(np.rint(sound * GRID) / GRID, dtype=np.float32)


def _decoded(bench: Bench, latent: FloatArray, samples: int, rate: int) -> FloatArray:
    """One turn (samples,) at `rate`."""
    own = max(1, round(samples * bench.voice.sample_rate / rate))
    return resampled_circle(shortened_circle(on_the_circle(bench, latent), own), samples)


def _led_back(bench: Bench, latent: FloatArray) -> FloatArray:
    """The latents, with the end of a sound that goes on made anew to lead to the beginning."""
    frames = latent.shape[2]
    seam = _seam_frames(frames)
    if seam < 2 or not _goes_on(bench, latent, seam):
        return latent
    half = frames // 2
    turned = np.roll(latent, half, axis=2)  # the seam lies at frame `half`, the end before it
    keep = np.ones((1, 1, frames), dtype=np.float32)
    keep[..., half - seam : half] = 0.0
    window = min(frames, bench.voice.codec.longest_frames)
    low = max(0, half - window // 2)
    part = slice(low, low + window)
    made = bench.sample(
        Draw(
            window, clean=np.ascontiguousarray(turned[..., part]), start=_SEAM_STRENGTH,
            keep=np.ascontiguousarray(keep[..., part]), stream=1,
        )
    )  # fmt: skip
    turned[..., part] = made
    return np.roll(turned, -half, axis=2)


def _seam_frames(frames: int) -> int:
    return min(_SEAM, frames // 4)


def _goes_on(bench: Bench, latent: FloatArray, seam: int) -> bool:
    """Whether the end is about as loud as the beginning: a sound that goes on, not a hit."""
    hop = bench.voice.codec.hop_frames
    power = (on_the_circle(bench, latent).reshape(-1, hop) ** 2).mean(axis=1)
    begins, ends = power[:seam].max(), power[-seam:].mean()
    return bool(ends > begins * 10 ** (_GOES_ON_DB / 10) and ends > _SILENT)


def _faded(out: FloatArray, into: FloatArray) -> FloatArray:
    """(C, T) from one to the other, on the grid."""
    length = out.shape[1]
    weight = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(length, 1))
    mixed = out * (1.0 - weight) + into * weight
    return np.asarray(np.rint(mixed * GRID) / GRID, dtype=np.float32)
