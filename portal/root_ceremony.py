"""What an online installation has to do with a root-key ceremony: it asks, and takes over what came back.

A fresh installation asks before `yinxin init` has made a root; `init` finishes it once the files are taken over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hsm_adapter.ceremony.errors import CeremonyClosed, CeremonyFolderUnusable, RecordBroken, RehearsalUnusable
from hsm_adapter.ceremony.progress import Progress, check_keeps_key, follow
from hsm_adapter.ceremony.record import read_record
from hsm_adapter.ceremony.requests import CrlRequest, IssuingRequest, fingerprint
from hsm_adapter.ceremony.signing import CRL_FILE, ISSUING_FILE, OUT, ROOT_FILE
from portal.foundation import Foundation
from trust.authority.domain import CaKey
from trust.authority.offline import OfflineRoot
from trust.authority.profiles import CaRole
from trust.authority.store import SqlAuthorityStore
from trust.formats.crl import parse_crl
from trust.gm.sm3 import sm3
from trust.kernel.encoding import canonical_json
from trust.keys import KeyPurpose, SigningRequest, UseContext

PRINCIPAL = "operator:root-ceremony"

MAX_FILE_BYTES = 16 * 1024 * 1024
"""Longest file that is taken over, bytes: the longest revocation list that is signed."""

_STATEMENT = b"yinxin ceremony protocol\x00"  # no X.509 and no CRL begins so


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What was taken over; `ledger_index` is the leaf that holds the protocol's digest."""

    root: str
    root_sha256: str
    crl_number: int
    ceremony: str
    protocol_sm3: str
    ledger_index: int


def ask_issuing(base: Foundation, organization: str) -> bytes:
    """Return the request for the issuing CA, proved by its key; the key is made now if need be.

    Raises `AuthorityAlreadyEstablished`, `X509DraftInvalid`, and what the signer raises.
    """
    ca = _offline(base).issuing_key(base.keys.custodian)
    request = IssuingRequest(
        organization=organization,
        root_common_name=f"{organization}根证书",
        issuing_common_name=f"{organization}签发证书",
        spki=ca.spki,
        crl_url=f"{base.settings.public_url.rstrip('/')}/pki/{CaRole.ROOT.value}.crl",
    )
    proof = _signed(base, ca, request.unsigned(), why="ask for the issuing CA", document="request:issuing")
    return request.encode(proof[0])


def ask_crl(base: Foundation) -> bytes:
    """Return the request for the root's next revocation list: all that it revoked so far, and what was revoked here."""
    store = SqlAuthorityStore(base.database)
    known = store.latest_crl(CaRole.ROOT)
    revoked = dict(parse_crl(known).revoked) if known is not None else {}
    issuing = store.find_by_request("ca:issuing")
    if issuing is not None and issuing.revocation is not None:
        revoked[issuing.serial] = issuing.revocation.entry
    return CrlRequest(revoked=revoked).encode()


def take_over(base: Foundation, folder: Path) -> Adopted:
    """Check a medium's record, protocol and files, put the protocol's digest into the ledger, keep the CAs.

    Raises `RecordBroken`, `CeremonyClosed`, `RehearsalUnusable`, as `OfflineRoot.adopt`, and what the signer raises.
    """
    progress, head = _checked_record(folder)
    protocol = progress.protocol or {}
    names = (ROOT_FILE, ISSUING_FILE, CRL_FILE)
    root, issuing, crl = contents = tuple(_read(folder / OUT / name) for name in names)
    offline = _offline(base)
    offline.check(root, issuing, crl)
    for name, content in zip(names, contents, strict=True):  # whoever had the medium could sign all three alone
        if progress.files.get(name) != fingerprint(content):
            raise RecordBroken("The file is not the one that the root key signed by the record.", field=name)
    statement = {
        "ceremony": progress.terms.ceremony,
        "sitting": progress.number,
        "head": head,
        "protocol_sm3": protocol["sm3"],
        "files": {name: sm3(content).hex() for name, content in (("root", root), ("issuing", issuing), ("crl", crl))},
    }
    index = _signed(
        base,
        offline.issuing_key(base.keys.custodian),
        _STATEMENT + canonical_json(statement),
        why="take over the protocol of a root-key ceremony",
        document=f"ceremony-protocol:{protocol['sm3']}",
    )[1]
    kept_root, _, kept_crl = offline.adopt(root, issuing, crl, principal=PRINCIPAL)
    return Adopted(
        root=kept_root.common_name or "",
        root_sha256=kept_root.fingerprint,
        crl_number=kept_crl.number,
        ceremony=progress.terms.ceremony,
        protocol_sm3=protocol["sm3"],
        ledger_index=index,
    )


def _checked_record(folder: Path) -> tuple[Progress, str]:
    lines = read_record(folder)
    progress = follow(lines)
    if progress.terms.rehearsal:
        raise RehearsalUnusable(field="ceremony")
    root: Mapping[str, object] = check_keeps_key(progress)
    if progress.protocol is None or not root:
        raise CeremonyClosed("The protocol of the last sitting was not made yet.", field="ceremony")
    if sm3(_read(folder / progress.protocol["file"])).hex() != progress.protocol["sm3"]:
        raise RecordBroken("The protocol is not the one that the record names.", field=progress.protocol["file"])
    return progress, lines[-1].digest


def _offline(base: Foundation) -> OfflineRoot:
    return OfflineRoot(SqlAuthorityStore(base.database), base.clock)


def _signed(base: Foundation, ca: CaKey, message: bytes, *, why: str, document: str) -> tuple[bytes, int]:
    """Sign with the issuing key through the guard: the leaf of this use is what holds the message's digest."""
    context = UseContext(principal=PRINCIPAL, why=why, document=document)
    signature = base.signer.sign(
        ca.key, SigningRequest(message=message, context=context), purpose=KeyPurpose.X509_ISSUING
    )
    return signature.value, signature.ledger_index


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CeremonyFolderUnusable(f"{path.name}: {error.strerror}.", field=path.name) from None
    if len(content) > MAX_FILE_BYTES:
        raise CeremonyFolderUnusable(f"{path.name} exceeds {MAX_FILE_BYTES} bytes.", field=path.name)
    return content
