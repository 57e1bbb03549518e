"""Figures of speech alone: PESQ, STOI and DNSMOS, each where its package is installed.

They come with the extra `peers`. All hear 16 kHz mono.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from engine.onnx_library import onnxruntime

__all__ = ["SPEECH", "absent", "measure_speech"]

SPEECH = {"pesq": "pesq", "stoi": "pystoi", "dnsmos": "speechmos"}
"""Figure -> the package that it needs."""

_RATE = 16_000
_DNSMOS_SAMPLES = int(9.01 * _RATE)  # the network hears so much at once
# From the network's raw answer to the overall score of P.835 (Reddy et al. 2022).
_OVERALL = (-0.06766283, 1.11546468, 0.04602535)

FloatArray = npt.NDArray[np.float32]


def absent() -> list[str]:
    """A line for each figure that cannot be measured here."""
    return [
        f"{figure.upper()} is not measured: {package} is not installed "
        "(pip install 'driftwave[peers]')"
        for figure, package in SPEECH.items()
        if importlib.util.find_spec(package) is None
    ]


def measure_speech(
    clean: FloatArray, other: FloatArray, sample_rate: int
) -> dict[str, float | None]:
    """PESQ (P.862.2, wide band, 1-4.64), STOI (0-1) and DNSMOS (P.835 overall, 1-5) of (C, T).

    None where a package is missing, or finds no speech.
    """
    x, y = (_mono(each, sample_rate) for each in (clean, other))
    return {"pesq": _pesq(x, y), "stoi": _stoi(x, y), "dnsmos": _dnsmos(y)}


def _mono(sound: FloatArray, rate: int) -> FloatArray:
    mono = sound.mean(axis=0, dtype=np.float64)
    return np.asarray(soxr.resample(mono, rate, _RATE), np.float32)


def _pesq(clean: FloatArray, other: FloatArray) -> float | None:
    if importlib.util.find_spec("pesq") is None or not np.any(other):
        return None
    package = importlib.import_module("pesq")
    try:
        return float(package.pesq(_RATE, clean, other, "wb"))
    except package.PesqError:  # no utterance, or too short
        return None


def _stoi(clean: FloatArray, other: FloatArray) -> float | None:
    if importlib.util.find_spec("pystoi") is None:
        return None
    return float(importlib.import_module("pystoi").stoi(clean, other, _RATE))


def _dnsmos(sound: FloatArray) -> float | None:
    spec = importlib.util.find_spec("speechmos")
    if spec is None or spec.origin is None:
        return None
    network = _network(str(Path(spec.origin).parent / "dnsmos_models" / "sig_bak_ovr.onnx"))
    sound = np.resize(np.clip(sound, -1, 1), max(sound.size, _DNSMOS_SAMPLES))
    heard = [
        sound[at : at + _DNSMOS_SAMPLES] for at in range(0, sound.size - _DNSMOS_SAMPLES + 1, _RATE)
    ]
    raw = [float(network.run(None, {"input_1": part[np.newaxis]})[0][0][2]) for part in heard]
    return float(np.mean(np.polyval(_OVERALL, raw)))


@lru_cache(maxsize=1)
def _network(path: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
