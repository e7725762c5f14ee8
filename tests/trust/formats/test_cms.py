import hashlib
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import tsp as asn1_tsp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.formats.pki_samples import DISTID, make_leaf, make_root, openssl
from trust.formats import der
from trust.formats.asn1 import SM2_CURVE_OID, SM2_WITH_SM3_OID, SM3_OID
from trust.formats.cms import (
    DATA_OID,
    GM_DATA_OID,
    GM_SIGNED_DATA_OID,
    MAX_CERTIFICATES,
    MAX_CMS_BYTES,
    SIGNED_DATA_OID,
    CmsMalformed,
    CmsTemplate,
    SignedData,
    parse_signed_data,
)
from trust.gm.sm3 import sm3
from trust.kernel.algorithms import Algorithm
from trust.signatures import verify

ROOT = make_root()
LEAF = make_leaf(ROOT)
TEMPLATE = CmsTemplate(LEAF.x509, (ROOT.x509,))
DIGEST = sm3(b"document")
SIGNED = LEAF.key.sign(TEMPLATE.signed_attributes(DIGEST))
CMS = TEMPLATE.assemble(DIGEST, SIGNED)


def _refused(data: bytes) -> str:
    with pytest.raises(CmsMalformed) as caught:
        parse_signed_data(data)
    assert caught.value.code == "cms-malformed"
    return caught.value.detail


def test_asn1crypto_encodes_the_same_bytes() -> None:
    assert asn1_cms.ContentInfo.load(CMS, strict=True).dump(force=True) == CMS


def test_asn1crypto_reads_what_was_joined() -> None:
    signed_data = asn1_cms.ContentInfo.load(CMS, strict=True)["content"]
    (signer,) = signed_data["signer_infos"]
    attributes = {item["type"].native: item["values"][0] for item in signer["signed_attrs"]}
    assert signer["signature_algorithm"].signature_algo == "sm2"
    assert signer["digest_algorithm"]["algorithm"].native == "sm3"
    assert attributes["message_digest"].native == DIGEST
    assert attributes["content_type"].native == "data"
    assert isinstance(attributes["signing_certificate_v2"], asn1_tsp.SigningCertificateV2)
    (identifier,) = attributes["signing_certificate_v2"]["certs"]
    assert identifier["cert_hash"].native == hashlib.sha256(LEAF.x509.der).digest()
    assert signed_data["encap_content_info"]["content"].native is None
    assert {found.chosen.dump() for found in signed_data["certificates"]} == {LEAF.x509.der, ROOT.x509.der}


def test_what_is_signed_is_what_is_sent_under_the_tag_set() -> None:
    sent = der.encode(0xA0, der.read_only(TEMPLATE.signed_attributes(DIGEST)).content)
    assert sent in CMS
    assert parse_signed_data(CMS).signed_attributes == TEMPLATE.signed_attributes(DIGEST)


def test_everything_is_read_back() -> None:
    parsed = parse_signed_data(CMS)
    assert parsed.message_digest == DIGEST
    assert (parsed.digest_oid, parsed.signature_oid, parsed.content_type) == (
        SM3_OID,
        SM2_WITH_SM3_OID,
        SIGNED_DATA_OID,
    )
    assert parsed.signature == SIGNED
    assert parsed.content is None
    assert parsed.signer_x509 == LEAF.x509
    assert parsed.signing_certificate is not None
    assert parsed.signing_certificate.certificate_hash == hashlib.sha256(LEAF.x509.der).digest()
    assert parsed.signing_certificate.hash_oid == "2.16.840.1.101.3.4.2.1"
    verify(Algorithm.SM2_SM3, LEAF.x509.spki, parsed.signed_attributes, parsed.signature)


