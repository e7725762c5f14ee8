"""What is kept of a person's credentials, and of ceremonies that are under way. Secrets are sealed or digests."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sso.accounts.domain import Person
from sso.signin.domain import Session, Strength


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPassword:
    """A person's password: its hash, sealed; `generation` grows with each change, a rehash leaves it."""

    person: str
    sealed: bytes = field(repr=False)
    generation: int
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTotp:
    """A person's app for one-time codes: its secret, sealed, and the last time step that was used."""

    person: str
    sealed: bytes = field(repr=False)
    last_step: int
    created_at: datetime
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey (WebAuthn credential record, level 3 section 4). `label` is the person's own word for it."""

    id: str
    person: str
    credential: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    label: str
    created_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What a person can sign in with, for their own page and for choosing a step-up."""

    password: bool
    codes: bool
    passkeys: tuple[Passkey, ...]
    recovery_codes: int

    @property
    def any(self) -> bool:
        """Whether there is a way in that the person may still hold, saved recovery codes too."""
        return self.password or bool(self.passkeys) or self.recovery_codes > 0

    @property
    def strongest(self) -> Strength:
        """The strongest proof that the person can give."""
        if self.passkeys:
            return Strength.PASSKEY
        return Strength.ONE_TIME_CODE if self.codes else Strength.PASSWORD


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCode:
    """A recovery code as it is kept; one from a counter has an id and an end, and names who handed it out.

    `good_from` is when it can be used first, None for at once; `released_by` is the second clerk who ended the wait.
    """

    digest: bytes = field(repr=False)
    person: str
    created_at: datetime
    expires_at: datetime | None = None
    clerk: str | None = None
    counter: str | None = None
    id: str | None = None
    good_from: datetime | None = None
    released_by: str | None = None
    cancelled_at: datetime | None = None
    used_at: datetime | None = None


def is_ended(made_at: datetime, person: Person) -> bool:
    """Whether a credential is from before a clerk had the person in front of them (`Person.credentials_from`).

    Whoever enrolled it may have registered the account with the person's number before the person came.
    """
    return person.credentials_from is not None and made_at < person.credentials_from


class AttemptKind(StrEnum):
    """What the holder of an attempt's secret may do next, and nothing else."""

    CODE = "code"  # the password was right: give the one-time code
    RENEWAL = "renewal"  # a recovery code was right: set new credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A sign-in or recovery between its two steps, kept under the digest of its secret.

    `session` is the session that the sign-in renews, None when it opens one.
    """

    digest: bytes = field(repr=False)
    kind: AttemptKind
    person: str
    session: str | None
    expires_at: datetime


class ChallengeKind(StrEnum):
    """The ceremony that a challenge was made for (WebAuthn level 3 section 7)."""

    REGISTRATION = "registration"
    SIGN_IN = "sign-in"
    STEP_UP = "step-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A challenge that was given out, under its digest; registration and step-up belong to one session."""

    digest: bytes
    kind: ChallengeKind
    session: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChange:
    """A session to open, or one that gets another strength, and the digest of its new secret."""

    session: Session
    digest: bytes = field(repr=False)
    opens: bool
