"""The layout as TouchOSC keeps it: XML, compressed by zlib, in a .tosc file."""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

from bridge.layout_plan import HEIGHT, WIDTH, Kind, Widget

_NAMES: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:driftwave:touchosc")
_MOMENTARY: Final = 0
_TOGGLE_RELEASE: Final = 1
_NORTH: Final = 0
_EAST: Final = 1
_ACCENT: Final = (0.25, 0.85, 0.78, 1.0)
_NEW: Final = (0.45, 0.5, 0.58, 1.0)
_PANIC: Final = (1.0, 0.4, 0.4, 1.0)
_GROUND: Final = (0.03, 0.035, 0.05, 1.0)
_TEXT: Final = (0.95, 0.96, 0.97, 1.0)

Frame = tuple[int, int, int, int]
Colour = tuple[float, float, float, float]


def touchosc(widgets: Iterable[Widget]) -> bytes:
    """The bytes of the .tosc file; the same for the same widgets."""
    return zlib.compress(touchosc_xml(widgets), 9)


def touchosc_xml(widgets: Iterable[Widget]) -> bytes:
    """What is compressed."""
    root = ET.Element("lexml", version="3")
    page = _node(root, "GROUP", "driftwave", (0, 0, WIDTH, HEIGHT), _GROUND)
    children = ET.SubElement(page, "children")
    for widget in widgets:
        _control(children, widget)
        _label(children, widget)
    ET.indent(root, " ")
    xml: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return xml


def _control(parent: ET.Element, widget: Widget) -> None:
    frame = (widget.x, widget.y, widget.width, widget.height)
    fades = widget.kind in (Kind.FADER, Kind.ACROSS)
    node = _node(parent, "FADER" if fades else "BUTTON", widget.name, frame, _colour(widget))
    properties = node.find("properties")
    assert properties is not None
    if fades:
        _property(properties, "i", "orientation", _EAST if widget.kind is Kind.ACROSS else _NORTH)
        _property(properties, "i", "response", 1)  # relative: nothing jumps under a finger
    else:
        toggles = widget.kind is Kind.TOGGLE
        _property(properties, "i", "buttonType", _TOGGLE_RELEASE if toggles else _MOMENTARY)
    values = ET.SubElement(node, "values")
    _value(values, "x", "0")
    _value(values, "touch", "false")
    _message(ET.SubElement(node, "messages"), widget)


def _label(parent: ET.Element, widget: Widget) -> None:
    """The name on a widget; it lets every touch through."""
    frame = (widget.x, widget.y + widget.height - 26, widget.width, 24)
    node = _node(parent, "LABEL", f"{widget.name}_label", frame, _TEXT)
    properties = node.find("properties")
    assert properties is not None
    for key in ("background", "outline", "interactive"):
        _property(properties, "b", key, 0)
    _property(properties, "c", "textColor", _TEXT)
    _property(properties, "i", "textSize", 16)
    _value(ET.SubElement(node, "values"), "text", widget.label)


def _message(parent: ET.Element, widget: Widget) -> None:
    """The OSC message that it sends, and hears."""
    osc = ET.SubElement(parent, "osc")
    _texts(osc, enabled=1, send=1, receive=int(widget.kind is not Kind.TAP), feedback=0)
    _texts(osc, noDuplicates=0, connections="1111111111")
    trigger = ET.SubElement(ET.SubElement(osc, "triggers"), "trigger")
    _texts(trigger, var="x", condition="RISE" if widget.kind is Kind.TAP else "ANY")
    _partial(ET.SubElement(osc, "path"), "CONSTANT", "STRING", widget.address, (0, 1))
    arguments = ET.SubElement(osc, "arguments")
    _partial(arguments, "VALUE", "FLOAT", "x", (widget.low, widget.high))


def _partial(
    parent: ET.Element, kind: str, conversion: str, value: str, scale: tuple[float, float]
) -> None:
    partial = ET.SubElement(parent, "partial")
    _texts(partial, type=kind, conversion=conversion, value=value)
    _texts(partial, scaleMin=f"{scale[0]:g}", scaleMax=f"{scale[1]:g}")


def _node(parent: ET.Element, kind: str, name: str, frame: Frame, colour: Colour) -> ET.Element:
    node = ET.SubElement(parent, "node", ID=str(uuid.uuid5(_NAMES, name)), type=kind)
    properties = ET.SubElement(node, "properties")
    _property(properties, "s", "name", name)
    _property(properties, "r", "frame", frame)
    _property(properties, "c", "color", colour)
    return node


def _property(
    parent: ET.Element, kind: str, key: str, value: str | float | Sequence[float]
) -> None:
    made = ET.SubElement(parent, "property", type=kind)
    ET.SubElement(made, "key").text = key
    kept = ET.SubElement(made, "value")
    if isinstance(value, str | int | float):
        kept.text = str(value)
        return
    for part, number in zip({"r": "xywh", "c": "rgba"}[kind], value, strict=True):
        ET.SubElement(kept, part).text = f"{number:g}"


def _value(parent: ET.Element, key: str, default: str) -> None:
    value = ET.SubElement(parent, "value")
    _texts(value, key=key, locked=0, lockedDefaultCurrent=0, default=default, defaultPull=0)


def _texts(parent: ET.Element, **texts: str | int) -> None:
    for tag, text in texts.items():
        ET.SubElement(parent, tag).text = str(text)


def _colour(widget: Widget) -> Colour:
    if widget.address.endswith("panic"):
        return _PANIC
    return _NEW if widget.address.endswith("generate") else _ACCENT
