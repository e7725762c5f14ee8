"""The verify-only engine for machines without a libcrypto that knows SM2: the only module that imports `gmssl`.

`gmssl` 3.2.2 is pure Python. Its verification is sound only behind checks of the point and of r and s, which are made
here; its nonces and keys come from a predictable generator and its decryption does not check the hash, so no private
key and no plaintext ever reaches it (test_oracles.py shows one of these faults). It holds the GIL and is slow.
"""

from importlib.metadata import version
from typing import NoReturn

from gmssl import sm2

from trust.gm.curve import FIELD_BYTES, is_point
from trust.gm.encoding import decode_signature
from trust.gm.errors import EngineVerifyOnly, KeyUnusable, SignatureInvalid

_DIGEST_BYTES = 32


class GmsslPublicKey:
    """A public key for `gmssl`."""

    __slots__ = ("_hex",)

    def __init__(self, point: bytes) -> None:
        if not is_point(point):
            raise KeyUnusable
        self._hex = point[1:].hex()

    def verify_digest(self, e: bytes, signature: bytes) -> None:
        """See `PublicHandle.verify_digest`."""
        r, s = decode_signature(signature)
        if len(e) != _DIGEST_BYTES:
            raise SignatureInvalid
        verifier = sm2.CryptSM2(None, "")
        # By the attribute: the constructor strips leading 0 and 4 digits off X and so mangles one key in six.
        verifier.public_key = self._hex
        if verifier.verify(f"{r:0{2 * FIELD_BYTES}x}{s:0{2 * FIELD_BYTES}x}", e) is not True:
            raise SignatureInvalid

    def encrypt(self, plaintext: bytes) -> NoReturn:
        """Refuse: the nonce would be predictable."""
        del plaintext
        raise EngineVerifyOnly


class GmsslEngine:
    """The verify-only engine."""

    name = "gmssl"
    private_operations = False

    def __init__(self) -> None:
        self.version = f"gmssl {version('gmssl')}"
        self.location = sm2.__file__ or "gmssl"

    def load_public(self, point: bytes) -> GmsslPublicKey:
        """See `Engine.load_public`."""
        return GmsslPublicKey(point)

    def load_private(self, scalar: bytearray) -> NoReturn:
        """Refuse."""
        del scalar
        raise EngineVerifyOnly

    def generate(self) -> NoReturn:
        """Refuse."""
        raise EngineVerifyOnly
