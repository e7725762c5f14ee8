"""What the parts of the sign-in desk share: their tools, what they hand out, and how they refuse."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Never
from urllib.parse import urlsplit

import structlog

from sso.accounts.domain import Person
from sso.signin.credentials import Attempt, AttemptKind, Enrolled, Passkey, SessionChange, StoredTotp, is_ended
from sso.signin.devices import Device, DeviceTokens, KnownDevice
from sso.signin.domain import Session
from sso.signin.errors import AttemptEnded, SessionOver, StepUpRequired
from sso.signin.passwords import PasswordHasher
from sso.signin.ports import CeremonyStore, CounterCodes, CredentialStore, Persons
from sso.signin.sessions import Sessions
from sso.signin.throttle import Throttle
from trust.kernel.bearer_secrets import new_secret, secret_digest
from trust.kernel.clock import Clock
from trust.kernel.errors import NotFound, TrustError
from trust.kernel.randomness import Randomness
from trust.sealing import BlindIndex, FieldCipher

FRESH: Final = timedelta(minutes=15)
"""How old the proof may be when credentials are changed: long enough to set up an app, short of a coffee break."""

CODE_LIFE: Final = timedelta(minutes=5)
"""How long the one-time code may take after the password."""

RENEWAL_LIFE: Final = timedelta(minutes=15)
"""How long choosing a new password may take after the recovery code."""

_LIVES: Final = MappingProxyType({AttemptKind.CODE: CODE_LIFE, AttemptKind.RENEWAL: RENEWAL_LIFE})

_log = structlog.get_logger("sso.signin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """How browsers name this service: `origin`, and `host` as the relying party id (WebAuthn level 3 section 5.1.2).

    Browsers take no bare IP address as the id of a relying party: try passkeys at http://localhost.
    """

    origin: str
    host: str

    @classmethod
    def of(cls, public_url: str) -> "Site":
        """Return the site of the settings' `public_url`."""
        parts = urlsplit(public_url)
        return cls(origin=f"{parts.scheme}://{parts.netloc}", host=parts.hostname or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Everything that the sign-in desk works with.

    `recovery_wait` is how long a code from a counter waits where the account has a way in; `enters_elsewhere` says
    whether a person also signs in by way of an upper-level platform.
    """

    persons: Persons
    credentials: CredentialStore
    counter_codes: CounterCodes
    ceremonies: CeremonyStore
    sessions: Sessions
    throttle: Throttle
    devices: DeviceTokens
    hasher: PasswordHasher
    cipher: FieldCipher
    index: BlindIndex
    site: Site
    clock: Clock
    randomness: Randomness
    recovery_wait: timedelta
    enters_elsewhere: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A proof was accepted: the session, the secret for its cookie, and the token for the device cookie."""

    session: Session
    secret: str = field(repr=False)
    device_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorNeeded:
    """The password was right and a one-time code must follow, until `expires_at`. Nobody is signed in yet."""

    attempt: str = field(repr=False)
    expires_at: datetime


class Desk:
    """Base of the desk's parts."""

    def __init__(self, workshop: Workshop) -> None:
        self._with = workshop

    def enrolled(self, person_id: str) -> Enrolled:
        """Return what the person can sign in with. Raises the register's error for an unknown person."""
        return self._enrolled(self._with.persons.get(person_id))

    def _enrolled(self, person: Person) -> Enrolled:
        credentials = self._with.credentials
        password = credentials.password(person.id)
        return Enrolled(
            password=password is not None and not is_ended(password.changed_at, person),
            codes=self._has_app(person),
            passkeys=self._passkeys(person),
            recovery_codes=credentials.recovery_codes_left(person.id, since=person.credentials_from),
        )

    def _totp(self, person: Person) -> StoredTotp | None:
        totp = self._with.credentials.totp(person.id)
        return None if totp is None or is_ended(totp.created_at, person) else totp

    def _has_app(self, person: Person) -> bool:
        totp = self._totp(person)
        return totp is not None and totp.confirmed_at is not None

    def _passkeys(self, person: Person) -> tuple[Passkey, ...]:
        known = self._with.credentials.passkeys(person.id)
        return tuple(passkey for passkey in known if not is_ended(passkey.created_at, person))

    def _now(self) -> datetime:
        return self._with.clock.now()

    def _known(self, device: Device, person: Person | None) -> KnownDevice | None:
        if person is None:
            return self._with.devices.recognise(device.token, None, now=self._now())
        return self._with.devices.recognise(device.token, person.id, now=self._now(), after=person.credentials_from)

    def _person(self, person_id: str) -> Person | None:
        """Return the person if they can sign in now."""
        try:
            return usable(self._with.persons.get(person_id))
        except NotFound:
            return None

    def _fresh_owner(self, session: Session) -> Person:
        """Return the person of a session whose proof is new and the strongest that the person can give.

        So a thief of a password, or of an open browser, cannot enrol a credential of their own. Raises
        `StepUpRequired`, `SessionOver`.
        """
        person = self._owner(session)
        if not session.meets(self._enrolled(person).strongest, now=self._now(), max_age=FRESH):
            self._refuse(StepUpRequired(), "stale or weak session", session.person)
        return person

    def _owner(self, session: Session) -> Person:
        """Return the person of a session. Raises `SessionOver` when they can no longer sign in."""
        person = self._person(session.person)
        if person is None:
            self._refuse(SessionOver(), "person cannot sign in", session.person)
        return person

    def _new_attempt(self, kind: AttemptKind, person: str, session: str | None) -> tuple[Attempt, str]:
        secret = new_secret(self._with.randomness)
        attempt = Attempt(
            digest=secret_digest(secret),
            kind=kind,
            person=person,
            session=session,
            expires_at=self._now() + _LIVES[kind],
        )
        return attempt, secret

    def _attempt(self, secret: str, kind: AttemptKind) -> tuple[Attempt, Person]:
        """Return the attempt of a secret and its person. Raises `AttemptEnded`."""
        attempt = self._with.ceremonies.attempt(secret_digest(secret))
        if attempt is None or attempt.kind is not kind or self._now() >= attempt.expires_at:
            self._refuse(AttemptEnded(), f"no living attempt of kind {kind}", attempt.person if attempt else None)
        person = self._person(attempt.person)
        if person is None:
            self._refuse(AttemptEnded(), "person cannot sign in", attempt.person)
        if is_ended(attempt.expires_at - _LIVES[kind], person):
            self._refuse(AttemptEnded(), "begun with a credential that has ended", person.id)
        return attempt, person

    def _signed_in(self, change: SessionChange, secret: str) -> SignedIn:
        """Return what a committed change hands out."""
        session = change.session
        _log.info(
            "signed in",
            session=session.id,
            person=session.person,
            strength=session.strength.value,
            methods=[method.value for method in session.methods],
            renewed=not change.opens,
        )
        token = self._with.devices.issue(session.person, now=self._now())
        return SignedIn(session=session, secret=secret, device_token=token)

    def _refuse(self, error: TrustError, reason: str, person: str | None) -> Never:
        """Write the line for the officer, who is told what the caller is not, and raise."""
        _log.warning("sign-in refused", code=error.code, reason=reason, person=person)
        raise error


def usable(person: Person | None) -> Person | None:
    """Return a person who can sign in: active, and no organisation, which is always represented."""
    return person if person is not None and person.active and not person.is_legal else None
