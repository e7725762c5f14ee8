"""The values of the PKI: CAs, what is certified, the rows of certificates and lists, and what relying parties get."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from trust.authority.profiles import CaRole, Profile
from trust.formats.crl import Revocation, RevocationReason
from trust.formats.x509_build import build_name
from trust.kernel.encoding import canonical_json
from trust.kernel.identifiers import Uscc
from trust.keys import KeyRef


@dataclass(frozen=True, slots=True, kw_only=True)
class X509Subject:
    """Whom a certificate names: a unit, or a CA of one. Raises `X509DraftInvalid` for an unusable name."""

    common_name: str
    organization: str
    organizational_unit: str | None = None
    uscc: Uscc | None = None

    def __post_init__(self) -> None:
        build_name(
            common_name=self.common_name,
            organization=self.organization,
            organizational_unit=self.organizational_unit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityNames:
    """The names under which the two CAs are established."""

    organization: str
    root_common_name: str
    issuing_common_name: str

    def subject_of(self, role: CaRole) -> X509Subject:
        """Return the subject of one of the CAs."""
        name = self.root_common_name if role is CaRole.ROOT else self.issuing_common_name
        return X509Subject(common_name=name, organization=self.organization)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaKey:
    """Which key a CA signs with. The row exists from the moment the key was chosen."""

    role: CaRole
    key: KeyRef
    spki: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRequest:
    """What is asked to be certified, under the asker's unique id; the same id always means the same certificate."""

    request_id: str
    profile: Profile
    subject: X509Subject
    spki: bytes
    principal: str

    @property
    def digest(self) -> str:
        """Hex SHA-256 of all that makes the certificate; tells a repetition from a reuse of the id."""
        subject = self.subject
        parts = [
            self.profile.value,
            subject.common_name,
            subject.organization,
            subject.organizational_unit,
            str(subject.uscc) if subject.uscc else None,
            self.spki.hex(),
        ]
        return hashlib.sha256(canonical_json(parts)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationRecord:
    """Who had a certificate revoked, when and why."""

    at: datetime
    reason: RevocationReason
    requested_by: str
    approved_by: str

    @property
    def entry(self) -> Revocation:
        """What the revocation list says of it."""
        return Revocation(at=self.at, reason=self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class X509Record:
    """One certificate from the reservation of its serial number on; `der` is None until it is signed."""

    serial: int
    issuer: CaRole
    profile: Profile
    request_id: str
    request_digest: str
    subject: str
    tbs: bytes
    der: bytes | None
    principal: str
    created_at: datetime
    not_after: datetime
    revocation: RevocationRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityMaterial:
    """What a relying party needs to judge our certificates, all DER. `crls` is empty before the first publication."""

    roots: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
