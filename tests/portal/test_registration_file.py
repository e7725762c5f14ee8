"""The file of an application: TOML or JSON, and each fault with its code and field."""

import json
from pathlib import Path
from typing import Any

import pytest

from portal import registration_file
from portal.registration_file import MAX_BYTES
from sso.provider.application import Registration
from sso.provider.domain import ClientAuthentication, Scope
from trust.kernel.errors import TrustError

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "system.toml"
SYSTEM: dict[str, Any] = {
    "label": "不动产登记系统",
    "authority": "11000000DEM0YX001B",
    "contact": "信息科 0000-1234",
    "why": "综合窗口接入统一身份认证",
    "scopes": ["openid", "profile", "identity"],
    "reasons": {"identity": "登记须核对证件号码"},
    "redirect_uris": ["https://estate.example/callback"],
}


def fault(path: Path, name: str, content: bytes) -> tuple[str, str | None]:
    (path / name).write_bytes(content)
    with pytest.raises(TrustError) as caught:
        registration_file.read(path / name)
    return caught.value.code, caught.value.field


def test_the_example_of_the_documentation_is_read() -> None:
    proposal = registration_file.read(EXAMPLE)
    assert Scope.IDENTITY in proposal.scopes
    assert proposal.reasons[Scope.IDENTITY]
    assert proposal.relying.redirect_uris == ("https://estate.example.gov.cn/callback",)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    jwks = {"keys": [{"kty": "EC"}]}
    wanted = SYSTEM | {
        "authentication": "private_key_jwt",
        "jwks": jwks,
        "backchannel_logout_uri": "https://estate.example/out",
        "post_logout_redirect_uris": ["https://estate.example/"],
        "resource": "https://estate.example/api",
        "sector": "estate.example",
        "pass_to": ["api"],
        "matters": ["m"],
        "types": ["t"],
        "dpop_required": True,
        "par_required": True,
    }
    (tmp_path / "a.json").write_text(json.dumps(wanted), "utf-8")
    proposal = registration_file.read(tmp_path / "a.json")
    assert proposal.relying.authentication is ClientAuthentication.PRIVATE_KEY_JWT
    registration = Registration(label=proposal.label, scopes=proposal.scopes, relying=proposal.relying)
    written = registration_file.written(registration)
    given = {name: value for name, value in wanted.items() if name not in {"authority", "why", "reasons"}}
    assert written == given | {"scopes": sorted(wanted["scopes"]), "signing_algorithm": "ES256"}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"reasons": {}}, "scope-reason-missing", "reasons.identity"),
        ({"reasons": {"identity": "登记核对", "nothing": "x"}}, "scope-unknown", "reasons"),
        ({"reasons": {"identity": "登记核对", "mandates": "多余"}}, "scope-unknown", "scopes"),
        ({"scopes": ["openid", "all"]}, "scope-unknown", "scopes"),
        ({"scopes": []}, "scope-unknown", "scopes"),
        ({"scopes": "openid"}, "field-invalid", "scopes"),
        ({"authority": "123"}, "uscc-length", "authority"),
        ({"contact": " "}, "field-missing", "contact"),
        ({"redirect_urls": []}, "field-unknown", "redirect_urls"),
        ({"sandbox": True}, "field-unknown", "sandbox"),
        ({"dpop_required": "yes"}, "field-invalid", "dpop_required"),
        ({"authentication": "client_secret_jwt"}, "field-invalid", "authentication"),
    ],
)
def test_each_bad_member_has_its_code_and_field(tmp_path: Path, changes: dict[str, Any], code: str, field: str) -> None:
    assert fault(tmp_path, "a.json", json.dumps(SYSTEM | changes).encode()) == (code, field)


@pytest.mark.parametrize("missing", ["label", "authority", "contact", "why", "scopes"])
def test_what_every_system_says_cannot_be_left_out(tmp_path: Path, missing: str) -> None:
    content = {name: value for name, value in SYSTEM.items() if name != missing}
    assert fault(tmp_path, "a.json", json.dumps(content).encode()) == ("field-missing", missing)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.toml", b"label = ", "registration-file-unreadable"),
        ("a.toml", b"\xff", "registration-file-unreadable"),
        ("a.toml", b"label = 1", "field-invalid"),
        ("a.toml", b"label = 2026-11-21", "field-missing"),
        ("a.json", b"{", "json-malformed"),
        ("a.json", b"[]", "json-malformed"),
        ("a.json", b'{"label": "a", "label": "b"}', "json-duplicate-member"),
        ("a.json", b" " * MAX_BYTES, "json-malformed"),
        ("a.json", b" " * (MAX_BYTES + 1), "body-too-large"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    assert fault(tmp_path, name, content)[0] == code
