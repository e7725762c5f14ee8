import pytest
from cryptography import x509 as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.formats.pki_samples import VECTORS, pem_certificates
from trust.formats import der
from trust.formats.asn1 import SM2_WITH_SM3_OID
from trust.formats.x509 import MAX_X509_BYTES, X509, KeyUsage, X509Malformed, parse_x509
from trust.formats.x509_fields import MAX_SERIAL_BYTES, read_algorithm, read_serial
from trust.signatures import Algorithm, SignatureInvalid, verify

TONGSUO = VECTORS / "tongsuo_sm2"
PKITS = VECTORS / "pkits"
ROOT, SUB = (parse_x509(found) for found in pem_certificates(TONGSUO / "chain-ca.crt"))
LEAVES = {path.stem: parse_x509(pem_certificates(path)[0]) for path in sorted(TONGSUO.glob("[cs]*_*.crt"))}
READABLE = {path.stem: path.read_bytes() for path in sorted(PKITS.glob("*.crt")) if path.stem != "BadSignedCACert"}


def _code(data: bytes) -> str:
    with pytest.raises(X509Malformed) as caught:
        parse_x509(data)
    return caught.value.code


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_fields_agree_with_cryptography_on_tongsuo_certificates(name: str) -> None:
    _agrees(LEAVES[name])


@pytest.mark.parametrize("name", sorted(set(READABLE) - {"InvalidNegativeSerialNumberTest15EE"}))
def test_fields_agree_with_cryptography_on_pkits_certificates(name: str) -> None:
    _agrees(parse_x509(READABLE[name]))


def _agrees(ours: X509) -> None:
    theirs = reference.load_der_x509_certificate(ours.der)
    assert ours.tbs == theirs.tbs_certificate_bytes
    assert ours.signature == theirs.signature
    assert ours.signature_oid == theirs.signature_algorithm_oid.dotted_string
    assert ours.serial == theirs.serial_number
    assert ours.subject.der == theirs.subject.public_bytes()
    assert ours.issuer.der == theirs.issuer.public_bytes()
    assert (ours.not_before, ours.not_after) == (theirs.not_valid_before_utc, theirs.not_valid_after_utc)
    extensions = {extension.oid.dotted_string: extension.value for extension in theirs.extensions}
    constraints = extensions.get("2.5.29.19")
    assert ours.is_ca == bool(constraints and constraints.ca)
    assert ours.path_length == (constraints.path_length if constraints else None)
    usage = extensions.get("2.5.29.15")
    assert (ours.key_usage is None) == (usage is None)
    assert (KeyUsage.NON_REPUDIATION in (ours.key_usage or ())) == bool(usage and usage.content_commitment)
    assert ours.subject_key_id == (extensions["2.5.29.14"].digest if "2.5.29.14" in extensions else None)
    assert ours.authority_key_id == (extensions["2.5.29.35"].key_identifier if "2.5.29.35" in extensions else None)


def test_tongsuo_chain_verifies_over_the_kept_bytes() -> None:
    for x509, issuer in ((ROOT, ROOT), (SUB, ROOT), *((leaf, SUB) for leaf in LEAVES.values())):
        if x509.issuer.der == issuer.subject.der:
            verify(Algorithm.SM2_SM3, issuer.spki, x509.tbs, x509.signature)
    assert {leaf.issuer.text for leaf in LEAVES.values()} == {
        SUB.subject.text,
        "C=AB, ST=CD, O=GH, OU=IJ, CN=SUBCA SM2",
    }


def test_changed_signed_part_does_not_verify() -> None:
    changed = ROOT.tbs.replace(b"root ca", b"root cb", 1)
    with pytest.raises(SignatureInvalid):
        verify(Algorithm.SM2_SM3, ROOT.spki, changed, ROOT.signature)


def test_ca_and_leaf_are_told_apart() -> None:
    assert (ROOT.is_ca, ROOT.path_length, ROOT.is_self_issued) == (True, None, True)
    assert (SUB.is_ca, SUB.path_length, SUB.is_self_issued) == (True, 0, False)
    leaf = LEAVES["client_sign"]
    assert (leaf.is_ca, leaf.common_name, leaf.organization) == (False, "client sign", "CC")
    assert leaf.key_usage == {KeyUsage.DIGITAL_SIGNATURE, KeyUsage.NON_REPUDIATION}


