"""Runs the figures, prints each as soon as it is there, and tells which targets were missed."""

import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

import click
from rich.console import Console
from rich.table import Table

from portal.bench import OVER_HTTP, PARTS
from portal.bench.documents import document_figures
from portal.bench.engines import guard_figures, sm2_figures
from portal.bench.guarded import guarded_figures
from portal.bench.ledger import ledger_figures
from portal.bench.measure import ROUNDS, Figure
from portal.bench.network import network_figures
from portal.bench.stage import Stage, set_stage
from portal.bench.trusting import (
    Served,
    code_flow_figures,
    exchange_figures,
    introspection_figures,
    page_figures,
    sign_in_figures,
    trusting_house,
)
from portal.bench.world import BenchWorld, bench_world
from trust.gm import selftest

_Part = Callable[[BenchWorld], Iterator[Figure]]


_STAGES: dict[str, Stage] = {}
"""The stage of a world, by its address: it is set once, by the first part that needs it."""


def _trusting(part: Callable[[Served], Iterator[Figure]]) -> _Part:
    """Return a part that has people, systems and tokens, and a service of its own."""

    def run(world: BenchWorld) -> Iterator[Figure]:
        address = world.installation.foundation.settings.public_url
        if address not in _STAGES:
            _STAGES[address] = set_stage(world.installation)
        with trusting_house(world, _STAGES[address]) as house:
            yield from part(house)

    return run


def _device_figures(world: BenchWorld) -> Iterator[Figure]:
    yield from guarded_figures(world.folder / "devices")
    yield from guarded_figures(world.folder / "devices-and-ledger", world.installation.foundation.ledger)


_FIGURES: dict[str, _Part] = dict(
    zip(
        PARTS,
        (
            lambda _world: sm2_figures(),
            guard_figures,
            _device_figures,
            ledger_figures,
            document_figures,
            network_figures,
            _trusting(sign_in_figures),
            _trusting(code_flow_figures),
            _trusting(introspection_figures),
            _trusting(exchange_figures),
            _trusting(page_figures),
        ),
        strict=True,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where the figures were taken."""

    cpu: str
    cores: int
    python: str
    engine: str
    load: float

    @classmethod
    def here(cls) -> "Machine":
        """Describe this machine; a load above the idle one spoils every figure."""
        report = selftest.run()
        return cls(
            cpu=platform.processor() or platform.machine(),
            cores=os.cpu_count() or 1,
            python=platform.python_version(),
            engine=report.version,
            load=round(os.getloadavg()[0], 2),
        )


def run_bench(*, as_json: bool, only: tuple[str, ...], postgresql: str | None = None) -> None:
    """Measure and print. `only` names some of the parts, `postgresql` an empty database for those that can use one."""
    console = Console(stderr=True)
    machine = Machine.here()
    missing = (
        []
        if shutil.which("wrk") or (only and not OVER_HTTP & set(only))
        else ["http: wrk is missing (Debian/Ubuntu: apt-get install wrk)"]
    )
    figures: list[Figure] = []
    with bench_world(postgresql) as world:
        for name, part in _FIGURES.items():
            if only and name not in only:
                continue
            with console.status(f"{name}: {ROUNDS} rounds per figure"):
                for measured in part(world):
                    figures.append(measured)
                    console.print(f"{measured.name}: {measured.ours:.1f} {measured.unit}")
    if as_json:
        value = {
            "machine": {"cpu": machine.cpu, "cores": machine.cores, "load_at_start": machine.load},
            "versions": {"python": machine.python, "libcrypto": machine.engine, "typst": version("typst")},
            "rounds": ROUNDS,
            "figures": [measured.as_dict() for measured in figures],
            "not_measured": missing,
        }
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))
        return
    Console(width=150).print(_table(machine, figures))
    for line in missing:
        click.echo(f"not measured: {line}")


def _table(machine: Machine, figures: list[Figure]) -> Table:
    table = Table(
        title=f"yinxin bench: medians of {ROUNDS} rounds, {machine.cores} cores, load {machine.load} at the start, "
        f"Python {machine.python}, {machine.engine}"
    )
    for heading in ("figure", "median", "min-max", "reference", "ratio", "target", ""):
        table.add_column(heading)
    for measured in figures:
        reference = (
            "" if measured.reference is None else f"{measured.reference_name}: {measured.reference:.1f} {measured.unit}"
        )
        table.add_row(
            measured.name,
            f"{measured.ours:.1f} {measured.unit}",
            f"{measured.spread[0]:.1f}-{measured.spread[1]:.1f}",
            reference,
            "" if measured.ratio is None else f"{measured.ratio:.2f}",
            measured.target,
            {None: "", True: "reached", False: "MISSED"}[measured.reached],
        )
    return table
