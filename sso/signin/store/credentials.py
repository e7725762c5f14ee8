"""Passwords, apps for one-time codes, passkeys and recovery codes in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from sso.signin.credentials import Passkey, RecoveryCode, StoredPassword, StoredTotp
from sso.signin.domain import Session
from sso.signin.store.sessions import living_step
from sso.signin.store.tables import PasskeyRow, PasswordRow, RecoveryCodeRow, TotpRow, moment_of, moment_text
from sso.signin.store.work import Step, commit, hold_name, insert_missing, one_row
from trust.db import Base, Database

PASSWORDS = Base.metadata.tables[PasswordRow.__tablename__]
TOTP = Base.metadata.tables[TotpRow.__tablename__]
PASSKEYS = Base.metadata.tables[PasskeyRow.__tablename__]
RECOVERY_CODES = Base.metadata.tables[RecoveryCodeRow.__tablename__]


def use_step(person: str, time_step: int) -> Step:
    """Return the step that uses a time step of a confirmed app, once: none at or before the last one used."""
    mine = (TOTP.c.person == person, TOTP.c.confirmed_at.is_not(None), TOTP.c.last_step < time_step)
    return one_row(update(TOTP).where(*mine).values(last_step=time_step))


def saved_codes_step(codes: Sequence[RecoveryCode], person: str) -> Step:
    """Return the step that replaces a person's saved recovery codes; those from a counter stay as the record."""
    saved = (RECOVERY_CODES.c.person == person, RECOVERY_CODES.c.clerk.is_(None))
    remove, add = delete(RECOVERY_CODES).where(*saved), insert(RECOVERY_CODES)

    def take(connection: Connection) -> bool:
        hold_codes(connection, person)
        connection.execute(remove)
        connection.execute(add.values([code_values(code) for code in codes]))
        return True

    return take


def hold_codes(connection: Connection, person: str) -> None:
    """Let one at a time make recovery codes of a person: of two sets made at once, one is deleted by the other."""
    hold_name(connection, f"sso_recovery_codes:{person}")


