import json
from collections.abc import Iterator

import pytest
import structlog
from apiflask import APIFlask
from structlog.testing import capture_logs

from tests.fakes import CountingRandomness
from trust.http import parsing, problems
from trust.http.errors import MediaTypeUnsupported, MethodUnsupported
from trust.http.parsing import StrictModel
from trust.kernel import errors

SECRET = "110101199003070038"


class Query(StrictModel):
    page: int


class Oddity(errors.InvalidInput):
    code = "oddity"


def raising(error: Exception) -> APIFlask:
    app = APIFlask(__name__)
    problems.install(app, randomness=CountingRandomness())
    parsing.install(app, max_json_bytes=1024, max_upload_bytes=4096)

    @app.get("/thing")
    def thing() -> str:
        raise error

    @app.post("/thing")
    def post() -> str:
        app.json.loads("{}")
        return "ok"

    @app.get("/paged")
    @app.input(Query, location="query")
    def paged(query_data: Query) -> str:
        return str(query_data.page)

    return app


@pytest.fixture(autouse=True)
def _plain_logging() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


FAMILIES = [
    (errors.MalformedInput, 400),
    (errors.InvalidInput, 422),
    (errors.TooLarge, 413),
    (errors.NotAuthenticated, 401),
    (errors.NotAllowed, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.RateLimited, 429),
    (errors.Unavailable, 503),
    (errors.NotReady, 503),
    (errors.InternalFault, 500),
    (MethodUnsupported, 405),
    (MediaTypeUnsupported, 415),
]


@pytest.mark.parametrize(("kind", "status"), FAMILIES)
def test_each_family_has_its_status(kind: type[errors.TrustError], status: int) -> None:
    answer = raising(kind("why")).test_client().get("/thing")
    assert answer.status_code == status == problems.status_of_class(kind)
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert body["status"] == status
    assert body["code"] == kind.code
    assert body["type"] == f"/problems/{kind.code}"


def test_every_family_of_the_kernel_is_in_the_table() -> None:
    assert set(errors.TrustError.__subclasses__()) <= set(problems.STATUS)


def test_an_error_outside_the_families_is_an_internal_one() -> None:
    assert problems.status_of(errors.TrustError()) == 500


def test_a_document_carries_both_languages_field_and_correlation() -> None:
    answer = raising(Oddity("The year is odd.", field="year", fact=1)).test_client().get("/thing")
    body = answer.get_json()
    assert body == {
        "type": "/problems/oddity",
        "title": Oddity.title,
        "title_zh": Oddity.title_zh,
        "status": 422,
        "detail": "The year is odd.",
        "code": "oddity",
        "remedy": Oddity.remedy,
        "remedy_zh": Oddity.remedy_zh,
        "instance": f"urn:uuid:{answer.headers['X-Correlation-Id']}",
        "field": "year",
    }
    assert "不" in answer.get_data(as_text=True), "Chinese is written as it is, not as escapes"


def test_no_fact_leaves() -> None:
    answer = raising(Oddity("public", inner="not public")).test_client().get("/thing")
    assert "not public" not in answer.get_data(as_text=True)


def test_an_unexpected_exception_is_generic_and_its_text_is_neither_sent_nor_logged() -> None:
    with capture_logs() as logs:
        answer = raising(ValueError(f"cannot read {SECRET}")).test_client().get("/thing")
    assert answer.status_code == 500
    assert answer.get_json()["code"] == "internal"
    assert SECRET not in answer.get_data(as_text=True)
    assert SECRET not in json.dumps(logs)
    assert logs[0]["exception"] == "builtins.ValueError"
    assert any("thing" in frame for frame in logs[0]["frames"])


def test_each_refusal_is_logged_once_without_query_or_body() -> None:
    with capture_logs() as logs:
        raising(Oddity("x", field="year", size=3)).test_client().get(f"/thing?id={SECRET}", data=SECRET)
    assert logs == [{"event": "refused", "log_level": "info", "code": "oddity", "status": 422, "facts": {"size": 3}}]


def test_severity_follows_who_must_act() -> None:
    with capture_logs() as logs:
        raising(errors.Unavailable()).test_client().get("/thing")
        raising(errors.NotReady()).test_client().get("/thing")
        raising(errors.InternalFault()).test_client().get("/thing")
    assert [entry["log_level"] for entry in logs] == ["warning", "warning", "error"]


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (("get", "/nowhere", {}), 404, "address-unknown"),
        (("delete", "/thing", {}), 405, "method-unsupported"),
        (("post", "/thing", {"data": b"x" * 2000, "content_type": "application/json"}), 413, "body-too-large"),
        (("get", "/paged?page=x", {}), 422, "field-invalid"),
    ],
)
def test_refusals_of_the_framework_are_the_same_documents(
    call: tuple[str, str, dict[str, object]], status: int, code: str
) -> None:
    method, address, arguments = call
    answer = raising(ValueError()).test_client().open(address, method=method.upper(), **arguments)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"


def test_a_wrong_method_is_told_the_right_ones() -> None:
    answer = raising(ValueError()).test_client().delete("/thing")
    assert "GET" in answer.headers["Allow"]


def test_the_validation_of_the_framework_names_the_field() -> None:
    assert raising(ValueError()).test_client().get("/paged?page=x").get_json()["field"] == "page"


def test_an_unauthenticated_caller_is_challenged() -> None:
    answer = raising(errors.NotAuthenticated()).test_client().get("/thing")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="yinxin", error="invalid_token"'


def test_a_limited_caller_is_told_when_to_return() -> None:
    answer = raising(errors.RateLimited("x", retry_after_seconds=17)).test_client().get("/thing")
    assert answer.headers["Retry-After"] == "17"
    assert "Retry-After" in raising(errors.Unavailable()).test_client().get("/thing").headers
    assert "Retry-After" not in raising(errors.NotReady()).test_client().get("/thing").headers


def test_problems_are_not_cached() -> None:
    assert raising(Oddity()).test_client().get("/thing").headers["Cache-Control"] == "no-store"


def test_a_browser_gets_a_page_when_there_is_one() -> None:
    app = APIFlask(__name__)
    problems.install(app, page=lambda problem: f"<h1>{problem.title_zh}</h1>")
    client = app.test_client()
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    assert client.get("/x", headers=browser).content_type == "text/html; charset=utf-8"
    assert client.get("/x", headers={"Accept": "*/*"}).content_type == "application/problem+json"
    assert client.get("/x").content_type == "application/problem+json"


def test_each_request_has_another_correlation_id_and_the_callers_is_ignored() -> None:
    client = raising(Oddity()).test_client()
    answers = [client.get("/thing", headers={"X-Correlation-Id": "mine"}) for _ in range(2)]
    ids = {answer.headers["X-Correlation-Id"] for answer in answers}
    assert len(ids) == 2
    assert "mine" not in ids
