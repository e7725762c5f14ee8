"""`yinxin keys`: what two people agree on, from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.hsm_adapter.softhsm import SoftToken, make_token
from tests.portal.command_line import CommandLine

ASKS, AGREES = ("--by", "王经办"), ("--by", "李审核")
WHY = ("--reason", "年度计划")


def key_of(yinxin: CommandLine, purpose: str) -> dict[str, Any]:
    (found,) = [key for key in yinxin.json("keys", "list") if key["purpose"] == purpose]
    return dict(found)


def agreed(yinxin: CommandLine, *words: str) -> Any:
    """Two people agree on what the first one asks for."""
    asked = yinxin.json("keys", *words, *ASKS, *WHY)
    return yinxin.json("keys", "approve", asked["proposal"], *AGREES)


def refusal(yinxin: CommandLine, *words: str) -> str:
    outcome = yinxin("keys", *words)
    assert outcome.code != 0
    (line,) = [line for line in outcome.err.splitlines() if line.startswith("error ")]
    return line.split()[1].rstrip(":")


def test_keys_of_an_older_installation_are_active_without_a_record(yinxin: CommandLine) -> None:
    for key in yinxin.json("keys", "list"):
        assert (key["state"], key["recorded"]) == ("active", False)
        assert key["policy"]["callers"] is None
    assert key_of(yinxin, "sealing")["signed"] == 0
    yinxin.issue()
    assert key_of(yinxin, "sealing")["signed"] == 1


def test_a_new_key_is_proposed_approved_and_activated(yinxin: CommandLine) -> None:
    made = agreed(
        yinxin, "propose", "new", "--purpose", "sealing", "--label", "second", "--owner", "某市大数据局",
        "--hours", "1-5 08:30-17:30", "--max-signatures", "10", "--caller", "operator:王经办",
    )  # fmt: skip
    assert made["state"] == "generated"
    assert agreed(yinxin, "propose", "activate", made["key"])["state"] == "active"
    shown = yinxin.json("keys", "show", made["key"])
    assert shown["policy"]["hours"] == ["1,2,3,4,5 08:30-17:30"]
    assert (shown["policy"]["max_signatures"], shown["counted"], shown["signed"]) == (10, 0, 0)
    assert [change["kind"] for change in shown["changes"]] == ["generate", "activate"]
    assert {change["approved_by"] for change in shown["changes"]} == {"李审核"}


def test_the_one_who_asks_does_not_approve(yinxin: CommandLine) -> None:
    key = key_of(yinxin, "sealing")["key"]
    asked = yinxin.json("keys", "propose", "retire", key, *ASKS, *WHY)
    assert refusal(yinxin, "approve", asked["proposal"], "--by", "王 经办") == "same-person"
    assert key_of(yinxin, "sealing")["state"] == "active"
    assert yinxin.json("keys", "refuse", asked["proposal"], *ASKS)["state"] == "refused"
    (listed,) = yinxin.json("keys", "proposals")
    assert (listed["state"], listed["decided_by"], listed["kind"]) == ("refused", "王经办", "retire")


def test_a_suspension_is_at_once_and_taken_back_by_two(yinxin: CommandLine) -> None:
    key = key_of(yinxin, "sealing")["key"]
    assert yinxin.json("keys", "suspend", key, *ASKS, "--reason", "疑似泄露")["state"] == "suspended"
    assert agreed(yinxin, "propose", "resume", key)["state"] == "active"


def test_a_rotation_and_a_policy_are_listed(yinxin: CommandLine) -> None:
    key = key_of(yinxin, "sealing")["key"]
    assert agreed(yinxin, "propose", "policy", key, "--note", "年检")["policy"]["note"] == "年检"
    made = agreed(yinxin, "rotate", key)
    assert made["policy"]["note"] == "年检"
    listed = {each["key"]: each for each in yinxin.json("keys", "list")}
    assert (listed[made["key"]]["state"], listed[made["key"]]["predecessor"]) == ("generated", key)
    assert listed[key]["state"] == "active"


def test_a_broken_record_is_named_and_the_others_are_listed(yinxin: CommandLine) -> None:
    key = key_of(yinxin, "sealing")["key"]
    agreed(yinxin, "propose", "policy", key, "--note", "年检")
    yinxin.sql("UPDATE key_change SET signature = x'00'")
    listed = {each["purpose"]: each["state"] for each in yinxin.json("keys", "list")}
    assert (listed["sealing"], listed["x509-issuing"]) == ("key-policy-broken", "active")
    assert refusal(yinxin, "propose", "retire", key, *ASKS, *WHY) == "key-policy-broken"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("suspend", "01ARZ3NDEKTSV4RRFFQ69G5FAV", *ASKS, *WHY), "key-unknown"),
        (("approve", "01ARZ3NDEKTSV4RRFFQ69G5FAV", *ASKS), "key-proposal-unknown"),
        (("enrol", "nowhere", "00", "--purpose", "sealing", "--label", "x", *ASKS, "--reason", ""), "text-length"),
        (("propose", "new", "--purpose", "sealing", "--label", "x", "--hours", "9", *ASKS, *WHY), "key-policy-invalid"),
        (("holdings", "nowhere"), "key-device-unknown"),
        (("reinstate", "nowhere"), "key-device-unknown"),
        (("place", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "nowhere", "00"), "key-device-unknown"),
        (("unplace", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "nowhere"), "key-unknown"),
    ],
)
def test_what_cannot_be_done_says_why(yinxin: CommandLine, words: tuple[str, ...], code: str) -> None:
    assert refusal(yinxin, *words) == code


def test_there_are_no_devices_without_a_devices_file(yinxin: CommandLine) -> None:
    assert yinxin.json("keys", "devices") == []


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftToken:
    """A token that the devices file names hsm-a."""
    made = make_token(tmp_path)
    lines = [f"{name} = {json.dumps(value)}" for name, value in made.table().items()]
    file = tmp_path / "devices.toml"
    file.write_text("\n".join(["[[device]]", 'name = "hsm-a"', 'kind = "pkcs11"', *lines]), encoding="utf-8")
    monkeypatch.setenv("YINXIN_DEVICES_FILE", str(file))
    return made


@pytest.mark.usefixtures("token")
def test_a_key_in_a_device_is_made_by_two_people_and_shown_with_its_place(yinxin: CommandLine) -> None:
    made = agreed(
        yinxin, "propose", "new", "--purpose", "sealing", "--label", "卡", "--algorithm", "es256", "--device", "hsm-a"
    )
    (device,) = yinxin.json("keys", "devices")
    assert (device["device"], device["state"], device["keys"]) == ("hsm-a", "ok", [made["key"]])
    (held,) = yinxin.json("keys", "holdings", "hsm-a")
    place = f"hsm-a {held['handle']}"
    assert yinxin.json("keys", "show", made["key"])["places"] == [place]
    assert f"places:\n  {place}\n" in yinxin("keys", "show", made["key"]).out
    assert refusal(yinxin, "place", made["key"], "hsm-a", held["handle"]) == "key-enrolment-refused"
    assert refusal(yinxin, "unplace", made["key"], "hsm-a") == "key-enrolment-refused"


def test_a_device_that_refused_its_pin_is_shown_as_locked_out(yinxin: CommandLine, token: SoftToken) -> None:
    token.pin_file.write_text("00000000", encoding="utf-8")
    (device,) = yinxin.json("keys", "devices")
    assert (device["state"], device["last_error"]) == ("locked-out", "pkcs11-pin-incorrect")


def test_a_device_that_is_not_there_fails_at_the_approval_and_leaves_the_proposal(yinxin: CommandLine) -> None:
    asked = yinxin.json("keys", "enrol", "nowhere", "00", "--purpose", "sealing", "--label", "x", *ASKS, *WHY)
    assert refusal(yinxin, "approve", asked["proposal"], *AGREES) == "key-device-unknown"
    (listed,) = yinxin.json("keys", "proposals")
    assert listed["state"] == "waiting"
