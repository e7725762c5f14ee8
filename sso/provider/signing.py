"""Signing and verifying our own JWTs of every type (RFC 7515, RFC 8725): the one place that knows a JWS of ours.

The signing input is built here and given to the signer as the message: the private key stays in its device (law 1),
and each token is in the ledger before it exists (law 2). A signature is r || s of fixed length, 64 bytes, for both
algorithms; the identifier of SM2 is the one of GM/T 0009.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from sso.provider import strict_jws
from sso.provider.errors import TokenForeign, TokenMalformed
from sso.provider.keyring import ALGORITHM, Keyring, RingKey, Rings
from trust.gm.errors import SignatureInvalid
from trust.kernel.encoding import base64url, canonical_json
from trust.keys import KeyPurpose, Signer, SigningRequest, UseContext
from trust.signatures import verify

ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105  a media type
"""The `typ` of an access token (RFC 9068 section 2.1)."""

ID_TOKEN_TYPE = "JWT"  # noqa: S105  a media type
"""The `typ` of an ID token (OIDC core section 2 leaves it open; libraries write this)."""

LOGOUT_TOKEN_TYPE = "logout+jwt"  # noqa: S105  a media type
"""The `typ` of a logout token (OIDC back-channel logout section 2.4)."""

MAX_TOKEN_CHARACTERS = 8192
"""Longest token that is looked at. One with a chain of four hops has about 4,000; more is an attack on the parser."""

_COORDINATE_BYTES = 32  # of P-256 and of SM2; r and s are fixed to it in a JWS (RFC 7518 section 3.4)
_HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedToken:
    """Claims that are to become a token of the media type `typ`.

    `document` names the token in the ledger (`token:<jti>`), `why` the operation; neither holds a personal number.
    """

    claims: Mapping[str, Any] = field(repr=False)
    typ: str
    document: str
    why: str


class TokenSigner:
    """Signs with the key of the moment and verifies with every key of the ring."""

    def __init__(self, signer: Signer, rings: Rings) -> None:
        self._signer = signer
        self._rings = rings

    @property
    def ring(self) -> Keyring:
        """The ring of the moment."""
        return self._rings.current()

    def sign(self, token: UnsignedToken, *, principal: str, algorithm: str = ALGORITHM) -> str:
        """Return the signed token. Raises as `sign_many`."""
        return self.sign_many((token,), principal=principal, algorithm=algorithm)[0]

    def sign_many(
        self, tokens: Sequence[UnsignedToken], *, principal: str, algorithm: str = ALGORITHM
    ) -> tuple[str, ...]:
        """Return the tokens in order, all signed with one guarded call, or none.

        Raises `TokenKeyUnusable` when no key signs with `algorithm`, and what the signer raises.
        """
        key = self.ring.signing_key(algorithm)
        messages = [f"{_header(key, token.typ)}.{base64url(canonical_json(token.claims))}" for token in tokens]
        requests = [
            SigningRequest(
                message=message.encode(),
                context=UseContext(principal=principal, why=token.why, document=token.document),
            )
            for message, token in zip(messages, tokens, strict=True)
        ]
        signatures = self._signer.sign_many(key.info.ref, requests, purpose=KeyPurpose.TOKEN_SIGNING)
        return tuple(
            f"{message}.{base64url(_fixed_length(signature.value))}"
            for message, signature in zip(messages, signatures, strict=True)
        )

    def verify(self, token: str, *, typ: str, algorithms: Collection[str] = (ALGORITHM,)) -> Mapping[str, Any]:
        """Return the claims of a token of ours, of this type and of one of these algorithms; no claim is judged.

        Raises:
            TokenMalformed: not a compact JWS in its one spelling, beyond a limit, or the payload is no JSON object.
            TokenForeign: another type or algorithm, a header member too many or too few, another key or signature.
        """
        try:
            jws = strict_jws.parse(token, most=MAX_TOKEN_CHARACTERS)
        except ValueError:
            raise TokenMalformed from None
        key = self._key_for(jws.header, typ, algorithms)
        if len(jws.signature) != 2 * _COORDINATE_BYTES:
            raise TokenForeign("The signature of the token is not ours.")
        r, s = (int.from_bytes(half, "big") for half in (jws.signature[:32], jws.signature[32:]))
        try:
            verify(key.info.algorithm, key.info.public_key, jws.signing_input, encode_dss_signature(r, s))
        except SignatureInvalid:
            raise TokenForeign("The signature of the token is not ours.") from None
        try:
            return jws.claims()
        except ValueError:
            raise TokenMalformed from None

    def _key_for(self, header: Mapping[str, Any], typ: str, algorithms: Collection[str]) -> RingKey:
        """Return the key of the header, whose every member must be ours: no jku, x5u, jwk, crit or b64 (RFC 8725)."""
        if header.keys() != _HEADER_MEMBERS or header["typ"] != typ:
            raise TokenForeign("The token has another type, or a header that we do not write.")
        key = self.ring.find(header["kid"]) if isinstance(header["kid"], str) else None
        if key is None:
            raise TokenForeign("The token was signed with another key.")
        if header["alg"] != key.algorithm or key.algorithm not in algorithms:
            raise TokenForeign("The token has another algorithm.")
        return key


def _fixed_length(signature: bytes) -> bytes:
    """Turn DER SEQ{r, s} into r || s."""
    r, s = decode_dss_signature(signature)
    return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")


def _header(key: RingKey, typ: str) -> str:
    return base64url(canonical_json({"alg": key.algorithm, "kid": key.id, "typ": typ}))
