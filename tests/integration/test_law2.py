"""Law 2 over HTTP: when the ledger cannot keep a key use, no signature is released and nothing verifies."""

import json
import sqlite3
import threading
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import event
from werkzeug.serving import make_server

from certs.render import Renderer
from portal.demo import data
from portal.demo.world import ApiClient
from portal.wiring import Installation, application, open_installation
from tests.integration.door import FORM, JSON, Door, basic, bearer
from tests.integration.holdings import files, holdings, key_uses, rows
from tests.integration.installation import today
from tests.integration.issuing_process import open_later
from trust.config import load_settings

pytestmark = pytest.mark.integration

KEY = "law2-0001"


@contextmanager
def serving(app, port):
    """Serve over a real socket without housekeeping, so that nothing but the test's own requests uses a key."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Door(f"http://127.0.0.1:{port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, kw_only=True)
class House:
    """A served installation whose database refuses at once instead of waiting for a lock."""

    installation: Installation
    door: Door
    token: dict[str, str]
    client: ApiClient
    home: Path

    def issue(self, key=KEY):
        body = json.dumps(data.residence_permit(today())).encode()
        return self.door.ask("POST", "/api/v1/certs", body, JSON | self.token | {"Idempotency-Key": key})

    def grant(self):
        headers = FORM | basic(self.client.id, self.client.secret)
        return self.door.ask("POST", "/oauth/token", b"grant_type=client_credentials", headers)

    def verdict(self, identifier):
        asked = json.dumps({"identifier": identifier}).encode()
        return self.door.ask("POST", "/api/v1/verify", asked, JSON).json["verdict"]

    def on_connect(self, pragma):
        """Run a pragma on each connection that is opened from now on."""
        engine = self.installation.foundation.database.engine
        event.listen(engine, "connect", lambda connection, _record: connection.execute(f"pragma {pragma}"))
        engine.dispose()

    def open_intents(self):
        return rows(self.home, "select identifier, state, reason from certs_intents where state <> 'completed'")

    def recover_later(self):
        """Recover as a service does that is started when every lease has run out."""
        installation = open_later({"home": str(self.home)}, minutes=1)
        try:
            return installation.certs.recover()
        finally:
            installation.close()


@pytest.fixture
def house(own, template):
    installation = open_installation(load_settings(**own))
    with serving(application(installation), own["port"]) as door:
        token = bearer(door.token(template.full))
        made = House(installation=installation, door=door, token=token, client=template.full, home=Path(own["home"]))
        made.on_connect("busy_timeout = 0")
        yield made
    installation.close()


@contextmanager
def altered(home, change):
    """Change the schema behind the application's back, and put it right again."""
    done, undone = change
    with closing(sqlite3.connect(home / "yinxin.sqlite3", isolation_level=None)) as connection:
        connection.execute(done)
        try:
            yield
        finally:
            connection.execute(undone)


