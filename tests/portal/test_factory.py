import io
import json
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from portal import telemetry
from sso.provider.domain import Scope
from tests.portal.support import PUBLIC_URL, build
from trust.http.rate import client_address
from trust.kernel.errors import Unavailable


def references(part: object) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for value in part.values() for found in references(value)]
    if isinstance(part, list):
        return [found for value in part for found in references(value)]
    return []


def description(folder: Path) -> dict[str, Any]:
    document = build(folder).test_client().get("/openapi.json").get_json()
    assert isinstance(document, dict)
    return document


def test_every_answer_has_the_security_headers(tmp_path: Path) -> None:
    client = build(tmp_path).test_client()
    for address in ("/", "/healthz", "/nowhere", "/api/v1/broken", "/static/yinxin.css"):
        headers = client.get(address, buffered=True).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        assert headers["X-Correlation-Id"]
        assert headers["Cache-Control"]


def test_only_what_is_served_by_https_demands_it(tmp_path: Path) -> None:
    client = build(tmp_path, public_url="http://127.0.0.1:8080").test_client()
    assert "Strict-Transport-Security" not in client.get("/healthz").headers


def test_pages_are_not_kept_and_the_style_sheet_is(tmp_path: Path) -> None:
    client = build(tmp_path).test_client()
    assert client.get("/").headers["Cache-Control"] == "no-store"
    assert "max-age=86400" in client.get("/static/yinxin.css", buffered=True).headers["Cache-Control"]


def test_alive_is_not_ready(tmp_path: Path) -> None:
    def fails() -> None:
        raise Unavailable(kind="OperationalError")

    def breaks() -> None:
        raise RuntimeError("110101199003070038")

    client = build(tmp_path, checks=(("database", fails), ("signer", breaks), ("files", lambda: None))).test_client()
    assert client.get("/healthz").get_json() == {"status": "alive"}
    with capture_logs() as logs:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "readiness-failed")
    assert answer.get_json()["detail"] == "Failing: database, signer."
    assert "110101199003070038" not in repr(logs) + answer.get_data(as_text=True)


def test_ready_names_what_was_checked(tmp_path: Path) -> None:
    client = build(tmp_path, checks=(("database", lambda: None),)).test_client()
    assert client.get("/readyz").get_json() == {"status": "ready", "checks": ["database"]}


def test_the_request_log_has_the_route_and_nothing_of_the_address(tmp_path: Path) -> None:
    client = build(tmp_path).test_client()
    with capture_logs() as logs:
        client.post("/api/v1/things/110101?id=110101199003070038", json={"name": "110101199003070038"})
        client.get("/110101199003070038")
    lines = [entry for entry in logs if entry["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/api/v1/things/<int:number>", 401),
        ("GET", "unmatched", 404),
    ]
    assert "110101" not in repr(logs)


def test_a_log_line_is_json_with_the_correlation_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    structlog.reset_defaults()
    try:
        telemetry.configure_logging("info")
        answer = build(tmp_path).test_client().get("/api/v1/broken")
    finally:
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["failed", "request"]
    assert {line["correlation"] for line in lines} == {answer.headers["X-Correlation-Id"]}
    assert lines[0]["exception"] == "builtins.ValueError"
    assert {"timestamp", "level"} <= set(lines[0])
    assert "110101199003070038" not in repr(lines)


def test_probes_are_quiet(tmp_path: Path) -> None:
    with capture_logs() as logs:
        build(tmp_path).test_client().get("/healthz")
    assert [entry["log_level"] for entry in logs] == ["debug"]


