"""`yinxin register`: matters, counters, clerks and mandates, as operators enter them; people and offices beside."""

from collections.abc import Callable

import click

from portal.commands.opening import opened
from portal.commands.output import json_option, show
from portal.commands.persons import person
from portal.commands.roles import role
from sso.counters.domain import ChangeState, Clerk, ClerkChange, Counter, Matter
from sso.mandates.domain import Mandate


@click.group()
def register() -> None:
    """Enter and list matters, counters, clerks, mandates, accounts of people and offices."""


register.add_command(role)
register.add_command(person)


@register.group()
def matter() -> None:
    """Matters (事项): what certificates are read for. A matter never changes."""


@matter.command("add")
@click.option("--code", required=True, help="Code of the matter; never used again.")
@click.option("--name", required=True, help="Name in English.")
@click.option("--name-zh", required=True, help="Name in Chinese.")
@click.option("--purpose", required=True, help="Sentence in English that citizens read.")
@click.option("--purpose-zh", required=True, help="Sentence in Chinese that citizens read.")
@click.option("--type", "types", multiple=True, help="Certificate type that it needs; may be repeated.")
@json_option
def add_matter(
    code: str, name: str, name_zh: str, purpose: str, purpose_zh: str, types: tuple[str, ...], as_json: bool
) -> None:
    """Register a matter."""
    asked = Matter(
        code=code, name=name, name_zh=name_zh, purpose=purpose, purpose_zh=purpose_zh, types=frozenset(types)
    )
    show(_shown_matter(opened().registers.counters.add_matter(asked)), as_json=as_json)


@matter.command("retire")
@click.argument("code")
@json_option
def retire_matter(code: str, as_json: bool) -> None:
    """Take a matter out of force for good."""
    show(_shown_matter(opened().registers.counters.retire_matter(code)), as_json=as_json)


@matter.command("list")
@json_option
def list_matters(as_json: bool) -> None:
    """List every matter."""
    show([_shown_matter(each) for each in opened().registers.counters.matters()], as_json=as_json)


@register.group()
def counter() -> None:
    """Counters (窗口) and the systems that stand on them."""


@counter.command("add")
@click.option("--name", required=True, help="Name that citizens read in their log.")
@click.option("--authority", required=True, help="Unified social credit code of the department.")
@click.option("--system", "systems", multiple=True, help="Client that stands on the counter; may be repeated.")
@json_option
def add_counter(name: str, authority: str, systems: tuple[str, ...], as_json: bool) -> None:
    """Register a counter."""
    made = opened().registers.counters.add_counter(name=name, authority=authority, systems=systems)
    show(_shown_counter(made), as_json=as_json)


@counter.command("systems")
@click.argument("counter_id")
@click.option("--system", "systems", multiple=True, help="Client that stands on the counter; may be repeated.")
@json_option
def put_systems(counter_id: str, systems: tuple[str, ...], as_json: bool) -> None:
    """Say anew which systems stand on a counter; taking one away ends the tokens of its clerks."""
    show(_shown_counter(opened().registers.counters.put_systems(counter_id, systems)), as_json=as_json)


@counter.command("close")
@click.argument("counter_id")
@json_option
def close_counter(counter_id: str, as_json: bool) -> None:
    """Close a counter for good and end the tokens of its clerks."""
    show(_shown_counter(opened().registers.counters.close_counter(counter_id)), as_json=as_json)


@counter.command("list")
@json_option
def list_counters(as_json: bool) -> None:
    """List every counter."""
    show([_shown_counter(each) for each in opened().registers.counters.counters()], as_json=as_json)


@register.group()
def clerk() -> None:
    """Clerks (窗口人员): each change is asked for by one administrator and approved by another."""


_asks = click.option("--requested-by", required=True, help="Name of the administrator who asks.")
_reason = click.option("--reason", required=True, help="Why, 2 to 200 characters; kept for good.")
_counters = click.option("--counter", "counters", multiple=True, help="Counter to post to; may be repeated.")


@clerk.command("request")
@click.argument("person")
@click.option("--staff-number", required=True, help="Staff number (工号), 1 to 20 characters.")
@click.option("--authority", required=True, help="Unified social credit code of the department.")
@_counters
@_asks
@_reason
@json_option
def request_clerk(*, person: str, counters: tuple[str, ...], as_json: bool, **texts: str) -> None:
    """Ask that PERSON (the id of an account) be registered as a clerk."""
    show(
        _shown_change(opened().registers.appointments.request_clerk(person, counters=counters, **texts)),
        as_json=as_json,
    )


@clerk.command("post")
@click.argument("clerk_id")
@_counters
@_asks
@_reason
@json_option
def request_posting(clerk_id: str, counters: tuple[str, ...], requested_by: str, reason: str, as_json: bool) -> None:
    """Ask that a clerk be posted to these counters instead."""
    change = opened().registers.appointments.request_posting(
        clerk_id, counters=counters, requested_by=requested_by, reason=reason
    )
    show(_shown_change(change), as_json=as_json)


@clerk.command("disable")
@click.argument("clerk_id")
@_asks
@_reason
@json_option
def request_disabling(clerk_id: str, requested_by: str, reason: str, as_json: bool) -> None:
    """Ask that a clerk be disabled; the approval ends the clerk's tokens."""
    change = opened().registers.appointments.request_disabling(clerk_id, requested_by=requested_by, reason=reason)
    show(_shown_change(change), as_json=as_json)


