"""What every command shares: exit statuses, errors in words or JSON, and data on stdout."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from engine.errors import DriftwaveError, OutOfMemory, StorageError, UsageError

INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)

_TRAINING = ("matplotlib", "onnx", "onnxscript", "scipy", "torch")
"""Packages of the extra `train`, which the base install lacks."""

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def run(command: click.Command, argv: Sequence[str] | None = None, name: str = "") -> int:
    """Run a command and return its exit status; errors go to stderr, never as tracebacks.

    With `--json` among the arguments the error is also one JSON object on stdout.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        result = command.main(
            arguments, prog_name=name or f"driftwave {command.name}", standalone_mode=False
        )
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone (`| head`); nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _report(OutOfMemory("not enough memory: ask for less at once"), arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _TRAINING:
            raise
        text = f"this needs {package}, which is not installed: pip install 'driftwave[train]'"
        return _report(UsageError(text), arguments)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        where = f" to {error.filename}" if error.filename else ""
        text = f"cannot write{where}: {error.strerror}; make room, or choose another folder"
        return _report(StorageError(text), arguments)
    except RuntimeError as error:
        if "allocate memory" not in str(error) and "out of memory" not in str(error):
            raise  # torch says so in words alone
        return _report(OutOfMemory("not enough memory for networks of this size"), arguments)
    except DriftwaveError as error:
        return _report(error, arguments)


def _report(error: DriftwaveError, arguments: Sequence[str]) -> int:
    click.echo(f"driftwave: {error}", err=True)
    if "--json" in arguments:
        print_json({"error": {"code": error.code, "message": str(error)}})
    return error.exit_code


def print_json(value: Mapping[str, object] | Sequence[object]) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def note(message: str) -> None:
    """A line for the person at the terminal, on stderr."""
    click.echo(message, err=True)


def json_option(command: Decorated) -> Decorated:
    """The flag `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(command)


def library_option(command: Decorated) -> Decorated:
    """The flag `--library DIR`."""
    return click.option(
        "--library", metavar="DIR", help="Folder of the clips [default: the user's own]."
    )(command)


def device_option(command: Decorated) -> Decorated:
    """The flag `--device`."""
    return click.option(
        "--device", metavar="auto|cpu|cuda", help="Where voices run [default: auto]."
    )(command)
