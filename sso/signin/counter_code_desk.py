"""Recovery codes from counters: handed out by one clerk, and of effect late enough for the account's holder to object.

A code for an account that has a way in waits (docs/adr/0014): meanwhile every page of the holder says that it was
handed out, and one click cancels it. A second clerk who has checked the document too may end the wait (law 9). A code
for an account without a way in, such as one registered at a counter, is good at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from sso.accounts.domain import Person
from sso.counters.domain import Clerk
from sso.signin.credentials import RecoveryCode, is_ended
from sso.signin.desk import Desk, usable
from sso.signin.domain import Session
from sso.signin.errors import CounterCodeUnknown, HandOutRefused, ReleaseRefused
from sso.signin.recovery_codes import COUNTER_CODE_LIFE, digest_of, new_code
from trust.kernel.ids import new_id

_log = structlog.get_logger("sso.signin")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """A code from a counter, shown this once; it can be used from `good_from` until `expires_at`."""

    code: str = field(repr=False)
    good_from: datetime
    expires_at: datetime


class CounterCodeDesk(Desk):
    """Hands out, releases and cancels."""

    def has_way_in(self, person_id: str) -> bool:
        """Whether somebody can sign in to the account, is signed in, or comes by way of an upper-level platform.

        Raises the register's error for an unknown person.
        """
        person = self._with.persons.get(person_id)
        return (
            self._enrolled(person).any
            or bool(self._with.sessions.of(person.id))
            or self._with.enters_elsewhere(person.id)
        )

    def hand_out_code(self, person_id: str, *, clerk: Clerk, counter: str) -> HandedOut:
        """Return a one-time code that a clerk gives to a person whose document was checked at the counter.

        Raises `HandOutRefused`, and the register's error for an unknown person.
        """
        person = self._served(person_id, clerk, counter)
        code, now = new_code(self._with.randomness), self._now()
        waits = self.has_way_in(person.id)
        good_from = now + self._with.recovery_wait if waits else now
        kept = RecoveryCode(
            id=new_id(self._with.clock, self._with.randomness),
            digest=digest_of(code),
            person=person.id,
            created_at=now,
            good_from=good_from,
            expires_at=good_from + COUNTER_CODE_LIFE,
            clerk=clerk.id,
            counter=counter,
        )
        self._with.counter_codes.add(kept)
        _log.info("code handed out", person=person.id, clerk=clerk.id, counter=counter, waits=waits)
        return HandedOut(code=code, good_from=good_from, expires_at=good_from + COUNTER_CODE_LIFE)

    def release_code(self, person_id: str, *, clerk: Clerk, counter: str) -> datetime:
        """Make the waiting code of a person good at once, by a second clerk of the counter; return until when.

        Raises `HandOutRefused`, `ReleaseRefused`, and the register's error for an unknown person.
        """
        person = self._served(person_id, clerk, counter)
        now = self._now()
        until = now + COUNTER_CODE_LIFE
        waiting = [code for code in self.open_codes(person.id) if code.counter == counter]
        if not any(self._with.counter_codes.release(code, by=clerk.id, at=now, until=until) for code in waiting):
            self._refuse(ReleaseRefused(), "nothing waits here, or the same clerk", person.id)
        _log.info("code released", person=person.id, clerk=clerk.id, counter=counter)
        return until

    def open_codes(self, person_id: str) -> Sequence[RecoveryCode]:
        """Return the codes from counters with which somebody can, or soon can, take the account over."""
        found = self._with.counter_codes.open(person_id, self._now())
        if not found:  # as on nearly every page that asks
            return []
        person = self._with.persons.get(person_id)
        return [code for code in found if not is_ended(code.created_at, person)]

    def cancel_code(self, session: Session, code_id: str) -> None:
        """Make a code from a counter unusable: the holder says that it was not them. Raises `CounterCodeUnknown`."""
        # Ids are letters and digits; PostgreSQL fails on a NUL in a text.
        known = code_id.isalnum()
        code = self._with.counter_codes.cancel(code_id, person=session.person, at=self._now()) if known else None
        if code is None:
            self._refuse(CounterCodeUnknown(field="code"), "no open code of this person", session.person)
        _log.warning(
            "code cancelled by the holder", person=session.person, code=code.id, clerk=code.clerk, counter=code.counter
        )

    def _served(self, person_id: str, clerk: Clerk, counter: str) -> Person:
        person = usable(self._with.persons.get(person_id))
        posted = clerk.disabled_at is None and counter in clerk.counters
        if person is None or not posted or clerk.person == person_id:
            self._refuse(HandOutRefused(), "person closed, clerk not posted, or clerk's own account", person_id)
        return person
