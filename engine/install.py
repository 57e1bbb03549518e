"""`install`: puts the plugins where hosts look and tells them how to start the engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from engine import console
from engine.audio_files import storage_error
from engine.config import config_dir
from engine.errors import UsageError

FOLDERS = {".vst3": ".vst3", ".clap": ".clap", ".lv2": ".lv2"}
"""Suffix of a plugin -> folder in the user's home where hosts look for it."""

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to `target`: a copy of `source`, a file of `text`, or its removal."""

    action: str
    target: Path
    source: Path | None = None
    text: str = ""


def launch_record() -> Path:
    """File that tells a plugin how to start the engine: a program, then one argument a line."""
    return config_dir() / "launch"


def installed_list() -> Path:
    """File that names what was installed, one path a line, so that it can be taken away."""
    return config_dir() / "installed"


def launch_command() -> list[str]:
    """A command line that starts this very engine from any folder."""
    # -P keeps a folder named engine beside the DAW's project from being imported instead.
    python = [sys.executable, "-P"]
    found = subprocess.run(
        [*python, "-c", "import engine.serve"], cwd="/", capture_output=True, check=False
    )
    if found.returncode == 0:
        return [*python, "-m", "engine.serve"]
    start = (
        f"import sys; sys.path.insert(0, {str(_ROOT)!r}); "
        "from engine.serve import main; sys.exit(main())"
    )
    return [*python, "-c", start]


def plugins_in(folder: Path) -> list[Path]:
    """Built plugins in a folder, one path a format."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.rglob("*") if path.suffix in FOLDERS and _outer(path))


def _outer(path: Path) -> bool:
    return not any(parent.suffix in FOLDERS for parent in path.parents)


def plan_install(plugins: Sequence[Path], home: Path) -> list[Step]:
    """The steps that install these plugins and the launch record."""
    steps = [Step("copy", home / FOLDERS[path.suffix] / path.name, path) for path in plugins]
    targets = [str(step.target) for step in steps]
    return [
        *steps,
        Step("write", launch_record(), text="\n".join(launch_command()) + "\n"),
        Step("write", installed_list(), text="\n".join(targets) + "\n"),
    ]


def plan_uninstall() -> list[Step]:
    """The steps that take away what was installed."""
    try:
        lines = installed_list().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    # Only what looks like a plugin is ever removed, whatever the list says.
    targets = [Path(line) for line in lines if Path(line).suffix in FOLDERS]
    targets += [launch_record(), installed_list()]
    return [Step("remove", target) for target in targets if target.exists()]


def carry_out(step: Step) -> None:
    """Do one step so that an interruption leaves the old or the new state, nothing between."""
    try:
        if step.action == "remove":
            _remove(step.target)
            return
        step.target.parent.mkdir(parents=True, exist_ok=True)
        fresh = step.target.with_name(f".{step.target.name}.{os.getpid()}.new")
        _remove(fresh)
        if step.source is None:
            fresh.write_text(step.text, encoding="utf-8")
        elif step.source.is_dir():
            shutil.copytree(step.source, fresh, symlinks=True)
        else:
            shutil.copy2(step.source, fresh)
        if step.target.is_dir() and not step.target.is_symlink():
            _remove(step.target)
        fresh.replace(step.target)
    except OSError as error:
        raise storage_error(step.target, error) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@click.command("install")
@click.option(
    "--plugins", metavar="DIR", help="Folder of the built plugins [default: build/plugins]."
)
@click.option("--uninstall", is_flag=True, help="Take the plugins and the launch record away.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@console.json_option
def command(plugins: str | None, uninstall: bool, dry_run: bool, as_json: bool) -> None:
    """Install the plugins for this user and let them start the engine.

    Copies VST3, CLAP and LV2 plugins into ~/.vst3, ~/.clap and ~/.lv2, and writes the launch
    record, from which a plugin starts the engine when none runs.
    """  # fmt: skip
    folder = Path(plugins) if plugins else _ROOT / "build" / "plugins"
    found = plugins_in(folder)
    if not found and not uninstall:
        raise UsageError(
            f"{folder}: no plugin (.vst3, .clap or .lv2) is there; build them with `make setup`, "
            "or name their folder with --plugins"
        )
    steps = plan_uninstall() if uninstall else plan_install(found, Path.home())
    for step in steps:
        if not dry_run:
            carry_out(step)
        if not as_json:
            click.echo(f"{'would ' if dry_run else ''}{step.action} {step.target}")
    if as_json:
        console.print_json(
            {
                "dry_run": dry_run,
                "steps": [{"action": step.action, "target": str(step.target)} for step in steps],
            }
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return console.run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
