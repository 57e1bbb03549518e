"""The words for how a sound is: one table from word to descriptor values, and small words."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DESCRIPTOR_WORDS", "MODIFIERS", "NEGATIONS", "SILENT_WORDS"]

DESCRIPTOR_WORDS: Mapping[str, Mapping[str, float]] = {
    # brightness: where the spectrum's centre lies
    "dark": {"brightness": 0.1},
    "dull": {"brightness": 0.12},
    "muffled": {"brightness": 0.05},
    "muted": {"brightness": 0.15, "length": 0.2},
    "warm": {"brightness": 0.25},
    "mellow": {"brightness": 0.25, "attack": 0.7},
    "round": {"brightness": 0.25, "noisiness": 0.25},
    "lofi": {"brightness": 0.2},
    "bright": {"brightness": 0.9},
    "brilliant": {"brightness": 0.95},
    "crisp": {"brightness": 0.85, "attack": 0.15},
    "shiny": {"brightness": 0.9},
    "sizzling": {"brightness": 0.9, "noisiness": 0.85},
    "airy": {"brightness": 0.85, "depth": 0.2},
    "harsh": {"brightness": 0.85, "loudness": 0.85},
    # depth: how much lies below 150 Hz
    "deep": {"depth": 0.92},
    "boomy": {"depth": 0.92, "length": 0.8},
    "fat": {"depth": 0.85, "loudness": 0.75},
    "thick": {"depth": 0.8},
    "heavy": {"depth": 0.85, "loudness": 0.8},
    "big": {"depth": 0.75, "length": 0.75, "loudness": 0.8},
    "huge": {"depth": 0.85, "length": 0.85, "loudness": 0.9},
    "full": {"depth": 0.75},
    "thin": {"depth": 0.08},
    "light": {"depth": 0.2, "loudness": 0.3},
    "small": {"depth": 0.2, "length": 0.25},
    "tiny": {"depth": 0.1, "length": 0.12, "loudness": 0.2},
    # noisiness: noise against tone
    "noisy": {"noisiness": 0.92},
    "dirty": {"noisiness": 0.85},
    "gritty": {"noisiness": 0.8},
    "trashy": {"noisiness": 0.9, "brightness": 0.75},
    "hissy": {"noisiness": 0.95, "brightness": 0.85},
    "crunchy": {"noisiness": 0.75, "loudness": 0.75},
    "clean": {"noisiness": 0.2},
    "pure": {"noisiness": 0.08},
    "tonal": {"noisiness": 0.1},
    "pitched": {"noisiness": 0.12},
    "ringing": {"noisiness": 0.15, "length": 0.8},
    "metallic": {"noisiness": 0.3, "brightness": 0.85},
    # attack: time from onset to peak
    "snappy": {"attack": 0.08, "length": 0.25},
    "sharp": {"attack": 0.08, "brightness": 0.75},
    "punchy": {"attack": 0.12, "loudness": 0.85},
    "hard": {"attack": 0.12, "loudness": 0.85},
    "fast": {"attack": 0.1},
    "clicky": {"attack": 0.05},
    "soft": {"attack": 0.85, "loudness": 0.2},
    "slow": {"attack": 0.9},
    "gentle": {"attack": 0.8, "loudness": 0.2},
    "swelling": {"attack": 0.97, "length": 0.8},
    # length: time until it has died away
    "short": {"length": 0.1},
    "tight": {"length": 0.18, "attack": 0.25},
    "dry": {"length": 0.2},
    "choked": {"length": 0.05},
    "staccato": {"length": 0.08},
    "medium": {"length": 0.5},
    "long": {"length": 0.92},
    "sustained": {"length": 0.92},
    "roomy": {"length": 0.8},
    "wet": {"length": 0.8},
    "spacious": {"length": 0.85},
    "reverberant": {"length": 0.9},
    # loudness
    "loud": {"loudness": 0.92},
    "strong": {"loudness": 0.85},
    "aggressive": {"loudness": 0.92, "attack": 0.1},
    "quiet": {"loudness": 0.1},
    "weak": {"loudness": 0.15},
    "ghost": {"loudness": 0.08},
    # pitch
    "low": {"pitch": 0.12},
    "high": {"pitch": 0.88},
    "tuned": {"noisiness": 0.15},
    # machines
    "808": {"depth": 0.85, "length": 0.75, "noisiness": 0.2},
    "909": {"attack": 0.15, "loudness": 0.75},
    "electronic": {"noisiness": 0.3},
    "acoustic": {"noisiness": 0.6},
}
"""Word -> descriptor -> value 0..1 among the sounds of its category (0.5 = the usual)."""

MODIFIERS: Mapping[str, float] = {
    "very": 1.6, "really": 1.5, "extremely": 2.0, "super": 1.7, "so": 1.3, "ultra": 2.0,
    "slightly": 0.45, "little": 0.5, "bit": 0.5, "somewhat": 0.6, "fairly": 0.8, "rather": 0.9,
    "quite": 1.1, "mildly": 0.5, "less": -0.6, "more": 1.2,
}  # fmt: skip
"""Word -> factor on the next word's distance from the usual."""

NEGATIONS = frozenset(("not", "no", "without", "never", "non"))
"""Words that turn the next word into its opposite."""

SILENT_WORDS = frozenset((
    "a", "an", "the", "with", "and", "of", "in", "on", "at", "to", "for", "from", "like", "some",
    "sound", "sounds", "sounding", "hit", "hits", "sample", "samples", "shot", "one", "oneshot",
    "drum", "drums", "please", "make", "me", "my", "but", "that", "is", "its", "it",
    "note", "pitch", "tone", "style", "kind",
))  # fmt: skip
"""Words that decide nothing and are not worth a remark."""
