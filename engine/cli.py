"""`driftwave COMMAND`: finds and starts the commands, each imported only when it is used."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

import click
from click.shell_completion import get_completion_class

from engine import __version__, console

COMMANDS = {
    "serve": "engine.serve",
    "generate": "engine.generate",
    "denoise": "engine.denoise",
    "pattern": "engine.pattern_command",
    "vary": "engine.operate:vary",
    "inpaint": "engine.operate:inpaint",
    "continue": "engine.operate:continue_",
    "interpolate": "engine.operate:interpolate",
    "sketch": "engine.operate:sketch",
    "resynthesise": "engine.operate:resynthesise",
    "again": "engine.operate:again",
    "voices": "engine.voices_command",
    "clips": "engine.clips_command",
    "doctor": "engine.doctor",
    "install": "engine.install",
    "train": "engine.train",
    "lab": "engine.lab",
    "evaluate": "engine.evaluate",
    "export": "engine.export",
    "import": "engine.import_weights",
}
"""Command name -> the module that is also `python -m MODULE`, or MODULE:ATTRIBUTE of one command
among several, as in `python -m engine.operate vary`."""

SUMMARIES = {
    "serve": "Run the engine that plugins and OSC controllers talk to.",
    "generate": "Make sounds from words and write them as WAV files.",
    "denoise": "Take the noise out of a sound file.",
    "pattern": "Make drum loops of generated hits, with their MIDI files.",
    "vary": "Make variations of a sound.",
    "inpaint": "Make a region of a sound anew.",
    "continue": "Go on from the end of a sound.",
    "interpolate": "Make sounds between two sounds.",
    "sketch": "Make a sound that follows a recording or drawn curves.",
    "resynthesise": "Send a sound through a voice's codec.",
    "again": "Make a clip again from its record.",
    "voices": "List the installed voices.",
    "clips": "Find, import, export, name and undo in the library of clips.",
    "doctor": "Check the installation and say how to repair it.",
    "install": "Install the plugins and let them start the engine.",
    "train": "Train a voice from a folder of sounds.",
    "lab": "Train every model of the laboratory.",
    "evaluate": "Measure the quality of voices and denoisers.",
    "export": "Write the ONNX graphs of a voice.",
    "import": "Take up a DiffWave or WaveGrad checkpoint of others.",
}

SHELLS = ("bash", "zsh", "fish")


class LazyCommands(click.Group):
    """The commands above; the help shows them without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands whose module is installed."""
        present = [name for name in COMMANDS if importlib.util.find_spec(_module(name))]
        return [*present, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module = _module(cmd_name)
        if importlib.util.find_spec(module) is None:
            return None
        return _command_of(cmd_name, importlib.import_module(module))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help."""
        rows = [
            (name, SUMMARIES.get(name) or "Print a script that completes commands in a shell.")
            for name in self.list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _module(name: str) -> str:
    return COMMANDS[name].partition(":")[0]


def _command_of(name: str, module: ModuleType) -> click.Command:
    """The module's click command, or one that hands its arguments to the module's `main`."""
    command = getattr(module, COMMANDS[name].partition(":")[2] or "command", None)
    if isinstance(command, click.Command):
        return command

    def pass_on(arguments: tuple[str, ...]) -> int:
        return int(module.main(list(arguments)) or 0)

    return click.Command(
        name,
        callback=pass_on,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
    )


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="driftwave")
def command() -> None:
    """Few-step diffusion sounds, made on your own machine."""


@command.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print a script that completes commands in a shell.

    For bash: add `eval "$(driftwave completion bash)"` to ~/.bashrc.
    """
    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(command, {}, "driftwave", "_DRIFTWAVE_COMPLETE").source())


def main(argv: Sequence[str] | None = None) -> int:
    """Run `driftwave`; returns the exit status."""
    return console.run(command, argv, "driftwave")


if __name__ == "__main__":
    sys.exit(main())
