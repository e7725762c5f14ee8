"""A person's token opens what it was granted for and nothing else, and each look names hop, clerk and counter."""

import pytest

from certs.access_log import Look, OwnLook
from tests.certs.test_routes import BODY, Served
from tests.certs.test_routes import KNOWN as DEPARTMENTS
from tests.certs.world import AUTHORITY, CLIENT, COMPANY, LICENCE, OTHER_PERSON, PERMIT, PERSON, World, licence, permit
from trust.formats.holders import HolderNumber
from trust.http.access import BoundTo, Principal
from trust.kernel.errors import TrustError
from trust.kernel.identifiers import CertificateIdentifier

HOLDER = HolderNumber(kind="111", number=PERSON)
BUSINESS = HolderNumber(kind="001", number=COMPANY)
READ = frozenset({"certs:read"})
PURPOSE_TEXT, PURPOSE_ZH = "Renewal of a residence permit", "办理居住证延续"


def bound(**changes) -> Principal:
    facts = {
        "holders": (HOLDER,),
        "types": frozenset({PERMIT}),
        "purpose": PURPOSE_TEXT,
        "purpose_zh": PURPOSE_ZH,
        "hop": "01HOP0000000000000000000AB",
        "clerk": "王** (**34)",
        "counter": "鼓楼区政务服务中心3号窗口",
        **changes,
    }
    return Principal(client="sys-b", authority=AUTHORITY, scopes=READ, label="B", bound=BoundTo(**facts))


@pytest.fixture
def served(tmp_path, monkeypatch):
    world = World(tmp_path)
    monkeypatch.setitem(DEPARTMENTS, "person", bound())
    monkeypatch.setitem(DEPARTMENTS, "stranger", bound(holders=(HolderNumber(kind="111", number=OTHER_PERSON),)))
    monkeypatch.setitem(DEPARTMENTS, "licence", bound(types=frozenset({LICENCE})))
    monkeypatch.setitem(DEPARTMENTS, "agent", bound(holders=(HOLDER, BUSINESS), types=frozenset({LICENCE})))
    yield Served(world)
    world.close()


@pytest.fixture
def identifier(served):
    return served.issue()


def test_the_purpose_is_the_tokens_and_may_be_left_out_or_repeated_exactly(served, identifier):
    for query in ({}, {"purpose": PURPOSE_TEXT}, {"purpose": PURPOSE_ZH}):
        assert served.get(f"/{identifier}", token="person", **query).status_code == 200
    rows = served.world.service.accesses(HOLDER)
    assert {row.visit.purpose for row in rows} == {PURPOSE_ZH}
    assert len(rows) == 3


def test_another_purpose_is_refused_and_leaves_no_row(served, identifier):
    for path in (f"/{identifier}", f"/{identifier}/file"):
        answer = served.get(path, token="person", purpose="核对住址")
        assert (answer.status_code, answer.get_json()["code"]) == (403, "purpose-mismatch")
    assert served.world.service.accesses(HOLDER) == ()


def test_the_row_names_hop_clerk_and_counter(served, identifier):
    assert served.get(f"/{identifier}/file", token="person").status_code == 200
    (row,) = served.world.service.accesses(HOLDER)
    visit = row.visit
    assert (visit.look, visit.client, visit.hop) == (Look.FILE, "client:sys-b", "01HOP0000000000000000000AB")
    assert (visit.clerk, visit.counter) == ("王** (**34)", "鼓楼区政务服务中心3号窗口")


@pytest.mark.parametrize("token", ["stranger", "licence"])
def test_other_holders_and_other_types_are_unknown_and_leave_no_row(served, identifier, token):
    for path in (f"/{identifier}", f"/{identifier}/file"):
        answer = served.get(path, token=token)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "certificate-unknown")
    assert served.world.service.accesses(HOLDER) == ()


def test_a_search_needs_no_number_and_finds_the_types_of_the_token_only(served, identifier):
    assert [each["identifier"] for each in served.post("/search", {}, token="person").get_json()["certificates"]] == [
        identifier
    ]
    assert served.post("/search", {}, token="licence").get_json() == {"certificates": []}
    (without, found) = served.world.service.accesses(HOLDER)
    assert (found.identifier, without.identifier) == (identifier, None)


def test_an_agent_finds_the_certificates_of_whom_they_represent(served, identifier):
    company = served.world.service.issue(CLIENT, licence("key-00000009")).identifier
    body = {"holder": {"kind": "001", "number": COMPANY}}
    assert [each["identifier"] for each in served.post("/search", body, token="agent").get_json()["certificates"]] == [
        company
    ]
    assert served.world.service.accesses(BUSINESS)[0].visit.hop == "01HOP0000000000000000000AB"


def test_a_search_for_another_holder_is_refused(served):
    body = {"holder": {"kind": "111", "number": OTHER_PERSON}, "purpose": PURPOSE_ZH}
    answer = served.post("/search", body, token="person")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "holder-not-of-token")
    assert OTHER_PERSON not in answer.text
    assert served.world.service.accesses(HolderNumber(kind="111", number=OTHER_PERSON)) == ()


@pytest.mark.parametrize(
    ("body", "field"),
    [({"purpose": "办理延续许可"}, "holder"), ({"holder": {"kind": "111", "number": PERSON}}, "purpose")],
)
def test_a_departments_own_token_states_holder_and_purpose_as_ever(served, body, field):
    answer = served.post("/search", body)
    assert (answer.status_code, answer.get_json()["code"], answer.get_json()["field"]) == (422, "field-missing", field)


def test_a_persons_token_cannot_issue_or_change(served, identifier):
    assert served.post(body=BODY, token="person").get_json()["code"] == "scope-missing"
    answer = served.post(f"/{identifier}/revoke", {}, token="person")
    assert answer.get_json()["code"] == "scope-missing"


def test_a_persons_own_look_is_a_row_too(tmp_path):
    world = World(tmp_path)
    caller = OwnLook()
    release = caller.release((HOLDER,))
    issued = CertificateIdentifier.parse(world.service.issue(CLIENT, permit()).identifier)
    opened = world.service.get(caller, issued, release.purpose_zh, release)
    assert opened.contents == permit().contents
    (row,) = world.service.accesses(HOLDER)
    assert (row.visit.client, row.visit.purpose, row.visit.hop) == ("self", "本人查看", None)
    other = CertificateIdentifier.parse(world.service.issue(CLIENT, licence("key-00000002")).identifier)
    with pytest.raises(TrustError) as caught:
        world.service.file(caller, other, release.purpose_zh, release)
    assert caught.value.code == "certificate-unknown"
    world.close()
