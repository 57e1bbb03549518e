"""The card of an adapted voice: how to ask it, what it was made of, and how near it came."""

from __future__ import annotations

from collections.abc import Sequence

from engine.voice import Voice


def card(name: str, base: Voice, folder: str, words: Sequence[str], table: str) -> str:
    """The text of CARD.md. folder: the name of the sounds' folder. table: the report's."""
    known = ", ".join(word.replace("_", " ") for word in words)
    return f"""# {name}

The voice {base.name!r} (version {base.version}, {base.hash[:12]}), adapted to the sounds of a
folder called {folder!r} by `driftwave train --from {base.name}`.

## How to ask

With no word at all, by the voice's own name, or by a word of the folder's names: {known}. All that
{base.name!r} understands is understood as well. What a prompt does not say is taken from one of the
sounds that the voice learned from, another for each seed.

## Measured

{table}
## Licence

{base.licence}, as {base.name!r}, whose card names its sources; and whatever the sounds of the
folder allow: they are yours to answer for.
"""
