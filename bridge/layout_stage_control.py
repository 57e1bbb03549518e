"""The layout as a session of Open Stage Control: JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bridge.layout_plan import Kind, Widget


def stage_control(widgets: Iterable[Widget]) -> bytes:
    """The bytes of the session; start the program with `--send HOST:9630`."""
    root = {
        "type": "root",
        "id": "root",
        "colorBg": "#08090c",
        "widgets": [_widget(widget) for widget in widgets],
        "tabs": [],
    }
    session = {
        "createdWith": "Open Stage Control",
        "version": "1.25.0",
        "type": "session",
        "content": root,
    }
    return (json.dumps(session, indent=1) + "\n").encode()


def _widget(widget: Widget) -> dict[str, Any]:
    common = {
        "id": widget.name,
        "label": widget.label,
        "address": widget.address,
        "typeTags": "f",
        "left": widget.x,
        "top": widget.y,
        "width": widget.width,
        "height": widget.height,
        "colorWidget": "#ff8585" if widget.address.endswith("panic") else "#3fd9c6",
    }
    if widget.kind in (Kind.TAP, Kind.TOGGLE):
        return {"type": "button", "mode": widget.kind.value, "on": 1, "off": 0, **common}
    return {
        "type": "fader",
        "design": "compact",
        "horizontal": widget.kind is Kind.ACROSS,
        "range": {"min": widget.low, "max": widget.high},
        "default": 120 if widget.unit == "bpm" else 0,
        "doubleTap": True,
        "comments": widget.unit,
        **common,
    }
