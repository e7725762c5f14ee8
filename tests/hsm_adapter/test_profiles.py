"""The devices file: read whole, each wrong line named, no backend loaded that is not used."""

import subprocess
import sys
from pathlib import Path

import pytest

from hsm_adapter.errors import DevicesFileInvalid
from hsm_adapter.profiles import MAX_DEVICES, MAX_FILE_BYTES, open_devices, parse_devices
from trust.kernel.randomness import SystemRandomness

ONE = '[[device]]\nname = "hsm-a"\nkind = "sdf"\nlibrary = "libsdf.so"\n'


def test_entries_keep_their_order_and_their_own_tables() -> None:
    first, second = parse_devices((ONE + '[[device]]\nname = "b"\nkind = "pkcs11"\n[device.quirks]\nx = 1\n').encode())
    assert (first.name, first.kind, dict(first.table)) == ("hsm-a", "sdf", {"library": "libsdf.so"})
    assert (second.name, dict(second.table)) == ("b", {"quirks": {"x": 1}})


def test_a_file_without_devices_is_an_installation_without_hardware() -> None:
    assert parse_devices(b"# none yet\n") == ()


@pytest.mark.parametrize(
    ("content", "field", "says"),
    [
        (b"\xff", "device", "UTF-8"),
        (b"[[device]]\nname = \n", "device", "line 2"),
        (b"devices = 1\n", "devices", "no entry devices"),
        (b"device = 1\n", "device", "tables"),
        (b"device = [1]\n", "device[1]", "not a table"),
        (b'[[device]]\nkind = "sdf"\n', "device[1].name", "1 to 32"),
        (ONE.encode() + b'[[device]]\nname = "B"\nkind = "sdf"\n', "device[2].name", "1 to 32"),
        (b'[[device]]\nname = "a"\n', "device[1].kind", "pkcs11, sdf"),
        (b'[[device]]\nname = "a"\nkind = "usb"\n', "device[1].kind", "pkcs11, sdf"),
        (b'[[device]]\nname = "a"\nkind = 7\n', "device[1].kind", "pkcs11, sdf"),
        ((ONE + ONE).encode(), "device[2].name", "Two devices"),
    ],
)
def test_each_wrong_line_is_named(content: bytes, field: str, says: str) -> None:
    with pytest.raises(DevicesFileInvalid, match=says) as caught:
        parse_devices(content)
    assert (caught.value.code, caught.value.field) == ("devices-file-invalid", field)


def test_the_number_of_devices_and_the_length_of_the_file_are_bounded() -> None:
    many = "".join(f'[[device]]\nname = "d{number}"\nkind = "sdf"\n' for number in range(MAX_DEVICES + 1))
    with pytest.raises(DevicesFileInvalid, match=str(MAX_DEVICES)):
        parse_devices(many.encode())
    assert len(parse_devices(many.rpartition("[[")[0].encode())) == MAX_DEVICES
    assert parse_devices(b"#".ljust(MAX_FILE_BYTES, b"x")) == ()
    with pytest.raises(DevicesFileInvalid, match="exceeds"):
        parse_devices(b"#".ljust(MAX_FILE_BYTES + 1, b"x"))


def test_a_missing_file_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(DevicesFileInvalid) as caught:
        open_devices(tmp_path / "devices.toml", state_folder=tmp_path, randomness=SystemRandomness())
    assert str(tmp_path) not in caught.value.detail


def test_a_wrong_entry_of_a_backend_is_its_own_error(tmp_path: Path) -> None:
    path = tmp_path / "devices.toml"
    path.write_text(ONE + "colour = 1\n")
    with pytest.raises(Exception, match="hsm-a") as caught:
        open_devices(path, state_folder=tmp_path, randomness=SystemRandomness())
    assert caught.value.code == "sdf-profile-invalid"  # type: ignore[attr-defined]


def test_no_backend_is_loaded_without_a_device_of_its_kind(tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text("")
    program = (
        "import sys, pathlib; from hsm_adapter.profiles import open_devices; "
        "from trust.kernel.randomness import SystemRandomness; "
        f"here = pathlib.Path({str(tmp_path)!r}); "
        "open_devices(here / 'devices.toml', state_folder=here, randomness=SystemRandomness()); "
        "sys.exit(any(name.startswith(('hsm_adapter.sdf', 'hsm_adapter.pkcs11')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
