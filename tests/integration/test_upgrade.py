"""An installation that the first release left behind is upgraded: what was in it still works, and nothing is lost.

The home in tests/vectors/first-release is a real one. For PostgreSQL its rows are copied into a database at the same
migration.
"""

import json
import shutil
import tarfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, Integer, Table, func, inspect, select, text

from certs.access_log import Purpose
from certs.domain import Action, ChangeCommand
from portal.demo import data, people
from portal.demo.people import Installed, populate
from portal.foundation import lay_foundation, open_foundation
from portal.wiring import application, open_installation
from sso.signin.devices import Device
from tests.fakes import FixedClock
from tests.integration.door import FORM, basic, bearer
from tests.interop.conftest import Clerk
from tests.interop.postgresql import database_in
from tests.trust.schema import assert_no_drift, downgrade, tables, upgrade
from trust.config import Settings, load_settings
from trust.db import Base, Database, DatabaseNotMigrated
from trust.formats.holders import HolderNumber
from trust.kernel.identifiers import CertificateIdentifier
from trust.migrations import runner
from verifier.report import Verdict

pytestmark = pytest.mark.integration

FIRST = "0001"
PACKED = Path(__file__).resolve().parents[1] / "vectors" / "first-release" / "home.tar.xz"
PUBLIC_URL = "http://127.0.0.1:8765"
PASSWORD = "seventeen lanterns over the harbour"
PURPOSE = Purpose(text="升级测试")


class Old(NamedTuple):
    """What the first release left: the settings that open it, and what it says of itself."""

    settings: Settings
    made: dict[str, Any]

    @property
    def clock(self) -> FixedClock:
        """A quarter of an hour later: its revocation lists have not run out."""
        return FixedClock(datetime.fromisoformat(self.made["at"]) + timedelta(minutes=15))


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("first-release") / "home"
    with tarfile.open(PACKED) as packed:
        packed.extractall(home, filter="data")
    home.chmod(0o700)
    return home


@pytest.fixture(params=["sqlite", "postgresql"])
def old(unpacked: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Old]:
    home = tmp_path / "home"
    shutil.copytree(unpacked, home)
    made = json.loads((home / "made.json").read_text("utf-8"))
    if request.param == "sqlite":
        yield Old(load_settings(home=home, public_url=PUBLIC_URL), made)
        return
    with database_in(request.getfixturevalue("cluster"), "first_release") as address:
        settings = load_settings(home=home, public_url=PUBLIC_URL, database_url=address)
        copy_rows(load_settings(home=home).database_address, address)
        yield Old(settings, made)


@pytest.fixture
def database(old: Old) -> Iterator[Database]:
    opened = Database(old.settings.database_address)
    yield opened
    opened.close()


def copy_rows(source: str, target: str) -> None:
    """Fill a database with the tables of the first release from another one."""
    given, taken = Database(source), Database(target)
    upgrade(taken, FIRST)
    with taken.writer.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))  # the ledger refuses any hand but its own
        for table in first_tables(taken):
            connection.execute(table.delete())
            found = rows(given, table)
            if found:
                connection.execute(table.insert(), found)
                go_on_counting(connection, table)
    given.close()
    taken.close()


def go_on_counting(connection: Connection, table: Table) -> None:
    """Let the next row have the next number, as it would after rows that the server has numbered itself."""
    for column in table.primary_key:
        if isinstance(column.type, Integer):
            sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
            if sequence is not None:
                connection.execute(select(func.setval(sequence, select(func.max(column)).scalar_subquery())))


def first_tables(database: Database) -> list[Table]:
    """Return the tables of the first release, with the columns that they had and the types that they still have."""
    described = inspect(database.engine)
    found = []
    for table in Base.metadata.sorted_tables:
        if described.has_table(table.name):
            had = {column["name"] for column in described.get_columns(table.name)}
            columns = [column._copy() for column in table.columns if column.name in had]
            found.append(Table(table.name, Base.metadata.__class__(), *columns))
    return found


