"""The lines beside the ledger's own, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trust.ledger import test_postgresql as postgresql
from trust.db import Base, Database
from trust.ledger.errors import LedgerUnavailable
from trust.ledger.note_keys import cosigner_key
from trust.ledger.notes import SignatureLine
from trust.ledger.witness.store import SqlNoteLines

address = postgresql.address
KEYS = [cosigner_key(f"w{number}.example/w", bytes([number]) * 32) for number in range(3)]


def line(number: int, value: bytes = b"signature") -> SignatureLine:
    return SignatureLine(name=KEYS[number].name, key_id=KEYS[number].key_id, signature=value)


@pytest.fixture(params=["sqlite", "postgresql"])
def lines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlNoteLines]:
    sqlite = request.param == "sqlite"
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}" if sqlite else request.getfixturevalue("address"))
    table = [Base.metadata.tables["ledger_note_line"]]
    Base.metadata.create_all(database.writer, tables=table)
    yield SqlNoteLines(database)
    Base.metadata.drop_all(database.writer, tables=table)
    database.close()


def test_the_first_line_of_a_key_stays(lines):
    lines.add(7, line(0))
    lines.add(7, line(0, b"another"))
    lines.add(7, line(1))
    assert lines.of(7) == [line(0), line(1)]
    assert lines.of(8) == []


def test_what_a_witness_cosigned_last_is_known(lines):
    assert lines.last_size(KEYS[0]) == 0
    for size in (9, 3):
        lines.add(size, line(0))
    lines.add(12, line(1))
    assert [lines.last_size(key) for key in KEYS] == [9, 12, 0]


def test_a_quorum_counts_the_named_keys_only(lines):
    for size, signers in {3: (0, 1, 2), 9: (0, 1), 12: (0,), 15: (2,)}.items():
        for number in signers:
            lines.add(size, line(number))
    assert lines.size_signed_by(KEYS, quorum=3) == 3
    assert lines.size_signed_by(KEYS, quorum=2) == 9
    assert lines.size_signed_by(KEYS, quorum=1) == 15
    assert lines.size_signed_by(KEYS[:2], quorum=1) == 12
    assert lines.size_signed_by(KEYS[:1], quorum=2) is None


def test_a_database_that_does_not_answer_is_named(tmp_path):
    lines = SqlNoteLines(Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}"))
    with pytest.raises(LedgerUnavailable):
        lines.of(1)
    lines._database.close()
