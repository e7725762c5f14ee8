"""What a root key signs in a ceremony: its own certificate, that of an issuing CA, its revocation list.

The profiles are those of `trust.authority.profiles`. What a rehearsal makes is marked in every name and ends after a
day, so that nobody can take it for the real thing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hsm_adapter.ceremony.requests import CrlRequest, IssuingRequest
from trust.authority.profiles import RULES, Profile
from trust.formats.x509 import X509
from trust.formats.x509_build import (
    SERIAL_BYTES,
    X509Draft,
    build_name,
    build_tbs_crl,
    build_tbs_x509,
    key_identifier,
    new_serial,
)
from trust.kernel.randomness import Randomness

ROOT_CRL_DAYS = 400
"""How long a list of an offline root is valid, days: the custodians meet once a year, and may be a month late."""

REHEARSAL_DAYS = 1
"""How long what a rehearsal signs is valid, days."""

REHEARSAL = "演练 REHEARSAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafts:
    """Builds what is to be signed at one moment (UTC, whole seconds)."""

    now: datetime
    randomness: Randomness
    rehearsal: bool

    def root(self, request: IssuingRequest, spki: bytes) -> bytes:
        """Return the TBSCertificate of the root."""
        return build_tbs_x509(self._draft(Profile.ROOT, request.root_common_name, request.organization, spki))

    def issuing(self, request: IssuingRequest, root: X509) -> bytes:
        """Return the TBSCertificate of an issuing CA; it never outlives the root."""
        draft = self._draft(Profile.ISSUING, request.issuing_common_name, request.organization, request.spki, root)
        return build_tbs_x509(replace(draft, crl_url=request.crl_url))

    def crl(self, request: CrlRequest | None, root: X509, *, number: int) -> bytes:
        """Return the TBSCertList of the root; empty without a request."""
        days = REHEARSAL_DAYS if self.rehearsal else ROOT_CRL_DAYS
        return build_tbs_crl(
            issuer=root.subject,
            authority_key_id=root.subject_key_id or key_identifier(root.spki),
            number=number,
            this_update=self.now,
            next_update=min(self.now + timedelta(days=days), root.not_after),
            revoked={} if request is None else request.revoked,
        )

    def _draft(
        self, profile: Profile, common_name: str, organization: str, spki: bytes, root: X509 | None = None
    ) -> X509Draft:
        rules = RULES[profile]
        name = f"{REHEARSAL} {common_name}" if self.rehearsal else common_name
        subject = build_name(common_name=name, organization=organization, organizational_unit=None)
        ends = self.now + (timedelta(days=REHEARSAL_DAYS) if self.rehearsal else rules.validity)
        return X509Draft(
            serial=new_serial(self.randomness.token(SERIAL_BYTES)),
            issuer=subject if root is None else root.subject,
            subject=subject,
            spki=spki,
            not_before=self.now,
            not_after=ends if root is None else min(ends, root.not_after),
            key_usage=rules.key_usage,
            path_length=rules.path_length,
            authority_key_id=None if root is None else root.subject_key_id,
        )
