"""Every code of GM/T 0018 has its error; what a vendor says otherwise is translated or carried along."""

from types import MappingProxyType

import pytest

from hsm_adapter.errors import DeviceFailed, KeyUnknown
from hsm_adapter.sdf.codes import SDR_BASE, SDR_CODES, SDR_NUMBERS, error_of
from hsm_adapter.sdf.errors import SdfFileFailed, SdfVendorError

NONE = MappingProxyType[int, int]({})
# As four public headers have them (SDR_BASE + 0x01 … 0x1F).
NAMES = (
    "UNKNOWERR NOTSUPPORT COMMFAIL HARDFAIL OPENDEVICE OPENSESSION PARDENY KEYNOTEXIST ALGNOTSUPPORT ALGMODNOTSUPPORT "
    "PKOPERR SKOPERR SIGNERR VERIFYERR SYMOPERR STEPERR FILESIZEERR FILENOEXIST FILEOFSERR KEYTYPEERR KEYERR "
    "ENCDATAERR RANDERR PRKRERR MACERR FILEEXISTS FILEWERR NOBUFFER INARGERR OUTARGERR USERIDERR"
)


def test_the_table_has_every_code_of_the_standard_under_its_name() -> None:
    assert {number: code.name for number, code in SDR_CODES.items()} == {
        SDR_BASE + offset: f"SDR_{name}" for offset, name in enumerate(NAMES.split(), start=1)
    }


def test_each_code_has_an_error_of_its_own_except_those_of_files() -> None:
    errors = [code.error for code in SDR_CODES.values() if code.error is not SdfFileFailed]
    assert len(errors) == len(set(errors)) == 26
    assert len({error.code for error in errors}) == 26


@pytest.mark.parametrize("number", SDR_CODES)
def test_an_answer_becomes_a_failure_of_the_device_or_an_unknown_key_that_names_call_and_code(number: int) -> None:
    error = error_of("SDF_InternalSign_ECC", number, vendor=NONE, device="hsm-1")
    assert type(error) is SDR_CODES[number].error
    assert isinstance(error, KeyUnknown if number == SDR_NUMBERS["SDR_KEYNOTEXIST"] else DeviceFailed)
    assert error.detail == f"SDF_InternalSign_ECC answered 0x{number:08X}, {SDR_CODES[number].name}."
    assert error.facts == {"device": "hsm-1"}


@pytest.mark.parametrize(("answer", "shown"), [(0x01000020, "0x01000020"), (1, "0x00000001"), (-1, "0xFFFFFFFF")])
def test_a_number_nobody_knows_is_carried_along(answer: int, shown: str) -> None:
    error = error_of("SDF_OpenDevice", answer, vendor=NONE, device="hsm-1")
    assert type(error) is SdfVendorError
    assert error.detail == f"SDF_OpenDevice answered {shown}."


@pytest.mark.parametrize("answer", [0x82000005, 0x82000005 - (1 << 32)])
def test_a_profile_translates_a_number_of_the_vendor_also_when_it_arrives_negative(answer: int) -> None:
    vendor = {0x82000005: SDR_NUMBERS["SDR_HARDFAIL"]}
    error = error_of("SDF_OpenDevice", answer, vendor=vendor, device="hsm-1")
    assert error.code == "sdf-hardware-failed"
    assert "0x82000005, SDR_HARDFAIL as the profile translates it" in error.detail
