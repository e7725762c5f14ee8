"""The codes of GM/T 0018 by name, and the error that each becomes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from hsm_adapter.errors import DeviceFailed, KeyUnknown
from hsm_adapter.sdf import errors

SDR_OK: Final = 0
SDR_BASE: Final = 0x01000000
"""What every code of the standard is added to."""


class SdrCode(NamedTuple):
    """A code of the standard."""

    name: str
    error: type[errors.SdfFailed | errors.SdfKeyNotExist]


SDR_CODES: Final[Mapping[int, SdrCode]] = MappingProxyType(
    {
        SDR_BASE + offset: SdrCode(f"SDR_{name}", error)
        for offset, name, error in (
            (0x01, "UNKNOWERR", errors.SdfUnknown),
            (0x02, "NOTSUPPORT", errors.SdfNotSupported),
            (0x03, "COMMFAIL", errors.SdfCommunicationFailed),
            (0x04, "HARDFAIL", errors.SdfHardwareFailed),
            (0x05, "OPENDEVICE", errors.SdfOpenDeviceFailed),
            (0x06, "OPENSESSION", errors.SdfSessionsExhausted),
            (0x07, "PARDENY", errors.SdfNotPermitted),
            (0x08, "KEYNOTEXIST", errors.SdfKeyNotExist),
            (0x09, "ALGNOTSUPPORT", errors.SdfAlgorithmNotSupported),
            (0x0A, "ALGMODNOTSUPPORT", errors.SdfModeNotSupported),
            (0x0B, "PKOPERR", errors.SdfPublicKeyFailed),
            (0x0C, "SKOPERR", errors.SdfPrivateKeyFailed),
            (0x0D, "SIGNERR", errors.SdfSigningFailed),
            (0x0E, "VERIFYERR", errors.SdfVerifyingFailed),
            (0x0F, "SYMOPERR", errors.SdfSymmetricFailed),
            (0x10, "STEPERR", errors.SdfStepWrong),
            (0x11, "FILESIZEERR", errors.SdfFileFailed),
            (0x12, "FILENOEXIST", errors.SdfFileFailed),
            (0x13, "FILEOFSERR", errors.SdfFileFailed),
            (0x14, "KEYTYPEERR", errors.SdfKeyTypeWrong),
            (0x15, "KEYERR", errors.SdfKeyBroken),
            (0x16, "ENCDATAERR", errors.SdfCiphertextWrong),
            (0x17, "RANDERR", errors.SdfRandomFailed),
            (0x18, "PRKRERR", errors.SdfAccessRightRefused),
            (0x19, "MACERR", errors.SdfMacFailed),
            (0x1A, "FILEEXISTS", errors.SdfFileFailed),
            (0x1B, "FILEWERR", errors.SdfFileFailed),
            (0x1C, "NOBUFFER", errors.SdfBufferTooSmall),
            (0x1D, "INARGERR", errors.SdfInputRefused),
            (0x1E, "OUTARGERR", errors.SdfOutputRefused),
            (0x1F, "USERIDERR", errors.SdfUserIdWrong),
        )
    }
)

SDR_NUMBERS: Final[Mapping[str, int]] = MappingProxyType({code.name: number for number, code in SDR_CODES.items()})


def error_of(function: str, answer: int, *, vendor: Mapping[int, int], device: str) -> DeviceFailed | KeyUnknown:
    """Return the error for a code other than SDR_OK; `vendor` translates the numbers of a device that deviates."""
    number = answer & 0xFFFFFFFF  # `int` in C: what has the highest bit set arrives negative
    known = SDR_CODES.get(vendor.get(number, number))
    if known is None:
        return errors.SdfVendorError(f"{function} answered 0x{number:08X}.", device=device)
    said = known.name if number not in vendor else f"{known.name} as the profile translates it"
    return known.error(f"{function} answered 0x{number:08X}, {said}.", device=device)
