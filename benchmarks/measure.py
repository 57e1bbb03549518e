"""Time a call many times and say how it went: p50, p99, max, and on which machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One line of the report. Times in milliseconds unless ``unit`` says otherwise."""

    name: str
    p50: float
    p99: float
    max: float
    count: int
    unit: str = "ms"
    target: float | None = None  # DESIGN's target for p50
    note: str = ""


def summarise(
    name: str, values: list[float], *, unit: str = "ms", target: float | None = None, note: str = ""
) -> Figure:
    """Return the figure of measured ``values``."""
    data = np.asarray(values, dtype=np.float64)
    return Figure(
        name,
        round(float(np.percentile(data, 50)), 4),
        round(float(np.percentile(data, 99)), 4),
        round(float(data.max()), 4),
        len(values),
        unit,
        target,
        note,
    )


def times_ms(call: Callable[[], object], *, count: int, warm_up: int = 3) -> list[float]:
    """Call ``call`` ``warm_up + count`` times and return the last ``count`` durations in ms."""
    durations = []
    for index in range(warm_up + count):
        begin = time.perf_counter()
        call()
        if index >= warm_up:
            durations.append((time.perf_counter() - begin) * 1e3)
    return durations


def machine() -> dict[str, str]:
    """Describe the machine and the commit, for the head of a report."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    ).stdout.strip()
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": model,
        "cores": str(len(os.sched_getaffinity(0))),
        "load": f"{os.getloadavg()[0]:.2f}",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": commit or "unknown",
    }


def table(figures: list[Figure]) -> str:
    """Render the figures as a Markdown table."""
    lines = [
        "| measurement | p50 | p99 | max | unit | target | n | note |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for f in figures:
        target = "" if f.target is None else f"{f.target:g}"
        lines.append(
            f"| {f.name} | {f.p50:g} | {f.p99:g} | {f.max:g} | {f.unit} | {target} "
            f"| {f.count} | {f.note} |"
        )
    return "\n".join(lines)


def as_json(figures: list[Figure]) -> str:
    """Render machine and figures as one JSON document."""
    return json.dumps({"machine": machine(), "figures": [asdict(f) for f in figures]}, indent=1)
