"""The pictures of the denoising report: SI-SDR at each SNR, and spectrograms of examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.denoising_evaluation.running import Row
from engine.denoising_evaluation.subjects import Subject
from engine.denoising_evaluation.summary import mean, of_subject
from engine.laboratory.pictures import COLOURS, pyplot

__all__ = ["draw_gain", "draw_spectrograms"]

FloatArray = npt.NDArray[np.float32]

_DPI = 110
_MARKERS = "osD^vP*X"
_RANGE_DB = 80.0
_WINDOW, _HOP = 2048, 512


def draw_gain(
    path: Path,
    rows: Sequence[Row],
    subjects: Sequence[Subject],
    groups: Mapping[str, Sequence[str]],
) -> None:
    """SI-SDR against the SNR of the input, a panel for each group of kinds, a line a subject."""
    plt = pyplot()
    figure, panels = plt.subplots(
        1, len(groups), figsize=(1 + 5.2 * len(groups), 5), squeeze=False, layout="constrained"
    )
    handles = {}
    for panel, (title, kinds) in zip(panels[0], groups.items(), strict=True):
        own = [row for row in rows if row["kind"] in kinds and row["snr"] != "clean"]
        snrs = sorted({float(row["snr"]) for row in own})
        for number, subject in enumerate(subjects):
            told = of_subject(own, subject.name)
            parts = [[row for row in told if float(row["snr"]) == snr] for snr in snrs]
            values = [mean(part, "si_sdr_db") for part in parts]
            if not any(value is not None for value in values):
                continue
            bound = subject.name.startswith(("floor:", "ceiling:"))
            (line,) = panel.plot(
                snrs, [np.nan if value is None else value for value in values],
                color="#777777" if bound else COLOURS[number % len(COLOURS)],
                linestyle="--" if bound else "-", marker=_MARKERS[number % len(_MARKERS)],
                markersize=5, linewidth=2.4 if subject.is_own else 1.4,
            )  # fmt: skip
            handles[subject.name] = line
        panel.set_title(title, loc="left", fontweight="bold")
        panel.set_xlabel("SNR of the input, dB")
        panel.set_xticks(snrs, labels=[f"{snr:g}" for snr in snrs])
    panels[0][0].set_ylabel("SI-SDR of the output, dB (higher is better)")
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", fontsize=8.5)
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def draw_spectrograms(path: Path, sounds: Mapping[str, FloatArray], sample_rate: int) -> None:
    """One panel a sound (T,), linear in frequency, 80 dB below the clean sound's loudest bin."""
    plt = pyplot()
    columns = min(4, len(sounds))
    lines = -(-len(sounds) // columns)
    figure, panels = plt.subplots(
        lines, columns, figsize=(3.6 * columns, 2.3 * lines), squeeze=False, layout="constrained"
    )
    levels = {name: _levels_db(sound) for name, sound in sounds.items()}
    top = float(next(iter(levels.values())).max())
    for panel in panels.flat:
        panel.axis("off")
    for panel, (name, level) in zip(panels.flat, levels.items(), strict=False):
        panel.imshow(
            level, origin="lower", aspect="auto", cmap="magma", vmin=top - _RANGE_DB, vmax=top,
        )  # fmt: skip
        panel.set_title(name, fontsize=9, loc="left")
    figure.suptitle(
        f"0 to {sample_rate / 2000:g} kHz, {_RANGE_DB:.0f} dB from dark to light", fontsize=9
    )
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def _levels_db(sound: FloatArray) -> npt.NDArray[np.float64]:
    """(bins, frames)."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, (0, _WINDOW)), _WINDOW)[::_HOP]
    spectrum = np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)
    return np.asarray(20 * np.log10(np.abs(spectrum).T + 1e-6))
