"""A small SM2 chain built with the code under test, and the openssl CLI as independent judge."""

import ssl
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.fakes import MOMENT
from trust.formats.x509 import X509, DistinguishedName, KeyUsage, parse_x509
from trust.formats.x509_build import X509Draft, assemble_signed, build_name, build_tbs_x509, new_serial
from trust.gm.sm2 import PrivateKey

VECTORS = Path(__file__).parents[2] / "vectors"
DISTID = "distid:1234567812345678"
CA_USAGE = frozenset({KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN})
SIGNER_USAGE = frozenset({KeyUsage.DIGITAL_SIGNATURE, KeyUsage.NON_REPUDIATION})
USCC = "91110000600037341L"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A key and its certificate."""

    key: PrivateKey
    x509: X509


def draft(key: PrivateKey, subject: DistinguishedName, issuer: X509 | None = None, **changes: object) -> X509Draft:
    values: dict[str, object] = {
        "serial": new_serial(key.public_key.point[1:17]),
        "issuer": issuer.subject if issuer else subject,
        "subject": subject,
        "spki": key.public_key.spki,
        "not_before": MOMENT,
        "not_after": MOMENT + timedelta(days=365),
        "key_usage": SIGNER_USAGE,
        "authority_key_id": issuer.subject_key_id if issuer else None,
    }
    return X509Draft(**{**values, **changes})  # type: ignore[arg-type]


def certify(made: X509Draft, issuer_key: PrivateKey) -> X509:
    tbs = build_tbs_x509(made)
    return parse_x509(assemble_signed(tbs, issuer_key.sign(tbs)))


def make_root() -> Identity:
    key = PrivateKey.generate()
    made = draft(key, build_name(common_name="演示根CA", organization="演示"), key_usage=CA_USAGE, path_length=1)
    return Identity(key=key, x509=certify(made, key))


def make_leaf(root: Identity, **changes: object) -> Identity:
    key = PrivateKey.generate()
    name = build_name(common_name="演示市场监督管理局", organization="演示市场监督管理局")
    extras = {"crl_url": "http://127.0.0.1:8080/pki/root.crl", "uscc": USCC, **changes}
    return Identity(key=key, x509=certify(draft(key, name, root.x509, **extras), root.key))


def pem(x509: X509) -> str:
    return ssl.DER_cert_to_PEM_cert(x509.der)


def pem_certificates(path: Path) -> list[bytes]:
    """All certificates of a PEM file as DER, read without the code under test."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    blocks = path.read_text("ascii").split(begin)[1:]
    return [ssl.PEM_cert_to_DER_cert(begin + block.split(end)[0] + end + "\n") for block in blocks]


def openssl(*arguments: str | Path, refused: bool = False) -> str:
    """Run the CLI; returns both outputs. `refused` expects it to fail."""
    ran = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert (ran.returncode != 0) is refused, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def at_time(moment: datetime = MOMENT) -> str:
    return str(int(moment.timestamp()) + 60)
