"""Sign-ins and recoveries under way, and how each ends: all its effects are one commit, or there is none.

What makes a proof single-use (the time step, the challenge, the attempt, the recovery code) and the session that it
opens stand in the same transaction. So of two that use one proof at the same time exactly one gets a session, and a
process that dies half-way leaves nothing that can be used.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from sso.signin.credentials import (
    Attempt,
    AttemptKind,
    Challenge,
    ChallengeKind,
    Passkey,
    RecoveryCode,
    SessionChange,
    StoredPassword,
)
from sso.signin.store.credentials import (
    PASSKEYS,
    PASSWORDS,
    RECOVERY_CODES,
    TOTP,
    made_since,
    saved_codes_step,
    use_step,
)
from sso.signin.store.sessions import change_step, end_all_step
from sso.signin.store.tables import AttemptRow, ChallengeRow, moment_of, moment_text
from sso.signin.store.work import Step, any_rows, commit, one_row
from trust.db import Base, Database

_ATTEMPTS = Base.metadata.tables[AttemptRow.__tablename__]
_CHALLENGES = Base.metadata.tables[ChallengeRow.__tablename__]


class DatabaseCeremonyStore:
    """`sso.signin.ports.CeremonyStore` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def finish_by_password(self, password: StoredPassword, change: SessionChange) -> bool:
        """Open or renew a session, unless the password was changed while it was being checked."""
        return commit(self._database, [_unchanged(password), change_step(change)])

    def begin_attempt(self, password: StoredPassword, attempt: Attempt) -> bool:
        """Keep the first step of a sign-in, unless the password was changed while it was being checked."""
        return commit(self._database, [_unchanged(password), _begin(attempt)])

    def attempt(self, digest: bytes) -> Attempt | None:
        """Return the attempt of this secret, or None."""
        with self._database.connect() as connection:
            row = connection.execute(select(_ATTEMPTS).where(_ATTEMPTS.c.digest == digest)).first()
        if row is None:
            return None
        return Attempt(
            digest=row.digest,
            kind=AttemptKind(row.kind),
            person=row.person,
            session=row.session,
            expires_at=moment_of(row.expires_at),
        )

    def finish_by_code(self, attempt: Attempt, time_step: int, change: SessionChange) -> bool:
        """End the attempt, use up the time step and open or renew the session; False when one of them is gone."""
        return commit(self._database, [_end(attempt), use_step(attempt.person, time_step), change_step(change)])

    def renew_by_code(self, time_step: int, change: SessionChange) -> bool:
        """Use up the time step and renew the session; False when the step was used or the session is over."""
        return commit(self._database, [use_step(change.session.person, time_step), change_step(change)])

    def add_challenge(self, challenge: Challenge) -> None:
        """Keep a challenge that is about to be given out."""
        row = {
            "digest": challenge.digest,
            "kind": challenge.kind.value,
            "session": challenge.session,
            "expires_at": moment_text(challenge.expires_at),
        }
        with self._database.begin() as connection:
            connection.execute(insert(_CHALLENGES).values(row))

    def take_challenge(self, digest: bytes) -> Challenge | None:
        """Return a challenge and remove it: the answer to it is judged once, whatever comes out."""
        with self._database.begin() as connection:
            statement = delete(_CHALLENGES).where(_CHALLENGES.c.digest == digest).returning(*_CHALLENGES.c)
            row = connection.execute(statement).first()
        if row is None:
            return None
        return Challenge(
            digest=row.digest,
            kind=ChallengeKind(row.kind),
            session=row.session,
            expires_at=moment_of(row.expires_at),
        )

    def finish_by_passkey(self, passkey: Passkey, sign_count: int, at: datetime, change: SessionChange) -> bool:
        """Note the new counter and open or renew the session; False when the passkey was used or removed meanwhile."""
        same = (PASSKEYS.c.id == passkey.id, PASSKEYS.c.sign_count == passkey.sign_count)
        values = {"sign_count": sign_count, "last_used_at": moment_text(at)}
        return commit(self._database, [one_row(update(PASSKEYS).where(*same).values(values)), change_step(change)])

    def change_password(self, old: StoredPassword, new: StoredPassword, change: SessionChange, at: datetime) -> bool:
        """Put a new password in the place of `old`, renew this session, end all others and what is under way."""
        person, session = new.person, change.session.id
        ends = end_all_step(person, keep=session, reason="password-changed", at=at)
        return commit(self._database, [_replace(old, new), _end_all_attempts(person), ends, change_step(change)])

    def begin_recovery(self, code_digest: bytes, attempt: Attempt, at: datetime, *, since: datetime | None) -> bool:
        """Use up a recovery code of the person and keep the attempt that it opens; False when it is not usable.

        A code from before `since` is not, nor one that still waits or was cancelled.
        """
        usable = (
            RECOVERY_CODES.c.digest == code_digest,
            RECOVERY_CODES.c.person == attempt.person,
            RECOVERY_CODES.c.used_at.is_(None),
            *made_since(since),
            RECOVERY_CODES.c.cancelled_at.is_(None),
            or_(RECOVERY_CODES.c.expires_at.is_(None), RECOVERY_CODES.c.expires_at > moment_text(at)),
            or_(RECOVERY_CODES.c.good_from.is_(None), RECOVERY_CODES.c.good_from <= moment_text(at)),
        )
        use = one_row(update(RECOVERY_CODES).where(*usable).values(used_at=moment_text(at)))
        return commit(self._database, [use, _begin(attempt)])

    def renew(
        self, attempt: Attempt, password: StoredPassword, codes: Sequence[RecoveryCode], change: SessionChange
    ) -> bool:
        """Put new credentials in the place of all old ones, end every session, and open a new one.

        What was enrolled before goes: whoever recovers says that it is lost, and what a thief enrolled must go too.
        False when the attempt was used or ended.

        The sessions end first: what one of them is enrolling is committed by then, and goes, or it is refused.
        """
        person, at = attempt.person, password.changed_at
        return commit(
            self._database,
            [
                _hold(person),
                _end(attempt),
                end_all_step(person, keep=None, reason="recovered", at=at),
                any_rows(delete(TOTP).where(TOTP.c.person == person)),
                any_rows(delete(PASSKEYS).where(PASSKEYS.c.person == person)),
                _put(password),
                saved_codes_step(codes, person),
                _end_all_attempts(person),
                change_step(change),
            ],
        )

    def forget_expired(self, now: datetime) -> int:
        """Drop attempts and challenges whose time is over; return how many."""
        with self._database.begin() as connection:
            return sum(
                connection.execute(delete(table).where(table.c.expires_at <= moment_text(now))).rowcount
                for table in (_ATTEMPTS, _CHALLENGES)
            )


