"""`yinxin init`, `serve`, `demo` and `bench`."""

from datetime import timedelta
from pathlib import Path

import click

from portal.bench import PARTS
from portal.commands.output import json_option, show
from portal.housekeeping import Housekeeping, Task
from portal.oversight import open_oversight, open_watch
from portal.serve import serve as run_server
from portal.setup import ORGANIZATION, initialise
from portal.telemetry import configure_logging
from portal.wiring import Installation, active_keys, my_pages, open_installation
from sso.passing.store.presences import SqlPresences
from sso.provider import sandbox
from sso.provider.store.participants import DatabaseParticipants
from sso.provider.store.replay import DatabaseReplay
from sso.provider.store.sweeping import sweep
from sso.revocation.store import DatabaseRevocations
from trust.authority.profiles import CaRole
from trust.config import Settings, load_settings
from trust.keys import KeyPurpose

_RECOVERY = timedelta(seconds=10)  # a lease lasts 30 s: an interrupted issue is finished within 40 s
_CHECKPOINT_LOOK = timedelta(seconds=1)  # its own bounds of time and number say whether one is due
_WITNESSES = timedelta(seconds=10)
_CRL_LOOK = timedelta(minutes=10)
_NOTICES = timedelta(seconds=1)  # a person who signed out sees other systems follow at once
_SESSIONS = timedelta(seconds=30)
_LEDGER_INDEX = timedelta(seconds=2)
_LEDGER_WATCH = timedelta(seconds=5)
_KEY_POLICIES = timedelta(minutes=1)
_LEFTOVERS = timedelta(minutes=5)


@click.command()
@click.option("--organization", help=f"Name of the operator in the X.509s (at first {ORGANIZATION}, then as it is).")
@json_option
def init(organization: str | None, as_json: bool) -> None:
    """Make home, keys, PKI and database, or finish and upgrade what is there. Safe to repeat."""
    settings = load_settings()
    installation = initialise(settings, organization=organization)
    click.get_current_context().call_on_close(installation.close)
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


@click.command()
@click.option("--port", type=int, help="Port to listen on (YINXIN_PORT).")
def serve(port: int | None) -> None:
    """Serve the API and the pages, and keep the installation in order."""
    settings = load_settings(**({} if port is None else {"port": port}))
    configure_logging(settings.log_level)
    installation = open_installation(settings)
    click.get_current_context().call_on_close(installation.close)
    sandbox.check_absent(installation.clients.clients(), allowed=settings.sandbox_allowed)
    check_record(installation)
    prove_keys(installation)
    click.echo(f"yinxin serves {settings.public_url} on {settings.bind}:{settings.port} (Ctrl-C ends)", err=True)
    clock = installation.foundation.clock
    run_server(
        settings,
        Housekeeping(housekeeping_tasks(installation), clock),
        *(Housekeeping((task,), clock) for task in outgoing_tasks(installation)),  # a slow witness delays no sign-out
        Housekeeping(overseeing_tasks(installation), clock),
    )


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("var/demo"), show_default=True)
@json_option
def demo(out: Path, as_json: bool) -> None:
    """Do the main job once, with real cryptography and real files, and write it to a folder."""
    from portal.demo.run import run_demo

    summary = run_demo(out, as_json=as_json)
    names = ", ".join(sorted(path.name for path in out.glob("*.pdf")))
    show(summary if as_json else {"summary": f"{out}/summary.json", "files": names}, as_json=as_json)


@click.command()
@json_option
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Measure only this part (repeatable).")
@click.option("--postgresql", metavar="ADDRESS", help="An empty PostgreSQL database for the ledger's figures.")
def bench(as_json: bool, only: tuple[str, ...], postgresql: str | None) -> None:
    """Measure, each figure beside its reference. Run nothing else on the machine meanwhile."""
    from portal.bench.run import run_bench

    run_bench(as_json=as_json, only=only, postgresql=postgresql)


def check_record(installation: Installation) -> None:
    """Compare the ledger, before anything signs, with the last checkpoint kept outside it and with the witnesses'.

    Raises `LedgerRolledBack`, `LedgerForked`, `LedgerHalted`: nothing signs until an operator acts (docs/audit.md).
    """
    record = installation.record()
    record.watch.check()
    record.witnessing.look()


def prove_keys(installation: Installation) -> None:
    """Show before the first request that the service's own keys sign; each proof is in the ledger.

    Raises what the guard raises, so that a service does not start which could neither let a client in nor vouch for
    its ledger.
    """
    base = installation.foundation
    for purpose in (KeyPurpose.LEDGER_CHECKPOINT, KeyPurpose.TOKEN_SIGNING):
        base.signer.prove(active_keys(base, purpose)[0].ref, randomness=base.randomness)


def housekeeping_tasks(installation: Installation) -> tuple[Task, ...]:
    """Return the recurring work of a serving installation."""
    settings = installation.foundation.settings
    checkpointer = installation.record().checkpointer

    def recover() -> int:
        report = installation.certs.recover()
        return len(report.finished) + len(report.abandoned)

    def checkpoint() -> int:
        due = checkpointer.checkpoint_due()
        if due:
            checkpointer.checkpoint()
        return int(due)

    return (
        Task(name="recover-issues", every=_RECOVERY, run=recover),
        Task(name="checkpoint", every=_CHECKPOINT_LOOK, run=checkpoint),
        Task(name="crl", every=_CRL_LOOK, run=lambda: _renew_crls(installation, settings)),
        Task(name="sessions", every=_SESSIONS, run=installation.people.sessions.end_expired),
        Task(name="key-policies", every=_KEY_POLICIES, run=installation.foundation.policies.watch().check),
        Task(name="leftovers", every=_LEFTOVERS, run=lambda: forget_leftovers(installation)),
    )


def outgoing_tasks(installation: Installation) -> tuple[Task, ...]:
    """Return the recurring work that waits for other systems, up to half a minute at a time."""
    return (
        Task(name="sign-out-notices", every=_NOTICES, run=installation.provider.deliveries.deliver_due),
        Task(name="witnesses", every=_WITNESSES, run=installation.record().witnessing.ask),
    )


def overseeing_tasks(installation: Installation) -> tuple[Task, ...]:
    """Return the recurring work that reads the ledger; after a long pause it is long. Raises `RulesUnusable`."""
    base = installation.foundation
    watch = open_watch(base, installation.record())
    return (
        Task(name="ledger-index", every=_LEDGER_INDEX, run=open_oversight(base).search.follow_some),
        Task(name="ledger-watch", every=_LEDGER_WATCH, run=watch.turn),
    )


def forget_leftovers(installation: Installation) -> int:
    """Drop what nobody can use any more: attempts, tickets, requests, codes, delivered notices; return how many."""
    base = installation.foundation
    now = base.clock.now()
    return (
        installation.people.sign_ins.forget_expired()
        + installation.people.applications.forget_expired()
        + sweep(base.database, now)
        + DatabaseReplay(base.database).prune(now)
        + DatabaseParticipants(base.database).prune(now)
        + DatabaseRevocations(base.database).prune(now)
        + SqlPresences(base.database).forget(before=now)
        + my_pages(installation).shows().forget_over()
    )


def _renew_crls(installation: Installation, settings: Settings) -> int:
    """Publish new CRLs once half of the old ones' time is over, so that a day's outage leaves no gap."""
    now = installation.foundation.clock.now()
    lists = [installation.authority.crl(role) for role in CaRole]
    if all(now - found.this_update < (found.next_update - found.this_update) / 2 for found in lists):
        return 0
    return len(installation.authority.publish_crls(days=settings.crl_days, principal="system:housekeeping"))
