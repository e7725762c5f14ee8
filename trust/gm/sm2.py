"""SM2 keys: signatures (GB/T 32918.2) and public-key encryption (GB/T 32918.4) over the chosen engine.

Keys are immutable, safe to share between threads, and hold the engine's own key object, loaded once. ZA is computed
once per key and identifier. The identifier is always explicit here; its default is the one GM/T 0009 prescribes.

Private bytes: inside libcrypto they are wiped when the key object goes. `to_pkcs8` returns a `bytes`, which Python
cannot wipe and may copy: call it only to seal the key at once and drop it. The bytes given to `from_pkcs8` are the
caller's to drop.
"""

from typing import Final, NoReturn

from typing_extensions import Buffer, override

from trust.gm import encoding, engine, sm3
from trust.gm.curve import DEFAULT_ID, za
from trust.gm.errors import CiphertextInvalid, DigestUnusable, EngineFailed, KeyUnusable, PlaintextUnusable
from trust.gm.ports import Engine, PrivateHandle, PublicHandle

__all__ = ["DEFAULT_ID", "PrivateKey", "PublicKey"]

MAX_PLAINTEXT_BYTES: Final = 4096
"""Longest plaintext of one encryption, bytes. SM2 wraps symmetric keys and key pairs; files are for SM4."""
_MAX_CACHED_IDS: Final = 8  # identifiers per key whose ZA is kept; a key has one or two, more is somebody probing
_ENCRYPTION_ATTEMPTS: Final = 64  # a mask of one byte is all zero once in 256 times; 64 in a row means a broken engine


def _check_digest(e: bytes) -> bytes:
    if len(e) != sm3.DIGEST_BYTES:
        raise DigestUnusable(f"The digest has {len(e)} bytes, not {sm3.DIGEST_BYTES}.")
    return e


class PublicKey:
    """A public key on the SM2 curve."""

    __slots__ = ("_handle", "_za", "_za_default", "point")

    point: bytes
    """04 || X || Y."""

    def __init__(self, point: bytes, *, using: Engine | None = None) -> None:
        self.point = encoding.check_point(bytes(point))
        self._handle: PublicHandle = (using or engine.current()).load_public(self.point)
        self._za_default = za(self.point, DEFAULT_ID, sm3.sm3)
        self._za: dict[bytes, bytes] = {DEFAULT_ID: self._za_default}

    @classmethod
    def from_point(cls, point: bytes) -> "PublicKey":
        """Return the key with the point 04 || X || Y. Raises `KeyUnusable`."""
        return cls(point)

    @classmethod
    def from_spki(cls, spki: bytes) -> "PublicKey":
        """Return the key in a DER SubjectPublicKeyInfo. Raises `KeyUnusable`; see `encoding.decode_spki`."""
        return cls(encoding.decode_spki(spki))

    @property
    def spki(self) -> bytes:
        """The DER SubjectPublicKeyInfo."""
        return encoding.encode_spki(self.point)

    def za(self, ident: bytes = DEFAULT_ID) -> bytes:
        """Return ZA for the signer's identifier (GB/T 32918.2 section 5.5). Raises `SignerIdUnusable`."""
        known = self._za.get(ident)
        if known is None:
            known = za(self.point, ident, sm3.sm3)
            if len(self._za) < _MAX_CACHED_IDS:
                self._za[bytes(ident)] = known
        return known

    def message_digest(self, message: Buffer, *, ident: bytes = DEFAULT_ID) -> bytes:
        """Return e = SM3(ZA || message), the 32 bytes that are signed."""
        state = sm3.new(self._za_default if ident is DEFAULT_ID else self.za(ident))
        state.update(message)
        return state.digest()

    def verify(self, message: Buffer, signature: bytes, *, ident: bytes = DEFAULT_ID) -> None:
        """Return when the DER `signature` was made over `message` with this key.

        Raises:
            SignatureInvalid: it was not; `SignatureMalformed` when it is not strict DER with r and s in range.
            SignerIdUnusable: `ident` is too long.
        """
        encoding.decode_signature(signature)
        self._handle.verify_digest(self.message_digest(message, ident=ident), signature)

    def verify_digest(self, e: bytes, signature: bytes) -> None:
        """As `verify`, over a ready e = SM3(ZA || M).

        Raises:
            SignatureInvalid: the signature is wrong or malformed.
            DigestUnusable: `e` does not have 32 bytes.
        """
        encoding.decode_signature(signature)
        self._handle.verify_digest(_check_digest(e), signature)

    def encrypt(self, plaintext: bytes) -> bytes:
        """Return the DER SM2Cipher, C1 C3 C2, of 1 to `MAX_PLAINTEXT_BYTES` bytes (GB/T 35276 section 7.2).

        Raises:
            PlaintextUnusable: empty or too long.
            EngineVerifyOnly: the engine of this process may not encrypt.
        """
        if not 0 < len(plaintext) <= MAX_PLAINTEXT_BYTES:
            raise PlaintextUnusable(f"{len(plaintext)} bytes; from 1 to {MAX_PLAINTEXT_BYTES} can be encrypted.")
        for _ in range(_ENCRYPTION_ATTEMPTS):
            ciphertext = self._handle.encrypt(plaintext)
            # GB/T 32918.4 section 6.1 step A5: an all-zero mask would show the plaintext; OpenSSL 3.0 does not look.
            if encoding.decode_ciphertext(ciphertext).c2 != plaintext:
                return ciphertext
        raise EngineFailed("The engine does not mask the plaintext.")

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.point == other.point

    @override
    def __hash__(self) -> int:
        return hash(self.point)

    @override
    def __repr__(self) -> str:
        return f"PublicKey({self.point.hex()})"


