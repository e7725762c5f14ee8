"""What a grant yields at the token endpoint: an access token, and an ID token when the client asked for one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sso.provider.claims import MintedToken
from sso.provider.domain import RelyingSystem, Scope
from sso.provider.grants import Grant
from sso.provider.keyring import ALGORITHM
from sso.provider.reference import represented_claim
from sso.provider.signing import ID_TOKEN_TYPE, TokenSigner, UnsignedToken
from sso.provider.subjects import PairwiseSubjects
from sso.provider.tokens import PersonTokenMint
from trust.kernel.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenTerms:
    """What every ID token says the same: who issues, and the life in seconds."""

    issuer: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What is wanted of a grant: these scopes of it, bound to the key of this thumbprint, with this nonce."""

    grant: Grant
    relying: RelyingSystem
    scopes: frozenset[str]
    nonce: str | None = field(default=None, repr=False)
    confirmation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """The signed tokens."""

    access: MintedToken
    id_token: str | None = field(repr=False)


class GrantTokens:
    """Makes the tokens of grants."""

    def __init__(
        self,
        terms: IdTokenTerms,
        mint: PersonTokenMint,
        signer: TokenSigner,
        subjects: PairwiseSubjects,
        clock: Clock,
    ) -> None:
        self._terms = terms
        self._mint = mint
        self._signer = signer
        self._subjects = subjects
        self._clock = clock

    def issue(self, wanted: Issue) -> Issued:
        """Return the tokens, signed with one use of the key (law 2 costs one durable entry per use).

        Therefore the ID token has no `at_hash`, which needs the finished access token and is optional in the code flow
        (OIDC core section 3.1.3.6). A client that is registered for another algorithm gets its ID token in that one;
        its access token, which we alone read, stays ES256. Raises what mint and signer raise.
        """
        contents = replace(wanted.grant.contents, scopes=wanted.scopes, confirmation=wanted.confirmation)
        draft = self._mint.draft(contents, expires_at=wanted.grant.expires_at, sector=wanted.grant.sector)
        principal = f"client:{contents.client}"
        if Scope.OPENID not in wanted.scopes:
            return Issued(access=draft.signed(self._signer.sign(draft.unsigned, principal=principal)), id_token=None)
        unsigned = UnsignedToken(
            claims=self._id_claims(wanted), typ=ID_TOKEN_TYPE, document=f"token:{draft.jti}", why="ID token"
        )
        algorithm = wanted.relying.signing_algorithm
        if algorithm == ALGORITHM:
            access, id_token = self._signer.sign_many((draft.unsigned, unsigned), principal=principal)
        else:
            access = self._signer.sign(draft.unsigned, principal=principal)
            id_token = self._signer.sign(unsigned, principal=principal, algorithm=algorithm)
        return Issued(access=draft.signed(access), id_token=id_token)

    def _id_claims(self, wanted: Issue) -> Mapping[str, Any]:
        """Return the claims of OIDC core section 2; `aud` is one string, as every reader takes it."""
        grant, contents = wanted.grant, wanted.grant.contents
        now = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self._terms.issuer,
            "sub": self._subjects.subject(contents.person, sector=grant.sector),
            "aud": contents.client,
            "iat": now,
            "exp": now + self._terms.seconds,
            "auth_time": int(contents.assurance.auth_time.timestamp()),
            "acr": contents.assurance.strength.urn,
            "amr": list(contents.assurance.methods),
            "ial": contents.assurance.level.urn,
        }
        if contents.session is not None:
            claims["sid"] = self._subjects.session(contents.session, client=contents.client)
        if wanted.nonce is not None:
            claims["nonce"] = wanted.nonce
        if contents.represents is not None:
            represented = self._subjects.subject(contents.represents.person, sector=grant.sector)
            claims["represents"] = represented_claim(contents.represents) | {"sub": represented}
        return claims
