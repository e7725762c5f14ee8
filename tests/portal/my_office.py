"""The pages of “my …” over real desks on SQLite: library, shows, mandates, presence and the record of passed trust.

office = open_my_office(tmp_path); office.sign_in(); office.page("/my/certificates")
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pyotp
from flask import Flask
from jinja2 import Undefined, UndefinedError

from certs.showing import ShowDesk
from certs.store.shows import SqlShows
from portal.pages import (
    enrolling,
    granting,
    looks,
    mandates,
    mine,
    presence,
    sessions,
    showing,
    verification,
    wallet,
)
from portal.pages.acting import ActingDesk
from portal.pages.rendering import Pages
from sso.accounts.domain import ProofingLevel
from sso.mandates.domain import GrantCommand, Mandate, MandateKind
from sso.mandates.naming import Naming
from sso.mandates.representatives import Representatives
from sso.mandates.service import MandateDesk
from sso.mandates.store import DatabaseMandateStore
from sso.passing.chain import linked
from sso.passing.domain import Channel, Event, EventKind, Hop, PresenceMethod
from sso.passing.log import AccessLog
from sso.passing.presence import PresenceDesk
from sso.passing.store.hops import SqlHops, add_hop_within
from sso.passing.store.presences import SqlPresences
from sso.provider.domain import Scope
from sso.provider.grants import Consent
from sso.revocation.domain import Tie
from sso.revocation.store import DatabaseRevocations
from sso.signin.domain import Strength
from tests.certs.world import CLIENT as DEPARTMENT
from tests.certs.world import licence, permit
from tests.fakes import MOMENT, CountingRandomness
from tests.portal.my_library import RealLibrary, empty_database
from tests.portal.my_registers import Clients, Consents, Matters, Names, Offices, People, Register, Tickets
from tests.portal.offices import CLIENT, MATTER, Office, open_office
from tests.portal.people import PUBLIC_URL
from tests.portal.support import TableJudge
from tests.sso.signin.world import FIRM, LI, ZHANG
from trust.http.rate import RateLimiter
from trust.kernel.ids import new_id

_LEVEL = ProofingLevel.IN_PERSON


class Loud(Undefined):
    """What a template prints must exist: a sentence that is not in the table must not vanish silently."""

    def __str__(self) -> str:
        raise UndefinedError(self._undefined_message)


@dataclass(frozen=True)
class Cuts:
    """The ties of sign-in and of mandates lie in two databases here."""

    both: tuple[DatabaseRevocations, DatabaseRevocations]

    def first_cut(self, ties) -> Tie | None:
        return next((cut for each in self.both if (cut := each.first_cut(ties)) is not None), None)


@dataclass(kw_only=True)
class MyOffice:
    """Everything together, with Zhang who can sign in."""

    office: Office
    library: RealLibrary
    shows: ShowDesk
    mandates: MandateDesk
    representatives: Representatives
    register: Register
    log: AccessLog
    events: SqlPresences
    consents: Consents
    tickets: Tickets
    judge: TableJudge
    offices: Offices = field(default_factory=Offices)

    @property
    def app(self) -> Flask:
        return self.office.app

    @property
    def client(self):
        return self.office.client

    @property
    def clock(self):
        return self.office.signing.clock

    def page(self, path: str, **arguments: str) -> str:
        return self.office.page(path, **arguments)

    def send(self, page: str, action: str | None = None, **fields: str):
        return self.office.send(page, action, **fields)

    def sign_in(self, *, strong: bool = False):
        if not strong:
            return self.office.sign_in()
        app = pyotp.TOTP(self._secret())
        self.clock.advance(seconds=30)
        self.office.sign_in()
        return self.office.send("/sign-in/code", code=app.at(self.clock.now()))

    def issue(self, *, firm: bool = False, key: str = "key-00000001") -> str:
        command = licence(key) if firm else permit(key)
        return self.library.service.issue(DEPARTMENT, command).identifier

    def represent(self) -> Mandate:
        """Make Zhang the legal representative of the firm."""
        return self.representatives.from_register(FIRM.id, ZHANG.id)

    def offer_to_zhang(self, kind: MandateKind = MandateKind.STANDING_AGENT) -> Mandate:
        """Have Li, who represents the firm, offer Zhang a mandate."""
        self.representatives.from_register(FIRM.id, LI.id)
        command = GrantCommand(
            kind=kind,
            principal=FIRM.id,
            agent=ZHANG.id,
            matters=frozenset({MATTER.code}),
            valid_until=self.clock.now() + timedelta(days=80),
        )
        return self.mandates.grant(command, by=LI.id, strength=Strength.ONE_TIME_CODE)

    def hop(self, *, subject: str = ZHANG.id, represents: str | None = None, **changes: object) -> Hop:
        """Keep a passing of trust at a counter."""
        now = self.clock.now()
        hop = Hop(
            **{
                "id": new_id(self.clock, self.library.randomness),
                "number": 1,
                "subject": subject,
                "represents": represents,
                "mandate": None,
                "from_system": CLIENT.id,
                "to_system": "api",
                "scopes": ("certs:read", "profile"),
                "channel": Channel.COUNTER,
                "at": now,
                "expires_at": now + timedelta(minutes=10),
                "matter": MATTER.code,
                "purpose": MATTER.purpose,
                "purpose_zh": MATTER.purpose_zh,
                "case": "01JCASE0000000000000000001",
                "counter": "counter-1",
                "counter_name": "政务服务中心 3 号窗口",
                "clerk": "01JCLERK000000000000000001",
                "clerk_name": "李** (**17)",
                "presence_method": PresenceMethod.QR,
                "presence_at": now,
                "previous": None,
                "link": "",
                **changes,
            }
        )
        with self.library.database.begin() as connection:
            add_hop_within(connection, linked(hop, ""))
        return hop

    def failed_presence(self) -> None:
        self.events.note(
            Event(
                id=new_id(self.clock, self.library.randomness),
                person=ZHANG.id,
                kind=EventKind.PRESENCE_FAILED,
                at=self.clock.now(),
                system=CLIENT.id,
                counter="counter-1",
                counter_name="政务服务中心 3 号窗口",
                clerk="01JCLERK000000000000000001",
                clerk_name="李** (**17)",
                method=PresenceMethod.OTP,
                reason="wrong-code",
            )
        )

    def consent(self) -> Consent:
        given = Consent(
            id="01JCONSENT0000000000000001",
            person=ZHANG.id,
            client=CLIENT.id,
            matter=MATTER.code,
            scopes=frozenset({Scope.OPENID, Scope.PROFILE, Scope.CERTS_READ}),
            given_at=MOMENT,
            expires_at=MOMENT + timedelta(days=180),
        )
        self.consents.kept.append(given)
        return given

    def close(self) -> None:
        self.library.close()
        self.office.signing.database.close()

    def _secret(self) -> str:
        """Set up Zhang's app by hand, without a session of his left over."""
        signing = self.office.signing
        session = signing.session()
        secret = self.office.desk.enrol_totp(session).secret
        from tests.sso.signin.world import HOME

        self.office.desk.confirm_totp(session, pyotp.TOTP(secret).at(self.clock.now()), HOME)
        signing.sessions.end(session.id, ZHANG.id)
        return secret


