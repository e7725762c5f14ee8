"""`yinxin sso`: the clients with which departments call the API, and the systems that people sign in to."""

import click
import structlog

from portal.commands.keycloak import keycloak
from portal.commands.opening import opened, opened_foundation
from portal.commands.output import json_option, show
from portal.commands.relying import system
from sso.passing.domain import Hop
from sso.passing.errors import ChainBroken
from sso.provider.application import Application
from sso.provider.application_errors import ApproverMissing
from sso.provider.applications import ApplicationDesk
from sso.provider.domain import Client, Scope, parse_scopes
from sso.provider.store.participants import DatabaseParticipants, Delivery
from trust.authority.errors import SamePerson
from trust.kernel.text import check_person, check_reason, is_same_person

_MOST_DELIVERIES = 1000  # more than anybody reads; the newest come first

_log = structlog.get_logger("sso.passing")

_asks = click.option("--requested-by", help="Who asks; needed for systems that people sign in to and for auditors.")
_approves = click.option("--approved-by", help="Who approves: another person; needed likewise.")
_reason = click.option("--reason", help="Why; needed likewise.")


@click.group()
def sso() -> None:
    """Register, list, rotate and disable API clients; systems that people sign in to are under `system`."""


sso.add_command(keycloak)
sso.add_command(system)


@sso.command("register")
@click.option("--label", required=True, help="Name of the system for people.")
@click.option("--authority", required=True, help="Unified social credit code of the department.")
@click.option("--scopes", required=True, help="Space-separated: certs:issue certs:read certs:revoke ledger:read.")
@_asks
@_approves
@_reason
@json_option
def register(
    *,
    label: str,
    authority: str,
    scopes: str,
    requested_by: str | None,
    approved_by: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Register a client; its secret is shown this once. One that reads the ledger takes two people."""
    if Scope.LEDGER_READ in parse_scopes(scopes):
        by, approver, why = _two(requested_by, approved_by, reason)
        check_person(by, field="requested_by")
        check_person(approver, field="approved_by")
        check_reason(why, field="reason")
        if is_same_person(by, approver):
            raise SamePerson(field="approved_by")
        _log.warning("auditor-registered", label=label, requested_by=by, approved_by=approver, why=why)
    registered = opened().clients.register(label=label, authority=authority, scopes=scopes)
    show(_shown(registered.client) | {"secret": registered.secret}, as_json=as_json)


@sso.command("list")
@json_option
def list_clients(as_json: bool) -> None:
    """List every client."""
    show([_shown(client) for client in opened().clients.clients()], as_json=as_json)


@sso.command()
@click.argument("client")
@_asks
@_approves
@_reason
@json_option
def rotate(client: str, requested_by: str | None, approved_by: str | None, reason: str | None, as_json: bool) -> None:
    """Give out a new secret; the old one ends at once."""
    installation = opened()
    found = installation.clients.get(client)
    if _takes_two(found, requested_by, approved_by, reason):
        by, approver, why = _two(requested_by, approved_by, reason)
        application = installation.systems.apply_rotation(client, by=by, why=why)
        _approved(installation.systems, application, approver)
        registered = installation.systems.collect(application.id, by=by).registered
    else:
        registered = installation.clients.rotate(client)
    show(_shown(registered.client) | {"secret": registered.secret}, as_json=as_json)


@sso.command()
@click.argument("client")
@_asks
@_approves
@_reason
@json_option
def disable(client: str, requested_by: str | None, approved_by: str | None, reason: str | None, as_json: bool) -> None:
    """Disable a client for good; its tokens stop working with the next request."""
    installation = opened()
    found = installation.clients.get(client)
    if _takes_two(found, requested_by, approved_by, reason):
        by, approver, why = _two(requested_by, approved_by, reason)
        application = installation.systems.apply_disabling(client, by=by, why=why)
        _approved(installation.systems, application, approver)
    else:
        installation.clients.disable(client)
    show(_shown(installation.clients.get(client)), as_json=as_json)


@sso.command()
@click.option("--unfinished", is_flag=True, help="Only those that go on or were given up.")
@click.option("--most", type=click.IntRange(1, _MOST_DELIVERIES), default=50, show_default=True, help="How many.")
@json_option
def deliveries(unfinished: bool, most: int, as_json: bool) -> None:
    """List sign-out notices to systems (back-channel logout), newest first, with what became of them."""
    participants = DatabaseParticipants(opened_foundation().database)
    found = participants.deliveries(most=most, unfinished=unfinished)
    show([_shown_delivery(each) for each in found], as_json=as_json)


@sso.command()
@click.argument("hop")
@json_option
def chain(hop: str, as_json: bool) -> None:
    """For the auditor: recompute the links of the whole chain up to HOP and print its hops, first one first."""
    try:
        found = opened().provider.log.check(hop)
    except ChainBroken as error:
        _log.error("chain-broken", **error.facts)
        raise
    show([_shown_hop(each) for each in found], as_json=as_json)


def _takes_two(client: Client, *names: str | None) -> bool:
    """Whether both people are needed: always for sign-in systems, but for sandboxes; else when one of them is named."""
    real = client.relying is not None and not client.relying.sandbox
    return real or any(name is not None for name in names)


def _two(requested_by: str | None, approved_by: str | None, reason: str | None) -> tuple[str, str, str]:
    for field, value in (("requested_by", requested_by), ("approved_by", approved_by), ("reason", reason)):
        if not value:
            raise ApproverMissing(field=field)
    return requested_by or "", approved_by or "", reason or ""


def _approved(systems: ApplicationDesk, application: Application, approver: str) -> None:
    """Approve; an application that this command made and cannot have approved does not stay behind."""
    try:
        systems.approve(application.id, by=approver)
    except Exception:
        systems.refuse(application.id, by=application.requested_by, reason="not approved")
        raise


def _shown(client: Client) -> dict[str, object]:
    return {
        "client": client.id,
        "label": client.label,
        "authority": str(client.authority),
        "scopes": " ".join(sorted(client.scopes)),
        "enabled": client.enabled,
    }


def _shown_delivery(found: Delivery) -> dict[str, object]:
    """Return what operators may see; names of the person at the system are none of it."""
    return {
        "client": found.participant.client,
        "session": found.participant.session,
        "outcome": found.outcome.value if found.outcome else "under way",
        "attempts": found.attempts,
        "due_at": found.due_at,
        "finished_at": found.finished_at,
        "failure": found.failure,
    }


def _shown_hop(found: Hop) -> dict[str, object]:
    """Return a hop as its link covers it; people are ids, the clerk is masked as it is kept."""
    return {
        "hop": found.id,
        "number": found.number,
        "at": found.at,
        "expires_at": found.expires_at,
        "subject": found.subject,
        "represents": found.represents,
        "mandate": found.mandate,
        "from_system": found.from_system,
        "to_system": found.to_system,
        "scopes": " ".join(found.scopes),
        "channel": found.channel.value,
        "matter": found.matter,
        "purpose": found.purpose,
        "purpose_zh": found.purpose_zh,
        "case": found.case,
        "counter": found.counter,
        "counter_name": found.counter_name,
        "clerk": found.clerk,
        "clerk_name": found.clerk_name,
        "presence_method": None if found.presence_method is None else found.presence_method.value,
        "presence_at": found.presence_at,
        "previous": found.previous,
        "link": found.link,
    }
