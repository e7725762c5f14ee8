import io

import pytest
from apiflask import APIFlask

from tests.fakes import FixedClock
from tests.verifier import world
from trust.http import parsing, problems
from trust.http.rate import RateLimiter
from verifier.api import Verifier
from verifier.routes import blueprint

IDENTIFIER = world.identifier().value


@pytest.fixture
def client():
    clock = FixedClock()
    app = APIFlask("test")
    problems.install(app)
    parsing.install(app, max_json_bytes=64 * 1024, max_upload_bytes=21 * 1024 * 1024)
    verifier = Verifier(world.Trust(), clock, world.Library())
    app.register_blueprint(blueprint(verifier, RateLimiter(30, clock)))
    return app.test_client()


def upload(client, data):
    """Post one file. The body is put together here: the test client leaves its own temporary file open."""
    head = b'--part\r\nContent-Disposition: form-data; name="file"; filename="x.pdf"\r\n\r\n'
    body = head + data + b"\r\n--part--\r\n"
    return client.post("/api/v1/verify", data=body, content_type="multipart/form-data; boundary=part")


def test_a_judged_file_is_answered_with_200_whatever_the_verdict(client):
    good, bad = upload(client, world.good()), upload(client, world.stamped(seal=None))
    assert (good.status_code, good.json["verdict"], good.json["code"]) == (200, "VALID", "valid")
    assert (bad.status_code, bad.json["verdict"], bad.json["code"]) == (200, "INVALID", "seal-missing")
    assert [step["number"] for step in good.json["steps"]] == [1, 2, 3, 4, 5, 6, 7]


def test_an_identifier_is_judged_from_json(client):
    answer = client.post("/api/v1/verify", json={"identifier": IDENTIFIER})
    assert (answer.status_code, answer.json["verdict"]) == (200, "VALID")
    assert client.post("/api/v1/verify", json={"qr": "text"}).json["code"] == "link-unreadable"


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "not-a-document"),
        (b"hello", 400, "not-a-document"),
        (b"%PDF-1.7\nhello", 400, "pdf-malformed"),
        (b"%PDF-1.7\n" + bytes(20 * 1024 * 1024), 413, "upload-too-large"),
        (b"%PDF-1.7\n" + bytes(23 * 1024 * 1024), 413, "body-too-large"),
    ],
    ids=["empty", "text", "damaged", "over the file limit", "over the body limit"],
)
def test_a_file_that_cannot_be_read_is_a_problem_document(client, data, status, code):
    answer = upload(client, data)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "verify-input"),
        ({"identifier": IDENTIFIER, "qr": "x"}, 422, "verify-input"),
        ({"identifier": IDENTIFIER, "other": 1}, 422, "field-unknown"),
        ({"identifier": 7}, 422, "field-invalid"),
        ({"identifier": "x" * 1024}, 422, "certificate-identifier-structure"),
        ({"identifier": "x" * 1025}, 422, "field-invalid"),
        ({"identifier": IDENTIFIER[:-1] + "0"}, 422, "certificate-identifier-check"),
    ],
)
def test_a_body_that_names_not_exactly_one_thing_is_a_problem_document(client, body, status, code):
    answer = client.post("/api/v1/verify", json=body)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_other_bodies_are_problem_documents(client):
    assert client.post("/api/v1/verify", data=b"{", content_type="application/json").json["code"] == "json-malformed"
    assert client.post("/api/v1/verify", data=b"x", content_type="text/plain").json["code"] == "media-type-unsupported"
    both = {"file": (io.BytesIO(b"x"), "x"), "identifier": IDENTIFIER}
    assert client.post("/api/v1/verify", data=both).json["code"] == "verify-input"
    assert client.post("/api/v1/verify", data={"other": (io.BytesIO(b"x"), "x")}).json["code"] == "verify-input"
    two = client.post("/api/v1/verify", data={"file": [(io.BytesIO(b"x"), "x"), (io.BytesIO(b"y"), "y")]})
    assert two.json["code"] == "verify-input"


def test_a_caller_over_the_rate_is_told_to_wait(client):
    answers = [client.post("/api/v1/verify", json={"identifier": IDENTIFIER}) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert answers[-1].json["code"] == "rate-limited"
