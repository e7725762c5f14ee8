"""docs/verify-with-openssl.md is run as it stands: it accepts what was issued and stops at the right step otherwise."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.conftest import PUBLISHED, Exhibit, Exhibits, exhibit_all, found, publish
from trust.formats.cms import parse_signed_data
from trust.formats.crl import RevocationReason
from trust.gm.sm2 import PrivateKey

DOCUMENT = Path(__file__).parents[2] / "docs" / "verify-with-openssl.md"
ALL_STEPS = "12345678"
_SECONDS = 60

Downloads = Callable[[bytes], Path]


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What came of following the document: the steps that were completed, and all that was printed."""

    status: int
    completed: str
    printed: str


def steps() -> dict[str, str]:
    """The commands of the document under the numbers of its headings."""
    found: dict[str, str] = {}
    for section in DOCUMENT.read_text("utf-8").split("\n## ")[1:]:
        blocks = re.findall(r"^```sh\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)
        if blocks:
            found[section[0]] = "".join(blocks)
    return found


def follow(folder: Path) -> Followed:
    script = "".join(f"{commands}echo 'completed step {number}'\n" for number, commands in steps().items())
    done = subprocess.run(
        ["sh", "-c", script], stdin=subprocess.DEVNULL, cwd=folder, capture_output=True, check=False, timeout=_SECONDS
    )
    printed = (done.stdout + done.stderr).decode("utf-8", "replace")
    completed = re.findall(r"^completed step (\d)$", printed, flags=re.MULTILINE)
    return Followed(status=done.returncode, completed="".join(completed), printed=printed)


@pytest.fixture
def downloads(exhibits: Exhibits, tmp_path: Path) -> Downloads:
    """Lay out a file beside what the service publishes."""

    def lay_out(pdf: bytes) -> Path:
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name in PUBLISHED:
            shutil.copy(exhibits.folder / name, folder)
        (folder / "certificate.pdf").write_bytes(pdf)
        return folder

    return lay_out


def test_the_document_has_its_eight_steps() -> None:
    assert "".join(steps()) == ALL_STEPS


def test_a_certificate_passes_every_step(exhibit: Exhibit, downloads: Downloads) -> None:
    followed = follow(downloads(exhibit.pdf))
    assert (followed.status, followed.completed) == (0, ALL_STEPS), followed.printed
    assert (
        followed.printed.count("Verified OK") == 5
    )  # the signature, the root's list, the issuing CA's twice, the seal
    assert followed.printed.count(".pem: OK") == 3  # issuing CA, signer, seal maker
    assert "The signer is in the seal's list." in followed.printed


def test_one_changed_byte_stops_at_the_digest(exhibits: Exhibits, downloads: Downloads) -> None:
    pdf = bytearray(exhibits.food.pdf)
    pdf[200] ^= 1
    followed = follow(downloads(bytes(pdf)))
    assert (followed.status, followed.completed) == (1, "123"), followed.printed


@pytest.mark.parametrize("addition", [b"\n% more\n", b"/ByteRange [0 1 2 3]"])
def test_anything_appended_stops_at_the_coverage(exhibits: Exhibits, downloads: Downloads, addition: bytes) -> None:
    followed = follow(downloads(exhibits.food.pdf + addition))
    assert (followed.status, followed.completed) == (1, "1"), followed.printed


def test_another_keys_signature_value_stops_at_the_value(exhibits: Exhibits, downloads: Downloads) -> None:
    folder = downloads(exhibits.food.pdf)
    follow(folder)
    genuine, attributes = ((folder / name).read_bytes() for name in ("signature.der", "attributes.der"))
    forged = next(
        value
        for value in iter(lambda: PrivateKey.generate().sign(attributes), b"")
        if len(value) == len(genuine)  # so that no length around it changes
    )
    pdf = exhibits.food.pdf
    assert pdf.count(genuine.hex().encode()) == 1
    followed = follow(downloads(pdf.replace(genuine.hex().encode(), forged.hex().encode())))
    assert (followed.status, followed.completed) == (1, "1234"), followed.printed
    assert "Verification failure" in followed.printed


def test_another_issuing_ca_stops_at_the_chain(exhibits: Exhibits, downloads: Downloads) -> None:
    folder = downloads(exhibits.food.pdf)
    shutil.copy(folder / "root.cer", folder / "issuing.cer")
    followed = follow(folder)
    assert (followed.status != 0, followed.completed) == (True, "12345"), followed.printed


def test_a_list_of_another_ca_stops_at_the_revocation(exhibits: Exhibits, downloads: Downloads) -> None:
    folder = downloads(exhibits.food.pdf)
    shutil.copy(folder / "root.crl", folder / "issuing.crl")
    followed = follow(folder)
    assert (followed.status, followed.completed) == (1, "123456"), followed.printed


def test_a_revoked_signer_stops_at_the_revocation(tmp_path: Path) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    installation = found(tmp_path / "home")
    revoked = exhibit_all(installation, folder)
    shutil.copy(revoked.food.path, folder / "certificate.pdf")
    assert follow(folder).completed == ALL_STEPS
    signer = parse_signed_data((folder / "cms.der").read_bytes()).signer_serial
    reason = RevocationReason.KEY_COMPROMISE
    installation.authority.revoke(signer, reason, requested_by="郑经办", approved_by="王审批")
    installation.authority.publish_crls(days=7, principal="test")
    publish(installation, folder)
    installation.close()
    followed = follow(folder)
    assert (followed.status, followed.completed) == (1, "123456"), followed.printed
    assert "signer.pem is revoked." in followed.printed
