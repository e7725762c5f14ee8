"""Puts the parts together for `portal.wiring`: the desk from the file of sources, the provisioner from the settings."""

from collections.abc import Sequence
from pathlib import Path

from sso.keycloak.admin_client import KeycloakRealmAdmin
from sso.keycloak.client import MASTER, AdminConnection, KeycloakTransport
from sso.keycloak.desired import RealmTerms
from sso.keycloak.provisioner import Provisioner
from sso.keycloak.provisioning_errors import KeycloakNotConfigured
from sso.keycloak.sources import is_safe_address, read_sources
from sso.keycloak.upstream_provider import UpstreamProvider
from trust.config import Settings
from trust.kernel.clock import Clock
from trust.sealing import read_secret


def open_providers(file: Path | None, clock: Clock) -> Sequence[UpstreamProvider]:
    """Return the enabled upstreams of a file, without asking any of them anything yet.

    Raises `UpstreamFileInvalid`, `SecretMissing`, `SecretExposed`.
    """
    return tuple(
        UpstreamProvider(
            source,
            KeycloakTransport(
                source.issuer,
                client_id=source.client_id,
                secret=read_secret(source.secret_file),
                ca_file=source.ca_file,
            ),
            clock,
        )
        for source in read_sources(file)
        if source.enabled
    )


def open_provisioner(settings: Settings) -> tuple[Provisioner, RealmTerms]:
    """Return the provisioner of the configured Keycloak and what its realm says.

    Raises `KeycloakNotConfigured`, `SecretMissing`, `SecretExposed`.
    """
    if not settings.keycloak_url or settings.keycloak_admin_secret_file is None:
        raise KeycloakNotConfigured
    if not is_safe_address(settings.keycloak_url):
        raise KeycloakNotConfigured("YINXIN_KEYCLOAK_URL must be an https address.", field="keycloak_url")
    if settings.keycloak_realm == MASTER:
        raise KeycloakNotConfigured("The realm master administers all others; name another.", field="keycloak_realm")
    connection = AdminConnection(
        settings.keycloak_url,
        client_id=settings.keycloak_admin_client,
        secret=read_secret(settings.keycloak_admin_secret_file),
        ca_file=settings.keycloak_ca_file,
    )
    terms = RealmTerms(
        realm=settings.keycloak_realm, mark=settings.public_url.rstrip("/"), seconds=settings.access_token_seconds
    )
    return Provisioner(KeycloakRealmAdmin(connection, realm=terms.realm, mark=terms.mark)), terms
