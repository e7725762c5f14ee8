"""`yinxin init`: everything that an installation needs before its first certificate.

Safe to repeat, and finishes what was interrupted: each step returns what is there already.
"""

from portal.foundation import Foundation, closed_on_failure, lay_foundation
from portal.wiring import Installation, open_installation
from trust.authority.domain import AuthorityNames
from trust.authority.errors import AuthorityNotEstablished
from trust.authority.profiles import CaRole
from trust.authority.service import AuthorityService
from trust.config import Settings
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import Clock
from trust.keys import KeyPurpose, KeyState

PRINCIPAL = "system:init"
ORGANIZATION = "印信演示运营单位"
"""The operator of an installation that was given no name."""

_SERVICE_KEYS = (
    (KeyPurpose.LEDGER_CHECKPOINT, Algorithm.SM2_SM3, "ledger-checkpoint"),
    (KeyPurpose.KEY_POLICY, Algorithm.SM2_SM3, "key-policy"),
    (KeyPurpose.TOKEN_SIGNING, Algorithm.ECDSA_P256_SHA256, "token-signing"),
)


def initialise(settings: Settings, *, organization: str | None = None, clock: Clock | None = None) -> Installation:
    """Make home, keys, root and issuing CA, the seal maker and the first CRLs, and return the opened installation.

    `organization` names the operator in the X.509s of the CAs and of the seal maker; without it the name that stands
    there stays. Raises `NotReady` errors, `AuthorityAlreadyEstablished` when the CAs exist under another name.
    """
    base = lay_foundation(settings, clock)
    with closed_on_failure(base):
        _make_service_keys(base)
        installation = open_installation(settings, base, operator=True)
        _establish(installation, organization or _present_name(installation.authority) or ORGANIZATION)
    return installation


def _establish(installation: Installation, organization: str) -> None:
    names = AuthorityNames(
        organization=organization,
        root_common_name=f"{organization}根证书",
        issuing_common_name=f"{organization}签发证书",
    )
    base = installation.foundation
    installation.authority.establish(base.keys.custodian, names, principal=PRINCIPAL)
    if installation.making is not None:
        installation.making.establish(organization=organization, uscc=None, principal=PRINCIPAL)
    installation.authority.publish_crls(days=base.settings.crl_days, principal=PRINCIPAL)
    installation.record().checkpointer.checkpoint()


def _present_name(authority: AuthorityService) -> str | None:
    try:
        return authority.ca_x509(CaRole.ROOT).organization
    except AuthorityNotEstablished:
        return None


def _make_service_keys(base: Foundation) -> None:
    known = base.keys.custodian.keys()
    present = {key.purpose for key in known if key.state is KeyState.ACTIVE}
    for purpose, algorithm, label in _SERVICE_KEYS:
        if purpose not in present:
            base.keys.custodian.generate(algorithm=algorithm, purpose=purpose, label=label)
