"""Driftwave's own denoising voices, as subjects of the comparison."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.denoising_evaluation.protocol import Case

__all__ = ["OWN", "VOICES", "Own", "fingerprint", "open_voice", "title"]

FloatArray = npt.NDArray[np.float32]

OWN = "driftwave"  # how the names of its subjects begin
VOICES = ("live", "best")
AMOUNT_DB = 96.0  # of reduction asked for: all
_WHERE = "engine.denoising.whole"


@dataclass(frozen=True)
class Own:
    """One voice. learned: whether it is given the noise-only passage."""

    voice: Any
    learned: bool
    function: Callable[..., Any]

    def __call__(self, case: Case) -> FloatArray:
        """(C, T) at the case's rate. Clean input has no noise to learn from."""
        told = self.learned and bool(np.any(case.profile))
        made = self.function(
            case.mixture, case.sample_rate, noise=case.profile if told else None,
            amount_decibels=AMOUNT_DB, voice=self.voice,
        )  # fmt: skip
        return np.asarray(made, np.float32)


def title(voice: str) -> str:
    """What a voice, or the folder of one, is called in the tables."""
    return f"{OWN} {Path(voice).name if os.sep in voice else voice}"


def open_voice(voice: str, learned: bool) -> Own | None:
    """The subject; None when there is no denoiser here. VoiceError when there is not this one."""
    if importlib.util.find_spec(_WHERE) is None:
        return None
    found = importlib.import_module("engine.denoising.voice").find_denoiser(voice)
    return Own(found, learned, importlib.import_module(_WHERE).denoise)


def fingerprint(voice: str) -> str:
    """Of the code and the voices, so that figures of another state are not taken for these."""
    engine = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    folders = [engine / "denoising", engine / "voices"]
    for folder in [*folders, Path(voice)] if os.sep in voice else folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]
