"""The words for kinds of drum sounds: one table from category to its synonyms."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CATEGORY_WORDS"]

CATEGORY_WORDS: Mapping[str, tuple[str, ...]] = {
    "kick": ("kick", "kicks", "kick drum", "bass drum", "bassdrum", "kik", "bd", "thump"),
    "snare": ("snare", "snares", "snare drum", "sd", "backbeat"),
    "rim": ("rim", "rims", "rimshot", "rim shot", "side stick", "sidestick", "cross stick"),
    "clap": ("clap", "claps", "handclap", "hand clap", "clapping"),
    "snap": ("snap", "snaps", "finger snap", "fingersnap", "fingers"),
    "closed_hat": (
        "closed hat", "closed hi hat", "closed hihat", "hi hat", "hihat", "hat", "hats", "hihats",
        "hi hats", "hh", "ch", "chh", "tick",
    ),
    "open_hat": ("open hat", "open hi hat", "open hihat", "open hats", "oh", "ohh"),
    "crash": ("crash", "crash cymbal", "cymbal", "cymbals", "splash", "china"),
    "ride": ("ride", "ride cymbal", "ride bell"),
    "tom": ("tom", "toms", "tom tom", "floor tom", "rack tom", "timpani"),
    "conga": ("conga", "congas", "bongo", "bongos", "djembe", "tabla", "timbale", "hand drum"),
    "percussion": ("percussion", "perc", "percs", "percussive"),
    "cowbell": ("cowbell", "cow bell", "agogo"),
    "wood": ("woodblock", "wood block", "wood", "clave", "claves", "castanet", "castanets"),
    "shaker": ("shaker", "shakers", "maracas", "maraca", "tambourine", "cabasa", "shake"),
    "triangle": ("triangle", "bell", "chime", "chimes"),
    "body": ("body", "body percussion", "stomp", "stomps", "slap", "beatbox"),
    "bass": ("bass", "sub", "sub bass", "bass note"),
    "fx": ("fx", "sfx", "effect", "zap", "laser", "blip", "scratch", "glitch"),
    "texture": ("texture", "textures", "pad", "ambience", "ambient", "drone", "atmosphere"),
    "other": (),
}  # fmt: skip
"""Category -> words and phrases that mean it; a longer phrase wins over a shorter one."""
