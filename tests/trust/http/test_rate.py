import pytest
from flask import Flask

from tests.fakes import FixedClock
from trust.http.rate import RateLimiter, client_address
from trust.kernel.errors import RateLimited


def admitted(limiter: RateLimiter, key: str, tries: int) -> int:
    count = 0
    for _ in range(tries):
        try:
            limiter.admit(key)
        except RateLimited:
            continue
        count += 1
    return count


def test_the_limit_holds_from_both_sides() -> None:
    limiter = RateLimiter(6, FixedClock())
    assert admitted(limiter, "a", 6) == 6
    assert admitted(limiter, "a", 1) == 0


def test_keys_do_not_share() -> None:
    limiter = RateLimiter(2, FixedClock())
    assert admitted(limiter, "a", 5) == 2
    assert admitted(limiter, "b", 5) == 2


def test_tokens_come_back_evenly_and_never_beyond_the_burst() -> None:
    clock = FixedClock()
    limiter = RateLimiter(6, clock)
    admitted(limiter, "a", 6)
    clock.advance(seconds=10)
    assert admitted(limiter, "a", 5) == 1
    clock.advance(hours=5)
    assert admitted(limiter, "a", 50) == 6


def test_the_refusal_says_when_to_return() -> None:
    limiter = RateLimiter(6, FixedClock())
    admitted(limiter, "a", 6)
    with pytest.raises(RateLimited) as refusal:
        limiter.admit("a")
    assert refusal.value.facts["retry_after_seconds"] == 10


def test_memory_is_bounded_and_the_longest_unused_key_is_forgotten() -> None:
    limiter = RateLimiter(1, FixedClock(), max_keys=2)
    assert [admitted(limiter, key, 1) for key in "aba"] == [1, 1, 0]
    assert admitted(limiter, "c", 1) == 1
    assert admitted(limiter, "a", 1) == 0, "a was used after b"
    assert admitted(limiter, "b", 1) == 1, "b was forgotten"


def test_a_clock_that_goes_back_gives_nothing() -> None:
    clock = FixedClock()
    limiter = RateLimiter(1, clock)
    admitted(limiter, "a", 1)
    clock.advance(hours=-1)
    assert admitted(limiter, "a", 1) == 0


@pytest.mark.parametrize(
    ("peer", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a:b", "a:b"),
        ("", "unknown"),
    ],
)
def test_an_address_counts_by_what_one_subscriber_holds(peer: str, key: str) -> None:
    with Flask(__name__).test_request_context(environ_base={"REMOTE_ADDR": peer}):
        assert client_address() == key