def test_openssl_verifies_the_signed_attributes(tmp_path: Path) -> None:
    parsed = parse_signed_data(CMS)
    (tmp_path / "attributes").write_bytes(parsed.signed_attributes)
    (tmp_path / "signature").write_bytes(parsed.signature)
    (tmp_path / "leaf.cer").write_bytes(LEAF.x509.der)
    openssl("x509", "-in", tmp_path / "leaf.cer", "-inform", "DER", "-pubkey", "-noout", "-out", tmp_path / "key.pem")
    check = ("dgst", "-sm3", "-verify", tmp_path / "key.pem", "-sigopt", DISTID, "-signature", tmp_path / "signature")
    assert "Verified OK" in openssl(*check, tmp_path / "attributes")
    (tmp_path / "attributes").write_bytes(parsed.signed_attributes[:-1] + b"\x00")
    assert "Verification" in openssl(*check, tmp_path / "attributes", refused=True).replace("failure", "")


def test_openssl_walks_the_structure(tmp_path: Path) -> None:
    (tmp_path / "cms").write_bytes(CMS)
    assert "pkcs7-signedData" in openssl("asn1parse", "-inform", "DER", "-in", tmp_path / "cms")
    assert "messageDigest" in openssl("cms", "-cmsout", "-print", "-inform", "DER", "-in", tmp_path / "cms")


def test_signature_with_chain_fits_the_space_that_a_pdf_reserves() -> None:
    assert len(CMS) <= 2600


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=8, max_size=72))
@settings(max_examples=20, deadline=None)
def test_any_digest_and_value_round_trip_and_equal_asn1crypto(digest: bytes, value: bytes) -> None:
    data = TEMPLATE.assemble(digest, value)
    parsed = parse_signed_data(data)
    assert (parsed.message_digest, parsed.signature) == (digest, value)
    assert asn1_cms.ContentInfo.load(data, strict=True).dump(force=True) == data


@pytest.mark.parametrize("size", [0, 31, 33])
def test_digest_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(CmsMalformed):
        TEMPLATE.signed_attributes(b"\x00" * size)


def test_serial_with_high_bit_gets_its_leading_zero() -> None:
    leaf = make_leaf(ROOT, serial=0x80 << 120)
    data = CmsTemplate(leaf.x509).assemble(DIGEST, SIGNED)
    assert b"\x02\x11\x00\x80" in data
    assert parse_signed_data(data).signer_x509 == leaf.x509


# What follows takes the good container apart and puts it together again with one fault.
_BODY = der.read_only(CMS).children()[1].children()[0]
_VERSION, _DIGESTS, _ENCAP, _CERTS, _SIGNERS = (part.encoded for part in _BODY.children())
_SIGNER = der.read_only(_SIGNERS).children()[0]
_ATTRIBUTES = tuple(part.encoded for part in _SIGNER.children()[3].children())


def _container(*parts: bytes, family: str = SIGNED_DATA_OID) -> bytes:
    body = der.encode(der.SEQUENCE, *parts)
    return der.encode(der.SEQUENCE, der.encode_oid(family), der.encode(0xA0, body))


def _signer_with(place: int, *instead: bytes) -> bytes:
    members = [part.encoded for part in _SIGNER.children()]
    return der.encode(der.SET, der.encode(der.SEQUENCE, *members[:place], *instead, *members[place + 1 :]))


def _with_attributes(*attributes: bytes) -> bytes:
    signers = _signer_with(3, der.encode(0xA0, *attributes))
    return _container(_VERSION, _DIGESTS, _ENCAP, _CERTS, signers)


def _attribute(oid: str, *values: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.encode_oid(oid), der.encode(der.SET, *values))


def test_the_surgery_itself_changes_nothing() -> None:
    assert _container(_VERSION, _DIGESTS, _ENCAP, _CERTS, _SIGNERS) == CMS
    assert _with_attributes(*_ATTRIBUTES) == CMS


def test_two_signers_are_refused() -> None:
    twice = der.encode(der.SET, _SIGNER.encoded, _SIGNER.encoded)
    assert "Expected 1" in _refused(_container(_VERSION, _DIGESTS, _ENCAP, _CERTS, twice))


def test_no_signer_is_refused() -> None:
    _refused(_container(_VERSION, _DIGESTS, _ENCAP, _CERTS, der.encode(der.SET)))


def test_missing_signed_attributes_are_refused() -> None:
    _refused(_container(_VERSION, _DIGESTS, _ENCAP, _CERTS, _signer_with(3)))


