"""The HTTP half, against a server on this machine that answers what it is told."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import socket
from typing import Any

import pytest

from sso.keycloak.client import MAX_ANSWER_BYTES, AdminConnection, KeycloakTransport
from sso.keycloak.errors import UpstreamCodeRefused, UpstreamUnavailable
from sso.keycloak.provisioning_errors import KeycloakNotAdmitted, KeycloakRefused, KeycloakUnavailable
from trust.kernel.errors import TrustError


@dataclass
class Answers:
    address: str = ""
    status: int = 200
    body: bytes = b"{}"
    token_status: int = 200
    location: str = ""
    seen: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)


@pytest.fixture
def answers() -> Iterator[Answers]:
    told = Answers()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            told.seen.append((self.command, self.path, dict(self.headers), sent))
            grants = self.path.endswith("/openid-connect/token")
            status, body = (told.status, told.body)
            if grants:
                status, body = told.token_status, b'{"access_token": "admin", "expires_in": 60}'
            elif told.location and self.path != "/moved":
                status = 307
            self.send_response(status)
            if status == 307:
                self.send_header("Location", told.location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  names of the library

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    told.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def transport(answers: Answers) -> KeycloakTransport:
    return KeycloakTransport(answers.address, client_id="yin:xin", secret="the 秘密")


@pytest.fixture
def admin(answers: Answers) -> AdminConnection:
    return AdminConnection(answers.address, client_id="provisioner", secret="s3cret")


def test_a_form_is_sent_with_the_client_in_the_header_alone(answers: Answers, transport: KeycloakTransport) -> None:
    answers.body = b'{"id_token": "x"}'
    assert transport.post(f"{answers.address}/token", {"code": "c"}) == {"id_token": "x"}
    ((method, path, headers, sent),) = answers.seen
    assert (method, path, sent) == ("POST", "/token", "code=c")
    scheme, _, credentials = headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(credentials) == b"yin%3Axin:the+%E7%A7%98%E5%AF%86"  # RFC 6749 section 2.3.1


def test_discovery_carries_no_credentials(answers: Answers, transport: KeycloakTransport) -> None:
    transport.get(f"{answers.address}/keys")
    assert "Authorization" not in answers.seen[0][2]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"no",
        b"\xff",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        json.dumps({"a": "x" * MAX_ANSWER_BYTES}).encode(),
    ],
)
def test_what_is_no_object_of_our_size_is_an_upstream_that_does_not_answer(
    answers: Answers, transport: KeycloakTransport, body: bytes
) -> None:
    answers.body = body
    with pytest.raises(UpstreamUnavailable):
        transport.get(f"{answers.address}/keys")


def test_the_longest_answer_is_read(answers: Answers, transport: KeycloakTransport) -> None:
    answers.body = b'{"a": "' + b"x" * (MAX_ANSWER_BYTES - 9) + b'"}'
    assert len(answers.body) == MAX_ANSWER_BYTES
    assert transport.get(f"{answers.address}/keys")


@pytest.mark.parametrize(
    ("status", "refusal"),
    [(400, UpstreamCodeRefused), (401, UpstreamCodeRefused), (500, UpstreamUnavailable), (204, UpstreamUnavailable)],
)
def test_a_status_tells_a_refused_code_from_a_broken_upstream(
    answers: Answers, transport: KeycloakTransport, status: int, refusal: type[TrustError]
) -> None:
    answers.status = status
    answers.body = (
        b'{"error": "invalid_grant", "error_description": "zhang 11010519491231002X"}' if status != 204 else b""
    )
    with pytest.raises(refusal) as caught:
        transport.post(f"{answers.address}/token", {})
    assert "11010519491231002X" not in str(caught.value) + str(caught.value.facts)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": {"a": 1}}'])
def test_a_refusal_without_a_name_is_a_refusal(answers: Answers, transport: KeycloakTransport, body: bytes) -> None:
    answers.status, answers.body = 400, body
    with pytest.raises(UpstreamCodeRefused):
        transport.post(f"{answers.address}/token", {})


@pytest.mark.parametrize("status", [404, 500])
def test_a_document_that_is_not_there_is_an_upstream_that_does_not_answer(
    answers: Answers, transport: KeycloakTransport, status: int
) -> None:
    answers.status = status
    with pytest.raises(UpstreamUnavailable):
        transport.get(f"{answers.address}/keys")


def test_what_came_by_a_redirect_is_not_read(answers: Answers, transport: KeycloakTransport) -> None:
    answers.location = "/moved"
    with pytest.raises(UpstreamUnavailable):
        transport.get(f"{answers.address}/keys")
    with pytest.raises(UpstreamUnavailable):
        transport.post(f"{answers.address}/token", {})


@pytest.fixture
def nobody() -> str:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_nobody_there_is_an_upstream_that_does_not_answer(nobody: str) -> None:
    transport = KeycloakTransport(nobody, client_id="yinxin", secret="s")
    with pytest.raises(UpstreamUnavailable):
        transport.get(f"{nobody}/keys")
    with pytest.raises(UpstreamUnavailable):
        transport.post(f"{nobody}/token", {})


def test_the_service_account_signs_in_by_itself(answers: Answers, admin: AdminConnection) -> None:
    answers.body = b'{"realm": "a"}'
    assert admin.get("admin/realms/a") == {"realm": "a"}
    assert [path for _, path, _, _ in answers.seen] == [
        "/realms/master/protocol/openid-connect/token",
        "/admin/realms/a",
    ]
    assert answers.seen[1][2]["Authorization"] == "Bearer admin"


def test_what_is_not_there_is_none_or_a_refusal(answers: Answers, admin: AdminConnection) -> None:
    answers.status = 404
    assert admin.get_or_none("admin/realms/a") is None
    for ask in (admin.get, admin.get_list, admin.delete):
        with pytest.raises(KeycloakRefused):
            ask("admin/realms/a")


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (400, KeycloakRefused),
        (401, KeycloakNotAdmitted),
        (403, KeycloakNotAdmitted),
        (409, KeycloakRefused),
        (503, KeycloakUnavailable),
    ],
)
def test_each_refusal_of_keycloak_has_its_name_and_repeats_no_body(
    answers: Answers, admin: AdminConnection, status: int, refusal: type[TrustError]
) -> None:
    answers.status, answers.body = status, b'{"errorMessage": "secret s3cret"}'
    calls: list[Any] = [admin.get_or_none, admin.get_list, admin.delete]
    calls += [lambda path: admin.post(path, {}), lambda path: admin.put(path, {})]
    for call in calls:
        with pytest.raises(refusal) as caught:
            call("admin/realms/a")
        assert "s3cret" not in str(caught.value) + str(caught.value.facts)


@pytest.mark.parametrize("status", [400, 401])
def test_a_service_account_that_is_refused_is_named_so(answers: Answers, admin: AdminConnection, status: int) -> None:
    answers.token_status = status
    with pytest.raises(KeycloakNotAdmitted):
        admin.get("admin/realms/a")


def test_a_keycloak_that_is_down_is_named_so(nobody: str) -> None:
    with pytest.raises(KeycloakUnavailable):
        AdminConnection(nobody, client_id="p", secret="s").get("admin/realms/a")
