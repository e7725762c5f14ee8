"""What each kind of X.509 carries (GB/T 20518): a closed table of profiles."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from trust.formats.x509 import SEAL_MAKING_OID, KeyUsage

ROOT_DAYS = 20 * 365  # outlives two issuing CAs, so that a roll-over has years, not weeks
ISSUING_DAYS = 10 * 365  # outlives two generations of seal makers
SEAL_MAKER_DAYS = 5 * 365  # a seal must be made within its maker's validity; shorter would remake every seal early
SEAL_SIGNER_DAYS = 3 * 365  # how long one signing key of a unit stays in use


class CaRole(StrEnum):
    """The two CAs of an installation."""

    ROOT = "root"
    ISSUING = "issuing"


class Profile(StrEnum):
    """The kinds of certificates that are issued."""

    ROOT = "root"
    ISSUING = "issuing"
    SEAL_MAKER = "seal-maker"
    SEAL_SIGNER = "seal-signer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRules:
    """What a profile fixes. `path_length` is None for end entities, which alone are issued on request."""

    issuer: CaRole
    validity: timedelta
    key_usage: frozenset[KeyUsage]
    path_length: int | None = None
    extended_key_usage: frozenset[str] = frozenset()


_CA_USAGE = frozenset({KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN})
# GB/T 20518: the signature certificate of the dual pair; it never enciphers.
_SIGNATURE_USAGE = frozenset({KeyUsage.DIGITAL_SIGNATURE, KeyUsage.NON_REPUDIATION})

RULES: dict[Profile, ProfileRules] = {
    Profile.ROOT: ProfileRules(
        issuer=CaRole.ROOT, validity=timedelta(days=ROOT_DAYS), key_usage=_CA_USAGE, path_length=1
    ),
    Profile.ISSUING: ProfileRules(
        issuer=CaRole.ROOT, validity=timedelta(days=ISSUING_DAYS), key_usage=_CA_USAGE, path_length=0
    ),
    Profile.SEAL_MAKER: ProfileRules(
        issuer=CaRole.ISSUING,
        validity=timedelta(days=SEAL_MAKER_DAYS),
        key_usage=_SIGNATURE_USAGE,
        # Without it any unit's own certificate could pass as a maker's, and a unit could make itself a seal.
        extended_key_usage=frozenset({SEAL_MAKING_OID}),
    ),
    Profile.SEAL_SIGNER: ProfileRules(
        issuer=CaRole.ISSUING, validity=timedelta(days=SEAL_SIGNER_DAYS), key_usage=_SIGNATURE_USAGE
    ),
}

PROFILE_OF_CA: dict[CaRole, Profile] = {CaRole.ROOT: Profile.ROOT, CaRole.ISSUING: Profile.ISSUING}
