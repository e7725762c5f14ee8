from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import CountingRandomness, FixedClock
from trust.kernel.encoding import base64url, canonical_json
from trust.kernel.ids import new_id, sortable_id


def test_the_published_ulid_example_is_reproduced():
    # ULID specification: 01ARYZ6S41TSV4RRFFQ69G5FAV carries 1469918176385 ms
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1469918176385)
    assert sortable_id(moment, bytes(10)).startswith("01ARYZ6S41")


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(1, 10**9))
def test_later_ids_sort_later(moment, milliseconds):
    moment = moment.replace(tzinfo=UTC)
    later = moment + timedelta(milliseconds=milliseconds)
    assert sortable_id(moment, b"\xff" * 10) < sortable_id(later, bytes(10))


def test_ids_of_one_moment_differ():
    clock, randomness = FixedClock(), CountingRandomness()
    assert len({new_id(clock, randomness) for _ in range(100)}) == 100


def test_canonical_json_is_the_same_for_the_same_value():
    assert canonical_json({"b": 1, "a": "证"}) == '{"a":"证","b":1}'.encode()


def test_base64url_has_no_padding():
    assert base64url(b"\xff\xfe\xfd\xfc") == "__79_A"
