"""Denoiser voices: folders of voice.toml, model.safetensors, network.onnx and CARD.md.

They lie beside the voices that make sounds and say ``kind = "denoiser"``. Nothing in one is code;
a broken or hostile folder gives VoiceError and nothing else. No torch is needed.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.denoising.answers import Answers, NetworkAnswers, WienerAnswers, open_graph
from engine.denoising.bands import bands_of
from engine.denoising.features import PLANES, TAPS
from engine.errors import VoiceError
from engine.voice import DESCRIPTION, WEIGHTS, check_hashes, read_voice_file, voice_dirs
from engine.voice_format import table_as

__all__ = ["GRAPH", "WIENER", "Denoiser", "DenoiserTables", "find_denoiser", "load_denoiser"]

FORMAT = 1
GRAPH = "network.onnx"
SHIPPED = "denoise"
WIENER = "wiener"
"""The name of the rule that needs no voice."""
_LARGEST_STATE = 1 << 24


@dataclass(frozen=True)
class DenoiserTables:
    """voice.toml of a denoiser.

    size, hop: samples of a frame and from frame to frame. planes, taps: what the network is told
    and answers of each band. states: shapes of what it remembers from frame to frame.
    """

    format: int
    kind: str
    name: str
    version: str
    licence: str
    recipe: str
    description: str
    size: int
    hop: int
    planes: int
    taps: int
    states: tuple[tuple[int, ...], ...]
    files: Mapping[str, str]


class Denoiser:
    """Something that denoises any number of streams: a voice, or Wiener's rule."""

    def __init__(self, tables: DenoiserTables | None, folder: Path | None, digest: str) -> None:
        self.tables, self.hash = tables, digest
        self.name = tables.name if tables else WIENER
        self.size, self.hop = (tables.size, tables.hop) if tables else (4096, 1024)
        self._session: Any = None
        if tables is not None and folder is not None:
            self._session = open_graph(folder / GRAPH, len(tables.states))

    def answers(self) -> Answers:
        """What answers the frames of one new sound."""
        if self.tables is None:
            return WienerAnswers()
        return NetworkAnswers(self._session, self.tables.states)


def find_denoiser(name: str = "", dirs: Iterable[Path] | None = None) -> Denoiser:
    """The denoiser of a name, of a folder (a name that holds a slash), or the shipped one ("").

    Where no voice is shipped "" is Wiener's rule. Raises VoiceError.
    """
    if name == WIENER:
        return Denoiser(None, None, "")
    if os.sep in name:
        return load_denoiser(Path(name))
    for parent in voice_dirs() if dirs is None else dirs:
        folder = parent / (name or SHIPPED)
        if (folder / DESCRIPTION).exists():
            return load_denoiser(folder)
    if not name:
        return Denoiser(None, None, "")
    raise VoiceError(
        f"no denoiser is called {name!r}; expected the folder of one, {WIENER!r} for the rule "
        "that learned nothing, or none for the shipped one"
    )


def load_denoiser(folder: Path) -> Denoiser:
    """Reads and checks the folder of a denoiser voice, and opens its network. VoiceError."""
    text = read_voice_file(folder, DESCRIPTION)
    where = str(folder / DESCRIPTION)
    try:
        table = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise VoiceError(f"{where} is not valid TOML: {error}") from None
    if table.get("kind") != "denoiser":
        raise VoiceError(f'{where} is of a voice that makes sounds; expected kind = "denoiser"')
    tables = table_as(DenoiserTables, table, where)
    _check(tables, where)
    check_hashes(folder, tables.files, {WEIGHTS, GRAPH})
    return Denoiser(tables, folder, hashlib.sha256(text).hexdigest())


def _check(tables: DenoiserTables, where: str) -> None:
    if tables.format != FORMAT:
        raise VoiceError(f"{where}: format is {tables.format}; expected {FORMAT}: update Driftwave")
    if not 64 <= tables.size <= 65_536 or tables.size % 32 or tables.hop * 4 != tables.size:
        raise VoiceError(
            f"{where}: frames of {tables.size} with hop {tables.hop}; expected a multiple of 32 "
            "from 64 to 65536, and a hop of a quarter of it"
        )
    if (tables.planes, tables.taps) != (PLANES, TAPS):
        raise VoiceError(
            f"{where}: made for {tables.planes} planes and {tables.taps} taps, this Driftwave has "
            f"{PLANES} and {TAPS}; install the voice that came with it"
        )
    for shape in tables.states:
        count = 1
        for side in shape:
            count *= max(side, 0)
        if not 0 < count <= _LARGEST_STATE or len(shape) > 8:
            raise VoiceError(f"{where}: a state of shape {list(shape)}; expected a small one")
    bands_of(tables.size // 2 + 1)
