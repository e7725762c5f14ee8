"""A token exchange as it is asked for (RFC 8693 section 2.1): parsed and closed, before anything is looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from sso.provider.domain import Scope, parse_scopes
from sso.provider.errors import ScopeUnknown
from sso.provider.oauth_errors import OAuthRefused

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a name of the RFC
PRESENCE: Final = "urn:yinxin:params:oauth:token-type:presence"

MAX_CHARACTERS: Final = 8192
"""Longest value of a parameter, characters: as long as the longest token that is ever looked at."""

_SHORT: Final = 256  # characters of a target, a case number, a scope list: far beyond any of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRequest:
    """One exchange. `target` is what `audience` or `resource` named; `is_presence` says what the subject token is.

    `scopes` is None when the caller leaves them to the server; `case` names a registered case.
    """

    subject: str = field(repr=False)
    is_presence: bool
    actor: str | None = field(repr=False)
    target: str
    scopes: frozenset[Scope] | None
    case: str | None

    @classmethod
    def parse(cls, form: Mapping[str, str]) -> Self:
        """Return the request. Raises `OAuthRefused` with `invalid_request`, `invalid_target` or `invalid_scope`.

        Parameters without a value count as absent and unknown ones are ignored (RFC 6749 section 3.2).
        """
        given = {name: value for name, value in form.items() if value}
        if any(len(value) > MAX_CHARACTERS for value in given.values()):
            raise _invalid("A parameter is too long.")
        requested = given.get("requested_token_type", ACCESS_TOKEN)
        if requested != ACCESS_TOKEN:
            raise _invalid(f"requested_token_type can only be {ACCESS_TOKEN}.")
        subject, kind = _typed(given, "subject_token", {ACCESS_TOKEN, PRESENCE})
        if subject is None:
            raise _invalid("The parameter subject_token is missing.")
        actor, _ = _typed(given, "actor_token", {ACCESS_TOKEN})
        return cls(
            subject=subject,
            is_presence=kind == PRESENCE,
            actor=actor,
            target=_target(given),
            scopes=_scopes(given.get("scope")),
            case=_short(given, "case"),
        )


def _typed(given: Mapping[str, str], name: str, kinds: set[str]) -> tuple[str | None, str | None]:
    """Return a token and its type: both or neither, and a type that is taken here."""
    token, kind = given.get(name), given.get(f"{name}_type")
    if (token is None) != (kind is None):
        raise _invalid(f"{name} and {name}_type belong together.")
    if kind is not None and kind not in kinds:
        raise _invalid(f"{name}_type can be: {' '.join(sorted(kinds))}.")
    return token, kind


def _target(given: Mapping[str, str]) -> str:
    named = [value for value in (given.get("audience"), given.get("resource")) if value is not None]
    if len(named) != 1:
        raise _invalid("Name the target once, by audience or by resource.")
    # No registered name or address has other characters; PostgreSQL fails on a NUL in a text.
    if len(named[0]) > _SHORT or not (named[0].isascii() and named[0].isprintable()):
        raise OAuthRefused("invalid_target", "The target is not one that this client may pass trust to.")
    return named[0]


def _scopes(text: str | None) -> frozenset[Scope] | None:
    if text is None:
        return None
    try:
        return parse_scopes(text)
    except ScopeUnknown:
        raise OAuthRefused("invalid_scope", "A requested scope is unknown.") from None


def _short(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name)
    if value is not None and (len(value) > _SHORT or not value.isalnum()):
        raise _invalid(f"The parameter {name} is too long, or not letters and digits.")
    return value


def _invalid(description: str) -> OAuthRefused:
    return OAuthRefused("invalid_request", description)