def test_metrics_count_by_route(tmp_path: Path) -> None:
    client = build(tmp_path).test_client()
    client.get("/healthz")
    client.get("/x1")
    client.get("/x2")
    client.open("/healthz", method="BREW")
    text = client.get("/metrics").get_data(as_text=True)
    assert 'yinxin_http_requests_total{method="GET",route="/healthz",status="200"} 1.0' in text
    assert 'yinxin_http_requests_total{method="GET",route="unmatched",status="404"} 2.0' in text
    assert 'method="OTHER"' in text
    assert "yinxin_http_request_seconds_bucket" in text
    assert "BREW" not in text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"name": "a"}', 200, None),
        (b'{"name": "' + b"a" * 2036 + b'"}', 200, None),
        (b'{"name": "' + b"a" * 2037 + b'"}', 413, "body-too-large"),
        (b'{"name": ', 400, "json-malformed"),
        (b'{"name": "a", "name": "b"}', 400, "json-duplicate-member"),
        (b'{"name": "a", "nmae": "b"}', 422, "field-unknown"),
        (b"{}", 422, "field-missing"),
        (b'{"name": 1}', 422, "field-invalid"),
    ],
)
def test_the_edge_refuses_bad_bodies(tmp_path: Path, body: bytes, status: int, code: str | None) -> None:
    answer = build(tmp_path).test_client().post("/api/v1/open", data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json().get("code")) == (status, code)


def test_an_upload_over_the_limit_is_refused(tmp_path: Path) -> None:
    client = build(tmp_path).test_client()
    for size, status in ((4096, 200), (4096 + 64 * 1024, 413)):
        upload = {"file": (io.BytesIO(b"x" * size), "a.pdf")}
        assert client.post("/verify", data=upload).status_code == status


def test_the_description_is_openapi_3_1_and_every_reference_resolves(tmp_path: Path) -> None:
    document = description(tmp_path)
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": PUBLIC_URL}]
    found = references(document)
    assert found
    for reference in found:
        part: Any = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]


def test_the_description_says_who_may_call(tmp_path: Path) -> None:
    document = description(tmp_path)
    scheme = document["components"]["securitySchemes"]["clientCredentials"]
    assert scheme["flows"]["clientCredentials"]["tokenUrl"] == PUBLIC_URL + "/oauth/token"
    operation = document["paths"]["/api/v1/things/{number}"]["post"]
    assert operation["security"] == [{"clientCredentials": ["certs:issue"]}]
    assert {"400", "401", "403", "413", "422", "default"} <= set(operation["responses"])
    assert "security" not in document["paths"]["/api/v1/open"]["post"]


def test_the_description_holds_every_model(tmp_path: Path) -> None:
    document = description(tmp_path)
    body = document["paths"]["/api/v1/things/{number}"]["post"]["requestBody"]
    assert body["content"]["application/json"]["example"] == {"name": "a"}
    assert document["components"]["schemas"]["ThingBody"]["properties"]["name"]["description"]
    assert "Problem" in document["components"]["schemas"]


def test_pages_are_no_part_of_the_description(tmp_path: Path) -> None:
    assert all(path.startswith("/api/") for path in description(tmp_path)["paths"])


@pytest.mark.parametrize(("proxies", "seen"), [(0, "127.0.0.1"), (1, "203.0.113.9")])
def test_a_forwarded_address_is_believed_only_behind_a_proxy(tmp_path: Path, proxies: int, seen: str) -> None:
    app = build(tmp_path, trusted_proxies=proxies)
    addresses: list[str] = []
    app.before_request(lambda: addresses.append(client_address()))
    app.test_client().get("/healthz", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
    assert addresses == [seen]


def test_a_persons_token_is_described_as_one_from_a_sign_in(tmp_path: Path) -> None:
    schemes = description(tmp_path)["components"]["securitySchemes"]
    flow = schemes["signIn"]["flows"]["authorizationCode"]
    assert flow["authorizationUrl"] == PUBLIC_URL + "/oauth/authorize"
    own = schemes["clientCredentials"]["flows"]["clientCredentials"]
    assert set(flow["scopes"]) | set(own["scopes"]) == {scope.value for scope in Scope}
    assert "mandates" not in own["scopes"]
    assert "ledger:read" not in flow["scopes"]
