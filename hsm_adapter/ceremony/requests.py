"""What an online installation asks of its root key: files that are carried to the offline machine by hand.

The file that asks for the certificate of an issuing CA holds the public half of that key and a proof that the
installation has the private one: a signature over the rest of the file. A request for a revocation list has none to
give; its SM3 is compared by people, as that of every request is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hsm_adapter.ceremony.errors import CeremonyRequestInvalid
from trust.formats.crl import Revocation, RevocationReason
from trust.formats.x509_build import build_name
from trust.gm.sm2 import PublicKey
from trust.gm.sm3 import sm3
from trust.kernel.algorithms import Algorithm
from trust.kernel.encoding import canonical_json, members_once
from trust.kernel.errors import TrustError
from trust.signatures import verify

MAX_REQUEST_BYTES = 256 * 1024
"""Longest request, bytes: a list of a thousand revoked issuing CAs, which nobody has."""

PROOF_PREFIX = b"yinxin ceremony request\x00"  # no X.509 and no CRL begins so: the signature is good for nothing else

_ISSUING = "yinxin-issuing-request/1"
_CRL = "yinxin-root-crl-request/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuingRequest:
    """Certify this issuing CA; in the first ceremony the root is named by it as well."""

    organization: str
    root_common_name: str
    issuing_common_name: str
    spki: bytes
    crl_url: str

    def unsigned(self) -> bytes:
        """Return what the issuing key signs."""
        return PROOF_PREFIX + canonical_json(self._members())

    def encode(self, proof: bytes) -> bytes:
        """Return the file."""
        return canonical_json(self._members() | {"proof": proof.hex()}) + b"\n"

    def _members(self) -> dict[str, object]:
        return {
            "format": _ISSUING,
            "organization": self.organization,
            "root_common_name": self.root_common_name,
            "issuing_common_name": self.issuing_common_name,
            "spki": self.spki.hex(),
            "crl_url": self.crl_url,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlRequest:
    """Sign the root's revocation list with these certificates on it, by serial number."""

    revoked: Mapping[int, Revocation]

    def encode(self) -> bytes:
        """Return the file."""
        revoked = [
            {"serial": f"{serial:x}", "at": entry.at.isoformat(), "reason": entry.reason.value}
            for serial, entry in sorted(self.revoked.items())
        ]
        return canonical_json({"format": _CRL, "revoked": revoked}) + b"\n"


def parse_request(content: bytes) -> IssuingRequest | CrlRequest:
    """Read a request and judge its proof. Raises `CeremonyRequestInvalid`."""
    if len(content) > MAX_REQUEST_BYTES:
        raise CeremonyRequestInvalid(f"A request has at most {MAX_REQUEST_BYTES} bytes.", field="request")
    try:
        members = json.loads(content, object_pairs_hook=members_once)
        kind = members.pop("format")
        if kind == _ISSUING:
            return _issuing(members)
        if kind == _CRL:
            return _crl(members)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, TrustError):
        pass
    raise CeremonyRequestInvalid(field="request")


def fingerprint(content: bytes) -> str:
    """Return the SM3 of some bytes as people compare it: capital hex in groups of four."""
    return grouped(sm3(content).hex())


def grouped(digest: str) -> str:
    """Return hex in capitals and groups of four."""
    return " ".join(digest[start : start + 4].upper() for start in range(0, len(digest), 4))


def _issuing(members: dict[str, Any]) -> IssuingRequest:
    proof = bytes.fromhex(members.pop("proof"))
    spki = bytes.fromhex(members.pop("spki"))
    PublicKey.from_spki(spki)
    request = IssuingRequest(spki=spki, **members)
    for name in (request.root_common_name, request.issuing_common_name):
        build_name(common_name=name, organization=request.organization, organizational_unit=None)
    if not request.crl_url.startswith(("http://", "https://")) or not request.crl_url.isprintable():
        raise ValueError("no address")
    verify(Algorithm.SM2_SM3, spki, request.unsigned(), proof)
    return request


def _crl(members: dict[str, Any]) -> CrlRequest:
    revoked = {}
    for entry in members.pop("revoked"):
        at = datetime.fromisoformat(entry["at"])
        if at.utcoffset() is None:
            raise ValueError("no time zone")
        revoked[int(entry["serial"], 16)] = Revocation(at=at, reason=RevocationReason(entry["reason"]))
    if members:
        raise ValueError("more than a request")
    return CrlRequest(revoked=revoked)