def _unchanged(password: StoredPassword) -> Step:
    """Hold the password's row until the commit: a change waits for us and then ends our session, or we see it."""
    statement = select(PASSWORDS.c.generation).where(PASSWORDS.c.person == password.person).with_for_update(read=True)
    return lambda connection: connection.execute(statement).scalar() == password.generation


def _hold(person: str) -> Step:
    """Wait for whoever uses this person's credentials or attempts. Sessions come last: all lock in this order."""
    held = [
        select(column).where(column.table.c.person == person).order_by(column).with_for_update()
        for column in (PASSWORDS.c.person, _ATTEMPTS.c.digest, TOTP.c.person, PASSKEYS.c.id)
    ]

    def take(connection: Connection) -> bool:
        for statement in held:
            connection.execute(statement).all()
        return True

    return take


def _replace(old: StoredPassword, new: StoredPassword) -> Step:
    same = and_(PASSWORDS.c.person == old.person, PASSWORDS.c.generation == old.generation)
    return one_row(update(PASSWORDS).where(same).values(_password_values(new)))


def _put(password: StoredPassword) -> Step:
    """Set the password, whether or not there was one; its generation is the next."""
    mine = PASSWORDS.c.person == password.person
    values = _password_values(password)

    def take(connection: Connection) -> bool:
        following = values | {"generation": PASSWORDS.c.generation + 1}
        if connection.execute(update(PASSWORDS).where(mine).values(following)).rowcount == 0:
            connection.execute(insert(PASSWORDS).values(values | {"person": password.person}))
        return True

    return take


def _password_values(password: StoredPassword) -> dict[str, object]:
    return {
        "sealed": password.sealed,
        "generation": password.generation,
        "changed_at": moment_text(password.changed_at),
    }


def _begin(attempt: Attempt) -> Step:
    values = {
        "digest": attempt.digest,
        "kind": attempt.kind.value,
        "person": attempt.person,
        "session": attempt.session,
        "expires_at": moment_text(attempt.expires_at),
    }
    return one_row(insert(_ATTEMPTS).values(values))


def _end(attempt: Attempt) -> Step:
    return one_row(delete(_ATTEMPTS).where(_ATTEMPTS.c.digest == attempt.digest))


def _end_all_attempts(person: str) -> Step:
    return any_rows(delete(_ATTEMPTS).where(_ATTEMPTS.c.person == person))
