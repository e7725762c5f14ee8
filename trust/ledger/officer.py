"""Who reads the ledger over the API: the auditor, whose clients have the scope `ledger:read`, and nobody else.

No office, no system administrator and no person's token opens an entry. Each look is logged with who looked and what
was asked, and so is each refusal.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

import structlog

from trust.http.access import SCOPE_ATTRIBUTE, Principal, TokenChecker, authenticate
from trust.http.errors import ScopeMissing
from trust.kernel.errors import NotAllowed, NotAuthenticated

SCOPE: Final = "ledger:read"
"""The scope that every look at the ledger demands."""

_log = structlog.get_logger("trust.ledger.officer")


def auditor(tokens: TokenChecker, what: str) -> Principal:
    """Return the auditor who makes the present request. Raises as `authenticate`; `what` is for the log."""
    try:
        principal = authenticate(tokens, SCOPE)
        if principal.bound is not None:
            raise ScopeMissing("A person's token opens no entry of the ledger.", scope=SCOPE)
    except (NotAuthenticated, NotAllowed) as error:
        _log.warning("ledger-look-refused", what=what, code=error.code)
        raise
    return principal


def looked(principal: Principal, what: str, asked: Mapping[str, object] | None = None) -> None:
    """Log a look at the ledger."""
    _log.info("ledger-look", by=principal.name, what=what, asked=dict(asked or {}))


def auditors_only(tokens: TokenChecker, what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only the auditor reach the view, and hand it the keyword argument `principal`.

    It stands where `protected` stands elsewhere: directly under the route decorator.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return view(*args, principal=auditor(tokens, what), **kwargs)

        setattr(guarded, SCOPE_ATTRIBUTE, SCOPE)
        return guarded

    return decorate


def bundle_reader(tokens: TokenChecker) -> Callable[[], None]:
    """Return the guard of the entry bundles (`trust.ledger.public.routes.Auditor`); each look is logged."""

    def check() -> None:
        looked(auditor(tokens, "bundle"), "bundle")

    return check


def receipt_reader(tokens: TokenChecker) -> Callable[[], None]:
    """Return the guard of receipts for the auditor; whom it refuses is held to its own entries, so no line for that."""

    def check() -> None:
        looked(authenticate(tokens, SCOPE), "receipt")

    return check
