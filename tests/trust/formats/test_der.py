import pytest
from asn1crypto import core
from hypothesis import given, settings
from hypothesis import strategies as st

from trust.formats import der
from trust.formats.der import DerMalformed, read_first, read_only, read_strict

ARCS = st.tuples(st.integers(0, 2), st.integers(0, 39)).flatmap(
    lambda head: st.lists(st.integers(0, 1 << 40), max_size=8).map(lambda rest: (*head, *rest))
)


@settings(deadline=None)
@given(st.integers(-(1 << 200), 1 << 200))
def test_integers_equal_those_of_asn1crypto_and_come_back(value: int) -> None:
    encoded = der.encode_integer(value)
    assert encoded == core.Integer(value).dump()
    assert der.read_integer(read_strict(encoded)) == value


@settings(deadline=None)
@given(ARCS)
def test_object_identifiers_equal_those_of_asn1crypto_and_come_back(arcs: tuple[int, ...]) -> None:
    dotted = ".".join(map(str, arcs))
    encoded = der.encode_oid(dotted)
    assert encoded == core.ObjectIdentifier(dotted).dump()
    assert der.read_oid(read_strict(encoded)) == dotted


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths_equal_those_of_asn1crypto(size: int) -> None:
    content = bytes(size)
    encoded = der.encode(der.OCTET_STRING, content)
    assert encoded == core.OctetString(content).dump()
    assert read_strict(encoded).content == content


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("", id="empty"),
        pytest.param("30", id="no length"),
        pytest.param("3080020101 0000", id="indefinite length"),
        pytest.param("048101ff", id="long form for a short length"),
        pytest.param("04820001ff", id="length with a leading zero"),
        pytest.param("0485000000000100", id="length of five octets"),
        pytest.param("0402ff", id="cut content"),
        pytest.param("0401ff00", id="trailing byte"),
        pytest.param("1f8101 00", id="tag of two octets"),
        pytest.param("0000", id="end of contents"),
        pytest.param("010101", id="boolean 01"),
        pytest.param("0100", id="empty boolean"),
        pytest.param("0200", id="empty integer"),
        pytest.param("02020001", id="padded integer"),
        pytest.param("0202ff80", id="padded negative integer"),
        pytest.param("0300", id="bit string without its first octet"),
        pytest.param("030208ff", id="eight unused bits"),
        pytest.param("030201ff", id="unused bits that are set"),
        pytest.param("030101", id="unused bits of nothing"),
        pytest.param("050100", id="null with content"),
        pytest.param("0600", id="empty identifier"),
        pytest.param("06022a80", id="identifier that does not end"),
        pytest.param("06032a8001", id="padded arc"),
        pytest.param("0602802a", id="padded first arc"),
        pytest.param("170b 3236313132313038303030 30", id="time without seconds and zone"),
        pytest.param("2403040101", id="string in parts"),
        pytest.param("1000", id="primitive sequence"),
        pytest.param("30030101 01", id="fault inside"),
    ],
)
def test_what_is_not_the_one_der_form_is_refused(data: str) -> None:
    with pytest.raises(DerMalformed) as caught:
        read_strict(bytes.fromhex(data))
    assert caught.value.code == "der-malformed"


def test_nesting_is_bounded_from_both_sides() -> None:
    data = der.encode(der.SEQUENCE)
    for _ in range(der.MAX_DEPTH - 1):
        data = der.encode(der.SEQUENCE, data)
    read_strict(data)
    with pytest.raises(DerMalformed, match="nested"):
        read_strict(der.encode(der.SEQUENCE, data))


def test_first_element_leaves_what_follows() -> None:
    assert read_first(b"\x04\x01\xff\x00\x00").encoded == b"\x04\x01\xff"
    with pytest.raises(DerMalformed):
        read_only(b"\x04\x01\xff\x00\x00")


def test_another_tag_than_expected_is_refused() -> None:
    with pytest.raises(DerMalformed, match="0x30"):
        read_only(b"\x04\x00").expect(der.SEQUENCE)
    with pytest.raises(DerMalformed):
        read_only(b"\x04\x00").children()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_our_error(data: bytes) -> None:
    try:
        element = read_strict(data)
    except DerMalformed:
        return
    assert element.encoded == data


@settings(deadline=None)
@given(st.lists(st.binary(max_size=4), max_size=6))
def test_set_of_is_sorted(values: list[bytes]) -> None:
    members = [der.encode(der.OCTET_STRING, value) for value in values]
    assert der.is_set_of(read_only(der.encode_set_of(members)).children())


def test_the_longest_object_identifier_is_read_and_a_longer_one_is_not() -> None:
    longest = der.encode(der.OID, b"\x2a" + b"\x81" * 62 + b"\x01")
    assert der.read_oid(read_strict(longest)).startswith("1.2.")
    with pytest.raises(DerMalformed):
        read_strict(der.encode(der.OID, b"\x2a" + b"\x81" * 63 + b"\x01"))