def open_my_office(folder: Path, public_url: str = PUBLIC_URL, *, rate: int = 1000) -> MyOffice:
    office = open_office(folder, public_url)
    for person in (ZHANG, LI, FIRM):
        office.signing.persons.people[person.id] = replace(office.signing.persons.people[person.id], level=_LEVEL)
    (folder / "library").mkdir()
    (folder / "library" / "library.sqlite3").write_bytes(empty_database())
    library = RealLibrary(folder / "library")
    clock = library.clock = office.signing.clock
    library.service = library.build()
    people, matters, names, register = People(office), Matters(), Names(), Register()
    store, randomness = DatabaseMandateStore(library.database), CountingRandomness()
    desk = MandateDesk(store, persons=people, matters=matters, clock=clock, randomness=library.randomness)
    cuts = Cuts((DatabaseRevocations(library.database), office.signing.revocations))
    events = SqlPresences(library.database)
    made = MyOffice(
        office=office,
        library=library,
        shows=ShowDesk(library.service, SqlShows(library.database), cuts, clock=clock, randomness=randomness),
        mandates=desk,
        representatives=Representatives(
            store, persons=people, source=register, clock=clock, randomness=library.randomness
        ),
        register=register,
        log=AccessLog(
            hops=SqlHops(library.database), events=events, clients=Clients(), clock=clock, randomness=library.randomness
        ),
        events=events,
        consents=Consents(),
        tickets=Tickets(),
        judge=TableJudge(),
    )
    made.app.jinja_env.undefined = Loud
    _register_pages(made, people, matters, names, RateLimiter(rate, clock), public_url)
    return made


def _register_pages(
    made: MyOffice, people: People, matters: Matters, names: Names, limiter: RateLimiter, public_url: str
) -> None:
    browser, clock, app = made.office.browser, made.clock, made.office.app
    acting = ActingDesk(people, made.mandates, clock)
    presences = PresenceDesk(
        store=made.events,
        duty=None,
        persons=people,
        codes=None,
        clock=clock,
        randomness=made.library.randomness,
    )
    blueprints = (
        mine.blueprint(browser, mine.MineServices(offices=made.offices, mandates=made.mandates, clock=clock)),
        wallet.blueprint(browser, wallet.WalletServices(certificates=made.library.service, acting=acting, names=names)),
        showing.blueprint(
            browser,
            showing.ShowingServices(
                shows=made.shows,
                acting=acting,
                names=names,
                judge=made.judge,
                limiter=limiter,
                public_url=public_url,
            ),
        ),
        presence.blueprint(browser, presence.PresenceServices(desk=presences)),
        looks.blueprint(
            browser,
            looks.LooksServices(
                passing=made.log, library=made.library.service, acting=acting, names=names, clock=clock
            ),
        ),
        mandates.blueprint(
            browser,
            mandates.MandateServices(
                desk=made.mandates, claims=made.representatives, matters=matters, limiter=limiter, clock=clock
            ),
        ),
        granting.blueprint(
            browser,
            granting.GrantServices(
                desk=made.mandates,
                naming=Naming(people),
                matters=matters,
                persons=people,
                names=names,
                means=made.office.desk,
                limiter=limiter,
                clock=clock,
            ),
        ),
        sessions.blueprint(
            browser,
            sessions.SessionsServices(
                sessions=made.office.signing.sessions, consents=made.consents, matters=matters, names=names
            ),
        ),
        enrolling.blueprint(
            browser,
            enrolling.EnrolServices(tickets=made.tickets, passwords=made.office.desk, limiter=limiter),
        ),
        verification.blueprint(Pages(app), made.judge, limiter, public_url=public_url),
    )
    for each in blueprints:
        app.register_blueprint(each)
