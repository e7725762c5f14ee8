"""Who is asking: the principal behind an access token, and the decorator that demands one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol

from flask import request

from trust.http.errors import ScopeMissing, TokenMissing

SCOPE_ATTRIBUTE = "required_scope"
"""Attribute of a protected view; the API description reads it."""

_SCHEME = "bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The authenticated caller: a registered client of one authority.

    `client` is the client id, `authority` the authority's unified social credit code, `label` the client's name for
    people. Neither the token nor anything personal is kept here.
    """

    client: str
    authority: str
    scopes: frozenset[str]
    label: str

    @property
    def name(self) -> str:
        """The principal as the ledger writes it (`trust.keys.UseContext.principal`)."""
        return f"client:{self.client}"


class TokenChecker(Protocol):
    """Judges access tokens (`sso` implements it)."""

    def check(self, token: str) -> Principal:
        """Return the principal behind `token`. Raises a `NotAuthenticated` error with the reason."""
        ...


def bearer_token() -> str:
    """Return the Bearer token of the request (RFC 6750 section 2.1, the header only). Raises `TokenMissing`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != _SCHEME or not token.strip():
        raise TokenMissing
    return token.strip()


def authenticate(tokens: TokenChecker, scope: str) -> Principal:
    """Return the principal of the present request. Raises `TokenMissing`, the checker's errors, or `ScopeMissing`."""
    principal = tokens.check(bearer_token())
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
