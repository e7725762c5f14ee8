import tomllib
from pathlib import Path
from typing import Any

import pytest

from hsm_adapter.pkcs11.errors import Pkcs11ProfileInvalid
from hsm_adapter.pkcs11.profile import (
    MAX_GENERATION_SECONDS,
    MAX_SESSIONS,
    MAX_TIMEOUT_SECONDS,
    Pkcs11Profile,
    TokenName,
)
from hsm_adapter.pkcs11.quirks import MODELS, PointForm, Quirks, SignatureForm, Takes

WHOLE = """
library = "/opt/vendor/libcryptoki.so"
token_label = "counter-1"
token_serial = "0042"
slot = 3
pin_file = "secrets/counter-1.pin"
sessions = 8
timeout_seconds = 2.5
generation_seconds = 300
allow_final_try = true
model = "softhsm2"

[quirks]
sm2_generate = "0x80000101"
sm2_sign = 2147483906
sm2_key_type = "0x80000003"
sm2_takes = "message"
sm2_signature = "der"
ecdsa_signature = "der"
ec_point = "raw"
rsa_takes = "digest"
rsa_modulus_bits = 4096
sends_public_exponent = false
honours_id = false
honours_labels = false
login_per_session = true
random = false
restarts_library = false
max_sessions = 16
uses_attribute = "0x80000777"
"""
LEAST: dict[str, Any] = {"library": "l.so", "token_label": "t", "pin_file": "p"}


def parse(table: dict[str, Any], name: str = "hsm-1") -> Pkcs11Profile:
    return Pkcs11Profile.parse(name, table, folder=Path("/etc/yinxin"), state_folder=Path("/var/yinxin/keys"))


def test_every_entry_is_read() -> None:
    profile = parse(tomllib.loads(WHOLE))
    assert profile == Pkcs11Profile(
        name="hsm-1",
        library=Path("/opt/vendor/libcryptoki.so"),
        token=TokenName(label="counter-1", serial="0042", slot=3),
        pin_file=Path("/etc/yinxin/secrets/counter-1.pin"),
        state_folder=Path("/var/yinxin/keys"),
        sessions=8,
        timeout_seconds=2.5,
        generation_seconds=300.0,
        allow_final_try=True,
        quirks=Quirks(
            sm2_generate=0x80000101,
            sm2_sign=0x80000102,
            sm2_key_type=0x80000003,
            sm2_takes=Takes.MESSAGE,
            sm2_signature=SignatureForm.DER,
            ecdsa_signature=SignatureForm.DER,
            ec_point=PointForm.RAW,
            rsa_takes=Takes.DIGEST,
            rsa_modulus_bits=4096,
            sends_public_exponent=False,
            honours_id=False,
            honours_labels=False,
            login_per_session=True,
            random=False,
            restarts_library=False,
            max_sessions=16,
            uses_attribute=0x80000777,
        ),
    )


def test_the_least_profile_is_a_device_as_the_standard_has_it() -> None:
    profile = parse(LEAST)
    assert (profile.sessions, profile.timeout_seconds, profile.allow_final_try) == (4, 10.0, False)
    assert profile.quirks == MODELS["standard"] == Quirks()


def test_sessions_never_exceed_what_the_device_has() -> None:
    assert parse(LEAST | {"quirks": {"max_sessions": 2}}).sessions == 2
    with pytest.raises(Pkcs11ProfileInvalid):
        parse(LEAST | {"sessions": 3, "quirks": {"max_sessions": 2}})


@pytest.mark.parametrize(
    ("entry", "limit"),
    [
        ("sessions", MAX_SESSIONS),
        ("timeout_seconds", MAX_TIMEOUT_SECONDS),
        ("generation_seconds", MAX_GENERATION_SECONDS),
    ],
)
def test_limits_hold_from_both_sides(entry: str, limit: int) -> None:
    assert getattr(parse(LEAST | {entry: limit}), entry) == limit
    for bad in (limit + 1, 0, -1, True, "4"):
        with pytest.raises(Pkcs11ProfileInvalid) as caught:
            parse(LEAST | {entry: bad})
        assert (caught.value.code, caught.value.field) == ("pkcs11-profile-invalid", f"hsm-1.{entry}")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"library": ""}, "library"),
        ({"library": 7}, "library"),
        ({"pin_file": None}, "pin_file"),
        ({"token_label": "x" * 33}, "token_label"),
        ({"slot": -1}, "slot"),
        ({"slot": 2**32}, "slot"),
        ({"pin": "1234"}, "pin"),
        ({"model": "acme"}, "model"),
        ({"allow_final_try": 1}, "allow_final_try"),
        ({"quirks": 1}, "quirks"),
        ({"quirks": {"other": 1}}, "quirks.other"),
        ({"quirks": {"sm2_sign": "80000101"}}, "quirks.sm2_sign"),
        ({"quirks": {"sm2_sign": -1}}, "quirks.sm2_sign"),
        ({"quirks": {"sm2_takes": "e"}}, "quirks.sm2_takes"),
        ({"quirks": {"rsa_modulus_bits": 2048}}, "quirks.rsa_modulus_bits"),
        ({"quirks": {"rsa_modulus_bits": 3080}}, "quirks.rsa_modulus_bits"),
        ({"quirks": {"max_sessions": 65}}, "quirks.max_sessions"),
        ({"quirks": {"random": "yes"}}, "quirks.random"),
    ],
)
def test_what_is_no_profile_is_refused_by_the_name_of_the_entry(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Pkcs11ProfileInvalid) as caught:
        parse(LEAST | change)
    assert caught.value.field == f"hsm-1.{field}"


def test_a_token_must_be_named_somehow() -> None:
    with pytest.raises(Pkcs11ProfileInvalid):
        parse({"library": "l.so", "pin_file": "p"})
    assert parse({"library": "l.so", "pin_file": "p", "slot": 0}).token == TokenName(slot=0)


@pytest.mark.parametrize("name", ["", "Upper", "-x", "a" * 41, "a/b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Pkcs11ProfileInvalid):
        parse(LEAST, name)
