"""The SM2 values of Tongsuo's (OpenSSL's) evp tests, without the entries that expect that library's own errors."""

import base64

import pytest

from tests.trust.gm.published import VECTORS
from trust.gm import sm2
from trust.gm.errors import SignatureInvalid

TEXT = (VECTORS / "tongsuo" / "evppkey_sm2.txt").read_text("utf-8")
PEM = TEXT.split("-----BEGIN PRIVATE KEY-----")[1].split("-----END PRIVATE KEY-----")[0]
KEY = sm2.PrivateKey.from_pkcs8(base64.b64decode(PEM))


def entries(kind: str) -> list[dict[str, str]]:
    found = []
    for block in TEXT.split("\n\n"):
        pairs = [line.split(" = ", 1) for line in block.splitlines() if " = " in line and not line.startswith("#")]
        fields = dict(pairs)
        if kind in fields and "Result" not in fields:
            found.append(fields)
    return found


@pytest.mark.parametrize("entry", entries("Verify"), ids=lambda entry: entry["Input"][:8])
def test_a_signature_over_a_ready_digest_verifies(entry) -> None:
    e, signature = bytes.fromhex(entry["Input"]), bytes.fromhex(entry["Output"])
    KEY.public_key.verify_digest(e, signature)
    with pytest.raises(SignatureInvalid):
        KEY.public_key.verify_digest(e[::-1], signature)


@pytest.mark.parametrize("entry", entries("Decrypt"), ids=lambda entry: entry["Input"][:8])
def test_a_ciphertext_decrypts_whatever_the_length_of_its_coordinates(entry) -> None:
    assert KEY.decrypt(bytes.fromhex(entry["Input"])).decode() == entry["Output"].strip('"')


def test_no_entry_was_lost_on_the_way() -> None:
    assert (len(entries("Verify")), len(entries("Decrypt"))) == (2, 4)
