from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.seals.independent import SESeal, seal_signature_is_right
from trust.formats import der
from trust.formats.der_reader import DerReader
from trust.formats.ses import (
    MAX_EXTENSIONS,
    MAX_LISTED,
    MAX_SEAL_BYTES,
    SealExtension,
    SealInfo,
    SealMalformed,
    SealPicture,
    SealTooLarge,
    SealVersionUnsupported,
    X509Digest,
    assemble_seal,
    build_seal_info,
    parse_seal,
)
from trust.kernel.errors import TrustError

VECTORS = Path(__file__).parents[2] / "vectors" / "ofdrw"
V4 = (VECTORS / "UserV4.esl").read_bytes()
START = datetime(2026, 1, 1, tzinfo=UTC)

moments = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(lambda d: d.replace(microsecond=0, tzinfo=UTC))
ascii_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)
oids = st.tuples(st.integers(0, 2), st.integers(0, 39), st.integers(0, 2**40)).map(
    lambda arcs: ".".join(map(str, arcs))
)
listed = st.one_of(
    st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4).map(lambda x: {"signer_x509s": tuple(x)}),
    st.lists(st.builds(X509Digest, type=ascii_text, value=st.binary(max_size=32)), min_size=1, max_size=4).map(
        lambda x: {"signer_digests": tuple(x)}
    ),
)


@st.composite
def infos(draw: st.DrawFn) -> SealInfo:
    start = draw(moments)
    return SealInfo(
        vendor=draw(ascii_text),
        seal_id=draw(ascii_text),
        kind=draw(st.integers(0, 2**31)),
        name=draw(st.text(min_size=1, max_size=30)),
        created=start,
        valid_from=start,
        valid_until=start + timedelta(seconds=draw(st.integers(1, 10**8))),
        picture=SealPicture(kind="PNG", data=draw(st.binary(min_size=1, max_size=400)), width_mm=42, height_mm=42),
        extensions=tuple(
            draw(
                st.lists(
                    st.builds(SealExtension, oid=oids, critical=st.booleans(), value=st.binary(max_size=9)), max_size=3
                )
            )
        ),
        **draw(listed),
    )


def info(**changes: object) -> SealInfo:
    picture = SealPicture(kind="PNG", data=b"picture", width_mm=42, height_mm=42)
    plain = SealInfo(
        vendor="yinxin",
        seal_id="S1",
        kind=1,
        name="示例市",
        signer_x509s=(b"x509",),
        created=START,
        valid_from=START,
        valid_until=START + timedelta(days=1),
        picture=picture,
    )
    return replace(plain, **changes)


def seal(built: SealInfo) -> bytes:
    return assemble_seal(build_seal_info(built), b"maker", b"value")


def test_third_party_v4_seal_is_read() -> None:
    read = parse_seal(V4)
    assert read.info.vendor == "OFDR&WTest"
    assert read.info.name == "OFD R&W 测试用印章"
    assert read.info.valid_until == datetime(2022, 4, 22, 2, 9, tzinfo=UTC)
    assert read.info.picture.kind == "PNG"
    assert (read.info.picture.width_mm, read.info.picture.height_mm) == (40, 40)
    assert len(read.info.signer_x509s) == 1
    assert read.signature_oid == "1.2.156.10197.1.501"
    assert read.info_der in V4


def test_third_party_v4_seal_is_rebuilt_to_the_same_bytes() -> None:
    read = parse_seal(V4)
    assert build_seal_info(read.info) == read.info_der
    assert assemble_seal(read.info_der, read.maker_x509, read.signature) == V4


def test_third_party_value_is_right_by_independent_code_over_the_bytes_that_came() -> None:
    assert seal_signature_is_right(V4)
    assert SESeal.load(V4)["info"].dump() == parse_seal(V4).info_der


@pytest.mark.parametrize(
    ("name", "named"), [("UserV1", "0031-2014"), ("UserV5", "version 5"), ("UserV5_ts", "version 5")]
)
def test_other_editions_are_named_and_refused(name: str, named: str) -> None:
    with pytest.raises(SealVersionUnsupported) as caught:
        parse_seal((VECTORS / f"{name}.esl").read_bytes())
    assert caught.value.code == "seal-version-unsupported"
    assert named in caught.value.detail


@given(infos())
def test_what_is_built_is_read_back_the_same(built: SealInfo) -> None:
    encoded = seal(built)
    read = parse_seal(encoded)
    assert read.info == built
    assert read.info_der == build_seal_info(built)
    assert (read.maker_x509, read.signature, read.der) == (b"maker", b"value", encoded)


@given(infos().filter(lambda built: bool(built.signer_x509s)))
def test_what_is_built_is_what_asn1crypto_reads(built: SealInfo) -> None:
    read = SESeal.load(seal(built), strict=True)
    assert read.dump(force=True) == seal(built)
    assert read["info"]["property"]["name"].native == built.name
    assert read["info"]["property"]["valid_end"].native == built.valid_until


