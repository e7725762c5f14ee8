"""When everything is lost: recovery codes that were saved, or one from a counter. Either leads to new credentials only.

A code from a counter is also how a person who was registered there gets their first password.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from sso.signin.credentials import AttemptKind, RecoveryCode, is_ended
from sso.signin.desk import SignedIn, usable
from sso.signin.devices import Device
from sso.signin.domain import Method, Session, Strength
from sso.signin.errors import AttemptEnded, RecoveryRefused, RecoveryTooEarly, SessionOver
from sso.signin.password_desk import PasswordDesk
from sso.signin.passwords import check_new_password
from sso.signin.recovery_codes import CODES, digest_of, new_code
from sso.signin.throttle import Secret
from trust.formats.holders import HolderNumber

_NOBODY: Final = ""

_log = structlog.get_logger("sso.signin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovering:
    """A recovery code was right: the secret lets its holder set new credentials, and nothing else."""

    secret: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """New credentials are set: a session, and the new recovery codes, shown this once."""

    signed_in: SignedIn
    recovery_codes: tuple[str, ...] = field(repr=False)


class RecoveryDesk(PasswordDesk):
    """Recovery and first enrolment."""

    def new_recovery_codes(self, session: Session) -> tuple[str, ...]:
        """Return a new set of recovery codes, shown this once; the old set ends.

        Raises `StepUpRequired`, `SessionOver`.
        """
        person = self._fresh_owner(session)
        codes, kept = self._new_codes(person.id)
        if not self._with.credentials.replace_recovery_codes(person.id, kept, session):
            self._refuse(SessionOver(), "session ended meanwhile", person.id)
        return codes

    def recover(self, identifier: HolderNumber, code: str, device: Device) -> Recovering:
        """Use up a saved recovery code, or one from a counter. Nobody is signed in by it.

        Raises:
            RecoveryRefused: unknown number, wrong, used, cancelled or expired code.
            RecoveryTooEarly: the code from a counter still waits.
            SignInThrottled: too many failures from this address.
        """
        person = usable(self._with.persons.find(identifier))
        charged = self._with.throttle.charge(Secret.RECOVERY, identifier.text, device, self._known(device, person))
        # Nobody has the empty id: an unknown number takes the same queries, and no code of anybody is used up.
        owner = person.id if person else _NOBODY
        attempt, secret = self._new_attempt(AttemptKind.RENEWAL, owner, None)
        since = person.credentials_from if person else None
        digest, now = digest_of(code), self._now()
        if not self._with.ceremonies.begin_recovery(digest, attempt, now, since=since):
            waiting = self._with.counter_codes.waiting(digest, owner, now)
            if waiting is not None and person is not None and not is_ended(waiting.created_at, person):
                self._with.throttle.take_back(charged)  # only its holder knows the code: nobody else learns anything
                self._refuse(RecoveryTooEarly(good_from=str(waiting.good_from)), "code still waits", owner)
            self._refuse(RecoveryRefused(), "no such account" if person is None else "no such code", owner or None)
        self._with.throttle.take_back(charged)
        _log.info("recovery begun", person=owner)
        return Recovering(secret=secret, expires_at=attempt.expires_at)

    def renew(self, recovering_secret: str, password: str, device: Device) -> Renewed:
        """Set a new password, remove every other credential, end every session, and open a new one.

        An unacceptable password leaves the recovery open for another try.

        Raises:
            AttemptEnded: the recovery is too old or was finished.
            PasswordLength, PasswordCharacters, PasswordWeak: it cannot be a password of this person.
        """
        attempt, person = self._attempt(recovering_secret, AttemptKind.RENEWAL)
        text = check_new_password(password, person)
        stored = self._stored(person.id, text, generation=1)
        codes, kept = self._new_codes(person.id)
        methods = (Method.PASSWORD, Method.RECOVERY)
        change, secret = self._with.sessions.opening(person, Strength.PASSWORD, methods, device.label)
        if not self._with.ceremonies.renew(attempt, stored, kept, change):
            self._refuse(AttemptEnded(), "recovery finished meanwhile", person.id)
        return Renewed(signed_in=self._signed_in(change, secret), recovery_codes=codes)

    def _new_codes(self, person_id: str) -> tuple[tuple[str, ...], tuple[RecoveryCode, ...]]:
        now = self._now()
        codes = tuple(new_code(self._with.randomness) for _ in range(CODES))
        kept = tuple(RecoveryCode(digest=digest_of(code), person=person_id, created_at=now) for code in codes)
        return codes, kept
