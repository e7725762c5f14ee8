"""The client's side of docs/proofing-sources.md, against the fixture register and against registers that misbehave."""

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from portal.demo.register import Entry, Register, RegisterServer, serving
from sso.accounts import source_transport
from sso.accounts.domain import ProofingLevel
from sso.accounts.errors import (
    ProofingAnswerUnreadable,
    ProofingClaimMissing,
    ProofingSourceRefused,
    ProofingSourceUnavailable,
    ProofingSourceUnusable,
)
from sso.accounts.ports import Claims, Outcome, SourceName
from sso.accounts.source_transport import ANSWER_MAX, CONCURRENT_MAX, BoundedPost
from sso.accounts.sources import (
    Authentication,
    HttpSource,
    SourceSecret,
    answer_mac,
    build_sources,
    read_source_secret,
    request_mac,
)
from tests.fakes import CountingRandomness
from tests.sso.accounts.world import COMPANY, NAME, OTHER, RESIDENT
from trust.config import ProofingSourceSettings, SettingsInvalid, load_settings
from trust.kernel.clock import SystemClock
from trust.sealing import SecretExposed, SecretMissing

SECRET = "0123456789abcdef0123456789abcdef"
CLAIMS = Claims(name=NAME, mobile="13900000018", social_security="110105000018")
PEOPLE = (
    Entry("111", RESIDENT.number, NAME, mobile="13900000018", social_security="110105000018"),
    Entry("111", OTHER.number, "周示例", ended=True),
    Entry("001", COMPANY.number, "演示市朝晖区㛃䶮小馆", representative=RESIDENT.number),
)


def source(
    address: str,
    name: SourceName = SourceName.POPULATION,
    *,
    authentication: str = "bearer",
    secret: str = SECRET,
    seconds: float = 3.0,
) -> HttpSource:
    return HttpSource(
        name,
        BoundedPost(f"{address}/{name.value}", seconds=seconds),
        secret=SourceSecret(secret),
        authentication=Authentication(authentication),
        ceiling=ProofingLevel.TWO_ELEMENT_MATCH,
        stamps=(SystemClock(), CountingRandomness()),
    )


@pytest.fixture(params=["bearer", "hmac"])
def register(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    with serving(Register(PEOPLE, secret=SECRET, authentication=request.param)) as address:
        yield address, request.param


@pytest.mark.parametrize(
    ("name", "code", "claims", "outcome"),
    [
        (SourceName.POPULATION, RESIDENT, CLAIMS, Outcome.MATCH),
        (SourceName.POPULATION, RESIDENT, Claims(name="别名"), Outcome.NO_MATCH),
        (SourceName.POPULATION, OTHER, CLAIMS, Outcome.NO_MATCH),
        (SourceName.POPULATION, OTHER, Claims(name="周示例"), Outcome.ENDED),
        (SourceName.MOBILE_CARRIER, RESIDENT, CLAIMS, Outcome.MATCH),
        (SourceName.MOBILE_CARRIER, RESIDENT, Claims(name=NAME, mobile="13900000019"), Outcome.NO_MATCH),
        (SourceName.SOCIAL_SECURITY, RESIDENT, CLAIMS, Outcome.MATCH),
        (SourceName.LEGAL_PERSONS, COMPANY, Claims(name="演示市朝晖区㛃䶮小馆"), Outcome.MATCH),
    ],
)
def test_the_fixture_register_answers_the_contract(register, name, code, claims, outcome) -> None:
    address, authentication = register
    assert source(address, name, authentication=authentication).compare(code, claims) is outcome


def test_the_legal_person_register_confirms_the_representative_alone(register) -> None:
    address, authentication = register
    asked = source(address, SourceName.LEGAL_PERSONS, authentication=authentication)
    assert asked.confirms(COMPANY, number=RESIDENT, name=NAME)
    assert not asked.confirms(COMPANY, number=RESIDENT, name="别名")
    assert not asked.confirms(COMPANY, number=OTHER, name="周示例")


def test_a_wrong_secret_is_the_operators_matter(register) -> None:
    address, authentication = register
    with pytest.raises(ProofingSourceRefused) as caught:
        source(address, authentication=authentication, secret="x" * 32).compare(RESIDENT, CLAIMS)
    assert caught.value.code == "proofing-source-refused"


def test_the_item_of_a_source_must_be_there() -> None:
    with pytest.raises(ProofingClaimMissing) as caught:
        source("http://127.0.0.1:1", SourceName.MOBILE_CARRIER).compare(RESIDENT, Claims(name=NAME))
    assert caught.value.field == "mobile"


def test_the_vectors_of_the_page_are_what_the_code_computes() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "proofing-sources.md").read_text("utf-8")
    body = re.search(r"^(\{\"id\".*孙示例.*\})$", page, re.MULTILINE)
    answer = re.search(r"^(\{\"version\":1,\"id\".*\})$", page, re.MULTILINE)
    assert body is not None
    assert answer is not None
    secret = SourceSecret(SECRET)
    request = request_mac(secret, date="2026-11-21T08:00:00Z", path="/proofing", body=body[1].encode())
    assert f"request MAC   {request}\n" in page
    assert f"answer MAC    {answer_mac(secret, request=request, body=answer[1].encode())}\n" in page


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one raw answer, made from the request's body; yields the address and the requests seen."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                seen.append(_read(connection))
                connection.sendall(answer(seen[-1].partition(b"\r\n\r\n")[2]))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
        thread.join(3)


