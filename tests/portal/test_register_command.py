"""`yinxin register`: what operators enter, and that each change of a clerk takes two of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from portal.commands import register as commands
from portal.registers import Registers
from sso.mandates.naming import Naming
from tests.sso.counters.support import AUTHORITY, FOOD
from tests.sso.mandates.support import Office, build
from trust.authority.errors import SamePerson
from trust.kernel.errors import TrustError


@dataclass(frozen=True, kw_only=True)
class Opened:
    registers: Registers


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    made = build(tmp_path)
    registers = Registers(
        counters=made.town.register,
        appointments=made.town.appointments,
        mandates=made.desk,
        representatives=made.representatives,
        naming=Naming(made.town.persons),
    )
    monkeypatch.setattr(commands, "opened", lambda: Opened(registers=registers))
    with capture_logs():  # unconfigured, they would stand in the output that the commands' JSON is read from
        yield made
    made.town.database.close()


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(commands.register, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*arguments: str) -> TrustError:
    with pytest.raises(TrustError) as caught:
        CliRunner().invoke(commands.register, arguments, catch_exceptions=False)
    return caught.value


BOTH = ("--requested-by", "周申请", "--approved-by", "吴审批", "--reason", "登记机关来函")


def test_a_matter_is_added_listed_and_retired(office: Office) -> None:
    words = ("--name", "Pass", "--name-zh", "通行证", "--purpose", "To make a pass", "--purpose-zh", "办理通行证")
    made = run("matter", "add", "--code", "pass", *words, "--type", FOOD)
    assert (made["code"], made["types"], made["retired_at"]) == ("pass", FOOD, None)
    assert run("matter", "retire", "pass")["retired_at"] is not None
    assert "pass" in [each["code"] for each in run("matter", "list")]
    assert refused("matter", "retire", "none").code == "matter-unknown"


def test_a_counter_is_added_changed_listed_and_closed(office: Office) -> None:
    made = run("counter", "add", "--name", "一号", "--authority", AUTHORITY, "--system", "system-a")
    assert run("counter", "systems", made["counter"], "--system", "system-b")["systems"] == "system-b"
    assert run("counter", "close", made["counter"])["closed_at"] is not None
    assert [each["counter"] for each in run("counter", "list")] == [made["counter"]]


def test_a_clerk_goes_through_two_hands(office: Office) -> None:
    counter = office.town.counter()
    asks = ("--requested-by", "周申请", "--reason", "新入职")
    words = ("--staff-number", "YS-1", "--authority", AUTHORITY, "--counter", counter.id)
    change = run("clerk", "request", office.other.id, *words, *asks)
    error = refused("clerk", "approve", change["request"], "--approved-by", "周申请")
    assert isinstance(error, SamePerson)
    clerk = run("clerk", "approve", change["request"], "--approved-by", "吴审批")["clerk"]
    for verb in ("disable", "enable"):
        asked = run("clerk", verb, clerk, *asks)
        run("clerk", "approve", asked["request"], "--approved-by", "吴审批")
    posting = run("clerk", "post", clerk, *asks)
    assert run("clerk", "refuse", posting["request"], "--refused-by", "吴审批")["state"] == "refused"
    assert [each["kind"] for each in run("clerk", "requests", "--clerk", clerk)] == [
        "register",
        "disable",
        "enable",
        "post",
    ]
    assert run("clerk", "requests", "--state", "waiting") == []
    assert [each["counters"] for each in run("clerk", "list")] == [counter.id]


def test_operators_enter_a_representative_and_end_mandates(office: Office) -> None:
    made = run("mandate", "representative", office.firm.id, office.other.id, *BOTH)
    assert (made["agent"], made["matters"]) == (office.other.id, "all")
    assert run("mandate", "show", office.own.id)["withdrawn_by"] == "operators"
    assert run("mandate", "withdraw", made["mandate"], *BOTH)["withdrawn_by"] == "operators"
    same = ("--requested-by", "周申请", "--approved-by", "周申请", "--reason", "登记机关来函")
    assert refused("mandate", "withdraw", made["mandate"], *same).code == "same-person"


def test_a_representative_is_asked_for_again(office: Office) -> None:
    office.register.entries[office.firm.code.text] = (office.boss.code.text, office.boss.name)
    assert [each["mandate"] for each in run("mandate", "recheck", office.firm.id)] == [office.own.id]
    office.register.entries.clear()
    assert run("mandate", "recheck", office.firm.id) == []


def test_every_command_says_what_it_does() -> None:
    assert isinstance(commands.register, click.Group)
    for name, group in commands.register.commands.items():
        assert group.help
        assert isinstance(group, click.Group)
        assert all(command.help for command in group.commands.values()), name
