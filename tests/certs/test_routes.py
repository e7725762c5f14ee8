"""The library over HTTP: what is parsed, what is shown, and what never is."""

import pytest
from apiflask import APIFlask

from certs.routes import blueprint
from tests.certs.world import AUTHORITY, LICENCE, OTHER_AUTHORITY, PERMIT, PERSON, World
from trust.http import parsing, problems
from trust.http.access import Principal
from trust.kernel.errors import NotAuthenticated

ALL = frozenset({"certs:issue", "certs:read", "certs:revoke"})
BODY = {
    "type": PERMIT,
    "holder": {"kind": "111", "number": PERSON, "name": "张示例"},
    "number": "350102000001",
    "face": {
        "sex": "女",
        "ethnicity": "汉族",
        "resident_id": PERSON,
        "household_address": "北京市朝阳区示例街2号",
        "residence_address": "福州市鼓楼区示例路3号",
        "birth_date": "1949-12-31",
    },
    "valid_from": "2026-11-21",
    "valid_to": "2027-11-20",
}
CLERKS = {"reason": "经营者申请注销", "requested_by": "王经办", "approved_by": "李审批"}


ALL_SCOPES = "all"
KNOWN = {
    ALL_SCOPES: Principal(client="c1", authority=AUTHORITY, scopes=ALL, label="Counter"),
    "other": Principal(client="c2", authority=OTHER_AUTHORITY, scopes=ALL, label="Other counter"),
    "none": Principal(client="c3", authority=AUTHORITY, scopes=frozenset({"ledger:read"}), label="Auditor"),
}


class Tokens:
    def check(self, token: str) -> Principal:
        if token not in KNOWN:
            raise NotAuthenticated
        return KNOWN[token]


class Served:
    def __init__(self, world: World) -> None:
        app = APIFlask(__name__)
        problems.install(app)
        parsing.install(app, max_json_bytes=256 * 1024, max_upload_bytes=1024)
        app.register_blueprint(blueprint(world.service, Tokens()))
        self.app = app
        self.world = world
        self.client = app.test_client()

    def post(self, path="", body=None, *, token=ALL_SCOPES, key="key-00000001", **options):
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        if body is not None:
            options["json"] = body
        return self.client.post(f"/api/v1/certs{path}", headers=headers, **options)

    def get(self, path, *, token=ALL_SCOPES, **query):
        return self.client.get(f"/api/v1/certs{path}", headers={"Authorization": f"Bearer {token}"}, query_string=query)

    def issue(self, **changes):
        answer = self.post(body=BODY | changes)
        assert answer.status_code == 201, answer.text
        return answer.get_json()["identifier"]


@pytest.fixture
def served(tmp_path):
    world = World(tmp_path)
    yield Served(world)
    world.close()


def test_issuing_answers_with_status_identifier_and_links(served):
    answer = served.post(body=BODY)
    found = answer.get_json()
    assert answer.status_code == 201
    assert found["status"] == "issued"
    assert answer.headers["Location"] == found["links"]["self"] == f"/api/v1/certs/{found['identifier']}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert PERSON not in answer.text
    assert served.world.links.identifier(found["links"]["verification"]) == found["identifier"]


def test_a_look_masks_the_holders_number_wherever_it_stands(served):
    identifier = served.issue()
    answer = served.get(f"/{identifier}", purpose="核对住址", token="other")
    found = answer.get_json()
    masked = "1****************X"
    assert found["holder"] == {"kind": "111", "number": masked, "name": "张示例"}
    assert found["face"]["resident_id"] == masked
    assert found["face"]["residence_address"] == "福州市鼓楼区示例路3号"
    assert PERSON not in answer.text


