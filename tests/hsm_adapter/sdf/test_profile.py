"""A profile is data: every entry is checked, named in the refusal, and none is guessed."""

import re
import tomllib
from pathlib import Path

import pytest

from hsm_adapter.sdf.faults import SdfProfileInvalid
from hsm_adapter.sdf.profile import Alignment, ByteOrder, Layout, SdfProfile

FOLDER = Path("/etc/yinxin")
LEAST = {"library": "libsdf.so", "keys": [1]}


def parse(name: str = "hsm-1", **entries: object) -> SdfProfile:
    return SdfProfile.parse(name, {**LEAST, **entries}, folder=FOLDER, state_folder=Path("/var/state"))


def test_the_least_profile_has_the_layout_of_the_standard_and_no_password() -> None:
    profile = parse()
    assert profile.layout == Layout(
        field_bytes=64, integer_bytes=4, packed=True, alignment=Alignment.RIGHT, byte_order=ByteOrder.BIG
    )
    assert (profile.sessions, profile.timeout_seconds) == (4, 10.0)
    assert not profile.passwords
    assert not profile.codes


def test_the_example_of_the_handbook_is_read() -> None:
    page = Path(__file__).parents[3] / "docs" / "sdf.md"
    [block] = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    [table] = tomllib.loads(block)["device"]
    assert (table.pop("name"), table.pop("kind")) == ("hsm-1", "sdf")
    profile = SdfProfile.parse("hsm-1", table, folder=FOLDER, state_folder=Path("/var/state"))
    assert profile.library == Path("/opt/vendor/lib/libsdf.so")
    assert profile.keys == (1, 2)
    assert profile.passwords == {
        1: Path("/etc/yinxin/secrets/hsm-1.password"),
        2: Path("/etc/yinxin/secrets/hsm-1-key-2.password"),
    }
    assert profile.codes == {0x01020004: 0x01000018}


def test_relative_paths_start_at_the_folder_of_the_file() -> None:
    profile = parse(keys=[1, 3], password_file="one", key_password_files={"3": "/secrets/three"})
    assert profile.library == FOLDER / "libsdf.so"
    assert profile.passwords == {1: FOLDER / "one", 3: Path("/secrets/three")}


def test_a_key_may_have_a_password_where_the_others_need_none() -> None:
    assert parse(keys=[1, 3], key_password_files={"3": "three"}).passwords == {3: FOLDER / "three"}


@pytest.mark.parametrize(
    "entries",
    [
        {"sessions": 1},
        {"sessions": 64},
        {"timeout_seconds": 0.1},
        {"timeout_seconds": 120},
        {"keys": [65_535]},
        {"keys": list(range(1, 257))},
    ],
)
def test_limits_are_included(entries: dict[str, object]) -> None:
    parse(**entries)


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ({"library": ""}, "library"),
        ({"library": 1}, "library"),
        ({"library": "a\nb"}, "library"),
        ({"keys": []}, "keys"),
        ({"keys": [0]}, "keys"),
        ({"keys": [65_536]}, "keys"),
        ({"keys": [1, 1]}, "keys"),
        ({"keys": [True]}, "keys"),
        ({"keys": "1"}, "keys"),
        ({"keys": list(range(1, 258))}, "keys"),
        ({"sessions": 0}, "sessions"),
        ({"sessions": 65}, "sessions"),
        ({"sessions": True}, "sessions"),
        ({"sessions": 2.0}, "sessions"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": 120.1}, "timeout_seconds"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds"),
        ({"timeout_seconds": True}, "timeout_seconds"),
        ({"password": "12345678"}, "password"),
        ({"password_file": 12345678}, "password_file"),
        ({"key_password_files": {"2": "two"}}, "key_password_files.2"),
        ({"key_password_files": {"1": ""}}, "key_password_files.1"),
        ({"key_password_files": ["1"]}, "key_password_files"),
        ({"layout": {"alignment": "centre"}}, "layout.alignment"),
        ({"layout": {"byte_order": "middle"}}, "layout.byte_order"),
        ({"layout": {"field_bytes": 48}}, "layout.field_bytes"),
        ({"layout": {"integer_bytes": 2}}, "layout.integer_bytes"),
        ({"layout": {"packed": "yes"}}, "layout.packed"),
        ({"layout": {"padding": 1}}, "layout.padding"),
        ({"codes": {"0x0": "SDR_HARDFAIL"}}, "codes.0x0"),
        ({"codes": {"16908292": "SDR_HARDFAIL"}}, "codes.16908292"),
        ({"codes": {"0x01020004": "SDR_OK"}}, "codes.0x01020004"),
        ({"codes": {"0x01020004": 1}}, "codes.0x01020004"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(entries: dict[str, object], field: str) -> None:
    with pytest.raises(SdfProfileInvalid) as caught:
        parse(**entries)
    assert (caught.value.code, caught.value.field) == ("sdf-profile-invalid", f"hsm-1.{field}")


@pytest.mark.parametrize("missing", ["library", "keys"])
def test_what_must_be_there_is_asked_for(missing: str) -> None:
    table = {entry: value for entry, value in LEAST.items() if entry != missing}
    with pytest.raises(SdfProfileInvalid) as caught:
        SdfProfile.parse("hsm-1", table, folder=FOLDER, state_folder=FOLDER)
    assert caught.value.field == f"hsm-1.{missing}"


@pytest.mark.parametrize("name", ["", "HSM", "../x", "a" * 41, "-a", "a\n"])
def test_a_name_is_safe_in_the_name_of_a_file(name: str) -> None:
    with pytest.raises(SdfProfileInvalid):
        parse(name)


def test_a_name_of_forty_is_taken() -> None:
    assert parse("a" * 40).name == "a" * 40
