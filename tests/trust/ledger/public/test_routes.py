"""What the ledger serves under its own name, and to whom."""

import pytest
from apiflask import APIFlask
from flask import request

from tests.fakes import CountingRandomness
from tests.trust.ledger.building import uses
from tests.trust.ledger.witnessed import url_of, witnessed
from trust.http import problems
from trust.http.access import BoundTo, Principal
from trust.http.errors import TokenMissing
from trust.kernel.errors import NotAllowed
from trust.ledger.domain import TREE
from trust.ledger.notes import Note
from trust.ledger.public.routes import PublicLedger, receipts_blueprint, tiles_blueprint
from trust.ledger.receipts import Receipt, Trusted, check_receipt
from trust.ledger.tiles import Tile, TiledNodes, split_bundle
from trust.ledger.tree_heads import TreeHead

FULL = "public, max-age=31536000, immutable"
PARTIAL = "public, max-age=3600, immutable"


@pytest.fixture
def house(tmp_path):
    made = witnessed(tmp_path, quorum=1)
    made.base.ledger.record(uses(600))
    made.checkpointer.checkpoint()
    made.witnessing.ask()
    yield made
    made.base.database.close()


def who() -> str | None:
    return request.headers.get("Authorization", "").removeprefix("Bearer ") or None


def auditor() -> None:
    if who() is None:
        raise TokenMissing
    if who() != "auditor":
        raise NotAllowed


def caller() -> Principal:
    name = who()
    if name is None:
        raise TokenMissing
    client, _, person = name.partition("/")
    bound = BoundTo(holders=(), types=frozenset(), purpose="show", purpose_zh="出示") if person else None
    return Principal(client=client, authority="91350100M000100Y43", scopes=frozenset(), label=client, bound=bound)


@pytest.fixture
def client(house):
    public = PublicLedger(
        ledger=house.base.ledger,
        store=house.base.store,
        notebook=house.notebook,
        witnessing=house.witnessing,
        receipts=house.desk,
    )
    app = APIFlask(__name__)
    problems.install(app, randomness=CountingRandomness())
    app.register_blueprint(tiles_blueprint(public, auditor))
    app.register_blueprint(receipts_blueprint(public, auditor, caller))
    with app.test_client() as made:
        yield made


def get(client, path, name=None, status=200):
    headers = {} if name is None else {"Authorization": f"Bearer {name}"}
    answer = client.get(path, headers=headers)
    assert answer.status_code == status, answer.text
    return answer


def test_an_outsider_rebuilds_the_tree_from_checkpoint_and_tiles_alone(house, client):
    answer = get(client, "/ledger/checkpoint")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=5"
    head = TreeHead.parse(Note.parse(answer.data).opened(house.log_keys).text)
    nodes = TiledNodes(TREE, head.size, lambda tile: get(client, f"/ledger/tile/{tile.path}").data)
    assert nodes.root() == head.root
    nodes.check_tiles()


@pytest.mark.parametrize(
    ("path", "policy", "length"),
    [("0/000", FULL, 8192), ("0/002.p/88", PARTIAL, 88 * 32), ("0/002.p/1", PARTIAL, 32), ("1/000.p/2", PARTIAL, 64)],
)
def test_hash_tiles_are_for_everyone_and_for_ever(client, path, policy, length):
    answer = get(client, f"/ledger/tile/{path}")
    assert (len(answer.data), answer.headers["Cache-Control"]) == (length, policy)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    again = client.get(f"/ledger/tile/{path}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path", ["0/002.p/89", "0/002", "0/003.p/1", "1/000", "2/000.p/1", "0/2", "8/000", "x", "0/000/"]
)
def test_a_tile_that_no_checkpoint_reached_is_not_found(house, client, path):
    """The ledger itself has 601 entries: what is not under a signed checkpoint is not served."""
    assert house.base.ledger.size() == 601
    assert get(client, f"/ledger/tile/{path}", status=404).json["code"] == "ledger-tile-not-found"


def test_entries_are_for_the_auditor_alone_and_never_for_a_cache(house, client):
    assert get(client, "/ledger/tile/entries/000", status=401).json["code"] == "token-missing"
    assert get(client, "/ledger/tile/entries/000", "food-office", status=403)
    answer = get(client, "/ledger/tile/entries/002.p/88", "auditor")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert split_bundle(answer.data) == [leaf.data for leaf in house.base.ledger.entries(512, 88)]
    assert get(client, "/ledger/tile/entries/003.p/1", "auditor", status=404)
    assert Tile.parse("entries/002.p/88").entries


def test_the_checkpoint_is_the_last_fully_witnessed_one(house, client):
    first = get(client, "/ledger/checkpoint").data
    house.transport.down |= {url_of(0), url_of(1)}
    house.base.ledger.record(uses(3))
    house.checkpointer.checkpoint()
    house.witnessing.ask()
    assert get(client, "/ledger/checkpoint").data == first


def test_before_the_first_checkpoint_there_is_none(tmp_path):
    (tmp_path / "new").mkdir()
    house = witnessed(tmp_path / "new")
    app = APIFlask(__name__)
    problems.install(app, randomness=CountingRandomness())
    public = PublicLedger(
        ledger=house.base.ledger,
        store=house.base.store,
        notebook=house.notebook,
        witnessing=house.witnessing,
        receipts=house.desk,
    )
    app.register_blueprint(tiles_blueprint(public, auditor))
    with app.test_client() as client:
        assert get(client, "/ledger/checkpoint", status=404).json["code"] == "checkpoint-not-found"
        assert get(client, "/ledger/tile/0/000.p/1", status=404).json["code"] == "ledger-tile-not-found"
    house.base.database.close()


@pytest.mark.parametrize("name", ["auditor", "food-office"])
def test_a_receipt_goes_to_the_auditor_and_to_whom_the_signature_was_made_for(house, client, name):
    answer = get(client, "/api/v1/ledger/receipts/7", name)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert Receipt.parse(answer.data).index == 7
    trusted = Trusted(log=house.log_keys, witnesses=house.witness_keys, quorum=1)
    assert check_receipt(answer.data, trusted).exit_code == 0


def test_the_receipts_of_others_are_not_found_as_those_that_do_not_exist(client):
    mine = get(client, "/api/v1/ledger/receipts/7", "tax-office", status=404).json
    assert get(client, "/api/v1/ledger/receipts/7", "food-office/citizen", status=404).json["code"] == mine["code"]
    gone = get(client, "/api/v1/ledger/receipts/99999999999999999999999", "tax-office", status=404).json
    assert mine["code"] == gone["code"] == "ledger-entry-not-found"
    assert get(client, "/api/v1/ledger/receipts/7", status=401)
    assert get(client, "/api/v1/ledger/receipts/601", "auditor", status=404)
    assert get(client, "/api/v1/ledger/receipts/600", "auditor", status=503).json["code"] == "ledger-receipt-not-yet"


def test_the_description_names_what_each_address_answers_with(client):
    paths = client.application.spec["paths"]
    found = {path: set(item["get"]["responses"]["200"]["content"]) for path, item in paths.items()}
    assert found == {
        "/ledger/checkpoint": {"text/plain"},
        "/ledger/tile/entries/{place}": {"application/octet-stream"},
        "/ledger/tile/{place}": {"application/octet-stream"},
        "/api/v1/ledger/receipts/{index}": {"application/json"},
    }
