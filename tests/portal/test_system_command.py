"""`yinxin sso system`, `sso deliveries` and `register role`: what operators type, and that it takes two of them."""

import io
import json
from typing import Any

import pytest

from portal.demo import data
from portal.wiring import open_installation
from tests.sso.accounts.world import resident
from trust.config import load_settings

ASKS, APPROVES = ("--requested-by", "周申请"), ("--approved-by", "吴审批")
WHY = ("--reason", "例行更换")
SYSTEM = {
    "label": "不动产登记系统",
    "authority": data.AUTHORITY,
    "contact": "信息科 0000-1234",
    "why": "综合窗口接入统一身份认证",
    "scopes": ["openid", "profile", "identity"],
    "reasons": {"identity": "登记须核对证件号码"},
    "redirect_uris": ["https://estate.example/callback"],
}
TOML = """
label = "不动产登记系统"
authority = "11000000DEM0YX001B"
contact = "信息科 0000-1234"
why = "综合窗口接入统一身份认证"
scopes = ["openid", "profile"]
redirect_uris = ["https://estate.example/callback"]
"""


def apply(yinxin: Any, **changes: Any) -> Any:
    return yinxin.json("sso", "system", "apply", yinxin.write("system.json", SYSTEM | changes), *ASKS)


def admitted(yinxin: Any) -> Any:
    return yinxin.json("sso", "system", "approve", apply(yinxin)["application"], *APPROVES)


def test_a_system_is_applied_for_approved_and_its_secret_shown_once(yinxin):
    waiting = apply(yinxin)
    assert (waiting["state"], waiting["asked"]["sector"]) == ("waiting", "estate.example")
    assert yinxin("sso", "system", "approve", waiting["application"], "--approved-by", "周申请").code == 4
    approved = yinxin.json("sso", "system", "approve", waiting["application"], *APPROVES)
    shown = yinxin.json("sso", "system", "secret", waiting["application"], *ASKS)
    assert (approved["client"], len(shown["secret"])) == (shown["client"], 43)
    again = yinxin("sso", "system", "secret", waiting["application"], *ASKS)
    assert (again.code, "client-secret-not-due" in again.err) == (4, True)
    assert (
        "client-secret-not-yours"
        in yinxin("sso", "system", "secret", waiting["application"], "--requested-by", "吴").err
    )
    (listed,) = yinxin.json("sso", "system", "applications", "--system", approved["client"])
    assert (listed["requested_by"], listed["decided_by"]) == ("周申请", "吴审批")
    assert shown["secret"] not in json.dumps(listed)


def test_toml_is_read_as_well_and_people_read_lines(yinxin):
    path = yinxin.write("system.toml", TOML.encode())
    outcome = yinxin("sso", "system", "apply", path, *ASKS)
    assert outcome.code == 0, outcome.err
    assert "state: waiting" in outcome.out
    assert yinxin("sso", "system", "applications").out == outcome.out


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"redirect_uris": ["https://*.example/"]}, "redirect-uri-invalid", "redirect_uris"),
        ({"reasons": {}}, "scope-reason-missing", "reasons.identity"),
        ({"matters": ["none"]}, "registration-name-invalid", "matters"),
    ],
)
def test_a_bad_file_names_its_field_and_leaves_nothing(yinxin, changes, code, field):
    outcome = yinxin("sso", "system", "apply", yinxin.write("system.json", SYSTEM | changes), *ASKS)
    assert outcome.code == 3
    assert f"error {code} [{field}]" in outcome.err
    assert yinxin.json("sso", "system", "applications") == []


def test_what_show_prints_can_be_sent_in_again(yinxin):
    client = admitted(yinxin)["client"]
    shown = yinxin.json("sso", "system", "show", client)["registration"]
    changed = shown | {"label": "新名称", "why": "更名", "reasons": SYSTEM["reasons"]}
    waiting = yinxin.json("sso", "system", "change", client, yinxin.write("new.json", changed), *ASKS)
    assert (waiting["before"]["label"], waiting["asked"]["label"]) == ("不动产登记系统", "新名称")
    yinxin.json("sso", "system", "approve", waiting["application"], *APPROVES)
    assert "label: 新名称" in yinxin("sso", "system", "show", client).out
    assert [each["label"] for each in yinxin.json("sso", "system", "list")] == ["新名称"]


def test_rotation_and_end_are_applied_for_and_a_refusal_says_why(yinxin):
    client = admitted(yinxin)["client"]
    waiting = yinxin.json("sso", "system", "rotate", client, *ASKS, *WHY)
    yinxin.json("sso", "system", "approve", waiting["application"], *APPROVES)
    assert yinxin.json("sso", "system", "secret", waiting["application"], *ASKS)["secret"]
    ending = yinxin.json("sso", "system", "disable", client, *ASKS, *WHY)["application"]
    refused = yinxin.json("sso", "system", "refuse", ending, "--refused-by", "吴审批", "--reason", "仍在使用")
    assert (refused["state"], refused["decision_reason"]) == ("refused", "仍在使用")
    assert yinxin.json("sso", "system", "list")[0]["enabled"]


