"""`yinxin register person` and `sso chain`: what operators do to accounts, and what the auditor recomputes."""

import io
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click.termui
import pytest

from portal.demo import data
from portal.foundation import open_foundation
from portal.wiring import open_installation
from sso.accounts.domain import Finding, ProofingLevel
from sso.passing.chain import linked
from sso.passing.domain import Channel, Hop, PresenceMethod
from sso.passing.store.hops import add_hop_within
from tests.fakes import MOMENT
from tests.integration.installation import Template
from tests.portal.command_line import CommandLine, command_line
from tests.sso.accounts.world import COMPANY, PASSPORT, resident
from trust.config import load_settings
from trust.formats.holders import HolderNumber

REFUSED, USAGE, FAULT = 4, 3, 70
BY = ("--by", "周申请")
ASKS, APPROVES = ("--requested-by", "周申请"), ("--approved-by", "吴审批")
WHY = ("--reason", "本人到窗口申明")
BOTH = (*ASKS, *APPROVES, *WHY)
NAME = "孙示例"
NUMBERS = (resident(1), resident(2), COMPANY, PASSPORT)


class People:
    """The command on an installation with one account for each of `NUMBERS`."""

    def __init__(self, yinxin: CommandLine, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.yinxin = yinxin
        self.ids = ids
        self._monkeypatch = monkeypatch

    @property
    def one(self) -> str:
        return self.ids[0]

    def __call__(self, *arguments: str) -> Any:
        return self.yinxin.json("register", "person", *arguments)

    def asked(self, number: HolderNumber | str, *arguments: str) -> Any:
        """Run `show` with a number that comes through a pipe; return how it ended."""
        text = number if isinstance(number, str) else number.number
        self._monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))
        return self.yinxin("register", "person", "show", *arguments)

    def ties(self) -> set[str]:
        return {tie for (tie,) in self.yinxin.sql("SELECT tie FROM sso_cut_ties")}


@pytest.fixture(scope="module")
def populated(template: Template, tmp_path_factory: pytest.TempPathFactory) -> tuple[Template, list[str]]:
    """An installation with the accounts, to copy from, and their ids: registering them takes longer than most tests."""
    home = tmp_path_factory.mktemp("people") / "home"
    with closing(open_installation(load_settings(**template.copy(home)))) as installation:
        register = installation.people.register
        finding = Finding(source="population-register", level=ProofingLevel.TWO_ELEMENT_MATCH)
        ids = [register.register(number, NAME, evidence=finding).id for number in NUMBERS]
    return replace(template, home=home), ids


