"""Whose token opens the routes for clerks: a person's own, for this service's own API, with the scope for counters."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, Protocol

from sso.counters.domain import Clerk
from sso.provider.claims import ReadToken, TokenReader
from sso.provider.domain import Scope
from sso.provider.errors import TokenForeign
from trust.http.access import PERSON_ATTRIBUTE, SCOPE_ATTRIBUTE, ProofChecker, check_possession, presented_token
from trust.http.errors import ScopeMissing

SCOPE: Final = Scope.COUNTER_ASSIST.value


class Standing(Protocol):
    """A clerk at a counter."""

    @property
    def clerk(self) -> Clerk:
        """The clerk."""
        ...


class ClerkDuty(Protocol):
    """Judges whether a token's own holder stands at a counter as its clerk (`sso.passing.duty.Duty`)."""

    def stand(self, token: ReadToken, counter_id: str) -> Standing:
        """Return the clerk at the counter, in the system of the token.

        Raises `NotAClerk`, `ClerkStrengthTooLow`, `ClerkElsewhere`, `SystemElsewhere`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClerkTokens:
    """How a clerk's token is judged: `audience` is what it must be for, `proofs` judges tokens bound to a key.

    A token for another resource is refused: its resource server has seen it and could act in the clerk's name.
    """

    tokens: TokenReader
    audience: str
    proofs: ProofChecker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClerkAccess(ClerkTokens):
    """The same, with the judge of where the clerk stands."""

    duty: ClerkDuty


def clerks_only(access: ClerkTokens) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only living tokens for us with the scope reach the view, and hand it the keyword argument `token`.

    Whether the holder is a clerk, and where, is for the view to ask of the duty.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            presented = presented_token()
            token = access.tokens.read(presented.token)
            if token.contents.audience != access.audience:
                raise TokenForeign("The token is for another resource.")
            check_possession(presented, token.contents.confirmation, access.proofs)
            if SCOPE not in token.contents.scopes:
                raise ScopeMissing(f"This operation needs the scope {SCOPE}.", scope=SCOPE)
            return view(*args, token=token, **kwargs)

        setattr(guarded, SCOPE_ATTRIBUTE, SCOPE)
        setattr(guarded, PERSON_ATTRIBUTE, True)
        return guarded

    return decorate
