"""The cookies of this service: their names, attributes and lives, and the values that the present answer will set.

Over https a name begins with `__Host-` (RFC 6265bis section 4.1.3.2): the browser then takes the cookie from this very
host only, for the whole of it, and no neighbouring host can plant one. On a loopback address without TLS that prefix
would be refused, so it is left out.
"""

from enum import Enum
from typing import Final

from flask import Flask, Response, g, request

from sso.signin.devices import DEVICE_LIFE

_YEAR: Final = 365 * 24 * 3600
_VALUE_MAX = 512  # characters: the longest of ours has 90
_QUEUE = "cookie_changes"


class Cookie(Enum):
    """Each cookie: the ending of its name and its life in seconds (None: until the browser is closed)."""

    SESSION = ("", None)
    DEVICE = ("-device", int(DEVICE_LIFE.total_seconds()))  # a known browser is not held up when strangers guess
    VISIT = ("-visit", None)  # binds forms of people who have not signed in
    ATTEMPT = ("-attempt", 900)  # between the first and the second step of signing in or recovering
    RETURN = ("-return", 600)  # where to go after a sign-in on another platform
    ASKING = ("-asking", None)  # the authorization requests that this browser brought
    NOTE = ("-note", 60)  # "the password was changed", shown once on the next page
    LANGUAGE = ("-lang", _YEAR)


class Cookies:
    """Reads the cookies of the present request and sets those of its answer."""

    def __init__(self, app: Flask, *, https: bool) -> None:
        self._https = https
        app.after_request(self._write)

    def name(self, cookie: Cookie) -> str:
        """Return the name under which the browser keeps the cookie."""
        return f"{'__Host-' if self._https else ''}yinxin{cookie.value[0]}"

    def read(self, cookie: Cookie) -> str | None:
        """Return the value as it stands after this request so far, or None."""
        changes: dict[Cookie, str | None] = g.get(_QUEUE, {})
        if cookie in changes:
            return changes[cookie]
        value = request.cookies.get(self.name(cookie))
        return value if value and len(value) <= _VALUE_MAX else None

    def put(self, cookie: Cookie, value: str) -> None:
        """Set the cookie with the answer."""
        self._changes()[cookie] = value

    def drop(self, cookie: Cookie) -> None:
        """Make the browser forget the cookie."""
        self._changes()[cookie] = None

    def _changes(self) -> dict[Cookie, str | None]:
        if _QUEUE not in g:
            setattr(g, _QUEUE, {})
        changes: dict[Cookie, str | None] = g.get(_QUEUE)
        return changes

    def _write(self, response: Response) -> Response:
        changes: dict[Cookie, str | None] = g.get(_QUEUE, {})
        for cookie, value in changes.items():
            response.set_cookie(
                self.name(cookie),
                value or "",
                max_age=cookie.value[1] if value is not None else 0,
                path="/",
                secure=self._https,
                httponly=True,
                samesite="Lax",
            )
        return response
