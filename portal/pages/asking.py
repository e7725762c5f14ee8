"""Which relying system sent the person here, kept while they sign in.

The id of a pending authorization request is a secret of the browser that brought it: it stays in a cookie. Addresses
and forms carry a handle, which opens nothing without the cookie; several tabs may have a request each.
"""

import hashlib
from typing import Final, Protocol
from urllib.parse import parse_qs, urlsplit

from portal.pages.browser import Browser
from portal.pages.cookies import Cookie
from sso.provider.authorize import Pending
from sso.provider.errors import AuthorizationExpired
from trust.http import headers
from trust.kernel.errors import TrustError

CONTINUE: Final = "/oauth/continue"
HANDLE: Final = "request"
_KEPT = 4  # requests at once, newest last: more tabs than people sign in from; the cookie stays below its limit
_HANDLE_CHARACTERS = 16


class PendingFinder(Protocol):
    """Finds pending requests (`sso.provider.authorize.AuthorizationDesk`)."""

    def find(self, pending_id: str) -> Pending:
        """Return the pending request. Raises `AuthorizationExpired`, `AuthorizationUnusable`."""
        ...


class Asking:
    """The requests that this browser brought."""

    def __init__(self, browser: Browser, desk: PendingFinder) -> None:
        self._cookies = browser.cookies
        self._desk = desk

    def keep(self, pending_id: str) -> str:
        """Keep a request in the cookie and return its handle."""
        self._cookies.put(Cookie.ASKING, ".".join([*self._ids(), pending_id][-_KEPT:]))
        return _handle(pending_id)

    def find(self, handle: str) -> Pending:
        """Return the request of this handle. Raises `AuthorizationExpired`, also for another browser's."""
        for pending_id in self._ids():
            if _handle(pending_id) == handle:
                return self._desk.find(pending_id)
        raise AuthorizationExpired

    def drop(self, pending_id: str) -> None:
        """Forget an answered request."""
        self._cookies.put(Cookie.ASKING, ".".join(kept for kept in self._ids() if kept != pending_id) or ".")

    def behind(self, path: str) -> Pending | None:
        """Return the request that waits behind `path`, None when none does.

        The present page may then have its form redirected to the system: its answer may follow a sign-in at once.
        """
        handle = handle_in(path)
        if not handle:
            return None
        try:
            pending = self.find(handle)
        except TrustError:  # the page that the sign-in leads to says so
            return None
        headers.allow_form_target(pending.request.redirect_uri)
        return pending

    def _ids(self) -> list[str]:
        return [found for found in (self._cookies.read(Cookie.ASKING) or "").split(".") if found]


def address_of(handle: str) -> str:
    """Return the address at which a request is taken up again."""
    return f"{CONTINUE}?{HANDLE}={handle}"


def handle_in(path: str) -> str:
    """Return the handle in an address that `address_of` made, empty for any other."""
    parts = urlsplit(path)
    return parse_qs(parts.query).get(HANDLE, [""])[0] if parts.path == CONTINUE else ""


def _handle(pending_id: str) -> str:
    return hashlib.sha256(pending_id.encode()).hexdigest()[:_HANDLE_CHARACTERS]
