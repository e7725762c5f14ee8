"""Bad input over HTTP against the served application: its stable code, the field, what to do, and nothing left behind.

One table drives the tests. A case that needs no more than a request, its status, its code and its field is a row.
"""

import contextlib
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest

from portal.demo import data
from tests.integration.desk import (
    ABSENT,
    MIB,
    Desk,
    as_file,
    change_body,
    encrypted_pdf,
    issue_escaped,
    issue_food,
    issue_permit,
    issue_raw,
    look,
    on_food,
    pdf_bomb,
    posted,
    tokens,
    verify,
    verify_files,
    wrong_check_character,
)
from tests.integration.door import FORM, Request, basic
from tests.integration.holdings import holdings
from tests.integration.installation import PURPOSE, today
from tests.integration.processes import descendants

pytestmark = pytest.mark.integration

RARE = "\U0002ebf0"  # CJK extension I: assigned in 2023, in none of the fonts
KIB = 1024
HOLDER = {"kind": "111", "number": data.RESIDENT_NUMBER}


class Case(NamedTuple):
    name: str
    request: Callable[[Desk], Request]
    status: int
    code: str
    field: str | None = None


CASES = (
    # numbers with a check digit
    Case(
        "resident number, check digit",
        issue_permit({"holder.number": "110105194912310021"}),
        422,
        "resident-id-check",
        "holder.number",
    ),
    Case(
        "credit code, check digit",
        issue_food({"holder.number": "92110105MADEM0YX51"}),
        422,
        "uscc-check",
        "holder.number",
    ),
    Case(
        "identifier, check character",
        lambda desk: look("?purpose=x", identifier=wrong_check_character(desk.food))(desk),
        422,
        "certificate-identifier-check",
        "identifier",
    ),
    Case(
        "identifier to verify, check character",
        lambda desk: verify({"identifier": wrong_check_character(desk.food)})(desk),
        422,
        "certificate-identifier-check",
        "identifier",
    ),
    Case(
        "identifier to replace, check character",
        lambda desk: issue_food({"supersedes": wrong_check_character(desk.food)})(desk),
        422,
        "certificate-identifier-check",
        "supersedes",
    ),
    Case(
        "searched number, check digit",
        lambda _: posted(
            "/api/v1/certs/search", {"holder": HOLDER | {"number": "11010519491231002x"}, "purpose": PURPOSE}
        ),
        422,
        "resident-id-characters",
        "holder.number",
    ),
    Case("holder kind unknown", issue_food({"holder.kind": "000"}), 422, "holder-kind-unknown", "holder.kind"),
    Case(
        "holder kind of another type",
        issue_food({"holder": HOLDER | {"name": "孙"}}),
        422,
        "holder-kind-mismatch",
        "holder.kind",
    ),
    # types and fields
    Case("unknown type", issue_food({"type": "11000000DEM0YX001B999"}), 404, "type-unknown", "type"),
    Case("unknown field", issue_food({"nmae": "x"}), 422, "field-unknown", "nmae"),
    Case("unknown field inside", issue_food({"holder.nmae": "x"}), 422, "field-unknown", "holder.nmae"),
    Case("unknown field of the type", issue_food({"face.colour": "red"}), 422, "field-unknown", "colour"),
    Case("missing field", issue_food({"holder": ABSENT}), 422, "field-missing", "holder"),
    Case("missing field inside", issue_food({"holder.name": ABSENT}), 422, "field-missing", "holder.name"),
    Case("missing field of the type", issue_food({"face.premises": ABSENT}), 422, "field-missing", "premises"),
    Case("empty field of the type", issue_food({"face.premises": " "}), 422, "field-missing", "premises"),
    Case("number in the place of text", issue_food({"number": 7}), 422, "field-invalid", "number"),
    Case("list in the face", issue_food({"face.premises": ["路"]}), 422, "field-invalid", "face.premises"),
    Case("truth value in the face", issue_food({"face.premises": True}), 422, "field-invalid", "face.premises"),
    Case("number in a text of the face", issue_food({"face.premises": 7}), 422, "field-wrong-kind", "premises"),
    Case(
        "person's number in the place of a name", issue_food({data.RESIDENT_NUMBER: "x"}), 422, "field-unknown", "body"
    ),
    Case("choice outside the list", issue_permit({"face.sex": "无"}), 422, "field-choice", "sex"),
    Case("contradiction to the number", issue_permit({"face.sex": "男"}), 422, "field-contradiction", "sex"),
    # dates
    Case(
        "validity ends before it begins",
        issue_food({"valid_to": (today() - timedelta(days=1)).isoformat()}),
        422,
        "date-order",
        "valid_to",
    ),
    Case(
        "issued in the future",
        issue_food({"face.issued_on": (today() + timedelta(days=2)).isoformat()}),
        422,
        "date-order",
        "issued_on",
    ),
    Case("no date of the calendar", issue_food({"valid_from": "2026-02-30"}), 422, "field-invalid", "valid_from"),
    Case(
        "validity over",
        issue_food({"valid_from": "2020-01-01", "valid_to": "2024-12-31", "face.issued_on": "2020-01-01"}),
        422,
        "validity-over",
        "valid_to",
    ),
    Case("validity too long", issue_food({"valid_to": "2199-01-01"}), 422, "validity-too-long", "valid_to"),
    # sizes and characters
    Case("oversized value", issue_food({"face.premises": "路" * 5000}), 422, "field-too-long", "premises"),
    Case("oversized purpose", look("?purpose=" + "a" * 201), 422, "text-length", "purpose"),
    Case(
        "character in no font",
        issue_food({"face.premises": f"演示市{RARE}路"}),
        422,
        "character-unrenderable",
        "premises",
    ),
    Case(
        "character in no font, of the holder",
        issue_permit({"holder.name": f"孙{RARE}"}),
        422,
        "character-unrenderable",
        "holder_name",
    ),
    Case("direction override", issue_food({"face.premises": "甲\u202e乙"}), 422, "field-character", "premises"),
    Case("body over the limit", issue_food({"face.premises": "a" * 300 * KIB}), 413, "body-too-large"),
    # idempotency
    Case(
        "no idempotency key",
        lambda desk: _without(issue_food()(desk), "Idempotency-Key"),
        422,
        "idempotency-key-invalid",
        "Idempotency-Key",
    ),
    Case("short idempotency key", issue_food(key="1234567"), 422, "idempotency-key-invalid", "Idempotency-Key"),
    Case(
        "idempotency key with other characters",
        issue_food(key="a b c d e f"),
        422,
        "idempotency-key-invalid",
        "Idempotency-Key",
    ),
    Case(
        "idempotency key with another body",
        issue_food({"number": "JY21101050000026"}, key="fixture-food"),
        409,
        "idempotency-conflict",
        "Idempotency-Key",
    ),
    # JSON
    Case("broken JSON", issue_raw(b'{"type": '), 400, "json-malformed"),
    Case("JSON not in UTF-8", issue_raw(b'{"type": "\xff"}'), 400, "json-malformed"),
    Case("JSON with NaN", issue_raw(b'{"type": NaN}'), 400, "json-malformed"),
    Case("JSON nested too deeply", issue_raw(b"[" * 100_000), 400, "json-malformed"),
    Case("a list in the place of an object", issue_raw(b"[]"), 400, "json-malformed"),
    Case("no body", issue_raw(b""), 400, "json-malformed"),
    Case("half of a character pair", issue_escaped({"face.premises": "\ud800"}), 400, "json-malformed"),
    Case("duplicate member", issue_raw(b'{"type": "a", "type": "b"}'), 400, "json-duplicate-member", "type"),
    Case(
        "duplicate member inside",
        issue_raw(b'{"holder": {"kind": "001", "kind": "111"}}'),
        400,
        "json-duplicate-member",
        "kind",
    ),
    Case("wrong content type", issue_raw(b"{}", Content_Type="text/plain"), 415, "media-type-unsupported"),
    Case(
        "no content type", lambda desk: _without(issue_raw(b"{}")(desk), "Content-Type"), 415, "media-type-unsupported"
    ),
    # who asks
    Case("no token", issue_food(by=None), 401, "token-missing"),
    Case("expired token", issue_food(by="expired"), 401, "token-expired"),
    Case("foreign token", issue_food(by="foreign"), 401, "token-foreign"),
    Case("token with its own key inside", issue_food(by="own key inside"), 401, "token-foreign"),
    Case("token with alg none", issue_food(by="alg none"), 401, "token-foreign"),
    Case("token with alg none and a signature", issue_food(by="alg none, old signature"), 401, "token-foreign"),
    Case("token with alg HS256", issue_food(by="alg HS256"), 401, "token-foreign"),
    Case("token of another type", issue_food(by="another type"), 401, "token-foreign"),
    Case("token for another API", issue_food(by="for another API"), 401, "token-foreign"),
    Case("token with scopes added", issue_food(by="more scopes"), 401, "token-foreign"),
    Case("token of a disabled client", issue_food(by="revoked"), 401, "token-revoked"),
    Case("garbage token", issue_food(by="garbage"), 401, "token-malformed"),
    Case("token of empty parts", issue_food(by="empty parts"), 401, "token-malformed"),
    Case("very long token", issue_food(by="very long"), 401, "token-malformed"),
    Case("missing scope to issue", issue_food(by="reader"), 403, "scope-missing"),
    Case("missing scope to revoke", on_food("revoke", change_body(), by="reader"), 403, "scope-missing"),
    Case(
        "missing scope for the ledger",
        lambda _: Request(method="GET", path="/api/v1/ledger/checkpoint", bearer="reader"),
        403,
        "scope-missing",
    ),
    Case("issue by an authority not onboarded", issue_food(by="other"), 403, "authority-not-onboarded"),
    # states
    Case(
        "revoke by another authority",
        on_food("revoke", change_body(), by="other"),
        403,
        "certificate-of-another-authority",
        "identifier",
    ),
    Case(
        "suspend by another authority",
        on_food("suspend", change_body(), by="other"),
        403,
        "certificate-of-another-authority",
        "identifier",
    ),
    Case(
        "one person asks and approves",
        on_food("revoke", change_body(approved_by=" 王经办")),
        403,
        "same-person",
        "approved_by",
    ),
    Case("resume what is not suspended", on_food("resume", change_body()), 409, "transition-not-allowed"),
    Case(
        "a person's number in the reason",
        on_food("revoke", change_body(reason=f"本人{data.RESIDENT_NUMBER}")),
        422,
        "personal-number-in-text",
        "reason",
    ),
    Case(
        "replace a certificate of another type",
        lambda desk: issue_food({"supersedes": desk.permit})(desk),
        422,
        "supersedes-mismatch",
        "supersedes",
    ),
    # looks
    Case("missing purpose", look(""), 422, "field-missing", "purpose"),
    Case("missing purpose for the file", look("/file"), 422, "field-missing", "purpose"),
    Case(
        "missing purpose of a search",
        lambda _: posted("/api/v1/certs/search", {"holder": HOLDER}),
        422,
        "field-missing",
        "purpose",
    ),
    Case("empty purpose", look("?purpose="), 422, "text-length", "purpose"),
    Case(
        "a person's number in the purpose",
        look(f"?purpose={data.RESIDENT_NUMBER}"),
        422,
        "personal-number-in-text",
        "purpose",
    ),
    Case(
        "a person's number in the address",
        look("?purpose=x", identifier=data.RESIDENT_NUMBER),
        422,
        "certificate-identifier-root",
        "identifier",
    ),
    Case("unknown address", lambda _: Request(method="GET", path="/api/v1/nothing"), 404, "address-unknown"),
    Case(
        "method that the address does not take",
        lambda _: Request(method="DELETE", path="/api/v1/verify"),
        405,
        "method-unsupported",
    ),
    # the ledger
    Case(
        "ledger entries beyond the end",
        lambda _: Request(method="GET", path="/api/v1/ledger/entries?start=1000000&count=1", bearer="full"),
        404,
        "ledger-entry-not-found",
        "start",
    ),
    Case(
        "too many ledger entries",
        lambda _: Request(method="GET", path="/api/v1/ledger/entries?start=0&count=257", bearer="full"),
        413,
        "ledger-too-many-entries",
        "count",
    ),
    Case(
        "ledger index that is no number",
        lambda _: Request(method="GET", path="/api/v1/ledger/entries?start=a&count=1", bearer="full"),
        422,
        "field-invalid",
        "start",
    ),
    # files to verify
    Case(
        "PDF truncated",
        verify_files(as_file(lambda desk: desk.pdf[: len(desk.pdf) * 2 // 3])),
        400,
        "pdf-malformed",
        "file",
    ),
    Case("PDF encrypted", verify_files(as_file(encrypted_pdf())), 400, "pdf-encrypted", "file"),
    Case("not a PDF", verify_files(as_file(b"PK\x03\x04 this is an archive")), 400, "not-a-document", "file"),
    Case("empty file", verify_files(as_file(b"")), 400, "not-a-document", "file"),
    Case("decompression bomb", verify_files(as_file(lambda _: pdf_bomb())), 413, "pdf-bomb", "file"),
    Case("two files at once", verify_files(as_file(b"%PDF-1.7"), as_file(b"%PDF-1.7")), 422, "verify-input", "file"),
    Case(
        "a file and an identifier at once",
        verify_files(as_file(b"%PDF-1.7"), lambda desk: ("identifier", None, desk.food.encode())),
        422,
        "verify-input",
        "file",
    ),
    Case(
        "a form without a file",
        verify_files(lambda desk: ("identifier", None, desk.food.encode())),
        422,
        "verify-input",
        "file",
    ),
    Case(
        "identifier and QR text at once",
        lambda desk: verify({"identifier": desk.food, "qr": "x"})(desk),
        422,
        "verify-input",
    ),
    Case("nothing to verify", verify({}), 422, "verify-input"),
    Case("too many parts", verify_files(*[lambda _: ("a", None, b"b")] * 40), 413, "body-too-large"),
    Case("QR text that is no link", verify({"qr": "not a link"}), 400, "qr-malformed", "qr"),
    Case("oversized QR text", verify({"qr": "a" * 2000}), 422, "field-invalid", "qr"),
)


def _without(request: Request, header: str) -> Request:
    kept = {name: value for name, value in request.headers.items() if name != header}
    return Request(method=request.method, path=request.path, headers=kept, body=request.body, bearer=request.bearer)


@pytest.fixture(scope="module")
def desk(server, certificates, template):
    door = server.door()
    return Desk(
        door=door,
        tokens=tokens(door, template, server.settings),
        food=certificates["food"][0]["identifier"],
        permit=certificates["permit"][0]["identifier"],
        pdf=certificates["food"][1],
    )


@pytest.fixture
def unchanged(server, desk):
    """Fails the test when anything that is kept has changed in it."""
    before = holdings(server.home)
    yield
    assert holdings(server.home) == before


def is_chinese(text):
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def check_problem(answer, *, status, code, field):
    problem = answer.json
    assert (answer.status, problem["code"], problem.get("field")) == (status, code, field), problem
    assert answer.media_type == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] == f"/problems/{code}"
    assert problem["title"]
    assert problem["remedy"]
    assert problem["detail"]
    assert is_chinese(problem["title_zh"])
    assert is_chinese(problem["remedy_zh"])
    correlation = answer.headers["X-Correlation-Id"]
    assert problem["instance"] == f"urn:uuid:{correlation}"
    assert uuid.UUID(correlation).version == 4
    assert data.RESIDENT_NUMBER[:-1] not in answer.body.decode()
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gets_its_code_and_leaves_nothing_behind(desk, case):
    answer = desk.send(case.request(desk))
    check_problem(answer, status=case.status, code=case.code, field=case.field)
    if case.status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_every_code_of_the_table_has_a_page(desk):
    for code in sorted({case.code for case in CASES}):
        answer = desk.door.ask("GET", f"/problems/{code}")
        assert answer.status == 200, code
        assert code in answer.body.decode()


class Refusal(NamedTuple):
    """A row for the token endpoint, whose errors have the form of RFC 6749 section 5.2."""

    name: str
    body: bytes
    headers: dict[str, str]
    status: int
    error: str


GRANT = b"grant_type=client_credentials"
REFUSALS = (
    Refusal("wrong client secret", GRANT, {"secret": "wrong"}, 401, "invalid_client"),
    Refusal("unknown client", GRANT, {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, 401, "invalid_client"),
    Refusal("no client", GRANT, {"Authorization": ""}, 401, "invalid_client"),
    Refusal("garbage in the header", GRANT, {"Authorization": "Basic %%%"}, 401, "invalid_client"),
    Refusal("scope not granted", GRANT + b"&scope=certs:revoke", {"reader": "yes"}, 400, "invalid_scope"),
    Refusal("unknown scope", GRANT + b"&scope=everything", {}, 400, "invalid_scope"),
    Refusal("another grant", b"grant_type=password", {}, 400, "unsupported_grant_type"),
    Refusal("no grant", b"scope=certs:read", {}, 400, "invalid_request"),
    Refusal("a parameter twice", GRANT + b"&" + GRANT, {}, 400, "invalid_request"),
    Refusal("wrong content type", b"{}", {"Content-Type": "application/json"}, 400, "invalid_request"),
)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("case", REFUSALS, ids=[case.name for case in REFUSALS])
def test_a_token_is_refused_by_the_rules_of_oauth_and_no_key_is_used(desk, template, case):
    given = dict(case.headers)
    client = template.reader if given.pop("reader", None) else template.full
    headers = basic(given.pop("id", client.id), given.pop("secret", client.secret)) | FORM | given
    answer = desk.door.ask("POST", "/oauth/token", case.body, {name: text for name, text in headers.items() if text})
    assert (answer.status, answer.json["error"]) == (case.status, case.error), answer.body
    assert answer.json["error_description"]
    assert answer.headers["X-Correlation-Id"]
    if case.status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


CHUNK = MIB
HUGE = 200 * MIB
MAY_GROW_KIB = 64 * KIB  # less than a third of what is sent


def memory():
    """Return the resident memory of each process below this one, in KiB."""
    return {pid: process.memory for pid, process in descendants().items()}


def upload(door, head, *, chunked):
    """Send 200 MB as fast as they are taken; return the answer, the bytes taken, and the largest growth in KiB."""
    before = memory()
    connection = door.connect()
    connection.connect()
    connection.sock.sendall(head)
    taken = growth = 0
    piece = bytes(CHUNK)
    framed = f"{CHUNK:x}\r\n".encode() + piece + b"\r\n" if chunked else piece
    try:
        while taken < HUGE:
            connection.sock.sendall(framed)
            taken += CHUNK
            if taken % (20 * MIB) == 0:
                growth = max(growth, *(size - before.get(pid, size) for pid, size in memory().items()))
        if chunked:
            connection.sock.sendall(b"0\r\n\r\n")
    except ConnectionError:
        pass  # it was refused before all was sent
    growth = max(growth, *(size - before.get(pid, size) for pid, size in memory().items()))
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.sock.recv(64 * KIB):
            received += part
            if b'"instance"' in received:
                break
    connection.close()
    return received, taken, growth


ANNOUNCED = f"Content-Length: {HUGE}\r\n"
IN_CHUNKS = "Transfer-Encoding: chunked\r\n"


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("framing", [ANNOUNCED, IN_CHUNKS], ids=["announced", "in chunks"])
@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/api/v1/verify", "multipart/form-data; boundary=b"), ("/api/v1/certs", "application/json")],
    ids=["file", "JSON"],
)
def test_200_mb_are_refused_without_being_kept(desk, path, media_type, framing):
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {desk.door.host}\r\nContent-Type: {media_type}\r\n"
        f"Authorization: Bearer {desk.tokens['full']}\r\nIdempotency-Key: huge-upload\r\n{framing}\r\n"
    ).encode()
    if media_type.startswith("multipart"):
        part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
        head += f"{len(part):x}\r\n".encode() + part + b"\r\n" if framing == IN_CHUNKS else part
    received, taken, growth = upload(desk.door, head, chunked=framing == IN_CHUNKS)
    print(path, framing.strip(), "taken", taken // MIB, "MiB, growth", growth, "KiB")
    assert received.startswith(b"HTTP/1.1 413 "), received[:200]
    assert b'"body-too-large"' in received
    assert growth < MAY_GROW_KIB


@pytest.mark.usefixtures("unchanged")
def test_a_file_just_over_the_limit_is_refused_and_one_at_the_limit_is_judged(desk):
    limit = 20 * MIB
    within = desk.send(verify_files(as_file(desk.pdf.ljust(limit, b"\0")))(desk))
    over = desk.send(verify_files(as_file(desk.pdf.ljust(limit + 1, b"\0")))(desk))
    assert within.status == 200, within.body
    assert within.json["verdict"] == "INVALID"
    check_problem(over, status=413, code="upload-too-large", field="file")
