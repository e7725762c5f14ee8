import contextlib
import subprocess

import pytest
from asn1crypto import x509
from hypothesis import given
from hypothesis import strategies as st

from tests.trust.gm.published import CIPHERTEXT_DER, PKCS8, POINT, SIGNATURE_DER, SPKI, VECTORS, R, S
from trust.gm import der, encoding
from trust.gm.curve import N, P
from trust.gm.errors import CiphertextInvalid, KeyUnusable, SignatureMalformed
from trust.kernel.errors import TrustError

scalars = st.integers(min_value=1, max_value=N - 1)
ALGORITHM = "301306072a8648ce3d020106082a811ccf5501822d"


@given(scalars, scalars)
def test_a_signature_comes_back(r, s) -> None:
    assert encoding.decode_signature(encoding.encode_signature(r, s)) == (r, s)


@given(scalars, scalars)
def test_lax_decoding_reads_raw_and_der_alike(r, s) -> None:
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert (
        encoding.decode_signature_lax(raw) == encoding.decode_signature_lax(encoding.encode_signature(r, s)) == (r, s)
    )


LAX_FORMS = {
    "leading zeros": "304802220000" + f"{R:064x}" + "02220000" + f"{S:064x}",
    "missing sign zero": "30440220" + f"{R:064x}" + "0220" + f"{S:064x}",
    "long-form lengths": "308200480281210" + f"0{R:064x}" + "02812100" + f"{S:064x}",
    "raw": f"{R:064x}{S:064x}",
}


@pytest.mark.parametrize("form", LAX_FORMS)
def test_foreign_forms_are_read_only_by_the_lax_decoder(form) -> None:
    value = bytes.fromhex(LAX_FORMS[form])
    assert encoding.decode_signature_lax(value) == (R, S)
    with pytest.raises(SignatureMalformed):
        encoding.decode_signature(value)


@pytest.mark.parametrize(
    ("r", "s"), [(0, 1), (1, 0), (N, 1), (1, N), (N + 1, 1)], ids=["r=0", "s=0", "r=n", "s=n", "r=n+1"]
)
def test_numbers_out_of_range_are_refused_in_every_form(r, s) -> None:
    value = der.element(der.SEQUENCE, der.unsigned(r), der.unsigned(s))
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    for decode, bad in (
        (encoding.decode_signature, value),
        (encoding.decode_signature_lax, value),
        (encoding.decode_signature_lax, raw),
    ):
        with pytest.raises(SignatureMalformed):
            decode(bad)
    with pytest.raises(SignatureMalformed):
        encoding.encode_signature(r, s)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x30",
        b"\x30\x00",
        SIGNATURE_DER[:-1],
        SIGNATURE_DER + b"\x00",
        b"\x30\x80" + SIGNATURE_DER[2:] + b"\x00\x00",
        b"\x30\x81\x46" + SIGNATURE_DER[2:],
        b"\x31" + SIGNATURE_DER[1:],
        bytes.fromhex("30060201ff020101"),
        bytes.fromhex("3007020200010201011"[:-1]),
        bytes.fromhex("30050200020101"),
        bytes.fromhex("3009020101020101020101"),
    ],
)
def test_other_spellings_of_a_signature_are_refused(value) -> None:
    with pytest.raises(SignatureMalformed) as refusal:
        encoding.decode_signature(value)
    assert refusal.value.code == "signature-malformed"


def test_a_lax_signature_has_a_longest_length() -> None:
    def padded(zeros: int) -> bytes:
        integer = der.element(der.INTEGER, bytes(zeros) + R.to_bytes(32, "big"))
        return der.element(der.SEQUENCE, integer, der.unsigned(S))

    longest = next(n for n in range(300) if len(padded(n)) == encoding.MAX_LAX_SIGNATURE_BYTES)
    assert encoding.decode_signature_lax(padded(longest)) == (R, S)
    with pytest.raises(SignatureMalformed):
        encoding.decode_signature_lax(padded(longest + 1))


SPKI_FAULTS = {
    "empty": b"",
    "trailing byte": SPKI + b"\x00",
    "short": SPKI[:-1],
    "other curve": SPKI.replace(bytes.fromhex("2a811ccf5501822d"), bytes.fromhex("2a8648ce3d030107")),
    "compressed": bytes.fromhex("3039" + ALGORITHM + "032200" + f"{2 + (POINT[-1] & 1):02x}") + POINT[1:33],
    "hybrid": SPKI.replace(b"\x00\x04" + POINT[1:9], b"\x00\x07" + POINT[1:9]),
    "unused bits": SPKI.replace(b"\x42\x00\x04", b"\x42\x01\x04"),
    "infinity": bytes.fromhex("3019" + ALGORITHM + "03020000"),
    "coordinate not reduced": SPKI[:27] + (P + 5).to_bytes(32, "big") + SPKI[59:],
}


@pytest.mark.parametrize("fault", SPKI_FAULTS)
def test_a_public_key_in_any_other_spelling_is_refused(fault) -> None:
    with pytest.raises(KeyUnusable) as refusal:
        encoding.decode_spki(SPKI_FAULTS[fault])
    assert refusal.value.code == "key-unusable"


def test_a_public_key_comes_back() -> None:
    assert encoding.decode_spki(SPKI) == POINT
    assert encoding.encode_spki(POINT) == SPKI


def test_a_foreign_x509_with_explicit_curve_parameters_is_refused_by_name() -> None:
    x509_der = (VECTORS / "gm" / "explicit_curve_cert.der").read_bytes()
    spki = x509.Certificate.load(x509_der).public_key.dump()
    with pytest.raises(KeyUnusable, match="explicit parameters"):
        encoding.decode_spki(spki)


