"""What is compared: floors, the oracle, peers and our own voices, each a function of a case."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from engine.audio_files import resample
from engine.denoising_evaluation import filters, own, peers
from engine.denoising_evaluation.alignment import Mono, aligned, measured_delay
from engine.denoising_evaluation.protocol import Case
from engine.errors import BadRange, DataError, VoiceError

__all__ = ["NOISY", "ORACLE", "WIENER", "Subject", "names", "open_subjects"]

FloatArray = npt.NDArray[np.float32]
Process = Callable[[Case], FloatArray]

NOISY = "floor: noisy input"
WIENER = "learned Wiener"
ORACLE = "ceiling: oracle ratio mask"
GATE = "noisereduce"
_GATE_PACKAGE = "noisereduce"


@dataclass(frozen=True)
class Subject:
    """One row of the tables. missing: why it cannot run here, "" when it can.

    version: changes whenever its figures may. rate: its own, 0 = any. delay_frames: measured, at
    its own rate, and compensated. learned: is told a second of the noise alone.
    """

    name: str
    version: str
    process: Process | None = None
    rate: int = 0
    delay_frames: int = 0
    learned: bool = False
    missing: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it is one of Driftwave's voices."""
        return self.name.startswith(own.OWN)


def names(voices: Sequence[str] = own.VOICES) -> list[str]:
    """Every subject's name, in the order of the tables."""
    return [
        NOISY, WIENER, ORACLE, GATE, f"{GATE}, learned", *(peer.name for peer in peers.PEERS),
        *(_own_name(voice, learned) for voice in voices for learned in (False, True)),
    ]  # fmt: skip


def open_subjects(chosen: Sequence[str] = (), voices: Sequence[str] = own.VOICES) -> list[Subject]:
    """The subjects of these names (all by default; the floors and the oracle always).

    chosen: words of names ("wiener", "rnnoise", "driftwave denoise"), in any case of letters, and
    paths of voices' folders.
    """
    voices = [*voices, *(word for word in chosen if os.sep in word)]
    everything = names(voices)
    wanted = [name for name in everything if name in (NOISY, WIENER, ORACLE)]
    for word in chosen:
        part = own.title(word) if os.sep in word else word
        found = [name for name in everything if f" {part.lower()}" in f" {name.lower()}"]
        if not found:
            raise BadRange(f"subject {word!r}: expected words of {'; '.join(everything)}")
        wanted += found
    return [_open(name, voices) for name in everything if name in wanted or not chosen]


def _own_name(voice: str, learned: bool) -> str:
    return own.title(voice) + (", learned" if learned else "")


def _open(name: str, voices: Sequence[str]) -> Subject:
    if name == NOISY:
        return Subject(name, "1", lambda case: case.mixture)
    if name == WIENER:
        return Subject(name, "1", lambda case: filters.wiener(
            case.mixture, case.profile, case.sample_rate
        ), learned=True)  # fmt: skip
    if name == ORACLE:
        return Subject(name, "1", lambda case: filters.oracle_mask(
            case.mixture, case.clean, case.noise, case.sample_rate
        ))  # fmt: skip
    if name.startswith(GATE):
        return _gate(name, learned="learned" in name)
    for peer in peers.PEERS:
        if name == peer.name:
            return _peer(peer)
    return _own(name, voices)


def _gate(name: str, *, learned: bool) -> Subject:
    version = _version(_GATE_PACKAGE)
    if not version:
        return _absent(name, _GATE_PACKAGE, learned=learned)

    def process(case: Case) -> FloatArray:
        # of a clean sound the passage is silent, and its statistics are none
        profile = case.profile if learned and np.any(case.profile) else None
        if learned and profile is None:
            return case.mixture
        return peers.spectral_gate(case.mixture, profile, case.sample_rate)

    return Subject(name, version, process, learned=learned)


def _peer(peer: peers.Peer) -> Subject:
    version = _version(peer.package)
    if not version:
        return _absent(peer.name, peer.package)
    try:
        mono = peer.open()
        delay = measured_delay(mono, peer.rate)
    except (ImportError, OSError, DataError) as error:
        return Subject(
            peer.name, version, missing=f"{peer.package} {version} does not run: {error}"
        )
    return Subject(
        peer.name, version, partial(_at_own_rate, mono, peer.rate, delay), peer.rate, delay
    )


def _own(name: str, voices: Sequence[str]) -> Subject:
    voice, learned = next(
        (voice, learned)
        for voice in voices
        for learned in (False, True)
        if name == _own_name(voice, learned)
    )
    try:
        found = own.open_voice(voice, learned)
    except VoiceError as error:
        return Subject(name, "", missing=str(error), learned=learned)
    return Subject(name, own.fingerprint(voice), found, learned=learned)


def _absent(name: str, package: str, *, learned: bool = False) -> Subject:
    why = f"{package} is not installed (pip install 'driftwave[peers]')"
    return Subject(name, "", missing=why, learned=learned)


def _version(package: str) -> str:
    """Of an installed package, "" of none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _at_own_rate(mono: Mono, rate: int, delay: int, case: Case) -> FloatArray:
    """Each channel at the peer's rate (soxr, no delay), its output moved back, and back again."""
    given = resample(case.mixture, case.sample_rate, rate)
    made = np.stack([aligned(mono, channel, delay) for channel in given])
    back = resample(made, rate, case.sample_rate)[:, : case.mixture.shape[1]]
    return np.pad(back, ((0, 0), (0, case.mixture.shape[1] - back.shape[1])))
