from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.accounts.domain import ProofingLevel
from sso.keycloak.errors import UpstreamFileInvalid
from sso.keycloak.sources import is_safe_address, read_sources
from sso.signin.domain import Strength
from tests.sso.keycloak.house import ISSUER, PUBLIC_URL, source, source_file


def test_no_file_means_no_upstream() -> None:
    assert read_sources(None) == ()


def test_a_source_is_read_with_its_defaults(tmp_path: Path) -> None:
    read = source(tmp_path)
    assert (read.name, read.issuer, read.client_id) == ("province", ISSUER, "yinxin")
    assert read.secret_file == tmp_path / "province.secret"
    assert read.evidence_source == "keycloak:province"
    assert read.callback(PUBLIC_URL) == f"{PUBLIC_URL}/sso/upstream/province/callback"
    assert read.enabled
    assert "secret" not in repr(read)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"issuer": "http://sso.province.example.gov.cn"}, "sources.province"),
        ({"issuer": f"{ISSUER}?a=b"}, "sources.province"),
        ({"issuer": f"{ISSUER}#a"}, "sources.province"),
        ({"algorithms": ["HS256"]}, "sources.province"),
        ({"algorithms": ["none"]}, "sources.province"),
        ({"algorithms": []}, "sources.province"),
        ({"scope": "profile"}, "sources.province"),
        ({"level_ceiling": 3}, "sources.province.level_ceiling"),
        ({"level_ceiling": "2"}, "sources.province.level_ceiling"),
        ({"strength_ceiling": 0}, "sources.province.strength_ceiling"),
        ({"strength_ceiling": 4}, "sources.province.strength_ceiling"),
        ({"levels": {"high": 4}}, "sources.province"),
        ({"acr": {"high": 0}}, "sources.province"),
        ({"max_age_seconds": 59}, "sources.province.max_age_seconds"),
        ({"max_age_seconds": 12 * 3600 + 1}, "sources.province.max_age_seconds"),
        ({"client_id": ""}, "sources.province.client_id"),
        ({"title_zh": ""}, "sources.province.title_zh"),
        ({"client_secret": "in the file itself"}, "sources.province.client_secret"),
        ({"claims": {"subject": "x"}}, "sources.province.claims.subject"),
    ],
)
def test_an_unacceptable_entry_is_named(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(UpstreamFileInvalid) as caught:
        source(tmp_path, **changes)
    assert (caught.value.code, caught.value.field) == ("upstream-file-invalid", field)
    assert "in the file itself" not in str(caught.value)


@pytest.mark.parametrize("seconds", [60, 12 * 3600])
def test_the_bounds_of_the_age_are_good(tmp_path: Path, seconds: int) -> None:
    assert source(tmp_path, max_age_seconds=seconds).max_age_seconds == seconds


@pytest.mark.parametrize("name", ["P", "Province", "a", "a" * 32, "pro_vince", "省", "a/b"])
def test_a_name_that_cannot_stand_in_an_address_is_refused(tmp_path: Path, name: str) -> None:
    path = source_file(tmp_path)
    path.write_text(path.read_text("utf-8").replace("sources.province", f'sources."{name}"'), "utf-8")
    with pytest.raises(UpstreamFileInvalid):
        read_sources(path)


@pytest.mark.parametrize("content", [b"[sources", b"\xff\xfe", b"[other]\na = 1\n", b"sources = 1\n"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "upstream.toml"
    path.write_bytes(content)
    with pytest.raises(UpstreamFileInvalid):
        read_sources(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UpstreamFileInvalid):
        read_sources(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://sso.example.gov.cn/realms/a", True),
        ("https://sso.example.gov.cn:8443", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("http://sso.example.gov.cn", False),
        ("http://127.0.0.1.example.com", False),
        ("https://user@sso.example.gov.cn", False),
        ("https://sso.example.gov.cn/#a", False),
        ("https://sso.example.gov.cn/ a", False),
        ("https://sso.example.gov.cn/\n", False),
        ("https://sso.example.gov.cn:0", False),
        ("https://sso.example.gov.cn:99999", False),
        ("https://[::1", False),
        ("https://省.example", False),
        ("https://", False),
        ("ftp://127.0.0.1", False),
        ("", False),
        (None, False),
        (1, False),
    ],
)
def test_secrets_travel_by_https_or_within_this_machine(address: object, safe: bool) -> None:
    assert is_safe_address(address) is safe


def test_without_a_level_claim_the_source_vouches_with_its_ceiling(tmp_path: Path) -> None:
    assert source(tmp_path, level_ceiling=1).level_of({"level": "high"}) is ProofingLevel.TWO_ELEMENT_MATCH


@pytest.mark.parametrize(
    ("said", "level"),
    [("low", 0), ("middle", 1), ("high", 2), ("unheard of", 0), (None, 0), (3, 0), (["high"], 0)],
)
def test_a_level_is_translated_under_the_ceiling(tmp_path: Path, said: object, level: int) -> None:
    read = source(tmp_path, claims={"level": "loa"}, levels={"low": 0, "middle": 1, "high": 3})
    assert read.level_of({"loa": said}) == level


@pytest.mark.parametrize(
    ("claims", "strength"),
    [
        ({}, 1),
        ({"acr": "2"}, 2),
        ({"acr": "3"}, 2),  # the ceiling
        ({"acr": "unheard of"}, 1),
        ({"acr": 2}, 1),
        ({"amr": ["pwd", "face"]}, 2),
        ({"amr": "face"}, 1),
        ({"amr": [["face"], 1]}, 1),
        ({"acr": "1", "amr": ["face"]}, 2),
    ],
)
def test_a_strength_is_translated_under_the_ceiling(tmp_path: Path, claims: dict[str, Any], strength: int) -> None:
    read = source(tmp_path, acr={"1": 1, "2": 2, "3": 3}, amr={"face": 3})
    assert read.strength_of(claims) == strength


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(claims=st.dictionaries(st.sampled_from(["acr", "amr", "loa"]), _JSON))
def test_whatever_the_upstream_says_never_passes_the_ceilings(
    tmp_path_factory: pytest.TempPathFactory, claims: dict[str, Any]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    read = source(folder, claims={"level": "loa"}, levels={"": 3, "0": 3}, acr={"": 3, "0": 3}, amr={"": 3, "0": 3})
    assert ProofingLevel.SELF_ASSERTED <= read.level_of(claims) <= read.level_ceiling
    assert Strength.PASSWORD <= read.strength_of(claims) <= read.strength_ceiling
