"""The C++ benchmarks of cpp/bench: audio thread per block, rings and clip hand-over."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from benchmarks.measure import Figure

ROOT = Path(__file__).resolve().parents[1]


def run() -> list[Figure]:
    """Build and run every program of cpp/bench; each prints one JSON object a line."""
    folder = ROOT / "cpp" / "bench"
    subprocess.run(["make", "-s", "-C", str(folder)], check=True)
    figures = []
    for program in sorted((ROOT / "build" / "cpp-bench").iterdir()):
        output = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
        for line in output.splitlines():
            row = json.loads(line)
            figures.append(
                Figure(
                    row["name"],
                    row["p50_ns"],
                    row["p99_ns"],
                    row["max_ns"],
                    row["count"],
                    "ns",
                    row.get("target_ns"),
                )
            )
    return figures
