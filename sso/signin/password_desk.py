"""Signing in by password."""

import unicodedata
from typing import Final

from sso.accounts.domain import Person
from sso.signin.credentials import AttemptKind, StoredPassword, is_ended
from sso.signin.desk import Desk, SecondFactorNeeded, SignedIn, Workshop, usable
from sso.signin.devices import Device
from sso.signin.domain import Method, Session, Strength
from sso.signin.errors import PasswordEnrolled, SessionOver, SignInRefused, StepUpTooWeak
from sso.signin.passwords import check_new_password
from sso.signin.throttle import Secret
from trust.formats.holders import HolderNumber
from trust.kernel.encoding import base64url

_NOBODY: Final = ""  # no person has this id: an unknown account costs the same query as a known one
_DECOY_BYTES: Final = 16


class PasswordDesk(Desk):
    """Passwords: enrol, sign in, confirm, change."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(workshop)
        self._decoy = workshop.hasher.hash(base64url(workshop.randomness.token(_DECOY_BYTES)))

    def enrol_password(self, person_id: str, password: str) -> None:
        """Give a person their first password; the caller has just registered them, or they are signed in upstream.

        A password from before `Person.credentials_from` is replaced, and what else was enrolled before goes with it.

        Raises:
            PasswordLength, PasswordCharacters, PasswordWeak: it cannot be a password of this person.
            PasswordEnrolled: there is one; it is changed by `change_password` or replaced by `recover`.
        """
        person = self._with.persons.get(person_id)
        stored = self._stored(person_id, check_new_password(password, person), generation=1)
        if not self._with.credentials.enrol_password(stored, ended_before=person.credentials_from):
            self._refuse(PasswordEnrolled(), "password exists", person_id)

    def with_password(self, identifier: HolderNumber, password: str, device: Device) -> SignedIn | SecondFactorNeeded:
        """Open a session, or ask for the one-time code that the person has set up.

        An unknown number, an account without password and a closed one take the same path: one charge, one query, one
        hash, one answer.

        Raises:
            SignInRefused: for whichever reason.
            SignInThrottled: too many failures before; the password was not judged.
        """
        person = usable(self._with.persons.find(identifier))
        person, stored = self._password_proved(person, identifier.text, password, device)
        return self._after_password(person, stored, device, None)

    def confirm_password(self, session: Session, password: str, device: Device) -> SignedIn | SecondFactorNeeded:
        """Renew a session by the password; the session stays the same one, its secret changes.

        Raises:
            StepUpTooWeak: the session was opened with something stronger than the password can lead to.
            SignInRefused, SignInThrottled: as `with_password`.
            SessionOver: the session ended meanwhile.
        """
        owner = self._owner(session)
        reach = Strength.ONE_TIME_CODE if self._has_app(owner) else Strength.PASSWORD
        if not session.may_be_renewed_by(reach):
            self._refuse(StepUpTooWeak(), "password for a stronger session", owner.id)
        person, stored = self._password_proved(owner, owner.code.text, password, device)
        return self._after_password(person, stored, device, session)

    def change_password(self, session: Session, old: str, new: str, device: Device) -> SignedIn:
        """Put a new password in the place of the old one; all other sessions and what is under way end.

        Raises:
            StepUpRequired: the session's proof is too old, or not the strongest that the person has.
            SignInRefused, SignInThrottled: the old password is wrong, or was tried too often.
            PasswordLength, PasswordCharacters, PasswordWeak: the new one cannot be a password of this person.
            SessionOver: the session ended, or the password was changed, meanwhile.
        """
        owner = self._fresh_owner(session)
        text = check_new_password(new, owner)
        _, stored = self._password_proved(owner, owner.code.text, old, device)
        changed = self._stored(owner.id, text, generation=stored.generation + 1)
        change, secret = self._with.sessions.rotating(session)
        if not self._with.ceremonies.change_password(stored, changed, change, self._now()):
            self._refuse(SessionOver(), "session or password changed meanwhile", owner.id)
        return self._signed_in(change, secret)

    def _password_proved(
        self, person: Person | None, account: str, password: str, device: Device
    ) -> tuple[Person, StoredPassword]:
        """Charge, judge, take back. Every path through it costs exactly one hash."""
        charged = self._with.throttle.charge(Secret.PASSWORD, account, device, self._known(device, person))
        stored = self._with.credentials.password(person.id if person else _NOBODY)
        hashed = self._opened(stored) if stored else self._decoy
        right = self._with.hasher.matches(hashed, password)
        if person is None or stored is None or not right or is_ended(stored.changed_at, person):
            self._refuse(SignInRefused(), _reason(person, stored, right=right), person.id if person else None)
        self._with.throttle.take_back(charged)
        if self._with.hasher.outdated(hashed):
            renewed = self._stored(person.id, unicodedata.normalize("NFC", password), generation=stored.generation)
            self._with.credentials.rehash(person.id, stored.generation, renewed.sealed)
        return person, stored

    def _after_password(
        self, person: Person, stored: StoredPassword, device: Device, session: Session | None
    ) -> SignedIn | SecondFactorNeeded:
        sessions, ceremonies = self._with.sessions, self._with.ceremonies
        if self._has_app(person):
            attempt, secret = self._new_attempt(AttemptKind.CODE, person.id, session.id if session else None)
            if not ceremonies.begin_attempt(stored, attempt):
                self._refuse(SignInRefused(), "password changed meanwhile", person.id)
            return SecondFactorNeeded(attempt=secret, expires_at=attempt.expires_at)
        methods = (Method.PASSWORD,)
        change, secret = (
            sessions.opening(person, Strength.PASSWORD, methods, device.label)
            if session is None
            else sessions.renewing(session, Strength.PASSWORD, methods)
        )
        if not ceremonies.finish_by_password(stored, change):
            error = SessionOver() if session else SignInRefused()
            self._refuse(error, "password changed or session ended meanwhile", person.id)
        return self._signed_in(change, secret)

    def _stored(self, person_id: str, password: str, *, generation: int) -> StoredPassword:
        """Return a password as it is kept: the hash is sealed to its row, so a stolen table alone is no use."""
        sealed = self._with.cipher.seal(self._with.hasher.hash(password), place=_place(person_id))
        return StoredPassword(person=person_id, sealed=sealed, generation=generation, changed_at=self._now())

    def _opened(self, stored: StoredPassword) -> bytes:
        return self._with.cipher.open(stored.sealed, place=_place(stored.person))


def _reason(person: Person | None, stored: StoredPassword | None, *, right: bool) -> str:
    if person is None:
        return "no such account"
    if stored is None:
        return "no password"
    return "right password, which has ended" if right else "wrong password"


def _place(person_id: str) -> str:
    return f"sso_passwords.sealed:{person_id}"
