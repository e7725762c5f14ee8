"""Judging what an upstream signed: id_tokens (OIDC core section 3.1.3.7) and logout tokens (back-channel logout 2.6).

The header chooses nothing but the key's id: the algorithm must be one of the source's, fit the type of the key, and be
the key's own if it names one. Members that point to keys elsewhere (jku, x5u, jwk) are not looked at.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError

from sso.keycloak.errors import UpstreamTokenInvalid
from sso.keycloak.upstream_provider import UpstreamProvider, VerificationKey
from sso.provider.strict_jws import parse
from trust.kernel.bearer_secrets import secret_digest
from trust.kernel.encoding import base64url

MAX_TOKEN_CHARACTERS: Final = 16 * 1024
"""Longest token of an upstream. Keycloak's have 1 to 2 thousand characters; role lists make them long."""

LEEWAY_SECONDS: Final = 30
"""How far the two clocks may be apart, seconds: both run NTP."""

MAX_TOKEN_AGE_SECONDS: Final = 300
"""How old an id_token or logout token may be, seconds: it was made in answer to a request of a moment ago."""

LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"

_SUBJECT_CHARACTERS: Final = 255  # OIDC core section 2, `sub`
_KEY_TYPES: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
_ID_TYPES: Final = frozenset({None, "JWT"})
_LOGOUT_TYPES: Final = frozenset({"logout+jwt", "JWT", None})  # Keycloak before 26 and others leave it out


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the id_token must answer: our nonce (by digest), the access token beside it, the oldest sign-in allowed."""

    nonce_digest: bytes
    access_token: str | None
    oldest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOut:
    """Whose sign-in ended upstream: at least one of both.

    `jti` is used up once; from `useless_from` on the token is too old anyway, and the `jti` may be forgotten.
    """

    subject: str | None
    session: str | None
    jti: str
    useless_from: datetime


class UpstreamTokens:
    """Judges the tokens of one upstream at a given moment."""

    def __init__(self, provider: UpstreamProvider) -> None:
        self._provider = provider
        self._source = provider.source

    def id_token(self, token: str, expected: Expected, *, now: datetime) -> Mapping[str, Any]:
        """Return the claims of a good id_token. Raises `UpstreamTokenInvalid`, naming the check, and as `endpoints`."""
        claims = self._verified(token, types=_ID_TYPES)
        self._check_addressee(claims)
        _check_times(claims, now=now)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(secret_digest(nonce), expected.nonce_digest):
            raise _refusal("nonce")
        if expected.access_token is not None and "at_hash" in claims:
            _check_at_hash(claims["at_hash"], expected.access_token)
        if not _is_identifier(claims.get("sub")):
            raise _refusal("sub")
        _check_sign_in(claims, oldest=expected.oldest, now=now)
        return claims

    def logout_token(self, token: str, *, now: datetime) -> LoggedOut:
        """Return whose sign-in ended. Raises `UpstreamTokenInvalid`, and as `endpoints`."""
        claims = self._verified(token, types=_LOGOUT_TYPES)
        self._check_addressee(claims)
        _check_times(claims, now=now)
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
            raise _refusal("events")
        if "nonce" in claims:
            raise _refusal("nonce")
        for name in ("sub", "sid", "jti"):
            if name in claims and not _is_identifier(claims[name]):
                raise _refusal(name)
        if "jti" not in claims or ("sub" not in claims and "sid" not in claims):
            raise _refusal("jti" if "jti" not in claims else "sub")
        return LoggedOut(
            subject=claims.get("sub"),
            session=claims.get("sid"),
            jti=claims["jti"],
            useless_from=now + timedelta(seconds=MAX_TOKEN_AGE_SECONDS + 2 * LEEWAY_SECONDS),
        )

    def _verified(self, token: str, *, types: frozenset[str | None]) -> Mapping[str, Any]:
        try:
            compact = parse(token, most=MAX_TOKEN_CHARACTERS)
        except ValueError:
            raise _refusal("form") from None
        header = compact.header
        algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ")
        if not isinstance(algorithm, str) or algorithm not in self._source.algorithms:
            raise _refusal("alg")
        if "crit" in header or not (kind is None or isinstance(kind, str)) or kind not in types:
            raise _refusal("typ")
        key = self._provider.key(key_id) if isinstance(key_id, str) else None
        if key is None or not _fits(key, algorithm):
            raise _refusal("kid")
        try:
            jws.deserialize_compact(token, key, algorithms=[algorithm])
            return compact.claims()
        except (JoseError, ValueError):
            raise _refusal("signature") from None

    def _check_addressee(self, claims: Mapping[str, Any]) -> None:
        """For us alone: another audience could replay the token to us."""
        if claims.get("iss") != self._source.issuer:
            raise _refusal("iss")
        if claims.get("aud") not in (self._source.client_id, [self._source.client_id]):
            raise _refusal("aud")
        if claims.get("azp", self._source.client_id) != self._source.client_id:
            raise _refusal("azp")


def _check_times(claims: Mapping[str, Any], *, now: datetime) -> None:
    moment = now.timestamp()
    for name in ("exp", "iat"):
        if type(claims.get(name)) is not int:
            raise _refusal(name)
    if moment >= claims["exp"] + LEEWAY_SECONDS:
        raise _refusal("exp")
    if not -LEEWAY_SECONDS <= moment - claims["iat"] <= MAX_TOKEN_AGE_SECONDS + LEEWAY_SECONDS:
        raise _refusal("iat")


def _check_sign_in(claims: Mapping[str, Any], *, oldest: datetime, now: datetime) -> None:
    signed_in = claims.get("auth_time")
    if type(signed_in) is not int:
        raise _refusal("auth_time")
    if not oldest.timestamp() - LEEWAY_SECONDS <= signed_in <= now.timestamp() + LEEWAY_SECONDS:
        raise _refusal("auth_time")


def _check_at_hash(said: object, access_token: str) -> None:
    """The left half of the SHA-256: all algorithms of ours hash so (OIDC core section 3.1.3.6)."""
    half = base64url(hashlib.sha256(access_token.encode()).digest()[:16])
    if not isinstance(said, str) or not said.isascii() or not hmac.compare_digest(said, half):
        raise _refusal("at_hash")


def _fits(key: VerificationKey, algorithm: str) -> bool:
    return key.key_type == _KEY_TYPES[algorithm] and key.get("alg", algorithm) == algorithm


def _is_identifier(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _SUBJECT_CHARACTERS and value.isprintable()


def _refusal(check: str) -> UpstreamTokenInvalid:
    return UpstreamTokenInvalid(f"The check of {check} failed.", check=check)
