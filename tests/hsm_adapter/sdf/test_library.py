"""The binding believes what the C compiler does, and numbers come through every layout that a profile can name."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_adapter.sdf.device import SdfDevice
from hsm_adapter.sdf.faults import SdfAnswerMalformed, SdfLibraryUnusable
from hsm_adapter.sdf.library import FUNCTIONS, SdfLibrary, interface
from hsm_adapter.sdf.profile import Alignment, ByteOrder, Layout, SdfProfile
from tests.hsm_adapter.sdf.building import SOURCES, SoftDevice, compile_c
from trust.signatures import verify


def test_structures_lie_in_memory_as_the_compiler_lays_them_out(tmp_path: Path) -> None:
    program = compile_c(tmp_path / "layout", "layout.c")
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    ffi = interface(Layout())
    believed = []
    for line in printed:
        type_name, _, member = line.split()[0].partition(".")
        believed.append(
            f"{type_name}.{member} {ffi.offsetof(type_name, member)}"
            if member
            else f"{type_name} {ffi.sizeof(type_name)}"
        )
    assert believed == printed
    assert len(printed) == 17


def test_the_sizes_are_those_of_the_standard() -> None:
    ffi = interface(Layout())
    assert [ffi.sizeof(name) for name in ("DEVICEINFO", "ECCrefPublicKey", "ECCSignature")] == [100, 132, 128]


@pytest.mark.parametrize(
    ("layout", "size"),
    [
        (Layout(field_bytes=32), 68),
        (Layout(integer_bytes=8), 136),
        (Layout(integer_bytes=8, field_bytes=32, packed=False), 72),
    ],
)
def test_a_vendor_may_lay_them_out_otherwise(layout: Layout, size: int) -> None:
    assert interface(layout).sizeof("ECCrefPublicKey") == size


@pytest.mark.parametrize(
    ("files", "layout"),
    [
        ((), {}),
        (("left-aligned",), {"alignment": "left"}),
        (("little-endian",), {"byte_order": "little"}),
        (("left-aligned", "little-endian"), {"alignment": "left", "byte_order": "little"}),
    ],
)
def test_numbers_come_through_each_layout(hardware: SoftDevice, files: tuple[str, ...], layout: dict[str, str]) -> None:
    for file in files:
        hardware.put(file)
    spki = hardware.add_key(1)
    device = hardware.open(keys=[1], layout=layout)
    [holding] = device.holdings()
    assert holding.public_key == spki
    verify(holding.algorithm, spki, b"message", device.sign(holding, [b"message"])[0])
    device.close()


@pytest.mark.parametrize(("file", "layout"), [("left-aligned", {}), (None, {"alignment": "left"})])
def test_a_wrong_alignment_is_noticed_and_not_guessed(hardware: SoftDevice, file: str | None, layout: dict) -> None:
    if file:
        hardware.put(file)
    device = hardware.open(layout=layout)
    with pytest.raises(SdfAnswerMalformed) as caught:
        device.holdings()
    assert caught.value.code == "sdf-answer-malformed"
    device.close()


def test_a_wrong_byte_order_puts_the_point_off_the_curve(hardware: SoftDevice) -> None:
    device = hardware.open(layout={"byte_order": "little"})
    with pytest.raises(SdfAnswerMalformed) as caught:
        device.holdings()
    assert "curve" in caught.value.detail
    device.close()


def test_a_library_that_is_not_there_is_named_without_its_folder(hardware: SoftDevice) -> None:
    with pytest.raises(SdfLibraryUnusable) as caught:
        hardware.open(library="gone/libsdf.so").check()
    assert caught.value.code == "sdf-library-unusable"
    assert caught.value.detail == "libsdf.so cannot be loaded."


def test_a_file_that_is_no_library_is_refused(hardware: SoftDevice) -> None:
    hardware.put("text.so", "not a library")
    with pytest.raises(SdfLibraryUnusable):
        hardware.open(library="text.so").check()


def test_a_library_without_the_needed_functions_is_refused_by_their_names(hardware: SoftDevice) -> None:
    compile_c(hardware.folder / "half.so", "-shared", "-fPIC", str(SOURCES / "sm2.c"), "-lcrypto")
    with pytest.raises(SdfLibraryUnusable) as caught:
        hardware.open(library="half.so").check()
    assert all(function in caught.value.detail for function in FUNCTIONS)


def test_a_library_beside_the_devices_file_is_found_from_its_folder(
    hardware: SoftDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hardware.folder)
    profile = SdfProfile.parse("hsm-1", hardware.table(), folder=Path(), state_folder=hardware.folder)
    device = SdfDevice(profile)
    assert len(device.holdings()) == 2
    device.close()


@given(
    value=st.integers(0, 2**256 - 1),
    field_bytes=st.sampled_from([32, 64]),
    alignment=st.sampled_from(Alignment),
    byte_order=st.sampled_from(ByteOrder),
    dirt=st.integers(0, 63),
)
def test_every_number_is_read_and_none_with_something_beside_it(
    value: int, field_bytes: int, alignment: Alignment, byte_order: ByteOrder, dirt: int
) -> None:
    layout = Layout(field_bytes=field_bytes, alignment=alignment, byte_order=byte_order)
    ffi = interface(layout)
    profile = SdfProfile(name="hsm-1", library=Path("x"), state_folder=Path("x"), keys=(1,), layout=layout)
    library = SdfLibrary(ffi, None, profile)
    content = value.to_bytes(32, byte_order.value)
    filled = content.rjust(field_bytes, b"\0") if alignment is Alignment.RIGHT else content.ljust(field_bytes, b"\0")
    signature = ffi.new("ECCSignature *", {"r": filled, "s": filled})
    assert int.from_bytes(library._number(signature.r), "big") == value
    start, end = (0, field_bytes - 32) if alignment is Alignment.RIGHT else (32, field_bytes)
    if start <= dirt < end:
        signature.r[dirt] = 1
        with pytest.raises(SdfAnswerMalformed):
            library._number(signature.r)


def test_the_device_verifies_what_it_signed(hardware: SoftDevice) -> None:
    """The software device against itself, through its whole C interface."""
    ffi = interface(Layout())
    ffi.cdef(
        "int SDF_InternalVerify_ECC(void *, uint, unsigned char *, uint, ECCSignature *);"
        "int SDF_ExternalVerify_ECC(void *, uint, ECCrefPublicKey *, unsigned char *, uint, ECCSignature *);"
    )
    lib = ffi.dlopen(str(hardware.folder / "libsdf.so"))
    place, key, signature = ffi.new("void **"), ffi.new("ECCrefPublicKey *"), ffi.new("ECCSignature *")
    assert lib.SDF_OpenDevice(place) == 0
    opened = place[0]
    assert lib.SDF_OpenSession(opened, place) == 0
    session, e, password = place[0], b"\x5a" * 32, hardware.read("password").encode()
    assert lib.SDF_InternalSign_ECC(session, 1, e, 32, signature) == 0x01000018
    assert lib.SDF_GetPrivateKeyAccessRight(session, 1, password, len(password)) == 0
    assert lib.SDF_InternalSign_ECC(session, 1, e, 31, signature) == 0x0100001D
    assert lib.SDF_InternalSign_ECC(session, 1, e, 32, signature) == 0
    assert lib.SDF_ExportSignPublicKey_ECC(session, 1, key) == 0
    assert lib.SDF_InternalVerify_ECC(session, 1, e, 32, signature) == 0
    assert lib.SDF_ExternalVerify_ECC(session, 0x20200, key, e, 32, signature) == 0
    assert lib.SDF_ExternalVerify_ECC(session, 0x20200, key, e[:-1] + b"\x00", 32, signature) == 0x0100000E
    assert lib.SDF_InternalVerify_ECC(session, 2, e, 32, signature) == 0x0100000E
    assert lib.SDF_CloseSession(session) == lib.SDF_CloseDevice(opened) == 0
    assert lib.SDF_InternalSign_ECC(session, 1, e, 32, signature) == 0x0100001D
