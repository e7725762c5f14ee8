"""`yinxin register person`: accounts of people, as far as operators find, change, stop, open, merge and end them.

A number is asked for or read from a pipe, never an argument: everyone on the machine reads the list of processes.
"""

import click

from portal.commands.opening import opened
from portal.commands.output import json_option, show
from portal.commands.person_records import (
    add_code,
    asked_line,
    prove_person,
    rename_in_person,
    rename_person,
    shown_person,
)
from sso.accounts.domain import Change, Evidence, Person
from sso.accounts.errors import PersonUnknown
from sso.accounts.service import PersonRegister
from trust.formats.holders import RESIDENT_ID_KIND, HolderNumber

_kind = click.option("--kind", default=RESIDENT_ID_KIND, show_default=True, help="Kind of the document (GB/T 36903).")
_by = click.option("--by", required=True, help="Name of the operator who does this.")
_asks = click.option("--requested-by", required=True, help="Name of the operator who asks.")
_approves = click.option("--approved-by", required=True, help="Name of the operator who approves: another one.")
_reason = click.option("--reason", required=True, help="Why, 2 to 200 characters; kept for good.")


@click.group()
def person() -> None:
    """Accounts of people, named by their ids; `find` and `show` ask for a number."""


@person.command("find")
@_kind
@json_option
def find_person(kind: str, as_json: bool) -> None:
    """Find the id of an account by its holder's number, which is asked for, or read from a pipe, and never shown."""
    show(shown_person(_asked_person(opened().people.register, kind)), as_json=as_json)


@person.command("show")
@_kind
@json_option
def show_person(kind: str, as_json: bool) -> None:
    """Show an account with its numbers (masked) and its evidence, by a number that is asked for as `find` does."""
    persons = opened().people.register
    found = _asked_person(persons, kind)
    account = shown_person(found) | {
        "codes": " ".join(f"{code.kind}:{code.masked}" for code in persons.codes(found.id))
    }
    evidence = [_shown_evidence(piece) for piece in persons.evidence(found.id)]
    if as_json:
        show(account | {"evidence": evidence}, as_json=True)
    else:
        show([account, *evidence], as_json=False)


@person.command("disable")
@click.argument("person_id", metavar="PERSON")
@_by
@_reason
@json_option
def disable_person(person_id: str, by: str, reason: str, as_json: bool) -> None:
    """Stop an account at once: its sessions and tokens end with it. One operator is enough."""
    show(shown_person(opened().people.register.disable(person_id, by=by, reason=reason)), as_json=as_json)


@person.command("enable")
@click.argument("person_id", metavar="PERSON")
@_asks
@_approves
@_reason
@json_option
def enable_person(person_id: str, requested_by: str, approved_by: str, reason: str, as_json: bool) -> None:
    """Open an account again that was disabled, or ended by mistake; what was cut stays cut."""
    opened_again = opened().people.register.enable(
        person_id, requested_by=requested_by, approved_by=approved_by, reason=reason
    )
    show(shown_person(opened_again), as_json=as_json)


@person.command("merge")
@click.argument("duplicate")
@click.argument("survivor")
@_asks
@_approves
@_reason
@json_option
def merge_persons(*, duplicate: str, survivor: str, as_json: bool, **words: str) -> None:
    """Make one account of two, for good: the numbers of DUPLICATE lead to SURVIVOR, the sessions of both end."""
    show(shown_person(opened().people.register.merge(duplicate, survivor, **words)), as_json=as_json)


@person.command("end")
@click.argument("person_id", metavar="PERSON")
@_by
@_reason
@json_option
def end_person(person_id: str, by: str, reason: str, as_json: bool) -> None:
    """Keep that a person is deceased or an organisation dissolved; everything that hangs on the account ends."""
    show(shown_person(opened().people.register.end(person_id, by=by, reason=reason)), as_json=as_json)


@person.command("changes")
@click.argument("person_id", metavar="PERSON")
@json_option
def list_changes(person_id: str, as_json: bool) -> None:
    """List what was done to an account and to its merged duplicates, oldest first."""
    persons = opened().people.register
    found = persons.get(person_id)
    show([_shown_change(change) for change in persons.changes(found.id)], as_json=as_json)


for command in (rename_person, rename_in_person, add_code, prove_person):
    person.add_command(command)


def _asked_person(persons: PersonRegister, kind: str) -> Person:
    found = persons.find(HolderNumber(kind=kind, number=asked_line("Number")))
    if found is None:
        raise PersonUnknown(field="number")
    return found


def _shown_evidence(found: Evidence) -> dict[str, object]:
    return {
        "source": found.source,
        "level": found.level.value,
        "at": found.at,
        "person": found.person,  # of a merged duplicate: another id, and no level for this one
        "document_kind": found.document_kind,
        "document_expires": found.document_expires,
        "counter": found.counter,
        "clerk": found.clerk,
    }


def _shown_change(found: Change) -> dict[str, object]:
    """Return what operators may see; a former name is as personal as the present one and is left out."""
    return {
        "change": found.id,
        "person": found.person,
        "act": found.act.value,
        "at": found.at,
        "requested_by": found.requested_by,
        "approved_by": found.approved_by,
        "reason": found.reason,
        "other": found.other,
    }
