"""The binding to a vendor's `libsdf.so` (GM/T 0018): the only module of the adapter that imports cffi.

ABI mode: no compiler is needed, and each call releases the GIL. A method is one call of the standard; it returns plain
values or raises the error that the device's code stands for. Nothing here waits, retries or shares anything between
threads: one session is used by one thread at a time, which is the caller's business.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cffi import FFI

from hsm_adapter.sdf.codes import SDR_OK, error_of
from hsm_adapter.sdf.faults import SdfAnswerMalformed, SdfLibraryUnusable
from hsm_adapter.sdf.profile import Alignment, ByteOrder, Layout, SdfProfile

NUMBER_BYTES: Final = 32
"""Length of a coordinate, of r and of s on the 256-bit curve of SM2, bytes."""

FUNCTIONS: Final = (
    "SDF_OpenDevice",
    "SDF_CloseDevice",
    "SDF_OpenSession",
    "SDF_CloseSession",
    "SDF_GetDeviceInfo",
    "SDF_GenerateRandom",
    "SDF_GetPrivateKeyAccessRight",
    "SDF_ReleasePrivateKeyAccessRight",
    "SDF_ExportSignPublicKey_ECC",
    "SDF_InternalSign_ECC",
)
"""What the adapter calls, and nothing else."""

_BITS: Final = 256
_CDEF: Final = """
typedef {integer} uint;
typedef struct {{
    unsigned char IssuerName[40], DeviceName[16], DeviceSerial[16];
    uint DeviceVersion, StandardVersion, AsymAlgAbility[2], SymAlgAbility, HashAlgAbility, BufferSize;
}} DEVICEINFO;
typedef struct {{ uint bits; unsigned char x[{field}], y[{field}]; }} ECCrefPublicKey;
typedef struct {{ unsigned char r[{field}], s[{field}]; }} ECCSignature;
int SDF_OpenDevice(void **);
int SDF_CloseDevice(void *);
int SDF_OpenSession(void *, void **);
int SDF_CloseSession(void *);
int SDF_GetDeviceInfo(void *, DEVICEINFO *);
int SDF_GenerateRandom(void *, uint, unsigned char *);
int SDF_GetPrivateKeyAccessRight(void *, uint, unsigned char *, uint);
int SDF_ReleasePrivateKeyAccessRight(void *, uint);
int SDF_ExportSignPublicKey_ECC(void *, uint, ECCrefPublicKey *);
int SDF_InternalSign_ECC(void *, uint, unsigned char *, uint, ECCSignature *);
"""
_INTEGERS: Final = {4: "unsigned int", 8: "unsigned long"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """What a device says of itself (DEVICEINFO), as far as people read it."""

    issuer: str
    name: str
    serial: str
    device_version: int
    standard_version: int


def interface(layout: Layout) -> FFI:
    """Return the structures and prototypes as this layout has them."""
    ffi = FFI()
    ffi.cdef(_CDEF.format(integer=_INTEGERS[layout.integer_bytes], field=layout.field_bytes), packed=layout.packed)
    return ffi


class SdfLibrary:
    """The functions of one loaded library; handles are opaque to everybody else."""

    def __init__(self, ffi: FFI, lib: Any, profile: SdfProfile) -> None:
        self._ffi = ffi
        self._lib = lib
        self._device = profile.name
        self._layout = profile.layout
        self._vendor: Mapping[int, int] = profile.codes

    def _do(self, function: str, *arguments: object) -> None:
        answer = getattr(self._lib, function)(*arguments)
        if answer != SDR_OK:
            raise error_of(function, answer, vendor=self._vendor, device=self._device)

    def _handle(self, function: str, *arguments: object) -> Any:
        place = self._ffi.new("void **")
        self._do(function, *arguments, place)
        return place[0]

    def open_device(self) -> Any:
        """SDF_OpenDevice."""
        return self._handle("SDF_OpenDevice")

    def close_device(self, device: Any) -> None:
        """SDF_CloseDevice."""
        self._do("SDF_CloseDevice", device)

    def open_session(self, device: Any) -> Any:
        """SDF_OpenSession."""
        return self._handle("SDF_OpenSession", device)

    def close_session(self, session: Any) -> None:
        """SDF_CloseSession."""
        self._do("SDF_CloseSession", session)

    def device_info(self, session: Any) -> DeviceInfo:
        """SDF_GetDeviceInfo."""
        info = self._ffi.new("DEVICEINFO *")
        self._do("SDF_GetDeviceInfo", session, info)
        return DeviceInfo(
            issuer=self._text(info.IssuerName),
            name=self._text(info.DeviceName),
            serial=self._text(info.DeviceSerial),
            device_version=int(info.DeviceVersion),
            standard_version=int(info.StandardVersion),
        )

    def random(self, session: Any, size: int) -> bytes:
        """SDF_GenerateRandom."""
        room = self._ffi.new("unsigned char[]", size)
        try:
            self._do("SDF_GenerateRandom", session, size, room)
            return bytes(self._ffi.buffer(room))
        finally:
            self._wipe(room)

    def get_access_right(self, session: Any, index: int, password: bytearray) -> None:
        """SDF_GetPrivateKeyAccessRight. The caller overwrites `password`; no copy of it is made here."""
        with self._ffi.from_buffer("unsigned char[]", password) as room:
            self._do("SDF_GetPrivateKeyAccessRight", session, index, room, len(password))

    def release_access_right(self, session: Any, index: int) -> None:
        """SDF_ReleasePrivateKeyAccessRight."""
        self._do("SDF_ReleasePrivateKeyAccessRight", session, index)

    def export_sign_public_key(self, session: Any, index: int) -> bytes:
        """SDF_ExportSignPublicKey_ECC; returns 04 || X || Y, which may still lie off the curve."""
        key = self._ffi.new("ECCrefPublicKey *")
        self._do("SDF_ExportSignPublicKey_ECC", session, index, key)
        if key.bits != _BITS:
            raise SdfAnswerMalformed(f"The key at index {index} has {key.bits} bits, not {_BITS}.", device=self._device)
        return b"\x04" + self._number(key.x) + self._number(key.y)

    def internal_sign(self, session: Any, index: int, e: bytes) -> tuple[int, int]:
        """SDF_InternalSign_ECC over the 32 bytes e = SM3(Z || M); returns (r, s) as the device gave them."""
        signature = self._ffi.new("ECCSignature *")
        self._do("SDF_InternalSign_ECC", session, index, e, len(e), signature)
        return int.from_bytes(self._number(signature.r), "big"), int.from_bytes(self._number(signature.s), "big")

    def _number(self, place: Any) -> bytes:
        """Return the 32 bytes of a number, big-endian. What fills up its field must be zero."""
        content = bytes(self._ffi.buffer(place))
        if self._layout.alignment is Alignment.RIGHT:
            filling, value = content[:-NUMBER_BYTES], content[-NUMBER_BYTES:]
        else:
            value, filling = content[:NUMBER_BYTES], content[NUMBER_BYTES:]
        if any(filling):
            raise SdfAnswerMalformed("A number of the device does not fit into 256 bits.", device=self._device)
        return value if self._layout.byte_order is ByteOrder.BIG else value[::-1]

    def _text(self, place: Any) -> str:
        return bytes(self._ffi.buffer(place)).rstrip(b"\x00 ").decode("utf-8", "replace")

    def _wipe(self, room: Any) -> None:
        self._ffi.memmove(room, bytes(len(room)), len(room))


_loaded: dict[tuple[Path, Layout], tuple[FFI, Any]] = {}
_loading = threading.Lock()


def load(profile: SdfProfile) -> SdfLibrary:
    """Load the vendor's library, once per process, and see that it has every function.

    It is never unloaded: a call that did not come back in time may still be inside it.

    Raises:
        SdfLibraryUnusable: no such file, not for this platform, or a function is missing.
    """
    path = profile.library.absolute()  # a bare name would be looked for along the loader's own path
    key = (path, profile.layout)
    with _loading, _named(profile):
        if key not in _loaded:
            ffi = interface(profile.layout)
            lib = ffi.dlopen(str(path), ffi.RTLD_NOW | ffi.RTLD_LOCAL)
            missing = [function for function in FUNCTIONS if not hasattr(lib, function)]
            if missing:
                raise SdfLibraryUnusable(
                    f"{profile.library.name} lacks {', '.join(missing)}.", field="library", device=profile.name
                )
            _loaded[key] = (ffi, lib)
        return SdfLibrary(*_loaded[key], profile)


@contextmanager
def _named(profile: SdfProfile) -> Iterator[None]:
    """The loader's own message holds paths of the machine; it goes to the log only."""
    try:
        yield
    except OSError as error:
        raise SdfLibraryUnusable(
            f"{profile.library.name} cannot be loaded.", field="library", device=profile.name, loader=str(error)
        ) from None
