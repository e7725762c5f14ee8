"""The binding to the system libcrypto (OpenSSL 3.0 or later): the only module that imports cffi.

ABI mode: no compiler is needed. Each call releases the GIL. An EVP_PKEY is shared between threads, which OpenSSL
allows; an EVP_PKEY_CTX lives for one call. libcrypto wipes the private numbers it frees; what passes through here is
overwritten after use. Python's immutable objects cannot be wiped, so none is made of private bytes except on export.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from cffi import FFI

from trust.gm.encoding import encode_pkcs8, encode_spki
from trust.gm.errors import CiphertextInvalid, EngineFailed, KeyUnusable, SignatureInvalid
from trust.kernel.errors import NotReady

_ffi = FFI()
_ffi.cdef("""
typedef struct evp_pkey_st EVP_PKEY; typedef struct evp_pkey_ctx_st EVP_PKEY_CTX; typedef struct bignum_st BIGNUM;
unsigned long OpenSSL_version_num(void);
const char *OpenSSL_version(int);
EVP_PKEY *d2i_AutoPrivateKey(EVP_PKEY **, const unsigned char **, long);
EVP_PKEY *d2i_PUBKEY(EVP_PKEY **, const unsigned char **, long);
void EVP_PKEY_free(EVP_PKEY *);
int EVP_PKEY_is_a(const EVP_PKEY *, const char *);
int EVP_PKEY_get_bn_param(const EVP_PKEY *, const char *, BIGNUM **);
int EVP_PKEY_get_octet_string_param(const EVP_PKEY *, const char *, unsigned char *, size_t, size_t *);
int BN_bn2binpad(const BIGNUM *, unsigned char *, int);
void BN_clear_free(BIGNUM *);
EVP_PKEY_CTX *EVP_PKEY_CTX_new(EVP_PKEY *, void *);
EVP_PKEY_CTX *EVP_PKEY_CTX_new_from_name(void *, const char *, const char *);
void EVP_PKEY_CTX_free(EVP_PKEY_CTX *);
int EVP_PKEY_keygen_init(EVP_PKEY_CTX *);
int EVP_PKEY_generate(EVP_PKEY_CTX *, EVP_PKEY **);
int EVP_PKEY_sign_init(EVP_PKEY_CTX *);
int EVP_PKEY_sign(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
int EVP_PKEY_verify_init(EVP_PKEY_CTX *);
int EVP_PKEY_verify(EVP_PKEY_CTX *, const unsigned char *, size_t, const unsigned char *, size_t);
int EVP_PKEY_encrypt_init(EVP_PKEY_CTX *);
int EVP_PKEY_encrypt(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
int EVP_PKEY_decrypt_init(EVP_PKEY_CTX *);
int EVP_PKEY_decrypt(EVP_PKEY_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
void ERR_clear_error(void);
typedef struct { const char *file; void *base; const char *symbol; void *address; } Dl_info;
int dladdr(const void *, Dl_info *);
""")
# Types are parsed once: `ffi.new` with a string would look the string up on each call.
_BYTES: Final = _ffi.typeof("unsigned char[]")
_SIGNATURE: Final = _ffi.typeof("unsigned char[80]")
_SIZE: Final = _ffi.typeof("size_t *")
_NULL: Final = _ffi.NULL
_new = _ffi.new
_buffer = _ffi.buffer

_SIGNATURE_CAPACITY: Final = 80  # the longest DER signature has 72 bytes
_LOWEST_VERSION: Final = 0x30000000
_DIGEST_BYTES: Final = 32
_SCALAR_BYTES: Final = 32
_POINT_BYTES: Final = 65
_SM2: Final = b"SM2"
# Generator of the curve, the point of d = 1: what a libcrypto with SM2 must be able to load.
_PROBE: Final = bytes.fromhex(
    "0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)

_NAMES: Final = {
    # Never the bare libcrypto.dylib: macOS ends the process that loads it.
    "darwin": (
        "libcrypto.3.dylib",
        "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib",
        "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib",
    ),
    "win32": ("libcrypto-3-x64.dll", "libcrypto-3-arm64.dll", "libcrypto-3.dll"),
}
_NAMES_ELSEWHERE: Final = ("libcrypto.so.3", "libcrypto.so.4", "libcrypto.so")


class LibcryptoUnsuitable(NotReady):
    """No libcrypto of version 3.0 or later with SM2 was found; the engine chooser then takes the fallback."""

    code = "libcrypto-unsuitable"
    title = "No OpenSSL 3.0 or later with SM2 is installed."
    title_zh = "未找到支持 SM2 的 OpenSSL 3.0 或更高版本。"
    remedy = "Install it (Debian: apt install libssl3) and start again."
    remedy_zh = "请安装后重新启动（Debian：apt install libssl3）。"


def library_names(platform: str = sys.platform) -> tuple[str, ...]:
    """Return the names under which libcrypto 3 is looked for on `platform`, best first."""
    return _NAMES.get(platform, _NAMES_ELSEWHERE)


def _location(lib: Any, name: str) -> str:
    """Return the file the loader took, or its name where the platform cannot say."""
    try:
        info = _new("Dl_info *")
        if _ffi.dlopen(None).dladdr(_ffi.cast("void *", lib.OpenSSL_version), info):
            return str(_ffi.string(info.file).decode())
    except (OSError, AttributeError):  # no dladdr here, for example on Windows
        pass
    return name


class _Key:
    """One EVP_PKEY for the life of the object, and the calls on it."""

    __slots__ = ("_ctx_free", "_ctx_new", "_key", "_lib")

    def __init__(self, lib: Any, key: Any) -> None:
        self._lib = lib
        self._key = _ffi.gc(key, lib.EVP_PKEY_free)
        self._ctx_new = lib.EVP_PKEY_CTX_new
        self._ctx_free = lib.EVP_PKEY_CTX_free

    def _failed(self, what: str) -> EngineFailed:
        # The error queue belongs to the thread: what stays in it would be read as the error of somebody else's call.
        self._lib.ERR_clear_error()
        return EngineFailed(f"libcrypto could not {what}.")


class LibcryptoPublicKey(_Key):
    """A public key in libcrypto."""

    __slots__ = ("_verify", "_verify_init")

    def __init__(self, lib: Any, key: Any) -> None:
        super().__init__(lib, key)
        self._verify_init = lib.EVP_PKEY_verify_init
        self._verify = lib.EVP_PKEY_verify

    def verify_digest(self, e: bytes, signature: bytes) -> None:
        """See `PublicHandle.verify_digest`."""
        ctx = self._ctx_new(self._key, _NULL)
        try:
            if self._verify_init(ctx) != 1:
                raise self._failed("start verifying")
            outcome = self._verify(ctx, signature, len(signature), e, _DIGEST_BYTES)
        finally:
            self._ctx_free(ctx)
        if outcome == 1:
            return
        if outcome != 0:
            # Not "no": the signature was decoded before, so this is the library's trouble, not the signer's.
            raise self._failed("verify a well-formed signature")
        self._lib.ERR_clear_error()
        raise SignatureInvalid

    def encrypt(self, plaintext: bytes) -> bytes:
        """See `PublicHandle.encrypt`."""
        lib, size, length = self._lib, _new(_SIZE), len(plaintext)
        ctx = self._ctx_new(self._key, _NULL)
        try:
            if lib.EVP_PKEY_encrypt_init(ctx) != 1 or lib.EVP_PKEY_encrypt(ctx, _NULL, size, plaintext, length) != 1:
                raise self._failed("start encrypting")
            out = _new(_BYTES, size[0])
            if lib.EVP_PKEY_encrypt(ctx, out, size, plaintext, length) != 1:
                raise self._failed("encrypt")
            return bytes(_buffer(out, size[0]))
        finally:
            self._ctx_free(ctx)


class LibcryptoPrivateKey(_Key):
    """A private key in libcrypto. Its scalar leaves only through `scalar`."""

    __slots__ = ("_point", "_sign", "_sign_init")

    def __init__(self, lib: Any, key: Any) -> None:
        super().__init__(lib, key)
        self._sign_init = lib.EVP_PKEY_sign_init
        self._sign = lib.EVP_PKEY_sign
        self._point = self._read_point()

    def _read_point(self) -> bytes:
        out, size = _new(_BYTES, _POINT_BYTES), _new(_SIZE)
        done = self._lib.EVP_PKEY_get_octet_string_param(self._key, b"pub", out, _POINT_BYTES, size)
        if done != 1 or size[0] != _POINT_BYTES:
            raise self._failed("give the public point of a private key")
        return bytes(_buffer(out, _POINT_BYTES))

    @property
    def point(self) -> bytes:
        """See `PrivateHandle.point`."""
        return self._point

    def sign_digest(self, e: bytes) -> bytes:
        """See `PrivateHandle.sign_digest`."""
        out, size = _new(_SIGNATURE), _new(_SIZE, _SIGNATURE_CAPACITY)
        ctx = self._ctx_new(self._key, _NULL)
        try:
            if self._sign_init(ctx) != 1 or self._sign(ctx, out, size, e, _DIGEST_BYTES) != 1:
                raise self._failed("sign")
        finally:
            self._ctx_free(ctx)
        return bytes(_buffer(out, size[0]))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """See `PrivateHandle.decrypt`."""
        lib, length = self._lib, len(ciphertext)
        # The plaintext is shorter than its ciphertext; the library is told the room, never asked for it.
        out, size = _new(_BYTES, length), _new(_SIZE, length)
        ctx = self._ctx_new(self._key, _NULL)
        try:
            if lib.EVP_PKEY_decrypt_init(ctx) != 1:
                raise self._failed("start decrypting")
            if lib.EVP_PKEY_decrypt(ctx, out, size, ciphertext, length) != 1:
                lib.ERR_clear_error()
                raise CiphertextInvalid
            return bytes(_buffer(out, size[0]))
        finally:
            self._ctx_free(ctx)
            _buffer(out)[:] = bytes(length)

    def scalar(self) -> bytearray:
        """See `PrivateHandle.scalar`."""
        lib, number = self._lib, _new("BIGNUM **")
        result = bytearray(_SCALAR_BYTES)
        if lib.EVP_PKEY_get_bn_param(self._key, b"priv", number) != 1:
            raise self._failed("export a private key")
        try:
            if lib.BN_bn2binpad(number[0], _ffi.from_buffer(_BYTES, result), _SCALAR_BYTES) != _SCALAR_BYTES:
                raise self._failed("export a private key")
        finally:
            lib.BN_clear_free(number[0])
        return result


class LibcryptoEngine:
    """The engine over one loaded libcrypto."""

    name = "libcrypto"
    private_operations = True

    def __init__(self, library: str) -> None:
        """Load `library` and look whether it knows SM2. Raises `LibcryptoUnsuitable`."""
        try:
            self._lib: Any = _ffi.dlopen(library)
            number = self._lib.OpenSSL_version_num()
        except (OSError, AttributeError):
            raise LibcryptoUnsuitable(f"{library} cannot be loaded.") from None
        if number < _LOWEST_VERSION:
            raise LibcryptoUnsuitable(f"{library} is older than OpenSSL 3.0.")
        self.version = str(_ffi.string(self._lib.OpenSSL_version(0)).decode())
        self.location = _location(self._lib, library)
        try:
            self.load_public(_PROBE)
        except KeyUnusable:
            raise LibcryptoUnsuitable(f"{library} was built without SM2.") from None

    def _load(self, read: Any, encoded: bytes | bytearray) -> Any:
        data = _ffi.from_buffer(_BYTES, encoded)
        place = _new("const unsigned char **", data)
        key = read(_NULL, place, len(encoded))
        self._lib.ERR_clear_error()  # the decoders leave notes behind even when they succeed
        if key == _NULL:
            raise KeyUnusable
        if self._lib.EVP_PKEY_is_a(key, _SM2) != 1:
            # A library with the curve but without the algorithm would sign ECDSA over it.
            self._lib.EVP_PKEY_free(key)
            raise KeyUnusable
        return key

    def load_public(self, point: bytes) -> LibcryptoPublicKey:
        """See `Engine.load_public`."""
        return LibcryptoPublicKey(self._lib, self._load(self._lib.d2i_PUBKEY, encode_spki(point)))

    def load_private(self, scalar: bytearray) -> LibcryptoPrivateKey:
        """See `Engine.load_private`. Given no point, libcrypto computes it from the scalar."""
        encoded = encode_pkcs8(scalar, None)
        try:
            key = self._load(self._lib.d2i_AutoPrivateKey, encoded)
        finally:
            encoded[:] = bytes(len(encoded))
        return LibcryptoPrivateKey(self._lib, key)

    def generate(self) -> LibcryptoPrivateKey:
        """See `Engine.generate`."""
        lib, key = self._lib, _new("EVP_PKEY **")
        with self._context(lib.EVP_PKEY_CTX_new_from_name(_NULL, _SM2, _NULL)) as ctx:
            if lib.EVP_PKEY_keygen_init(ctx) != 1 or lib.EVP_PKEY_generate(ctx, key) != 1:
                lib.ERR_clear_error()
                raise EngineFailed("libcrypto could not generate a key.")
        return LibcryptoPrivateKey(lib, key[0])

    @contextmanager
    def _context(self, ctx: Any) -> Iterator[Any]:
        try:
            yield ctx
        finally:
            self._lib.EVP_PKEY_CTX_free(ctx)
