"""An adaptation from beginning to end: prepare, learn, tune the decoder, write the voice, report.

Every stage that is over is written down (state), and the two trainings save themselves, so that
the same command goes on after a kill, and repeats nothing but the last seconds.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.adaptation import finish, prepare, tuning
from engine.adaptation.card import card
from engine.adaptation.folder import FEW_SOUNDS, MOST_SOUNDS, Folder, read_folder
from engine.adaptation.hearing import heard, sounds, write_previews
from engine.adaptation.measuring import Reference, floors, measured, reference
from engine.adaptation.report import PICTURED, Report, summary, table, write_report
from engine.adaptation.scales import conditioning
from engine.adaptation.start import check_adaptable, start_of
from engine.adaptation.state import State, key_of, locked, read_state, write_state
from engine.adaptation.tags import tagged
from engine.errors import Cancelled
from engine.runtime.generation import LoadedVoice
from engine.runtime.onnx import OnnxRuntime
from engine.training.audio_shard import AudioSettings, AudioShard
from engine.training.loop import Trainer
from engine.voice import Voice
from engine.voice_format import Conditioning
from engine.voice_networks import voice_network

Say = Callable[[dict[str, Any]], None]

_PREPARE_SHARE = 0.12  # of the budget, at most
_FINISH_SHARE, _FINISH_SECONDS = 0.2, 75.0  # kept for the voice and the report, at most
_DECODER_SHARE = 0.4  # of what is left for training
_SAY_SECONDS = 5.0
_PREVIEWS = 4  # sounds of the style, and one of each of as many words
_FIRST_PREVIEW, _NEXT_PREVIEW = 45.0, 1.8  # seconds from the beginning; factor to the next
_MEASURED = 128  # generated sounds, before and after
_SECONDS_A_SOUND = 0.1  # of measuring, with all its parts, on a slow machine


@dataclass(frozen=True)
class Plan:
    """What is asked for. steps: of each training, in place of the clock; 0 = the clock."""

    base: Voice
    data: Path
    name: str
    out: Path
    budget_seconds: float
    again: bool = False
    steps: int = 0
    most_sounds: int = MOST_SOUNDS


def adapt(plan: Plan, say: Say, stop: Callable[[], bool]) -> tuple[Voice, Report]:
    """Adapt a voice, or go on with it. say(row) tells progress.

    Raises DataError for a folder without sounds, UsageError for a name or folder that is taken,
    Cancelled when ``stop`` said so: what was done is kept.
    """
    finish.check_name(plan.name, finish.target_folder(plan.name))
    check_adaptable(plan.base)
    key = key_of(plan.data, plan.base, plan.name)
    with locked(plan.out):
        state = read_state(plan.out, key, plan.again)
        return _Adaptation(plan, state, say, stop).run()


class _Adaptation:
    """One run of the stages that are not over yet."""

    def __init__(self, plan: Plan, state: State, say: Say, stop: Callable[[], bool]) -> None:
        self.plan, self.state, self.say, self.stop = plan, state, say, stop
        self.out = plan.out
        self.previewed = 0.0
        self.said = ("", 0.0)  # stage and time of the last line of progress

    def run(self) -> tuple[Voice, Report]:
        if "prepare" not in self.state.spent:
            self._stage("prepare", self._prepare)
        else:
            self.say({"going_on": str(self.out), "spent_s": round(sum(self.state.spent.values()))})
        facts = self.state.facts
        for remark in facts["remarks"]:
            self.say({"note": remark})
        scales = conditioning(self.plan.base.conditioning, self.out / prepare.LATENTS,
                              facts["style"])  # fmt: skip
        self._train("denoiser", scales)
        self._train("decoder", scales)
        return self._finish(scales)

    # ---- stages -------------------------------------------------------------------------

    def _prepare(self) -> dict[str, Any]:
        plan = self.plan
        seconds = _PREPARE_SHARE * plan.budget_seconds
        folder = read_folder(plan.data, seconds / 2, self._reading, plan.most_sounds)
        tags = tagged(folder.names, plan.name, plan.base.conditioning.categories)
        start = start_of(plan.base, len(tags.categories))
        quantiles = np.asarray(plan.base.conditioning.quantiles)
        done = prepare.write_shards(
            folder, tags, quantiles, start.network, start.codec, self.out, seconds / 2,
            self._encoding,
        )  # fmt: skip
        tuning.write_start(self.out, "start.safetensors", start.denoiser)
        tuning.write_start(self.out, "codec.safetensors", start.network.state_dict())
        known = set(range(len(plan.base.conditioning.categories)))
        return {
            "files": folder.files,
            "trained": int((~folder.held).sum()),
            "held": int(folder.held.sum()),
            "rows": done.rows,
            "seconds": done.seconds,
            "style": tags.style,
            "words": list(tags.used),
            "held_categories": sorted(known - {c for row in tags.rows for c in row}),
            "remarks": _remarks(folder),
        }

    def _train(self, part: str, scales: Conditioning) -> None:
        facts, plan = self.state.facts, self.plan
        if part in self.state.spent:
            return
        length = tuning.Length(self._seconds_for(part), plan.steps)
        if part == "denoiser":
            held = tuple(facts["held_categories"])
            trainer = tuning.denoiser_trainer(plan.base, self.out, held, facts["seconds"], length)
        else:
            trainer = tuning.decoder_trainer(plan.base, self.out, length)
        self._stage(part, lambda: self._tune(part, trainer, scales))

    def _tune(self, part: str, trainer: Trainer, scales: Conditioning) -> dict[str, Any]:
        before = sum(self.state.spent.values())

        def tell(row: dict[str, Any]) -> None:
            if self._due(part) or trainer.done >= 1.0:
                told = {"stage": part, "percent": round(100 * min(1.0, trainer.done)), **row}
                # with several phases each has a loss; the network's own comes first
                told["loss"] = next(v for k, v in row.items() if k.split(".")[-1] == "total")
                if not self.plan.steps:
                    left = self.plan.budget_seconds - before - trainer.seconds
                    told["minutes_left"] = round(max(0.0, left) / 60.0, 1)
                self.say(told)

        def after() -> None:
            if part == "denoiser" and self._preview_is_due(before + trainer.seconds):
                self._preview(trainer, scales)

        tuning.run(trainer, tell, self.stop, after)
        if self.stop() and trainer.done < 1.0:
            raise Cancelled(f"stopped; the same command goes on from {self.out}")
        return {f"{part}_steps": trainer.step}

    def _finish(self, scales: Conditioning) -> tuple[Voice, Report]:
        plan, facts = self.plan, self.state.facts
        self.say({"stage": "voice", "percent": 0})
        words = [scales.categories[facts["style"]].replace("_", " "), *facts["words"]]
        words = list(dict.fromkeys(word.replace("_", " ") for word in words))
        description = f"{plan.base.name} adapted to {facts['trained']} sounds of {plan.name!r}"
        voice = finish.made_voice(
            self.out / "voice", plan.base, plan.name, scales, tuning.model_of(self.out, "denoiser"),
            tuning.model_of(self.out, "decoder"), facts["seconds"], description, "",
        )  # fmt: skip
        report = self._report(voice, words)
        text = card(plan.name, plan.base, plan.data.resolve().name, words, table(report))
        voice = finish.installed(voice, plan.name, text)
        shutil.rmtree(self.out / "voice", ignore_errors=True)
        for line in summary(report):
            self.say({"learned": line})
        return voice, report

    def _report(self, voice: Voice, words: list[str]) -> Report:
        plan, facts = self.plan, self.state.facts
        self.say({"stage": "report", "percent": 0})
        shard = AudioShard(AudioSettings(), self.out / prepare.SOUNDS)
        real = reference(shard)
        runtime = OnnxRuntime()
        base, adapted = runtime.load(plan.base), runtime.load(voice)
        count = int(np.clip(0.1 * plan.budget_seconds / _SECONDS_A_SOUND / 3, 8, _MEASURED))
        asked = {"before": "", "after": words[0]}
        known = [c for c in facts["words"] if c in plan.base.conditioning.categories]
        figures: dict[str, Mapping[str, float]] = {"real": floors(real)}
        made = {}
        for prompt in dict.fromkeys(["", *(word.replace("_", " ") for word in known[:1])]):
            row, heard_sounds = _measured(base, prompt, count, real)
            if "before" not in figures or _far(row) < _far(figures["before"]):
                figures["before"], made["before"] = row, heard_sounds
                asked["before"] = prompt
        figures["after"], made["after"] = _measured(adapted, asked["after"], count, real)
        rows = shard.held_rows if len(shard.held_rows) else shard.train_rows
        pictured = {
            f"before: {plan.base.name}": made["before"],
            f"after: {plan.name}": made["after"],
            "the folder (held out)" if len(shard.held_rows) else "the folder": [
                shard.sound(int(row)) for row in rows[:PICTURED]
            ],
        }
        told = {**facts, "asked": asked, "dimensions": real.dimensions,
                "seconds_spent": {k: round(v) for k, v in self.state.spent.items()}}  # fmt: skip
        report = Report(plan.name, plan.base.name, figures, told)
        write_report(self.out, report, pictured, shard.sample_rate)
        write_previews(adapted, self._prompts(), self.out / "previews", "final")
        return report

    # ---- what stages share --------------------------------------------------------------

    def _stage(self, name: str, work: Callable[[], dict[str, Any]]) -> None:
        begin = time.monotonic()
        facts = work()
        spent = time.monotonic() - begin
        self.state = self.state.after(name, spent, facts)
        write_state(self.out, self.state)

    def _seconds_for(self, part: str) -> float:
        """Seconds of a training, over all sessions."""
        budget = self.plan.budget_seconds
        end = min(_FINISH_SHARE * budget, _FINISH_SECONDS)
        left = max(1.0, budget - end - self.state.spent["prepare"])
        return left * (_DECODER_SHARE if part == "decoder" else 1.0 - _DECODER_SHARE)

    def _preview_is_due(self, spent: float) -> bool:
        due = max(_FIRST_PREVIEW, self.previewed * _NEXT_PREVIEW)
        if spent < due:
            return False
        self.previewed = spent
        return True

    def _preview(self, trainer: Trainer, scales: Conditioning) -> None:
        base = self.plan.base
        network = finish.denoiser_of(base, scales, trainer.ema.state)
        codec: Any = voice_network(base, base.autoencoder, "autoencoder.")
        loaded = heard(base, self.plan.name, scales, network, codec)
        label = f"{round(self.previewed):04d}s"
        paths = write_previews(loaded, self._prompts(), self.out / "previews", label)
        self.say({"preview": str(paths[0]), "sounds": len(paths)})

    def _prompts(self) -> list[str]:
        """The style a few times, then some words of the folder."""
        words = [word.replace("_", " ") for word in self.state.facts["words"]]
        return [*[words[0]] * _PREVIEWS, *words[1 : 1 + _PREVIEWS]]

    def _reading(self, count: int, of: int) -> None:
        self._progress("reading", count, of)

    def _encoding(self, count: int) -> None:
        self._progress("encoding", count, 0)

    def _progress(self, stage: str, count: int, of: int) -> None:
        if self.stop():
            raise Cancelled(f"stopped; the same command goes on from {self.out}")
        if self._due(stage):
            self.say({"stage": stage, "sounds": count, **({"of": of} if of else {})})

    def _due(self, stage: str) -> bool:
        """Whether to say how far a stage is: at its beginning and from time to time."""
        now = time.monotonic()
        if self.said[0] == stage and now - self.said[1] < _SAY_SECONDS:
            return False
        self.said = (stage, now)
        return True


def _measured(
    loaded: LoadedVoice, prompt: str, count: int, real: Reference
) -> tuple[dict[str, float], list[Any]]:
    made = sounds(loaded, [prompt] * count)
    return measured(made, real), made


def _far(row: Mapping[str, float]) -> float:
    """What "nearer" means: the Fréchet distance, or the nearest sound's where there is none."""
    return row.get("frechet_raw", row["nearest_train_db"])


def _remarks(folder: Folder) -> list[str]:
    """What the musician should know about the folder."""
    count = len(folder.sounds)
    read = count + folder.copies + len(folder.skipped)
    remarks = []
    if count == 1:
        remarks.append(
            "there is one sound only: the voice makes variations of it, and nothing is left to "
            "measure them by"
        )
    elif count < FEW_SOUNDS:
        remarks.append(
            f"there are {count} sounds only: all are trained on, none is held out; the voice stays "
            f"near them ({FEW_SOUNDS} or more sounds teach it a kind)"
        )
    if read < folder.files:
        remarks.append(
            f"{read} of {folder.files} files were read, a fair sample of all folders; a larger "
            "budget reads more"
            if not folder.full
            else f"{read} of {folder.files} files were read, a fair sample: more teach no more"
        )
    if folder.skipped:
        some = "; ".join(folder.skipped[:3])
        remarks.append(f"{len(folder.skipped)} files are not used: {some}")
    if folder.copies:
        remarks.append(f"{folder.copies} sounds equal another and are left out")
    return remarks


def use_threads(count: int | None) -> None:
    """Let torch use so many threads; None leaves its own choice."""
    if count:
        torch.set_num_threads(count)
