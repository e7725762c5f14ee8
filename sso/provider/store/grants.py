"""Grants, codes and refresh tokens in the database. What a grant says of a person is sealed; secrets are digests."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Index, LargeBinary, Row, String, Text, bindparam, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from sso.provider.grants import Code, CodeFault, Grant, Redeemed, RefreshToken
from sso.provider.reference import contents_of, private_members, public_claims
from sso.provider.strict_jws import decode
from sso.revocation.domain import Tie, TieKind
from sso.revocation.store import cut_within, first_cut_within
from trust.db import Base, Database
from trust.kernel.encoding import base64url, canonical_json
from trust.prepared import Prepared
from trust.sealing import FieldCipher


class GrantRow(Base):
    """One grant. Moments are ISO 8601 text in UTC, here and below."""

    __tablename__ = "sso_grants"
    __table_args__ = (Index(None, "person", "client"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    person: Mapped[str] = mapped_column(String(26))
    client: Mapped[str] = mapped_column(String(26))
    session: Mapped[str] = mapped_column(String(26))
    matter: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[str] = mapped_column(String(32))
    expires_at: Mapped[str] = mapped_column(String(32), index=True)


class CodeRow(Base):
    """One authorization code; it is kept beyond its use, so that a second use is known for what it is."""

    __tablename__ = "sso_codes"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    grant_id: Mapped[str] = mapped_column(String(26))
    client: Mapped[str] = mapped_column(String(26))
    redirect_uri: Mapped[str] = mapped_column(Text)
    challenge: Mapped[str] = mapped_column(String(43))
    nonce: Mapped[str | None] = mapped_column(Text)
    confirmation: Mapped[str | None] = mapped_column(String(43))
    expires_at: Mapped[str] = mapped_column(String(32), index=True)
    used_at: Mapped[str | None] = mapped_column(String(32))


class RefreshRow(Base):
    """One refresh token; used ones are kept as long as the grant, so that theft is seen."""

    __tablename__ = "sso_refresh_tokens"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    grant_id: Mapped[str] = mapped_column(String(26))
    confirmation: Mapped[str | None] = mapped_column(String(43))
    issued_at: Mapped[str] = mapped_column(String(32))
    expires_at: Mapped[str] = mapped_column(String(32), index=True)
    used_at: Mapped[str | None] = mapped_column(String(32))


_GRANTS, _CODES, _REFRESH = (Base.metadata.tables[name] for name in ("sso_grants", "sso_codes", "sso_refresh_tokens"))
# Each sign-in and each refresh asks these.
_MY_CODE = (_CODES.c.digest == bindparam("id"), _CODES.c.client == bindparam("of"))
_USE_CODE = Prepared(update(_CODES).where(*_MY_CODE, _CODES.c.used_at.is_(None)).values(used_at=bindparam("now")))
_FIND_CODE = Prepared(select(_CODES).where(*_MY_CODE))
_USE_REFRESH = Prepared(
    update(_REFRESH)
    .where(_REFRESH.c.digest == bindparam("id"), _REFRESH.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
_FIND_REFRESH = Prepared(select(_REFRESH).where(_REFRESH.c.digest == bindparam("id")))
_FIND_GRANT = Prepared(select(_GRANTS).where(_GRANTS.c.id == bindparam("of")))
_ADD_GRANT, _ADD_CODE, _ADD_REFRESH = (Prepared(insert(table)) for table in (_GRANTS, _CODES, _REFRESH))


def add_within(connection: Connection, grant: Grant, code: Code, cipher: FieldCipher) -> None:
    """Keep a grant and its code inside another store's unit of work."""
    contents = grant.contents
    sealed = canonical_json(
        {"public": public_claims(contents), "private": private_members(contents), "sector": grant.sector}
    )
    row = {
        "id": grant.id,
        "person": contents.person,
        "client": contents.client,
        "session": contents.session,
        "matter": contents.matter or "",
        "sealed": cipher.seal(sealed, place=_place(grant.id)),
        "created_at": grant.created_at.isoformat(),
        "expires_at": grant.expires_at.isoformat(),
    }
    _ADD_GRANT.run(connection, row)
    row = {
        "digest": code.digest,
        "grant_id": grant.id,
        "client": contents.client,
        "redirect_uri": code.redirect_uri,
        "challenge": code.challenge,
        "nonce": None if code.nonce is None else _sealed_nonce(code, cipher),
        "confirmation": code.confirmation,
        "expires_at": code.expires_at.isoformat(),
        "used_at": None,
    }
    _ADD_CODE.run(connection, row)


def ties_within(connection: Connection, *, person: str, client: str, matter: str, now: datetime) -> list[Tie]:
    """Return the ties of all grants of a person to a client in a matter that are not over by themselves."""
    statement = select(_GRANTS.c.id).where(
        _GRANTS.c.person == person,
        _GRANTS.c.client == client,
        _GRANTS.c.matter == matter,
        _GRANTS.c.expires_at > now.isoformat(),
    )
    return [Tie(TieKind.GRANT, grant_id) for grant_id in connection.execute(statement).scalars()]


