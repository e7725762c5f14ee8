"""Recognising a client at the OAuth endpoints (RFC 6749 section 2.3, RFC 7521, RFC 7523, OIDC core section 9).

Exactly one method per request, and only the one that the client was registered for. Unknown, disabled, of another
method and wrong all get the same answer after the same work: nobody learns which client ids exist.

The audience of an assertion is the issuer or the token endpoint, as a single string and at every endpoint: an
assertion made for another server can then not be replayed here (draft-ietf-oauth-security-topics-update, audience
injection). A list is refused, even of one element.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, NoReturn, Protocol
from urllib.parse import unquote_to_bytes

import structlog

from sso.provider import client_jwt
from sso.provider.client_jwt import JwtRefused
from sso.provider.domain import Client, ClientAuthentication, SecretDigest
from sso.provider.messages import FormRequest
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.ports import Replay
from sso.provider.strict_jws import CompactJws
from trust.kernel.clock import Clock

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""The one value of `client_assertion_type` (RFC 7523 section 2.2)."""

ASSERTION_SECONDS = 300
"""Farthest `exp` of an assertion, seconds: an assertion is made for one request, and its id is kept so long."""

LEEWAY_SECONDS = 30
"""How far the clock of a client may differ from ours, seconds; it counts for `iat` and `nbf`, never for `exp`."""

REPLAY_DOMAIN = "assertion"

_NO_SECRET = SecretDigest(bytes(32))  # compared with when there is no client, so that the answer takes the same time
_NO_KEY = {  # the public key of the example in RFC 7517 appendix A.1: its assertions are refused in any case
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}

_log = structlog.get_logger("sso.client")


class ClientSecrets(Protocol):
    """What the authenticator needs of the register of clients."""

    def find_with_secret(self, client_id: str) -> tuple[Client, SecretDigest] | None:
        """Return the client and the digest of its secret, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What a request brought to prove its client: one method, its claimed id, and the proof itself."""

    method: ClientAuthentication
    client: str
    proof: str = field(repr=False)


class ClientAuthenticator:
    """Recognises clients. `issuer` and `token_endpoint` are the audiences that assertions may name."""

    def __init__(
        self, clients: ClientSecrets, replay: Replay, clock: Clock, *, issuer: str, token_endpoint: str
    ) -> None:
        self._clients = clients
        self._replay = replay
        self._clock = clock
        self._audiences = (issuer, token_endpoint)

    def authenticate(self, request: FormRequest) -> Client:
        """Return the client that made the request; a public one is only identified.

        Raises `OAuthRefused`: `invalid_request` for more than one method or for two clients in one request,
        `invalid_client` (401) for everything else.
        """
        presented = _presented(request)
        # Ids are letters and digits; PostgreSQL fails on a NUL in a text, which would tell one refusal from another.
        usable = presented.client.isascii() and presented.client.isalnum()
        found = self._clients.find_with_secret(presented.client) if usable else None
        client = found[0] if found else None
        fault = self._fault(presented, client, found[1] if found else _NO_SECRET)
        if client is None:
            _refuse("unknown client")
        if not client.enabled or fault:
            _refuse(fault or "disabled client", client=client.id)
        if presented.method is ClientAuthentication.PRIVATE_KEY_JWT:
            self._use_once(presented.proof, client)
        return client

    def _fault(self, presented: Presented, client: Client | None, digest: SecretDigest) -> str:
        """Return what is wrong, or the empty text. The costly work is done for unknown clients as well."""
        registered = _registered_method(client)
        fault = "" if registered is presented.method else "not the registered method"
        if presented.method is ClientAuthentication.SECRET and not digest.matches(presented.proof):
            fault = fault or "wrong secret"
        if presented.method is ClientAuthentication.PRIVATE_KEY_JWT:
            try:
                self._check_assertion(presented.proof, _keys(client))
            except JwtRefused as refused:
                fault = fault or f"assertion: {refused}"
        return fault

    def _check_assertion(self, assertion: str, keys: list[Any]) -> None:
        parsed = client_jwt.read(assertion)
        if parsed.header.get("typ", "JWT") not in {"JWT", "client-authentication+jwt"}:
            raise JwtRefused("another typ")
        key = client_jwt.public_key(_chosen(keys, parsed), parsed.header["alg"])
        claims = client_jwt.verified_claims(assertion, parsed, key)
        if not isinstance(claims.get("iss"), str) or claims.get("sub") != claims["iss"]:
            raise JwtRefused("iss and sub differ")
        if not isinstance(claims.get("aud"), str) or claims["aud"] not in self._audiences:
            raise JwtRefused("aud is not our issuer or token endpoint as a single string")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= client_jwt.MAX_JTI_CHARACTERS:
            raise JwtRefused("jti missing or too long")
        self._check_times(claims)

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        for name in ("exp", "iat", "nbf"):
            if name in claims and type(claims[name]) not in {int, float}:
                raise JwtRefused(f"{name} is no number")
        if "exp" not in claims or not now < claims["exp"] <= now + ASSERTION_SECONDS + LEEWAY_SECONDS:
            raise JwtRefused("exp is past, missing or too far ahead")
        if max(claims.get("iat", now), claims.get("nbf", now)) > now + LEEWAY_SECONDS:
            raise JwtRefused("not valid yet")

    def _use_once(self, assertion: str, client: Client) -> None:
        claims = client_jwt.read(assertion).claims()
        until = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=1)
        if not self._replay.first_use(REPLAY_DOMAIN, client.id, claims["jti"], until=until):
            _refuse("assertion used before", client=client.id)


