"""The CPU runtime: ONNX Runtime over the graphs of a voice. Imports no torch."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import VoiceError
from engine.onnx_library import onnxruntime as ort
from engine.runtime.generation import LoadedVoice
from engine.runtime.inputs import Inputs
from engine.voice import Voice

__all__ = ["OnnxRuntime"]

FloatArray = npt.NDArray[np.float32]

MOST_THREADS = 4
"""The networks are small: more threads only wait for one another."""

# Inputs and outputs of each graph: name -> number of axes.
_SHAPES: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "denoiser.onnx": (
        {"x": 3, "t": 1, "category": 1, "descriptors": 2, "guidance": 1},
        {"velocity": 3},
    ),
    "decoder.onnx": ({"latent": 3}, {"spectrum": 4}),
    "encoder.onnx": ({"spectrum": 4}, {"latent": 3}),
}


class OnnxRuntime:
    """ONNX Runtime on the CPU. threads: of one network call; None = one per core, at most 4."""

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads or min(os.cpu_count() or 1, MOST_THREADS)

    @property
    def name(self) -> str:
        return f"ONNX Runtime {ort.__version__} on {self._threads} CPU thread(s)"

    def load(self, voice: Voice) -> LoadedVoice:
        """Opens a voice's graphs and runs them once. VoiceError when they do not fit."""
        networks = OnnxNetworks(voice, self._threads)
        networks.warm_up()
        return LoadedVoice(voice, networks)


class OnnxNetworks:
    """A voice's three graphs. The encoder is opened when first used: only "vary" needs it."""

    def __init__(self, voice: Voice, threads: int) -> None:
        self._voice = voice
        self._threads = threads
        self._denoiser = _open(voice, "denoiser.onnx", threads)
        self._decoder = _open(voice, "decoder.onnx", threads)
        self._encoder: ort.InferenceSession | None = None
        self._opening = threading.Lock()

    def array(self, x: FloatArray) -> FloatArray:
        return x

    def velocity(self, x: FloatArray, t: float, inputs: Inputs) -> FloatArray:
        feed = {
            "x": x,
            "t": np.array([t], dtype=np.float32),
            "category": inputs.category,
            "descriptors": inputs.descriptors,
            "guidance": inputs.guidance,
        }
        return self._run(self._denoiser, "denoiser.onnx", feed, x.shape)

    def decode(self, latent: FloatArray) -> FloatArray:
        codec = self._voice.codec
        frames = latent.shape[2] * (codec.hop_frames // codec.decoder_hop)
        shape = (1, 2, codec.decoder_fft // 2 + 1, frames)
        return self._run(self._decoder, "decoder.onnx", {"latent": latent}, shape)

    def encode(self, spectrum: FloatArray) -> FloatArray:
        with self._opening:
            if self._encoder is None:
                self._encoder = _open(self._voice, "encoder.onnx", self._threads)
        codec = self._voice.codec
        frames = spectrum.shape[3] // (codec.hop_frames // codec.encoder_hop)
        shape = (1, codec.latent_dims, frames)
        return self._run(self._encoder, "encoder.onnx", {"spectrum": spectrum}, shape)

    def warm_up(self) -> None:
        """The first run of a graph allocates and is slow; a broken graph fails here."""
        codec, table = self._voice.codec, self._voice.conditioning
        nothing = Inputs(
            category=np.array([-1], dtype=np.int64),
            descriptors=np.full((1, len(table.descriptors)), np.nan, dtype=np.float32),
            guidance=np.ones(1, dtype=np.float32),
            words_understood=(),
            words_unknown=(),
            record={},
        )
        x = np.zeros((1, codec.latent_dims, codec.shortest_frames), dtype=np.float32)
        self.decode(self.velocity(x, 1.0, nothing))

    def _run(
        self,
        session: ort.InferenceSession,
        file: str,
        feed: dict[str, Any],
        shape: tuple[int, ...],
    ) -> FloatArray:
        try:
            (answer,) = session.run(None, feed)
        except Exception as error:  # ONNX Runtime raises classes that share only Exception
            raise VoiceError(_message(self._voice, file, error)) from error
        if answer.shape != shape or answer.dtype != np.float32:
            raise VoiceError(
                f"voice {self._voice.name!r}: {file} answered {answer.dtype} {answer.shape}; "
                f"expected float32 {shape}"
            )
        return np.asarray(answer, dtype=np.float32)


def _open(voice: Voice, file: str, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised; nothing needs printing
    # Waiting threads sleep: a DAW on the same cores needs them more than we need microseconds.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    path: Path = voice.path(file)
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        found = [
            {value.name: len(value.shape) for value in values}
            for values in (session.get_inputs(), session.get_outputs())
        ]
    except Exception as error:
        raise VoiceError(_message(voice, file, error)) from error
    if tuple(found) != _SHAPES[file]:
        raise VoiceError(
            f"voice {voice.name!r}: {file} has inputs and outputs {found}; "
            f"expected {list(_SHAPES[file])}"
        )
    return session


def _message(voice: Voice, file: str, error: Exception) -> str:
    reason = str(error).strip().split("\n")[0][:200]
    return f"voice {voice.name!r}: {file} does not run ({reason}); install the voice again"