@pytest.fixture
def people(
    populated: tuple[Template, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[People]:
    template, ids = populated
    with command_line(template, tmp_path, monkeypatch, capsys) as yinxin:
        yield People(yinxin, ids, monkeypatch)


def test_show_prints_what_is_known_and_neither_name_nor_number(people):
    outcome = people.asked(NUMBERS[0], "--json")
    shown = outcome.json
    assert (shown["person"], shown["name"], shown["level"], shown["state"]) == (people.one, "孙**", 1, "active")
    assert shown["codes"] == f"111:{NUMBERS[0].masked}"
    (piece,) = shown["evidence"]
    assert (piece["source"], piece["level"], piece["person"]) == ("population-register", 1, people.one)
    assert piece["at"]
    lines = people.asked(NUMBERS[0])
    assert "source: population-register" in lines.out
    for said in (outcome.out, outcome.err, lines.out, lines.err):
        assert NUMBERS[0].number not in said
        assert NAME not in said


@pytest.mark.parametrize(("number", "position"), [(COMPANY, 2), (PASSPORT, 3)])
def test_show_takes_every_kind_of_number(people, number, position):
    assert people.asked(number, "--kind", number.kind, "--json").json["person"] == people.ids[position]


def test_at_a_terminal_the_number_is_typed_unseen(people, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(click.termui, "hidden_prompt_func", lambda _prompt: NUMBERS[0].number)  # as getpass answers
    outcome = people.yinxin("register", "person", "show", "--json")
    assert (outcome.code, outcome.json["person"]) == (0, people.one)
    assert NUMBERS[0].number not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("number", "kind", "exit_code", "code"),
    [
        (resident(99).number, "111", REFUSED, "person-unknown"),
        (NUMBERS[0].number[:-1] + "?", "111", USAGE, "resident-id-characters"),
        (NUMBERS[0].number, "000", USAGE, "holder-kind-unknown"),
        ("e 1", "414", USAGE, "holder-number-invalid"),
        ("", "111", USAGE, "resident-id-length"),
    ],
    ids=["nobody's", "no resident number", "kind", "no passport number", "empty"],
)
def test_a_number_that_leads_nowhere_is_refused_and_not_repeated(people, number, kind, exit_code, code):
    outcome = people.asked(number, "--kind", kind, "--json")
    assert (outcome.code, outcome.out) == (exit_code, "")
    assert f"error {code} " in outcome.err
    assert not number or number not in outcome.err


@pytest.mark.parametrize("verb", ["find", "show"])
def test_a_number_is_no_argument(people, verb):
    outcome = people.yinxin("register", "person", verb, NUMBERS[0].number)
    assert outcome.code == USAGE
    assert "error command-line" in outcome.err


def test_disabling_takes_one_enabling_two_and_what_was_cut_stays_cut(people):
    assert people("disable", people.one, *BY, *WHY)["state"] == "disabled"
    cut = people.ties()
    assert f"person:{people.one}/1" in cut
    assert people("enable", people.one, *BOTH)["state"] == "active"
    assert people.ties() == cut


def test_an_end_is_kept_and_a_mistaken_one_taken_back(people):
    assert people("end", people.one, *BY, *WHY)["state"] == "deceased"
    assert f"person:{people.one}/1" in people.ties()
    assert people("enable", people.one, *BOTH)["state"] == "active"


def test_after_a_merge_both_numbers_lead_to_the_survivor(people):
    duplicate, survivor = people.ids[3], people.one
    assert people("merge", duplicate, survivor, *BOTH)["person"] == survivor
    assert {f"person:{duplicate}/1", f"person:{survivor}/1"} <= people.ties()
    shown = people.asked(PASSPORT, "--kind", PASSPORT.kind, "--json").json
    assert shown["person"] == survivor
    assert set(shown["codes"].split()) == {f"111:{NUMBERS[0].masked}", f"414:{PASSPORT.masked}"}
    assert {piece["person"] for piece in shown["evidence"]} == {duplicate, survivor}


def test_changes_say_who_asked_who_approved_and_why(people):
    people("disable", people.one, *BY, *WHY)
    people("enable", people.one, *BOTH)
    first, stopped, again = people("changes", people.one)
    assert (first["act"], first["requested_by"]) == ("registered", "system")
    assert (stopped["act"], stopped["requested_by"], stopped["approved_by"]) == ("disabled", "周申请", None)
    assert (again["act"], again["requested_by"], again["approved_by"]) == ("enabled", "周申请", "吴审批")
    assert {stopped["reason"], again["reason"]} == {"本人到窗口申明"}
    assert NAME not in json.dumps([first, stopped, again], ensure_ascii=False)


ALONE = (*ASKS, "--approved-by", "周 申请", *WHY)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("disable", "NOBODY", *BY, *WHY), REFUSED, "person-unknown"),
        (("disable", "P0", *BY, "--reason", "x"), USAGE, "text-length"),
        (("disable", "P0", *WHY), USAGE, "command-line"),
        (("disable", "P0", *BY), USAGE, "command-line"),
        (("enable", "P0", *BOTH), REFUSED, "person-state-unchanged"),
        (("enable", "P0", *ALONE), REFUSED, "same-person"),
        (("enable", "P0", "--requested-by", "P0", *APPROVES, *WHY), REFUSED, "own-account"),
        (("enable", "NOBODY", *BOTH), REFUSED, "person-unknown"),
        (("enable", "P0", *ASKS, *WHY), USAGE, "command-line"),
        (("merge", "P3", "P0", *ALONE), REFUSED, "same-person"),
        (("merge", "P3", "P0", *ASKS, "--approved-by", "P3", *WHY), REFUSED, "own-account"),
        (("merge", "P0", "P0", *BOTH), REFUSED, "merge-unfit"),
        (("merge", "P2", "P0", *BOTH), REFUSED, "merge-unfit"),
        (("merge", "P3", "NOBODY", *BOTH), REFUSED, "person-unknown"),
        (("merge", "P3", "P0", *ASKS, *APPROVES), USAGE, "command-line"),
        (("end", "NOBODY", *BY, *WHY), REFUSED, "person-unknown"),
        (("end", "P0", *BY), USAGE, "command-line"),
        (("changes", "NOBODY"), REFUSED, "person-unknown"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_refused_act_says_why_and_changes_nothing(people, arguments, exit_code, code):
    ids = {f"P{position}": person for position, person in enumerate(people.ids)}
    before = people.yinxin.sql("SELECT * FROM sso_persons ORDER BY id")
    outcome = people.yinxin("register", "person", *(ids.get(word, word) for word in arguments), "--json")
    assert (outcome.code, outcome.out) == (exit_code, "")
    assert f"error {code}" in outcome.err
    assert people.yinxin.sql("SELECT * FROM sso_persons ORDER BY id") == before
    assert people.ties() == set()


@pytest.mark.parametrize(("first", "then"), [("disable", "disable"), ("end", "end"), ("end", "disable")])
def test_what_was_stopped_is_not_stopped_again(people, first, then):
    people(first, people.one, *BY, *WHY)
    outcome = people.yinxin("register", "person", then, people.one, *BY, *WHY)
    assert (outcome.code, outcome.out) == (REFUSED, "")
    assert "error person-not-active" in outcome.err


def test_a_merged_account_is_never_opened_again(people):
    people("merge", people.ids[3], people.one, *BOTH)
    outcome = people.yinxin("register", "person", "enable", people.ids[3], *BOTH)
    assert outcome.code == REFUSED
    assert "error person-state-unchanged" in outcome.err


@pytest.fixture
def chain(yinxin: CommandLine) -> tuple[Hop, ...]:
    """Two linked hops in the record: a counter, then the certificate API."""
    first = linked(_hop("HOP1", 1, to_system="SYSTEM2", previous=None), "")
    second = linked(_hop("HOP2", 2, to_system="api", previous=first.id), first.link)
    foundation = open_foundation(load_settings())
    with foundation.database.begin() as connection:
        for hop in (first, second):
            add_hop_within(connection, hop)
    foundation.close()
    return first, second


def _hop(name: str, number: int, *, to_system: str, previous: str | None) -> Hop:
    return Hop(
        id=name,
        number=number,
        subject="PERSON1",
        represents=None,
        mandate=None,
        from_system="SYSTEM1",
        to_system=to_system,
        scopes=("certs:read", "profile"),
        channel=Channel.COUNTER,
        at=MOMENT,
        expires_at=MOMENT + timedelta(minutes=10),
        matter=data.FOOD_LICENCE,
        purpose="To check the licence.",
        purpose_zh="办理时核对许可证。",
        case="CASE1",
        counter="COUNTER1",
        counter_name="3 号窗口",
        clerk="CLERK1",
        clerk_name="李** (**17)",
        presence_method=PresenceMethod.QR,
        presence_at=MOMENT,
        previous=previous,
        link="",
    )


def test_the_auditor_sees_the_whole_chain_with_the_links_that_tokens_carry(yinxin, chain):
    shown = yinxin.json("sso", "chain", "HOP2")
    assert [(hop["hop"], hop["number"], hop["link"]) for hop in shown] == [
        (hop.id, hop.number, hop.link) for hop in chain
    ]
    assert set(shown[0]) == {"hop" if name == "id" else name for name in Hop.__slots__}
    assert [hop["hop"] for hop in yinxin.json("sso", "chain", "HOP1")] == ["HOP1"]
    assert f"link: {chain[1].link}" in yinxin("sso", "chain", "HOP2").out


@pytest.mark.parametrize(
    ("column", "value", "broken"),
    [("clerk_name", "王** (**18)", "HOP1"), ("at", "2020-01-01T00:00:00+00:00", "HOP1"), ("link", "0" * 64, "HOP1")],
)
@pytest.mark.usefixtures("chain")
def test_an_altered_hop_breaks_the_chain_and_is_named(yinxin, column, value, broken):
    yinxin.sql(f"UPDATE sso_hops SET \"{column}\" = '{value}' WHERE id = 'HOP1'")  # noqa: S608  values of this test
    outcome = yinxin("sso", "chain", "HOP2", "--json")
    assert (outcome.code, outcome.out) == (FAULT, "")
    assert "error chain-broken" in outcome.err
    assert broken in outcome.err


@pytest.mark.usefixtures("chain")
def test_a_removed_hop_breaks_the_chain(yinxin):
    yinxin.sql("DELETE FROM sso_hops WHERE id = 'HOP1'")
    outcome = yinxin("sso", "chain", "HOP2")
    assert (outcome.code, outcome.out) == (FAULT, "")
    assert "HOP2" in outcome.err


def test_a_hop_that_nobody_recorded_has_no_chain(yinxin):
    outcome = yinxin("sso", "chain", "NOTHING")
    assert (outcome.code, outcome.out) == (REFUSED, "")
    assert "error hop-unknown [hop]" in outcome.err


class Counter:
    """A counter with a clerk, and what is typed."""

    def __init__(self, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
        self._people = people
        self._monkeypatch = monkeypatch
        with closing(open_installation(load_settings())) as installation:
            registers = installation.registers
            installation.people.register.vouch(
                people.ids[1], source="keycloak:province", level=ProofingLevel.DOCUMENT_CHECKED
            )
            self.counter = registers.counters.add_counter(name="3号窗口", authority=data.AUTHORITY).id
            change = registers.appointments.request_clerk(
                people.ids[1],
                counters=(self.counter,),
                staff_number="G0018",
                authority=data.AUTHORITY,
                requested_by="周申请",
                reason="测试",
            )
            self.clerk = registers.appointments.approve(change.id, approved_by="吴审批").id

    @property
    def document(self) -> tuple[str, ...]:
        return ("--clerk", self.clerk, "--counter", self.counter, "--expires", "2036-11-20")

    def run(self, line: str, *arguments: str) -> Any:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(f"{line}\n"))
        return self._people.yinxin("register", "person", *arguments)


@pytest.fixture
def counter(people: People, monkeypatch: pytest.MonkeyPatch) -> Counter:
    return Counter(people, monkeypatch)


def test_a_name_is_changed_by_a_document_and_two_operators_and_never_printed(people, counter):
    outcome = counter.run("孙改名", "rename-in-person", people.one, *counter.document, *BOTH, "--json")
    assert (outcome.code, outcome.json["name"], outcome.json["level"]) == (0, "孙**", 3)
    assert "孙改名" not in outcome.out + outcome.err
    [change] = [change for change in people("changes", people.one) if change["act"] == "renamed"]
    assert (change["requested_by"], change["approved_by"], change["reason"]) == ("周申请", "吴审批", "本人到窗口申明")


def test_another_number_is_added_by_its_document(people, counter):
    number = "G87654321"
    outcome = counter.run(number, "add-code", people.one, *counter.document, "--kind", "414", *BOTH, "--json")
    assert (outcome.code, outcome.json["person"]) == (0, people.one), outcome.err
    assert number not in outcome.out + outcome.err
    assert people.asked(number, "--kind", "414", "--json").json["person"] == people.one


@pytest.mark.parametrize("verb", ["rename-in-person", "add-code"])
def test_one_operator_alone_changes_neither_name_nor_number(people, counter, verb):
    alone = (*ASKS, "--approved-by", "周申请", *WHY)
    kind = ("--kind", "414") if verb == "add-code" else ()
    outcome = counter.run("E7654321", verb, people.one, *counter.document, *kind, *alone)
    assert outcome.code == REFUSED
    assert "error same-person" in outcome.err
    assert [change["act"] for change in people("changes", people.one)] == ["registered"]


def test_a_clerk_who_does_not_stand_at_the_counter_has_checked_nothing(people, counter):
    arguments = ("--clerk", counter.clerk, "--counter", "elsewhere", *BOTH)
    outcome = counter.run("孙改名", "rename-in-person", people.one, *arguments)
    assert outcome.code == REFUSED
    assert "error clerk-not-posted" in outcome.err


@pytest.mark.parametrize(("verb", "more"), [("rename", BOTH), ("prove", ())])
def test_a_register_that_is_not_set_up_cannot_be_asked(people, counter, verb, more):
    outcome = counter.run("孙改名", verb, people.one, "--source", "population-register", *more)
    assert outcome.code != 0
    assert "error proofing-source-unknown" in outcome.err