@clerk.command("enable")
@click.argument("clerk_id")
@_asks
@_reason
@json_option
def request_enabling(clerk_id: str, requested_by: str, reason: str, as_json: bool) -> None:
    """Ask that a disabled clerk be enabled again."""
    change = opened().registers.appointments.request_enabling(clerk_id, requested_by=requested_by, reason=reason)
    show(_shown_change(change), as_json=as_json)


@clerk.command("approve")
@click.argument("change")
@click.option("--approved-by", required=True, help="Name of the administrator who approves: not the one who asked.")
@json_option
def approve_change(change: str, approved_by: str, as_json: bool) -> None:
    """Approve a request and carry it out."""
    show(_shown_clerk(opened().registers.appointments.approve(change, approved_by=approved_by)), as_json=as_json)


@clerk.command("refuse")
@click.argument("change")
@click.option("--refused-by", required=True, help="Name of the administrator who refuses, or takes back.")
@json_option
def refuse_change(change: str, refused_by: str, as_json: bool) -> None:
    """Refuse a request."""
    show(_shown_change(opened().registers.appointments.refuse(change, refused_by=refused_by)), as_json=as_json)


@clerk.command("requests")
@click.option("--clerk", "clerk_id", help="Those about one clerk.")
@click.option("--state", type=click.Choice([state.value for state in ChangeState]), help="Those in one state.")
@json_option
def list_changes(clerk_id: str | None, state: str | None, as_json: bool) -> None:
    """List requests and who decided them, oldest first."""
    wanted = None if state is None else ChangeState(state)
    found = opened().registers.appointments.changes(clerk=clerk_id, state=wanted)
    show([_shown_change(each) for each in found], as_json=as_json)


@clerk.command("list")
@json_option
def list_clerks(as_json: bool) -> None:
    """List every clerk."""
    show([_shown_clerk(each) for each in opened().registers.counters.clerks()], as_json=as_json)


@register.group()
def mandate() -> None:
    """Mandates (授权): what only operators may do. People grant and withdraw their own."""


_approves = click.option("--approved-by", required=True, help="Name of the one who approves.")


def _ordered(command: Callable[..., None]) -> Callable[..., None]:
    """Have an operator's order name who asks, who approves and why."""
    return _asks(_approves(_reason(command)))


@mandate.command("representative")
@click.argument("organisation")
@click.argument("person")
@_ordered
@json_option
def order_representative(*, organisation: str, person: str, as_json: bool, **names: str) -> None:
    """Enter PERSON as legal representative of ORGANISATION (ids of accounts), where no register answers."""
    show(_shown_mandate(opened().registers.representatives.order(organisation, person, **names)), as_json=as_json)


@mandate.command("recheck")
@click.argument("organisation")
@json_option
def recheck_representative(organisation: str, as_json: bool) -> None:
    """Ask the register of legal persons again, and end what it no longer confirms."""
    found = opened().registers.representatives.recheck(organisation)
    show([] if found is None else [_shown_mandate(found)], as_json=as_json)


@mandate.command("withdraw")
@click.argument("mandate_id")
@_ordered
@json_option
def order_withdrawal(*, mandate_id: str, as_json: bool, **names: str) -> None:
    """End a mandate by order; tokens that rest on it end with it."""
    show(_shown_mandate(opened().registers.representatives.order_withdrawal(mandate_id, **names)), as_json=as_json)


@mandate.command("show")
@click.argument("mandate_id")
@json_option
def show_mandate(mandate_id: str, as_json: bool) -> None:
    """Show a mandate."""
    show(_shown_mandate(opened().registers.mandates.get(mandate_id)), as_json=as_json)


def _shown_matter(found: Matter) -> dict[str, object]:
    return {
        "code": found.code,
        "name": found.name,
        "name_zh": found.name_zh,
        "purpose": found.purpose,
        "purpose_zh": found.purpose_zh,
        "types": " ".join(sorted(found.types)),
        "retired_at": found.retired_at,
    }


def _shown_counter(found: Counter) -> dict[str, object]:
    return {
        "counter": found.id,
        "name": found.name,
        "authority": str(found.authority),
        "systems": " ".join(sorted(found.systems)),
        "closed_at": found.closed_at,
    }


def _shown_clerk(found: Clerk) -> dict[str, object]:
    return {
        "clerk": found.id,
        "person": found.person,
        "staff_number": found.staff_number,
        "name": found.name,
        "authority": str(found.authority),
        "counters": " ".join(sorted(found.counters)),
        "disabled_at": found.disabled_at,
    }


def _shown_change(found: ClerkChange) -> dict[str, object]:
    return {
        "request": found.id,
        "kind": found.kind.value,
        "clerk": found.clerk,
        "staff_number": found.staff_number,
        "counters": " ".join(sorted(found.counters)),
        "reason": found.reason,
        "requested_by": found.requested_by,
        "requested_at": found.requested_at,
        "state": found.state.value,
        "decided_by": found.decided_by,
        "decided_at": found.decided_at,
    }


def _shown_mandate(found: Mandate) -> dict[str, object]:
    return {
        "mandate": found.id,
        "kind": found.kind.value,
        "principal": found.principal,
        "agent": found.agent,
        "matters": " ".join(sorted(found.matters)) or "all",
        "valid_from": found.valid_from,
        "valid_until": found.valid_until,
        "accepted": found.accepted,
        "withdrawn_at": found.withdrawn_at,
        "withdrawn_by": found.withdrawn_by,
        "used_at": found.used_at,
    }
