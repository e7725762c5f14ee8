"""The openssl CLI as independent judge: it accepts and refuses what it should.

`openssl verify` of OpenSSL 3.0 hands the SM2 identifier of `-vfyopt` to the certificate under test alone; for the
intermediates of a chain and for revocation lists it passes none (`check` in apps/verify.c; `def_crl_verify`). So the
true signatures are checked link by link, and lists with `openssl dgst`; what the CLI thinks of the whole chain and
of what the lists *say* is asked with twins: the very same signed bytes, signed once more under the empty identifier.
"""

from pathlib import Path

import pytest

from tests.trust.authority.conftest import OPERATOR, World
from tests.trust.formats.pki_samples import DISTID, at_time, openssl, pem
from trust.authority.profiles import CaRole, Profile
from trust.formats.x509 import Crl, RevocationReason, parse_x509
from trust.formats.x509_build import assemble_signed


@pytest.fixture
def chain(world: World, tmp_path: Path) -> Path:
    root, issuing = world.establish()
    (tmp_path / "root.pem").write_text(pem(root))
    (tmp_path / "issuing.pem").write_text(pem(issuing))
    twin = parse_x509(_twin(world, CaRole.ROOT, issuing.tbs))
    (tmp_path / "issuing-twin.pem").write_text(pem(twin))
    (tmp_path / "maker.pem").write_text(pem(world.issue("maker", Profile.SEAL_MAKER)))
    (tmp_path / "signer.pem").write_text(pem(world.issue("signer", Profile.SEAL_SIGNER)))
    return tmp_path


def _twin(world: World, role: CaRole, tbs: bytes) -> bytes:
    ca = world.store.find_ca_key(role)
    assert ca is not None
    return assemble_signed(tbs, world.device._keys[ca.key][1].sign(tbs, ident=b""))


def _verify(folder: Path, leaf: str, *more: str, refused: bool = False) -> str:
    """Judge the whole chain of a leaf with its true signature, under the twin of the issuing CA."""
    return openssl(
        *("verify", "-vfyopt", DISTID, "-x509_strict", "-attime", at_time(), *more),
        *("-CAfile", folder / "root.pem", "-untrusted", folder / "issuing-twin.pem", folder / leaf),
        refused=refused,
    )


def _write_lists(world: World, folder: Path) -> str:
    lists = folder / "lists.pem"
    with lists.open("w") as file:
        for role, crl in zip(CaRole, world.service.publish_crls(days=7, principal=OPERATOR), strict=True):
            (folder / "list").write_bytes(_twin(world, role, crl.tbs))
            file.write(openssl("crl", "-inform", "DER", "-in", folder / "list"))
    return str(lists)


def test_every_link_is_accepted(chain: Path) -> None:
    links = openssl(
        *("verify", "-vfyopt", DISTID, "-x509_strict", "-partial_chain", "-attime", at_time()),
        *("-trusted", chain / "root.pem", "-trusted", chain / "issuing.pem"),
        *(chain / f"{name}.pem" for name in ("root", "issuing", "maker", "signer")),
    )
    assert links.count(": OK") == 4


@pytest.mark.parametrize("name", ["issuing", "signer"])
def test_a_link_needs_the_identifier_of_gmt_0009(chain: Path, name: str) -> None:
    trusted = ("-partial_chain", "-trusted", chain / "root.pem", "-trusted", chain / "issuing.pem")
    refusal = openssl("verify", "-attime", at_time(), *trusted, chain / f"{name}.pem", refused=True)
    assert "signature failure" in refusal


@pytest.mark.parametrize("leaf", ["maker.pem", "signer.pem"])
def test_chain_is_accepted(chain: Path, leaf: str) -> None:
    assert "OK" in _verify(chain, leaf)


def test_chain_is_accepted_with_revocation_checked_everywhere(world: World, chain: Path) -> None:
    lists = _write_lists(world, chain)
    assert "OK" in _verify(chain, "signer.pem", "-crl_check_all", "-CRLfile", lists)


def test_revoked_certificate_is_refused_and_the_other_is_not(world: World, chain: Path) -> None:
    record = world.store.find_by_request("signer")
    assert record is not None
    world.service.revoke(record.serial, RevocationReason.KEY_COMPROMISE, requested_by="a", approved_by="b")
    lists = _write_lists(world, chain)
    assert "certificate revoked" in _verify(chain, "signer.pem", "-crl_check_all", "-CRLfile", lists, refused=True)
    assert "OK" in _verify(chain, "maker.pem", "-crl_check_all", "-CRLfile", lists)


def test_revoked_issuing_ca_takes_its_certificates_with_it(world: World, chain: Path) -> None:
    issuing = world.service.ca_x509(CaRole.ISSUING)
    world.service.revoke(issuing.serial, RevocationReason.CA_COMPROMISE, requested_by="a", approved_by="b")
    lists = _write_lists(world, chain)
    assert "certificate revoked" in _verify(chain, "maker.pem", "-crl_check_all", "-CRLfile", lists, refused=True)


@pytest.mark.parametrize("role", list(CaRole))
def test_published_signature_of_a_list_verifies(world: World, chain: Path, role: CaRole) -> None:
    world.service.publish_crls(days=7, principal=OPERATOR)
    crl: Crl = world.service.crl(role)
    (chain / "tbs").write_bytes(crl.tbs)
    (chain / "signature").write_bytes(crl.signature)
    openssl("x509", "-in", chain / f"{role}.pem", "-pubkey", "-noout", "-out", chain / "key.pem")
    check = ("dgst", "-sm3", "-verify", chain / "key.pem", "-sigopt", DISTID, "-signature", chain / "signature")
    assert "Verified OK" in openssl(*check, chain / "tbs")


def test_path_lengths_are_enforced(chain: Path) -> None:
    shown = [openssl("x509", "-in", chain / f"{name}.pem", "-noout", "-text") for name in ("root", "issuing")]
    assert "CA:TRUE, pathlen:1" in shown[0]
    assert "CA:TRUE, pathlen:0" in shown[1]
    assert all("Certificate Sign, CRL Sign" in text for text in shown)
