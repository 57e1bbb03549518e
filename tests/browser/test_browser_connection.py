"""The page when the engine dies and comes back, and what it asks for on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.browser import PageClient
from tests.support.serving import ServedEngine

Visit = Callable[..., PageClient]


def test_the_page_waits_for_a_new_engine_and_goes_on(
    tmp_path: Path, tiny_voices: Path, visit: Visit
) -> None:
    with ServedEngine(tmp_path, tiny_voices, voice="tiny") as first:
        here = visit(first)
        [clip] = here.make("deep kick", 1, Length="0.3")
        first.kill()
        here.expect("body").to_have_attribute("data-connection", "lost")
        here.expect("#status-text").to_contain_text("The engine is gone. Looking again")
        here.expect("#generate").to_be_disabled()
        flags = ("--web-port", str(first.web_port))
    with ServedEngine(tmp_path, tiny_voices, voice="tiny", flags=flags) as second:
        assert second.web_port == first.web_port
        here.expect("body").to_have_attribute("data-connection", "open")
        here.expect("#generate").to_be_enabled()
        here.chosen(clip)
        made = here.make("low tom", 1, Length="0.3")
        here.expect(f".clips li[data-clip='{made[0]}']").to_be_visible()
        here.expect(f".clips li[data-clip='{clip}']").to_be_visible()
        here.leave()


def test_a_job_that_the_engine_took_with_it_is_over(
    tmp_path: Path, tiny_voices: Path, visit: Visit
) -> None:
    with ServedEngine(tmp_path, tiny_voices, voice="tiny") as engine:
        here = visit(engine)
        here.fill_extra(Length="12", Steps="64")
        here.page.fill("#prompt", "long gong")
        here.page.click("#generate")
        here.expect("#cancel").to_be_visible()
        engine.kill()
        here.expect("#cancel").to_be_hidden()
        here.expect("#variations .job").to_contain_text("“long gong”: failed after 0 variations")
        here.leave()


def test_nothing_is_asked_of_anybody_but_the_engine(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    here.make("short dark snare", 1, Length="0.3")
    here.press("Space")
    here.expect("#audition").to_have_text("Stop")
    assert len(here.requests) > 30
    own = (here.origin + "/", here.origin.replace("http", "ws") + "/", "data:", "blob:")
    assert [url for url in here.requests if not url.startswith(own)] == []
