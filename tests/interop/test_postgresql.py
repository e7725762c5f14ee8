"""The same house on PostgreSQL: the schema, the whole life of a certificate, and a ledger that only grows."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from certs.domain import Action, ChangeCommand
from portal.demo import data
from portal.foundation import Foundation, open_foundation
from portal.wiring import Installation, active_keys, open_installation
from tests.interop.conftest import Clerk, exhibit_all, found
from tests.interop.postgresql import database_in
from tests.trust.schema import assert_downgrade_leaves_nothing, assert_no_drift
from trust.config import load_settings
from trust.db import Database, DatabaseNotDurable
from trust.kernel.identifiers import CertificateIdentifier
from trust.keys import KeyPurpose, SigningRequest, UseContext
from verifier.report import Verdict

APPENDS = 25  # by each of four writers: enough to meet each other at the head's lock


@pytest.fixture
def empty(cluster: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh database of this test."""
    name = request.node.name.lower()[:63]  # PostgreSQL's longest name, bytes
    with database_in(cluster, name) as address:
        yield address


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("postgresql") / "home"


@pytest.fixture(scope="module")
def house(cluster: str, home: Path) -> Iterator[Installation]:
    """An installation in the cluster's own database."""
    opened = found(home, database_url=cluster)
    yield opened
    opened.close()


def use_a_key(base: Foundation, principal: str) -> int:
    """Sign something and return the index of the ledger's entry."""
    (key,) = active_keys(base, KeyPurpose.TOKEN_SIGNING)
    request = SigningRequest(message=b"message", context=UseContext(principal=principal, why="test"))
    return base.signer.sign(key.ref, request, purpose=KeyPurpose.TOKEN_SIGNING).ledger_index


def test_migrations_run_up_down_and_up_again(empty: str) -> None:
    database = Database(empty)
    assert_downgrade_leaves_nothing(database)
    database.close()


def test_the_migrations_make_the_schema_that_the_code_describes(empty: str) -> None:
    database = Database(empty)
    assert_no_drift(database)
    database.close()


def test_a_certificate_lives_its_whole_life(house: Installation, tmp_path: Path) -> None:
    issued = exhibit_all(house, tmp_path)
    for exhibit in (issued.food, issued.permit):
        assert house.verifier.verify_file(exhibit.pdf).verdict is Verdict.VALID
    revocation = ChangeCommand(
        identifier=CertificateIdentifier.parse(issued.food.certificate.identifier),
        action=Action.REVOKE,
        reason="经营者申请注销",
        requested_by="王经办",
        approved_by="李审批",
    )
    house.certs.change(Clerk(), revocation)
    assert house.verifier.verify_file(issued.food.pdf).verdict is Verdict.INVALID
    assert house.verifier.verify_file(issued.permit.pdf).verdict is Verdict.VALID
    signed = house.record().checkpointer.checkpoint()
    report = house.foundation.ledger.verify()
    assert report.size == signed.entry + 1
    assert report.checkpointed_size == signed.checkpoint.size


def test_everything_is_there_after_opening_again(house: Installation, home: Path, cluster: str) -> None:
    settings = load_settings(home=home, database_url=cluster)
    again = open_installation(settings, open_foundation(settings))
    assert again.foundation.ledger.head() == house.foundation.ledger.head()
    assert [seal.application.text.name for seal in again.seals.seals()] == [data.AUTHORITY_NAME_ZH]
    again.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_leaf SET data = ''",
        "DELETE FROM ledger_leaf",
        "TRUNCATE ledger_leaf",
        "UPDATE ledger_node SET hash = ''",
        "DELETE FROM ledger_checkpoint",
        "UPDATE ledger_head SET size = 0",
        "DELETE FROM ledger_head",
    ],
)
def test_the_database_itself_refuses_to_change_the_ledger(house: Installation, statement: str) -> None:
    with (
        pytest.raises(DBAPIError, match="the ledger"),
        house.foundation.database.engine.begin() as connection,
    ):
        connection.execute(text(statement))
    house.foundation.ledger.verify()


def test_writers_of_several_processes_share_one_ledger(house: Installation, home: Path, cluster: str) -> None:
    """Four foundations with pools of their own stand for four server processes."""
    settings = load_settings(home=home, database_url=cluster)
    writers = [open_foundation(settings) for _ in range(4)]
    ledger = house.foundation.ledger
    before = ledger.size()
    indexes: list[int] = []

    def sign(writer: Foundation, number: int) -> None:
        indexes.extend(use_a_key(writer, f"test:{number}") for _ in range(APPENDS))

    threads = [threading.Thread(target=sign, args=(writer, number)) for number, writer in enumerate(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(indexes) == list(range(before, before + 4 * APPENDS))
    assert ledger.verify().size == before + 4 * APPENDS
    for writer in writers:
        writer.close()


def test_a_reading_unit_sees_one_snapshot(house: Installation) -> None:
    base = house.foundation
    with base.database.read() as session:
        before = session.execute(text("SELECT size FROM ledger_head")).scalar_one()
        use_a_key(base, "test")
        assert session.execute(text("SELECT size FROM ledger_head")).scalar_one() == before
        with pytest.raises(DBAPIError, match="read-only"):
            session.execute(text("UPDATE ledger_head SET size = size + 1"))
    assert base.ledger.size() == before + 1


def test_a_server_that_may_lose_commits_is_refused(empty: str) -> None:
    database = Database(empty)
    database.check_durable()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {make_url(empty).database} SET synchronous_commit = off")
    database.close()
    with pytest.raises(DatabaseNotDurable) as caught:
        database.check_durable()
    database.close()
    assert (caught.value.code, caught.value.field) == ("database-not-durable", "synchronous_commit")
