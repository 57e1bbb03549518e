"""Compare voices and trained runs on real sounds: python -m engine.evaluate SUBJECT... --data ...

With --task denoise denoisers are compared instead (engine.denoising_evaluation).

Writes report.json, report.html, table.md and pictures into --report. Of a single voice also
figures.md (a table for the voice's card) and sheet.png, and the JSON says more.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from engine import console
from engine.errors import DataError, UsageError

if TYPE_CHECKING:
    from engine.laboratory.comparison import Comparison
    from engine.laboratory.voice_model import VoiceModel


@click.command("evaluate")
@click.argument("subjects", nargs=-1, metavar="SUBJECT...")
@click.option(
    "--task", type=click.Choice(["generate", "denoise"]), default="generate", show_default=True
)
@click.option("--data", type=click.Path(path_type=Path), help="Sounds or a shard.")
@click.option("--report", type=click.Path(path_type=Path), help="Folder for report and pictures.")
@click.option("--steps", multiple=True, type=int, help="Steps to measure; by default a sweep.")
@click.option("--samplers", default="", help="name:steps,… ; by default all that a subject has.")
@click.option(
    "--sounds",
    default=0,
    help="Generated sounds a row; 0 = as many as held out. Denoise: sounds of each kind; 0 = 2.",
)
@click.option("--guidance", type=float, help="Guidance scale; by default each subject's own.")
@click.option("--device", default="cpu", show_default=True, help="auto, cpu or cuda.")
@click.option("--snr", metavar="DB,…", help="Denoise: SNRs and clean [-5,0,5,10,20,30,clean].")
@click.option("--noises", metavar="NAME,…", help="Denoise: families of noise [all eight].")
@click.option("--kinds", metavar="NAME,…", help="Denoise: instruments,drums,mixes,speech [all].")
@click.option("--seconds", type=float, help="Denoise: length of each sound [4].")
@click.option("--rate", type=int, help="Denoise: sample rate of the sounds, Hz [48000].")
@click.option("--seed", type=int, help="Denoise: of every random choice [1].")
@click.option("--soundfont", type=click.Path(path_type=Path), help="Denoise: SF2 of instruments.")
@click.option("--json", "as_json", is_flag=True, help="Errors as JSON; denoise: the report too.")
def command(
    subjects: tuple[str, ...],
    task: str,
    data: Path | None,
    report: Path | None,
    steps: tuple[int, ...],
    samplers: str,
    sounds: int,
    guidance: float | None,
    device: str,
    as_json: bool,
    **denoise: Any,
) -> None:
    """Measure each SUBJECT (voice name, voice folder or run folder) on held-out sounds of --data.

    The report goes to stdout as JSON, progress to stderr.

    With --task denoise: compare denoisers on noisy sounds of the folder --data (speech/, noise/,
    oneshots/, instruments/, mixes/), or on made ones. A SUBJECT is then wiener, oracle,
    noisereduce, rnnoise, nsnet2, deepfilternet3 or "driftwave VOICE"; by default all. Tables go
    to stdout as Markdown, or as JSON with --json. The same --report goes on with a run that was
    stopped.
    """
    _refuse_strangers(task)
    if task == "denoise":
        click.echo(_denoise(subjects, data, report, sounds, denoise, as_json))
        return
    if not subjects or data is None:
        raise UsageError(
            "nothing to measure; give SUBJECT... and --data, a folder or shard of sounds"
        )
    from engine.laboratory.comparison import Plan, compare_subjects
    from engine.laboratory.report import as_result, write_files
    from engine.laboratory.subjects import is_run, open_subjects
    from engine.laboratory.voice_model import VoiceModel
    from engine.metrics.measure import open_shard

    opened = open_subjects(subjects, device)
    shard = open_shard(_shard(data, report))
    plan = Plan(sounds=sounds, samplers=_samplers(samplers), steps=steps, guidance=guidance)
    if steps:
        plan = replace(plan, sweep=())
    voice = opened[0] if len(subjects) == 1 and isinstance(opened[0], VoiceModel) else None
    if voice is not None and not steps:
        plan = replace(plan, steps=voice.voice.sampling.steps)
    found = compare_subjects(opened, shard, plan, console.note)
    result = as_result(found, opened)
    if voice is not None:
        result |= _facts(voice, found, plan.steps, guidance)
    if report is not None:
        runs = [Path(name) for name in subjects if is_run(Path(name))]
        write_files(found, opened, runs, report, console.note)
        (report / "report.json").write_text(json.dumps(result, indent=1) + "\n")
        if voice is not None:
            (report / "figures.md").write_text(figures(result))
            shutil.copyfile(next(report.glob("sheet-*.png")), report / "sheet.png")
    click.echo(json.dumps(result))


_OF_GENERATE = frozenset({"steps", "samplers", "guidance", "device"})
_OF_DENOISE = frozenset({"snr", "noises", "kinds", "seconds", "rate", "seed", "soundfont"})


def _refuse_strangers(task: str) -> None:
    """UsageError when an option of the other task was given."""
    strange, other = (_OF_GENERATE, "generate") if task == "denoise" else (_OF_DENOISE, "denoise")
    context = click.get_current_context()
    for name in sorted(strange):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(f"--{name} belongs to --task {other}; leave one of them out")


def _denoise(
    subjects: Sequence[str], data: Path | None, report: Path | None, sounds: int,
    told: dict[str, Any], as_json: bool,
) -> str:  # fmt: skip
    """Runs the comparison of denoisers; what goes to stdout."""
    from engine.denoising_evaluation.command import evaluate, printed
    from engine.denoising_evaluation.protocol import Plan, parse_names, parse_snrs

    plan = Plan(
        seed=1 if told["seed"] is None else told["seed"],
        sample_rate=48_000 if told["rate"] is None else told["rate"],
        seconds=4.0 if told["seconds"] is None else told["seconds"],
        sounds=sounds or 2,
        snrs_db=parse_snrs(told["snr"] or ""),
        noises=parse_names(told["noises"] or ""),
    )
    if told["kinds"]:
        plan = replace(plan, kinds=parse_names(told["kinds"]))
    found = evaluate(
        plan, subjects, data=data, soundfont=told["soundfont"], report=report, say=console.note
    )
    return printed(found, as_json=as_json)


def _facts(
    model: VoiceModel, found: Comparison, steps: Sequence[int], guidance: float | None
) -> dict[str, Any]:
    """What is said of a single voice: its codec, its obedience, and its figures by step count."""
    from engine.metrics import measure

    rows = {point["steps"]: point for point in found.points if point["sampler"] == model.sampler}
    return {
        "voice": model.name,
        "hash": model.voice.hash,
        "guidance": guidance or model.usual_guidance,
        "reconstruction": measure.reconstruction(model.loaded, found.real),
        "control": measure.control(model.loaded),
        "steps": {str(count): rows[count] for count in steps if count in rows},
    }


def figures(result: dict[str, Any]) -> str:
    """The report as Markdown, for CARD.md."""
    rows = {"real, held out": result["real"], **{
        f"{count} step{'s' if count != '1' else ''}": row for count, row in result["steps"].items()
    }}  # fmt: skip
    lines = [
        f"On {result['sounds']} held-out sounds; as many were generated for each row, of the same"
        " categories.",
        "",
        "| sounds | Fréchet distance | coverage | density | category accuracy | diversity, dB "
        "| nearest training sound, dB | copies |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in rows.items():
        lines.append(
            f"| {name} | {row['frechet']:.1f} | {row['coverage']:.0%} | {row['density']:.2f} "
            f"| {row['accuracy']:.0%} | {row['diversity_db']:.1f} | {row['nearest_train_db']:.1f} "
            f"| {row['copies']:.0%} |"
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


def _samplers(text: str) -> tuple[tuple[str, int], ...]:
    """ "ddim:20,euler" -> (("ddim", 20), ("euler", 0)); UsageError when it is not of that form."""
    chosen = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, steps = part.partition(":")
        if not name or (steps and not steps.isdecimal()):
            raise UsageError(f"--samplers has {part!r}; expected name or name:steps, with commas")
        chosen.append((name, int(steps or 0)))
    return tuple(chosen)


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
