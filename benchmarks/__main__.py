"""Run the benchmarks and print one table: `python -m benchmarks [NAME]… [--count N] [--json]`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import click

from benchmarks.measure import Figure, as_json, machine, table


def _generation(count: int, device: str) -> list[Figure]:
    from benchmarks import generation

    return generation.run(count, device=device)


def _served(count: int, device: str) -> list[Figure]:
    from benchmarks import served

    return served.run(count)


def _native(count: int, device: str) -> list[Figure]:
    from benchmarks import native

    return native.run()


def _osc(count: int, device: str) -> list[Figure]:
    from benchmarks import osc_load

    return osc_load.run(count)


def _peer(count: int, device: str) -> list[Figure]:
    from benchmarks import peer

    return peer.run(count)


BENCHMARKS: Mapping[str, Callable[[int, str], list[Figure]]] = {
    "generation": _generation,
    "peer": _peer,
    "served": _served,
    "native": _native,
    "osc": _osc,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(BENCHMARKS)))
@click.option("--count", default=50, show_default=True, help="Repetitions of each measurement.")
@click.option("--device", default="cpu", show_default=True, help="Of `generation`: cpu or cuda.")
@click.option("--json", "json_", is_flag=True, help="Print JSON instead of a table.")
def main(names: tuple[str, ...], count: int, device: str, json_: bool) -> None:
    """Time Driftwave on this machine; without NAMES everything runs."""
    figures: list[Figure] = []
    for name in names or tuple(BENCHMARKS):
        print(f"{name} …", file=sys.stderr)
        figures += BENCHMARKS[name](count, device)
    if json_:
        print(as_json(figures))
        return
    print(", ".join(f"{key} {value}" for key, value in machine().items()) + "\n")
    print(table(figures))


if __name__ == "__main__":
    main()
