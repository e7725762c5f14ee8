"""The tables of the PKI. Serial numbers are kept as hex text: they have 127 bits, an SQL integer 63."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import BigInteger, LargeBinary, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from trust.authority.domain import CaKey, RevocationRecord, X509Record
from trust.authority.errors import SerialCollision, X509Unknown
from trust.authority.profiles import CaRole, Profile
from trust.db import Base, Database, DatabaseUnavailable
from trust.formats.crl import Revocation, RevocationReason
from trust.keys import KeyRef

_SERIAL_CHARACTERS = 42  # hex digits of the longest serial number that is readable, 21 bytes


class CaKeyRow(Base):
    """The key of a CA."""

    __tablename__ = "authority_ca_key"

    role: Mapped[str] = mapped_column(String(16), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    spki: Mapped[bytes] = mapped_column(LargeBinary)


class X509Row(Base):
    """A certificate; `der` is null until signed, the revocation columns until revoked. Times are Unix seconds."""

    __tablename__ = "authority_x509"

    serial: Mapped[str] = mapped_column(String(_SERIAL_CHARACTERS), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(128), unique=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    issuer: Mapped[str] = mapped_column(String(16), index=True)
    profile: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(512))
    tbs: Mapped[bytes] = mapped_column(LargeBinary)
    der: Mapped[bytes | None] = mapped_column(LargeBinary)
    principal: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[int] = mapped_column(BigInteger)
    not_after: Mapped[int] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
    revocation_reason: Mapped[str | None] = mapped_column(String(32))
    revocation_requested_by: Mapped[str | None] = mapped_column(String(200))
    revocation_approved_by: Mapped[str | None] = mapped_column(String(200))


class CrlRow(Base):
    """A revocation list; a number whose `der` stays null was reserved and abandoned, and is never used again."""

    __tablename__ = "authority_crl"

    issuer: Mapped[str] = mapped_column(String(16), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    this_update: Mapped[int] = mapped_column(BigInteger)
    der: Mapped[bytes | None] = mapped_column(LargeBinary)


class SqlAuthorityStore:
    """`AuthorityStore` in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_ca_key(self, key: CaKey) -> CaKey:
        """See the port."""
        with self._database.write() as session:
            row = session.get(CaKeyRow, key.role.value)
            if row is None:
                row = CaKeyRow(role=key.role.value, key=key.key, spki=key.spki)
                session.add(row)
            return _ca_key(row)

    def find_ca_key(self, role: CaRole) -> CaKey | None:
        """See the port."""
        with self._database.read() as session:
            row = session.get(CaKeyRow, role.value)
            return None if row is None else _ca_key(row)

    def reserve(self, record: X509Record) -> X509Record:
        """See the port. Two workers with one request id meet at the unique column; the later one reads the earlier."""
        try:
            with self._database.write() as session:
                known = _by_request(session, record.request_id)
                if known is not None:
                    return _record(known)
                session.add(_row(record))
        except IntegrityError as error:
            winner = self.find_by_request(record.request_id)
            if winner is None:
                raise SerialCollision(serial=_hex(record.serial)) from error
            return winner
        return record

    def find_by_request(self, request_id: str) -> X509Record | None:
        """See the port."""
        with self._database.read() as session:
            row = _by_request(session, request_id)
            return None if row is None else _record(row)

    def get(self, serial: int) -> X509Record:
        """See the port."""
        with self._database.read() as session:
            return _record(_existing(session, serial))

    def complete(self, serial: int, der: bytes) -> bytes:
        """See the port."""
        with self._database.write() as session:
            row = _existing(session, serial)
            if row.der is None:
                row.der = der
            return row.der

    def unfinished(self) -> Sequence[X509Record]:
        """See the port."""
        with self._database.read() as session:
            query = select(X509Row).where(X509Row.der.is_(None)).order_by(X509Row.created_at, X509Row.serial)
            return [_record(row) for row in session.scalars(query)]

    def revoke(self, serial: int, revocation: RevocationRecord) -> X509Record:
        """See the port."""
        with self._database.write() as session:
            row = _existing(session, serial)
            if row.revoked_at is None:
                row.revoked_at = _seconds(revocation.at)
                row.revocation_reason = revocation.reason.value
                row.revocation_requested_by = revocation.requested_by
                row.revocation_approved_by = revocation.approved_by
            return _record(row)

    def reserve_crl(self, issuer: CaRole, this_update: datetime) -> tuple[int, Mapping[int, Revocation]]:
        """See the port. Number and revocations come from one transaction: a higher number never says less."""
        try:
            return self._reserve_crl(issuer, this_update)
        except IntegrityError as error:
            raise DatabaseUnavailable("Another publication took the list number at the same moment.") from error

    def _reserve_crl(self, issuer: CaRole, this_update: datetime) -> tuple[int, Mapping[int, Revocation]]:
        with self._database.write() as session:
            highest = session.scalar(select(func.max(CrlRow.number)).where(CrlRow.issuer == issuer.value))
            number = (highest or 0) + 1
            session.add(CrlRow(issuer=issuer.value, number=number, this_update=_seconds(this_update)))
            query = select(X509Row).where(X509Row.issuer == issuer.value, X509Row.revoked_at.is_not(None))
            records = [_record(row) for row in session.scalars(query)]
        return number, {record.serial: record.revocation.entry for record in records if record.revocation}

    def complete_crl(self, issuer: CaRole, number: int, der: bytes) -> None:
        """See the port."""
        with self._database.write() as session:
            row = session.get_one(CrlRow, (issuer.value, number))
            row.der = der

    def keep_crl(self, issuer: CaRole, number: int, this_update: datetime, der: bytes) -> None:
        """See the port."""
        with self._database.write() as session:
            if session.get(CrlRow, (issuer.value, number)) is None:
                row = CrlRow(issuer=issuer.value, number=number, this_update=_seconds(this_update), der=der)
                session.add(row)

    def latest_crl(self, issuer: CaRole) -> bytes | None:
        """See the port."""
        with self._database.read() as session:
            query = select(CrlRow.der).where(CrlRow.issuer == issuer.value, CrlRow.der.is_not(None))
            return session.scalar(query.order_by(CrlRow.number.desc()).limit(1))


