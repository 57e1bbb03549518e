"""OSCQuery: the address space as JSON, one attribute or all, as the one table has it.

Source: the OSCQuery proposal (Vidvox/OSCQueryProposal). Beyond it, each node has ARGUMENTS (the
names of its arguments) and, where a method takes `key value` pairs, KEYS, and OTHER_KEYS, which is
true where further keys are ignored rather than refused.
"""

from __future__ import annotations

import http
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bridge.osc_peek import has_value
from bridge.osc_spec import Access, Arg, Kind, Method, Reply, Value
from bridge.web_http import HttpFault, HttpResponse, json_response

ATTRIBUTES: Final = (
    "FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT",
    "CLIPMODE", "TAGS", "EXTENDED_TYPE", "CRITICAL", "OVERLOADS", "ARGUMENTS", "KEYS", "OTHER_KEYS",
)  # fmt: skip
EXTENSIONS: Final = {
    **{
        name: True
        for name in ATTRIBUTES
        if name not in ("FULL_PATH", "CONTENTS", "ARGUMENTS", "KEYS", "OTHER_KEYS")
    },
    "HTML": False,
    "LISTEN": True,
    "IGNORE": True,
    # The address space is the same for as long as the engine runs.
    "PATH_CHANGED": False,
    "PATH_ADDED": False,
    "PATH_REMOVED": False,
    "PATH_RENAMED": False,
    "OSC_STREAMING": True,
}
_UNITS: Final = {
    "s": "time.second", "ms": "time.ms", "Hz": "time.hz", "bpm": "time.bpm", "dB": "gain.db",
}  # fmt: skip
_INT32_MAX: Final = 2**31 - 1

Node = dict[str, Any]


class OscQuery:
    """Answers HTTP requests about the address space. [any]

    Args:
        methods, replies: the table.
        name: of this server, for people.
        osc_port, web_port: where OSC and this are.
        values: present values of those of the addresses given that have one.
    """

    def __init__(
        self,
        methods: Sequence[Method],
        replies: Sequence[Reply],
        *,
        name: str,
        osc_port: int,
        web_port: int,
        values: Callable[[Sequence[str]], Mapping[str, Sequence[Value]]],
    ) -> None:
        self._info = {
            "NAME": name,
            "OSC_PORT": osc_port,
            "OSC_TRANSPORT": "UDP",
            "WS_PORT": web_port,
            "EXTENSIONS": EXTENSIONS,
        }
        self._nodes = build_tree(methods, replies)
        self._valued = {method.address: method for method in methods if has_value(method)}
        self._values = values

    def has(self, path: str) -> bool:
        """True when there is a container, method or answer at `path`."""
        return _plain(path) in self._nodes

    def answer(self, path: str, query: str) -> HttpResponse:
        """The node at `path`, or its attribute when `query` names one.

        Raises:
            HttpFault: 404 for a path that is not there, 400 for an attribute that nothing has.
        """
        attribute = query.split("&")[0].split("=")[0]
        if attribute == "HOST_INFO":
            return json_response(self._info)
        node = self._nodes.get(_plain(path))
        if node is None:
            raise HttpFault(http.HTTPStatus.NOT_FOUND, f"{path[:60]}: no such OSC address")
        if not attribute:
            return json_response(self._with_values(node))
        if attribute not in ATTRIBUTES:
            raise HttpFault(
                http.HTTPStatus.BAD_REQUEST,
                f"attribute {attribute[:20]!r}: expected HOST_INFO or one of "
                f"{' '.join(ATTRIBUTES)}",
            )
        if attribute in ("VALUE", "CONTENTS"):
            node = self._with_values(node, deep=attribute == "CONTENTS")
        if attribute not in node:
            return HttpResponse(http.HTTPStatus.NO_CONTENT)
        return json_response({attribute: node[attribute]})

    def _with_values(self, node: Node, *, deep: bool = True) -> Node:
        """A copy of a node and, if `deep`, of all below it, with their present values."""
        addresses = _addresses(node) if deep else [node["FULL_PATH"]]
        values = self._values([address for address in addresses if address in self._valued])

        def filled(node: Node) -> Node:
            copy = dict(node)
            value = values.get(node["FULL_PATH"])
            if value is not None:
                copy["VALUE"] = _json_value(node["TYPE"], value)
            if deep and "CONTENTS" in node:
                copy["CONTENTS"] = {name: filled(one) for name, one in node["CONTENTS"].items()}
            return copy

        return filled(node)


