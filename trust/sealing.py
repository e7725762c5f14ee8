"""Personal data at rest: sealed fields and the blind index that finds them again (law 7).

XChaCha20-Poly1305 (PyNaCl) seals a value together with the place it belongs to, so a sealed value copied to another
row does not open there. Numbers of persons have little entropy; their index is therefore an HMAC under a key that
lives in a file apart from the database, never a plain digest.
"""

import hashlib
import hmac
import stat
from pathlib import Path

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_KEYBYTES
from nacl.exceptions import CryptoError
from nacl.secret import Aead

from trust.kernel.errors import InternalFault, NotReady

KEY_BYTES: int = crypto_aead_xchacha20poly1305_ietf_KEYBYTES
MAX_SECRET_BYTES = 4096
"""Longest secret in a file, bytes. Keycloak's have 32 to 86 characters; a longer file is another file."""

_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_INDEX_BYTES = 16  # 128 bits: no accidental hit among hundreds of millions of holders


class SealBroken(InternalFault):
    """A sealed value does not open: it was altered, moved to another place, or the key is another."""

    code = "sealed-value-broken"
    title = "Stored data failed its integrity check."
    title_zh = "存储数据未通过完整性校验。"
    remedy = "Tell the security officer: stored data was altered, or a key file was exchanged."
    remedy_zh = "请告知安全审计员：存储数据被改动，或密钥文件被替换。"


class SecretMissing(NotReady):
    """A secret file is missing, unreadable or has the wrong length."""

    code = "secret-missing"
    title = "A secret file is missing or unreadable."
    title_zh = "密钥文件缺失或无法读取。"
    remedy = "Run `yinxin init` for a new installation, or restore the file from its safe."
    remedy_zh = "新安装请运行 `yinxin init`；已有系统请从保管处恢复该文件。"


class SecretExposed(NotReady):
    """A secret file may be read by others than its owner."""

    code = "secret-exposed"
    title = "A secret file may be read by others."
    title_zh = "密钥文件可被他人读取。"
    remedy = "Run chmod 600 on the named file; if others had access to it, tell the security officer."
    remedy_zh = "请收回组和其他用户的权限：对所指文件执行 chmod 600。若他人曾可读取，请告知安全审计员。"


class FieldCipher:
    """Seals and opens values of one kind; `place` is what the value is bound to, e.g. `certs.face:01J…`."""

    def __init__(self, key: bytes) -> None:
        self._box = Aead(key)

    def seal(self, plaintext: bytes, *, place: str) -> bytes:
        """Return nonce and ciphertext; a fresh random 192-bit nonce each time."""
        return bytes(self._box.encrypt(plaintext, place.encode()))

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Return the plaintext. Raises `SealBroken`."""
        try:
            return bytes(self._box.decrypt(sealed, place.encode()))
        except (CryptoError, ValueError):
            raise SealBroken(place=place) from None


class BlindIndex:
    """Maps a value to the bytes under which it is looked up; equal values give equal bytes, nothing else shows."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, value: str, *, domain: str) -> bytes:
        """Return the 16-byte index of `value`; `domain` keeps indexes of different columns apart."""
        message = domain.encode() + b"\x00" + value.encode()
        return hmac.new(self._key, message, hashlib.sha256).digest()[:_INDEX_BYTES]


def read_secret(path: Path) -> str:
    """Return the one line of ASCII in `path`. Raises `SecretMissing`, `SecretExposed`, never showing the content."""
    try:
        if path.stat().st_mode & _OF_OTHERS:
            raise SecretExposed(f"The secret file {path.name} may be read by others.", field=path.name)
        with path.open("rb") as file:
            secret = file.read(MAX_SECRET_BYTES + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise SecretMissing(f"The secret file {path.name} cannot be read.", field=path.name) from None
    if not secret or len(secret) > MAX_SECRET_BYTES or not secret.isprintable():
        raise SecretMissing(f"The secret file {path.name} does not hold one line of ASCII.", field=path.name)
    return secret


def read_secret_key(path: Path) -> bytes:
    """Return the 32 bytes kept as hex in `path`. Raises as `read_secret`."""
    try:
        key = bytes.fromhex(read_secret(path))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SecretMissing(f"The secret file {path.name} does not hold 32 bytes in hex.", field=path.name)
    return key
