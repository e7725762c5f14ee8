"""The description of the API as it is served, the pages made of it, and what machines ask of the service."""

import json
import re
from pathlib import Path

import pytest

from portal.demo import data
from portal.wiring import application, open_installation
from tests.integration.desk import change_body
from tests.integration.door import JSON, bearer
from tests.integration.installation import PURPOSE, today
from trust.config import load_settings

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
METHODS = {"get", "post", "put", "patch", "delete"}
TYPES = {"string", "integer", "number", "boolean", "object", "array", "null"}
PARAMETER = re.compile(r"<(?:[^<:>]+:)?([^<>]+)>")


@pytest.fixture(scope="module")
def description(server):
    answer = server.door().ask("GET", "/openapi.json")
    assert (answer.status, answer.media_type) == (200, "application/json")
    return answer.json


@pytest.fixture(scope="module")
def operations(description):
    return {
        (path, method): operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


@pytest.fixture(scope="module")
def rules(installed):
    """Every route of the application: (path as OpenAPI writes it, method)."""
    installation = open_installation(load_settings(**installed[0]))
    found = {
        (PARAMETER.sub(r"{\1}", rule.rule), method.lower())
        for rule in application(installation).url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    installation.close()
    return found


def nodes(part):
    """Yield every object of a document."""
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from nodes(value)
    elif isinstance(part, list):
        for value in part:
            yield from nodes(value)


def resolved(description, part):
    while "$ref" in part:
        place = description
        for name in part["$ref"].removeprefix("#/").split("/"):
            place = place[name.replace("~1", "/").replace("~0", "~")]
        part = place
    return part


def check_schema(description, schema):
    schema = resolved(description, schema)
    kinds = schema.get("type", [])
    assert set([kinds] if isinstance(kinds, str) else kinds) <= TYPES
    if "pattern" in schema:
        re.compile(schema["pattern"])
    if "properties" in schema:
        assert set(schema.get("required", [])) <= set(schema["properties"])
    for name in ("anyOf", "oneOf", "allOf"):
        for choice in schema.get(name, []):
            check_schema(description, choice)
    for member in schema.get("properties", {}).values():
        check_schema(description, member)
    if "items" in schema:
        check_schema(description, schema["items"])


def check_content(description, content):
    for media_type, value in content.items():
        assert re.fullmatch(r"[\w.+-]+/[\w.+-]+", media_type)
        check_schema(description, value.get("schema", {}))


def test_the_document_has_the_form_of_openapi_3_1(description):
    assert re.fullmatch(r"3\.1\.\d+", description["openapi"])
    assert description["info"]["title"]
    assert description["info"]["version"]
    assert {"url"} <= set(description["servers"][0])
    assert set(description) <= {
        "openapi",
        "info",
        "jsonSchemaDialect",
        "servers",
        "paths",
        "webhooks",
        "components",
        "security",
        "tags",
        "externalDocs",
    }
    assert all(path.startswith("/") for path in description["paths"])
    assert all(re.fullmatch(r"[\w.-]+", name) for part in description["components"].values() for name in part)


def test_every_reference_leads_somewhere(description):
    references = [node["$ref"] for node in nodes(description) if isinstance(node.get("$ref"), str)]
    assert references
    for reference in references:
        assert reference.startswith("#/")
        assert resolved(description, {"$ref": reference})


def test_every_schema_is_one(description):
    for schema in description["components"]["schemas"].values():
        check_schema(description, schema)


def test_every_operation_is_complete(description, operations):
    assert operations
    tags = {tag["name"] for tag in description["tags"]}
    for (path, method), operation in operations.items():
        place = f"{method} {path}"
        assert operation["summary"], place
        assert set(operation["tags"]) <= tags, place
        parameters = [resolved(description, parameter) for parameter in operation.get("parameters", [])]
        in_path = [parameter for parameter in parameters if parameter["in"] == "path"]
        assert {parameter["name"] for parameter in in_path} == set(re.findall(r"{(\w+)}", path)), place
        assert all(parameter["required"] for parameter in in_path), place
        assert len({(parameter["in"], parameter["name"]) for parameter in parameters}) == len(parameters), place
        for parameter in parameters:
            check_schema(description, parameter["schema"])
        assert "default" in operation["responses"], place
        assert any(status.startswith("2") for status in operation["responses"]), place
        for status, answer in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d|default", status), place
            told = resolved(description, answer)
            assert told["description"], place
            check_content(description, told.get("content", {}))
        if "requestBody" in operation:
            assert method != "get", place
            assert operation["requestBody"]["required"], place
            check_content(description, operation["requestBody"]["content"])
        for requirement in operation.get("security", []):
            for name, scopes in requirement.items():
                scheme = description["components"]["securitySchemes"][name]
                known = {scope for flow in scheme["flows"].values() for scope in flow["scopes"]}
                assert set(scopes) <= known, place


def test_operation_ids_are_unique(operations):
    given = [operation["operationId"] for operation in operations.values() if "operationId" in operation]
    assert len(set(given)) == len(given)


def test_each_route_of_the_api_is_described_and_nothing_else(operations, rules):
    api = {rule for rule in rules if rule[0].startswith("/api/v1/")}
    assert len(api) >= 12
    described = {place for place in operations if place[0].startswith("/api/v1/")}
    assert described == api
    assert set(operations) <= rules


def test_each_route_without_a_token_is_refused_exactly_where_the_description_says_so(server, operations):
    for (path, method), operation in operations.items():
        if path.startswith("/api/v1/"):
            answer = server.door().ask(method.upper(), re.sub(r"{\w+}", "1", path))
            assert (answer.status == 401) == ("security" in operation), (path, method)


@pytest.fixture(scope="module")
def exchanges(server, certificates):
    """One good use of each operation of the API, and its answer."""
    door = server.door()
    token = bearer(door.token(server.client))
    food = certificates["food"][0]["identifier"]

    def ask(method, path, template=None, body=None, **headers):
        sent = token | (JSON if body else {}) | {name.replace("_", "-"): text for name, text in headers.items()}
        content = json.dumps(body).encode() if body else None
        return (template or path.partition("?")[0], method.lower()), door.ask(method, path, content, sent)

    one = "/api/v1/certs/{identifier}"
    issued = ask("POST", "/api/v1/certs", body=data.food_licence(today()), Idempotency_Key="openapi-1")
    changed = issued[1].json["identifier"]
    return [
        issued,
        ask("GET", f"/api/v1/certs/{food}?purpose=test", one),
        ask("GET", f"/api/v1/certs/{food}/file?purpose=test", f"{one}/file"),
        ask(
            "POST",
            "/api/v1/certs/search",
            body={"holder": {"kind": "111", "number": data.RESIDENT_NUMBER}, "purpose": PURPOSE},
        ),
        *(
            ask("POST", f"/api/v1/certs/{changed}/{action}", f"{one}/{action}", change_body())
            for action in ("suspend", "resume", "revoke")
        ),
        ask("POST", "/api/v1/verify", body={"identifier": food}),
        ask("GET", "/api/v1/types"),
        ask("GET", f"/api/v1/types/{data.FOOD_LICENCE}", "/api/v1/types/{code}"),
        ask("GET", "/api/v1/ledger/checkpoint"),
        ask("GET", "/api/v1/ledger/entries?start=0&count=1"),
        ask("GET", "/api/v1/ledger/proof/inclusion?index=0&size=4"),
        ask("GET", "/api/v1/ledger/proof/consistency?old=2&new=4"),
        ask("GET", "/api/v1/ledger/receipts/0", "/api/v1/ledger/receipts/{index}"),
        ask("GET", "/api/v1/ledger/search?outcome=signed&limit=2"),
        ask("GET", "/api/v1/ledger/statistics?by=key"),
        ask("GET", "/api/v1/ledger/export"),
        ask("GET", "/api/v1/ledger/alerts"),
        ask("GET", "/api/v1/health/devices"),
    ]


# What only people and their clerks reach: tests/integration/test_api_schemathesis.py and the tests of each context ask.
_WITH_A_PERSON = ("/api/v1/cases", "/api/v1/presence", "/api/v1/offline", "/api/v1/persons", "/api/v1/mandates")
_REGISTERS = ("/api/v1/counters", "/api/v1/clerks", "/api/v1/matters")


def test_every_operation_of_departments_works_and_answers_as_described(description, operations, exchanges):
    used = {place for place, _ in exchanges}
    others = (*_WITH_A_PERSON, *_REGISTERS)
    ours = {place for place in operations if place[0].startswith("/api/v1/") and not place[0].startswith(others)}
    assert used == ours
    for place, answer in exchanges:
        assert answer.status in (200, 201), (place, answer.body)
        described = resolved(description, operations[place]["responses"][str(answer.status)])
        assert set(described.get("content") or {answer.media_type}) == {answer.media_type}, place


def test_the_examples_of_bodies_are_read(server, operations):
    """A refusal for what an example says is right; one for its form would make the example a lie."""
    door = server.door()
    token = bearer(door.token(server.client))
    form = {"json-malformed", "json-duplicate-member", "media-type-unsupported", "field-unknown", "field-invalid"}
    tried = 0
    for (path, method), operation in operations.items():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in content:
            tried += 1
            address = re.sub(r"{\w+}", "x", path)
            headers = JSON | token | {"Idempotency-Key": "openapi-example"}
            answer = door.ask(method.upper(), address, json.dumps(content["example"]).encode(), headers)
            assert answer.status < 500, path
            assert answer.json.get("code") not in form, (path, answer.body)
    assert tried >= 5


def test_the_readable_description_shows_every_operation(server, operations):
    for address in ("/docs", "/docs?lang=en"):
        answer = server.door().ask("GET", address)
        assert (answer.status, answer.media_type) == (200, "text/html")
        page = answer.body.decode()
        for path, method in operations:
            assert path in page, path
            assert method.upper() in page
        assert "<script" not in page


@pytest.mark.parametrize("lang", ["", "?lang=en"])
def test_every_problem_has_its_page(server, lang):
    """Those of the commands, which the service never meets, have none."""
    door = server.door()
    codes = set(re.findall(r'href="/problems/([a-z0-9-]+)', door.ask("GET", f"/problems{lang}").body.decode()))
    assert len(codes) > 100
    documented = (ROOT / "docs" / "errors.md").read_text("utf-8")
    for code in codes:
        page = door.ask("GET", f"/problems/{code}{lang}")
        assert page.status == 200, code
        assert code in page.body.decode()
        assert f"| `{code}` |" in documented
    assert door.ask("GET", "/problems/no-such-problem").json["code"] == "address-unknown"


def test_a_browser_gets_a_page_and_a_machine_a_document(server):
    door = server.door()
    asked = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
    page = door.ask("GET", "/no/such/place", headers=asked)
    assert (page.status, page.media_type) == (404, "text/html")
    assert page.headers["X-Correlation-Id"] in page.body.decode()
    assert door.ask("GET", "/no/such/place").media_type == "application/problem+json"


def test_what_machines_ask(server, certificates):
    door = server.door()
    assert door.ask("GET", "/healthz").json == {"status": "alive"}
    assert door.ask("GET", "/readyz").json == {"status": "ready", "checks": ["database", "keys", "ledger", "authority"]}
    metrics = door.ask("GET", "/metrics")
    assert metrics.media_type == "text/plain"
    lines = metrics.body.decode().splitlines()
    counted = [line for line in lines if line.startswith("yinxin_http_requests_total")]
    assert any('route="/api/v1/certs"' in line and 'status="201"' in line for line in counted)
    assert certificates["food"][0]["identifier"] not in metrics.body.decode()


def test_the_addresses_of_the_token_service_are_told(server):
    metadata = server.door().ask("GET", "/.well-known/oauth-authorization-server").json
    assert metadata["issuer"] == server.address
    assert metadata["token_endpoint"] == f"{server.address}/oauth/token"
    (key, *_) = server.door().ask("GET", "/oauth/jwks.json").json["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("EC", "P-256", "ES256")
    assert "d" not in key
