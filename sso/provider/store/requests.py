"""Authorization requests in the database, pushed and pending; only the digest of the secret that names one is kept.

What a client wrote into its request is sealed: it may hold a number of a person (law 7), as `state` or `nonce`.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, LargeBinary, Row, String, Text, bindparam, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from sso.provider.errors import AuthorizationExpired, AuthorizationNotReady
from sso.provider.ports import Approval, KeptRequest
from sso.provider.requests import AuthorizationRequest, request_of, request_text
from sso.provider.store import consents, grants, participants
from sso.provider.strict_jws import decode
from sso.revocation.store import first_cut_within
from trust.db import Base, Database
from trust.kernel.encoding import base64url
from trust.prepared import Prepared
from trust.sealing import FieldCipher

_PUSHED: Final = "pushed"
_PENDING: Final = "pending"


class RequestRow(Base):
    """One authorization request. Moments are ISO 8601 text in UTC."""

    __tablename__ = "sso_requests"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    client: Mapped[str] = mapped_column(String(26))
    parameters: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(32))
    expires_at: Mapped[str] = mapped_column(String(32), index=True)
    session: Mapped[str | None] = mapped_column(String(26))


# Each sign-in asks these: made once, on the table instead of the mapped class.
_REQUESTS = Base.metadata.tables["sso_requests"]
_PENDING_ONE = (_REQUESTS.c.digest == bindparam("id"), _REQUESTS.c.kind == _PENDING)
_ADD = Prepared(insert(_REQUESTS))
_FIND = Prepared(select(_REQUESTS).where(*_PENDING_ONE))
_DROP = Prepared(delete(_REQUESTS).where(*_PENDING_ONE))
_NOTE = Prepared(update(_REQUESTS).where(_REQUESTS.c.digest == bindparam("id")).values(session=bindparam("seen_by")))


class DatabaseAuthorizationStore:
    """An `AuthorizationStore` on the database. `cipher` seals requests, and what a grant keeps of a person."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._cipher = cipher

    def keep_pending(
        self, digest: bytes, request: AuthorizationRequest, *, created_at: datetime, expires_at: datetime
    ) -> None:
        """Keep a request that waits for a person."""
        self._keep(_PENDING, digest, request, (created_at, expires_at))

    def keep_pushed(
        self, digest: bytes, request: AuthorizationRequest, *, created_at: datetime, expires_at: datetime
    ) -> None:
        """Keep a request that a client pushed."""
        self._keep(_PUSHED, digest, request, (created_at, expires_at))

    def find_pending(self, digest: bytes) -> KeptRequest | None:
        """Return the waiting request, or None."""
        row = self._database.first(_FIND, {"id": digest})
        if row is None:
            return None
        return KeptRequest(
            request=self._opened(row),
            created_at=datetime.fromisoformat(row.created_at),
            expires_at=datetime.fromisoformat(row.expires_at),
            seen_by=row.session,
        )

    def note_seen(self, digest: bytes, session: str) -> None:
        """Note which session is being shown the consent page."""
        with self._database.begin(durable=False) as connection:
            _NOTE.run(connection, {"id": digest, "seen_by": session})

    def drop_pending(self, digest: bytes) -> bool:
        """End a waiting request; False when it was over already."""
        with self._database.begin() as connection:
            return _drop(connection, digest)

    def take_pushed(self, digest: bytes, client: str, now: datetime) -> AuthorizationRequest | None:
        """Return the client's pushed request and forget it, or None: unknown, taken, expired or another client's."""
        mine = (_REQUESTS.c.digest == digest, _REQUESTS.c.kind == _PUSHED, _REQUESTS.c.client == client)
        with self._database.begin() as connection:
            row = connection.execute(select(_REQUESTS).where(*mine)).first()
            if row is None or connection.execute(delete(_REQUESTS).where(*mine)).rowcount != 1:
                return None
        return self._opened(row) if now < datetime.fromisoformat(row.expires_at) else None

    def approve(self, approval: Approval) -> None:
        """Answer a request, in one commit: the request ends; grant, code, consent and participant come to be.

        It is on the disk when the code is redeemed; lost before that, it costs the person one more try.

        Raises:
            AuthorizationExpired: it was answered or refused meanwhile.
            AuthorizationNotReady: the session, or whatever else the grant would hang on, has ended meanwhile.
        """
        contents = approval.grant.contents
        with self._database.begin(durable=False) as connection:
            if not _drop(connection, approval.pending):
                raise AuthorizationExpired
            cut = first_cut_within(connection, contents.ties)
            if cut is not None:
                raise AuthorizationNotReady(tie=cut.kind.value)
            grants.add_within(connection, approval.grant, approval.code, self._cipher)
            consents.remember_within(connection, approval.consent)
            participants.add_within(connection, _participant(approval))

    def _keep(
        self, kind: str, digest: bytes, request: AuthorizationRequest, moments: tuple[datetime, datetime]
    ) -> None:
        row = {
            "digest": digest,
            "kind": kind,
            "client": request.client,
            "parameters": base64url(self._cipher.seal(request_text(request).encode(), place=_place(digest))),
            "created_at": moments[0].isoformat(),
            "expires_at": moments[1].isoformat(),
            "session": None,
        }
        with self._database.begin(durable=False) as connection:
            _ADD.run(connection, row)

    def _opened(self, row: Row[Any]) -> AuthorizationRequest:
        return request_of(self._cipher.open(decode(row.parameters), place=_place(row.digest)).decode())


def sweep_within(connection: Connection, now: datetime) -> int:
    """Forget the requests whose life is over, and return how many there were."""
    return connection.execute(delete(_REQUESTS).where(_REQUESTS.c.expires_at < now.isoformat())).rowcount


def _place(digest: bytes) -> str:
    return f"sso_requests.parameters:{digest.hex()}"


def _drop(connection: Connection, digest: bytes) -> bool:
    return _DROP.run(connection, {"id": digest}) == 1


def _participant(approval: Approval) -> participants.Participant:
    contents = approval.grant.contents
    return participants.Participant(
        session=approval.session,
        person_tie=approval.person_tie,
        client=contents.client,
        subject=approval.subject,
        sid=approval.sid,
        joined_at=approval.grant.created_at,
    )