def _presented(request: FormRequest) -> Presented:
    """Return the one method of the request. A `client_id` beside it is no second method, but must agree."""
    found: list[Presented] = []
    if request.authorization:
        found.append(_basic(request.authorization))
    if request.form.get("client_secret"):
        found.append(
            Presented(
                method=ClientAuthentication.SECRET,
                client=request.first("client_id"),
                proof=request.first("client_secret"),
            )
        )
    if request.form.get("client_assertion") or request.form.get("client_assertion_type"):
        found.append(_assertion(request))
    if len(found) > 1:
        raise OAuthRefused("invalid_request", "The client is to be authenticated by one method only.")
    named = request.first("client_id")
    if not found:
        return Presented(method=ClientAuthentication.NONE, client=named, proof="")
    if named and named != found[0].client:
        raise OAuthRefused("invalid_request", "The request names two clients.")
    return found[0]


def _basic(authorization: str) -> Presented:
    """Read HTTP Basic, whose two halves are form-encoded (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
        client, colon, secret = text.partition(":")
        halves = [unquote_to_bytes(half.replace("+", " ")).decode() for half in (client, secret)]
    except ValueError:
        _refuse("unreadable Authorization header")
    if scheme.lower() != "basic" or not colon:
        _refuse("another scheme in the Authorization header")
    return Presented(method=ClientAuthentication.SECRET, client=halves[0], proof=halves[1])


def _assertion(request: FormRequest) -> Presented:
    """Take the client's id out of the assertion's `sub`; the parameter `client_id` is optional (RFC 7521 4.2)."""
    if request.first("client_assertion_type") != ASSERTION_TYPE:
        _refuse("another client_assertion_type")
    assertion = request.first("client_assertion")
    try:
        subject = client_jwt.read(assertion).claims().get("sub")
    except ValueError as error:
        _refuse(f"assertion: {error}")
    if not isinstance(subject, str):
        _refuse("assertion: no sub")
    return Presented(method=ClientAuthentication.PRIVATE_KEY_JWT, client=subject, proof=assertion)


def _registered_method(client: Client | None) -> ClientAuthentication | None:
    """Return how a client authenticates; a department's own system has a secret."""
    if client is None:
        return None
    return client.relying.authentication if client.relying else ClientAuthentication.SECRET


def _keys(client: Client | None) -> list[Any]:
    text = client.relying.jwks if client and client.relying else None
    keys = json.loads(text).get("keys") if text else [_NO_KEY]
    return keys if isinstance(keys, list) else []


def _chosen(keys: list[Any], parsed: CompactJws) -> object:
    """Return the key that the header names; without `kid` only when there is no choice."""
    usable = [key for key in keys if client_jwt.may_have_signed(key, parsed)]
    return usable[0] if len(usable) == 1 else _NO_KEY


def _refuse(officer: str, **facts: str) -> NoReturn:
    """Answer `invalid_client` with one text for all reasons; the reason goes to the log."""
    _log.warning("client refused", reason=officer, **facts)
    raise OAuthRefused(
        "invalid_client",
        "The client could not be authenticated.",
        status=HTTPStatus.UNAUTHORIZED,
        officer=officer,
    )
