"""A picture of generated spectrograms beside real ones, category by category."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.metrics.measure import Real
from engine.training.categories import CATEGORIES

__all__ = ["RANGE_DB", "spectrogram_db", "spread", "top_hz", "write_sheet"]

FloatArray = npt.NDArray[np.float32]

_COLUMNS = 8
_FFT, _HOP, _ROWS = 1024, 128, 96
_SECONDS = 0.8
RANGE_DB = 80.0


def write_sheet(path: Path, made: Mapping[int, FloatArray], real: Real) -> None:
    """Generated sounds on the left, the real ones of the same categories on the right.

    made: number of a held-out sound -> the sound that was made for its category.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    chosen = sorted(made, key=lambda index: (int(real.held_categories[index]), index))
    seconds = min(_SECONDS, real.seconds)
    top_khz = top_hz(real.sample_rate) / 1000.0
    rows = -(-len(chosen) // _COLUMNS)
    figure, axes = pyplot.subplots(
        rows, 2 * _COLUMNS + 1, figsize=(2 * _COLUMNS * 1.15, rows * 1.5),
        gridspec_kw={"width_ratios": [1.0] * _COLUMNS + [0.15] + [1.0] * _COLUMNS},
    )  # fmt: skip
    for place in axes.flat:
        place.axis("off")
    for number, index in enumerate(chosen):
        row, column = divmod(number, _COLUMNS)
        label = CATEGORIES[real.held_categories[index]].replace("_", " ")
        for shift, sound in ((0, made[index]), (_COLUMNS + 1, real.held_out[index])):
            place = axes[row, column + shift]
            place.imshow(
                spectrogram_db(sound, real.sample_rate, seconds), origin="lower", aspect="auto",
                cmap="magma", vmin=-RANGE_DB, vmax=0.0,
            )  # fmt: skip
            place.set_title(label, fontsize=7, pad=2)
    figure.text(0.25, 0.985, "generated", ha="center", fontsize=10)
    figure.text(0.75, 0.985, "real, held out", ha="center", fontsize=10)
    figure.text(
        0.5, 0.985, f"up: 40 Hz to {top_khz:.0f} kHz (log); across: {seconds:.2g} s; light: within "
        f"{RANGE_DB:.0f} dB of the loudest", ha="center", fontsize=8, color="#444444",
    )  # fmt: skip
    figure.subplots_adjust(0.005, 0.01, 0.995, 0.93, wspace=0.06, hspace=0.25)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def spread(categories: npt.NDArray[np.int64], count: int) -> list[int]:
    """Indices of `count` sounds, taking one of each category in turn, sorted by category."""
    waiting = {int(c): list(np.flatnonzero(categories == c)) for c in np.unique(categories)}
    chosen: list[int] = []
    while len(chosen) < min(count, len(categories)):
        for members in waiting.values():
            if members and len(chosen) < count:
                chosen.append(int(members.pop(0)))
    return sorted(chosen, key=lambda index: (int(categories[index]), index))


def spectrogram_db(
    sound: FloatArray, sample_rate: int, seconds: float = _SECONDS
) -> npt.NDArray[np.float64]:
    """(_ROWS, frames) dB below the loudest point; rows are spaced by octaves, 40 Hz to 18 kHz.

    At low sample rates the rows end at the highest frequency there is.
    """
    samples = int(seconds * sample_rate)
    padded = np.zeros(samples + 2 * _FFT)
    kept = np.asarray(sound, dtype=np.float64).reshape(-1)[:samples]
    padded[_FFT // 2 : _FFT // 2 + kept.size] = kept
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[:samples:_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_FFT), axis=1)).T
    hertz = np.geomspace(40.0, top_hz(sample_rate), _ROWS)
    places = hertz / sample_rate * _FFT
    low = places.astype(int)
    share = (places - low)[:, None]
    level = 20 * np.log10((1 - share) * power[low] + share * power[low + 1] + 1e-9)
    return np.asarray(level - level.max())


def top_hz(sample_rate: int) -> float:
    """The highest frequency of a spectrogram's rows."""
    return min(18_000.0, 0.49 * sample_rate)