@pytest.mark.parametrize("left_out", range(3))
def test_message_digest_and_content_type_are_required(left_out: int) -> None:
    kept = [attribute for place, attribute in enumerate(_ATTRIBUTES) if place != left_out]
    data = _with_attributes(*kept)
    if b"\x10\x02\x2f" in _ATTRIBUTES[left_out]:  # signing-certificate-v2: its absence is for the verifier to judge
        assert parse_signed_data(data).signing_certificate is None
    else:
        assert "missing" in _refused(data)


def test_attribute_that_comes_twice_is_refused() -> None:
    assert "twice" in _refused(_with_attributes(*sorted((*_ATTRIBUTES, _ATTRIBUTES[0]))))


def test_attribute_with_two_values_is_refused() -> None:
    double = _attribute("1.2.840.113549.1.9.4", *(der.encode(der.OCTET_STRING, octet * 32) for octet in (b"a", b"b")))
    others = [attribute for attribute in _ATTRIBUTES if b"\x01\x09\x04" not in attribute]
    assert "exactly one" in _refused(_with_attributes(*sorted((*others, double))))


def test_attributes_out_of_order_are_refused() -> None:
    assert "order" in _refused(_with_attributes(*reversed(_ATTRIBUTES)))


def test_content_type_must_be_that_of_the_container() -> None:
    other = _attribute("1.2.840.113549.1.9.3", der.encode_oid(GM_DATA_OID))
    others = [attribute for attribute in _ATTRIBUTES if b"\x01\x09\x03" not in attribute]
    assert "content type" in _refused(_with_attributes(*sorted((*others, other))))


def test_announced_digest_must_be_the_used_one() -> None:
    sha256 = der.encode(der.SET, der.encode(der.SEQUENCE, der.encode_oid("2.16.840.1.101.3.4.2.1")))
    assert "digest algorithm" in _refused(_container(_VERSION, sha256, _ENCAP, _CERTS, _SIGNERS))


def test_too_many_certificates_are_refused() -> None:
    ten = der.encode(0xA0, *[ROOT.x509.der] * MAX_CERTIFICATES)
    eleven = der.encode(0xA0, *[ROOT.x509.der] * (MAX_CERTIFICATES + 1))
    assert (
        len(parse_signed_data(_container(_VERSION, _DIGESTS, _ENCAP, ten, _SIGNERS)).certificates) == MAX_CERTIFICATES
    )
    assert "more than" in _refused(_container(_VERSION, _DIGESTS, _ENCAP, eleven, _SIGNERS))


def test_broken_enclosed_certificate_is_refused() -> None:
    broken = _CERTS.replace(ROOT.x509.der[:40], b"\xff" * 40)
    _refused(_container(_VERSION, _DIGESTS, _ENCAP, broken, _SIGNERS))


@pytest.mark.parametrize("family", ["1.2.840.113549.1.7.1", "1.2.840.113549.1.7.3", "1.2.3"])
def test_other_content_types_are_refused(family: str) -> None:
    assert "not SignedData" in _refused(_container(_VERSION, _DIGESTS, _ENCAP, _CERTS, _SIGNERS, family=family))


def test_size_limit_is_met_from_both_sides() -> None:
    assert "larger" not in _refused(CMS + b"\x00" * (MAX_CMS_BYTES - len(CMS)))
    assert "larger" in _refused(CMS + b"\x00" * (MAX_CMS_BYTES - len(CMS) + 1))


def _gm(signature_oid: str, content: bytes | None = None) -> SignedData:
    """The same signature in the shape of GB/T 35275."""
    attributes = sorted(
        (
            _attribute("1.2.840.113549.1.9.3", der.encode_oid(GM_DATA_OID)),
            _attribute("1.2.840.113549.1.9.4", der.encode(der.OCTET_STRING, DIGEST)),
        )
    )
    inner = b"" if content is None else der.encode(0xA0, der.encode(der.OCTET_STRING, content))
    members = [part.encoded for part in _SIGNER.children()]
    members[3] = der.encode(0xA0, *attributes)
    members[4] = der.encode(der.SEQUENCE, der.encode_oid(signature_oid))
    encapsulated = der.encode(der.SEQUENCE, der.encode_oid(GM_DATA_OID), inner)
    signers = der.encode(der.SET, der.encode(der.SEQUENCE, *members))
    return parse_signed_data(_container(_VERSION, _DIGESTS, encapsulated, _CERTS, signers, family=GM_SIGNED_DATA_OID))