def _read(connection: socket.socket) -> bytes:
    data = b""
    while True:
        data += connection.recv(65536)
        head, found, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        if found and length is not None and len(body) >= int(length[1]):
            return data


def response(body: bytes, *, status: str = "200 OK", headers: str = "Content-Type: application/json\r\n") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def good(asked: bytes, **changed: object) -> bytes:
    return json.dumps({"version": 1, "id": json.loads(asked)["id"], "outcome": "match"} | changed).encode()


def test_the_number_is_in_the_body_alone() -> None:
    with answering(lambda asked: response(good(asked))) as (address, seen):
        assert source(address).compare(RESIDENT, CLAIMS) is Outcome.MATCH
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert RESIDENT.number.encode() not in head
    assert head.startswith(b"POST /population-register HTTP/1.1\r\n")
    assert sorted(json.loads(body)) == ["id", "kind", "name", "number", "version"]


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked: response(good(asked, extra=1)),
        lambda asked: response(good(asked, version=2)),
        lambda asked: response(good(asked, version="1")),
        lambda asked: response(good(asked, version=True)),
        lambda asked: response(good(asked, id="01KAJ3W8Q0H1F6W0M3V9B5T2ZC")),
        lambda asked: response(good(asked, outcome="yes")),
        lambda asked: response(good(asked, outcome=None)),
        lambda asked: response(good(asked)[:-1] + b', "outcome": "no-match"}'),
        lambda _: response(b'{"version": 1}'),
        lambda _: response(b"[]"),
        lambda _: response(b"match"),
        lambda _: response(b""),
        lambda _: response(b"\xff\xfe"),
        lambda _: response(b"[" * 4000),
        lambda asked: response(good(asked), headers="Content-Type: text/html\r\n"),
        lambda asked: response(good(asked), headers=""),
        lambda asked: response(good(asked) + b" " * ANSWER_MAX),
        lambda asked: response(good(asked), status="201 Created"),
        lambda asked: response(good(asked), status="400 Bad Request"),
        lambda _: response(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n"),
        lambda _: response(b"", status="307 Temporary Redirect", headers="Location: /elsewhere\r\n"),
    ],
)
def test_an_answer_that_is_not_of_the_contract_is_never_a_match(answer: Callable[[bytes], bytes]) -> None:
    with answering(answer) as (address, seen):
        with pytest.raises(ProofingAnswerUnreadable) as caught:
            source(address).compare(RESIDENT, CLAIMS)
        assert len(seen) == 1
    assert caught.value.code == "proofing-answer-unreadable"
    assert NAME not in caught.value.detail


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Oops", "503 Busy"])
def test_a_register_that_cannot_answer_now_is_unavailable(status: str) -> None:
    with (
        answering(lambda _: response(b"", status=status)) as (address, _),
        pytest.raises(ProofingSourceUnavailable) as caught,
    ):
        source(address).compare(RESIDENT, CLAIMS)
    assert caught.value.code == "proofing-source-unavailable"


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_a_connection_that_breaks_is_unavailable(answer: bytes) -> None:
    with (
        answering(lambda _: answer) as (address, _),
        pytest.raises((ProofingSourceUnavailable, ProofingAnswerUnreadable)),
    ):
        source(address).compare(RESIDENT, CLAIMS)


