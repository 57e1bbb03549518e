"""report.html: one file with everything in it, that needs no network and runs no script."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

__all__ = ["Section", "page", "players"]

FloatArray = npt.NDArray[np.float32]

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1600px;
  padding: 0 1.5rem; color: #1b1b1b; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
p { max-width: 75ch; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: .35rem .5rem; text-align: right; border-bottom: 1px solid #ddd; }
td { white-space: nowrap; }
th { vertical-align: bottom; font-weight: 600; } thead th { border-bottom: 2px solid #444; }
th:first-child, td:first-child { text-align: left; white-space: nowrap; }
tr.baseline td { color: #555; background: #f5f5f2; }
td.best { font-weight: 700; background: #d9ecf7; }
img { max-width: 100%; height: auto; }
figure { margin: 1rem 0; } figcaption { max-width: 75ch; color: #444; }
audio { width: 210px; height: 32px; }
.sounds { display: flex; flex-wrap: wrap; gap: .6rem; }
.sounds div { font-size: 12px; }
"""


class Section:
    """One part of the page: a heading, words, and blocks of HTML."""

    def __init__(self, title: str, words: str = "") -> None:
        self.title, self.words = title, words
        self.blocks: list[str] = []

    def add_table(self, table: str) -> None:
        """An HTML table, which may be wider than the page."""
        self.blocks.append(f'<div class="wide">{table}</div>')

    def add_picture(self, path: Path, caption: str) -> None:
        """A PNG file, embedded."""
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        said = html.escape(caption)
        self.blocks.append(
            f'<figure><img alt="{said}" src="data:image/png;base64,{data}">'
            f"<figcaption>{said}</figcaption></figure>"
        )

    def add_list(self, lines: Sequence[str]) -> None:
        """Lines of text."""
        items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
        self.blocks.append(f"<ul>{items}</ul>")

    def add_sounds(self, title: str, sounds: Mapping[str, FloatArray], sample_rate: int) -> None:
        """A row of players."""
        self.blocks.append(f"<h3>{html.escape(title)}</h3>{players(sounds, sample_rate)}")

    def text(self) -> str:
        """The section as HTML."""
        words = f"<p>{html.escape(self.words)}</p>" if self.words else ""
        blocks = "\n".join(self.blocks)
        return f"<section><h2>{html.escape(self.title)}</h2>{words}\n{blocks}</section>"


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The whole document."""
    body = "\n".join(section.text() for section in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{html.escape(title)}</h1><p>{html.escape(lead)}</p>\n{body}\n</body></html>\n"
    )


def players(sounds: Mapping[str, FloatArray], sample_rate: int) -> str:
    """Label -> (T,) as audio elements, FLAC of 16 bits embedded."""
    cells = []
    for label, sound in sounds.items():
        file = io.BytesIO()
        soundfile.write(file, np.clip(sound, -1, 1), sample_rate, format="FLAC", subtype="PCM_16")
        data = base64.b64encode(file.getvalue()).decode("ascii")
        cells.append(
            f'<div>{html.escape(label)}<br><audio controls preload="none" '
            f'src="data:audio/flac;base64,{data}"></audio></div>'
        )
    return f'<div class="sounds">{"".join(cells)}</div>'
