"""The token endpoint (RFC 6749 section 3.2) through Authlib, without Flask.

Authlib decides on grants, compares the PKCE verifier and shapes answers. Ours are: recognising the client (Authlib's
own way tells which ids exist and accepts two methods at once), proofs of possession, consuming codes and refresh tokens
in the database, and the tokens themselves (Authlib's live 10 days).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import structlog
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    InvalidScopeError,
    OAuth2Payload,
    OAuth2Request,
)
from typing_extensions import override

from sso.provider.claims import ExtensionGrant
from sso.provider.client_tokens import TokenIssuer
from sso.provider.domain import Client, ClientAuthentication, Scope, parse_scopes, scopes_text
from sso.provider.errors import ScopeUnknown, TokenAddressInsecure
from sso.provider.flows import CodeGrant, KeptCode, KeptRefresh, RefreshGrant, S256Challenge
from sso.provider.messages import PROOFS_OF_CLIENT, FormRequest, JsonAnswer, check_form, json_answer, refused_answer
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.redemption import Caller, Redemption
from trust.kernel.addresses import is_secure_channel

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
"""The grant types of the endpoint itself; `ExtensionGrant`s bring more."""

_log = structlog.get_logger("sso.token")


class Authenticator(Protocol):
    """Recognises clients (`sso.provider.client_auth`)."""

    def authenticate(self, request: FormRequest) -> Client:
        """Return the client that made the request. Raises `OAuthRefused`."""
        ...


class Proofs(Protocol):
    """Judges proofs of possession (`sso.provider.dpop`)."""

    def of_headers(self, values: Sequence[str], *, method: str, url: str) -> str | None:
        """Return the thumbprint of the key of the one proof, None without any. Raises `OAuthRefused`."""
        ...


class TokenEndpoint:
    """Answers token requests. `address` is the public address of the endpoint."""

    def __init__(
        self,
        authenticator: Authenticator,
        proofs: Proofs,
        issuer: TokenIssuer,
        redemption: Redemption,
        extensions: Sequence[ExtensionGrant] = (),
        *,
        address: str,
    ) -> None:
        """Raises `TokenAddressInsecure` unless `address` is https or loopback (RFC 6749 section 3.2)."""
        check_address(address)
        self._authenticator = authenticator
        self._proofs = proofs
        self._extensions = {extension.grant_type: extension for extension in extensions}
        self._server = _Server(issuer, redemption)
        self._address = address

    def answer(self, request: FormRequest) -> JsonAnswer:
        """Return tokens, or an error of RFC 6749 section 5.2. Raises only what the signer and the stores raise."""
        try:
            return self._answer(request)
        except OAuthRefused as refusal:
            _log.info("token refused", error=refusal.error, reason=refusal.officer)
            return refused_answer(refusal)

    def _answer(self, request: FormRequest) -> JsonAnswer:
        check_form(request)
        grant_type = self._grant_type(request)
        client = self._authenticator.authenticate(request)
        confirmation = self._proofs.of_headers(request.dpop, method="POST", url=self._address)
        if client.relying is not None and client.relying.dpop_required and confirmation is None:
            raise OAuthRefused("invalid_dpop_proof", "This client must prove possession of a key (RFC 9449).")
        extension = self._extensions.get(grant_type)
        if extension is None:
            asked = _Request(request, client, confirmation, self._address)
            answer: JsonAnswer = self._server.create_token_response(asked)
            return answer
        form = {name: values[0] for name, values in request.form.items() if values and name not in PROOFS_OF_CLIENT}
        return json_answer(extension.answer(client, form, confirmation=confirmation))

    def _grant_type(self, request: FormRequest) -> str:
        grant_type = request.first("grant_type")
        known = (*GRANT_TYPES, *self._extensions)
        if not grant_type:
            raise OAuthRefused("invalid_request", "The parameter grant_type is missing.")
        if grant_type not in known:
            raise OAuthRefused("unsupported_grant_type", f"This endpoint knows the grant types {', '.join(known)}.")
        return grant_type


class _Payload(OAuth2Payload):  # type: ignore[misc]  # Authlib ships no types
    def __init__(self, form: Mapping[str, Sequence[str]]) -> None:
        self._form = form

    @property
    @override
    def data(self) -> dict[str, str]:
        return {name: values[0] for name, values in self._form.items() if values}

    @property
    @override
    def datalist(self) -> defaultdict[str, list[str]]:
        return defaultdict(list, {name: list(values) for name, values in self._form.items()})


class _Request(OAuth2Request):  # type: ignore[misc]  # Authlib ships no types
    """Authlib's request over ours. The address is the configured one: behind a proxy the seen one is plain http."""

    def __init__(self, request: FormRequest, client: Client, confirmation: str | None, address: str) -> None:
        super().__init__("POST", address)
        self.payload = _Payload(request.form)
        self.authenticated = _AuthenticatedClient(client, confirmation)

    @property
    @override
    def form(self) -> dict[str, str]:
        form: dict[str, str] = self.payload.data
        return form


