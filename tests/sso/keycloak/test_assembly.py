from pathlib import Path
from typing import Any

import pytest

from sso.keycloak.assembly import open_providers, open_provisioner
from sso.keycloak.provisioning_errors import KeycloakNotConfigured
from tests.fakes import FixedClock
from tests.sso.keycloak.house import source_file
from trust.config import SettingsInvalid, load_settings
from trust.sealing import SecretMissing


def secret_file(folder: Path, content: bytes = b"s3cret\n") -> Path:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_the_upstreams_of_a_file_are_opened_without_asking_them(tmp_path: Path, clock: FixedClock) -> None:
    (provider,) = open_providers(source_file(tmp_path), clock)
    assert provider.source.name == "province"
    assert open_providers(None, clock) == ()
    assert open_providers(source_file(tmp_path, enabled=False), clock) == ()


def test_an_upstream_without_its_secret_is_refused_at_the_start(tmp_path: Path, clock: FixedClock) -> None:
    file = source_file(tmp_path)
    (tmp_path / "province.secret").unlink()
    with pytest.raises(SecretMissing):
        open_providers(file, clock)


@pytest.mark.parametrize(
    "settings",
    [{}, {"keycloak_url": "https://sso.example.gov.cn"}, {"keycloak_url": "http://sso.example.gov.cn"}],
)
def test_without_an_address_and_a_secret_there_is_no_keycloak(tmp_path: Path, settings: dict[str, Any]) -> None:
    if settings.get("keycloak_url", "").startswith("http:"):
        settings |= {"keycloak_admin_secret_file": secret_file(tmp_path)}
    with pytest.raises(KeycloakNotConfigured):
        open_provisioner(load_settings(home=tmp_path, **settings))


def test_the_realm_bears_our_public_address(tmp_path: Path) -> None:
    settings = load_settings(
        home=tmp_path,
        keycloak_url="https://sso.example.gov.cn",
        keycloak_admin_secret_file=secret_file(tmp_path),
        public_url="https://zz.example.gov.cn/",
        access_token_seconds=300,
    )
    _provisioner, terms = open_provisioner(settings)
    assert (terms.realm, terms.mark, terms.seconds) == ("yinxin", "https://zz.example.gov.cn", 300)


@pytest.mark.parametrize("realm", ["", "a b", "a/b", "A", "-a", "x" * 42])
def test_a_realm_that_cannot_stand_in_an_address_is_refused(realm: str) -> None:
    with pytest.raises(SettingsInvalid):
        load_settings(keycloak_realm=realm)


def test_the_master_realm_is_never_ours(tmp_path: Path) -> None:
    address = "https://sso.example.gov.cn"
    with pytest.raises(KeycloakNotConfigured) as caught:
        open_provisioner(
            load_settings(
                keycloak_realm="master", keycloak_url=address, keycloak_admin_secret_file=secret_file(tmp_path)
            )
        )
    assert caught.value.field == "keycloak_realm"
