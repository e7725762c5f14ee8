"""Wires the pages of people who sign in."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Flask

from portal.foundation import Foundation
from portal.my_pages import MyPages
from portal.pages import consent, joining, leaving, security, signin, stepping, systems
from portal.pages.asking import Asking
from portal.pages.browser import Browser, BrowserServices
from portal.pages.consent import ConsentServices
from portal.pages.entering import SignInServices
from portal.pages.joining import JoiningServices
from portal.pages.officers import Officers
from portal.pages.rendering import Pages
from portal.pages.security import SecurityServices
from portal.pages.systems import SystemServices
from portal.people import People
from portal.provider import Provider
from portal.registers import Registers
from sso.keycloak.upstream import UpstreamDesk
from sso.provider.applications import ApplicationDesk
from sso.provider.service import ClientRegistry
from trust.http.rate import RateLimiter


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPages:
    """Everything that the pages of signed-in people stand on."""

    base: Foundation
    people: People
    registers: Registers
    provider: Provider
    upstreams: UpstreamDesk
    mine: MyPages
    systems: ApplicationDesk
    clients: ClientRegistry

    def blueprints(self, app: Flask, pages: Pages) -> Sequence[Blueprint]:
        """Return the routes, over the frame that is installed in `app` here."""
        base, people = self.base, self.people
        browser = Browser(
            app,
            pages,
            BrowserServices(
                sessions=people.sessions,
                persons=people.register,
                marks=base.index,
                randomness=base.randomness,
                public_url=base.settings.public_url,
            ),
        )
        asking = Asking(browser, self.provider.desk)
        limiter = RateLimiter(base.settings.sign_in_rate_per_minute, base.clock)
        signing_in = SignInServices(
            desk=people.sign_ins, sessions=people.sessions, upstreams=self.upstreams, limiter=limiter
        )
        return (
            signin.blueprint(browser, asking, signing_in),
            joining.blueprint(
                browser, asking, JoiningServices(registration=people.registration, signing_in=signing_in)
            ),
            stepping.blueprint(browser, asking, signing_in),
            security.blueprint(browser, SecurityServices(desk=people.sign_ins, clock=base.clock)),
            consent.blueprint(browser, asking, self._consent(limiter)),
            leaving.blueprint(browser, self.provider.logout),
            systems.blueprint(browser, self._systems()),
            *self.mine.blueprints(browser, limiter),
        )

    def _systems(self) -> SystemServices:
        people = self.people
        return SystemServices(
            systems=self.systems,
            clients=self.clients,
            officers=Officers(
                roles=people.roles, enrolments=people.sign_ins, persons=people.register, clock=self.base.clock
            ),
            matters=self.registers.counters,
            types=self.mine.names,
        )

    def _consent(self, limiter: RateLimiter) -> ConsentServices:
        return ConsentServices(
            desk=self.provider.desk,
            persons=self.people.register,
            mandates=self.registers.mandates,
            matters=self.registers.counters,
            names=self.mine.names,
            limiter=limiter,
            clock=self.base.clock,
        )