def test_the_file_comes_as_pdf_under_a_name_without_personal_data(served):
    identifier = served.issue()
    answer = served.get(f"/{identifier}/file", purpose="打印证照")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == (
        f"attachment; filename=\"{identifier}.pdf\"; filename*=UTF-8''%E5%B1%85%E4%BD%8F%E8%AF%81-{identifier}.pdf"
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.data.startswith(b'{"identifier"')


def test_a_search_names_the_holder_in_the_body_only(served):
    identifier = served.issue()
    holder = {"kind": "111", "number": PERSON}
    answer = served.post("/search", {"holder": holder, "purpose": "核对已有证照"})
    (found,) = answer.get_json()["certificates"]
    assert found["identifier"] == identifier
    assert PERSON not in answer.text
    assert served.get("/search", holder=PERSON).status_code in {404, 422}


@pytest.mark.parametrize(("action", "status"), [("revoke", "revoked"), ("suspend", "suspended")])
def test_a_state_is_changed_by_two_clerks(served, action, status):
    identifier = served.issue()
    answer = served.post(f"/{identifier}/{action}", CLERKS)
    assert (answer.status_code, answer.get_json()["status"]) == (200, status)
    assert served.get(f"/{identifier}", purpose="核对状态").get_json()["status"] == status


def test_a_suspension_is_lifted(served):
    identifier = served.issue()
    served.post(f"/{identifier}/suspend", CLERKS)
    assert served.post(f"/{identifier}/resume", CLERKS).get_json()["status"] == "issued"


def without(name):
    return {key: value for key, value in BODY.items() if key != name}


def with_holder(**changes):
    return BODY | {"holder": BODY["holder"] | changes}


KEYS_100 = [f"f{one}_{two}" for one in "abcdefghij" for two in "abcdefghij"]
BAD = [
    ("check digit", with_holder(number="110105194912310021"), 422, "resident-id-check", "holder.number"),
    ("old number", with_holder(number="110105491231002"), 422, "resident-id-length", "holder.number"),
    ("unknown type", BODY | {"type": LICENCE[:-1] + "9"}, 404, "type-unknown", "type"),
    ("unknown member", BODY | {"colour": "red"}, 422, "field-unknown", "colour"),
    ("unknown face field", BODY | {"face": BODY["face"] | {"colour": "red"}}, 422, "field-unknown", "colour"),
    ("missing member", without("number"), 422, "field-missing", "number"),
    ("number as number", BODY | {"number": 350102000001}, 422, "field-invalid", "number"),
    ("date in words", BODY | {"valid_to": "20. November"}, 422, "field-invalid", "valid_to"),
    ("dates out of order", BODY | {"valid_to": "2026-11-20"}, 422, "date-order", "valid_to"),
    ("as many fields as are read", BODY | {"face": dict.fromkeys(KEYS_100, "")}, 422, "field-unknown", "fa_a"),
    ("too many fields", BODY | {"face": {f"f{n}": "" for n in range(101)}}, 422, "field-invalid", "face"),
    ("oversized value", BODY | {"number": "1" * 1000}, 422, "field-too-long", "permit_number"),
    ("supersedes nonsense", BODY | {"supersedes": "x"}, 422, "certificate-identifier-characters", "supersedes"),
]


@pytest.mark.parametrize(("body", "status", "code", "field"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_gets_its_code_and_field_and_leaves_nothing(served, body, status, code, field):
    answer = served.post(body=body)
    problem = answer.get_json()
    assert (answer.status_code, problem["code"], problem["field"]) == (status, code, field)
    assert PERSON not in answer.text
    assert served.post(body=BODY).status_code == 201  # the key was not used up


@pytest.mark.parametrize(
    ("data", "code"), [("{", "json-malformed"), ("[]", "json-malformed"), ('{"a":1,"a":2}', "json-duplicate-member")]
)
def test_broken_json_is_named(served, data, code):
    answer = served.post(data=data, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (400, code)


def test_the_idempotency_key_is_required(served):
    answer = served.post(body=BODY, key=None)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency-key-invalid")


def test_a_key_used_for_another_body_is_a_conflict(served):
    served.issue()
    answer = served.post(body=BODY | {"number": "350102000002"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "idempotency-conflict")


@pytest.mark.parametrize("path", ["", "/file"])
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "field-missing"),
        ({"purpose": "x"}, "text-length"),
        ({"purpose": "核对", "why": "x"}, "field-unknown"),
        ({"purpose": f"核对{PERSON}"}, "personal-number-in-text"),
    ],
)
def test_a_look_needs_a_purpose(served, path, query, code):
    identifier = served.issue()
    answer = served.get(f"/{identifier}{path}", **query)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)


def test_an_identifier_is_checked_before_it_is_looked_up(served):
    answer = served.get("/1.2.3", purpose="核对")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "certificate-identifier-root")


def test_another_authority_may_read_but_not_revoke(served):
    identifier = served.issue()
    assert served.get(f"/{identifier}", token="other", purpose="核对").status_code == 200
    answer = served.post(f"/{identifier}/revoke", CLERKS, token="other")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "certificate-of-another-authority")


def test_one_person_does_not_revoke_alone(served):
    identifier = served.issue()
    answer = served.post(f"/{identifier}/revoke", CLERKS | {"approved_by": "王经办"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "same-person")


def test_a_revoked_certificate_is_not_resumed(served):
    identifier = served.issue()
    served.post(f"/{identifier}/revoke", CLERKS)
    answer = served.post(f"/{identifier}/resume", CLERKS)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "transition-not-allowed")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", ""),
        ("get", "/x"),
        ("get", "/x/file"),
        ("post", "/search"),
        ("post", "/x/revoke"),
        ("post", "/x/suspend"),
        ("post", "/x/resume"),
    ],
)
@pytest.mark.parametrize(("token", "status"), [("nobody", 401), ("none", 403)])
def test_every_address_needs_its_scope(served, method, path, token, status):
    call = served.get if method == "get" else served.post
    assert call(path, token=token).status_code == status


def test_the_operations_are_described(served):
    paths = served.app.test_client().get("/openapi.json").get_json()["paths"]
    assert set(paths) >= {
        "/api/v1/certs",
        "/api/v1/certs/{identifier}",
        "/api/v1/certs/{identifier}/file",
        "/api/v1/certs/search",
        "/api/v1/certs/{identifier}/revoke",
    }