def sweep_within(connection: Connection, now: datetime) -> int:
    """Forget grants, codes and refresh tokens that are over, and return how many rows there were.

    A code goes with its grant: until then its second use still cuts the grant.
    """
    moment = now.isoformat()
    over = select(_GRANTS.c.id).where(_GRANTS.c.expires_at < moment)
    rows = connection.execute(delete(_CODES).where(_CODES.c.grant_id.in_(over))).rowcount
    rows += connection.execute(delete(_REFRESH).where(_REFRESH.c.grant_id.in_(over))).rowcount
    return rows + connection.execute(delete(_GRANTS).where(_GRANTS.c.expires_at < moment)).rowcount


class DatabaseGrantStore:
    """A `GrantStore` on the database."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._cipher = cipher

    def redeem(self, digest: bytes, client: str, now: datetime) -> Redeemed | CodeFault:
        """Consume a code of `client`. A replay cuts the tie of its grant in the same commit.

        The update decides the race: of two that come at once, one finds the code unused. It is on the disk with the
        ledger's entries of the tokens that it buys.
        """
        mine = {"id": digest, "of": client}
        with self._database.begin(durable=False) as connection:
            consumed = _USE_CODE.run(connection, {**mine, "now": now.isoformat()}) == 1
            row = _FIND_CODE.first(connection, mine)
            if row is None:
                return CodeFault.UNKNOWN
            if not consumed:
                cut_within(connection, [Tie(TieKind.GRANT, row.grant_id)], reason="code-replayed", at=now)
                return CodeFault.REPLAYED
            grant = self._grant_within(connection, row.grant_id)
            cut = first_cut_within(connection, grant.contents.ties)
        if now >= datetime.fromisoformat(row.expires_at):
            return CodeFault.EXPIRED
        return CodeFault.ENDED if cut is not None else Redeemed(code=_code(row, self._cipher), grant=grant)

    def keep_refresh(self, token: RefreshToken, now: datetime) -> None:
        """Keep the first refresh token of a grant; the ledger's entries of the tokens beside it take it to the disk."""
        with self._database.begin(durable=False) as connection:
            _ADD_REFRESH.run(connection, _refresh_row(token, now))

    def find_refresh(self, digest: bytes) -> RefreshToken | None:
        """Return a refresh token, used ones too, or None."""
        with self._database.connect() as connection:
            row = _FIND_REFRESH.first(connection, {"id": digest})
            if row is None:
                return None
            grant = self._grant_within(connection, row.grant_id)
        return RefreshToken(
            digest=row.digest,
            grant=grant,
            confirmation=row.confirmation,
            expires_at=datetime.fromisoformat(row.expires_at),
            used=row.used_at is not None,
        )

    def rotate(self, old: bytes, new: RefreshToken, now: datetime) -> bool:
        """Exchange a refresh token for its successor. False when it was used before; then the grant's tie is cut.

        The update decides the race: whoever comes second with the same token ends the family (RFC 9700 section 4.14).
        """
        with self._database.begin() as connection:
            if _USE_REFRESH.run(connection, {"id": old, "now": now.isoformat()}) != 1:
                cut_within(connection, [new.grant.tie], reason="refresh-reused", at=now)
                return False
            _ADD_REFRESH.run(connection, _refresh_row(new, now))
        return True

    def is_cut(self, grant: Grant) -> bool:
        """Whether anything that the grant hangs on has ended."""
        with self._database.connect() as connection:
            return first_cut_within(connection, grant.contents.ties) is not None

    def end(self, grant: Grant, *, reason: str, at: datetime) -> None:
        """Cut the tie of a grant."""
        with self._database.begin() as connection:
            cut_within(connection, [grant.tie], reason=reason, at=at)

    def _grant_within(self, connection: Connection, grant_id: str) -> Grant:
        row = _FIND_GRANT.first(connection, {"of": grant_id})
        kept = json.loads(self._cipher.open(row.sealed, place=_place(grant_id)))
        return Grant(
            id=grant_id,
            contents=contents_of(kept["public"], kept["private"]),
            sector=kept["sector"],
            created_at=datetime.fromisoformat(row.created_at),
            expires_at=datetime.fromisoformat(row.expires_at),
        )


def _sealed_nonce(code: Code, cipher: FieldCipher) -> str:
    """Return the nonce as its row holds it: sealed, as a client may write a number of a person into it (law 7)."""
    return base64url(cipher.seal((code.nonce or "").encode(), place=_nonce_place(code.digest)))


def _code(row: Row[Any], cipher: FieldCipher) -> Code:
    sealed = row.nonce
    return Code(
        digest=row.digest,
        redirect_uri=row.redirect_uri,
        challenge=row.challenge,
        nonce=None if sealed is None else cipher.open(decode(sealed), place=_nonce_place(row.digest)).decode(),
        confirmation=row.confirmation,
        expires_at=datetime.fromisoformat(row.expires_at),
    )


def _refresh_row(token: RefreshToken, now: datetime) -> dict[str, object]:
    return {
        "digest": token.digest,
        "grant_id": token.grant.id,
        "confirmation": token.confirmation,
        "issued_at": now.isoformat(),
        "expires_at": token.expires_at.isoformat(),
        "used_at": None,
    }


def _nonce_place(digest: bytes) -> str:
    return f"sso_codes.nonce:{digest.hex()}"


def _place(grant_id: str) -> str:
    return f"sso_grants.sealed:{grant_id}"