def test_explicit_false_of_critical_is_read_and_kept_in_the_signed_bytes() -> None:
    def rewritten(critical: bytes) -> bytes:
        plain = build_seal_info(info())
        body = DerReader(plain).element(der.SEQUENCE).content
        entry = der.encode(der.SEQUENCE, der.encode_oid("1.2.3"), critical, der.encode(der.OCTET_STRING, b"v"))
        return der.encode(der.SEQUENCE, body, der.encode(der.SEQUENCE, entry))

    for critical, value in ((b"", False), (b"\x01\x01\x00", False), (b"\x01\x01\xff", True)):
        read = parse_seal(assemble_seal(rewritten(critical), b"maker", b"value"))
        assert read.info.extensions == (SealExtension(oid="1.2.3", critical=value, value=b"v"),)
        assert read.info_der == rewritten(critical)
    with pytest.raises(SealMalformed):
        parse_seal(assemble_seal(rewritten(b"\x01\x01\x01"), b"maker", b"value"))


@given(st.binary(max_size=300))
def test_any_bytes_raise_only_our_errors(data: bytes) -> None:
    with pytest.raises(TrustError):
        parse_seal(data)


@settings(max_examples=300)
@given(infos(), st.data())
def test_any_altered_byte_is_refused_or_changes_what_is_read(built: SealInfo, data: st.DataObject) -> None:
    encoded = seal(built)
    at = data.draw(st.integers(0, len(encoded) - 1))
    changed = bytearray(encoded)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        read = parse_seal(bytes(changed))
    except TrustError:
        return
    original = parse_seal(encoded)
    assert (read.info_der, read.maker_x509, read.signature_oid, read.signature) != (
        original.info_der,
        original.maker_x509,
        original.signature_oid,
        original.signature,
    )


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        V4[:-1],
        V4 + b"\x00",
        V4.replace(b"\x16\x02ES", b"\x16\x02EX", 1),
        V4.replace(b"20200422020900Z", b"20201322020900Z", 1),
        V4.replace(b"20220422020900Z", b"20190422020900Z", 1),
        V4.replace(b"20220422020900Z", b"2022042202090.Z", 1),
    ],
)
def test_damaged_seals_are_malformed(damaged: bytes) -> None:
    with pytest.raises(SealMalformed) as caught:
        parse_seal(damaged)
    assert caught.value.code == "seal-malformed"


@pytest.mark.parametrize(
    "length", [b"\x80", b"\x81\x05", b"\x82\x00\x05", b"\x85\x00\x00\x00\x00\x05", b"\x84\xff\xff\xff\xff", b"\x84\x01"]
)
def test_lengths_are_definite_shortest_and_inside(length: bytes) -> None:
    with pytest.raises(SealMalformed):
        parse_seal(b"\x30" + length + b"12345")


@pytest.mark.parametrize(
    ("encoded", "read"),
    [
        (b"\x02\x02\x00\x01", DerReader.integer),
        (b"\x02\x01\xff", DerReader.integer),
        (b"\x02\x00", DerReader.integer),
        (b"\x02\x09" + b"\x01" * 9, DerReader.integer),
        (b"\x03\x02\x01\xfe", DerReader.bit_string),
        (b"\x06\x02\x80\x01", DerReader.oid),
        (b"\x06\x02\x2a\x81", DerReader.oid),
        (b"\x06\x41" + b"\x2a" * 65, DerReader.oid),
        (b"\x06\x00", DerReader.oid),
    ],
)
def test_elements_that_are_no_der_are_refused(encoded: bytes, read: object) -> None:
    with pytest.raises(der.DerMalformed):
        read(DerReader(encoded))  # type: ignore[operator]


def test_the_size_limit_holds_from_both_sides() -> None:
    room = MAX_SEAL_BYTES - len(
        seal(info(picture=SealPicture(kind="PNG", data=b"x" * 900_000, width_mm=1, height_mm=1)))
    )
    fits = SealPicture(kind="PNG", data=b"x" * (900_000 + room), width_mm=1, height_mm=1)
    assert len(seal(info(picture=fits))) == MAX_SEAL_BYTES
    parse_seal(seal(info(picture=fits)))
    with pytest.raises(SealTooLarge) as caught:
        seal(info(picture=replace(fits, data=fits.data + b"x")))
    assert caught.value.code == "seal-too-large"
    with pytest.raises(SealTooLarge):
        parse_seal(bytes(MAX_SEAL_BYTES + 1))


def test_list_limits_hold_from_both_sides() -> None:
    parse_seal(seal(info(signer_x509s=(b"x",) * MAX_LISTED)))
    with pytest.raises(SealTooLarge):
        info(signer_x509s=(b"x",) * (MAX_LISTED + 1))
    extension = SealExtension(oid="1.2.3", critical=False, value=b"")
    parse_seal(seal(info(extensions=(extension,) * MAX_EXTENSIONS)))
    with pytest.raises(SealTooLarge):
        info(extensions=(extension,) * (MAX_EXTENSIONS + 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"seal_id": ""},
        {"name": ""},
        {"signer_x509s": ()},
        {"signer_digests": (X509Digest(type="SM3", value=b"d"),)},
        {"valid_until": START},
    ],
)
def test_senseless_seals_cannot_be_expressed(changes: dict[str, object]) -> None:
    with pytest.raises(SealMalformed):
        info(**changes)


def test_ascii_fields_refuse_other_text() -> None:
    with pytest.raises(SealMalformed):
        build_seal_info(info(seal_id="印"))
