from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509 as reference

from tests.fakes import MOMENT
from tests.trust.formats.pki_samples import (
    DISTID,
    SIGNER_USAGE,
    USCC,
    at_time,
    draft,
    make_leaf,
    make_root,
    openssl,
    pem,
)
from trust.formats.x509 import Crl, Revocation, RevocationReason, parse_crl
from trust.formats.x509_build import (
    SERIAL_BYTES,
    X509DraftInvalid,
    assemble_signed,
    build_name,
    build_tbs_crl,
    key_identifier,
    new_serial,
)

ROOT = make_root()
LEAF = make_leaf(ROOT)


def _crl(number: int = 1, **revoked: RevocationReason) -> Crl:
    assert ROOT.x509.subject_key_id is not None
    tbs = build_tbs_crl(
        issuer=ROOT.x509.subject,
        authority_key_id=ROOT.x509.subject_key_id,
        number=number,
        this_update=MOMENT,
        next_update=MOMENT + timedelta(days=7),
        revoked={int(serial[1:]): Revocation(at=MOMENT, reason=reason) for serial, reason in revoked.items()},
    )
    return parse_crl(assemble_signed(tbs, ROOT.key.sign(tbs)))


def _for_openssl(crl: Crl) -> bytes:
    """The same list signed under the empty identifier.

    OpenSSL 3.0 hands no identifier to the check of a list's signature (`def_crl_verify` passes NULL), so its CLI can
    judge what our lists say only under the empty one. That the real signature is right is asked of `openssl dgst`.
    """
    return assemble_signed(crl.tbs, ROOT.key.sign(crl.tbs, ident=b""))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_text(pem(ROOT.x509))
    (tmp_path / "leaf.pem").write_text(pem(LEAF.x509))
    return tmp_path


def test_openssl_accepts_the_chain(files: Path) -> None:
    verify = ("verify", "-vfyopt", DISTID, "-x509_strict", "-attime", at_time(), "-CAfile", files / "root.pem")
    assert "OK" in openssl(*verify, files / "leaf.pem")


def test_openssl_shows_the_profile(files: Path) -> None:
    shown = openssl("x509", "-in", files / "leaf.pem", "-noout", "-text")
    for line in (
        "Version: 3 (0x2)",
        "Signature Algorithm: SM2-with-SM3",
        "ASN1 OID: SM2",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature, Non Repudiation",
        "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
        "URI:http://127.0.0.1:8080/pki/root.crl",
        "1.2.156.10260.4.1.4",
        USCC,
    ):
        assert line in shown
    assert "CA:TRUE, pathlen:1" in openssl("x509", "-in", files / "root.pem", "-noout", "-text")


def test_openssl_walks_the_structure(files: Path) -> None:
    walked = openssl("asn1parse", "-in", files / "leaf.pem")
    assert "UTF8STRING" in walked
    assert "PRINTABLESTRING   :CN" in walked


def test_signature_algorithm_is_written_without_parameters() -> None:
    bare = bytes.fromhex("300a06082a811ccf55018375")
    assert LEAF.x509.der.count(bare) == 2


def test_build_is_what_asn1crypto_encodes() -> None:
    certificate = asn1_x509.Certificate.load(LEAF.x509.der, strict=True)
    assert certificate.dump(force=True) == LEAF.x509.der
    crl = _crl(x5=RevocationReason.SUPERSEDED)
    assert asn1_crl.CertificateList.load(crl.der, strict=True).dump(force=True) == crl.der


def test_what_was_built_is_read_back() -> None:
    leaf = LEAF.x509
    assert (leaf.uscc, leaf.key_usage, leaf.is_ca) == (USCC, SIGNER_USAGE, False)
    assert leaf.crl_urls == ("http://127.0.0.1:8080/pki/root.crl",)
    assert leaf.authority_key_id == ROOT.x509.subject_key_id == key_identifier(ROOT.x509.spki)
    assert leaf.subject.text == "C=CN, O=演示市场监督管理局, CN=演示市场监督管理局"
    assert (leaf.not_before, leaf.not_after) == (MOMENT, MOMENT + timedelta(days=365))
    assert leaf.unknown_critical == frozenset()


