"""SM4 (GB/T 32907) in the two modes this service meets: GCM (RFC 8998) for our own data, CBC for foreign formats.

CBC has no integrity: use it only where a format prescribes it and a signature or MAC was checked before decrypting,
because a caller that can see whether the padding was right can read the plaintext step by step.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.padding import PKCS7

from trust.gm.errors import CipherParameterUnusable, CiphertextInvalid

KEY_BYTES: Final = 16
BLOCK_BYTES: Final = 16
GCM_NONCE_BYTES: Final = 12
"""The only nonce length of RFC 8998. Other lengths go through GHASH and make repeated counters likelier."""
GCM_TAG_BYTES: Final = 16
"""Never truncated: a short tag makes forging cheap (SP 800-38D appendix C)."""


def _check(name: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise CipherParameterUnusable(f"The {name} has {len(value)} bytes, not {length}.", field=name)


def encrypt_cbc(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """Return the CBC ciphertext with PKCS #7 padding. `iv` must be unpredictable and new for each message.

    Raises:
        CipherParameterUnusable: `key` or `iv` has the wrong length.
    """
    _check("key", key, KEY_BYTES)
    _check("iv", iv, BLOCK_BYTES)
    padder = PKCS7(8 * BLOCK_BYTES).padder()
    encryptor = Cipher(SM4(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()


def decrypt_cbc(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """Return the plaintext of a CBC ciphertext with PKCS #7 padding; see the warning of this module.

    Raises:
        CipherParameterUnusable: `key` or `iv` has the wrong length.
        CiphertextInvalid: not whole blocks, or wrong padding; the two are not told apart.
    """
    _check("key", key, KEY_BYTES)
    _check("iv", iv, BLOCK_BYTES)
    decryptor = Cipher(SM4(key), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(8 * BLOCK_BYTES).unpadder()
    try:
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise CiphertextInvalid from None


def encrypt_gcm(key: bytes, nonce: bytes, plaintext: bytes, associated: bytes = b"") -> bytes:
    """Return ciphertext || 16-byte tag. A nonce used twice under one key gives away both messages and the tag key.

    Raises:
        CipherParameterUnusable: `key` or `nonce` has the wrong length.
    """
    _check("key", key, KEY_BYTES)
    _check("nonce", nonce, GCM_NONCE_BYTES)
    encryptor = Cipher(SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    return encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag


def decrypt_gcm(key: bytes, nonce: bytes, sealed: bytes, associated: bytes = b"") -> bytes:
    """Return the plaintext of ciphertext || tag; nothing is returned before the tag is checked.

    Raises:
        CipherParameterUnusable: `key` or `nonce` has the wrong length.
        CiphertextInvalid: the tag is missing or does not match.
    """
    _check("key", key, KEY_BYTES)
    _check("nonce", nonce, GCM_NONCE_BYTES)
    if len(sealed) < GCM_TAG_BYTES:
        raise CiphertextInvalid
    ciphertext, tag = sealed[:-GCM_TAG_BYTES], sealed[-GCM_TAG_BYTES:]
    decryptor = Cipher(SM4(key), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(associated)
    plaintext = decryptor.update(ciphertext)
    try:
        return plaintext + decryptor.finalize()
    except InvalidTag:
        raise CiphertextInvalid from None
