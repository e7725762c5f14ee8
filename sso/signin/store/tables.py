"""The tables of signing in. Moments are ISO 8601 text in UTC with microseconds: they sort as text everywhere."""

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Float, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base

_ID: Final = 26
_MOMENT: Final = 32
_DIGEST: Final = 32
_CREDENTIAL: Final = 1023  # bytes: WebAuthn level 3 section 5.1.3 refuses longer credential ids


class PasswordRow(Base):
    """One person's password."""

    __tablename__ = "sso_passwords"

    person: Mapped[str] = mapped_column(String(_ID), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    generation: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[str] = mapped_column(String(_MOMENT))


class TotpRow(Base):
    """One person's app for one-time codes; of no effect until `confirmed_at` is set."""

    __tablename__ = "sso_totp"

    person: Mapped[str] = mapped_column(String(_ID), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[str] = mapped_column(String(_MOMENT))
    confirmed_at: Mapped[str | None] = mapped_column(String(_MOMENT))


class PasskeyRow(Base):
    """One passkey."""

    __tablename__ = "sso_passkeys"

    id: Mapped[str] = mapped_column(String(_ID), primary_key=True)
    person: Mapped[str] = mapped_column(String(_ID), index=True)
    credential: Mapped[bytes] = mapped_column(LargeBinary(_CREDENTIAL), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    label: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[str] = mapped_column(String(_MOMENT))
    last_used_at: Mapped[str | None] = mapped_column(String(_MOMENT))


class RecoveryCodeRow(Base):
    """One recovery code; one from a counter has an `id` and stays as the record, used or not.

    `good_from` is null where it never waited; `released_by` is the second clerk who ended the wait.
    """

    __tablename__ = "sso_recovery_codes"

    digest: Mapped[bytes] = mapped_column(LargeBinary(_DIGEST), primary_key=True)
    person: Mapped[str] = mapped_column(String(_ID), index=True)
    created_at: Mapped[str] = mapped_column(String(_MOMENT))
    expires_at: Mapped[str | None] = mapped_column(String(_MOMENT))
    clerk: Mapped[str | None] = mapped_column(String(_ID))
    counter: Mapped[str | None] = mapped_column(String(64))
    used_at: Mapped[str | None] = mapped_column(String(_MOMENT))
    id: Mapped[str | None] = mapped_column(String(_ID), unique=True, index=True)
    good_from: Mapped[str | None] = mapped_column(String(_MOMENT))
    released_by: Mapped[str | None] = mapped_column(String(_ID))
    cancelled_at: Mapped[str | None] = mapped_column(String(_MOMENT))


class AttemptRow(Base):
    """One sign-in or recovery between its two steps."""

    __tablename__ = "sso_signin_attempts"

    digest: Mapped[bytes] = mapped_column(LargeBinary(_DIGEST), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    person: Mapped[str] = mapped_column(String(_ID), index=True)
    session: Mapped[str | None] = mapped_column(String(_ID))
    expires_at: Mapped[str] = mapped_column(String(_MOMENT), index=True)


class ChallengeRow(Base):
    """One WebAuthn challenge that was given out."""

    __tablename__ = "sso_challenges"

    digest: Mapped[bytes] = mapped_column(LargeBinary(_DIGEST), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    session: Mapped[str | None] = mapped_column(String(_ID))
    expires_at: Mapped[str] = mapped_column(String(_MOMENT), index=True)


class ThrottleRow(Base):
    """One counter of failures; the key is a blind index, so it names nobody."""

    __tablename__ = "sso_throttles"

    bucket: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    score: Mapped[float] = mapped_column(Float)
    scored_at: Mapped[str] = mapped_column(String(_MOMENT), index=True)
    blocked_until: Mapped[str | None] = mapped_column(String(_MOMENT))


class SessionRow(Base):
    """One session; `secret_digest` is of the secret in the cookie."""

    __tablename__ = "sso_sessions"

    id: Mapped[str] = mapped_column(String(_ID), primary_key=True)
    secret_digest: Mapped[bytes] = mapped_column(LargeBinary(_DIGEST), unique=True)
    person: Mapped[str] = mapped_column(String(_ID), index=True)
    person_epoch: Mapped[int] = mapped_column(BigInteger)
    strength: Mapped[int] = mapped_column(BigInteger)
    methods: Mapped[str] = mapped_column(String(40))
    auth_time: Mapped[str] = mapped_column(String(_MOMENT))
    created_at: Mapped[str] = mapped_column(String(_MOMENT))
    last_seen_at: Mapped[str] = mapped_column(String(_MOMENT), index=True)
    expires_at: Mapped[str] = mapped_column(String(_MOMENT), index=True)
    client: Mapped[str] = mapped_column(String(80))
    ended_at: Mapped[str | None] = mapped_column(String(_MOMENT))


def moment_text(moment: datetime) -> str:
    """Return a moment as the rows hold it."""
    return moment.isoformat(timespec="microseconds")


def moment_of(text: str) -> datetime:
    """Return the moment that `moment_text` wrote."""
    return datetime.fromisoformat(text)
