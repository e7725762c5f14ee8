"""SM2 for pyHanko's validation, through its public hook: one class serves CMS, chain and CRL alike.

The names of the algorithms come from `trust.formats.asn1`, which this module imports so that no process validates
without them. It decides only whether one signature value is right, not whether anyone is to be trusted.
"""

from asn1crypto.algos import SignedDigestAlgorithm
from asn1crypto.keys import PublicKeyInfo
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator.errors import AlgorithmNotSupported
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_VALIDATION_CONTEXT,
    DefaultSignatureValidator,
    SignatureValidationContext,
)
from typing_extensions import override

import trust.formats.asn1  # noqa: F401  registers SM2, SM3 and the curve in asn1crypto
from trust.gm.errors import KeyUnusable, SignatureInvalid
from trust.gm.sm2 import PublicKey
from trust.kernel.algorithms import TABLE, Algorithm

_SM2 = TABLE[Algorithm.SM2_SM3].signature_oid


class Sm2SignatureValidator(DefaultSignatureValidator):
    """Checks SM2-with-SM3 values (GB/T 32918.2, default signer id); everything else as pyHanko does."""

    @override
    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: PublicKeyInfo,
        signature_algorithm: SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        """Return when the value is right.

        Raises:
            InvalidSignature: the value is wrong, or the key is not a usable SM2 key.
            AlgorithmNotSupported: only a digest is at hand. SM2 hashes the signer's key before the message, so no
                verdict is possible (a CMS without signed attributes).
        """
        if signature_algorithm["algorithm"].dotted != _SM2:
            super().validate_signature(signature, signed_data, public_key_info, signature_algorithm, context)
            return
        if context.prehashed:
            raise AlgorithmNotSupported("SM2 cannot be checked against a ready digest.")
        try:
            PublicKey.from_spki(public_key_info.dump()).verify(signed_data, signature)
        except (SignatureInvalid, KeyUnusable) as error:
            raise InvalidSignature from error