def build_tree(methods: Sequence[Method], replies: Sequence[Reply]) -> dict[str, Node]:
    """Every node by its path; containers hold their children in CONTENTS."""
    nodes: dict[str, Node] = {"/": {"FULL_PATH": "/", "CONTENTS": {}, "DESCRIPTION": "Driftwave"}}
    answers = {reply.address: reply for reply in replies}
    for method in methods:
        _enter(nodes, method.address).update(method_node(method, answers))
    for reply in replies:
        _enter(nodes, reply.address).update(reply_node(reply))
    for path, node in nodes.items():
        if "TYPE" not in node:
            node.setdefault("DESCRIPTION", f"Methods under {path}")
            node["ACCESS"] = int(Access.NONE)
    return nodes


def method_node(method: Method, replies: Mapping[str, Reply]) -> Node:
    """The attributes of a method.

    TYPE is what can be sent; where nothing but reading makes sense, what is read.
    """
    node: Node = {
        **_arguments(method.args),
        "ACCESS": int(Access.WRITE),
        "DESCRIPTION": method.description,
        "TAGS": ["command", *(["job"] if method.job else [])],
        "CRITICAL": True,
        "CLIPMODE": ["none"] * len(method.args),
    }
    if method.parameter:
        node |= {"ACCESS": int(Access.BOTH), "TAGS": ["parameter"], "CRITICAL": False}
    elif has_value(method):
        read = replies[method.replies[0]].args
        return node | {**_arguments(read), "ACCESS": int(Access.READ), "TAGS": ["report"],
                       "CLIPMODE": ["none"] * len(read)}  # fmt: skip
    required = sum(not arg.optional for arg in method.args)
    shorter = [method.args[:count] for count in range(len(method.args) - 1, required - 1, -1)]
    if shorter:
        node["OVERLOADS"] = [_arguments(args) for args in shorter]
    if method.keys:
        node["KEYS"] = {
            arg.name: {**_argument(arg), "DESCRIPTION": arg.description} for arg in method.keys
        }
        node["OTHER_KEYS"] = method.other_keys
    return node


def reply_node(reply: Reply) -> Node:
    """The attributes of what the server sends; it can be listened to, not called."""
    return {
        **_arguments(reply.args),
        "ACCESS": int(Access.NONE),
        "DESCRIPTION": reply.description,
        "TAGS": ["answer"],
        "CRITICAL": True,
    }


def type_tag(arg: Arg) -> str:
    """The OSC type that an argument is best sent as."""
    wide = arg.kind is Kind.INT and arg.maximum is not None and arg.maximum > _INT32_MAX
    return "h" if wide else arg.kind.value


def _arguments(args: Sequence[Arg]) -> Node:
    each = [_argument(arg) for arg in args]
    return {
        "TYPE": "".join(type_tag(arg) for arg in args),
        "RANGE": [one["RANGE"] for one in each],
        "UNIT": [one["UNIT"] for one in each],
        "EXTENDED_TYPE": [one["EXTENDED_TYPE"] for one in each],
        "ARGUMENTS": [arg.name for arg in args],
    }


def _argument(arg: Arg) -> Node:
    return {
        "TYPE": type_tag(arg),
        "RANGE": _range(arg),
        "UNIT": _UNITS.get(arg.unit, arg.unit),
        "EXTENDED_TYPE": "filepath" if arg.local_only else "",
    }


def _range(arg: Arg) -> Node | None:
    if arg.choices:
        return {"VALS": list(arg.choices)}
    if arg.kind is Kind.BOOL:
        return {"VALS": [False, True]}
    if arg.minimum is None and arg.maximum is None:
        return None
    as_type = int if arg.kind is Kind.INT else float
    limits = {"MIN": arg.minimum, "MAX": arg.maximum}
    return {name: as_type(limit) for name, limit in limits.items() if limit is not None}


def _enter(nodes: dict[str, Node], address: str) -> Node:
    """The node at `address`, made together with the containers above it."""
    node = nodes.get(address)
    if node is None:
        node = nodes[address] = {"FULL_PATH": address}
        folder, _, name = address.rpartition("/")
        parent = _enter(nodes, folder or "/")
        parent.setdefault("CONTENTS", {})[name] = node
    return node


def _addresses(node: Node) -> list[str]:
    below = [path for one in node.get("CONTENTS", {}).values() for path in _addresses(one)]
    return [node["FULL_PATH"], *below]


def _json_value(types: str, value: Sequence[Value]) -> list[Value]:
    """A value as JSON has it: a switch is true or false, whatever OSC sent."""
    return [bool(one) if tag == "T" else one for tag, one in zip(types, value, strict=False)]


def _plain(path: str) -> str:
    return path.rstrip("/") or "/"
