"""Who says what to keep of a frame: a network of a voice, or Wiener's rule, which learned nothing.

Both answer features with logits for engine.denoising.mixing, frame after frame, from a state.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.denoising.features import TAPS
from engine.denoising.mixing import GAIN_OFFSET
from engine.errors import VoiceError
from engine.onnx_library import onnxruntime as ort

Array = NDArray[np.float32]

_CLOSED = np.float32(-60.0)  # logit of a tap that is left out


class Answers(Protocol):
    """Answers the frames of one sound, in order."""

    def step(self, features: Array) -> Array:
        """Logits (1, frames, TAPS * bands) for features (1, frames, PLANES, bands)."""
        ...


class WienerAnswers:
    """Wiener's gain, its prior SNR by the decision-directed rule (Ephraim and Malah 1984, eq. 51).

    The noise is as the features have it: learned or tracked.
    """

    def __init__(self) -> None:
        self.before: Array | None = None  # gain^2 times posterior SNR of the last frame

    def step(self, features: Array) -> Array:
        """As Answers.step."""
        posterior = np.exp(3.0 * features[:, :, 0])
        logits = np.empty_like(posterior)
        for frame in range(posterior.shape[1]):
            now = posterior[:, frame]
            fresh = np.maximum(now - 1.0, 0.0)
            before = fresh if self.before is None else self.before
            prior = np.maximum(0.98 * before + 0.02 * fresh, np.float32(3e-3))
            self.before = np.asarray((prior / (1.0 + prior)) ** 2 * now, np.float32)
            logits[:, frame] = np.log(prior)
        others = np.full_like(logits, _CLOSED)
        return np.concatenate((logits - GAIN_OFFSET, *[others] * (TAPS - 1)), axis=2)


class NetworkAnswers:
    """One sound's way through a voice's network; its state is held here."""

    def __init__(self, session: ort.InferenceSession, states: Sequence[tuple[int, ...]]) -> None:
        self._session = session
        self._state = [np.zeros(shape, np.float32) for shape in states]

    def step(self, features: Array) -> Array:
        """As Answers.step; VoiceError when the graph does not run."""
        out = []
        for frame in features[0]:
            feed = {"x": np.ascontiguousarray(frame.reshape(1, -1, 1))}
            feed |= {f"state_{k}": value for k, value in enumerate(self._state)}
            try:
                answer, *self._state = self._session.run(None, feed)
            except Exception as error:  # ONNX Runtime raises classes that share only Exception
                raise VoiceError(_does_not_run(error)) from error
            out.append(answer[0, :, 0])
        return np.asarray(np.stack(out)[None], np.float32)


def open_graph(path: Path, states: int) -> ort.InferenceSession:
    """The graph of a denoiser's network on one thread.

    Raises VoiceError when it cannot be opened or has other inputs than x and ``states`` states.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised; nothing needs printing
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        found = sorted(value.name for value in session.get_inputs())
    except Exception as error:
        raise VoiceError(f"{path}: {_does_not_run(error)}") from error
    expected = sorted(["x", *(f"state_{k}" for k in range(states))])
    if found != expected:
        raise VoiceError(f"{path} has the inputs {found}; expected {expected}")
    return session


def _does_not_run(error: Exception) -> str:
    reason = str(error).strip().split("\n")[0][:200]
    return f"the denoiser's network does not run ({reason}); install the voice again"