def made_since(moment: datetime | None) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that a recovery code was made at this moment or later; none without a moment."""
    return () if moment is None else (RECOVERY_CODES.c.created_at >= moment_text(moment),)


class DatabaseCredentialStore:
    """`sso.signin.ports.CredentialStore` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def password(self, person: str) -> StoredPassword | None:
        """Return the person's password, or None."""
        with self._database.connect() as connection:
            row = connection.execute(select(PASSWORDS).where(PASSWORDS.c.person == person)).first()
        if row is None:
            return None
        return StoredPassword(
            person=row.person, sealed=row.sealed, generation=row.generation, changed_at=moment_of(row.changed_at)
        )

    def enrol_password(self, password: StoredPassword, *, ended_before: datetime | None) -> bool:
        """Keep a first password; False when the person has one.

        One from before `ended_before` is replaced, and every other credential from before goes in the same commit.
        """
        values = {"sealed": password.sealed, "changed_at": moment_text(password.changed_at)}
        first = values | {"person": password.person, "generation": password.generation}
        with self._database.begin() as connection:
            if insert_missing(connection, PASSWORDS, [first]) != 1:
                if ended_before is None:
                    return False
                old = (PASSWORDS.c.person == password.person, PASSWORDS.c.changed_at < moment_text(ended_before))
                replaced = update(PASSWORDS).where(*old).values(values | {"generation": PASSWORDS.c.generation + 1})
                if connection.execute(replaced).rowcount != 1:
                    return False
            if ended_before is not None:
                _drop_ended(connection, password.person, ended_before)
        return True

    def rehash(self, person: str, generation: int, sealed: bytes) -> None:
        """Keep a new hash of the same password, unless the password was changed meanwhile."""
        same = (PASSWORDS.c.person == person, PASSWORDS.c.generation == generation)
        with self._database.begin() as connection:
            connection.execute(update(PASSWORDS).where(*same).values(sealed=sealed))

    def totp(self, person: str) -> StoredTotp | None:
        """Return the person's app, confirmed or not, or None."""
        with self._database.connect() as connection:
            row = connection.execute(select(TOTP).where(TOTP.c.person == person)).first()
        if row is None:
            return None
        return StoredTotp(
            person=row.person,
            sealed=row.sealed,
            last_step=row.last_step,
            created_at=moment_of(row.created_at),
            confirmed_at=moment_of(row.confirmed_at) if row.confirmed_at else None,
        )

    def begin_totp(self, totp: StoredTotp, *, ended_before: datetime | None) -> bool:
        """Keep an unconfirmed app in the place of another unconfirmed one, or of one from before `ended_before`.

        False when there is a confirmed one.
        """
        replaceable: ColumnElement[bool] = TOTP.c.confirmed_at.is_(None)
        if ended_before is not None:
            replaceable = or_(replaceable, TOTP.c.created_at < moment_text(ended_before))
        pending = (TOTP.c.person == totp.person, replaceable)
        values = {
            "person": totp.person,
            "sealed": totp.sealed,
            "last_step": totp.last_step,
            "created_at": moment_text(totp.created_at),
            "confirmed_at": None,
        }
        with self._database.begin() as connection:
            connection.execute(delete(TOTP).where(*pending))
            return insert_missing(connection, TOTP, [values]) == 1

    def confirm_totp(self, totp: StoredTotp, time_step: int, at: datetime) -> bool:
        """Give the app effect and use up the step of the confirming code; False when it is no longer that app."""
        same = (
            TOTP.c.person == totp.person,
            TOTP.c.confirmed_at.is_(None),
            TOTP.c.created_at == moment_text(totp.created_at),
        )
        values = {"confirmed_at": moment_text(at), "last_step": time_step}
        return commit(self._database, [one_row(update(TOTP).where(*same).values(values))])

    def use_step(self, person: str, time_step: int) -> bool:
        """Use up a time step; False when it, or a later one, was used before."""
        return commit(self._database, [use_step(person, time_step)])

    def remove_totp(self, person: str) -> bool:
        """Remove the person's app; False when there is none."""
        return commit(self._database, [one_row(delete(TOTP).where(TOTP.c.person == person))])

    def passkeys(self, person: str) -> tuple[Passkey, ...]:
        """Return the person's passkeys, oldest first."""
        statement = select(PASSKEYS).where(PASSKEYS.c.person == person).order_by(PASSKEYS.c.id)
        with self._database.connect() as connection:
            return tuple(_passkey(row) for row in connection.execute(statement))

    def passkey(self, credential: bytes) -> Passkey | None:
        """Return the passkey of this credential id, or None."""
        with self._database.connect() as connection:
            row = connection.execute(select(PASSKEYS).where(PASSKEYS.c.credential == credential)).first()
        return None if row is None else _passkey(row)

    def add_passkey(self, passkey: Passkey, session: Session) -> bool:
        """Keep a new passkey; False when its credential id is registered already, for whomever, or the session over."""
        values = {
            "id": passkey.id,
            "person": passkey.person,
            "credential": passkey.credential,
            "public_key": passkey.public_key,
            "sign_count": passkey.sign_count,
            "label": passkey.label,
            "created_at": moment_text(passkey.created_at),
        }
        try:
            return commit(self._database, [living_step(session), one_row(insert(PASSKEYS).values(values))])
        except IntegrityError:
            return False

    def remove_passkey(self, passkey_id: str, person: str) -> bool:
        """Remove a passkey of the person; False when there is none of this id."""
        mine = (PASSKEYS.c.id == passkey_id, PASSKEYS.c.person == person)
        return commit(self._database, [one_row(delete(PASSKEYS).where(*mine))])

    def replace_recovery_codes(self, person: str, codes: Sequence[RecoveryCode], session: Session) -> bool:
        """Keep a new set of saved recovery codes; the old set ends. False when the session is over."""
        return commit(self._database, [living_step(session), saved_codes_step(codes, person)])

    def recovery_codes_left(self, person: str, *, since: datetime | None) -> int:
        """Return how many saved recovery codes, made since then, were not used."""
        unused = (
            RECOVERY_CODES.c.person == person,
            RECOVERY_CODES.c.clerk.is_(None),
            RECOVERY_CODES.c.used_at.is_(None),
            *made_since(since),
        )
        with self._database.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(RECOVERY_CODES).where(*unused)).scalar_one())


def _drop_ended(connection: Connection, person: str, before: datetime) -> None:
    """Delete the app, the passkeys and the saved recovery codes from before a moment."""
    for table in (TOTP, PASSKEYS, RECOVERY_CODES):
        old = and_(table.c.person == person, table.c.created_at < moment_text(before))
        if table is RECOVERY_CODES:
            old = and_(old, RECOVERY_CODES.c.clerk.is_(None))  # those from a counter stay as the record
        connection.execute(delete(table).where(old))


def code_values(code: RecoveryCode) -> dict[str, Any]:
    """Return the row of a new recovery code."""
    return {
        "digest": code.digest,
        "person": code.person,
        "created_at": moment_text(code.created_at),
        "expires_at": moment_text(code.expires_at) if code.expires_at else None,
        "clerk": code.clerk,
        "counter": code.counter,
        "id": code.id,
        "good_from": moment_text(code.good_from) if code.good_from else None,
    }


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        id=row.id,
        person=row.person,
        credential=row.credential,
        public_key=row.public_key,
        sign_count=row.sign_count,
        label=row.label,
        created_at=moment_of(row.created_at),
        last_used_at=moment_of(row.last_used_at) if row.last_used_at else None,
    )
