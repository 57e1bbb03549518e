"""Prompts: what words mean, and that unknown ones are told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.conditioning.categories import CATEGORY_WORDS
from engine.conditioning.descriptors import DESCRIPTORS
from engine.conditioning.prompt import biased, opposite, understand
from engine.conditioning.words import DESCRIPTOR_WORDS, MODIFIERS, NEGATIONS, SILENT_WORDS
from engine.training.categories import CATEGORIES


def said(prompt: str):
    return understand(prompt, CATEGORIES, DESCRIPTORS)


def test_short_dark_snare() -> None:
    meaning = said("short dark snare")
    assert meaning.category == "snare"
    assert meaning.values["length"] < 0.3
    assert meaning.values["brightness"] < 0.3
    assert meaning.known == ("short", "dark", "snare")
    assert meaning.unknown == ()
    assert meaning.note is None


@pytest.mark.parametrize(
    ("prompt", "category"),
    [
        ("open hi-hat", "open_hat"),
        ("Closed Hat", "closed_hat"),
        ("hihat", "closed_hat"),
        ("a big bass drum", "kick"),
        ("bass", "bass"),
        ("rim shot", "rim"),
        ("snair", "snare"),
        ("kikc drum", "kick"),
        ("cowbel", "cowbell"),
        ("tambourin", "shaker"),
        ("snare like a clap", "clap"),
        ("finger snap!", "snap"),
    ],
)
def test_synonyms_phrases_and_misspellings(prompt: str, category: str) -> None:
    assert said(prompt).category == category


def test_unknown_words_are_told_and_small_words_are_not() -> None:
    meaning = said("a purple snare with reverb, please")
    assert meaning.category == "snare"
    assert meaning.unknown == ("purple", "reverb")


def test_modifiers_and_negations_scale_the_next_word() -> None:
    dark = said("dark kick").values["brightness"]
    assert said("very dark kick").values["brightness"] < dark
    assert dark < said("slightly dark kick").values["brightness"] < 0.5
    assert said("not dark kick").values["brightness"] > 0.5
    assert said("not dark kick").known == ("not", "dark", "kick")
    assert said("no snare").category is None
    assert said("no snare").unknown == ("no", "snare")


@pytest.mark.parametrize(
    ("prompt", "note"),
    [("kick c1", 24), ("kick in F#3", 54), ("tom eb2", 39), ("bass 55 Hz", 33), ("bass 440hz", 69)],
)
def test_notes_and_frequencies(prompt: str, note: float) -> None:
    assert said(prompt).note == pytest.approx(note)
    assert said(prompt).unknown == ()


def test_words_a_voice_cannot_follow_are_unknown() -> None:
    meaning = understand("dark snare c3", ("kick",), ("length",))
    assert meaning.category is None
    assert meaning.unknown == ("dark", "snare", "c3")


def test_a_voices_own_category_answers_to_its_name() -> None:
    assert understand("magic dust", ("magic_dust",), ()).category == "magic_dust"


def test_every_category_of_the_training_has_words() -> None:
    assert set(CATEGORY_WORDS) == set(CATEGORIES)


def test_no_word_means_two_things() -> None:
    words = [word for synonyms in CATEGORY_WORDS.values() for word in synonyms]
    assert len(words) == len(set(words))
    for other in (DESCRIPTOR_WORDS, MODIFIERS, NEGATIONS, SILENT_WORDS):
        assert not set(words) & set(other)
    assert not set(DESCRIPTOR_WORDS) & (set(MODIFIERS) | NEGATIONS | SILENT_WORDS)
    for values in DESCRIPTOR_WORDS.values():
        assert set(values) <= set(DESCRIPTORS)
        assert all(0.0 <= value <= 1.0 for value in values.values())


@pytest.mark.parametrize("value", [None, 0.0, 0.1, 0.5, 0.9, 1.0])
def test_knobs_reach_both_ends_from_any_word_and_zero_leaves_it(value: float | None) -> None:
    assert biased(value, 0.0) == value
    assert biased(value, 1.0) == pytest.approx(1.0)
    assert biased(value, -1.0) == pytest.approx(0.0)
    middle = 0.5 if value is None else value
    assert biased(value, 0.3) >= middle >= biased(value, -0.3)


def test_opposite_is_its_own_inverse() -> None:
    assert opposite(opposite(0.3)) == pytest.approx(0.3)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_without_error(prompt: str) -> None:
    meaning = said(prompt)
    assert all(0.0 <= value <= 1.0 for value in meaning.values.values())
    assert meaning.category is None or meaning.category in CATEGORIES


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(sorted({*DESCRIPTOR_WORDS, *MODIFIERS, *NEGATIONS, "snare", "xyzzy"})),
        max_size=12,
    )
)
def test_every_word_is_known_or_unknown(words: list[str]) -> None:
    meaning = said(" ".join(words))
    told = " ".join((*meaning.known, *meaning.unknown)).split()
    for word in words:
        trailing = word in MODIFIERS or word in NEGATIONS  # with nothing after them to change
        assert word in told or trailing
