"""Histories and what the rules say of them: each fires where it is declared to, and not one entry before."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import MOMENT
from tests.trust.ledger.searching import Found, made
from tests.trust.ledger.watch.watching import Watched, rule
from trust.kernel.errors import Unavailable
from trust.keys import KeyPurpose, KeyUse
from trust.ledger.errors import LedgerBroken
from trust.ledger.watch.domain import Raised, Rule
from trust.ledger.watch.errors import AlertAcknowledged, AlertUnknown
from trust.ledger.watch.ports import Cursor, DeviceCount
from trust.ledger.watch.service import MAX_ALERTS

HOURS = rule("out-of-hours", days='["mon", "tue", "wed", "thu", "fri"]', begin="08:00:00", end="18:00:00")
THREE = rule("burst", uses=3, seconds=10)
REFUSED = rule("burst", uses=2, seconds=10, outcome='"refused"', per='"principal"')
CALLER = rule("newcomer", what='"principal"')
ADDRESS = rule("newcomer", what='"address"', purposes='["sealing"]')
CLOCK = rule("clock-back", seconds=60)
FRIDAY = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)  # 08:00 in China


@pytest.fixture
def watched(found: Found) -> Watched:
    return Watched(found)


def leaves(*indexes: int) -> list[str]:
    return [f"leaf {index}" for index in indexes]


HISTORIES: list[tuple[str, Rule, list[KeyUse], list[str]]] = [
    ("the first minute of the day is within hours", HOURS, [made(at=FRIDAY)], []),
    ("the last moment too", HOURS, [made(at=FRIDAY, seconds=36000 - 0.000001)], []),
    ("a moment before them is not", HOURS, [made(at=FRIDAY, seconds=-0.000001)], ["key 01KSEALINGKEY, 2026-11-20"]),
    ("nor is their end", HOURS, [made(at=FRIDAY, seconds=36000)], ["key 01KSEALINGKEY, 2026-11-20"]),
    ("nor is a Saturday", HOURS, [made(at=FRIDAY, seconds=86400)], ["key 01KSEALINGKEY, 2026-11-21"]),
    (
        "a key and a day give one alert",
        HOURS,
        [made(at=FRIDAY, seconds=second) for second in (-2, -1, 36000, 36001)],
        ["key 01KSEALINGKEY, 2026-11-20"],
    ),
    ("two are no burst of three", THREE, [made(), made()], []),
    ("the third is", THREE, [made(), made(), made()], leaves(2)),
    ("exactly as long as declared", THREE, [made(), made(), made(seconds=10)], leaves(2)),
    ("a moment longer", THREE, [made(), made(), made(seconds=10.000001)], []),
    ("after a burst counting begins anew", THREE, [made() for _ in range(7)], leaves(2, 5)),
    ("an entry from the future blinds nobody", THREE, [made(seconds=9**6), made(), made(), made()], leaves(3)),
    ("bursts are per key", THREE, [made(key=f"01K{number % 2}") for number in range(4)], []),
    ("signed uses are not refused ones", REFUSED, [made(refused="x"), made(), made()], []),
    ("refused attempts of one caller", REFUSED, [made(refused="x"), made(key="01KB", refused="y")], leaves(1)),
    ("refused attempts of two callers", REFUSED, [made(refused="x"), made(by="client:b", refused="x")], []),
    ("the first caller of a key is its usual one", CALLER, [made(), made()], []),
    ("the second is new, once", CALLER, [made(), made(by="client:b"), made(by="client:b")], leaves(1)),
    ("a caller is new for each key", CALLER, [made(), made(key="01KB", by="b"), made(by="b")], leaves(2)),
    ("a refused first attempt is new as well", CALLER, [made(), made(by="b", refused="x"), made(by="b")], leaves(1)),
    ("an unknown address is none", ADDRESS, [made(), made()], []),
    ("the first address of a key in use is new", ADDRESS, [made(), made(address="10.0.0.1")], leaves(1)),
    ("other purposes do not matter", ADDRESS, [made(), made(purpose=KeyPurpose.SEAL_MAKING, address="10.0.0.1")], []),
    ("a clock may step back a little", CLOCK, [made(), made(seconds=-60)], []),
    ("and no more", CLOCK, [made(), made(seconds=-60.000001), made(seconds=-61)], leaves(1)),
]


@pytest.mark.parametrize(
    ("declared", "uses", "places"), [each[1:] for each in HISTORIES], ids=[each[0] for each in HISTORIES]
)
def test_a_rule_fires_exactly_where_it_is_declared_to(
    watched: Watched, declared: Rule, uses: list[KeyUse], places: list[str]
) -> None:
    watched.found.ledger.record(uses)
    assert watched.watch(declared).turn() == len(uses)
    assert [place for _, place in watched.places()] == places
    assert watched.watch(declared).turn() == 0
    assert [place for _, place in watched.places()] == places


@pytest.mark.parametrize("declared", [HOURS, THREE, REFUSED, CALLER, ADDRESS, CLOCK])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_alerts_do_not_depend_on_where_turns_end_or_the_process_begins_anew(
    found: Found, declared: Rule, data: st.DataObject
) -> None:
    """One turn over everything, against a new watch for each piece, as after a kill."""
    one, other = Watched(found), Watched(found)
    other.store = _Renamed(other.store)  # type: ignore[assignment]
    step = st.builds(
        made,
        key=st.sampled_from(("01KA", "01KB")),
        by=st.sampled_from(("a", "b")),
        seconds=st.integers(-200, 200),
        refused=st.sampled_from((None, "x")),
        address=st.sampled_from((None, "10.0.0.1")),
    )
    for piece in data.draw(st.lists(st.lists(step, min_size=1, max_size=5), min_size=1, max_size=4)):
        found.ledger.record(piece)
        other.watch(declared).turn()
    one.watch(declared).turn()
    places = [(alert.rule, alert.place) for alert in one.alerts()]
    assert sorted(place for name, place in places if name == "r") == sorted(
        place for name, place in places if name == "r-again"
    )


class _Renamed:
    """Lets a second watch stand in the same tables, with cursors and rules of other names."""

    def __init__(self, store: object) -> None:
        self._store = store

    def cursor(self, name: str) -> Cursor:
        found = self._store.cursor(f"{name}-again")  # type: ignore[attr-defined]
        return Cursor(name=name, position=found.position, state=found.state)

    def advance(self, before: Cursor, after: Cursor, raised: list[Raised], at: datetime) -> bool:
        from dataclasses import replace

        named = [replace(each, rule=replace(each.rule, id=f"{each.rule.id}-again")) for each in raised]
        name = f"{before.name}-again"
        return self._store.advance(replace(before, name=name), replace(after, name=name), named, at)  # type: ignore[attr-defined]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gaps=st.lists(st.integers(0, 7), min_size=1, max_size=25), uses=st.integers(2, 5), seconds=st.integers(0, 12))
def test_a_burst_is_so_many_uses_in_so_long_counted_anew_after_each(
    found: Found, gaps: list[int], uses: int, seconds: int
) -> None:
    watched = Watched(found)
    start = found.ledger.size()
    key = f"01K{start}"
    moments = [1000 * start + sum(gaps[: place + 1]) for place in range(len(gaps))]
    found.ledger.record([made(key=key, seconds=moment) for moment in moments])
    expected, since = [], 0
    for place in range(len(moments)):
        if place - since + 1 >= uses and moments[place] - moments[place - uses + 1] <= seconds:
            expected.append(f"leaf {start + place}")
            since = place + 1
    known = len(watched.places())
    watched.watch(rule("burst", uses=uses, seconds=seconds, keys=f'["{key}"]')).turn()
    assert [place for _, place in watched.places()][known:] == expected


def test_a_document_that_the_library_does_not_know_is_named_when_it_had_its_time(watched: Watched) -> None:
    declared = rule("unknown-document", seconds=60)
    watched.library.documents, watched.library.begun = ["known"], {"begun"}
    names = ["known", "begun", "strange", None]
    watched.found.ledger.record(
        [
            *(made(document=name) for name in names),
            made(document="refused", refused="x"),
            made(document="token:1", purpose=KeyPurpose.TOKEN_SIGNING),
            made(document="late", seconds=1),
            made(document="future", seconds=3600),
        ]
    )
    watched.clock.advance(seconds=59.9)
    watched.watch(declared).turn()
    assert watched.places() == []
    watched.clock.advance(seconds=0.1)
    watched.watch(declared).turn()
    assert [place for _, place in watched.places()] == leaves(2, 3)
    watched.clock.advance(seconds=1)
    watched.watch(declared).turn()
    assert [place for _, place in watched.places()] == leaves(2, 3, 6, 7)


def test_a_document_without_an_entry_is_named(watched: Watched) -> None:
    declared = rule("missing-leaf")
    watched.found.ledger.record(
        [made(document="1"), made(document="2", refused="x"), made(document="3", purpose=KeyPurpose.SEAL_MAKING)]
    )
    watched.library.documents = ["1", "2"]
    watched.watch(declared).turn()
    assert watched.places() == [("r", "document 2")]
    watched.library.documents += ["3", "4"]
    watched.watch(declared).turn()
    watched.watch(declared).turn()
    assert [place for _, place in watched.places()] == ["document 2", "document 3", "document 4"]


def test_a_device_that_counts_otherwise_is_named_after_the_looks_and_once_per_difference(watched: Watched) -> None:
    declared = rule("counter-disagrees", looks=2)
    watched.found.ledger.record([made(key="01KA"), made(key="01KA"), made(key="01KA", refused="x"), made(key="01KB")])
    watched.devices.counted = {"01KA": 2, "01KB": 3}
    watched.watch(declared).turn()
    assert watched.places() == []
    watched.watch(declared).turn()
    watched.watch(declared).turn()
    assert watched.places() == [("r", "key 01KB, difference +2")]
    watched.devices.counted = {"01KA": 0, "01KB": 1, "01KC": 0}
    for _ in range(3):
        watched.watch(declared).turn()
    assert [place for _, place in watched.places()] == ["key 01KB, difference +2", "key 01KA, difference -2"]


def test_a_difference_that_comes_and_goes_is_none(watched: Watched) -> None:
    declared = rule("counter-disagrees", looks=2)
    watched.found.ledger.record([made(key="01KA")])
    for count in (2, 1, 2, 1, 0, 2):
        watched.devices.counted = {"01KA": count}
        watched.watch(declared).turn()
    assert watched.places() == []


def test_signatures_that_are_recorded_during_a_look_are_no_difference(watched: Watched) -> None:
    ledger = watched.found.ledger

    class Busy:
        def counts(self) -> list[DeviceCount]:
            ledger.record([made(key="01KA")])
            return [DeviceCount(key="01KA", count=ledger.size() - 1)]

    watched.devices = Busy()  # type: ignore[assignment]
    for _ in range(4):
        watched.watch(rule("counter-disagrees", looks=1)).turn()
    assert watched.places() == []


def test_a_checkpoint_that_stays_due_is_named_once(watched: Watched) -> None:
    declared = rule("checkpoint-overdue", seconds=300)
    watched.newest, watched.due = 7, True
    for wait, expected in ((299, 0), (1, 0), (299, 0), (1, 1), (600, 1)):
        if wait == 1 and not expected:
            watched.due = False  # signed after all
        watched.watch(declared).turn()
        watched.due = True
        watched.clock.advance(seconds=wait)
        watched.watch(declared).turn()
        assert len(watched.places()) == expected, wait
    assert watched.places() == [("r", "checkpoint after 7")]


def test_witnesses_that_stay_away_are_named_once_per_stretch(watched: Watched) -> None:
    declared = rule("witnesses-missing", seconds=900)
    watched.newest, watched.witnessed = 10, 10
    watched.watch(declared).turn()
    watched.newest = 20
    watched.watch(declared).turn()
    watched.clock.advance(seconds=899)
    watched.newest = 30
    watched.watch(declared).turn()
    assert watched.places() == []
    watched.clock.advance(seconds=1)
    watched.watch(declared).turn()
    watched.watch(declared).turn()
    assert watched.places() == [("r", "checkpoints after 10")]


def test_what_cannot_be_asked_keeps_no_other_rule_from_being_judged(watched: Watched) -> None:
    class Gone:
        def counts(self) -> list[DeviceCount]:
            raise Unavailable

    watched.devices = Gone()  # type: ignore[assignment]
    watched.library.documents = ["1"]
    watched.watch(rule("counter-disagrees", looks=1), rule("missing-leaf")).turn()
    assert watched.places() == [("r", "document 1")]


def test_an_entry_that_is_none_is_not_passed_over(watched: Watched) -> None:
    watched.found.ledger_store.append([b"{}"])
    with pytest.raises(LedgerBroken):
        watched.watch(THREE).turn()


def test_a_cursor_that_has_moved_takes_no_alert(watched: Watched) -> None:
    first = watched.store.cursor("x")
    moved = Cursor(name="x", position=1, state="")
    raised = [Raised(rule=THREE, place="leaf 0", detail="d")]
    assert watched.store.advance(first, moved, raised, MOMENT)
    assert not watched.store.advance(first, moved, [Raised(rule=THREE, place="leaf 1", detail="d")], MOMENT)
    assert watched.store.advance(moved, Cursor(name="x", position=2, state=""), raised, MOMENT)
    assert watched.places() == [("r", "leaf 0")]


def test_an_officer_acknowledges_once_and_nothing_else_changes(watched: Watched) -> None:
    watched.found.ledger.record([made(), made(), made(), made(), made(), made()])
    watched.watch(THREE).turn()
    before = watched.alerts()
    assert watched.desk.open_alerts() == {"warning": 2}
    seen = watched.desk.acknowledge(before[0].number, by="审计员", note="演练")
    assert seen.acknowledged is not None
    assert (seen.acknowledged.by, seen.acknowledged.at, seen.acknowledged.note) == ("审计员", MOMENT, "演练")
    assert watched.desk.alerts() == before[1:]
    assert watched.alerts() == [seen, before[1]]
    with pytest.raises(AlertAcknowledged):
        watched.desk.acknowledge(before[0].number, by="另一人", note="再次")
    with pytest.raises(AlertUnknown):
        watched.desk.acknowledge(999, by="审计员", note="演练")
    assert watched.desk.alerts(limit=MAX_ALERTS + 1, after=before[0].number, still_open=False) == before[1:]
