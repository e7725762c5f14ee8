"""How a make of device deviates, as data: no vendor's name is ever compared in code."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from trust.kernel.algorithms import RSA_MODULUS_BITS

CKK_EC: Final = 0x00000003


class Takes(StrEnum):
    """What a mechanism is given to sign."""

    MESSAGE = "message"
    DIGEST = "digest"


class PointForm(StrEnum):
    """How CKA_EC_POINT is encoded: the standard's OCTET STRING around the point (2.40, section 2.3.3), or bare."""

    OCTET_STRING = "octet-string"
    RAW = "raw"


class SignatureForm(StrEnum):
    """How r and s come: side by side (2.40, section 2.3.1), or as DER SEQ{r, s}."""

    RAW = "raw"
    DER = "der"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """One make of device. The defaults are what OASIS PKCS#11 2.40 says; SM2 has no number there, so none here.

    `sm2_generate`, `sm2_sign`, `sm2_key_type`: the vendor's mechanisms and CKK_* for SM2. `sm2_takes`: e = SM3(Z || M)
    or the message, for which the device then computes Z itself. `rsa_takes`: the message for CKM_SHA256_RSA_PKCS, or
    the DigestInfo for CKM_RSA_PKCS. `sends_public_exponent`: CKA_PUBLIC_EXPONENT is in the template of a new RSA key.
    `honours_id`: CKA_ID can be given for a new key; otherwise the device's own is read back. `honours_labels`: the
    same for CKA_LABEL. `login_per_session`: C_Login in each session, where the standard has one for all. `random`:
    there is C_GenerateRandom. `restarts_library`: a token that does not answer may come back by C_Finalize and
    C_Initialize. `max_sessions`: sessions that one process may open. `uses_attribute`: the CKA_* in which
    the device counts the uses of a private key, if it does.
    """

    sm2_generate: int | None = None
    sm2_sign: int | None = None
    sm2_key_type: int = CKK_EC
    sm2_takes: Takes = Takes.DIGEST
    sm2_signature: SignatureForm = SignatureForm.RAW
    ecdsa_signature: SignatureForm = SignatureForm.RAW
    ec_point: PointForm = PointForm.OCTET_STRING
    rsa_takes: Takes = Takes.MESSAGE
    rsa_modulus_bits: int = min(RSA_MODULUS_BITS)
    sends_public_exponent: bool = True
    honours_id: bool = True
    honours_labels: bool = True
    login_per_session: bool = False
    random: bool = True
    restarts_library: bool = True
    max_sessions: int = 64
    uses_attribute: int | None = None


MODELS: Final = MappingProxyType(
    {
        "standard": Quirks(),
        # SoftHSM 2.6 keeps to the standard; its sessions cost a few KiB, so that only our own threads bound them.
        "softhsm2": Quirks(max_sessions=64),
    }
)
"""Known makes: an entry `model` of a profile names one, its table `quirks` changes single points."""
