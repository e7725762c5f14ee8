"""Object identifiers of the field, and their registration with asn1crypto.

asn1crypto knows no OID under 1.2.156.10197 (GM/T 0006); importing this module teaches it SM3, the SM2 curve and
SM2-with-SM3, once per process. Whatever reads or builds SM2 structures with asn1crypto or pyHanko imports this first.
"""

from typing import Any

from asn1crypto import algos, keys

SM3_OID = "1.2.156.10197.1.401"
SM2_CURVE_OID = "1.2.156.10197.1.301"
SM2_WITH_SM3_OID = "1.2.156.10197.1.501"
EC_PUBLIC_KEY_OID = "1.2.840.10045.2.1"

# GB/T 20518 extension: the unit's organisation code, today its unified social credit code.
USCC_EXTENSION_OID = "1.2.156.10260.4.1.4"

_SM2_BYTES = 32
_SM2_SM3_NAME = "sm3_sm2"


def _teach(identifier_class: Any, name: str, oid: str) -> None:
    """Add one name; the reverse map must be rebuilt at once, since asn1crypto encodes through it."""
    identifier_class._map[oid] = name  # noqa: SLF001  asn1crypto offers no public way for these two classes
    identifier_class._reverse_map = {v: k for k, v in identifier_class._map.items()}  # noqa: SLF001


def _teach_signature_properties() -> None:
    """`signature_algo` and `hash_algo` are computed from closed lists inside asn1crypto and need to know SM2 too."""
    algorithm_class = algos.SignedDigestAlgorithm
    known_signature, known_hash = algorithm_class.signature_algo.fget, algorithm_class.hash_algo.fget

    def signature_algo(self: Any) -> Any:
        return "sm2" if self["algorithm"].native == _SM2_SM3_NAME else known_signature(self)

    def hash_algo(self: Any) -> Any:
        return "sm3" if self["algorithm"].native == _SM2_SM3_NAME else known_hash(self)

    algorithm_class.signature_algo = property(signature_algo)
    algorithm_class.hash_algo = property(hash_algo)


_teach(algos.DigestAlgorithmId, "sm3", SM3_OID)
_teach(algos.SignedDigestAlgorithmId, _SM2_SM3_NAME, SM2_WITH_SM3_OID)
keys.NamedCurve.register("sm2p256v1", SM2_CURVE_OID, _SM2_BYTES)
_teach_signature_properties()