def test_cryptography_reads_certificate_and_list() -> None:
    assert reference.load_der_x509_certificate(LEAF.x509.der).serial_number == LEAF.x509.serial
    listing = reference.load_der_x509_crl(_crl(7, x5=RevocationReason.KEY_COMPROMISE).der)
    (entry,) = listing
    assert entry.serial_number == 5
    assert (
        entry.extensions.get_extension_for_class(reference.CRLReason).value.reason
        is reference.ReasonFlags.key_compromise
    )
    assert listing.extensions.get_extension_for_class(reference.CRLNumber).value.crl_number == 7


def test_openssl_refuses_a_revoked_leaf_and_accepts_the_other(files: Path) -> None:
    verify = ("verify", "-vfyopt", DISTID, "-attime", at_time(), "-crl_check", "-CAfile", files / "root.pem")
    (files / "none.crl").write_bytes(_for_openssl(_crl()))
    assert "OK" in openssl(*verify, "-CRLfile", files / "none.crl", files / "leaf.pem")
    revoked = _crl(2, **{f"x{LEAF.x509.serial}": RevocationReason.CESSATION_OF_OPERATION})
    (files / "one.crl").write_bytes(_for_openssl(revoked))
    assert "certificate revoked" in openssl(*verify, "-CRLfile", files / "one.crl", files / "leaf.pem", refused=True)
    assert "Cessation Of Operation" in openssl("crl", "-in", files / "one.crl", "-noout", "-text")


def test_openssl_verifies_the_signature_of_the_list(files: Path) -> None:
    crl = _crl(3, x5=RevocationReason.SUPERSEDED)
    (files / "tbs").write_bytes(crl.tbs)
    (files / "signature").write_bytes(crl.signature)
    openssl("x509", "-in", files / "root.pem", "-pubkey", "-noout", "-out", files / "key.pem")
    check = ("dgst", "-sm3", "-verify", files / "key.pem", "-sigopt", DISTID, "-signature", files / "signature")
    assert "Verified OK" in openssl(*check, files / "tbs")
    assert "SM2-with-SM3" in openssl("crl", "-inform", "DER", "-in", _written(files, crl), "-noout", "-text")


def _written(files: Path, crl: Crl) -> Path:
    (files / "list.crl").write_bytes(crl.der)
    return files / "list.crl"


def test_unspecified_reason_and_empty_table_are_left_out() -> None:
    assert b"\x55\x1d\x15" not in _crl(x5=RevocationReason.UNSPECIFIED).der
    assert _crl().revoked == {}


def test_validity_from_2050_on_is_generalized_time() -> None:
    leaf = make_leaf(ROOT, not_after=datetime(2050, 1, 1, tzinfo=UTC))
    assert leaf.x509.not_after == datetime(2050, 1, 1, tzinfo=UTC)
    assert b"\x18\x0f20500101000000Z" in leaf.x509.der


@pytest.mark.parametrize("random_bytes", [b"\x00" * 16, b"\xff" * 16, bytes(range(16))])
def test_serial_numbers_are_positive_and_of_one_length(random_bytes: bytes) -> None:
    assert 1 << 126 <= new_serial(random_bytes) < 1 << 127


@pytest.mark.parametrize("size", [SERIAL_BYTES - 1, SERIAL_BYTES + 1])
def test_serial_number_of_other_randomness_is_refused(size: int) -> None:
    with pytest.raises(X509DraftInvalid) as caught:
        new_serial(b"\x01" * size)
    assert (caught.value.code, caught.value.field) == ("x509-draft-invalid", "serial")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"serial": 0}, "serial"),
        ({"serial": -1}, "serial"),
        ({"serial": 1 << 128}, "serial"),
        ({"not_after": MOMENT}, "not_after"),
    ],
)
def test_impossible_drafts_are_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(X509DraftInvalid) as caught:
        draft(ROOT.key, ROOT.x509.subject, **changes)
    assert (caught.value.code, caught.value.field) == ("x509-draft-invalid", field)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\u202eab", "市" * 65])
def test_names_that_cannot_stand_in_a_certificate_are_refused(name: str) -> None:
    with pytest.raises(X509DraftInvalid) as caught:
        build_name(common_name=name)
    assert caught.value.field == "common_name"


def test_name_of_64_characters_is_accepted() -> None:
    assert build_name(common_name="市" * 64).common_name == "市" * 64
