"""Layouts for TouchOSC and Open Stage Control, written from the table of OSC methods.

    python -m bridge.layouts --out bridge/page/layouts

The engine serves them: http://127.0.0.1:9631/layouts/driftwave.tosc
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from bridge.layout_plan import widgets
from bridge.layout_stage_control import stage_control
from bridge.layout_touchosc import touchosc

TOUCHOSC: Final = "driftwave.tosc"
STAGE_CONTROL: Final = "driftwave-open-stage-control.json"


def main(argv: list[str]) -> int:
    """Write both files. Returns 2 for anything but `--out FOLDER`."""
    if len(argv) != 2 or argv[0] != "--out":
        print("usage: python -m bridge.layouts --out FOLDER", file=sys.stderr)
        return 2
    folder = Path(argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TOUCHOSC).write_bytes(touchosc(widgets()))
    (folder / STAGE_CONTROL).write_bytes(stage_control(widgets()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
