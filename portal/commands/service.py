"""`yinxin init`, `serve`, `demo` and `bench`."""

from datetime import timedelta
from pathlib import Path

import click

from portal.commands.output import json_option, show
from portal.housekeeping import Housekeeping, Task
from portal.serve import serve as run_server
from portal.setup import initialise
from portal.telemetry import configure_logging
from portal.wiring import Installation, open_installation
from trust.authority.profiles import CaRole
from trust.config import Settings, load_settings

ORGANIZATION = "印信演示运营单位"
_RECOVERY = timedelta(seconds=10)  # a lease lasts 30 s: an interrupted issue is finished within 40 s
_CRL_LOOK = timedelta(minutes=10)


@click.command()
@click.option("--organization", default=ORGANIZATION, show_default=True, help="Name of the operator in the X.509s.")
@json_option
def init(organization: str, as_json: bool) -> None:
    """Make home, keys, PKI and database, or finish and upgrade what is there. Safe to repeat."""
    settings = load_settings()
    configure_logging(settings.log_level)
    installation = initialise(settings, organization=organization)
    root = installation.authority.ca_x509(CaRole.ROOT)
    show(
        {
            "home": str(settings.home),
            "root": root.common_name,
            "root_sha256": root.fingerprint,
            "ledger_size": installation.foundation.ledger.size(),
        },
        as_json=as_json,
    )
    installation.close()


@click.command()
@click.option("--port", type=int, help="Port to listen on (YINXIN_PORT).")
def serve(port: int | None) -> None:
    """Serve the API and the pages, and keep the installation in order."""
    settings = load_settings(**({} if port is None else {"port": port}))
    configure_logging(settings.log_level)
    installation = open_installation(settings)
    click.echo(f"yinxin serves {settings.public_url} on {settings.bind}:{settings.port} (Ctrl-C ends)", err=True)
    run_server(settings, Housekeeping(housekeeping_tasks(installation), installation.foundation.clock))


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
def demo(out: Path) -> None:
    """Do the main job once, with real cryptography and real files, and write it to a folder."""
    from portal.demo.run import run_demo

    run_demo(out)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value for machines.")
@click.option("--only", multiple=True, help="Measure only figures whose name contains this text (repeatable).")
def bench(as_json: bool, only: tuple[str, ...]) -> None:
    """Measure, each figure beside its reference. Run nothing else on the machine meanwhile."""
    from portal.bench.run import run_bench

    run_bench(as_json=as_json, only=only)


def housekeeping_tasks(installation: Installation) -> tuple[Task, ...]:
    """Return the recurring work of a serving installation."""
    settings = installation.foundation.settings
    checkpointer = installation.checkpointer()

    def recover() -> int:
        report = installation.certs.recover()
        return len(report.finished) + len(report.abandoned)

    def checkpoint() -> int:
        before = checkpointer.latest()
        return 0 if checkpointer.checkpoint() == before else 1

    return (
        Task(name="recover-issues", every=_RECOVERY, run=recover),
        Task(name="checkpoint", every=timedelta(seconds=settings.checkpoint_seconds), run=checkpoint),
        Task(name="crl", every=_CRL_LOOK, run=lambda: _renew_crls(installation, settings)),
    )


def _renew_crls(installation: Installation, settings: Settings) -> int:
    """Publish new CRLs once half of the old ones' time is over, so that a day's outage leaves no gap."""
    now = installation.foundation.clock.now()
    lists = [installation.authority.crl(role) for role in CaRole]
    if all(now - found.this_update < (found.next_update - found.this_update) / 2 for found in lists):
        return 0
    return len(installation.authority.publish_crls(days=settings.crl_days, principal="system:housekeeping"))
