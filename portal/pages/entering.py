"""What the pages for signing in share: who asks from which device, the number typed, and what happens on success."""

from contextlib import suppress
from dataclasses import dataclass

from flask import Response, request

from portal.pages.addresses import local_path
from portal.pages.asking import Asking
from portal.pages.browser import HOME, Browser
from portal.pages.cookies import Cookie
from portal.pages.ports import SessionEnder, SignIns, Upstreams
from sso.provider.authorize import Pending
from sso.signin.desk import SecondFactorNeeded, SignedIn
from sso.signin.devices import Device
from sso.signin.domain import Session
from sso.signin.errors import SessionUnknown
from trust.formats.holders import RESIDENT_ID_KIND, HolderNumber
from trust.http.rate import RateLimiter, client_address

CODE_PAGE = "/sign-in/code"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInServices:
    """What the pages for signing in are built on."""

    desk: SignIns
    sessions: SessionEnder
    upstreams: Upstreams
    limiter: RateLimiter


class Entrance:
    """The common part of all ways in."""

    def __init__(self, browser: Browser, asking: Asking, services: SignInServices) -> None:
        self._browser = browser
        self._asking = asking
        self._services = services

    def device(self) -> Device:
        """Return where the request comes from."""
        return Device.of(
            address=client_address(),
            user_agent=request.headers.get("User-Agent", ""),
            token=self._browser.cookies.read(Cookie.DEVICE),
        )

    def onward(self) -> str:
        """Return where to go after the sign-in: as the address or the form says, if it is a page of ours."""
        return local_path(request.form.get("next") or request.args.get("next"), otherwise="")

    def pending(self) -> Pending | None:
        """Return the system's request that waits for this sign-in; see `Asking.behind`."""
        return self._asking.behind(self.onward())

    def proceed(self, outcome: SignedIn | SecondFactorNeeded) -> Response:
        """Let the person in and go on, or ask for the code."""
        onward = self.onward()
        if isinstance(outcome, SecondFactorNeeded):
            self._browser.cookies.put(Cookie.ATTEMPT, outcome.attempt)
            return self._browser.go(CODE_PAGE, arguments={"next": onward} if onward else None)
        self.let_in(outcome)
        return self._browser.go(onward or HOME)

    def let_in(self, outcome: SignedIn) -> None:
        """Give the browser its session and device; a session that it had before ends."""
        self.take_over(outcome.session, outcome.secret)
        self._browser.cookies.put(Cookie.DEVICE, outcome.device_token)
        self._browser.cookies.drop(Cookie.ATTEMPT)

    def take_over(self, session: Session, secret: str) -> None:
        """Give the browser this session; another one that it had before ends, whoever's it was."""
        before = self._browser.visitor()
        if before is not None and before.session.id != session.id:
            with suppress(SessionUnknown):  # it ended in the same moment: as was wanted
                self._services.sessions.end(before.session.id, before.person.id, reason="signed-in-again")
        self._browser.begin_session(secret)


def typed_number() -> HolderNumber:
    """Return the number in the form. Raises `HolderKindUnknown` and the errors of the kind's own form."""
    number = "".join(request.form.get("number", "").split()).upper()
    return HolderNumber(kind=request.form.get("kind", RESIDENT_ID_KIND), number=number)