def test_nobody_listening_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ProofingSourceUnavailable):
        source(f"http://127.0.0.1:{port}").compare(RESIDENT, CLAIMS)


def test_an_answer_that_drips_ends_with_the_time_out_of_the_whole() -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                _read(connection)
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        with pytest.raises(ProofingSourceUnavailable):
            source(f"http://127.0.0.1:{server.getsockname()[1]}", seconds=0.3).compare(RESIDENT, CLAIMS)
        stop.set()
        thread.join(3)


def test_a_slow_register_takes_a_bounded_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    post = BoundedPost("http://127.0.0.1:1/x", seconds=1)
    entered, leave = threading.Semaphore(0), threading.Event()

    def wait(*_: object) -> None:
        entered.release()
        leave.wait(5)
        raise OSError

    monkeypatch.setattr(post, "_exchange", wait)
    outcomes: list[str] = []

    def ask() -> None:
        try:
            post.send(b"", {})
        except ProofingSourceUnavailable as error:
            outcomes.append(error.detail)

    threads = [threading.Thread(target=ask) for _ in range(CONCURRENT_MAX)]
    for thread in threads:
        thread.start()
    assert all(entered.acquire(timeout=5) for _ in threads)
    with pytest.raises(ProofingSourceUnavailable, match="waiting"):
        post.send(b"", {})
    leave.set()
    for thread in threads:
        thread.join()
    assert len(outcomes) == CONCURRENT_MAX
    with pytest.raises(ProofingSourceUnavailable):
        post.send(b"", {})  # the places are free again
    assert entered.acquire(timeout=5)


@pytest.mark.parametrize("signature", ["", "0" * 64, None])
def test_a_signed_question_takes_a_signed_answer(signature: str | None) -> None:
    header = "" if signature is None else f"Yinxin-Signature: {signature}\r\n"
    headers = f"Content-Type: application/json\r\n{header}"
    with (
        answering(lambda asked: response(good(asked), headers=headers)) as (address, _),
        pytest.raises(ProofingAnswerUnreadable, match="signed"),
    ):
        source(address, authentication="hmac").compare(RESIDENT, CLAIMS)


@pytest.mark.parametrize(
    "url",
    [
        "http://register.example/x",
        "http://10.0.0.1/x",
        "http://localhost/x",
        "ftp://127.0.0.1/x",
        "https://register.example/x?number=1",
        "https://register.example/x#a",
        "https://user:word@register.example/x",
        "https://register.example:99999/x",
        "https:///x",
        "",
    ],
)
def test_an_address_that_would_expose_numbers_is_refused(url: str) -> None:
    with pytest.raises(ProofingSourceUnusable) as caught:
        BoundedPost(url, seconds=1)
    assert (caught.value.code, caught.value.field) == ("proofing-source-unusable", "url")


@pytest.mark.parametrize("url", ["https://register.example/x", "https://register.example:8443", "http://[::1]:80/x"])
def test_addresses_that_are_admitted(url: str) -> None:
    assert BoundedPost(url, seconds=1).path in {"/x", "/"}


def test_a_private_ca_that_cannot_be_read_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ProofingSourceUnusable) as caught:
        BoundedPost("https://register.example/x", seconds=1, ca_file=tmp_path / "none.pem")
    assert caught.value.field == "ca_file"


