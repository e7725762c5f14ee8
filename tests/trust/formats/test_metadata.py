import contextlib
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.formats.metadata import METADATA_MAX, Metadata, MetadataMalformed, parse_metadata
from trust.kernel.errors import TrustError
from trust.kernel.identifiers import CertificateIdentifier, Uscc

ISSUER = Uscc(value="11100000000013338W")
IDENTIFIER = CertificateIdentifier.build("11100000000013338W011", ISSUER, "000000001")
METADATA = Metadata(
    name="食品经营许可证",
    type_name="食品经营许可证",
    type_code=IDENTIFIER.type_code,
    number="JY10000000000001",
    identifier=IDENTIFIER,
    authority="演示市场监督管理局",
    authority_code=ISSUER,
    issued_on=date(2026, 11, 21),
    valid_from=date(2026, 11, 21),
    valid_to=date(2031, 11, 20),
    holder_name="𠮷祥饮食有限公司",
    holder_code="91000000MA00000900",
    holder_code_type="001",
    extensions={"KZ_ZS": "某街1号"},
)


def changed(**members: object) -> bytes:
    values = json.loads(METADATA.encode_metadata()) | members
    return json.dumps({name: value for name, value in values.items() if value is not None}).encode()


def test_metadata_comes_back_as_it_went_in() -> None:
    assert parse_metadata(METADATA.encode_metadata()) == METADATA


def test_a_certificate_without_an_end_has_no_end_date() -> None:
    endless = replace(METADATA, valid_to=None)
    assert b"ZZYXQJZRQ" not in endless.encode_metadata()
    assert parse_metadata(endless.encode_metadata()) == endless


def test_the_short_names_are_those_of_the_standard() -> None:
    values = json.loads(METADATA.encode_metadata())
    assert values["ZZBS"] == IDENTIFIER.value
    assert values["CZZTDMLX"] == "统一社会信用代码"
    assert values["ZZYXQQSRQ"] == "2026-11-21"
    assert values["KZ_ZS"] == "某街1号"


def test_the_same_metadata_is_the_same_bytes() -> None:
    assert METADATA.encode_metadata() == replace(METADATA).encode_metadata()


def test_the_holder_is_not_in_the_repr() -> None:
    assert METADATA.holder_name not in repr(METADATA)
    assert METADATA.holder_code not in repr(METADATA)


BAD: list[tuple[str, bytes, str, str | None]] = [
    ("not utf-8", b"\xff", "metadata-malformed", None),
    ("not json", b"{", "metadata-malformed", None),
    ("nested a million deep", b"[" * 60_000, "metadata-malformed", None),
    ("a number of 5000 digits", b'{"ZZMC":' + b"1" * 5000 + b"}", "metadata-malformed", None),
    ("not an object", b"[]", "metadata-malformed", None),
    ("over the limit", b" " * (METADATA_MAX + 1), "metadata-malformed", None),
    ("a name twice", b'{"ZZMC":"a","ZZMC":"b"}', "metadata-malformed", None),
    ("missing", changed(ZZBH=None), "metadata-malformed", "ZZBH"),
    ("empty", changed(ZZBH=""), "metadata-malformed", None),
    ("too long a value", changed(ZZBH="1" * 4097), "metadata-malformed", None),
    ("a number", changed(ZZBH=1), "metadata-malformed", None),
    ("unknown name", changed(XX="1"), "metadata-malformed", "KZ_"),
    ("a date that does not exist", changed(ZZBFRQ="2026-02-30"), "metadata-malformed", "ZZBFRQ"),
    ("a date in another form", changed(ZZBFRQ="20261121"), "metadata-malformed", "ZZBFRQ"),
    ("a holder kind that does not exist", changed(CZZTDMLXDM="777"), "metadata-malformed", "CZZTDMLXDM"),
    ("another type than the identifier's", changed(ZZLXDM="11100000000013338W012"), "metadata-malformed", "ZZLXDM"),
    ("another issuer than the identifier's", changed(ZZBFJGDM="91350100M000100Y43"), "metadata-malformed", "ZZBFJGDM"),
    ("a wrong identifier", changed(ZZBS=IDENTIFIER.value[:-1] + "0"), "certificate-identifier-check", "ZZBS"),
    ("a wrong credit code", changed(ZZBFJGDM="11100000000013338X"), "uscc-check", "ZZBFJGDM"),
]


@pytest.mark.parametrize(("data", "code", "field"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_each_fault_has_its_code(data: bytes, code: str, field: str | None) -> None:
    with pytest.raises(TrustError) as caught:
        parse_metadata(data)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_a_value_and_a_file_exactly_at_the_limit_are_read() -> None:
    data = changed(KZ_A="x" * 4096)
    assert parse_metadata(data + b" " * (METADATA_MAX - len(data))).extensions["KZ_A"] == "x" * 4096


def test_an_extension_is_named_with_the_prefix() -> None:
    with pytest.raises(MetadataMalformed):
        replace(METADATA, extensions={"ZS": "1"})


@given(st.binary(max_size=200))
def test_any_bytes_raise_only_our_errors(data: bytes) -> None:
    with contextlib.suppress(TrustError):
        parse_metadata(data)


json_values: Any = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)


@given(st.dictionaries(st.sampled_from([*json.loads(METADATA.encode_metadata()), "KZ_X"]), json_values))
def test_any_changed_members_raise_only_our_errors(members: dict[str, object]) -> None:
    with contextlib.suppress(TrustError):
        parse_metadata(changed(**members))
