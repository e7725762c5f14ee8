"""Forms that only our own pages can send (cross-site request forgery; RFC 9700 section 4.7 for the endpoints).

Two lines of defence, each enough by itself: the browser's own word on where the request comes from (`Sec-Fetch-Site`,
`Origin`), and a token in the form that is bound to the session, or before sign-in to a signed visit cookie. Tokens are
salted: none is equal to another, so a compressing proxy leaks nothing about them.
"""

import hmac
from base64 import urlsafe_b64encode
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog
from flask import request

from portal.pages.cookies import Cookie, Cookies
from trust.kernel.errors import NotAllowed
from trust.kernel.randomness import Randomness

FIELD: Final = "csrf"
"""Name of the hidden field; a script sends the token in the header `HEADER` instead."""

HEADER: Final = "X-CSRF-Token"
_RANDOM_BYTES = 16
_OWN_SITES = frozenset({"same-origin", "none"})  # none: the person themselves, by reloading the page

_log = structlog.get_logger("portal.csrf")


class CsrfRefused(NotAllowed):
    """A form did not come from one of our own pages, or from one of another session."""

    code = "csrf-refused"
    title = "The form did not come from a current page of this service."
    title_zh = "提交的表单不是来自本服务当前的页面。"
    remedy = "Open the page again under the service's own address and send the form once more; cookies must be allowed."
    remedy_zh = "请通过本服务的网址重新打开该页面，再提交一次；浏览器须允许使用 Cookie。"


class Marks(Protocol):
    """Keyed marks that nobody else can compute (`trust.sealing.BlindIndex`)."""

    def of(self, value: str, *, domain: str) -> bytes:
        """Return the mark of `value`."""
        ...


class FormGuard:
    """Makes the tokens of forms and judges what comes back."""

    def __init__(self, cookies: Cookies, marks: Marks, randomness: Randomness, *, public_url: str) -> None:
        parts = urlsplit(public_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._cookies = cookies
        self._marks = marks
        self._randomness = randomness

    def token(self, session_id: str | None) -> str:
        """Return a token for a form of the present page; a visitor without session and visit cookie gets the latter."""
        salt = self._random()
        return f"{salt}.{self._mark(salt, self._binding(session_id) or f'visit:{self.visit()}')}"

    def visit(self) -> str:
        """Return the value of the visit cookie; a browser without one of ours gets it with this answer."""
        visit = self._cookies.read(Cookie.VISIT)
        if visit is None or not self._is_ours(visit):
            name = self._random()
            visit = f"{name}.{_text(self._marks.of(name, domain='portal.visit'))}"
            self._cookies.put(Cookie.VISIT, visit)
        return visit

    def check(self, session_id: str | None) -> None:
        """Let the present request pass, or raise `CsrfRefused`."""
        self._check_source()
        binding = self._binding(session_id)
        salt, _, mark = (request.form.get(FIELD) or request.headers.get(HEADER) or "").partition(".")
        if binding is None or not hmac.compare_digest(self._mark(salt, binding).encode(), mark.encode()):
            _log.warning("form refused", why="token" if binding else "no cookie", endpoint=request.endpoint)
            raise CsrfRefused

    def _check_source(self) -> None:
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if (site is not None and site not in _OWN_SITES) or (origin is not None and origin != self._origin):
            _log.warning("form refused", why="another site", endpoint=request.endpoint)
            raise CsrfRefused

    def _binding(self, session_id: str | None) -> str | None:
        if session_id is not None:
            return f"session:{session_id}"
        visit = self._cookies.read(Cookie.VISIT)
        return f"visit:{visit}" if visit is not None and self._is_ours(visit) else None

    def _is_ours(self, visit: str) -> bool:
        name, _, mark = visit.partition(".")
        return hmac.compare_digest(_text(self._marks.of(name, domain="portal.visit")).encode(), mark.encode())

    def _mark(self, salt: str, binding: str) -> str:
        return _text(self._marks.of(f"{salt}|{binding}", domain="portal.form"))

    def _random(self) -> str:
        return _text(self._randomness.token(_RANDOM_BYTES))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
