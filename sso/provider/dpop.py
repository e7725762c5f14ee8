"""Proofs of possession (RFC 9449): a token bound to a key is worth nothing to whoever only holds the token.

One proof is good for one request. Its id is kept for as long as the proof would be young enough, so a proof that was
overheard is refused; a server nonce (section 8) adds nothing to that and is not used.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import structlog

from sso.provider import client_jwt
from sso.provider.client_jwt import JwtRefused
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.ports import Replay
from trust.http.errors import ProofRefused
from trust.kernel.clock import Clock
from trust.kernel.encoding import base64url

TYPE = "dpop+jwt"
"""The `typ` of a proof (section 4.2)."""

PROOF_SECONDS = 60
"""How far `iat` may lie from our clock in either direction, seconds: a slow line and a counter's clock need some."""

REPLAY_DOMAIN = "dpop"

_DEFAULT_PORTS = {"https": 443, "http": 80}
_METHOD = re.compile("[A-Z]{1,16}")

_log = structlog.get_logger("sso.dpop")


class DpopChecker:
    """Judges proofs. `issuer` is the public address of the service: behind a proxy the seen one is another."""

    def __init__(self, replay: Replay, clock: Clock, *, issuer: str) -> None:
        self._replay = replay
        self._clock = clock
        self._issuer = issuer

    def check(self, proof: str, *, method: str, url: str, access_token: str | None = None) -> str:
        """Return the JWK thumbprint (RFC 7638, SHA-256) of the key that made the proof, and use the proof up.

        `access_token` is the token that the proof accompanies, at a resource.

        Raises `OAuthRefused("invalid_dpop_proof")`; what was wrong goes to the log.
        """
        try:
            return self._judged(proof, method, url, access_token)
        except JwtRefused as refused:
            _refuse(str(refused))

    def of_headers(self, values: Sequence[str], *, method: str, url: str) -> str | None:
        """Return the thumbprint of the one proof among the values of the header DPoP, or None when there is none.

        Raises `OAuthRefused("invalid_dpop_proof")`, also for more than one (section 4.3).
        """
        if not values:
            return None
        if len(values) > 1:
            _refuse("more than one proof")
        return self.check(values[0], method=method, url=url)

    def at_resource(self, proof: str, *, method: str, path: str, access_token: str) -> str:
        """Return the thumbprint of a proof that accompanies an access token; a `trust.http.access.ProofChecker`.

        Raises `ProofRefused`.
        """
        try:
            return self.check(proof, method=method, url=self._issuer + path, access_token=access_token)
        except OAuthRefused as refused:
            raise ProofRefused(reason=refused.officer) from None

    def _judged(self, proof: str, method: str, url: str, access_token: str | None) -> str:
        parsed = client_jwt.read(proof)
        if parsed.header.get("typ") != TYPE:
            raise JwtRefused("another typ")
        key = client_jwt.public_key(parsed.header.get("jwk"), parsed.header["alg"])
        claims = client_jwt.verified_claims(proof, parsed, key)
        self._check_claims(claims, method, url)
        _check_token_hash(claims, access_token)
        thumbprint = key.thumbprint()
        self._use_once(claims, thumbprint)
        return thumbprint

    def _check_claims(self, claims: Mapping[str, Any], method: str, url: str) -> None:
        jti, htm, htu, iat = (claims.get(name) for name in ("jti", "htm", "htu", "iat"))
        if not isinstance(jti, str) or not 0 < len(jti) <= client_jwt.MAX_JTI_CHARACTERS:
            raise JwtRefused("jti missing or too long")
        if htm != method or not _METHOD.fullmatch(method):
            raise JwtRefused("made for another method")
        if not isinstance(htu, str) or normal_url(htu) != normal_url(url):
            raise JwtRefused("made for another address")
        if (
            isinstance(iat, bool)
            or not isinstance(iat, int | float)
            or abs(self._clock.now().timestamp() - iat) > PROOF_SECONDS
        ):
            raise JwtRefused("iat missing, too old or too far ahead")

    def _use_once(self, claims: Mapping[str, Any], thumbprint: str) -> None:
        until = datetime.fromtimestamp(claims["iat"], UTC) + timedelta(seconds=PROOF_SECONDS + 1)
        if not self._replay.first_use(REPLAY_DOMAIN, thumbprint, claims["jti"], until=until):
            raise JwtRefused("used before")


def normal_url(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path of an address, normalised as RFC 3986 section 6.2.2 and 6.2.3 say.

    Query and fragment do not count (RFC 9449 section 4.3). Raises `JwtRefused` when it is no http address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise JwtRefused("htu is no address") from None
    if not parts.hostname or "@" in parts.netloc:
        raise JwtRefused("htu is no address")
    return parts.scheme, parts.hostname, port, unquote(parts.path) or "/"


def _check_token_hash(claims: Mapping[str, Any], access_token: str | None) -> None:
    if access_token is None:
        return
    expected = base64url(hashlib.sha256(access_token.encode()).digest())
    found = claims.get("ath")
    if not isinstance(found, str) or not hmac.compare_digest(found.encode(), expected.encode()):
        raise JwtRefused("ath is not the hash of the token")


def _refuse(officer: str) -> NoReturn:
    _log.warning("proof refused", reason=officer)
    raise OAuthRefused("invalid_dpop_proof", "The DPoP proof is not acceptable.", officer=officer)