class _AuthenticatedClient:
    """A client as Authlib asks for it."""

    def __init__(self, client: Client, confirmation: str | None) -> None:
        self.client = client
        self.confirmation = confirmation

    @property
    def caller(self) -> Caller:
        """The client as one that people sign in to; `check_grant_type` was asked before."""
        relying = self.client.relying
        if relying is None:
            raise OAuthRefused("unauthorized_client", "People do not sign in to this client.")
        return Caller(client=self.client, relying=relying, confirmation=self.confirmation)

    def check_grant_type(self, grant_type: str) -> bool:
        relying = self.client.relying
        if grant_type == "client_credentials":
            return relying is None or relying.authentication is not ClientAuthentication.NONE
        if relying is None or not relying.redirect_uris:
            return False
        return grant_type == "authorization_code" or Scope.OFFLINE_ACCESS in self.client.scopes


class _Server(AuthorizationServer):  # type: ignore[misc]  # Authlib ships no types
    def __init__(self, issuer: TokenIssuer, redemption: Redemption) -> None:
        super().__init__()
        self._issuer = issuer
        self.redemption = redemption
        self.register_grant(ClientCredentialsGrant)
        self.register_grant(CodeGrant, [S256Challenge(required=True)])
        self.register_grant(RefreshGrant)
        self.register_token_generator("client_credentials", self._for_client)
        self.register_token_generator("authorization_code", self._for_code)
        self.register_token_generator("refresh_token", self._for_refresh)

    @override
    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    @override
    def authenticate_client(
        self, request: _Request, methods: Sequence[str], endpoint: str = "token"
    ) -> _AuthenticatedClient:
        """Return the client that was recognised before any grant was looked at."""
        return request.authenticated

    @override
    def handle_response(self, status: int, body: object, headers: object) -> JsonAnswer:
        members = body if isinstance(body, dict) else dict(body)  # type: ignore[call-overload]  # pairs for errors
        if "error" in members:
            _log.info("token refused", error=members["error"], reason=members.get("error_description"))
        return json_answer(members, status=status)

    @override
    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    @override
    def save_token(self, token: object, request: object) -> None:
        """Tokens are not kept: they carry everything, and the ledger has the use of the key."""

    def _for_client(self, *, client: _AuthenticatedClient, scope: str | None, **_: Any) -> dict[str, object]:
        granted = _granted(client.client, scope)
        token = self._issuer.issue(client.client, granted, confirmation=client.confirmation)
        return {
            "access_token": token.value,
            "token_type": "Bearer" if client.confirmation is None else "DPoP",
            "expires_in": token.seconds,
            "scope": scopes_text(token.scopes),
        }

    def _for_code(self, *, client: _AuthenticatedClient, user: KeptCode, **_: Any) -> dict[str, object]:
        return dict(self.redemption.answer_code(client.caller, user.redeemed))

    def _for_refresh(
        self, *, client: _AuthenticatedClient, user: KeptRefresh, scope: str, **_: Any
    ) -> dict[str, object]:
        return dict(self.redemption.answer_refresh(client.caller, user.token, frozenset(scope.split())))


def check_address(address: str) -> None:
    """Raise `TokenAddressInsecure` unless secrets that come to this address travel by https or stay on the machine.

    Authlib checks the same with each request, but lets an environment variable switch it off.
    """
    if not is_secure_channel(urlsplit(address)):
        raise TokenAddressInsecure(field="public_url")


def _granted(client: Client, requested: str | None) -> frozenset[Scope]:
    """Return the scopes of the token: those asked for, or all of the client's own (RFC 6749 section 3.3)."""
    own = client.own_scopes
    if not requested and own:
        return own
    try:
        scopes = parse_scopes(requested or "")
    except ScopeUnknown:
        raise InvalidScopeError("A requested scope is unknown.") from None
    if not scopes <= own:
        raise InvalidScopeError("A requested scope was not granted to this client.")
    return scopes
