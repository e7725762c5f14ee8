"""A recovery code handed out at a counter: the clerk has checked the document of the person in front of them.

The code opens nothing by itself; with it the person chooses new credentials at home or at the counter's own screen, and
everything that was enrolled before ends.
"""

from typing import Protocol

from sso.accounts.counter_desk import CheckedDocument
from sso.accounts.errors import NameMismatch, PersonUnknown
from sso.counters.domain import Clerk
from sso.signin.ports import Persons
from sso.signin.recovery_desk import HandedOut
from trust.kernel.clock import Clock, calendar_day
from trust.kernel.text import is_same_person


class Codes(Protocol):
    """Makes the codes (`sso.signin.service.SignInDesk`)."""

    def hand_out_code(self, person_id: str, *, clerk: Clerk, counter: str) -> HandedOut:
        """Return a one-time code. Raises `HandOutRefused`."""
        ...


class HandOutDesk:
    """Hands out recovery codes to persons whose document a clerk has checked."""

    def __init__(self, persons: Persons, codes: Codes, clock: Clock) -> None:
        self._persons = persons
        self._codes = codes
        self._clock = clock

    def hand_out(self, document: CheckedDocument) -> HandedOut:
        """Return a code for the account of the document's number, if the name is the registered one.

        Raises `DocumentExpired`, `PersonUnknown` (the clerk registers them by proofing), `NameMismatch`, and
        `HandOutRefused`: the account is closed or an organisation's, or the clerk's own.
        """
        sighting, code = document.sighting, document.code
        sighting.finding(frozenset({code.kind}), today=calendar_day(self._clock.now()))
        person = self._persons.find(code)
        if person is None:
            raise PersonUnknown(field="holder.number")
        if not is_same_person(document.name, person.name):
            raise NameMismatch(field="holder.name")
        return self._codes.hand_out_code(person.id, clerk=sighting.clerk, counter=sighting.counter)
