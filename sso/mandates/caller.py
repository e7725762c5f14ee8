"""Who deals with mandates over the API: a person with a token of their own, for nobody else and with nobody between."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import structlog

from sso.mandates.errors import OwnSessionNeeded
from sso.provider.claims import ReadToken, TokenReader
from sso.provider.errors import TokenForeign
from trust.http.access import PERSON_ATTRIBUTE, SCOPE_ATTRIBUTE, ProofChecker, check_possession, presented_token
from trust.http.errors import ScopeMissing

SCOPE = "mandates"

_log = structlog.get_logger("sso.mandates")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTokens:
    """Judges the tokens. `audience` is the issuer's own name, as tokens of clients without a resource carry it.

    A token for another resource is refused: its resource server has seen it and could grant in the person's name.
    """

    reader: TokenReader
    audience: str
    proofs: ProofChecker | None = None

    def caller(self) -> ReadToken:
        """Return the token of the present request.

        Raises `TokenMissing`, the reader's errors, `TokenForeign` (another audience), `ProofRefused`, `ScopeMissing`,
        `OwnSessionNeeded` when the token was passed on, assisted by a clerk, or represents somebody.
        """
        presented = presented_token()
        token = self.reader.read(presented.token)
        contents = token.contents
        if contents.audience != self.audience:
            raise TokenForeign(audience=contents.audience)
        check_possession(presented, contents.confirmation, self.proofs)
        if SCOPE not in contents.scopes:
            raise ScopeMissing(f"This operation needs the scope {SCOPE}.", scope=SCOPE)
        between = (contents.represents, contents.act, contents.clerk, contents.case, contents.depth or None)
        if contents.session is None or any(each is not None for each in between):
            _log.warning("mandates refused to a token that is not the person's own", client=contents.client)
            raise OwnSessionNeeded
        return token


def own(tokens: OwnTokens) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only persons with a token of their own reach the view, and hand it the keyword argument `token`."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return view(*args, token=tokens.caller(), **kwargs)

        setattr(guarded, SCOPE_ATTRIBUTE, SCOPE)
        setattr(guarded, PERSON_ATTRIBUTE, True)
        return guarded

    return decorate
