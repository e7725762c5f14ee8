"""The token endpoint: client credentials (RFC 6749 section 4.4) through Authlib, without Flask.

Authlib decides on grants and shapes answers and errors. Ours are: recognising the client (Authlib's own way tells
which ids exist and accepts two methods at once), the scopes, and the token itself (Authlib's lives 10 days).
"""

import base64
import binascii
import ipaddress
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    OAuth2Payload,
    OAuth2Request,
    UnsupportedGrantTypeError,
)
from typing_extensions import override

from sso.provider.domain import Client, Scope, parse_scopes, scopes_text
from sso.provider.errors import ClientNotAuthenticated, ScopeUnknown, TokenAddressInsecure
from sso.provider.service import ClientRegistry
from sso.provider.tokens import TokenIssuer
from trust.kernel.encoding import canonical_json

FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post")
GRANT_TYPE = "client_credentials"
_KNOWN_PARAMETERS = ("grant_type", "scope", "client_id", "client_secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What arrived at the token endpoint: every value of every form field, and two facts of the header."""

    media_type: str
    authorization: str
    form: Mapping[str, Sequence[str]]
    has_query: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """What the token endpoint answers: `body` is JSON."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...]


class TokenEndpoint:
    """Answers token requests. `address` is the public address of the endpoint."""

    def __init__(self, registry: ClientRegistry, issuer: TokenIssuer, *, address: str) -> None:
        """Raises `TokenAddressInsecure` unless `address` is https or loopback (RFC 6749 section 3.2)."""
        _check_address(address)
        self._server = _Server(registry, issuer, address)

    def answer(self, request: TokenRequest) -> TokenAnswer:
        """Return a token, or an error of RFC 6749 section 5.2. Raises only what the signer and the store raise."""
        answer: TokenAnswer = self._server.create_token_response(request)
        return answer


class _Payload(OAuth2Payload):  # type: ignore[misc]  # Authlib ships no types
    def __init__(self, form: Mapping[str, Sequence[str]]) -> None:
        self._form = form

    @property
    @override
    def data(self) -> dict[str, str]:
        return {name: values[0] for name, values in self._form.items()}

    @property
    @override
    def datalist(self) -> defaultdict[str, list[str]]:
        return defaultdict(list, {name: list(values) for name, values in self._form.items()})


class _Request(OAuth2Request):  # type: ignore[misc]  # Authlib ships no types
    """Authlib's request over ours. The address is the configured one: behind a proxy the seen one is plain http."""

    def __init__(self, request: TokenRequest, address: str) -> None:
        super().__init__("POST", address)
        self.source = request
        self.payload = _Payload(request.form)


class _ClientRefused(InvalidClientError):  # type: ignore[misc]  # Authlib ships no types
    """One answer for unknown, wrong and disabled: status and challenge of RFC 6749 section 5.2."""

    def __init__(self) -> None:
        super().__init__(description="The client could not be authenticated.", status_code=HTTPStatus.UNAUTHORIZED)

    @override
    def get_headers(self) -> list[tuple[str, str]]:
        headers = [(name, value) for name, value in super().get_headers() if name != "WWW-Authenticate"]
        return [*headers, ("WWW-Authenticate", 'Basic realm="yinxin", charset="UTF-8"')]


class _UnsupportedGrant(UnsupportedGrantTypeError):  # type: ignore[misc]  # Authlib ships no types
    """Says which grant there is; Authlib's own says nothing."""

    description = f"This endpoint knows the grant type {GRANT_TYPE} only."


class _AuthenticatedClient:
    """A client as Authlib asks for it: confidential, client credentials only."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == GRANT_TYPE


class _Server(AuthorizationServer):  # type: ignore[misc]  # Authlib ships no types
    def __init__(self, registry: ClientRegistry, issuer: TokenIssuer, address: str) -> None:
        super().__init__()
        self._registry = registry
        self._issuer = issuer
        self._address = address
        self.register_grant(ClientCredentialsGrant)
        self.register_token_generator(GRANT_TYPE, self._generate)

    @override
    def create_token_response(self, request: TokenRequest) -> TokenAnswer:
        try:
            _check_form(request)
        except OAuth2Error as error:
            return self.handle_response(*error())
        answer: TokenAnswer = super().create_token_response(request)
        return answer

    @override
    def create_oauth2_request(self, request: TokenRequest) -> _Request:
        return _Request(request, self._address)

    @override
    def authenticate_client(
        self, request: _Request, methods: Sequence[str], endpoint: str = "token"
    ) -> _AuthenticatedClient:
        identifier, secret = _credentials(request.source)
        try:
            return _AuthenticatedClient(self._registry.authenticate(identifier, secret))
        except ClientNotAuthenticated:
            raise _ClientRefused from None

    @override
    def validate_requested_scope(self, scope: str | None) -> None:
        """Scopes depend on the client: `_generate` judges them."""

    @override
    def handle_response(self, status: int, body: object, headers: Sequence[tuple[str, str]]) -> TokenAnswer:
        members = body if isinstance(body, dict) else dict(body)  # type: ignore[call-overload]  # pairs for errors
        return TokenAnswer(status=int(status), body=canonical_json(members), headers=tuple(headers))

    @override
    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    @override
    def save_token(self, token: object, request: object) -> None:
        """Tokens are not kept: they carry everything, and the ledger has the use of the key."""

    def _generate(self, *, client: _AuthenticatedClient, scope: str | None, **_: Any) -> dict[str, object]:
        token = self._issuer.issue(client.client, _granted(client.client, scope))
        return {
            "access_token": token.value,
            "token_type": "Bearer",
            "expires_in": token.seconds,
            "scope": scopes_text(token.scopes),
        }


def _check_address(address: str) -> None:
    """Authlib checks the same with each request, but lets an environment variable switch it off."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise TokenAddressInsecure(field="public_url")


def _check_form(request: TokenRequest) -> None:
    """Refuse what RFC 6749 sections 3.2 and 2.3.1 exclude: another form, repeated or address-borne parameters."""
    if request.media_type != FORM_MEDIA_TYPE:
        raise InvalidRequestError(f"The body must be {FORM_MEDIA_TYPE}.")
    if request.has_query:
        raise InvalidRequestError("Parameters belong in the body, never in the address.")
    if any(len(values) > 1 for values in request.form.values()):
        raise InvalidRequestError("A parameter is repeated.")
    if not request.form.get("grant_type", [""])[0]:
        raise InvalidRequestError("The parameter grant_type is missing.")
    if request.form["grant_type"][0] != GRANT_TYPE:
        raise _UnsupportedGrant(GRANT_TYPE)


def _credentials(request: TokenRequest) -> tuple[str, str]:
    """Return client id and secret, from the header or from the body but not from both (RFC 6749 section 2.3)."""
    fields = {name: request.form.get(name, [""])[0] for name in _KNOWN_PARAMETERS}
    scheme, _, encoded = request.authorization.partition(" ")
    if not request.authorization:
        if not fields["client_id"] or not fields["client_secret"]:
            raise _ClientRefused
        return fields["client_id"], fields["client_secret"]
    if fields["client_id"] or fields["client_secret"]:
        raise InvalidRequestError("The client is to be authenticated by one method only.")
    try:
        identifier, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _ClientRefused from None
    if scheme.lower() != "basic" or not identifier or not secret:
        raise _ClientRefused
    return identifier, secret


def _granted(client: Client, requested: str | None) -> frozenset[Scope]:
    """Return the scopes of the token: those asked for, or all of the client (RFC 6749 section 3.3)."""
    if not requested:
        return client.scopes
    try:
        scopes = parse_scopes(requested)
    except ScopeUnknown:
        raise InvalidScopeError("A requested scope is unknown.") from None
    if not scopes <= client.scopes:
        raise InvalidScopeError("A requested scope was not granted to this client.")
    return scopes
