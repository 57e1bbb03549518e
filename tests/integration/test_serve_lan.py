"""Who can reach the engine: two network namespaces with a cable between them, as two machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.serving import ROOT, WATCHDOG_S, ServedEngine

HERE, THERE = "10.213.7.1", "10.213.7.2"
STUDIO, OTHER = f"driftwave-studio-{os.getpid()}", f"driftwave-other-{os.getpid()}"


def ip(*words: str) -> subprocess.CompletedProcess[str]:
    """Run one `ip` command."""
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def network() -> Iterator[None]:
    with ExitStack() as stack:
        for name in (STUDIO, OTHER):
            try:
                made = ip("netns", "add", name)
            except FileNotFoundError:
                pytest.skip("the program `ip` is missing (package iproute2)")
            if made.returncode:
                pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
            stack.callback(ip, "netns", "del", name)
        for words in (
            f"link add dw-a netns {STUDIO} type veth peer name dw-b netns {OTHER}",
            f"-n {STUDIO} addr add {HERE}/24 dev dw-a",
            f"-n {OTHER} addr add {THERE}/24 dev dw-b",
            f"-n {STUDIO} link set lo up",
            f"-n {STUDIO} link set dw-a up",
            f"-n {OTHER} link set dw-b up",
        ):
            done = ip(*words.split())
            if done.returncode:
                pytest.skip(f"ip {words}: {done.stderr.strip()}")
        yield


def reached(namespace: str, host: str, engine: ServedEngine) -> dict[str, str]:
    """What somebody in `namespace` meets at the engine's doors."""
    command = [sys.executable, "-m", "tests.support.stranger", host]
    done = subprocess.run(
        ["ip", "netns", "exec", namespace, *command, str(engine.port), str(engine.web_port)],
        cwd=ROOT, capture_output=True, text=True, timeout=WATCHDOG_S, check=True,
    )  # fmt: skip
    found: dict[str, str] = json.loads(done.stdout)
    return found


def serve(folder: Path, voices: Path, flags: Sequence[str]) -> ServedEngine:
    """An engine in the studio."""
    within = ("ip", "netns", "exec", STUDIO)
    return ServedEngine(folder, voices, voice="tiny", flags=flags, within=within)


EVERYTHING = {"udp": "answered", "tcp": "answered", "web": "answered"}
NOT_LISTENING = {"udp": "refused", "tcp": "refused", "web": "refused"}
TURNED_AWAY = {"udp": "silence", "tcp": "closed", "web": "closed"}


@pytest.mark.parametrize(
    ("flags", "from_outside"),
    [
        ((), NOT_LISTENING),
        (("--lan",), EVERYTHING),
        (("--lan", "--allow", THERE), EVERYTHING),
        (("--lan", "--allow", "10.213.7.0/24"), EVERYTHING),
        (("--lan", "--allow", "10.213.7.9"), TURNED_AWAY),
    ],
    ids=["default", "lan", "allowed", "allowed network", "not allowed"],
)
@pytest.mark.usefixtures("network")
def test_another_machine_meets_only_what_was_opened(
    flags: Sequence[str], from_outside: dict[str, str], tmp_path: Path, tiny_voices: Path
) -> None:
    with serve(tmp_path, tiny_voices, flags) as engine:
        assert reached(STUDIO, "127.0.0.1", engine) == EVERYTHING
        assert reached(OTHER, HERE, engine) == from_outside
        if from_outside is TURNED_AWAY:
            assert any(f"--allow {THERE}" in line for line in engine.log)
        if "--lan" in flags:
            assert engine.facts["page"] == f"http://{HERE}:{engine.web_port}/"


def test_allow_without_lan_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine.serve", "--allow", THERE],
        cwd=ROOT, capture_output=True, text=True, timeout=WATCHDOG_S, check=False,
        env={**os.environ, "DRIFTWAVE_CONFIG_DIR": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, "--lan" in done.stderr) == (2, True), done.stderr


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine.serve", "--lan", "--allow", "studio.local"],
        cwd=ROOT, capture_output=True, text=True, timeout=WATCHDOG_S, check=False,
        env={**os.environ, "DRIFTWAVE_CONFIG_DIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "'studio.local'" in done.stderr
    assert "192.168.1.0/24" in done.stderr