def _hex(serial: int) -> str:
    return f"{serial:x}"


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _by_request(session: Session, request_id: str) -> X509Row | None:
    return session.scalar(select(X509Row).where(X509Row.request_id == request_id))


def _existing(session: Session, serial: int) -> X509Row:
    row = session.get(X509Row, _hex(serial))
    if row is None:
        raise X509Unknown(field="serial")
    return row


def _ca_key(row: CaKeyRow) -> CaKey:
    return CaKey(role=CaRole(row.role), key=KeyRef(row.key), spki=row.spki)


def _row(record: X509Record) -> X509Row:
    return X509Row(
        serial=_hex(record.serial),
        request_id=record.request_id,
        request_digest=record.request_digest,
        issuer=record.issuer.value,
        profile=record.profile.value,
        subject=record.subject,
        tbs=record.tbs,
        der=record.der,
        principal=record.principal,
        created_at=_seconds(record.created_at),
        not_after=_seconds(record.not_after),
    )


def _record(row: X509Row) -> X509Record:
    return X509Record(
        serial=int(row.serial, 16),
        issuer=CaRole(row.issuer),
        profile=Profile(row.profile),
        request_id=row.request_id,
        request_digest=row.request_digest,
        subject=row.subject,
        tbs=row.tbs,
        der=row.der,
        principal=row.principal,
        created_at=_moment(row.created_at),
        not_after=_moment(row.not_after),
        revocation=_revocation(row),
    )


def _revocation(row: X509Row) -> RevocationRecord | None:
    if row.revoked_at is None or row.revocation_reason is None:
        return None
    return RevocationRecord(
        at=_moment(row.revoked_at),
        reason=RevocationReason(row.revocation_reason),
        requested_by=row.revocation_requested_by or "",
        approved_by=row.revocation_approved_by or "",
    )
