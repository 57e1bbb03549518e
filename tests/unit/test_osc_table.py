"""The method table agrees with itself, with the requests, the handler and docs/osc.md."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.address_space import BY_ADDRESS, METHODS, REPLIES, REPLY_ADDRESSES
from bridge.osc_dispatch import OscDispatcher
from bridge.osc_docs import markdown
from bridge.osc_pattern import is_pattern
from bridge.osc_spec import CODES, Kind, Method, OscFault
from tests.support.osc_memory import MemoryHandler

PAGE = Path(__file__).parents[2] / "docs" / "osc.md"


def test_docs_osc_md_is_what_the_table_says() -> None:
    ours = subprocess.run(
        [sys.executable, "-m", "bridge.address_space", "--markdown"],
        capture_output=True, text=True, check=True, cwd=PAGE.parents[1],
    ).stdout  # fmt: skip
    remedy = "run: python -m bridge.address_space --markdown > docs/osc.md"
    assert PAGE.read_text(encoding="utf-8") == ours == markdown(METHODS, REPLIES), remedy


def test_every_code_is_explained() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(CODES)


def test_addresses_are_plain_unique_and_apart_from_the_answers() -> None:
    assert len(BY_ADDRESS) == len(METHODS)
    assert len(REPLY_ADDRESSES) == len(REPLIES)
    assert REPLY_ADDRESSES.isdisjoint(BY_ADDRESS)
    for address in (*BY_ADDRESS, *REPLY_ADDRESSES):
        assert address.startswith(("/drift/", "/dirt/"))
        assert not is_pattern(address)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.command)
def test_arguments_are_the_fields_of_the_request(method: Method) -> None:
    args = (*method.args, *method.keys)
    fields = [field.name for field in dataclasses.fields(method.request)]
    assert [arg.name for arg in args] == fields


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.command)
def test_the_table_describes_what_oscquery_needs(method: Method) -> None:
    assert method.description
    assert set(method.replies) <= REPLY_ADDRESSES
    assert len(method.type_tags) == len(method.args)
    optional = [arg.optional for arg in method.args]
    assert optional == sorted(optional), "only trailing arguments can be left out"
    for arg in (*method.args, *method.keys):
        assert arg.description
        assert (arg.kind in (Kind.INT, Kind.FLOAT)) == (arg.minimum is not None)
        assert (arg.minimum is None) == (arg.maximum is None)
    assert all(arg.optional for arg in method.keys)


def test_every_method_reaches_a_handler(tmp_path: Path) -> None:
    handler = MemoryHandler(tmp_path)
    dispatcher = OscDispatcher(handler, lambda peer, data: None, version="0")
    assert set(dispatcher._actions) == set(BY_ADDRESS)
    handler.close()


def test_an_unknown_code_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="expected one of bad_address"):
        OscFault("nonsense", "x")
