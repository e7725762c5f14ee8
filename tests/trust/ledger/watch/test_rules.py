"""Rules are data: each kind reads what it needs and nothing else, and says exactly what is wrong."""

from datetime import time
from pathlib import Path

import pytest

from tests.trust.ledger.watch.watching import rule
from trust.keys import KeyPurpose, UseOutcome
from trust.ledger.search.reading import MeetingKind
from trust.ledger.watch.domain import KINDS, MAX_BURST_USES, Burst, Group, Newcomer, OutOfHours, Severity, Where
from trust.ledger.watch.errors import RulesUnusable
from trust.ledger.watch.rules import MAX_RULES_BYTES, load_rules, packaged_rules, parse_rules

HEAD = 'id = "r"\nseverity = "notice"\ntitle = "t"\ntitle_zh = "题"\n'


def test_the_package_has_a_rule_of_every_kind_in_two_languages() -> None:
    rules = packaged_rules()
    assert {type(each) for each in rules} == set(KINDS.values())
    assert len({each.id for each in rules}) == len(rules)
    for each in rules:
        assert each.title.isascii()
        assert not each.title_zh.isascii()


def test_a_rule_is_what_was_written() -> None:
    assert rule("burst", uses=3, seconds=60, per='"address"', outcome='"refused"', purposes='["sealing"]') == Burst(
        id="r",
        severity=Severity.WARNING,
        title="t",
        title_zh="题",
        where=Where(purposes=frozenset({KeyPurpose.SEALING}), outcome=UseOutcome.REFUSED),
        uses=3,
        seconds=60,
        per=Group.ADDRESS,
    )
    hours = rule("out-of-hours", days='["mon", "sun"]', begin="08:00:00", end="18:30:00")
    assert isinstance(hours, OutOfHours)
    assert (hours.days, hours.begin, hours.end, hours.offset_minutes) == ({0, 6}, time(8), time(18, 30), 480)
    met = rule("newcomer", what='"address"', keys='["01K"]')
    assert isinstance(met, Newcomer)
    assert (met.what, met.where.keys) == (MeetingKind.ADDRESS, {"01K"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "The file is not TOML"),
        ("rules = 1", "The file holds tables [[rule]] and nothing else."),
        ("rule = 1", "The file holds tables [[rule]] and nothing else."),
        ("rule = [1]", "The file holds tables [[rule]] and nothing else."),
        ("[[rule]]\nid = 1", "A rule has an id of small letters, digits and hyphens."),
        ('[[rule]]\nid = "A"', "A rule has an id of small letters, digits and hyphens."),
        (f'[[rule]]\nid = "{"a" * 49}"', "A rule has an id of small letters, digits and hyphens."),
        ('[[rule]]\nid = "r"\nenabled = false\n[[rule]]\nid = "r"', "rule r: it is declared twice."),
        ('[[rule]]\nid = "r"', "rule r: its kind is one of out-of-hours, burst,"),
        ('[[rule]]\nid = "r"\nkind = "burst"', "rule r: severity is missing."),
        ('[[rule]]\nid = "r"\nkind = "missing-leaf"\nenabled = 1', "rule r: enabled is true or false."),
        (f'[[rule]]\n{HEAD}kind = "missing-leaf"\nuses = 3', "rule r: uses means nothing in a rule of this kind."),
        (f'[[rule]]\n{HEAD}kind = "missing-leaf"\npurposes = []', "rule r: purposes means nothing in a rule"),
        (f'[[rule]]\n{HEAD}kind = "burst"\nuses = 3', "rule r: seconds is missing."),
        (f'[[rule]]\n{HEAD}kind = "burst"\nuses = true\nseconds = 1', "rule r: uses is a whole number."),
        (f'[[rule]]\n{HEAD}kind = "burst"\nuses = 1\nseconds = 1', f"rule r: uses is 2 to {MAX_BURST_USES}."),
        (f'[[rule]]\n{HEAD}kind = "burst"\nuses = {MAX_BURST_USES + 1}\nseconds = 1', "rule r: uses is 2 to"),
        (f'[[rule]]\n{HEAD}kind = "burst"\nuses = 2\nseconds = -1', "rule r: seconds is 0 to"),
        (f'[[rule]]\n{HEAD}kind = "burst"\nuses = 2\nseconds = 1\nper = "x"', "rule r: per is one of key, principal,"),
        (f'[[rule]]\n{HEAD}kind = "burst"\nuses = 2\nseconds = 1\npurposes = ["x"]', "rule r: purposes is one of"),
        (f'[[rule]]\n{HEAD}kind = "burst"\nuses = 2\nseconds = 1\nkeys = "x"', "rule r: keys is a list of texts."),
        (f'[[rule]]\n{HEAD}kind = "newcomer"\nwhat = "key"', "rule r: what is one of principal, address."),
        (
            f'[[rule]]\n{HEAD}kind = "newcomer"\nwhat = "address"\noutcome = "signed"',
            "rule r: A first meeting is one whatever came of it.",
        ),
        (
            f'[[rule]]\n{HEAD}kind = "out-of-hours"\ndays = ["mo"]\nbegin = 08:00:00\nend = 09:00:00',
            "rule r: days is a list of mon,",
        ),
        (
            f'[[rule]]\n{HEAD}kind = "out-of-hours"\ndays = []\nbegin = 08:00:00\nend = 09:00:00',
            "rule r: Days are 0 (Monday) to 6, at least one.",
        ),
        (
            f'[[rule]]\n{HEAD}kind = "out-of-hours"\ndays = ["mon"]\nbegin = "08:00"\nend = 09:00:00',
            "rule r: begin is a time of day",
        ),
        (
            f'[[rule]]\n{HEAD}kind = "out-of-hours"\ndays = ["mon"]\nbegin = 09:00:00\nend = 09:00:00',
            "rule r: The hours end before they begin.",
        ),
    ],
)
def test_a_rule_that_cannot_be_used_is_named_with_its_member(text: str, said: str) -> None:
    with pytest.raises(RulesUnusable) as caught:
        parse_rules(text)
    assert caught.value.detail.startswith(said)


def test_an_operator_replaces_adds_and_switches_off(tmp_path: Path) -> None:
    own = tmp_path / "rules.toml"
    members = 'kind = "clock-back"\nseverity = "notice"\ntitle = "t"\ntitle_zh = "题"\nseconds = 5\n'
    own.write_text(
        f'[[rule]]\nid = "clock-back"\n{members}[[rule]]\nid = "own"\n{members}'
        '[[rule]]\nid = "missing-leaf"\nenabled = false\n',
        "utf-8",
    )
    before, after = {each.id: each for each in load_rules(None)}, {each.id: each for each in load_rules(own)}
    assert set(after) == set(before) - {"missing-leaf"} | {"own"}
    assert (before["clock-back"].severity, after["clock-back"].severity) == (Severity.CRITICAL, Severity.NOTICE)


def test_a_file_of_rules_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "rules.toml"
    with pytest.raises(RulesUnusable, match=r"rules\.toml"):
        load_rules(own)
    own.write_bytes(b"\xff")
    with pytest.raises(RulesUnusable, match="UTF-8"):
        load_rules(own)
    own.write_bytes(b"#" * MAX_RULES_BYTES)
    assert load_rules(own) == packaged_rules()
    own.write_bytes(b"#" * (MAX_RULES_BYTES + 1))
    with pytest.raises(RulesUnusable, match="bytes"):
        load_rules(own)
