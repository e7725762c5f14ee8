"""Finding entries: what is asked is what is found, page by page; and the index never says more than the leaves."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.fakes import MOMENT
from tests.trust.ledger.building import uses
from tests.trust.ledger.searching import Found, made
from trust.keys import KeyPurpose, KeyUse, UseOutcome
from trust.ledger.errors import LedgerBroken
from trust.ledger.search.domain import MAX_HITS, NAME_CHARACTERS, Grouping, Question, Span
from trust.ledger.search.errors import QuestionInvalid, TooManyGroups
from trust.ledger.search.reading import MeetingKind
from trust.ledger.search.service import LedgerSearch

KEYS = ("01KA", "01KB")
PEOPLE = ("client:food", "operator:周", "person:01K")
OFFICES = (None, "91350100M000100Y43", "11350000000000001A")

key_uses = st.builds(
    lambda key, by, act, authority, document, refused, hours, purpose, address: made(
        key=key,
        by=by,
        act=tuple(act),
        authority=authority,
        document=document,
        refused=refused,
        seconds=hours * 3600,
        purpose=purpose,
        address=address,
    ),
    st.sampled_from(KEYS),
    st.sampled_from(PEOPLE),
    st.lists(st.sampled_from(PEOPLE), max_size=2),
    st.sampled_from(OFFICES),
    st.sampled_from((None, "1.2.156.1", "1.2.156.2", "x" * (NAME_CHARACTERS + 1), "x" * (NAME_CHARACTERS + 2))),
    st.sampled_from((None, None, "key-retired")),
    st.integers(-40, 40),
    st.sampled_from((KeyPurpose.SEALING, KeyPurpose.TOKEN_SIGNING)),
    st.sampled_from((None, "10.0.0.1", "10.0.0.2")),
)
questions = st.builds(
    Question,
    key=st.sampled_from((None, *KEYS)),
    person=st.sampled_from((None, None, *PEOPLE)),
    authority=st.sampled_from(OFFICES),
    document=st.sampled_from((None, None, "1.2.156.1", "x" * (NAME_CHARACTERS + 1))),
    purpose=st.sampled_from((None, KeyPurpose.SEALING)),
    outcome=st.sampled_from((None, *UseOutcome)),
    reason=st.sampled_from((None, None, "key-retired")),
    since=st.sampled_from((None, MOMENT - timedelta(hours=3))),
    until=st.sampled_from((None, MOMENT + timedelta(hours=5))),
    limit=st.integers(1, 4),
)


def all_pages(search: LedgerSearch, question: Question) -> list[int]:
    indexes: list[int] = []
    before = None
    while True:
        page = search.search(Question(**{**fields_of(question), "before": before}))
        assert len(page.leaves) <= question.limit
        indexes += [leaf.index for leaf in page.leaves]
        if page.next is None:
            return indexes
        before = page.next


def fields_of(question: Question) -> dict[str, object]:
    return {name: getattr(question, name) for name in Question.__dataclass_fields__}


def rows_of(found: Found) -> dict[str, list[tuple[object, ...]]]:
    tables = ("ledger_use", "ledger_use_name", "ledger_caller", "ledger_tally", "ledger_index")
    with found.database.engine.connect() as connection:
        return {
            table: sorted(map(repr, connection.execute(text(f"SELECT * FROM {table}")).all()))  # type: ignore[misc]  # noqa: S608
            for table in tables
        }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(key_uses, min_size=1, max_size=6), min_size=1, max_size=3), question=questions)
def test_a_question_finds_the_entries_that_match_newest_first_and_no_others(
    found: Found, batches: list[list[KeyUse]], question: Question
) -> None:
    for batch in batches:
        found.ledger.record(batch)
        found.search.follow()
    size = found.ledger.size()
    leaves = [leaf for start in range(0, size, 256) for leaf in found.ledger.entries(start, 256)]
    expected = [leaf.index for leaf in leaves if question.matches(leaf.use)][::-1]
    assert all_pages(found.search, question) == expected
    incremental = rows_of(found)
    found.search.rebuild()
    assert rows_of(found) == incremental
    assert found.search.confirm().size == size


def test_an_answer_that_is_behind_says_by_how_much(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    found.ledger.record(uses(MAX_HITS * 16 + 300))
    page = found.search.search(Question(limit=2))
    assert (page.reached.indexed, page.reached.behind) == (4096, 300)
    assert [leaf.index for leaf in page.leaves] == [4095, 4094]
    again = found.search.search(Question(limit=1))
    assert (again.leaves[0].index, again.reached.behind) == (4395, 0)


def test_a_key_made_exactly_so_many_signatures(found: Found) -> None:
    found.ledger.record([made(key="01KA"), made(key="01KB"), made(key="01KA", refused="key-retired")])
    found.ledger.record([made(key="01KA", seconds=86400)])
    figures, reached = found.search.figures(Span())
    assert [(each.key, each.signed, each.refused, each.first, each.last) for each in figures] == [
        ("01KA", 2, 1, 0, 3),
        ("01KB", 1, 0, 1, 1),
    ]
    assert reached.behind == 0
    assert found.search.confirm().figures == tuple(figures)
    assert [each.signed for each in found.search.figures(Span(key="01KA", since="2026-11-22"))[0]] == [1]


def test_uses_are_counted_by_what_is_asked_for(found: Found) -> None:
    found.ledger.record([made(authority="A"), made(authority="A"), made(refused="key-retired"), made(seconds=86400)])
    by_day, _ = found.search.counts([Grouping.DAY, Grouping.OUTCOME], Span())
    assert [(*each.group.values(), each.uses) for each in by_day] == [
        ("2026-11-21", "refused", 1),
        ("2026-11-21", "signed", 2),
        ("2026-11-22", "signed", 1),
    ]
    by_office, _ = found.search.counts([Grouping.AUTHORITY], Span(until="2026-11-21"))
    assert [(each.group["authority"], each.uses) for each in by_office] == [(None, 1), ("A", 2)]


def test_statistics_are_bounded(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trust.ledger.search.service.MAX_GROUPS", 2)
    found.ledger.record([made(key="01KA"), made(key="01KB")])
    assert len(found.search.counts([Grouping.KEY], Span())[0]) == 2
    found.ledger.record([made(key="01KC")])
    with pytest.raises(TooManyGroups):
        found.search.counts([Grouping.KEY], Span())
    with pytest.raises(TooManyGroups):
        found.search.figures(Span())


def test_a_count_that_was_changed_by_hand_is_named(found: Found) -> None:
    found.ledger.record([made(key="01KA"), made(key="01KB"), made(key="01KB")])
    found.search.follow()
    with found.database.write() as session:
        session.execute(text("UPDATE ledger_tally SET uses = 1 WHERE key = '01KB'"))
    with pytest.raises(LedgerBroken) as caught:
        found.search.confirm()
    assert caught.value.place == "key 01KB"
    found.search.rebuild()
    assert found.search.confirm().size == 3


def test_an_entry_that_is_none_stops_the_index_at_its_place(found: Found) -> None:
    found.ledger.record(uses(3))
    found.ledger_store.append([b"not an entry"])
    found.ledger.record(uses(2))
    with pytest.raises(LedgerBroken) as caught:
        found.search.follow()
    assert caught.value.place == "leaf 3"


def test_two_followers_index_each_entry_once(found: Found) -> None:
    other = LedgerSearch(found.store, found.ledger)
    for step in range(6):
        found.ledger.record(uses(3, start=3 * step))
        (found.search if step % 2 else other).follow()
    assert sum(each.signed for each in found.search.figures(Span())[0]) == 18
    assert found.search.confirm().size == 18


def test_a_batch_that_does_not_begin_where_the_index_ends_changes_nothing(found: Found) -> None:
    from trust.ledger.search.reading import Batch

    found.ledger.record(uses(5))
    assert not found.store.add(Batch(leaves=found.ledger.entries(1, 2)))
    assert found.store.add(Batch(leaves=found.ledger.entries(0, 2)))
    assert not found.store.add(Batch(leaves=found.ledger.entries(0, 2)))
    assert found.store.reached() == 2


def test_first_meetings_are_those_of_the_whole_ledger(found: Found) -> None:
    found.ledger.record([made(by="a"), made(by="b"), made(by="a", address="10.0.0.1"), made(by="b")])
    found.search.follow()
    firsts = [found.search.is_new("01KSEALINGKEY", MeetingKind.PRINCIPAL, "ab"[index % 2], index) for index in range(4)]
    assert firsts == [False, True, False, False]
    assert found.search.is_new("01KSEALINGKEY", MeetingKind.ADDRESS, "10.0.0.1", 2)


def test_names_that_postgresql_would_refuse_are_found_all_the_same(found: Found) -> None:
    found.ledger.record([made(document="a\0b"), made(document="a\ufffdb")])
    assert [leaf.index for leaf in found.search.search(Question(document="a\0b")).leaves] == [0]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": MAX_HITS + 1}, "limit"),
        ({"since": MOMENT.replace(tzinfo=None)}, "since"),
        ({"since": MOMENT, "until": MOMENT}, "until"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(members: dict[str, object], field: str) -> None:
    with pytest.raises(QuestionInvalid) as caught:
        Question(**members)  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize("day", ["2026-13-01", "20261121", "2026-11-21T00", ""])
def test_a_day_is_a_day(day: str) -> None:
    for name in ("since", "until"):
        with pytest.raises(QuestionInvalid):
            Span(**{name: day})


def test_limits_hold_from_below(found: Found) -> None:
    found.ledger.record(list(itertools.chain(uses(MAX_HITS + 1))))
    page = found.search.search(Question(limit=MAX_HITS))
    assert (len(page.leaves), page.next) == (MAX_HITS, 1)
