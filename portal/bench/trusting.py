"""Figures of sign-in and trust passing: over HTTP, two server processes, the database in the loop, wrk beside them.

Each part is paired with a reference of the same run: the bare Argon2id verification, `GET /healthz`, or one guarded
signature after the other, which waits for the same disk.
"""

import base64
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from nacl.pwhash import argon2id

from portal.bench.load import CONNECTIONS, Ask, Generator, Outcome
from portal.bench.measure import Figure, Target, figure, wall_rate
from portal.bench.scripts import code_flow_script
from portal.bench.stage import CITIZENS, Citizen, Stage, form_body
from portal.bench.world import BenchWorld
from portal.demo.browser import Browser
from portal.demo.server import served
from portal.wiring import active_keys
from sso.provider.domain import Registered
from sso.provider.messages import FORM_MEDIA_TYPE
from trust.keys import KeyPurpose, SigningRequest, UseContext

_CORES: Final = 2
_FLOWS: Final = 16  # sign-ins under way at once; each has a connection and a thread of wrk of its own
_TOKENS: Final = 64  # different tokens in turn, so that nothing can be remembered of one
_PAGE_USERS: Final = 50
_MESSAGE: Final = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The served application with everything that the figures need."""

    stage: Stage
    load: Generator
    address: str

    @property
    def health(self) -> tuple[str, Callable[[], float]]:
        """The reference of what ends in the framework: the cheapest answer that there is."""
        script = self.load.script("health", [Ask(path="/healthz")])
        return "GET /healthz", lambda: self.unmarked(lambda: self.load.run(script)).rate

    @property
    def guarded(self) -> tuple[str, Callable[[], float]]:
        """The reference of what ends in a signature: guarded ones, one after the other, in one process."""
        base = self.stage.installation.foundation
        key = active_keys(base, KeyPurpose.TOKEN_SIGNING)[0]
        request = SigningRequest(message=_MESSAGE, context=UseContext(principal="system:bench", why="benchmark"))
        return "guarded ES256, one at a time", lambda: wall_rate(
            lambda: base.signer.sign(key.ref, request, purpose=KeyPurpose.TOKEN_SIGNING)
        )

    def unmarked(self, run: Callable[[], Outcome]) -> Outcome:
        """Run a reference: its costs are not those of the figure."""
        outcome = run()
        self.load.rounds.remove(outcome)
        return outcome

    def noted(self, measured: Figure) -> Figure:
        """Add what the rounds cost."""
        return replace(measured, note=f"{measured.note}; {self.load.costs()}".removeprefix("; "))

    def forms(self, path: str, forms: Sequence[Mapping[str, str]], system: Registered) -> list[Ask]:
        """Return requests with these forms, authenticated as a system."""
        basic = base64.b64encode(f"{system.client.id}:{system.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": FORM_MEDIA_TYPE}
        return [Ask(method="POST", path=path, headers=headers, body=form_body(form)) for form in forms]


@contextmanager
def trusting_house(world: BenchWorld, stage: Stage) -> Iterator[Served]:
    """Serve the stage that was set in this world."""
    with served(world.settings, world.folder / "sso.log") as address:
        yield Served(stage=stage, load=Generator(address, world.folder), address=address)


def sign_in_figures(house: Served) -> Iterator[Figure]:
    """Password sign-in through the page's form, each opening a session."""
    script = house.load.script("sign-in", [_sign_in(house.address, citizen) for citizen in house.stage.citizens])
    measured = figure(
        "password sign-in, HTTP",
        "1/s",
        lambda: house.load.run(script, connections=8).rate,
        reference=(f"bare Argon2id verification, {_CORES} threads", _bare_argon2id()),
        target=Target(rate=25.0 * _CORES),
        note=f"elapsed, {_CORES} cores; Argon2id t=2, m=19 MiB, p=1",
    )
    yield house.noted(measured)


def code_flow_figures(house: Served) -> Iterator[Figure]:
    """Authorization request, code, tokens: for people who are signed in and have consented before."""
    stage = house.stage
    for citizen in stage.citizens:
        stage.token(citizen)  # consents
    script = house.load.program("code-flow", code_flow_script(stage))
    measured = figure(
        "code + token flow, HTTP",
        "1/s",
        lambda: house.load.run(script, connections=_FLOWS, threads=_FLOWS).jobs_rate,
        reference=house.guarded,
        target=Target(rate=120),
        note="three requests a flow: authorize, continue, token",
    )
    yield house.noted(measured)


def introspection_figures(house: Served) -> Iterator[Figure]:
    """Introspection of tokens that were passed on, by the system that they are for: the whole chain in the answer."""
    passed = [house.stage.passed(form) for form in _counter_forms(house.stage)]
    script = house.load.script(
        "introspection",
        house.forms("/oauth/introspect", [{"token": token} for token in passed], house.stage.second),
    )
    measured = figure(
        "introspection, HTTP",
        "req/s",
        lambda: house.load.run(script).rate,
        reference=house.health,
        target=Target(rate=1200),
        note=f"tokens with an act chain, wrk -t1 -c{CONNECTIONS}",
    )
    yield house.noted(measured)


