"""Driftwave's own denoising voices, as subjects of the comparison."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.denoising.amount import MOST_AMOUNT_DB
from engine.denoising.voice import SHIPPED, Denoiser, find_denoiser
from engine.denoising.whole import denoise
from engine.denoising_evaluation.protocol import Case

__all__ = ["OWN", "VOICES", "Own", "fingerprint", "open_voice", "title"]

FloatArray = npt.NDArray[np.float32]

OWN = "driftwave"  # how the names of its subjects begin
VOICES = (SHIPPED, "best")


@dataclass(frozen=True)
class Own:
    """One voice, asked for all of the reduction. learned: whether it is given the noise alone."""

    voice: Denoiser
    learned: bool

    def __call__(self, case: Case) -> FloatArray:
        """(C, T) at the case's rate. Clean input has no noise to learn from."""
        told = self.learned and bool(np.any(case.profile))
        return denoise(
            case.mixture, case.sample_rate, noise=case.profile if told else None,
            amount_decibels=MOST_AMOUNT_DB, voice=self.voice,
        )  # fmt: skip


def title(voice: str) -> str:
    """What a voice, or the folder of one, is called in the tables."""
    return f"{OWN} {Path(voice).name if os.sep in voice else voice}"


def open_voice(voice: str, learned: bool) -> Own:
    """The subject of a voice's name or folder; VoiceError when there is not this one."""
    return Own(find_denoiser(voice), learned)


def fingerprint(voice: str) -> str:
    """Of the code and the voices, so that figures of another state are not taken for these."""
    engine = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    folders = [engine / "denoising", engine / "voices"]
    for folder in [*folders, Path(voice)] if os.sep in voice else folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]
