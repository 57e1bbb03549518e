"""The C++ benchmarks of cpp/bench: audio thread per block, rings and clip hand-over."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure

ROOT = Path(__file__).resolve().parents[1]
AUDIO_THREAD_TARGET_NS = 1000.0  # a 64-frame stereo block with one voice


def run() -> list[Figure]:
    """Build and run every program of cpp/bench; each prints one JSON object a line."""
    command = ["make", "-s", "-C", str(ROOT / "cpp" / "tests"), "bench"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = (line for line in output.splitlines() if line.startswith("{"))
    return [_figure(json.loads(line)) for line in rows]


def _figure(row: dict[str, Any]) -> Figure:
    """One line of link_bench (microseconds) or of shim_bench (nanoseconds)."""
    if "bench" in row:
        p50, p99, most = (1000.0 * row[f"{name}_us"] for name in ("p50", "p99", "max"))
        return Figure(row["bench"], p50, p99, most, row["n"], "ns")
    voices, frames = row["voices"], row["frames"]
    kind = "" if row["clip_rate"] == row["rate"] else ", resampled"
    return Figure(
        f"audio thread, {frames} frames, {voices} voice{'' if voices == 1 else 's'}{kind}",
        row["p50_ns"],
        row["p99_ns"],
        row["max_ns"],
        row["blocks"],
        "ns",
        AUDIO_THREAD_TARGET_NS if (frames, voices, kind) == (64, 1, "") else None,
    )