def test_one_command_does_it_for_two_people_at_one_machine(yinxin):
    client = admitted(yinxin)["client"]
    for missing in ((), ASKS, (*ASKS, *APPROVES)):
        outcome = yinxin("sso", "rotate", client, *missing)
        assert "approver-missing" in outcome.err
    alone = yinxin("sso", "disable", client, *ASKS, "--approved-by", "周申请", *WHY)
    assert "same-person" in alone.err
    assert yinxin.json("sso", "rotate", client, *ASKS, *APPROVES, *WHY)["secret"]
    assert not yinxin.json("sso", "disable", client, *ASKS, *APPROVES, *WHY)["enabled"]
    kinds = [(each["kind"], each["state"]) for each in yinxin.json("sso", "system", "applications")]
    assert kinds == [("register", "approved"), ("disable", "refused"), ("rotate", "approved"), ("disable", "approved")]


def test_a_client_of_the_api_alone_stays_as_simple_as_it_was(yinxin):
    client = yinxin.json("sso", "list")[0]["client"]
    assert yinxin.json("sso", "rotate", client)["secret"]
    assert not yinxin.json("sso", "disable", client)["enabled"]


def test_a_sandbox_comes_with_a_person_who_does_not_exist(yinxin):
    first, second = (yinxin.json("sso", "system", "sandbox") for _ in range(2))
    assert first["person"]["number"].startswith("119999")
    assert first["person"]["number"] != second["person"]["number"]
    assert first["client_secret"]
    assert first["redirect_uri"] == "http://127.0.0.1:5001/callback"
    assert yinxin.json("sso", "system", "sandbox", "--public")["client_secret"] == ""
    assert all(each["sandbox"] for each in yinxin.json("sso", "system", "list"))
    assert {each["decided_by"] for each in yinxin.json("sso", "system", "applications")} == {"rule:sandbox"}
    assert not yinxin.json("sso", "disable", first["client_id"])["enabled"]
    assert "person_number: 119999" in yinxin("sso", "system", "sandbox").out


def test_a_sandbox_is_on_this_machine_and_in_development_alone(yinxin, monkeypatch):
    outcome = yinxin("sso", "system", "sandbox", "--redirect-uri", "https://a.example/cb")
    assert "error sandbox-rule [redirect_uris]" in outcome.err
    monkeypatch.setenv("YINXIN_SANDBOX", "false")
    assert "sandbox-not-allowed" in yinxin("sso", "system", "sandbox").err


def test_a_service_that_admits_no_sandbox_does_not_start_with_one(yinxin, monkeypatch):
    client = yinxin.json("sso", "system", "sandbox")["client_id"]
    monkeypatch.setenv("YINXIN_SANDBOX", "false")
    served = yinxin("serve")
    assert "sandbox-present" in served.err
    assert client in served.err
    assert yinxin("sso", "disable", client).code == 0


def test_notices_of_signing_out_are_listed(yinxin):
    assert yinxin.json("sso", "deliveries") == []
    yinxin.sql(
        "INSERT INTO sso_participants (session, client, session_tie, person_tie, subject, sid, joined_at, due_at,"
        " attempts, outcome, failure) VALUES ('S1', 'C1', 'session:S1', 'person:P1/1', 'sub-1', 'sid-1',"
        " '2026-11-21T08:00:00+00:00', '2026-11-21T09:00:00+00:00', 3, 'given-up', 'timeout')"
    )
    (found,) = yinxin.json("sso", "deliveries", "--unfinished")
    assert (found["client"], found["outcome"], found["attempts"], found["failure"]) == ("C1", "given-up", 3, "timeout")
    assert "sub-1" not in json.dumps(found)


@pytest.fixture
def people(yinxin):
    """Four accounts, by their numbers."""
    installation = open_installation(load_settings())
    numbers = [resident(index) for index in range(1, 5)]
    ids = [installation.people.register.register(number, "官员").id for number in numbers]
    installation.close()
    return dict(zip((number.number for number in numbers), ids, strict=True))


def test_officers_are_found_proposed_approved_and_ended(yinxin, people):
    first, second, third, fourth = people.values()
    three = ("--system-admin", first, "--security-admin", second, "--auditor", third)
    assert "same-person" in yinxin("register", "role", "found", *three, *ASKS, "--approved-by", "周申请").err
    assert len(yinxin.json("register", "role", "found", *three, *ASKS, *APPROVES)) == 3
    grant = yinxin.json("register", "role", "propose", fourth, "auditor", "--by", first)["grant"]
    assert yinxin.json("register", "role", "approve", grant, "--by", second)["in_force"]
    assert not yinxin.json("register", "role", "end", grant, "--by", second)["in_force"]
    assert [each["office"] for each in yinxin.json("register", "role", "list")][-1] == "auditor"
    assert "last-officer" in yinxin("register", "role", "end", "FIRST-AUDITOR", "--by", first).err


def test_an_account_is_found_by_a_number_that_is_not_shown(yinxin, people, monkeypatch):
    number, person = next(iter(people.items()))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{number}\n"))
    outcome = yinxin("register", "person", "find", "--json")
    assert outcome.json["person"] == person
    assert number not in outcome.out + outcome.err
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{resident(99).number}\n"))
    assert "person-unknown" in yinxin("register", "person", "find").err
