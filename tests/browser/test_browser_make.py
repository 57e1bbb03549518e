"""Sounds made, heard and taken back in the page, beside a real engine."""

from __future__ import annotations

from collections.abc import Callable

from engine.library import Library
from tests.support.browser import PageClient
from tests.support.osc_client import OscClient
from tests.support.serving import ServedEngine

Visit = Callable[..., PageClient]
LONG = "2"  # seconds: what is heard is seen before it ends


def test_a_sound_is_made_seen_and_heard(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    first = here.make("short dark snare blorp", 2, Length=LONG, Steps="1")[0]
    here.chosen(first)
    here.expect("#words .known").to_have_count(3)
    here.expect("#words .unknown").to_contain_text("blorp")
    here.expect(".picture canvas").to_have_attribute(
        "aria-label", "Waveform and spectrogram of short dark snare blorp, 2.00 s"
    )
    pixels = here.find(".picture canvas").evaluate(
        "canvas => { const data = canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data;"
        "const seen = new Set(); for (let i = 0; i < data.length; i += 4) seen.add(data[i]);"
        "return seen.size; }"
    )
    assert pixels > 20, "a spectrogram has many shades"

    here.expect(".meter >> nth=0").to_have_attribute("aria-valuetext", "silence")
    here.press("Space")
    here.expect("#audition").to_have_text("Stop")
    here.expect(".meter >> nth=0").not_to_have_attribute("aria-valuetext", "silence")
    here.expect("#audition").to_have_text("Play")
    here.expect(".meter >> nth=0").to_have_attribute("aria-valuetext", "silence")


def test_variations_come_one_by_one_and_keys_play_them(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    here.fill_extra(Length=LONG, Steps="1")
    here.page.fill("#prompt", "low tom")
    here.press("Escape")
    here.press("g")
    here.expect(".card[data-clip]").to_have_count(4)
    here.expect("#variations .job:not(.running)").to_be_visible()
    clips = here.cards()
    here.press("3")
    here.chosen(clips[2])
    here.expect("#audition").to_have_text("Stop")


def test_the_history_is_walked_with_arrows_and_heard(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    clips = here.make("closed hat", 2, Length=LONG, Steps="1")
    here.chosen(clips[0])
    for clip in clips:
        here.expect(f".clips li:nth-child(-n+2)[data-clip='{clip}']").to_be_visible()
    newest, before = here.history()[:2]
    here.press("ArrowUp")
    here.press("ArrowUp")
    here.chosen(newest)
    here.expect("#audition").to_have_text("Stop")
    here.press("ArrowDown")
    here.chosen(before)
    here.press("Space")
    here.expect("#audition").to_have_text("Play")


def test_favourite_delete_and_undo_reach_the_library(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    [clip] = here.make("wood block", 1, Length="0.3", Steps="1")
    here.chosen(clip)
    row = f".clips li[data-clip='{clip}']"
    here.press("f")
    here.expect(f"{row} .star").to_have_attribute("aria-pressed", "true")
    with Library(engine.library) as library:
        assert library.record(clip).favourite
    here.press("z")
    here.expect(f"{row} .star").to_have_attribute("aria-pressed", "false")
    here.press("Shift+Z")
    here.expect("#favourite").to_have_attribute("aria-pressed", "true")

    here.press("Delete")
    here.expect(row).to_have_count(0)
    here.expect("#history-notices").to_contain_text("Deleted “wood block”")
    here.press("z")
    here.expect(row).to_be_visible()
    with Library(engine.library) as library:
        assert library.record(clip).favourite


def test_a_and_b_are_compared(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    one, two = here.make("noisy clap", 2, Length="0.3", Steps="1")
    here.chosen(one)
    here.page.get_by_role("button", name="B", exact=True).click()
    here.press("2")
    here.chosen(two)
    here.press("x")
    here.chosen(one)
    here.press("x")
    here.chosen(two)


def test_a_clip_is_varied_with_a_seed(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    [clip] = here.make("low tom", 1, Length="0.3", Steps="1")
    here.chosen(clip)
    here.find("#operations").get_by_label("seed").fill("12345678901234567")
    here.find("#operations").get_by_label("count").fill("2")
    here.press("Escape")
    here.press("v")
    here.expect(".card[data-clip]").to_have_count(2)
    here.expect("#variations .job").to_contain_text("2 variations of “Vary: low tom”")
    with Library(engine.library) as library:
        made = library.get(here.cards()[0])
    assert made.parents == (clip,)
    assert made.seed == 12345678901234567


def test_escape_cancels_and_says_so(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    here.fill_extra(Length="12", Steps="64")
    here.page.fill("#prompt", "long gong")
    here.page.locator("label", has=here.find("[name=count][value='8']")).click()
    here.press("Escape")
    here.press("g")
    here.expect("#cancel").to_be_visible()
    here.press("Escape")
    here.expect("#make-notices").to_contain_text("Cancelled: long gong")
    here.expect("#cancel").to_be_hidden()
    here.expect("body").to_have_attribute("data-engine", "ready")


def test_a_refusal_is_shown_where_it_was_asked(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    with OscClient(engine.port) as other:
        other.send("/drift/slot/1/voice", "nonesuch")
        other.until("/drift/done")
    try:
        here.page.fill("#slot .prompt input", "deep kick")
        here.press("Enter")
        here.expect("#slot-notices [role=alert]").to_contain_text("nonesuch")
        here.expect("#messages").to_have_attribute("data-count", "1")
        here.page.click("#messages")
        here.expect("#messages-list .error").to_contain_text("nonesuch")
        here.press("Escape")
        here.expect("#messages-list").to_be_hidden()
    finally:
        with OscClient(engine.port) as other:
            other.send("/drift/slot/1/voice", "")
            other.until("/drift/done")
