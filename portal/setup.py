"""`yinxin init`: everything that an installation needs before its first certificate.

Safe to repeat, and finishes what was interrupted: each step returns what is there already.
"""

from portal.foundation import Foundation, lay_foundation
from portal.wiring import Installation, open_installation
from trust.authority.domain import AuthorityNames
from trust.config import Settings
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import Clock
from trust.keys import KeyPurpose, KeyState

PRINCIPAL = "system:init"
_SERVICE_KEYS = (
    (KeyPurpose.LEDGER_CHECKPOINT, Algorithm.SM2_SM3, "ledger-checkpoint"),
    (KeyPurpose.TOKEN_SIGNING, Algorithm.ECDSA_P256_SHA256, "token-signing"),
)


def initialise(settings: Settings, *, organization: str, clock: Clock | None = None) -> Installation:
    """Make home, keys, root and issuing CA, the seal maker and the first CRLs, and return the opened installation.

    `organization` names the operator in the X.509s of the CAs and of the seal maker. Raises `NotReady` errors,
    `AuthorityAlreadyEstablished` when the CAs exist under another name.
    """
    base = lay_foundation(settings, clock)
    _make_service_keys(base)
    installation = open_installation(settings, base, operator=True)
    names = AuthorityNames(
        organization=organization,
        root_common_name=f"{organization}根证书",
        issuing_common_name=f"{organization}签发证书",
    )
    installation.authority.establish(base.token, names, principal=PRINCIPAL)
    if installation.making is not None:
        installation.making.establish(organization=organization, uscc=None, principal=PRINCIPAL)
    installation.authority.publish_crls(days=settings.crl_days, principal=PRINCIPAL)
    installation.checkpointer().checkpoint()
    return installation


def _make_service_keys(base: Foundation) -> None:
    known = base.token.keys()
    present = {key.purpose for key in known if key.state is KeyState.ACTIVE}
    for purpose, algorithm, label in _SERVICE_KEYS:
        if purpose not in present:
            base.token.generate(algorithm=algorithm, purpose=purpose, label=label)