def exchange_figures(house: Served) -> Iterator[Figure]:
    """Token exchange, online and at a counter with the clerk's token."""
    online = [house.stage.exchange_form(token) for token in _tokens(house.stage)]
    for name, forms in (("exchange, HTTP", online), ("exchange at a counter, HTTP", _counter_forms(house.stage))):
        script = house.load.script("exchange", house.forms("/oauth/token", forms, house.stage.first))
        measured = figure(
            name,
            "req/s",
            lambda script=script: house.load.run(script).rate,  # type: ignore[misc]  # bound now, on purpose
            reference=house.guarded,
            target=Target(rate=500),
            note=f"a hop and a key use, each durable; wrk -t1 -c{CONNECTIONS}",
        )
        yield house.noted(measured)


def page_figures(house: Served) -> Iterator[Figure]:
    """Every page under as many users as the target names, who click again as soon as they see it."""
    slowest: Figure | None = None
    for page in _pages(house):
        script = house.load.script("page", [page])
        measured = house.noted(
            figure(
                "slowest page, 99th percentile",
                "ms",
                lambda script=script: house.load.run(script, connections=_PAGE_USERS, seconds=2).p99_ms,  # type: ignore[misc]
                target=Target(most=300),
                rounds=3,
                note=f"{page.path.partition('?')[0]}, {_PAGE_USERS} users without a pause",
            )
        )
        if slowest is None or measured.ours > slowest.ours:
            slowest = measured
    if slowest is not None:
        yield slowest


def _bare_argon2id() -> Callable[[], float]:
    password = b"a password of the benchmark"
    hashed = argon2id.str(password, opslimit=2, memlimit=19456 * 1024)

    def run() -> float:
        rates: list[float] = []
        work = [
            threading.Thread(target=lambda: rates.append(wall_rate(lambda: argon2id.verify(hashed, password))))
            for _ in range(_CORES)
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        return sum(rates)

    return run


def _sign_in(address: str, citizen: Citizen) -> Ask:
    """Return the form that a citizen's known browser sends; it carries no session, so each answer opens a new one."""
    browser = Browser()
    try:
        page = browser.get(f"{address}/sign-in")
        form = {"number": citizen.number, "kind": "111", "password": citizen.password}
        visited = dict(browser.cookies(address.removeprefix("http://")))
        browser.submit(page, form)
        known = dict(browser.cookies(address.removeprefix("http://")))
    finally:
        browser.close()
    cookies = visited | {"yinxin-device": known["yinxin-device"]}
    return Ask(
        method="POST",
        path="/sign-in",
        headers={"Content-Type": FORM_MEDIA_TYPE, "Cookie": _cookie_header(cookies)},
        body=form_body(page.form(having="password").fields | form),
    )


def _pages(house: Served) -> list[Ask]:
    citizen = house.stage.citizens[0]
    signed_in = {"Cookie": _cookie_header({"yinxin": citizen.secret})}
    open_pages = ("/", "/verify", "/sign-in", "/register", "/recover", "/problems", "/docs")
    own_pages = (
        *("/my", "/my/certificates", "/my/looks", "/my/mandates", "/my/sessions"),
        *("/security", "/security/password", "/security/codes", "/security/passkeys/add"),
    )
    pages = [Ask(path=path) for path in open_pages] + [Ask(path=path, headers=signed_in) for path in own_pages]
    return [*pages, _consent_page(house, citizen)]


def _consent_page(house: Served, citizen: Citizen) -> Ask:
    """Return a consent page that waits for its answer; the request stays open for half an hour."""
    browser = Browser()
    query = form_body(house.stage.authorization(prompt="consent"))
    try:
        page = browser.get(f"{house.address}/oauth/authorize?{query}")
        cookies = dict(browser.cookies(house.address.removeprefix("http://"))) | {"yinxin": citizen.secret}
    finally:
        browser.close()
    return Ask(path=page.form(having="password").fields["next"], headers={"Cookie": _cookie_header(cookies)})


def _tokens(stage: Stage) -> list[str]:
    return [stage.token(stage.citizens[number % CITIZENS]) for number in range(_TOKENS)]


def _counter_forms(stage: Stage) -> list[Mapping[str, str]]:
    """Return exchanges at a counter, each citizen in a case of their own."""
    clerk = stage.clerk_token()
    cases = [stage.case(clerk).id for _ in range(CITIZENS)]
    return [stage.counter_form(token, clerk, cases[number % CITIZENS]) for number, token in enumerate(_tokens(stage))]


def _cookie_header(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())
