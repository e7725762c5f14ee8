"""A register that does not answer is asked less and less, and never takes the threads that other people wait for."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from sso.accounts.breaker import FAILURES_MAX, REST, Breaker
from sso.accounts.domain import ProofingLevel
from sso.accounts.errors import ProofingAnswerUnreadable, ProofingSourceResting, ProofingSourceUnavailable
from sso.accounts.ports import Claims, Outcome, SourceName
from sso.accounts.source_transport import RawAnswer
from sso.accounts.sources import Authentication, HttpSource, SourceSecret
from tests.fakes import CountingRandomness, FixedClock
from tests.sso.accounts.world import NAME, RESIDENT

CLAIMS = Claims(name=NAME)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def breaker(clock: FixedClock) -> Breaker:
    return Breaker("population-register", clock)


def ask(breaker: Breaker, error: Exception | None = None) -> None:
    with breaker.asking():
        if error is not None:
            raise error


def fail(breaker: Breaker, times: int = FAILURES_MAX) -> None:
    for _ in range(times):
        with pytest.raises(ProofingSourceUnavailable):
            ask(breaker, ProofingSourceUnavailable())


def rests(breaker: Breaker) -> bool:
    try:
        ask(breaker)
    except ProofingSourceResting:
        return True
    return False


def test_it_rests_after_as_many_failures_in_a_row_and_not_before(breaker: Breaker) -> None:
    fail(breaker, FAILURES_MAX - 1)
    ask(breaker)
    fail(breaker, FAILURES_MAX - 1)
    assert not rests(breaker)
    with capture_logs() as lines:
        fail(breaker)
    assert [line["event"] for line in lines] == ["proofing-source-rests"]
    assert rests(breaker)


def test_who_is_turned_away_is_told_how_long(breaker: Breaker, clock: FixedClock) -> None:
    fail(breaker)
    clock.advance(seconds=1.5)
    with pytest.raises(ProofingSourceResting) as caught:
        ask(breaker)
    assert caught.value.code == "proofing-source-resting"
    assert caught.value.facts["retry_after_seconds"] == REST.total_seconds() - 1


def test_one_question_tries_it_out_when_the_rest_is_over_and_the_others_wait(
    breaker: Breaker, clock: FixedClock
) -> None:
    fail(breaker)
    clock.moment += REST - timedelta(microseconds=1)
    assert rests(breaker)
    clock.moment += timedelta(microseconds=1)
    with breaker.asking():
        assert rests(breaker)
    assert not rests(breaker)


def test_a_trial_without_an_answer_lets_it_rest_again_in_full(breaker: Breaker, clock: FixedClock) -> None:
    fail(breaker)
    clock.moment += REST
    fail(breaker, 1)
    clock.moment += REST - timedelta(microseconds=1)
    assert rests(breaker)
    clock.moment += timedelta(microseconds=1)
    assert not rests(breaker)


def test_a_trial_that_was_lost_is_followed_by_another(breaker: Breaker, clock: FixedClock) -> None:
    fail(breaker)
    clock.moment += REST
    with pytest.raises(KeyboardInterrupt), breaker.asking():
        raise KeyboardInterrupt
    assert rests(breaker)
    clock.moment += REST
    assert not rests(breaker)


def test_an_answer_that_cannot_be_read_was_an_answer(breaker: Breaker) -> None:
    for _ in range(FAILURES_MAX * 2):
        with pytest.raises(ProofingAnswerUnreadable):
            ask(breaker, ProofingAnswerUnreadable())
    assert not rests(breaker)


class DeadPost:
    """An address that answers 503, and counts."""

    path = "/"

    def __init__(self) -> None:
        self.asked = 0

    def send(self, body: bytes, headers: object) -> RawAnswer:
        self.asked += 1
        return RawAnswer(status=503, headers={}, body=b"")


def test_a_source_that_rests_is_not_asked(clock: FixedClock) -> None:
    post = DeadPost()
    source = HttpSource(
        SourceName.POPULATION,
        post,
        secret=SourceSecret("x" * 32),
        authentication=Authentication.BEARER,
        ceiling=ProofingLevel.TWO_ELEMENT_MATCH,
        stamps=(clock, CountingRandomness()),
    )
    outcomes: list[Outcome] = []
    for _ in range(FAILURES_MAX + 5):
        with pytest.raises(ProofingSourceUnavailable):
            outcomes.append(source.compare(RESIDENT, CLAIMS))
    assert (post.asked, outcomes) == (FAILURES_MAX, [])
