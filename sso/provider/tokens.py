"""Persons' access tokens (RFC 9068): making them, and judging them at every use.

A token has no row. What it hangs on travels in it, sealed, and is looked up at each use in one query: a cut tie or a
disabled client ends it at once in every server process.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from sso.provider.claims import MintedToken, ReadToken, TokenContents
from sso.provider.domain import Client
from sso.provider.errors import TokenExpired, TokenForeign, TokenMalformed, TokenRevoked, TokenTooLarge
from sso.provider.reference import REFERENCE_CLAIM, contents_of, private_members, public_claims
from sso.provider.signing import ACCESS_TOKEN_TYPE, MAX_TOKEN_CHARACTERS, TokenSigner, UnsignedToken
from sso.provider.strict_jws import decode, json_object
from sso.provider.subjects import PairwiseSubjects
from sso.revocation.domain import Tie, TieKind
from trust.kernel.clock import Clock
from trust.kernel.encoding import base64url, canonical_json
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.sealing import FieldCipher, SealBroken

WHY = "access token of a person"
"""What the ledger says of such a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTokenTerms:
    """What every person's token says the same: who issues, and the longest life in seconds."""

    issuer: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftToken:
    """A token before its signature, so that several can be signed with one use of the key."""

    unsigned: UnsignedToken = field(repr=False)
    jti: str
    seconds: int

    def signed(self, value: str) -> MintedToken:
        """Return the token with its signed value. Raises `TokenTooLarge`: nobody, we neither, would read it."""
        if len(value) > MAX_TOKEN_CHARACTERS:
            raise TokenTooLarge(size=len(value), limit=MAX_TOKEN_CHARACTERS)
        return MintedToken(value=value, jti=self.jti, seconds=self.seconds)


class PersonTokenMint:
    """Makes persons' access tokens; a `TokenMint`."""

    def __init__(
        self,
        terms: PersonTokenTerms,
        signer: TokenSigner,
        subjects: PairwiseSubjects,
        cipher: FieldCipher,
        *,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._terms = terms
        self._signer = signer
        self._subjects = subjects
        self._cipher = cipher
        self._clock = clock
        self._randomness = randomness

    def mint(self, contents: TokenContents, *, expires_at: datetime, sector: str) -> MintedToken:
        """Return a signed token; `sub` is pairwise for `sector`. The life is capped by the settings.

        Raises:
            TokenExpired: `expires_at` is past.
            TokenTooLarge: the chain or the types are beyond all plans.
            TrustError: what the signer raises.
        """
        draft = self.draft(contents, expires_at=expires_at, sector=sector)
        return draft.signed(self._signer.sign(draft.unsigned, principal=f"client:{contents.client}"))

    def draft(self, contents: TokenContents, *, expires_at: datetime, sector: str) -> DraftToken:
        """Return the token before its signature. Raises `TokenExpired`."""
        jti = new_id(self._clock, self._randomness)
        now = int(self._clock.now().timestamp())
        expires = min(now + self._terms.seconds, int(expires_at.timestamp()))
        if expires <= now:
            raise TokenExpired
        tied = replace(contents, ties=contents.ties | {Tie(TieKind.TOKEN, jti)})
        private = canonical_json(private_members(tied))
        claims = public_claims(tied) | {
            "iss": self._terms.issuer,
            "sub": self._subjects.subject(contents.person, sector=sector),
            "iat": now,
            "exp": expires,
            "jti": jti,
            REFERENCE_CLAIM: base64url(self._cipher.seal(private, place=_place(jti))),
        }
        if contents.represents is not None:
            claims["represents"]["sub"] = self._subjects.subject(contents.represents.person, sector=sector)
        unsigned = UnsignedToken(claims=claims, typ=ACCESS_TOKEN_TYPE, document=f"token:{jti}", why=WHY)
        return DraftToken(unsigned=unsigned, jti=jti, seconds=expires - now)


class State(Protocol):
    """How client and ties of a token stand (`sso.provider.store.liveness`)."""

    @property
    def client(self) -> Client:
        """The client."""
        ...

    @property
    def cut(self) -> Tie | None:
        """One tie that has been cut, or None."""
        ...


class LivenessStore(Protocol):
    """Knows whether what tokens hang on is alive."""

    def of(self, client_id: str, ties: Collection[Tie]) -> State | None:
        """Return how client and ties stand, or None when there is no such client."""
        ...


class PersonTokenReader:
    """Judges persons' access tokens; a `TokenReader`. For whom a token is meant is for the caller to compare."""

    def __init__(
        self, issuer: str, signer: TokenSigner, cipher: FieldCipher, liveness: LivenessStore, clock: Clock
    ) -> None:
        self._issuer = issuer
        self._signer = signer
        self._cipher = cipher
        self._liveness = liveness
        self._clock = clock

    def read(self, token: str) -> ReadToken:
        """Return what a living token says.

        Raises:
            TokenMalformed: not a JWS in its one spelling.
            TokenForeign: another signer, algorithm, type or issuer, or not a person's token.
            TokenExpired: its life is over.
            TokenRevoked: something it hangs on has ended, or its client is gone or disabled.
        """
        return self.judge(self._signer.verify(token, typ=ACCESS_TOKEN_TYPE))

    def judge(self, claims: Mapping[str, Any]) -> ReadToken:
        """Return what a token says whose signature and type were verified. Raises as `read`."""
        if claims.get("iss") != self._issuer or not isinstance(claims.get(REFERENCE_CLAIM), str):
            raise TokenForeign("The token was not issued to a person here.")
        found = self._opened(claims)
        if self._clock.now() >= found.expires_at:
            raise TokenExpired
        state = self._liveness.of(found.contents.client, found.contents.ties)
        if state is None or not state.client.enabled or state.cut is not None:
            raise TokenRevoked(tie=state.cut.kind.value if state is not None and state.cut is not None else None)
        return found

    def _opened(self, claims: Mapping[str, Any]) -> ReadToken:
        try:
            sealed = decode(claims[REFERENCE_CLAIM])
            private = json_object(self._cipher.open(sealed, place=_place(claims["jti"])))
            return ReadToken(
                jti=claims["jti"],
                subject=claims["sub"],
                issued_at=datetime.fromtimestamp(claims["iat"], UTC),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
                contents=contents_of(claims, private),
                claims=claims,
            )
        except (SealBroken, ValueError, KeyError, TypeError):
            raise TokenMalformed from None


def _place(jti: str) -> str:
    return f"sso.token.ref:{jti}"