@contextmanager
def locked(home):
    """Hold the write lock as another process would."""
    with closing(sqlite3.connect(home / "yinxin.sqlite3", isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("begin immediate")
        try:
            yield
        finally:
            connection.execute("rollback")


def refusing(table, action):
    """Let every write of one kind to a table fail."""
    made = f"create trigger law2 before {action} on {table} begin select raise(abort, 'disk'); end"
    return made, "drop trigger law2"


def gone(table):
    return f"alter table {table} rename to law2", f"alter table law2 rename to {table}"


FAILURES = {
    "no table of leaves": (gone("ledger_leaf"), 503, "ledger-unavailable"),
    "no table of nodes": (gone("ledger_node"), 503, "ledger-unavailable"),
    "no head": (gone("ledger_head"), 503, "ledger-unavailable"),
    "leaves refuse to be written": (refusing("ledger_leaf", "insert"), 500, "ledger-broken"),
    "nodes refuse to be written": (refusing("ledger_node", "insert"), 500, "ledger-broken"),
    "the head refuses to grow": (refusing("ledger_head", "update"), 500, "ledger-broken"),
}


def make_a_node_due(house):
    """Every second entry completes a node of the tree; issue until the next one does."""
    number = 0
    while house.installation.foundation.ledger.size() % 2 == 0:
        number += 1
        assert house.issue(f"law2-before-{number}").status == 201


@pytest.mark.parametrize("failure", FAILURES)
def test_without_a_ledger_no_signature_is_released(house, failure):
    change, status, code = FAILURES[failure]
    make_a_node_due(house)
    before = holdings(house.home)
    with altered(house.home, change):
        refused, grant = house.issue(), house.grant()
        assert (refused.status, refused.json["code"]) == (status, code), refused.body
        assert (grant.status, grant.json["code"]) == (status, code), grant.body
        (intent,) = house.open_intents()
        assert house.verdict(intent["identifier"]) == "INDETERMINATE"
        missing = house.door.ask("GET", f"/api/v1/certs/{intent['identifier']}/file?purpose=test", headers=house.token)
        assert (missing.status, missing.json["code"]) == (404, "certificate-unknown")
    after = holdings(house.home)
    assert {name for name, kept in after.items() if kept != before[name]} == {"certs_intents"}
    assert house.installation.foundation.ledger.verify().size == house.installation.foundation.ledger.size()


@pytest.mark.parametrize("failure", [name for name, (_, status, _) in FAILURES.items() if status == 503])
def test_when_the_ledger_is_back_the_same_request_is_finished_under_its_identifier(house, failure):
    make_a_node_due(house)
    with altered(house.home, FAILURES[failure][0]):
        refused = house.issue()
        assert refused.headers["Retry-After"]
        (intent,) = house.open_intents()
    made = house.issue()
    assert made.status == 201, made.body
    assert made.json["identifier"] == intent["identifier"]
    assert house.verdict(intent["identifier"]) == "VALID"
    (use,) = [use for use in key_uses(house.home) if use["document"] == intent["identifier"]]
    assert (use["purpose"], use["outcome"]) == ("sealing", "signed")


def test_a_ledger_that_contradicts_itself_ends_the_request_for_good(house):
    with altered(house.home, refusing("ledger_leaf", "insert")):
        assert house.issue().json["code"] == "ledger-broken"
        (intent,) = house.open_intents()
        assert (intent["state"], intent["reason"]) == ("abandoned", "ledger-broken")
    repeated = house.issue()
    assert (repeated.status, repeated.json["code"]) == (409, "issue-abandoned")
    assert house.issue("law2-0002").status == 201


def test_a_database_that_cannot_be_written_releases_nothing(house):
    before = holdings(house.home)
    house.on_connect("query_only = 1")
    refused, grant = house.issue(), house.grant()
    assert (refused.status, refused.json["code"]) == (503, "database-unavailable")
    assert (grant.status, grant.json["code"]) == (503, "ledger-unavailable")
    assert holdings(house.home) == before


def test_a_database_locked_between_intent_and_signature_releases_nothing(house, monkeypatch):
    before = holdings(house.home)
    render = Renderer.render
    with ExitStack() as lock:

        def render_and_lock(*args):
            page = render(*args)
            lock.enter_context(locked(house.home))
            return page

        monkeypatch.setattr(Renderer, "render", render_and_lock)
        refused = house.issue()
        assert refused.status == 503, refused.body
        (intent,) = house.open_intents()
        assert house.verdict(intent["identifier"]) == "INDETERMINATE"
    monkeypatch.undo()
    assert house.issue().json["code"] == "issue-in-progress"  # the lease could not be given back
    assert holdings(house.home)["key uses"] == before["key uses"]
    assert files(house.home) == before["files"]
    assert house.recover_later().finished == (intent["identifier"],)
    assert house.issue().json["identifier"] == intent["identifier"]
    assert house.verdict(intent["identifier"]) == "VALID"
