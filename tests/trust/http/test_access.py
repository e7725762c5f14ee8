import pytest
from apiflask import APIFlask

from trust.http import problems
from trust.http.access import SCOPE_ATTRIBUTE, Principal, protected
from trust.kernel.errors import NotAuthenticated

READER = Principal(client="c1", authority="91350100M000100Y43", scopes=frozenset({"certs:read"}), label="Reader")


class OneToken:
    def check(self, token: str) -> Principal:
        if token != "good":
            raise NotAuthenticated
        return READER


def served() -> APIFlask:
    app = APIFlask(__name__)
    problems.install(app)

    @app.get("/read")
    @protected(OneToken(), "certs:read")
    def read(*, principal: Principal) -> dict[str, str]:
        return {"name": principal.name}

    @app.get("/issue")
    @protected(OneToken(), "certs:issue")
    def issue(*, principal: Principal) -> dict[str, str]:
        return {"name": principal.name}

    return app


def get(address: str, authorization: str | None) -> tuple[int, str | None, str | None]:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = served().test_client().get(address, headers=headers)
    return answer.status_code, answer.get_json().get("code"), answer.headers.get("WWW-Authenticate")


def test_a_good_token_hands_the_principal_to_the_view() -> None:
    answer = served().test_client().get("/read", headers={"Authorization": "Bearer good"})
    assert answer.get_json() == {"name": "client:c1"}


def test_the_scheme_is_read_in_any_case() -> None:
    assert get("/read", "bEARER good")[0] == 200


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic good", "good"])
def test_without_a_bearer_token_the_challenge_names_no_error(authorization: str | None) -> None:
    assert get("/read", authorization) == (401, "token-missing", 'Bearer realm="yinxin"')


def test_a_token_in_the_address_does_not_count() -> None:
    assert served().test_client().get("/read?access_token=good").status_code == 401


def test_a_bad_token_is_an_invalid_token() -> None:
    assert get("/read", "Bearer bad") == (401, "not-authenticated", 'Bearer realm="yinxin", error="invalid_token"')


def test_a_missing_scope_is_named() -> None:
    assert get("/issue", "Bearer good") == (
        403,
        "scope-missing",
        'Bearer realm="yinxin", error="insufficient_scope", scope="certs:issue"',
    )


def test_the_description_can_read_the_scope() -> None:
    assert getattr(served().view_functions["issue"], SCOPE_ATTRIBUTE) == "certs:issue"
