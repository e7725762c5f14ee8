from datetime import UTC, datetime

import pytest
from cryptography import x509 as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.formats.pki_samples import VECTORS
from trust.formats.crl import MAX_CRL_BYTES
from trust.formats.x509 import CrlMalformed, RevocationReason, parse_crl

PKITS = VECTORS / "pkits"
GOOD = (PKITS / "GoodCACRL.crl").read_bytes()


@pytest.mark.parametrize("name", ["GoodCACRL", "TrustAnchorRootCRL", "LongSerialNumberCACRL"])
def test_fields_agree_with_cryptography(name: str) -> None:
    ours = parse_crl((PKITS / f"{name}.crl").read_bytes())
    theirs = reference.load_der_x509_crl(ours.der)
    assert ours.tbs == theirs.tbs_certlist_bytes
    assert ours.signature == theirs.signature
    assert ours.issuer.der == theirs.issuer.public_bytes()
    assert (ours.this_update, ours.next_update) == (theirs.last_update_utc, theirs.next_update_utc)
    assert ours.number == theirs.extensions.get_extension_for_class(reference.CRLNumber).value.crl_number
    assert {serial: entry.at for serial, entry in ours.revoked.items()} == {
        entry.serial_number: entry.revocation_date_utc for entry in theirs
    }


def test_reasons_are_read() -> None:
    revoked = parse_crl(GOOD).revoked
    assert revoked[14].reason is RevocationReason.KEY_COMPROMISE
    assert revoked[14].at == datetime(2010, 1, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    ["deltaCRLCA1deltaCRL", "onlyContainsUserCertsCACRL", "UnknownCRLExtensionCACRL", "UnknownCRLEntryExtensionCACRL"],
)
def test_lists_that_say_less_than_everything_are_refused(name: str) -> None:
    with pytest.raises(CrlMalformed, match="critical extension"):
        parse_crl((PKITS / f"{name}.crl").read_bytes())


def test_trailing_byte_is_refused() -> None:
    with pytest.raises(CrlMalformed) as caught:
        parse_crl(GOOD + b"\x00")
    assert caught.value.code == "crl-malformed"


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_raise_only_our_error(data: bytes) -> None:
    with pytest.raises(CrlMalformed):
        parse_crl(data)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_mutated_lists_raise_only_our_error_or_keep_their_bytes(changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(GOOD)
    for place, octet in changes:
        mutated[place] = octet
    try:
        parsed = parse_crl(bytes(mutated))
    except CrlMalformed:
        return
    assert parsed.der == bytes(mutated)


def _resized(data: bytes, size: int) -> str:
    with pytest.raises(CrlMalformed) as caught:
        parse_crl(data + b"\x00" * (size - len(data)))
    return caught.value.detail


def test_size_limit_is_met_from_both_sides() -> None:
    assert "larger" not in _resized(GOOD, MAX_CRL_BYTES)
    assert "larger" in _resized(GOOD, MAX_CRL_BYTES + 1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((b"\x02\x01\x01\x30", b"\x02\x01\x00\x30"), id="version 1"),
        pytest.param((b"\x55\x1d\x14", b"\x55\x1d\x12"), id="no number"),
        pytest.param((b"\x0a\x01\x01", b"\x0a\x01\x07"), id="reason 7"),
        pytest.param((b"\x02\x01\x0e", b"\x02\x01\x0f"), id="serial twice"),
    ],
)
def test_departures_are_refused(change: tuple[bytes, bytes]) -> None:
    assert change[0] in GOOD
    with pytest.raises(CrlMalformed):
        parse_crl(GOOD.replace(*change, 1))
