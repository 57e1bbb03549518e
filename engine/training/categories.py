"""The kinds of one-shots a shard labels, and how file and folder names say which."""

from __future__ import annotations

import re
from pathlib import PurePath

# Order is fixed: shards and voices index by it.
CATEGORIES: tuple[str, ...] = (
    "kick", "snare", "rim", "clap", "snap", "closed_hat", "open_hat", "crash", "ride", "tom",
    "conga", "percussion", "cowbell", "wood", "shaker", "triangle", "body", "bass", "fx",
    "texture", "other",
)  # fmt: skip
OTHER = CATEGORIES.index("other")

# Words in names, after splitting at anything but letters; longer phrases first.
_ALIASES: tuple[tuple[str, str], ...] = (
    ("closed hat", "closed_hat"), ("closed hihat", "closed_hat"), ("hihat closed", "closed_hat"),
    ("hat closed", "closed_hat"), ("closed hi hat", "closed_hat"), ("open hat", "open_hat"),
    ("open hihat", "open_hat"), ("hihat open", "open_hat"), ("hat open", "open_hat"),
    ("open hi hat", "open_hat"), ("side stick", "rim"), ("cross stick", "rim"),
    ("bass drum", "kick"),
    ("wood block", "wood"), ("body percussion", "body"),
    ("kick", "kick"), ("kicks", "kick"), ("bd", "kick"), ("bassdrum", "kick"), ("kik", "kick"),
    ("snare", "snare"), ("snares", "snare"), ("sd", "snare"), ("sn", "snare"),
    ("rim", "rim"), ("rims", "rim"), ("rimshot", "rim"), ("sidestick", "rim"),
    ("clap", "clap"), ("claps", "clap"), ("handclap", "clap"), ("cp", "clap"),
    ("snap", "snap"), ("snaps", "snap"), ("fingersnap", "snap"),
    ("ch", "closed_hat"), ("chh", "closed_hat"), ("hh", "closed_hat"), ("hihat", "closed_hat"),
    ("hat", "closed_hat"), ("hats", "closed_hat"), ("oh", "open_hat"), ("ohh", "open_hat"),
    ("crash", "crash"), ("cymbal", "crash"), ("splash", "crash"), ("china", "crash"),
    ("ride", "ride"), ("rd", "ride"), ("tom", "tom"), ("toms", "tom"), ("lt", "tom"),
    ("mt", "tom"), ("ht", "tom"), ("conga", "conga"), ("congas", "conga"), ("bongo", "conga"),
    ("bongos", "conga"), ("timbale", "conga"), ("djembe", "conga"), ("cowbell", "cowbell"),
    ("cb", "cowbell"), ("agogo", "cowbell"), ("block", "wood"), ("woodblock", "wood"),
    ("clave", "wood"), ("claves", "wood"), ("castanet", "wood"), ("shaker", "shaker"),
    ("shakers", "shaker"), ("tambourine", "shaker"), ("maracas", "shaker"), ("cabasa", "shaker"),
    ("triangle", "triangle"), ("chime", "triangle"), ("bell", "triangle"), ("body", "body"),
    ("bass", "bass"), ("fx", "fx"), ("sfx", "fx"), ("effect", "fx"), ("zap", "fx"),
    ("noise", "fx"), ("texture", "texture"), ("textures", "texture"), ("pad", "texture"),
    ("ambient", "texture"), ("drone", "texture"), ("perc", "percussion"), ("percs", "percussion"),
    ("percussion", "percussion"), ("other", "other"),
)  # fmt: skip


def category_of(path: PurePath) -> int:
    """Return the category index a file's folders or name say; the nearest name wins.

    The innermost folder is asked first (a curated folder is the surest label), then the file,
    then outer folders; ``other`` when nothing is recognised.
    """
    parents = list(reversed(path.parent.parts))
    for part in [*parents[:1], path.stem, *parents[1:]]:
        words = " ".join(re.findall(r"[a-z]+", part.lower()))
        for phrase, category in _ALIASES:
            if re.search(rf"\b{phrase}\b", words):
                return CATEGORIES.index(category)
    return OTHER
