"""`yinxin register person rename`, `add-code`, `prove`: what a document or a register says anew about a person.

Names and numbers are asked for or read from a pipe, never an argument: everyone on the machine reads the list of
processes. What changes whose account it is takes two operators (law 9); a document is one that a clerk has checked.
"""

import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click

from portal.commands.opening import opened
from portal.commands.output import json_option, show
from portal.wiring import Installation
from sso.accounts.domain import Person
from sso.accounts.ports import TERMS, Claims, SourceName
from sso.accounts.proofing import Sighting
from sso.accounts.service import Decision
from trust.formats.holders import RESIDENT_ID_KIND, HolderNumber

_SOURCES = click.Choice([source.value for source in SourceName])
_person = click.argument("person_id", metavar="PERSON")
_source = click.option("--source", required=True, type=_SOURCES, help="The register that is asked.")


def decided(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a decision of two operators."""
    for option in (
        click.option("--reason", required=True, help="Why, 2 to 200 characters; kept for good."),
        click.option("--approved-by", required=True, help="Name of the operator who approves: another one."),
        click.option("--requested-by", required=True, help="Name of the operator who asks."),
    ):
        command = option(command)
    return command


def checked(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a document that a clerk has checked."""
    for option in (
        click.option(
            "--expires", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the document; left out for 长期."
        ),
        click.option("--counter", required=True, help="Id of the counter at which it was checked."),
        click.option("--clerk", required=True, help="Id of the clerk who checked the document."),
    ):
        command = option(command)
    return command


@click.command("rename")
@_person
@_source
@decided
@json_option
def rename_person(*, person_id: str, source: str, as_json: bool, **words: str) -> None:
    """Change a name that a register confirms; the new name is asked for, or read from a pipe."""
    name = asked_line("New name")
    persons = opened().people.register
    renamed = persons.rename(person_id, name, source=source, claims=Claims(name=name), decision=Decision(**words))
    show(shown_person(renamed), as_json=as_json)


@click.command("rename-in-person")
@_person
@checked
@click.option("--kind", default=RESIDENT_ID_KIND, show_default=True, help="Kind of the document (GB/T 36903).")
@decided
@json_option
def rename_in_person(
    *, person_id: str, clerk: str, counter: str, expires: datetime | None, kind: str, as_json: bool, **words: str
) -> None:
    """Change a name by a document with the new one; the name is asked for, or read from a pipe."""
    name = asked_line("New name")
    installation = opened()
    sighting = _sighting(installation, clerk, counter, kind, expires)
    renamed = installation.people.register.rename_in_person(
        person_id, name, sighting=sighting, decision=Decision(**words)
    )
    show(shown_person(renamed), as_json=as_json)


@click.command("add-code")
@_person
@checked
@click.option("--kind", required=True, help="Kind of the document and of its number (GB/T 36903).")
@decided
@json_option
def add_code(
    *, person_id: str, clerk: str, counter: str, expires: datetime | None, kind: str, as_json: bool, **words: str
) -> None:
    """Give an account another number by the document that shows it, such as a renewed passport; it is asked for."""
    code = HolderNumber(kind=kind, number=asked_line("Number"))
    installation = opened()
    sighting = _sighting(installation, clerk, counter, kind, expires)
    persons = installation.people.register
    show(
        shown_person(persons.add_code(person_id, code, sighting=sighting, decision=Decision(**words))), as_json=as_json
    )


@click.command("prove")
@_person
@_source
@json_option
def prove_person(person_id: str, source: str, as_json: bool) -> None:
    """Ask a register again whether name and number are one person's; it says so, or nothing is kept.

    A phone or social-security number is asked for where the register compares one.
    """
    item = TERMS[SourceName(source)].item
    value = (
        {} if item is None else {item: asked_line("Mobile number" if item == "mobile" else "Social-security number")}
    )
    persons = opened().people.register
    claims = Claims(name=persons.get(person_id).name, **value)
    show(shown_person(persons.prove(person_id, source, claims)), as_json=as_json)


def asked_line(prompt: str) -> str:
    """Return a line from the pipe, or one that is typed unseen."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    typed: str = click.prompt(prompt, hide_input=True, err=True)
    return typed.strip()


def shown_person(found: Person) -> dict[str, object]:
    """Return an account as operators may see it."""
    return {
        "person": found.id,
        "name": found.masked_name,
        "level": found.level.value,
        "state": found.state.value,
        "merged_into": found.merged_into,
    }


def _sighting(installation: Installation, clerk: str, counter: str, kind: str, expires: datetime | None) -> Sighting:
    last: date | None = None if expires is None else expires.date()
    return Sighting(
        clerk=installation.registers.counters.clerk(clerk), counter=counter, document_kind=kind, document_expires=last
    )
