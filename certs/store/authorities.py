"""The onboarded authorities in the database."""

from sqlalchemy import RowMapping, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from certs.authorities import Authority
from certs.library_errors import AuthorityOnboarded
from certs.store.tables import AUTHORITIES
from trust.db import Database
from trust.kernel.identifiers import Uscc

_BY_USCC = select(AUTHORITIES).where(AUTHORITIES.c.uscc == bindparam("uscc"))


class SqlAuthorities:
    """Implements `certs.ports.Authorities`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, authority: Authority) -> None:
        """Keep a new authority. Raises `AuthorityOnboarded`."""
        try:
            with self._database.begin() as connection:
                connection.execute(
                    insert(AUTHORITIES).values(
                        uscc=authority.uscc.value,
                        name=authority.name,
                        name_zh=authority.name_zh,
                        region=authority.region,
                        seal_id=authority.seal_id,
                        permitted_types=sorted(authority.permitted_types),
                    )
                )
        except IntegrityError:
            raise AuthorityOnboarded(field="uscc") from None

    def find(self, uscc: str) -> Authority | None:
        """Return the authority of this credit code, or None."""
        with self._database.connect() as connection:
            row = connection.execute(_BY_USCC, {"uscc": uscc}).mappings().first()
        return None if row is None else _authority(row)

    def all(self) -> tuple[Authority, ...]:
        """Return every onboarded authority, by credit code."""
        with self._database.connect() as connection:
            rows = connection.execute(select(AUTHORITIES).order_by(AUTHORITIES.c.uscc)).mappings().all()
        return tuple(map(_authority, rows))


def _authority(row: RowMapping) -> Authority:
    return Authority(
        uscc=Uscc.parse(row["uscc"]),
        name=row["name"],
        name_zh=row["name_zh"],
        region=row["region"],
        seal_id=row["seal_id"],
        permitted_types=frozenset(row["permitted_types"]),
    )
