"""The ledger over HTTP, held to its own answers by nothing but the kernel's verification."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from tests.fakes import CountingRandomness
from tests.trust.ledger.building import ORIGIN, Setting
from trust.http import problems
from trust.http.access import Principal
from trust.http.errors import TokenMissing
from trust.kernel import merkle
from trust.kernel.algorithms import Algorithm
from trust.ledger.domain import TREE, parse_checkpoint, parse_use
from trust.ledger.routes import blueprint
from trust.ledger.service import MAX_ENTRIES
from trust.signatures import verify


class Tokens:
    """Two callers: one reads the ledger, the other has another scope."""

    def check(self, token: str) -> Principal:
        scopes = {"reader": "ledger:read", "clerk": "certs:read"}
        if token not in scopes:
            raise TokenMissing
        return Principal(client=token, authority="91350100M000100Y43", scopes=frozenset({scopes[token]}), label=token)


@pytest.fixture
def app(empty: Setting) -> APIFlask:
    made = APIFlask(__name__)
    problems.install(made, randomness=CountingRandomness())
    made.register_blueprint(blueprint(empty.ledger, empty.checkpointer, empty.signer.describe, Tokens()))
    return made


@pytest.fixture
def client(app: APIFlask) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        yield made


Get = Callable[..., Any]


@pytest.fixture
def get(client: FlaskClient) -> Get:
    def fetch(path: str, *, status: int = 200, **query: object) -> Any:
        response = client.get(f"/api/v1/ledger/{path}", query_string=query, headers={"Authorization": "Bearer reader"})
        assert response.status_code == status, response.text
        return json.loads(response.data)

    return fetch


def decoded(values: list[str]) -> list[bytes]:
    return [base64.b64decode(value) for value in values]


def test_a_reader_can_hold_the_ledger_to_its_word(grown: Setting, get: Get) -> None:
    point = get("checkpoint")
    body = point["body"].encode()
    checkpoint = parse_checkpoint(body)
    verify(
        Algorithm(point["algorithm"]),
        base64.b64decode(point["public_key"]),
        body,
        base64.b64decode(point["signature"]),
    )
    assert (point["origin"], point["size"], point["entry"]) == (ORIGIN, 20, 20)
    assert base64.b64decode(point["root"]) == checkpoint.root
    for entry in get("entries", start=0, count=20)["entries"]:
        leaf_hash = TREE.leaf(entry["data"].encode())
        assert base64.b64decode(entry["leaf_hash"]) == leaf_hash
        parse_use(entry["data"].encode())
        proof = get("proof/inclusion", index=entry["index"], size=20)
        assert base64.b64decode(proof["leaf_hash"]) == leaf_hash
        merkle.verify_inclusion(
            TREE,
            index=entry["index"],
            size=20,
            leaf_hash=leaf_hash,
            path=decoded(proof["path"]),
            root=checkpoint.root,
        )
    old = grown.store.checkpoints(13, 14)[0].checkpoint
    path = decoded(get("proof/consistency", old=13, new=20)["path"])
    merkle.verify_consistency(TREE, old_size=13, old_root=old.root, new_size=20, new_root=checkpoint.root, path=path)


def test_the_last_page_is_short(grown: Setting, get: Get) -> None:
    assert [entry["index"] for entry in get("entries", start=19, count=100)["entries"]] == [19, 20]
    assert get("entries", start=21, count=1) == {"entries": []}


def test_there_is_no_checkpoint_before_the_first(get: Get) -> None:
    assert get("checkpoint", status=404)["code"] == "checkpoint-not-found"


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("entries", {"start": 0}, 422, "field-missing"),
        ("entries", {"start": 0, "count": 1, "limit": 1}, 422, "field-unknown"),
        ("entries", {"start": 0, "count": 0}, 422, "field-invalid"),
        ("entries", {"start": -1, "count": 1}, 422, "field-invalid"),
        ("entries", {"start": "one", "count": 1}, 422, "field-invalid"),
        ("entries", {"start": 2**63, "count": 1}, 422, "field-invalid"),
        ("entries", {"start": 22, "count": 1}, 404, "ledger-entry-not-found"),
        ("entries", {"start": 2**63 - 1, "count": 1}, 404, "ledger-entry-not-found"),
        ("entries", {"start": 0, "count": MAX_ENTRIES + 1}, 413, "ledger-too-many-entries"),
        ("proof/inclusion", {"index": 5}, 422, "field-missing"),
        ("proof/inclusion", {"index": 20, "size": 20}, 422, "merkle-outside-tree"),
        ("proof/inclusion", {"index": 0, "size": 22}, 422, "merkle-outside-tree"),
        ("proof/inclusion", {"index": 0, "size": 0}, 422, "merkle-outside-tree"),
        ("proof/consistency", {"old": 20, "new": 13}, 422, "merkle-outside-tree"),
        ("proof/consistency", {"old": 13, "new": 2**63 - 1}, 422, "merkle-outside-tree"),
    ],
)
def test_a_wrong_question_gets_its_code(
    grown: Setting, get: Get, path: str, query: dict[str, object], status: int, code: str
) -> None:
    assert get(path, status=status, **query)["code"] == code


@pytest.mark.parametrize("path", ["checkpoint", "entries", "proof/inclusion", "proof/consistency"])
def test_only_readers_of_the_ledger_are_answered(grown: Setting, client: FlaskClient, path: str) -> None:
    assert client.get(f"/api/v1/ledger/{path}").status_code == 401
    refused = client.get(f"/api/v1/ledger/{path}", headers={"Authorization": "Bearer clerk"})
    assert refused.status_code == 403
    assert refused.json is not None
    assert refused.json["code"] == "scope-missing"


def test_the_api_description_names_the_parameters(app: APIFlask) -> None:
    described = app.spec["paths"]["/api/v1/ledger/entries"]["get"]["parameters"]
    assert {parameter["name"] for parameter in described} == {"start", "count"}
