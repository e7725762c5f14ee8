"""The one importer of python-keycloak: HTTP to an upstream platform, and its errors as ours.

The library's own OpenID client builds addresses unescaped and knows Keycloak's paths only; here its connection is
driven by the upstream's discovery document, so that any OpenID provider can be an upstream.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus

from keycloak import ConnectionManager, KeycloakOpenIDConnection
from keycloak.exceptions import KeycloakConnectionError, KeycloakError

from sso.keycloak.errors import UpstreamCodeRefused, UpstreamUnavailable
from sso.keycloak.provisioning_errors import KeycloakNotAdmitted, KeycloakRefused, KeycloakUnavailable
from sso.provider.strict_jws import json_object

TIMEOUT_SECONDS: Final = 10
"""How long an upstream or Keycloak may take to answer, seconds: people wait for it in their browser."""

MAX_ANSWER_BYTES: Final = 256 * 1024
"""Longest JSON that an upstream may answer. Keycloak's discovery document has about 7 KiB, its keys 5 KiB."""

_FORM: Final = "application/x-www-form-urlencoded"
MASTER: Final = "master"
"""Keycloak's own realm, whose clients may administer the others."""


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
        if response.status_code != HTTPStatus.OK:
            raise UpstreamUnavailable(status=response.status_code)
        return _object(response)

    def post(self, address: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the JSON answer to a form. Raises `UpstreamUnavailable`, `UpstreamCodeRefused`."""
        try:
            response = self._authenticated.raw_post(address, dict(form))
        except KeycloakConnectionError as error:
            raise UpstreamUnavailable(kind=type(error.__cause__).__name__) from None
        if HTTPStatus.BAD_REQUEST <= response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise UpstreamCodeRefused(status=response.status_code, error=_error_name(response))
        if response.status_code != HTTPStatus.OK:
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


class AdminConnection:
    """HTTP to Keycloak's administration interface as a service account (client credentials in the realm `master`)."""

    def __init__(self, server: str, *, client_id: str, secret: str, ca_file: Path | None = None) -> None:
        self._connection = KeycloakOpenIDConnection(
            server_url=f"{server.rstrip('/')}/",
            realm_name=MASTER,
            client_id=client_id,
            client_secret_key=secret,
            verify=str(ca_file) if ca_file else True,
            timeout=TIMEOUT_SECONDS,
            max_retries=0,
        )

    def get(self, path: str) -> Mapping[str, Any]:
        """Return a JSON object."""
        found = self.get_or_none(path)
        if found is None:
            raise KeycloakRefused("Something was removed while the command ran.", path=path)
        return found

    def get_or_none(self, path: str) -> Mapping[str, Any] | None:
        """Return a JSON object, or None when there is nothing."""
        response = self._asked(lambda: self._connection.raw_get(path))
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        _check(response, path)
        document: Mapping[str, Any] = response.json()
        return document

    def get_list(self, path: str) -> Sequence[Mapping[str, Any]]:
        """Return a JSON array of objects."""
        response = self._asked(lambda: self._connection.raw_get(path))
        _check(response, path)
        listed: Sequence[Mapping[str, Any]] = response.json()
        return listed

    def post(self, path: str, document: Mapping[str, Any]) -> None:
        """Make something."""
        _check(self._asked(lambda: self._connection.raw_post(path, json.dumps(document))), path)

    def put(self, path: str, document: Mapping[str, Any]) -> None:
        """Put something."""
        _check(self._asked(lambda: self._connection.raw_put(path, json.dumps(document))), path)

    def delete(self, path: str) -> None:
        """Delete something."""
        _check(self._asked(lambda: self._connection.raw_delete(path)), path)

    def _asked(self, request: Callable[[], Any]) -> Any:
        """Make one request; the library obtains and renews the service account's token by itself."""
        try:
            return request()
        except KeycloakConnectionError as error:
            raise KeycloakUnavailable(kind=type(error.__cause__).__name__) from None
        except KeycloakError as error:  # the token endpoint refused
            raise KeycloakNotAdmitted(status=error.response_code) from None


def _check(response: Any, path: str) -> None:
    """Raise for any answer that is no success; the body may quote what was sent, so it is not repeated."""
    status = response.status_code
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise KeycloakNotAdmitted(status=status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise KeycloakUnavailable(status=status)
    if status >= HTTPStatus.BAD_REQUEST or response.history:
        raise KeycloakRefused(f"Keycloak answered {status} at {path}.", status=status, path=path)
