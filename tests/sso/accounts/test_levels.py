"""The arithmetic of levels, as properties."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sso.accounts import levels
from sso.accounts.domain import Evidence, ProofingLevel
from tests.sso.accounts.world import TODAY

LEVELS = st.sampled_from(ProofingLevel)
DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2040, 1, 1))


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    return Evidence(
        id="E",
        person="P",
        source="counter",
        level=draw(LEVELS),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        document_expires=draw(st.none() | DAYS),
        name_version=draw(st.integers(1, 2)),
    )


PIECES = st.lists(evidence(), max_size=6)


def level(pieces: list[Evidence], today: date = TODAY) -> ProofingLevel:
    return levels.standing(pieces, name_version=1, today=today).level


@given(LEVELS, LEVELS)
def test_a_ceiling_is_never_exceeded_and_never_lifts(given_level: ProofingLevel, ceiling: ProofingLevel) -> None:
    assert levels.capped(given_level, ceiling) <= ceiling
    assert levels.capped(given_level, ceiling) <= given_level
    assert levels.capped(levels.capped(given_level, ceiling), ceiling) == levels.capped(given_level, ceiling)


@given(PIECES, DAYS)
def test_sources_never_add_up_beyond_the_highest_of_them(pieces: list[Evidence], today: date) -> None:
    assert level(pieces, today) <= max((piece.level for piece in pieces), default=ProofingLevel.SELF_ASSERTED)


@given(PIECES, evidence(), DAYS)
def test_more_evidence_never_lowers_a_level(pieces: list[Evidence], more: Evidence, today: date) -> None:
    assert level([*pieces, more], today) >= level(pieces, today)


@given(PIECES, DAYS, st.integers(0, 5000))
def test_time_never_raises_a_level(pieces: list[Evidence], today: date, days: int) -> None:
    assert level(pieces, today + timedelta(days=days)) <= level(pieces, today)


@given(PIECES)
def test_the_order_of_evidence_does_not_matter(pieces: list[Evidence]) -> None:
    assert level(pieces) == level(pieces[::-1])


@given(PIECES, DAYS)
def test_evidence_for_a_former_name_gives_nothing(pieces: list[Evidence], today: date) -> None:
    assert levels.standing(pieces, name_version=3, today=today).level is ProofingLevel.SELF_ASSERTED


@given(evidence())
def test_an_expired_document_shows_two_elements_at_most(piece: Evidence) -> None:
    expires = piece.document_expires
    if expires is not None:
        assert levels.counted(piece, today=expires) is piece.level
        after = levels.counted(piece, today=expires + timedelta(days=1))
        assert after == min(piece.level, ProofingLevel.TWO_ELEMENT_MATCH)


@given(PIECES, DAYS)
def test_the_level_holds_until_the_day_that_is_named(pieces: list[Evidence], today: date) -> None:
    found = levels.standing(pieces, name_version=1, today=today)
    if found.document_expires is not None and found.document_expires >= today:
        assert level(pieces, found.document_expires) == found.level
    if found.document_expires is None:
        assert level(pieces, date(2090, 1, 1)) == found.level
