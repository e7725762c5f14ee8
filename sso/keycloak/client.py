"""The one importer of python-keycloak: HTTP to an upstream platform, and its errors as ours.

The library's own OpenID client builds addresses unescaped and knows Keycloak's paths only; here its connection is
driven by the upstream's discovery document, so that any OpenID provider can be an upstream.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus

import structlog
from keycloak import ConnectionManager
from keycloak.exceptions import KeycloakConnectionError

from sso.keycloak.errors import UpstreamCodeRefused, UpstreamUnavailable
from sso.provider.strict_jws import json_object

TIMEOUT_SECONDS: Final = 10
"""How long an upstream or Keycloak may take to answer, seconds: people wait for it in their browser."""

MAX_ANSWER_BYTES: Final = 256 * 1024
"""Longest JSON that an upstream may answer. Keycloak's discovery document has about 7 KiB, its keys 5 KiB."""

_FORM: Final = "application/x-www-form-urlencoded"
_OK: Final = 200
_FAULTS: Final = 400
_SERVER_FAULTS: Final = 500

_log = structlog.get_logger("sso.keycloak")


class KeycloakTransport:
    """A `sso.keycloak.ports.UpstreamTransport`. The secret stands in a header of one connection, in no address."""

    def __init__(self, issuer: str, *, client_id: str, secret: str, ca_file: Path | None = None) -> None:
        credentials = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()  # RFC 6749 section 2.3.1
        basic = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}", "Content-Type": _FORM}
        self._open = _connection(issuer, {}, ca_file)
        self._authenticated = _connection(issuer, basic, ca_file)

    def get(self, address: str) -> Mapping[str, Any]:
        """Return a JSON object. Raises `UpstreamUnavailable`."""
        try:
            response = self._open.raw_get(address)
        except KeycloakConnectionError as error:
            raise UpstreamUnavailable(kind=type(error.__cause__).__name__) from None
        if response.status_code != _OK:
            raise UpstreamUnavailable(status=response.status_code)
        return _object(response)

    def post(self, address: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the JSON answer to a form. Raises `UpstreamUnavailable`, `UpstreamCodeRefused`."""
        try:
            response = self._authenticated.raw_post(address, dict(form))
        except KeycloakConnectionError as error:
            raise UpstreamUnavailable(kind=type(error.__cause__).__name__) from None
        if _FAULTS <= response.status_code < _SERVER_FAULTS:
            raise UpstreamCodeRefused(status=response.status_code, error=_error_name(response))
        if response.status_code != _OK:
            raise UpstreamUnavailable(status=response.status_code)
        return _object(response)


def _connection(base: str, headers: dict[str, str], ca_file: Path | None) -> ConnectionManager:
    # No retry: a code is good for one try, and the person can begin again.
    return ConnectionManager(
        base_url=base, headers=headers, timeout=TIMEOUT_SECONDS, verify=str(ca_file) if ca_file else True, max_retries=0
    )


def _object(response: Any) -> Mapping[str, Any]:
    if response.history:
        raise UpstreamUnavailable("The upstream platform sent us elsewhere.")
    if len(response.content) > MAX_ANSWER_BYTES:
        raise UpstreamUnavailable("The upstream platform answered more than is read.")
    try:
        return json_object(response.content)
    except ValueError:
        raise UpstreamUnavailable("The upstream platform did not answer with a JSON object.") from None


def _error_name(response: Any) -> str:
    """Return the OAuth error of an answer for the log: a registered name has no more than these characters."""
    try:
        said = json_object(response.content[:MAX_ANSWER_BYTES]).get("error")
    except ValueError:
        return ""
    return "".join(each for each in str(said)[:40] if each.isalnum() or each == "_")
