"""The acts of an open root key. The guard stands before it as before every key; the ceremony's record is its ledger.

Intent before effect (law 5): the bytes to sign are in the record before the key signs them, so that a sitting that was
interrupted signs the same bytes again, never others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm_adapter.ceremony.custody import OpenRoot
from hsm_adapter.ceremony.drafts import Drafts
from hsm_adapter.ceremony.errors import CeremonyRequestInvalid
from hsm_adapter.ceremony.record import Kind, Record
from hsm_adapter.ceremony.requests import IssuingRequest, fingerprint, parse_request
from hsm_adapter.ceremony.script import Action, Step
from hsm_adapter.folder import make_folder, usable
from hsm_adapter.guard import GuardedSigner
from trust.durable import write_whole
from trust.formats.crl import parse_crl
from trust.formats.x509 import X509, parse_x509
from trust.formats.x509_build import assemble_signed
from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness
from trust.keys import KeyPurpose, KeyUse, SigningRequest, UseContext

OUT = "out"
"""The folder of the medium whose files go to the online installation."""

ROOT_FILE, ISSUING_FILE, CRL_FILE = "root.cer", "issuing.cer", "root.crl"

_REQUESTS = "requests"
_FILES = {
    Action.CERTIFY_ROOT: ROOT_FILE,
    Action.CERTIFY_ISSUING: ISSUING_FILE,
    Action.PUBLISH_CRL: CRL_FILE,
}
SIGNING = frozenset(_FILES)
"""The actions that need the open key."""


class RecordedUses:
    """`KeyUseRecorder` of the offline machine: each use is a line of the record before the signature is released."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def record(self, uses: Sequence[KeyUse]) -> Sequence[int]:
        """Append the uses; the numbers of their lines stand for the leaf indexes."""
        return [self._record.append(Kind.USE, _use(use)).number for use in uses]


@dataclass(frozen=True, slots=True, kw_only=True)
class RootActs:
    """Signs what a step says. `request` is the file that was compared, None when the step needs none."""

    folder: Path
    record: Record
    clock: Clock
    randomness: Randomness
    rehearsal: bool

    def keep_request(self, content: bytes) -> dict[str, object]:
        """Check a request, keep it on the medium, return what the record says. Raises `CeremonyRequestInvalid`."""
        request = parse_request(content)
        shown = fingerprint(content)
        name = f"{shown.replace(' ', '').lower()}.json"
        make_folder(self.folder / _REQUESTS)
        with usable(self.folder):
            write_whole(self.folder / _REQUESTS / name, content, self.randomness)
        return {"request_sm3": shown, "request_file": name, "request": type(request).__name__}

    def begin(self, step: Step, *, root: Mapping[str, Any], request_file: str | None, crl_number: int) -> str:
        """Decide what is signed, put it on the record and return it in hex. Raises `CeremonyRequestInvalid`."""
        tbs = self._draft(step.action, bytes.fromhex(root["public_key"]), request_file, crl_number)
        self.record.append(Kind.BEGUN, {"step": step.id, "tbs": tbs.hex()})
        return tbs.hex()

    def sign(self, step: Step, opened: OpenRoot, tbs: bytes, *, by: str) -> dict[str, object]:
        """Sign through the guard, keep the file, return what the record says of it."""
        guard = GuardedSigner(opened.token, RecordedUses(self.record), self.clock)
        context = UseContext(principal=f"ceremony:{by}", why=f"ceremony {step.action.value}", document=step.id)
        signature = guard.sign(
            opened.ref, SigningRequest(message=tbs, context=context), purpose=KeyPurpose.X509_ISSUING
        )
        der = assemble_signed(tbs, signature.value)
        name = _FILES[step.action]
        make_folder(self.folder / OUT)
        with usable(self.folder):
            write_whole(self.folder / OUT / name, der, self.randomness)
        return {"file": name, "file_sm3": fingerprint(der), **_described(step.action, der)}

    def root_x509(self) -> X509:
        """Return the root that was made. Raises `TokenFolderUnusable`, `X509Malformed`."""
        with usable(self.folder):
            return parse_x509((self.folder / OUT / ROOT_FILE).read_bytes())

    def _draft(self, action: Action, spki: bytes, request_file: str | None, crl_number: int) -> bytes:
        drafts = Drafts(
            now=self.clock.now().replace(microsecond=0), randomness=self.randomness, rehearsal=self.rehearsal
        )
        request = None if request_file is None else self._request(request_file)
        if action is Action.PUBLISH_CRL:
            wanted = None if isinstance(request, IssuingRequest) else request
            return drafts.crl(wanted, self.root_x509(), number=crl_number)
        if not isinstance(request, IssuingRequest):
            raise CeremonyRequestInvalid("This act needs the request of an issuing CA.", field="request")
        if action is Action.CERTIFY_ROOT:
            return drafts.root(request, spki)
        return drafts.issuing(request, self.root_x509())

    def _request(self, name: str) -> Any:
        with usable(self.folder):
            content = (self.folder / _REQUESTS / name).read_bytes()
        if fingerprint(content).replace(" ", "").lower() != name.removesuffix(".json"):
            raise CeremonyRequestInvalid("The request on the medium is not the one that was compared.", field="request")
        return parse_request(content)


def _use(use: KeyUse) -> dict[str, object]:
    return {
        "key": use.key,
        "algorithm": None if use.algorithm is None else use.algorithm.value,
        "purpose": use.purpose.value,
        "digest": use.digest,
        "principal": use.context.principal,
        "why": use.context.why,
        "document": use.context.document,
        "outcome": use.outcome.value,
        "reason": use.reason,
    }


def _described(action: Action, der: bytes) -> dict[str, object]:
    if action is Action.PUBLISH_CRL:
        crl = parse_crl(der)
        return {"number": crl.number, "revoked": len(crl.revoked), "next_update": crl.next_update.isoformat()}
    x509 = parse_x509(der)
    return {"subject": x509.subject.text, "serial": f"{x509.serial:X}", "not_after": x509.not_after.isoformat()}