@contextmanager
def speaking_tls(folder: Path, *, host: str) -> Iterator[tuple[str, Path]]:
    """Serve the fixture register behind TLS under a private CA; yields the address and the CA's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "register")])
    now = SystemClock().now()
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "register.pem", folder / "register.key"
    chain.write_bytes(signed.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    server = RegisterServer(Register(PEOPLE, secret=SECRET))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}/population-register", chain
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def over_tls(url: str, ca_file: Path | None) -> HttpSource:
    return HttpSource(
        SourceName.POPULATION,
        BoundedPost(url, seconds=3, ca_file=ca_file),
        secret=SourceSecret(SECRET),
        authentication=Authentication.BEARER,
        ceiling=ProofingLevel.TWO_ELEMENT_MATCH,
        stamps=(SystemClock(), CountingRandomness()),
    )


def test_tls_is_spoken_with_a_register_under_its_own_ca(tmp_path: Path) -> None:
    with speaking_tls(tmp_path, host="127.0.0.1") as (url, ca_file):
        assert over_tls(url, ca_file).compare(RESIDENT, CLAIMS) is Outcome.MATCH


def test_a_register_that_cannot_show_who_it_is_is_not_asked(tmp_path: Path) -> None:
    with speaking_tls(tmp_path, host="127.0.0.1") as (url, _), pytest.raises(ProofingSourceUnavailable):
        over_tls(url, None).compare(RESIDENT, CLAIMS)
    with speaking_tls(tmp_path, host="127.0.0.2") as (url, ca_file), pytest.raises(ProofingSourceUnavailable):
        over_tls(url, ca_file).compare(RESIDENT, CLAIMS)


def secret_file(folder: Path, text: str = SECRET + "\n", mode: int = 0o600) -> Path:
    path = folder / "source.secret"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_secrets_come_from_files_that_nobody_else_reads(tmp_path: Path) -> None:
    assert read_source_secret(secret_file(tmp_path)) == SourceSecret(SECRET)
    assert SECRET not in repr(SourceSecret(SECRET))
    with pytest.raises(SecretExposed):
        read_source_secret(secret_file(tmp_path, mode=0o640))
    with pytest.raises(SecretMissing):
        read_source_secret(tmp_path / "none")
    with pytest.raises(SecretMissing):
        read_source_secret(secret_file(tmp_path, "密" * 32))
    for text in ("a" * 31, "a" * 513, "a b" * 20):
        with pytest.raises(ProofingSourceUnusable):
            read_source_secret(secret_file(tmp_path, text))
    for text in ("a" * 32, "a" * 512):
        assert read_source_secret(secret_file(tmp_path, text)).value == text


def test_sources_are_built_from_the_settings(tmp_path: Path) -> None:
    path = secret_file(tmp_path)
    with serving(Register(PEOPLE, secret=SECRET, authentication="hmac")) as address:
        settings = load_settings(
            proofing_sources=[
                {
                    "name": "population-register",
                    "url": f"{address}/population-register",
                    "secret_file": str(path),
                    "authentication": "hmac",
                    "ceiling": 0,
                }
            ]
        )
        built = build_sources(settings.proofing_sources, clock=SystemClock(), randomness=CountingRandomness())
        assert built["population-register"].compare(RESIDENT, CLAIMS) is Outcome.MATCH
        assert built["population-register"].ceiling is ProofingLevel.SELF_ASSERTED


def test_a_source_named_twice_is_refused(tmp_path: Path) -> None:
    one = ProofingSourceSettings(name="mobile-carrier", url="http://127.0.0.1:1/x", secret_file=secret_file(tmp_path))
    with pytest.raises(ProofingSourceUnusable, match="twice"):
        build_sources([one, one], clock=SystemClock(), randomness=CountingRandomness())


@pytest.mark.parametrize(
    "changed",
    [{"ceiling": 2}, {"ceiling": -1}, {"timeout_seconds": 0}, {"timeout_seconds": 31}, {"name": "x"}, {"extra": 1}],
)
def test_settings_of_a_source_that_are_out_of_bounds(changed: dict[str, object]) -> None:
    one = {"name": "mobile-carrier", "url": "http://127.0.0.1:1/x", "secret_file": "x"}
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(proofing_sources=[one | changed])
    assert caught.value.code == "settings-invalid"


def test_the_limits_are_those_of_the_page() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "proofing-sources.md").read_text("utf-8")
    assert f"at most {source_transport.ANSWER_MAX} bytes" in page
    assert f"more than {source_transport.CONCURRENT_MAX} questions" in page