def openssl(*arguments: str, given_bytes: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=given_bytes, capture_output=True, check=True).stdout


@pytest.mark.integration
def test_openssl_keys_with_explicit_parameters_are_refused() -> None:
    form = ("-inform", "DER", "-outform", "DER")
    sec1 = openssl("ecparam", "-name", "SM2", "-param_enc", "explicit", "-genkey", "-noout", "-outform", "DER")
    with pytest.raises(KeyUnusable):
        encoding.decode_pkcs8(openssl("pkcs8", "-topk8", "-nocrypt", *form, given_bytes=sec1))
    with pytest.raises(KeyUnusable, match="explicit parameters"):
        encoding.decode_spki(openssl("ec", "-pubout", "-param_enc", "explicit", *form, given_bytes=sec1))


def pkcs8(scalar: str, *, version: str = "020100", algorithm: str = ALGORITHM, tail: str = "", end: str = "") -> bytes:
    inner = bytes.fromhex("020101" + f"04{len(scalar) // 2:02x}" + scalar + tail)
    octets = der.element(der.OCTET_STRING, der.element(der.SEQUENCE, inner))
    return der.element(der.SEQUENCE, bytes.fromhex(version + algorithm), octets, bytes.fromhex(end))


D = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
PKCS8_FAULTS = {
    "d = 0": pkcs8("00" * 32),
    "d = n - 1": pkcs8(f"{N - 1:064x}"),
    "d = n": pkcs8(f"{N:064x}"),
    "31 bytes": pkcs8(D[2:]),
    "33 bytes": pkcs8("00" + D),
    "version 1": pkcs8(D, version="020101"),
    "inner version 2": pkcs8(D).replace(bytes.fromhex("0201010420"), bytes.fromhex("0201020420")),
    "other curve": pkcs8(D, algorithm="301306072a8648ce3d020106082a8648ce3d030107"),
    "other curve inside": pkcs8(D, tail="a00a06082a8648ce3d030107"),
    "attributes": pkcs8(D, end="a000"),
    "public key with unused bits": pkcs8(D, tail="a14403420104" + POINT[1:].hex()),
    "public key off the curve": pkcs8(D, tail="a14403420004" + "01" * 64),
    "something after": PKCS8 + b"\x00",
    "cut": PKCS8[:-1],
}


@pytest.mark.parametrize("fault", PKCS8_FAULTS)
def test_a_private_key_in_any_other_form_is_refused(fault) -> None:
    with pytest.raises(KeyUnusable) as refusal:
        encoding.decode_pkcs8(PKCS8_FAULTS[fault])
    assert D not in str(refusal.value)
    assert D not in repr(refusal.value.facts)


def test_the_optional_fields_of_a_private_key_may_be_there_or_not() -> None:
    scalar = bytearray.fromhex(D)
    bare = encoding.PrivateKeyParts(scalar=scalar, point=None)
    assert encoding.decode_pkcs8(PKCS8) == encoding.PrivateKeyParts(scalar=scalar, point=POINT)
    assert encoding.decode_pkcs8(pkcs8(D)) == bare
    assert encoding.decode_pkcs8(pkcs8(D, tail="a00a06082a811ccf5501822d")) == bare
    assert repr(bare) == "PrivateKeyParts(point=None)"
    assert encoding.decode_pkcs8(pkcs8(f"{N - 2:064x}")).scalar.hex() == f"{N - 2:064x}"
    assert encoding.encode_pkcs8(bytearray.fromhex(D), POINT) == PKCS8


@pytest.mark.parametrize("end", [-1, 40, 1, 0])
def test_a_cut_ciphertext_is_refused(end) -> None:
    with pytest.raises(CiphertextInvalid):
        encoding.decode_ciphertext(CIPHERTEXT_DER[:end])


def test_a_raw_ciphertext_without_text_or_off_the_curve_is_refused() -> None:
    parts = encoding.decode_ciphertext(CIPHERTEXT_DER)
    for raw in (b"", parts.point + parts.c3, bytes(65) + parts.c3 + parts.c2):
        with pytest.raises(CiphertextInvalid):
            encoding.split_c1c3c2(raw)


near_miss = st.builds(
    lambda value, place, byte: value[: place % len(value)] + byte + value[place % len(value) + 1 :],
    st.sampled_from([SIGNATURE_DER, SPKI, PKCS8, CIPHERTEXT_DER]),
    st.integers(min_value=0),
    st.binary(max_size=3),
)


@given(st.one_of(st.binary(max_size=200), near_miss))
def test_decoders_raise_only_our_errors(data) -> None:
    for decode in (
        encoding.decode_signature,
        encoding.decode_signature_lax,
        encoding.decode_spki,
        encoding.decode_pkcs8,
        encoding.decode_ciphertext,
        encoding.split_c1c3c2,
    ):
        with contextlib.suppress(TrustError):
            decode(data)


@given(st.integers(min_value=0, max_value=2**2100))
def test_integers_of_any_size_come_back_in_their_shortest_form(value) -> None:
    encoded = der.unsigned(value)
    reader = der.Reader(encoded, KeyUnusable)
    assert reader.unsigned() == value
    reader.finish()


@pytest.mark.parametrize("prefix", ["0480", "048101", "04820001", "0484000000010", "04ff"])
def test_lengths_that_der_does_not_allow_are_refused(prefix) -> None:
    data = bytes.fromhex(prefix[: len(prefix) // 2 * 2]) + bytes(300)
    with pytest.raises(KeyUnusable):
        der.Reader(data, KeyUnusable).contents(der.OCTET_STRING)
