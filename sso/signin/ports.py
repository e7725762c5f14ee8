"""What signing in needs from others: the register of persons, and three stores."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sso.accounts.domain import Person
from sso.signin.credentials import (
    Attempt,
    Challenge,
    Passkey,
    RecoveryCode,
    SessionChange,
    StoredPassword,
    StoredTotp,
)
from sso.signin.domain import Session
from trust.formats.holders import HolderNumber


class Persons(Protocol):
    """The register of persons (`sso.accounts.service.PersonRegister`)."""

    def find(self, code: HolderNumber) -> Person | None:
        """Return the person of this number, or None."""
        ...

    def get(self, person_id: str) -> Person:
        """Return the person. Raises a `NotFound` error."""
        ...


class SessionStore(Protocol):
    """Keeps sessions; ending one and cutting its tie are one unit of work."""

    def change(self, change: SessionChange) -> bool:
        """Open or change a session; False when the one to change is over."""
        ...

    def find_by_digest(self, digest: bytes) -> Session | None:
        """Return the session of this secret, or None when there is none or one of its ties is cut."""
        ...

    def find(self, session_id: str) -> Session | None:
        """Return the session, or None when there is none or one of its ties is cut."""
        ...

    def touch(self, session_id: str, at: datetime) -> None:
        """Note that the session was used."""
        ...

    def of(self, person: str) -> Sequence[Session]:
        """Return the sessions of a person that were not ended, newest first."""
        ...

    def end(self, session_id: str, person: str, *, reason: str, at: datetime) -> bool:
        """End one session of a person; False when there is none that lives."""
        ...

    def end_all(self, person: str, *, keep: str | None, reason: str, at: datetime) -> int:
        """End every session of a person but `keep`; return how many."""
        ...

    def end_expired(self, *, idle: timedelta, now: datetime) -> int:
        """End a batch of sessions whose life or longest pause is over; return how many."""
        ...


class CredentialStore(Protocol):
    """Keeps credentials; each call is one unit of work."""

    def password(self, person: str) -> StoredPassword | None:
        """Return the person's password, or None."""
        ...

    def enrol_password(self, password: StoredPassword, *, ended_before: datetime | None) -> bool:
        """Keep a first password, and drop what was enrolled before `ended_before`; False when the person has one."""
        ...

    def rehash(self, person: str, generation: int, sealed: bytes) -> None:
        """Keep a new hash of the same password, unless the password was changed meanwhile."""
        ...

    def totp(self, person: str) -> StoredTotp | None:
        """Return the person's app, confirmed or not, or None."""
        ...

    def begin_totp(self, totp: StoredTotp, *, ended_before: datetime | None) -> bool:
        """Keep an unconfirmed app; False when there is a confirmed one, made after `ended_before`."""
        ...

    def confirm_totp(self, totp: StoredTotp, time_step: int, at: datetime) -> bool:
        """Give the app effect and use up the step; False when it is no longer that app."""
        ...

    def use_step(self, person: str, time_step: int) -> bool:
        """Use up a time step; False when it, or a later one, was used before."""
        ...

    def remove_totp(self, person: str) -> bool:
        """Remove the person's app; False when there is none."""
        ...

    def passkeys(self, person: str) -> tuple[Passkey, ...]:
        """Return the person's passkeys, oldest first."""
        ...

    def passkey(self, credential: bytes) -> Passkey | None:
        """Return the passkey of this credential id, or None."""
        ...

    def add_passkey(self, passkey: Passkey, session: Session) -> bool:
        """Keep a new passkey; False when its credential id is registered already, or the session is over."""
        ...

    def remove_passkey(self, passkey_id: str, person: str) -> bool:
        """Remove a passkey of the person; False when there is none of this id."""
        ...

    def replace_recovery_codes(self, person: str, codes: Sequence[RecoveryCode], session: Session) -> bool:
        """Keep a new set of saved recovery codes; the old set ends. False when the session is over."""
        ...

    def recovery_codes_left(self, person: str, *, since: datetime | None) -> int:
        """Return how many saved recovery codes, made since then, were not used."""
        ...


class CounterCodes(Protocol):
    """Keeps recovery codes that clerks hand out, for good; each call is one unit of work."""

    def add(self, code: RecoveryCode) -> None:
        """Keep a code; unused older ones of the person from counters end."""
        ...

    def release(self, code: RecoveryCode, *, by: str, at: datetime, until: datetime) -> bool:
        """Make a waiting code good at once, until then; False when it waits no longer, or `by` handed it out."""
        ...

    def cancel(self, code_id: str, *, person: str, at: datetime) -> RecoveryCode | None:
        """Make a code of the person unusable for good and return it; None when there is no such open one."""
        ...

    def open(self, person: str, at: datetime) -> Sequence[RecoveryCode]:
        """Return the codes of a person that are, or may come to be, good."""
        ...

    def waiting(self, digest: bytes, person: str, at: datetime) -> RecoveryCode | None:
        """Return the code of this digest if it is the person's and still waits."""
        ...

    def all(self, persons: Collection[str]) -> Sequence[RecoveryCode]:
        """Return every code that was ever handed out to these persons at a counter, oldest first."""
        ...


class CeremonyStore(Protocol):
    """Keeps what is under way, and ends it together with all its effects in one unit of work.

    A False answer means that somebody else was first or that what was needed is gone; nothing was changed then.
    """

    def finish_by_password(self, password: StoredPassword, change: SessionChange) -> bool:
        """Open or renew a session, unless the password was changed while it was being checked."""
        ...

    def begin_attempt(self, password: StoredPassword, attempt: Attempt) -> bool:
        """Keep the first step of a sign-in, unless the password was changed while it was being checked."""
        ...

    def attempt(self, digest: bytes) -> Attempt | None:
        """Return the attempt of this secret, or None."""
        ...

    def finish_by_code(self, attempt: Attempt, time_step: int, change: SessionChange) -> bool:
        """End the attempt, use up the time step and open or renew the session."""
        ...

    def renew_by_code(self, time_step: int, change: SessionChange) -> bool:
        """Use up the time step and renew the session."""
        ...

    def add_challenge(self, challenge: Challenge) -> None:
        """Keep a challenge that is about to be given out."""
        ...

    def take_challenge(self, digest: bytes) -> Challenge | None:
        """Return a challenge and remove it."""
        ...

    def finish_by_passkey(self, passkey: Passkey, sign_count: int, at: datetime, change: SessionChange) -> bool:
        """Note the new counter and open or renew the session."""
        ...

    def change_password(self, old: StoredPassword, new: StoredPassword, change: SessionChange, at: datetime) -> bool:
        """Put a new password in the place of `old`, renew this session, end all others and what is under way."""
        ...

    def begin_recovery(self, code_digest: bytes, attempt: Attempt, at: datetime, *, since: datetime | None) -> bool:
        """Use up a recovery code of the person, made since then, and keep the attempt that it opens."""
        ...

    def renew(
        self, attempt: Attempt, password: StoredPassword, codes: Sequence[RecoveryCode], change: SessionChange
    ) -> bool:
        """Put new credentials in the place of all old ones, end every session, and open a new one."""
        ...

    def forget_expired(self, now: datetime) -> int:
        """Drop attempts and challenges whose time is over; return how many."""
        ...
