"""The signature lines beside the ledger's own, in SQL: `ledger_note_line`.

Nothing rests on this table: a line that is missing is asked for again, one that was changed does not verify.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Final

from sqlalchemy import BigInteger, Index, LargeBinary, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, Database, DatabaseUnavailable
from trust.ledger.errors import LedgerUnavailable
from trust.ledger.note_keys import KEY_ID_BYTES, MAX_NAME_CHARACTERS, VerifierKey
from trust.ledger.notes import SignatureLine

_PAGE_LINES: Final = 256  # some fifty checkpoints with their witnesses: nearly always the first of them will do


class NoteLineRow(Base):
    """One signature line over the checkpoint of a size."""

    __tablename__ = "ledger_note_line"
    __table_args__ = (Index("ix_ledger_note_line_key", "name", "key_id", "size"),)

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(MAX_NAME_CHARACTERS), primary_key=True)
    key_id: Mapped[bytes] = mapped_column(LargeBinary(KEY_ID_BYTES), primary_key=True)
    signature: Mapped[bytes] = mapped_column(LargeBinary)


class SqlNoteLines:
    """The `NoteLines` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, size: int, line: SignatureLine) -> None:
        """Keep a line; the first of a key stays. Raises `LedgerUnavailable`."""
        row = NoteLineRow(size=size, name=line.name, key_id=line.key_id, signature=line.signature)
        try:
            with _available(), self._database.write() as session:
                session.add(row)
        except IntegrityError:
            return  # another process asked the same key at the same time: either line does

    def of(self, size: int) -> list[SignatureLine]:
        """Return the lines over one checkpoint."""
        query = select(NoteLineRow).where(NoteLineRow.size == size).order_by(NoteLineRow.name, NoteLineRow.key_id)
        with _available(), self._database.read() as session:
            return [
                SignatureLine(name=row.name, key_id=row.key_id, signature=row.signature)
                for row in session.scalars(query)
            ]

    def last_size(self, key: VerifierKey) -> int:
        """Return the greatest size with a line of one key, 0 when there is none."""
        query = select(func.max(NoteLineRow.size)).where(NoteLineRow.name == key.name, NoteLineRow.key_id == key.key_id)
        with _available(), self._database.read() as session:
            return session.scalar(query) or 0

    def size_signed_by(self, keys: Sequence[VerifierKey], *, quorum: int) -> int | None:
        """Return the greatest size with lines of at least `quorum` of the keys."""
        newest = sorted((self.last_size(key) for key in keys), reverse=True)
        if len(newest) < quorum or newest[quorum - 1] == 0:
            return None
        wanted = {(key.name, key.key_id) for key in keys}
        for size, lines in groupby(self._lines(newest[quorum - 1]), key=itemgetter(0)):
            if len(wanted & {(name, key_id) for _, name, key_id in lines}) >= quorum:
                return int(size)
        return None

    def _lines(self, size: int) -> Iterator[tuple[int, str, bytes]]:
        """Return the lines from `size` downwards, in the order of the primary key and page by page.

        Anyone may ask for the newest witnessed checkpoint: a query over all lines would cost more every year.
        """
        of = (NoteLineRow.size, NoteLineRow.name, NoteLineRow.key_id)
        while True:
            query = select(*of).where(NoteLineRow.size <= size).order_by(NoteLineRow.size.desc()).limit(_PAGE_LINES)
            with _available(), self._database.read() as session:
                page = [(row.size, row.name, row.key_id) for row in session.execute(query)]
            last = page[-1][0] if len(page) == _PAGE_LINES else 0
            yield from (line for line in page if line[0] > last)  # the lowest size may go on in the next page
            if not last:
                return
            size = last if last < size else size - 1


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable as error:
        raise LedgerUnavailable(kind=error.facts.get("kind")) from error