# The SM2 signature is named in three ways in the wild. Reading takes all; the verifier takes the first alone.
SM2_SIGN_OID = "1.2.156.10197.1.301.1"


@pytest.mark.parametrize("signature_oid", [SM2_WITH_SM3_OID, SM2_SIGN_OID, SM2_CURVE_OID])
def test_the_family_of_gbt_35275_is_read_with_each_name_of_the_algorithm(signature_oid: str) -> None:
    parsed = _gm(signature_oid, b"content")
    assert parsed.signature_oid == signature_oid
    assert (parsed.content_type, parsed.content) == (GM_SIGNED_DATA_OID, b"content")


def test_the_families_do_not_mix() -> None:
    assert _gm(SM2_SIGN_OID).content is None
    assert "does not belong" in _refused(
        _container(_VERSION, _DIGESTS, _ENCAP, _CERTS, _SIGNERS, family=GM_SIGNED_DATA_OID)
    )
    assert der.encode_oid(DATA_OID) in CMS


def test_revocation_lists_and_unsigned_attributes_are_passed_over() -> None:
    signers = _signer_with(5, _SIGNER.children()[5].encoded, der.encode(0xA1))
    data = _container(_VERSION, _DIGESTS, _ENCAP, _CERTS, der.encode(0xA1), signers)
    assert parse_signed_data(data).message_digest == DIGEST


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_raise_only_our_error(data: bytes) -> None:
    _refused(data)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(CMS) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_mutated_containers_raise_only_our_error(changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(CMS)
    for place, octet in changes:
        mutated[place] = octet
    try:
        parse_signed_data(bytes(mutated))
    except CmsMalformed:
        return


def test_named_hash_of_the_signing_certificate_is_read() -> None:
    sm3_name = der.encode(der.SEQUENCE, der.encode_oid(SM3_OID))
    identifier = der.encode(der.SEQUENCE, sm3_name, der.encode(der.OCTET_STRING, b"h" * 32))
    value = der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, identifier))
    others = [attribute for attribute in _ATTRIBUTES if b"\x10\x02\x2f" not in attribute]
    parsed = parse_signed_data(_with_attributes(*sorted((*others, _attribute("1.2.840.113549.1.9.16.2.47", value)))))
    assert parsed.signing_certificate is not None
    assert parsed.signing_certificate.hash_oid == SM3_OID
    assert parsed.signing_certificate.certificate_hash == b"h" * 32


def test_signer_that_is_not_enclosed_has_no_certificate() -> None:
    only_root = der.encode(0xA0, ROOT.x509.der)
    assert parse_signed_data(_container(_VERSION, _DIGESTS, _ENCAP, only_root, _SIGNERS)).signer_x509 is None


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((der.encode_integer(3), _DIGESTS, _ENCAP, _CERTS, _SIGNERS), id="SignedData version 3"),
        pytest.param((_VERSION, _DIGESTS, _ENCAP, _CERTS, _CERTS, _SIGNERS), id="certificates twice"),
        pytest.param(
            (_VERSION, _DIGESTS, _ENCAP, _CERTS, _signer_with(0, der.encode_integer(3))), id="signer version 3"
        ),
        pytest.param((_VERSION, _DIGESTS, _ENCAP), id="members missing"),
        pytest.param(
            (
                _VERSION,
                _DIGESTS,
                _ENCAP,
                _CERTS,
                _signer_with(4, der.encode(0x30, der.encode_oid(SM3_OID), b"\x30\x00")),
            ),
            id="algorithm with parameters",
        ),
    ],
)
def test_other_shapes_are_refused(parts: tuple[bytes, ...]) -> None:
    _refused(_container(*parts))
