"""Driftwave's own denoising voices, as subjects of the comparison."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.denoising_evaluation.protocol import Case

__all__ = ["OWN", "VOICES", "Own", "fingerprint", "opened"]

FloatArray = npt.NDArray[np.float32]

OWN = "driftwave"  # how the names of its subjects begin
VOICES = ("live", "best")
AMOUNT_DB = 60.0  # of reduction asked for: as good as all
_WHERE = "engine.denoising.whole"


@dataclass(frozen=True)
class Own:
    """One voice. learned: whether it is given the noise-only passage."""

    voice: str
    learned: bool
    function: Callable[..., Any]

    def __call__(self, case: Case) -> FloatArray:
        """(C, T) at the case's rate."""
        made = self.function(
            case.mixture, case.sample_rate, noise=case.profile if self.learned else None,
            amount_decibels=AMOUNT_DB, voice=self.voice,
        )  # fmt: skip
        return np.asarray(made, np.float32)


def opened(voice: str, learned: bool) -> Own | None:
    """The subject; None when this Driftwave has no denoiser."""
    try:
        found = importlib.util.find_spec(_WHERE)
    except ModuleNotFoundError:
        found = None
    if found is None:
        return None
    return Own(voice, learned, importlib.import_module(_WHERE).denoise)


def fingerprint() -> str:
    """Of the code and the voices, so that figures of another state are not taken for these."""
    engine = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for folder in (engine / "denoising", engine / "voices"):
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            digest.update(str(path.relative_to(engine)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]
