"""Measure a voice against real sounds it was not trained on: python -m engine.evaluate VOICE ...

Writes report.json, figures.md (a table for the voice's card) and sheet.png into --report.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine import console
from engine.errors import DataError

if TYPE_CHECKING:
    from engine.metrics.measure import Real
    from engine.runtime import LoadedVoice

SHEET_SOUNDS = 32


@click.command("evaluate")
@click.argument("voice")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Sounds or a shard.")
@click.option("--report", type=click.Path(path_type=Path), help="Folder for report and sheet.")
@click.option("--steps", multiple=True, type=int, help="Sampler steps; by default the voice's.")
@click.option("--sounds", default=0, help="Generated sounds a step count; 0 = as many as held out.")
@click.option("--guidance", type=float, help="Guidance scale; by default the voice's.")
@click.option("--device", default="cpu", show_default=True, help="auto, cpu or cuda.")
def command(
    voice: str,
    data: Path,
    report: Path | None,
    steps: tuple[int, ...],
    sounds: int,
    guidance: float | None,
    device: str,
) -> None:
    """Measure VOICE on the held-out sounds of --data. The report goes to stdout as JSON."""
    from engine.metrics.measure import read_real
    from engine.metrics.sheet import write_sheet
    from engine.runtime import open_runtime
    from engine.voice import find_voice

    loaded = open_runtime(device).load(find_voice(voice))
    real = read_real(_shard(data, report), sounds)
    console.note(f"{len(real.held_out)} held-out sounds, {len(real.train_embeddings)} trained on")
    result, example = evaluate(loaded, real, steps or loaded.voice.sampling.steps, guidance)
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)
        (report / "report.json").write_text(json.dumps(result, indent=1) + "\n")
        (report / "figures.md").write_text(figures(result))
        write_sheet(report / "sheet.png", example, real, SHEET_SOUNDS)
    click.echo(json.dumps(result))


def evaluate(
    loaded: LoadedVoice, real: Real, steps: Sequence[int], guidance: float | None
) -> tuple[dict[str, Any], list[Any]]:
    """The whole report, and the sounds of the default step count (or the last one measured)."""
    from engine.metrics import measure

    table: dict[str, Any] = {}
    example: list[Any] = []
    for count in steps:
        begun = time.perf_counter()
        made = measure.generate(loaded, real, count, guidance)
        each_ms = (time.perf_counter() - begun) * 1000 / len(made)
        row = measure.compare(made, real, loaded.voice.sample_rate)
        table[str(count)] = {**row, "milliseconds": round(each_ms, 1)}
        console.note(f"{count} steps: {table[str(count)]}")
        if not example or count == loaded.voice.sampling.default_steps:
            example = made
    return {
        "voice": loaded.voice.name,
        "hash": loaded.voice.hash,
        "guidance": guidance or loaded.voice.sampling.guidance,
        "sounds": len(real.held_out),
        "reconstruction": measure.reconstruction(loaded, real),
        "real": measure.floors(real),
        "control": measure.control(loaded),
        "steps": table,
    }, example


def figures(result: dict[str, Any]) -> str:
    """The report as Markdown, for CARD.md."""
    rows = {"real, held out": result["real"], **{
        f"{count} step{'s' if count != '1' else ''}": row for count, row in result["steps"].items()
    }}  # fmt: skip
    lines = [
        f"On {result['sounds']} held-out sounds; as many were generated for each row, of the same"
        " categories.",
        "",
        "| sounds | Fréchet distance | category accuracy | diversity, dB "
        "| nearest training sound, dB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, row in rows.items():
        lines.append(
            f"| {name} | {row['frechet']:.1f} | {row['accuracy']:.0%} | {row['diversity_db']:.1f} "
            f"| {row['nearest_train_db']:.1f} |"
        )
    codec, control = result["reconstruction"], result["control"]
    lines += [
        "",
        f"Split-half floor of the Fréchet distance (two sets of real sounds of this size): "
        f"{result['real']['split_half']:.1f}.",
        f"Codec on held-out sounds: log-spectral distance {codec['log_spectral_db']:.1f} dB, "
        f"signal to noise {codec['snr_db']:.1f} dB.",
        "Rank correlation, within a category, of what is asked for with what is measured: "
        + ", ".join(f"{name} {value:.2f}" for name, value in control.items())
        + ".",
        "",
    ]
    return "\n".join(lines)


def _shard(data: Path, report: Path | None) -> Path:
    """The audio shard itself, or one made of a folder of sounds."""
    if data.suffix == ".npz":
        return data
    if report is None:
        raise DataError(f"{data} is a folder; add --report DIR, where its shard can be kept")
    from engine.train import find_recipe
    from engine.training.recipe import read_recipe
    from engine.training.shards import Ingredients, prepared

    recipe = read_recipe(find_recipe("codec"))
    return prepared(recipe, Ingredients(data, (), 0.0, None, 1), report, lambda _row: None)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `evaluate`; returns the exit status."""
    return console.run(command, argv, "evaluate")


if __name__ == "__main__":
    sys.exit(main())
