"""Pictures of the page for the documents: `python -m tests.support.screenshots docs`."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from tests.support.browser import SCREENS, PageClient, chromium
from tests.support.osc_client import OscClient
from tests.support.serving import ROOT, ServedEngine

LARGE_BYTES = 200_000
PADS = {
    1: "deep punchy kick", 2: "short dark snare", 3: "closed hat", 4: "bright open hat",
    5: "low tom", 6: "high tom", 7: "noisy clap", 8: "short bright rim", 9: "long crash cymbal",
    10: "ride cymbal", 11: "wood block", 12: "cowbell",
}  # fmt: skip
CONTROLS = {
    "slot/3/choke": 1, "slot/4/choke": 1, "slot/2/gain": -3.0, "slot/3/gain": -9.0,
    "slot/4/gain": -6.0, "slot/5/gain": -4.5, "slot/9/gain": -12.0, "slot/10/gain": -15.0,
    "slot/9/pan": 0.3, "transport/tempo": 124.0,
}  # fmt: skip


def furnish(engine: ServedEngine) -> None:
    """Sounds on the pads, faders moved, snapshots saved."""
    with OscClient(engine.port) as client:

        def ask(address: str, *values: object) -> None:
            client.send(f"/drift/{address}", *values)
            assert client.until("/drift/done", "/drift/fail")[-1][0] == "/drift/done", address

        for slot, words in PADS.items():
            ask(f"slot/{slot}/seed", slot)
            ask(f"slot/{slot}/generate", 1, -1, words)
        for address, value in CONTROLS.items():
            ask(address, value)
        for name in ("Verse", "Drop"):
            ask("snapshot/save", name)


def make(here: PageClient, words: str, seed: int) -> None:
    """Four variations in the make view, the third favourite."""
    here.make(words, 4, Seed=str(seed))
    here.page.click(".extra summary")
    for name, ups in (("brightness", 9), ("noisiness", -6), ("length", 14)):
        knob = here.page.get_by_role("slider", name=name).first
        knob.focus()
        for _ in range(abs(ups)):
            knob.press("ArrowUp" if ups > 0 else "ArrowDown")
    here.press("Escape")
    here.press("f")
    here.expect("#favourite").to_have_attribute("aria-pressed", "true")
    here.page.evaluate(
        "document.activeElement.blur(); scrollTo(0, 0);"
        "document.querySelector('.left').scrollTop = 0"
    )


def save(here: PageClient, path: Path) -> None:
    """The screen; in 256 colours where it would be large."""
    here.expect("body").to_have_attribute("data-engine", "ready")
    here.expect(".chip").to_have_count(2)
    here.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 400)))")
    picture = Image.open(io.BytesIO(here.page.screenshot())).convert("RGB")
    picture.save(path, optimize=True)
    if path.stat().st_size > LARGE_BYTES:
        picture.quantize(256, kmeans=4).save(path, optimize=True)


def desktop(here: PageClient, folder: Path) -> None:
    """Everything at once, a cymbal chosen."""
    make(here, "long bright crash cymbal", 5)
    save(here, folder / "page-desktop.png")


def tablet(here: PageClient, folder: Path) -> None:
    """The mixer beside the selected pad."""
    here.view("pads")
    here.page.click("#mixer")
    save(here, folder / "page-tablet.png")


def phone(here: PageClient, folder: Path) -> None:
    """Words, what was understood, and the sounds."""
    make(here, "short dark snare with gravel", 7)
    save(here, folder / "page-phone.png")


def main(folder: Path) -> None:
    """Start an engine with the voice that comes with Driftwave, and look at its page."""
    looks: dict[str, Callable[[PageClient, Path], None]] = {
        "phone": phone, "tablet": tablet, "desktop": desktop,
    }  # fmt: skip
    with (
        tempfile.TemporaryDirectory() as kept,
        ServedEngine(Path(kept), ROOT / "engine" / "voices", voice="drums") as engine,
        chromium() as browser,
    ):
        furnish(engine)
        for name, look in looks.items():
            visitor: Any = PageClient(browser, engine.web_port, SCREENS[name])
            with visitor as here:
                look(here, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