def test_unknown_critical_extension_is_reported() -> None:
    assert parse_x509(READABLE["InvalidUnknownCriticalCertificateExtensionTest2EE"]).unknown_critical == {
        "2.16.840.1.101.2.1.12.2"
    }


def test_negative_serial_number_is_readable() -> None:
    assert parse_x509(READABLE["InvalidNegativeSerialNumberTest15EE"]).serial == -1


def test_explicit_curve_parameters_are_refused() -> None:
    assert _code((VECTORS / "gm" / "explicit_curve_cert.der").read_bytes()) == "x509-malformed"


def test_signature_with_unused_bits_is_refused() -> None:
    assert _code((PKITS / "BadSignedCACert.crt").read_bytes()) == "x509-malformed"


@pytest.mark.parametrize(
    ("parameters", "accepted"), [(b"", True), (b"\x05\x00", True), (b"\x30\x00", False), (b"\x05\x00\x05\x00", False)]
)
def test_sm2_algorithm_has_absent_or_null_parameters(parameters: bytes, accepted: bool) -> None:
    algorithm = der.read_only(der.encode(der.SEQUENCE, der.encode_oid(SM2_WITH_SM3_OID), parameters))
    if accepted:
        assert read_algorithm(algorithm) == SM2_WITH_SM3_OID
    else:
        with pytest.raises(der.DerMalformed):
            read_algorithm(algorithm)


def _with_tbs(change: tuple[bytes, bytes]) -> bytes:
    outer = der.read_only(SUB.der)
    tbs, *rest = (child.encoded for child in outer.children())
    assert change[0] in tbs
    content = der.read_only(tbs).content.replace(*change)
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, content), *rest)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01"), id="version 2"),
        pytest.param((b"\xa0\x03\x02\x01\x02", b""), id="version 1"),
        pytest.param(
            (bytes.fromhex("300a06082a811ccf55018375"), bytes.fromhex("300a06082a811ccf55018376")), id="inner algorithm"
        ),
        pytest.param((b"230222023013Z", b"231322023013Z"), id="month 13"),
        pytest.param((b"\x03\x55\x1d\x0e", b"\x03\x55\x1d\x0f"), id="extension twice"),
        pytest.param(
            (b"\x30\x06\x01\x01\xff\x02\x01\x00", b"\x30\x06\x01\x01\x01\x02\x01\x00"), id="BER boolean in extension"
        ),
    ],
)
def test_departures_from_the_profile_are_refused(change: tuple[bytes, bytes]) -> None:
    assert _code(_with_tbs(change)) == "x509-malformed"


def test_size_limit_is_met_from_both_sides() -> None:
    padding = MAX_X509_BYTES - len(ROOT.der)
    assert "larger" not in _detail(ROOT.der + b"\x00" * padding)
    assert "larger" in _detail(ROOT.der + b"\x00" * (padding + 1))


def _detail(data: bytes) -> str:
    with pytest.raises(X509Malformed) as caught:
        parse_x509(data)
    return caught.value.detail


@pytest.mark.parametrize("cut", [0, 1, 2, 5, 100, len(ROOT.der) - 1])
def test_cut_certificate_is_refused(cut: int) -> None:
    assert _code(ROOT.der[:cut]) == "x509-malformed"


def test_trailing_byte_is_refused() -> None:
    assert _code(ROOT.der + b"\x00") == "x509-malformed"


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_raise_only_our_error(data: bytes) -> None:
    assert _code(data) == "x509-malformed"


SAMPLES = [ROOT.der, SUB.der, *(leaf.der for leaf in LEAVES.values()), *READABLE.values()]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_certificates_raise_only_our_error_or_keep_their_bytes(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(SAMPLES))
    mutated = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 4))):
        mutated[data.draw(st.integers(0, len(sample) - 1))] = data.draw(st.integers(0, 255))
    try:
        parsed = parse_x509(bytes(mutated))
    except X509Malformed:
        return
    assert parsed.der == bytes(mutated)
    assert parsed.tbs in parsed.der


def test_the_longest_serial_number_is_read_and_a_longer_one_is_not() -> None:
    longest = der.read_only(der.encode(der.INTEGER, b"\x01" * MAX_SERIAL_BYTES))
    assert read_serial(longest).bit_length() == 8 * MAX_SERIAL_BYTES - 7
    with pytest.raises(der.DerMalformed):
        read_serial(der.read_only(der.encode(der.INTEGER, b"\x01" * (MAX_SERIAL_BYTES + 1))))
