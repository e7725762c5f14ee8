import contextlib
import datetime as dt
import io
from typing import Annotated

import pytest
from apiflask import APIFlask
from flask import request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from trust.http import parsing, problems
from trust.http.parsing import MAX_FORM_PARTS, StrictModel, json_body, load_json, parse_json, parse_text_fields
from trust.kernel.errors import TrustError


class Inner(StrictModel):
    size: Annotated[int, Field(ge=0, le=10)]


class Body(StrictModel):
    name: str
    day: dt.date
    inner: Inner | None = None


GOOD = b'{"name": "n", "day": "2026-11-21", "inner": {"size": 1}}'
LIMIT = 1024


def test_a_good_body_is_read_with_dates_as_text() -> None:
    assert parse_json(GOOD, Body) == Body(name="n", day=dt.date(2026, 11, 21), inner=Inner(size=1))


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        (b"", "json-malformed", None),
        (b'{"name": ', "json-malformed", None),
        (b"[]", "json-malformed", None),
        (b"null", "json-malformed", None),
        (b'{"name": NaN}', "json-malformed", None),
        (b'\xff\xfe{"name": 1}', "json-malformed", None),
        (b'{"name": "\\ud800", "day": "2026-11-21"}', "json-malformed", None),
        (b"[" * 100_000, "json-malformed", None),
        (b'{"n": ' + b"9" * 10_000 + b"}", "json-malformed", None),
        (b'{"name": "a", "name": "b"}', "json-duplicate-member", "name"),
        (b'{"inner": {"size": 1, "size": 1}}', "json-duplicate-member", "size"),
        (b'{"name": "n", "day": "2026-11-21", "nmae": "x"}', "field-unknown", "nmae"),
        (b'{"name": "n", "day": "2026-11-21", "inner": {"size": 1, "x": 2}}', "field-unknown", "inner.x"),
        (b'{"name": "n"}', "field-missing", "day"),
        (b'{"name": 1, "day": "2026-11-21"}', "field-invalid", "name"),
        (b'{"name": "n", "day": "2026-11-31"}', "field-invalid", "day"),
        (b'{"name": "n", "day": "2026-11-21", "inner": {"size": 11}}', "field-invalid", "inner.size"),
        (b'{"name": "n", "day": "2026-11-21", "inner": {"size": "1"}}', "field-invalid", "inner.size"),
    ],
)
def test_each_fault_has_its_code_and_field(data: bytes, code: str, field: str | None) -> None:
    with pytest.raises(TrustError) as refusal:
        parse_json(data, Body)
    assert (refusal.value.code, refusal.value.field) == (code, field)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b'{"name": "n", "day": "2026-11-21", "110101199003070038": 1}', "body"),
        (b'{"name": "n", "day": "2026-11-21", "inner": {"size": 1, "\xe5\xbc\xa0": 1}}', "inner"),
        (b'{"name": "n", "day": "2026-11-21", "' + b"a" * 100_000 + b'": 1}', "body"),
        (b'{"110101199003070038": 1, "110101199003070038": 1}', None),
    ],
)
def test_a_value_in_the_place_of_a_name_is_not_repeated(data: bytes, field: str | None) -> None:
    with pytest.raises(TrustError) as refusal:
        parse_json(data, Body)
    assert refusal.value.field == field


def test_a_refused_value_is_not_repeated() -> None:
    with pytest.raises(TrustError) as refusal:
        parse_json(b'{"name": "n", "day": "110101199003070038"}', Body)
    assert "110101" not in refusal.value.detail + str(refusal.value.facts)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_our_errors_only(data: bytes) -> None:
    with contextlib.suppress(TrustError):
        parse_json(data, Body)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.dictionaries(st.text(), v)))
def test_what_the_application_writes_it_reads_again(value: object) -> None:
    writer = parsing.StrictJson(APIFlask(__name__))
    assert load_json(writer.dumps(value)) == value


def test_text_fields_are_converted() -> None:
    assert parse_text_fields({"size": "7"}, Inner) == Inner(size=7)
    with pytest.raises(TrustError, match="not know") as refusal:
        parse_text_fields({"size": "7", "extra": "1"}, Inner)
    assert refusal.value.code == "field-unknown"


def served() -> APIFlask:
    app = APIFlask(__name__)
    problems.install(app)
    parsing.install(app, max_json_bytes=LIMIT, max_upload_bytes=4 * LIMIT)

    @app.post("/body")
    @json_body(Body, example={"name": "n", "day": "2026-11-21"})
    def read(*, body: Body) -> dict[str, str]:
        return {"name": body.name}

    return app


def sized(length: int) -> bytes:
    frame = b'{"day":"2026-11-21","name":""}'
    return frame[:-2] + b"n" * (length - len(frame)) + frame[-2:]


def post(data: bytes, address: str = "/body", media: str = "application/json") -> tuple[int, str | None]:
    answer = served().test_client().post(address, data=data, content_type=media)
    return answer.status_code, answer.get_json().get("code")


def test_the_body_limit_holds_from_both_sides() -> None:
    assert post(sized(LIMIT)) == (200, None)
    assert post(sized(LIMIT + 1)) == (413, "body-too-large")


def test_a_body_of_unannounced_length_is_never_cut_off_silently() -> None:
    for length, status in ((LIMIT - 1, 200), (LIMIT, 413), (3 * LIMIT, 413)):
        body = GOOD + b" " * (length - len(GOOD))  # what a cut would leave is still good JSON
        answer = (
            served()
            .test_client()
            .post(
                "/body",
                input_stream=io.BytesIO(body),
                content_type="application/json",
                environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
            )
        )
        assert answer.status_code == status


def test_another_media_type_is_refused() -> None:
    assert post(GOOD, media="text/plain") == (415, "media-type-unsupported")


def test_the_model_stands_in_the_api_description() -> None:
    content = served().spec["paths"]["/body"]["post"]["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Body"}
    assert content["example"] == {"name": "n", "day": "2026-11-21"}


def test_a_large_file_never_touches_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent for verification shows a person's number; it is kept nowhere, not even for a moment (law 7)."""
    app = APIFlask(__name__)
    problems.install(app)
    parsing.install(app, max_json_bytes=LIMIT, max_upload_bytes=4_000_000)
    streams = []

    @app.post("/file")
    def upload() -> str:
        streams.append(request.files["file"].stream)
        return str(len(request.files["file"].read()))

    monkeypatch.setattr("tempfile.TemporaryFile", lambda *_, **__: pytest.fail("a file was made on a disk"))
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", lambda *_, **__: pytest.fail("a file may go to a disk"))
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    body = head + bytes(3_000_000) + b"\r\n--x--\r\n"
    answer = app.test_client().post("/file", data=body, content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, answer.text) == (200, "3000000")
    assert isinstance(streams[0], io.BytesIO)


def test_a_form_may_have_so_many_parts_and_no_more() -> None:
    app = APIFlask(__name__)
    problems.install(app)
    parsing.install(app, max_json_bytes=LIMIT, max_upload_bytes=LIMIT)

    @app.post("/form")
    def form() -> str:
        return str(len(request.form))

    client = app.test_client()
    for parts, status in ((MAX_FORM_PARTS, 200), (MAX_FORM_PARTS + 1, 413)):
        fields = {f"f{number}": "x" for number in range(parts)}
        assert client.post("/form", data=fields, content_type="multipart/form-data").status_code == status
