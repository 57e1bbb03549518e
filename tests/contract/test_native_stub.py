"""The types that mypy believes are those that the compiled module has."""

from __future__ import annotations

import ast
from pathlib import Path

from bridge import _native

STUB = Path(__file__).parents[2] / "bridge" / "_native.pyi"


def _names(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node
    return found


def _public(thing: object) -> set[str]:
    return {name for name in vars(thing) if not name.startswith("_")}


def test_the_stub_names_what_the_module_has_and_nothing_else() -> None:
    stub = _names(ast.parse(STUB.read_text()).body)
    assert stub.keys() == _public(_native)


def test_the_stub_of_every_class_names_its_members_and_nothing_else() -> None:
    for name, node in _names(ast.parse(STUB.read_text()).body).items():
        if isinstance(node, ast.ClassDef):
            members = {member for member in _names(node.body) if not member.startswith("_")}
            inherited = {"name", "value"} & (members ^ _public(getattr(_native, name)))
            assert members == _public(getattr(_native, name)) - inherited, name
