"""What `trust.gm.sm2` needs from an engine. Signatures are over the 32-byte e, as in GM/T 0018 (SDF)."""

from typing import Protocol


class PublicHandle(Protocol):
    """A public key inside an engine; usable from several threads at once."""

    def verify_digest(self, e: bytes, signature: bytes) -> None:
        """Return when the DER `signature` is right for the 32 bytes `e`.

        Raises:
            SignatureInvalid: it is not.
            EngineFailed: the engine could not tell.
        """
        ...

    def encrypt(self, plaintext: bytes) -> bytes:
        """Return the DER SM2Cipher. Raises `EngineVerifyOnly` or `EngineFailed`."""
        ...


class PrivateHandle(Protocol):
    """A private key inside an engine; usable from several threads at once."""

    @property
    def point(self) -> bytes:
        """The public point 04 || X || Y that the engine computed from the private key."""
        ...

    def sign_digest(self, e: bytes) -> bytes:
        """Return the DER signature over the 32 bytes `e`. Raises `EngineFailed`."""
        ...

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return the plaintext of a DER SM2Cipher. Raises `CiphertextInvalid`."""
        ...

    def scalar(self) -> bytearray:
        """Return the private scalar, 32 bytes, in a buffer that the caller overwrites."""
        ...


class Engine(Protocol):
    """A library that computes SM2."""

    @property
    def name(self) -> str:
        """Short name for logs and reports."""
        ...

    @property
    def version(self) -> str:
        """Version as the library itself states it."""
        ...

    @property
    def location(self) -> str:
        """Where the library was loaded from."""
        ...

    @property
    def private_operations(self) -> bool:
        """Whether this engine may hold private keys."""
        ...

    def load_public(self, point: bytes) -> PublicHandle:
        """Return the key with this point. Raises `KeyUnusable` for a point that is not on the curve."""
        ...

    def load_private(self, scalar: bytearray) -> PrivateHandle:
        """Return the key with this scalar, 1..n-2. Raises `EngineVerifyOnly`, `KeyUnusable` or `EngineFailed`."""
        ...

    def generate(self) -> PrivateHandle:
        """Return a fresh key from the library's own generator. Raises `EngineVerifyOnly` or `EngineFailed`."""
        ...