def rows(database: Database, table: Table) -> list[dict[str, Any]]:
    with database.connect() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]


def everything(database: Database, listed: list[Table]) -> dict[str, list[dict[str, Any]]]:
    return {table.name: rows(database, table) for table in listed}


def test_an_upgrade_changes_no_row_and_a_downgrade_takes_only_what_it_added(old: Old, database: Database) -> None:
    first = first_tables(database)
    before = everything(database, first)
    assert sum(map(len, before.values())) > 30
    runner.migrate(database)
    assert_no_drift(database)
    assert everything(database, first) == before
    downgrade(database, FIRST)
    assert tables(database) == {table.name for table in first}
    assert everything(database, first) == before
    downgrade(database)
    assert tables(database) == set()


def test_what_the_first_release_kept_works_and_what_is_new_works_beside_it(old: Old, database: Database) -> None:
    made, clock = old.made, old.clock
    with pytest.raises(DatabaseNotMigrated):
        open_foundation(old.settings, clock)
    installation = open_installation(old.settings, lay_foundation(old.settings, clock))
    try:
        check_certificates(installation, made)
        check_client(installation, made)
        assert installation.foundation.ledger.verify().checkpointed_size == made["entries"] - 1
        assert installation.record().checkpointer.checkpoint().entry > made["entries"]
        check_people(installation)
    finally:
        installation.close()
    downgrade(database)  # with rows in every table that came since
    assert tables(database) == set()


def check_certificates(installation, made) -> None:
    """Found, opened and judged as ever; a change of state is still possible."""
    clerk = Clerk()
    food, permit = (CertificateIdentifier.parse(made[name]) for name in ("food", "permit"))
    for identifier, verdict in ((food, Verdict.VALID), (permit, Verdict.INVALID)):
        content = installation.certs.file(clerk, identifier, PURPOSE).content
        assert installation.verifier.verify_file(content).verdict is verdict
    holder = HolderNumber(kind="001", number=people.ENTERPRISE_NUMBER)
    assert [found.identifier for found in installation.certs.find_by_holder(clerk, holder, PURPOSE)] == [made["food"]]
    looks = installation.certs.accesses(holder)
    assert (len(looks), looks[-1].visit.hop, looks[-1].visit.clerk) == (3, None, None)
    change = ChangeCommand(
        identifier=food, action=Action.REVOKE, reason="经营者申请注销", requested_by="王经办", approved_by="李审批"
    )
    installation.certs.change(clerk, change)
    content = installation.certs.file(clerk, food, PURPOSE).content
    assert installation.verifier.verify_file(content).verdict is Verdict.INVALID


def check_client(installation, made) -> None:
    """The business system goes on with the secret that it was given, and nobody signs in to it."""
    browser = application(installation).test_client()
    credentials = basic(made["client"], made["secret"]) | FORM
    answer = browser.post("/oauth/token", data="grant_type=client_credentials", headers=credentials)
    assert answer.status_code == 200
    address, headers = f"/api/v1/certs/{made['food']}", bearer(answer.get_json()["access_token"])
    assert browser.get(address, query_string={"purpose": PURPOSE.text}, headers=headers).status_code == 200
    refused = browser.get("/oauth/authorize", query_string={"client_id": made["client"], "response_type": "code"})
    assert refused.status_code == 400


def check_people(installation) -> None:
    systems = [
        installation.clients.register(label="系统", authority=data.AUTHORITY, scopes="certs:read").client.id
        for _ in range(2)
    ]
    base = installation.foundation
    everyone = populate(
        Installed(persons=installation.people.register, registers=installation.registers, clock=base.clock),
        systems=(systems[0], systems[1]),
    )
    desk = installation.people.sign_ins
    desk.enrol_password(everyone.citizen.id, PASSWORD)
    done = desk.with_password(people.resident(data.RESIDENT_NUMBER), PASSWORD, Device(address="::1", label="test"))
    assert installation.people.sessions.find(done.secret)
