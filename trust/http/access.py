"""Who is asking: the principal behind an access token, and the decorator that demands one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Protocol

from flask import request

from trust.formats.holders import HolderNumber
from trust.http.errors import ProofRefused, ScopeMissing, TokenMissing

SCOPE_ATTRIBUTE = "required_scope"
"""Attribute of a protected view; the API description reads it."""

PERSON_ATTRIBUTE = "takes_persons_tokens_only"
"""Attribute of a view whose token is a person's, from a sign-in; client credentials do not lead to one."""

PROOF_HEADER = "DPoP"

_BEARER = "bearer"
_DPOP = "dpop"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundTo:
    """What a person's token is bound to: one purpose, and the certificates of these holders of these types.

    `holders` are the numbers of the subject and of whom they represent. `hop` is the passing of trust that brought the
    token here, `clerk` (masked) and `counter` (its name) who stood there; each is None for a person who acts online.
    """

    holders: tuple[HolderNumber, ...] = field(repr=False)
    types: frozenset[str]
    purpose: str
    purpose_zh: str
    hop: str | None = None
    clerk: str | None = None
    counter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The authenticated caller: a registered client of one authority, for itself or with a person's token.

    `client` is the client id, `authority` the authority's unified social credit code, `label` the client's name for
    people. `confirmation` is the thumbprint of the key that the token is bound to (RFC 9449 section 6), or None.
    `bound` is set for a person's token and limits what it opens. The token itself is not kept here.
    """

    client: str
    authority: str
    scopes: frozenset[str]
    label: str
    confirmation: str | None = None
    bound: BoundTo | None = None

    @property
    def name(self) -> str:
        """The principal as the ledger writes it (`trust.keys.UseContext.principal`)."""
        return f"client:{self.client}"


class TokenChecker(Protocol):
    """Judges access tokens (`sso` implements it)."""

    def check(self, token: str) -> Principal:
        """Return the principal behind `token`. Raises a `NotAuthenticated` error with the reason."""
        ...


class ProofChecker(Protocol):
    """Judges proofs of possession (`sso.provider.dpop` implements it)."""

    def at_resource(self, proof: str, *, method: str, path: str, access_token: str) -> str:
        """Return the thumbprint of the key that made the proof for this request. Raises `ProofRefused`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """An access token as the request carries it: with a proof under the scheme DPoP, without under Bearer."""

    token: str = field(repr=False)
    proof: str | None = field(default=None, repr=False)


def presented_token() -> Presented:
    """Return the token of the request (RFC 6750 section 2.1 and RFC 9449 section 7.1, the header only).

    Raises `TokenMissing`, or `ProofRefused` when the scheme DPoP comes without exactly one proof.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = text.strip()
    if scheme.lower() not in {_BEARER, _DPOP} or not token:
        raise TokenMissing
    if scheme.lower() == _BEARER:
        return Presented(token=token)
    proofs = request.headers.getlist(PROOF_HEADER)
    if len(proofs) != 1:
        raise ProofRefused("The scheme DPoP needs exactly one header DPoP.")
    return Presented(token=token, proof=proofs[0])


def check_possession(presented: Presented, confirmation: str | None, proofs: ProofChecker | None) -> None:
    """Return when the caller has the key that the token is bound to, or the token is bound to none and says so.

    Raises `ProofRefused`: a bound token as Bearer, an unbound one as DPoP (RFC 9449 section 7.1), or a wrong proof.
    """
    if confirmation is None and presented.proof is None:
        return
    if confirmation is None or presented.proof is None or proofs is None:
        raise ProofRefused
    thumbprint = proofs.at_resource(
        presented.proof, method=request.method, path=request.path, access_token=presented.token
    )
    if thumbprint != confirmation:
        raise ProofRefused(reason="proof of another key")


class BoundTokens:
    """A `TokenChecker` that also takes tokens which are bound to a key, and then demands the proof."""

    def __init__(self, tokens: TokenChecker, proofs: ProofChecker) -> None:
        self._tokens = tokens
        self.proofs = proofs

    def check(self, token: str) -> Principal:
        """Return the principal behind `token`, as the checker inside does."""
        return self._tokens.check(token)


def caller(tokens: TokenChecker) -> Principal:
    """Return the principal of the present request, whatever it may do.

    Bound tokens need `tokens` to be `BoundTokens`: without, they are refused. Raises `TokenMissing`, `ProofRefused`,
    or the checker's errors.
    """
    presented = presented_token()
    principal = tokens.check(presented.token)
    check_possession(presented, principal.confirmation, tokens.proofs if isinstance(tokens, BoundTokens) else None)
    return principal


def authenticate(tokens: TokenChecker, scope: str) -> Principal:
    """Return the principal of the present request, which has `scope`. Raises as `caller`, and `ScopeMissing`."""
    principal = caller(tokens)
    if scope not in principal.scopes:
        raise ScopeMissing(f"This operation needs the scope {scope}.", scope=scope)
    return principal


def protected(tokens: TokenChecker, scope: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only callers with `scope` reach the view, and hand it the keyword argument `principal`.

    It stands directly under the route decorator, above `json_body`: nobody unknown gets a body parsed.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return view(*args, principal=authenticate(tokens, scope), **kwargs)

        setattr(guarded, SCOPE_ATTRIBUTE, scope)
        return guarded

    return decorate
