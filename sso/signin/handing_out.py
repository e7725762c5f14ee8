"""A recovery code handed out at a counter: the clerk has checked the document of the person in front of them.

The code opens nothing by itself; with it the person chooses new credentials at home or at the counter's own screen, and
everything that was enrolled before ends. Where the account has a way in the code waits; a second clerk, who has checked
the document too, can end the wait.
"""

from datetime import datetime
from typing import Protocol

from sso.accounts.clerk_days import ClerkDays
from sso.accounts.counter_desk import CheckedDocument
from sso.accounts.domain import Person
from sso.accounts.errors import NameMismatch, PersonUnknown
from sso.counters.domain import Clerk
from sso.signin.counter_code_desk import HandedOut
from sso.signin.ports import Persons
from trust.kernel.clock import Clock, calendar_day
from trust.kernel.text import is_same_person


class Codes(Protocol):
    """Makes the codes (`sso.signin.service.SignInDesk`)."""

    def hand_out_code(self, person_id: str, *, clerk: Clerk, counter: str) -> HandedOut:
        """Return a one-time code. Raises `HandOutRefused`."""
        ...

    def release_code(self, person_id: str, *, clerk: Clerk, counter: str) -> datetime:
        """Make a waiting code good at once; return until when. Raises `HandOutRefused`, `ReleaseRefused`."""
        ...


class HandOutDesk:
    """Hands out recovery codes to persons whose document a clerk has checked."""

    def __init__(self, persons: Persons, codes: Codes, days: ClerkDays, clock: Clock) -> None:
        self._persons = persons
        self._codes = codes
        self._days = days
        self._clock = clock

    def hand_out(self, document: CheckedDocument) -> HandedOut:
        """Return a code for the account of the document's number, if the name is the registered one.

        Raises `ClerkDayFull`, `DocumentExpired`, `PersonUnknown` (the clerk registers them by proofing),
        `NameMismatch`, and `HandOutRefused`: the account is closed or an organisation's, or the clerk's own.
        """
        person = self._identified(document, "recovery-code")
        return self._codes.hand_out_code(person.id, clerk=document.sighting.clerk, counter=document.sighting.counter)

    def release(self, document: CheckedDocument) -> datetime:
        """End the wait of the code that another clerk of this counter handed out; return until when it is good.

        Raises as `hand_out`, and `ReleaseRefused`.
        """
        person = self._identified(document, "release")
        return self._codes.release_code(person.id, clerk=document.sighting.clerk, counter=document.sighting.counter)

    def _identified(self, document: CheckedDocument, act: str) -> Person:
        sighting, code = document.sighting, document.code
        self._days.admit(sighting.clerk, counter=sighting.counter, act=act)
        sighting.finding(frozenset({code.kind}), today=calendar_day(self._clock.now()))
        person = self._persons.find(code)
        if person is None:
            raise PersonUnknown(field="holder.number")
        if not is_same_person(document.name, person.name):
            raise NameMismatch(field="holder.name")
        return person
