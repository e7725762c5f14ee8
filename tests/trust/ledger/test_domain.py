"""Leaves and checkpoints have one spelling each."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import MOMENT
from tests.trust.ledger.building import ORIGIN, use
from trust.kernel.algorithms import Algorithm
from trust.keys import KeyPurpose, KeyRef, KeyUse, UseContext, UseOutcome
from trust.ledger.domain import (
    MAX_LEAF_BYTES,
    MAX_ORIGIN_CHARACTERS,
    Checkpoint,
    encode_moment,
    encode_use,
    moment_of,
    parse_checkpoint,
    parse_use,
)
from trust.ledger.errors import CheckpointMalformed, EntryMalformed, EntryRefused

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
moments = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC))
key_uses = st.builds(
    KeyUse,
    at=moments,
    key=texts.map(KeyRef),
    algorithm=st.none() | st.sampled_from(Algorithm),
    purpose=st.sampled_from(KeyPurpose),
    digest=st.binary(min_size=32, max_size=32).map(bytes.hex),
    context=st.builds(
        UseContext,
        principal=texts,
        why=texts,
        document=st.none() | texts,
        authority=st.none() | texts,
        act=st.lists(texts, max_size=4).map(tuple),
        address=st.none() | texts,
    ),
    outcome=st.sampled_from(UseOutcome),
    reason=st.none() | texts,
)


@given(key_uses)
def test_a_leaf_reads_back_as_the_same_use(value: KeyUse) -> None:
    assert parse_use(encode_use(value)) == value


def test_the_bytes_of_a_leaf_are_fixed() -> None:
    acting = replace(
        use(1).context, act=("operator:li", "system:desk"), address="203.0.113.9", authority="11320100MB1234567X"
    )
    assert encode_use(replace(use(1), context=acting)) == (
        '{"act":["operator:li","system:desk"],"address":"203.0.113.9","algorithm":"SM2-SM3",'
        '"at":"2026-11-21T08:00:00.000000Z","authority":"11320100MB1234567X",'
        '"digest":"' + "0" * 63 + '1","document":"1.2.156.3005.2","key":"01KSEALINGKEY","outcome":"signed",'
        '"principal":"client:food-office","purpose":"sealing","reason":null,"v":2,"why":"issue certificate"}'
    ).encode("ascii")


FIRST_VERSION = (
    '{"algorithm":"SM2-SM3","at":"2026-11-21T08:00:00.000000Z",'
    '"digest":"' + "0" * 63 + '1","document":"1.2.156.3005.2","key":"01KSEALINGKEY","outcome":"signed",'
    '"principal":"client:food-office","purpose":"sealing","reason":null,"v":1,"why":"issue certificate"}'
).encode("ascii")


def test_a_leaf_of_the_first_version_is_read_as_it_was_written() -> None:
    assert parse_use(FIRST_VERSION) == use(1)
    assert moment_of(FIRST_VERSION) == "2026-11-21T08:00:00.000000Z"


@pytest.mark.parametrize("change", [{"act": []}, {"address": None}, {"authority": "a"}, {"v": 2}, {"v": True}])
def test_a_leaf_of_the_first_version_has_no_member_of_the_second(change: dict[str, object]) -> None:
    members = json.loads(FIRST_VERSION) | change
    with pytest.raises(EntryMalformed):
        parse_use(json.dumps(members, sort_keys=True, separators=(",", ":")).encode())


@given(key_uses)
def test_the_moment_is_found_without_parsing(value: KeyUse) -> None:
    assert moment_of(encode_use(value)) == encode_moment(value.at)


def test_other_bytes_have_no_moment() -> None:
    assert moment_of(b"not a use") is None


def test_the_moment_of_a_leaf_is_in_utc() -> None:
    local = MOMENT.astimezone(timezone(timedelta(hours=8)))
    assert encode_use(replace(use(), at=local)) == encode_use(use())


def test_a_leaf_at_the_limit_is_written_and_one_above_is_refused() -> None:
    spare = MAX_LEAF_BYTES - len(encode_use(use(why="")))
    assert len(encode_use(use(why="x" * spare))) == MAX_LEAF_BYTES
    with pytest.raises(EntryRefused) as caught:
        encode_use(use(why="x" * (spare + 1)))
    assert caught.value.code == "ledger-entry-refused"


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(EntryRefused):
        encode_use(use(why="\ud800"))


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_raise_our_error(data: bytes) -> None:
    with pytest.raises(EntryMalformed):
        parse_use(data)
    with pytest.raises(CheckpointMalformed):
        parse_checkpoint(data)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 1},
        {"v": 3},
        {"v": 2.0},
        {"act": "operator:li"},
        {"act": [1]},
        {"act": None},
        {"address": 1},
        {"authority": ["a"]},
        {"document": 5},
        {"extra": 1},
        {"at": "2026-11-21"},
        {"at": None},
        {"at": "2026-11-21T08:00:00.0Z"},
        {"purpose": "fun"},
        {"key": 7},
        {"why": None},
        {"algorithm": "RSA"},
        {"algorithm": ["SM2-SM3"]},
        {"outcome": ""},
        {"why": "\ud800"},
        {"document": "x" * 5000},
    ],
)
def test_a_leaf_of_another_shape_is_refused(change: dict[str, object]) -> None:
    members = json.loads(encode_use(use())) | change
    with pytest.raises(EntryMalformed) as caught:
        parse_use(json.dumps(members, sort_keys=True, separators=(",", ":")).encode())
    assert caught.value.code == "ledger-entry-malformed"


def test_a_leaf_in_another_spelling_is_refused() -> None:
    with pytest.raises(EntryMalformed):
        parse_use(encode_use(use()).replace(b'"v":2', b'"v": 2'))
    with pytest.raises(EntryMalformed):
        parse_use(b"[" * 100_000)
    with pytest.raises(EntryMalformed):
        parse_use(b"7")


@given(size=st.integers(0, 2**63 - 1), root=st.binary(min_size=32, max_size=32), at=moments)
def test_a_checkpoint_reads_back(size: int, root: bytes, at: datetime) -> None:
    checkpoint = Checkpoint(origin=ORIGIN, size=size, root=root, at=at)
    assert parse_checkpoint(checkpoint.body) == checkpoint


def test_the_body_of_a_checkpoint_is_the_tlog_form() -> None:
    body = Checkpoint(origin=ORIGIN, size=20, root=bytes(32), at=MOMENT).body
    assert body.decode() == (
        "ledger.example/yinxin\n20\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\ntime 2026-11-21T08:00:00.000000Z\n"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n20\n", b"\n020\n"),
        (b"\n20\n", b"\n-1\n"),
        (b"\n20\n", "\n２０\n".encode()),
        (b"ledger.", b"led ger."),
        (b"AAA=", b"AA=="),
        (b"AAA=", b"AAB="),
        (b"time ", b"when "),
        (b".000000Z", b"Z"),
        (b"Z\n", b"Z"),
        (b"Z\n", b"Z\n\n"),
    ],
)
def test_a_checkpoint_in_another_spelling_is_refused(old: bytes, new: bytes) -> None:
    body = Checkpoint(origin=ORIGIN, size=20, root=bytes(32), at=MOMENT).body
    with pytest.raises(CheckpointMalformed) as caught:
        parse_checkpoint(body.replace(old, new))
    assert caught.value.code == "checkpoint-malformed"


@pytest.mark.parametrize(
    "change", [{"origin": ""}, {"origin": "x" * 201}, {"origin": "两"}, {"size": -1}, {"root": b""}]
)
def test_a_checkpoint_is_parsed_on_construction(change: dict[str, object]) -> None:
    with pytest.raises(CheckpointMalformed):
        replace(Checkpoint(origin=ORIGIN, size=20, root=bytes(32), at=MOMENT), **change)  # type: ignore[arg-type]


def test_the_longest_origin_is_accepted() -> None:
    longest = Checkpoint(origin="x" * MAX_ORIGIN_CHARACTERS, size=20, root=bytes(32), at=MOMENT)
    assert parse_checkpoint(longest.body) == longest
    assert MAX_ORIGIN_CHARACTERS == 200