class PrivateKey:
    """A private key on the SM2 curve. It shows nothing of itself and cannot be pickled or copied."""

    __slots__ = ("_handle", "_sign_digest", "public_key")

    public_key: PublicKey
    """The public half, computed from the private one."""

    def __init__(self, handle: PrivateHandle, *, using: Engine) -> None:
        self._handle = handle
        self._sign_digest = handle.sign_digest
        self.public_key = PublicKey(handle.point, using=using)

    @classmethod
    def generate(cls) -> "PrivateKey":
        """Return a fresh key from libcrypto's generator. Raises `EngineVerifyOnly`, `EngineFailed`."""
        chosen = engine.current()
        return cls(chosen.generate(), using=chosen)

    @classmethod
    def from_pkcs8(cls, pkcs8: bytes, *, using: Engine | None = None) -> "PrivateKey":
        """Return the key in an unencrypted DER PrivateKeyInfo (RFC 5958).

        Raises:
            KeyUnusable: not strict DER, not on the named SM2 curve, d out of range, or the public half does not belong.
            EngineVerifyOnly: the engine of this process may not hold private keys.
        """
        chosen = using or engine.current()
        parts = encoding.decode_pkcs8(pkcs8)
        try:
            handle = chosen.load_private(parts.scalar)
        finally:
            parts.scalar[:] = bytes(len(parts.scalar))
        if parts.point is not None and parts.point != handle.point:
            raise KeyUnusable("The public key in the file does not belong to the private key.")
        return cls(handle, using=chosen)

    def to_pkcs8(self) -> bytes:
        """Return the DER PrivateKeyInfo with the public half; see the warning of this module."""
        scalar = self._handle.scalar()
        encoded = encoding.encode_pkcs8(scalar, self.public_key.point)
        try:
            return bytes(encoded)
        finally:
            scalar[:] = bytes(len(scalar))
            encoded[:] = bytes(len(encoded))

    def sign(self, message: Buffer, *, ident: bytes = DEFAULT_ID) -> bytes:
        """Return the DER signature over `message`. Raises `SignerIdUnusable`, `EngineFailed`."""
        return self._sign_digest(self.public_key.message_digest(message, ident=ident))

    def sign_digest(self, e: bytes) -> bytes:
        """Return the DER signature over a ready e = SM3(ZA || M). Raises `DigestUnusable`, `EngineFailed`."""
        return self._sign_digest(_check_digest(e))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return the plaintext of a DER SM2Cipher; C1 is checked to be on the curve and C3 to be right.

        Raises:
            CiphertextInvalid: made for another key, altered, or not strict DER.
        """
        parts = encoding.decode_ciphertext(ciphertext)
        plaintext = self._handle.decrypt(ciphertext)
        if plaintext == parts.c2:  # GB/T 32918.4 section 7.1 step B4: an all-zero mask is an error
            raise CiphertextInvalid
        return plaintext

    @override
    def __repr__(self) -> str:
        return "PrivateKey(…)"

    @override
    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key does not leave the process by pickling or copying")
