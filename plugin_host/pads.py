"""Puts sounds on the pads: from a state, from files, from prompts; and waits for the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge import _native
from plugin_host.errors import InputError, MissingSound

_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class PadPlan:
    """What the user wants on the pads, numbered from 1.

    Attributes:
        state: a saved state to begin with, or None.
        files: pad -> WAV, AIFF or FLAC file.
        prompts: pad -> words to generate from.
        seed: of pad 1's prompt, rising by one a pad; None: a new one each.
        parameters: symbol -> value, set after the state.
    """

    state: Path | None = None
    files: Sequence[tuple[int, Path]] = ()
    prompts: Sequence[tuple[int, str]] = ()
    seed: int | None = None
    parameters: Sequence[tuple[str, float]] = ()

    @property
    def needs_engine(self) -> bool:
        """Whether something has to be generated."""
        return bool(self.prompts)


def prepare_pads(generator: _native.Generator, plan: PadPlan) -> dict[int, int]:
    """Load and ask for everything; returns before the prompts are answered.

    Returns pad -> serial number of the clip that the answer will replace. Raises InputError for
    a state or a file that cannot be used.
    """
    if plan.state is not None:
        load_state(generator, plan.state)
    for symbol, value in plan.parameters:
        _set_parameter(generator, symbol, value)
    for pad, file in plan.files:
        try:
            generator.import_file(pad - 1, str(file))
        except ValueError as error:
            raise InputError(f"pad {pad}: {error}") from None
    before = generator.snapshot()
    for pad, prompt in plan.prompts:
        generator.set_prompt(pad - 1, prompt)
        if plan.seed is not None:
            generator.set_seed(pad - 1, plan.seed + pad - 1)
        generator.generate(pad - 1)
    return {pad: before.pads[pad - 1].clip.serial for pad, _ in plan.prompts}


def load_state(generator: _native.Generator, file: Path) -> None:
    """Load a state that was saved as bytes or as base64 text; raises InputError."""
    try:
        data = file.read_bytes()
        if data.startswith(b"DRFTSTAT"):
            generator.load_state(data)
        else:
            generator.load_state_text(data.decode("ascii"))
    except OSError as error:
        raise InputError(f"cannot read the state {file}: {error.strerror}") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"cannot use the state {file}: {error}") from None


def save_state(generator: _native.Generator, file: Path) -> None:
    """Save everything to a file; raises InputError when it cannot be written."""
    part = file.with_name(file.name + ".part")
    try:
        part.write_bytes(generator.save_state())
        part.replace(file)
    except OSError as error:
        raise InputError(f"cannot write the state {file}: {error.strerror}") from None


def _set_parameter(generator: _native.Generator, symbol: str, value: float) -> None:
    for parameter in _native.PARAMETERS:
        if parameter.symbol == symbol and not parameter.is_output:
            if not parameter.minimum <= value <= parameter.maximum:
                raise InputError(
                    f"{symbol} must be {parameter.minimum:g} to {parameter.maximum:g}, "
                    f"not {value:g}"
                )
            generator.set_parameter(symbol, value)
            return
    raise InputError(f"no parameter is called '{symbol}'; `params` lists them")


def wait_for_prompts(
    generator: _native.Generator,
    asked: Mapping[int, int],
    timeout_s: float,
    report: Callable[[str], None],
) -> None:
    """Wait until every pad that prepare_pads asked for has its new sound.

    Raises MissingSound naming the pads that have none after `timeout_s` seconds, or as soon as
    the engine refuses, with the engine's own words.
    """
    give_up = time.monotonic() + timeout_s
    said = ""
    while True:
        now = generator.snapshot()
        missing = [pad for pad, old in asked.items() if now.pads[pad - 1].clip.serial == old]
        if not missing:
            return
        names = ", ".join(str(pad) for pad in missing)
        if now.message and not any(now.pads[pad - 1].waiting for pad in missing):
            raise MissingSound(f"no sound for pad {names}: {now.message}")
        if time.monotonic() > give_up:
            raise MissingSound(
                f"no sound for pad {names} after {timeout_s:g} s: {now.status_text} "
                "Wait longer with --wait, or load a --state or --file instead."
            )
        if now.status_text != said:
            said = now.status_text
            report(said)
        time.sleep(_POLL_S)
