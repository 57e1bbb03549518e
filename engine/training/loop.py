"""The training loop: any recipe's network, framework and data; resumable to the bit.

Every step's batch and noise follow from (seed, step), so a run that was killed continues from
its checkpoint with the numbers it would have had.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import RecipeError, StorageError
from engine.frameworks import Batch, DataInfo, Framework, Parts, Phase
from engine.training.building import build_codec, build_network, network_builder
from engine.training.checkpoint import load_checkpoint, replace_file, save_checkpoint
from engine.training.ema import Ema
from engine.training.prefetch import prefetched
from engine.training.preview import sheet, write_png, write_wav
from engine.training.recipe import Optimizer, Recipe
from engine.training.resuming import check_resumable
from engine.training.sources import Source

CHECKPOINT = "checkpoint.safetensors"
MODEL = "model.safetensors"
CURVE = "curve.jsonl"
CODEC = "codec.safetensors"


@dataclass(frozen=True)
class Run:
    """Where a run writes and when it ends."""

    out: Path
    device: str = "cpu"
    budget_seconds: float = math.inf
    resume: bool = False
    start_from: Path | None = None  # a model or checkpoint whose network weights to begin with
    codec: Path | None = None  # the model that made the latents or codes; the run keeps a copy
    paced: bool = False  # the budget, over all sessions, is the run's length, not loop.steps
    save_seconds: float = math.inf  # save at least this often


def build_framework(recipe: Recipe, info: DataInfo, start_from: Path | None = None) -> Framework:
    """Build network, codec and framework of a recipe; weights from ``start_from`` if given."""
    torch.manual_seed(recipe.loop.seed)
    codec = build_codec(recipe)
    network = build_network(recipe, codec, info)
    if start_from is not None:
        try:
            network.load_state_dict(network_weights(start_from))
        except RuntimeError as error:
            raise RecipeError(
                f"{start_from} holds another network than recipe {recipe.name!r} builds"
            ) from error
    parts = Parts(network, codec, info, recipe.loop.steps, network_builder(recipe))
    framework: Framework = recipe.framework.spec.build(recipe.framework.settings, parts)
    return framework


def network_weights(path: Path) -> dict[str, Tensor]:
    """Return the (averaged) network weights of a checkpoint or model file."""
    tensors, _ = load_checkpoint(path)
    averaged = {k[4:]: v for k, v in tensors.items() if k.startswith("ema.")}
    return averaged or tensors


class Trainer:
    """One run: framework, optimizers, average, and the step they have reached."""

    def __init__(self, recipe: Recipe, source: Source, run: Run) -> None:
        self.recipe, self.source, self.run = recipe, source, run
        self.step = 0
        self.seconds = 0.0  # of training, over all sessions
        self.facts: dict[str, Any] = {"data": dataclasses.asdict(source.info)}
        self.framework = build_framework(recipe, source.info, run.start_from)
        resumed = run.resume and (run.out / CHECKPOINT).exists()
        if run.start_from is None and not resumed:
            loop = recipe.loop
            self.framework.begin(lambda n: source.batch(loop.seed + 1, n, loop.batch))
        self.framework.to(run.device)
        self.phases = self.framework.phases()
        self.optimizers = {p.name: _optimizer(recipe.optimizer, p) for p in self.phases}
        self.ema = Ema(self.framework.network, recipe.loop.ema_decay)
        self.autocast = _use_bfloat16(recipe.loop.precision, run.device)
        run.out.mkdir(parents=True, exist_ok=True)
        if resumed:
            self.load()
        elif run.codec is not None and recipe.data.spec.name != "audio":
            self.facts["codec"] = kept_codec(run.codec, run.out / CODEC)

    def train(
        self,
        progress: Callable[[dict[str, Any]], None],
        stop: Callable[[], bool],
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """Step until the recipe's steps, the budget or ``stop``; save at the end.

        after() is called after every step.
        """
        loop = self.recipe.loop
        workers = 0 if self.run.device == "cpu" else 4

        def make(step: int) -> Batch:
            return self.source.batch(loop.seed, step, loop.batch)

        with prefetched(make, self.step, workers) as following:
            self._train(following, progress, stop, after)
        self.save()

    def _train(
        self,
        following: Callable[[], Batch],
        progress: Callable[[dict[str, Any]], None],
        stop: Callable[[], bool],
        after: Callable[[], None],
    ) -> None:
        loop = self.recipe.loop
        begin = last = time.monotonic()
        before = saved = self.seconds
        sums: dict[str, float] = {}
        count = 0
        self.framework.train()
        while self.done < 1.0 and not stop():
            for name, value in self.take_step(following()).items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            self.seconds = before + time.monotonic() - begin
            if self.step % loop.log_every == 0:
                now = time.monotonic()
                row: dict[str, Any] = {"step": self.step}
                row |= {name: round(value / count, 5) for name, value in sums.items()}
                row["steps_per_s"] = round(count / max(now - last, 1e-9), 3)
                last, sums, count = now, {}, 0
                self._note(row)
                progress(row)
            if self.step % loop.save_every == 0 or self.seconds - saved > self.run.save_seconds:
                self.save()
                saved = self.seconds
            after()
            if loop.preview_every and self.step % loop.preview_every == 0:
                self.preview()
            if time.monotonic() - begin > self.run.budget_seconds:
                break

    @property
    def done(self) -> float:
        """The share of the run that is over, from 0: of its steps, or of a paced run's budget."""
        if self.run.paced:
            return self.seconds / self.run.budget_seconds
        return self.step / max(1, self.recipe.loop.steps)

    def take_step(self, batch: Batch) -> dict[str, float]:
        """Run every phase once on ``batch``; return the losses.

        Their names are prefixed with the phase's when there are several phases.
        """
        loop, device = self.recipe.loop, self.run.device
        batch = to_device(batch, device)
        generator = torch.Generator(device)
        generator.manual_seed(loop.seed * 1_000_003 + self.step)
        losses: dict[str, Tensor] = {}
        planned = self.step
        if self.run.paced:  # frameworks plan by the recipe's steps; as many of them are over
            planned = int(min(1.0, self.done) * loop.steps)
        self.framework.before_step(self.step, self._draw, generator)
        for phase in self.phases:
            if planned < phase.from_step:
                continue
            optimizer = self.optimizers[phase.name]
            for group in optimizer.param_groups:
                group["lr"] = phase.rate_scale * self._rate()
            with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=self.autocast):
                found = phase.loss(batch, generator, planned)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(found["total"], inputs=list(phase.parameters))
            if self.recipe.optimizer.clip_norm > 0:
                clip = self.recipe.optimizer.clip_norm
                found["grad"] = torch.nn.utils.clip_grad_norm_(phase.parameters, clip)
            optimizer.step()
            prefix = f"{phase.name}." if len(self.phases) > 1 else ""
            losses |= {prefix + name: value.detach() for name, value in found.items()}
        self.framework.after_step(self.step)
        self.ema.update(self.framework.network, self.step)
        self.step += 1
        return {name: float(value) for name, value in losses.items()}

    def _draw(self, size: int) -> Batch:
        batch = self.source.batch(self.recipe.loop.seed + 2, self.step, size)
        return to_device(batch, self.run.device)

    def _rate(self) -> float:
        o, done = self.recipe.optimizer, min(1.0, self.done)
        warm = min(1.0, (self.step + 1) / max(1, o.warmup_steps))
        if o.schedule == "cosine":
            rate = o.final_rate + (o.rate - o.final_rate) * 0.5 * (1 + math.cos(math.pi * done))
            return warm * rate
        return warm * o.rate

    def _note(self, row: dict[str, Any]) -> None:
        try:
            with (self.run.out / CURVE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> StorageError:
        return StorageError(
            f"cannot write to {self.run.out}: {error.strerror or error}; make room and resume: the "
            "last checkpoint is whole"
        )

    def save(self) -> None:
        """Write the checkpoint (to resume) and the model (averaged network, to use).

        Raises StorageError when the disk is full; the files that were there stay.
        """
        tensors = {f"framework.{k}": v for k, v in self.framework.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.state.items()}
        for name, optimizer in self.optimizers.items():
            for index, state in optimizer.state_dict()["state"].items():
                for key, value in state.items():
                    tensors[f"optimizer.{name}.{index}.{key}"] = torch.as_tensor(value)
        facts = {
            "step": self.step, "name": self.recipe.name, "recipe": self.recipe.text,
            "seconds": round(self.seconds, 6), **self.facts,
        }  # fmt: skip
        try:
            save_checkpoint(self.run.out / CHECKPOINT, tensors, facts)
            save_checkpoint(self.run.out / MODEL, self.ema.state, facts)
        except OSError as error:
            raise self._cannot_write(error) from error

    def load(self) -> None:
        """Take up the checkpoint in the output folder."""
        tensors, facts = load_checkpoint(self.run.out / CHECKPOINT)
        check_resumable(self.run.out / CHECKPOINT, tensors, facts, self.framework, self.phases)
        parts: dict[str, dict[str, Tensor]] = {"framework": {}, "ema": {}, "optimizer": {}}
        for name, value in tensors.items():
            head, rest = name.split(".", 1)
            parts[head][rest] = value
        try:
            self.framework.load_state_dict(parts["framework"])
        except RuntimeError as error:
            raise RecipeError(
                f"{self.run.out / CHECKPOINT} was made by another recipe than "
                f"{self.recipe.name!r}: resume with that one, or choose another --out"
            ) from error
        self.ema.load(parts["ema"])
        for name, optimizer in self.optimizers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in parts["optimizer"].items():
                phase, index, field = key.rsplit(".", 2)
                if phase == name:
                    state.setdefault(int(index), {})[field] = value
            whole = optimizer.state_dict()
            optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
        self.step = int(facts["step"])
        self.seconds = float(facts.get("seconds", 0.0))
        if "codec" in facts:
            self.facts["codec"] = facts["codec"]
        self._cut_curve()

    def _cut_curve(self) -> None:
        """Drop the rows that a killed run noted after its last checkpoint; they will come again."""
        path = self.run.out / CURVE
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [x for x in lines if x.endswith("\n") and json.loads(x)["step"] <= self.step]
            replace_file(path, lambda file: file.write("".join(kept).encode()))

    @torch.no_grad()
    def preview(self) -> None:
        """Write held-out sounds above their reconstructions as PNG and WAV, if there are any."""
        current = {k: v.clone() for k, v in self.framework.network.state_dict().items()}
        self.framework.network.load_state_dict(self.ema.state)
        self.framework.eval()
        batch = to_device(self.source.held_out(12), self.run.device)
        rows = [r[:, 0].float().cpu().numpy() for r in self.framework.preview(batch)]
        self.framework.train()
        self.framework.network.load_state_dict(current)
        if not rows:
            return
        name = self.run.out / f"preview-{self.step:07d}"
        columns = [[row[i] for row in rows] for i in range(len(rows[0]))]
        write_png(name.with_suffix(".png"), sheet(columns))
        import numpy as np

        whole = np.concatenate([np.concatenate(c) for c in columns])
        write_wav(name.with_suffix(".wav"), whole, self.source.info.sample_rate)


def to_device(batch: Batch, device: str) -> Batch:
    """Move a batch."""
    return Batch(
        batch.x.to(device),
        batch.lengths.to(device),
        batch.category.to(device),
        batch.descriptors.to(device),
        None if batch.frames is None else batch.frames.to(device),
    )


def kept_codec(codec: Path, copy: Path) -> dict[str, str]:
    """Copy a codec's model into the run; returns its file, sha256 and where it came from.

    Raises RecipeError when the file cannot be read.
    """
    try:
        data = codec.read_bytes()
    except OSError as error:
        raise RecipeError(f"cannot read codec {codec}: {error.strerror}") from error
    replace_file(copy, lambda file: file.write(data))
    return {
        "file": copy.name, "sha256": hashlib.sha256(data).hexdigest(),
        "from": f"{codec.parent.name}/{codec.name}",
    }  # fmt: skip


def _optimizer(o: Optimizer, phase: Phase) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        phase.parameters,
        lr=o.rate,
        betas=(o.beta1, o.beta2),
        weight_decay=o.weight_decay,
        fused=True,
    )


def _use_bfloat16(precision: str, device: str) -> bool:
    """Decide on bfloat16 autocast: as told, or where the hardware multiplies it natively."""
    if precision == "auto":
        if device.startswith("cuda"):
            return bool(torch.cuda.is_bf16_supported())
        return "avx512_bf16" in torch.backends.cpu.get_cpu_capability().lower() or _cpu_bfloat16()
    return precision == "bfloat16"


def _cpu_bfloat16() -> bool:
    check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(check and check())
