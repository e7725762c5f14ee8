"""Wires the pages on which people see what is theirs: certificates, who looked, mandates, sign-ins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint

from certs.catalogue import Catalogue
from certs.errors import TypeUnknown
from certs.service import CertificateService
from certs.showing import ShowDesk
from certs.store.shows import SqlShows
from portal.foundation import Foundation
from portal.pages import account, enrolling, granting, looks, mandates, mine, presence, sessions, showing, wallet
from portal.pages.acting import ActingDesk
from portal.pages.browser import Browser
from portal.pages.verification import Judge
from portal.people import People
from portal.provider import Provider
from portal.registers import Registers
from sso.provider.errors import ClientUnknown
from sso.provider.service import ClientRegistry
from sso.revocation.store import DatabaseRevocations
from sso.signin.clerk_acts import ClerkActs
from sso.signin.store.counter_codes import DatabaseCounterCodes
from trust.http.rate import RateLimiter


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """Names of certificate types, their fields, authorities and systems; the unknown is shown by its code."""

    catalogue: Catalogue
    certs: CertificateService
    clients: ClientRegistry

    def type_name(self, code: str, *, english: bool) -> str:
        """Return the name of a certificate type."""
        try:
            kind = self.catalogue.get(code)
        except TypeUnknown:
            return code
        return kind.name_en if english else kind.name

    def type_names(self, *, english: bool) -> Sequence[tuple[str, str]]:
        """Return code and name of every certificate type."""
        return [(kind.code, kind.name_en if english else kind.name) for kind in self.catalogue.types]

    def field_names(self, type_code: str, *, english: bool) -> Mapping[str, str]:
        """Return the labels of a type's fields by key, in the order of the certificate; none for an unknown type."""
        try:
            kind = self.catalogue.get(type_code)
        except TypeUnknown:
            return {}
        return {field.key: field.label_en if english else field.label for field in kind.fields}

    def authority_name(self, uscc: str, *, english: bool) -> str:
        """Return the name of an authority."""
        for authority in self.certs.authorities():
            if str(authority.uscc) == uscc:
                return authority.name if english else authority.name_zh
        return uscc

    def system_name(self, client: str) -> str:
        """Return the name of a registered system by its client id."""
        try:
            return self.clients.get(client).label
        except ClientUnknown:
            return client


@dataclass(frozen=True, slots=True, kw_only=True)
class MyPages:
    """Everything that these pages stand on."""

    base: Foundation
    people: People
    registers: Registers
    provider: Provider
    certs: CertificateService
    judge: Judge
    names: KnownNames

    def blueprints(self, browser: Browser, limiter: RateLimiter) -> Sequence[Blueprint]:
        """Return the routes over the frame of pages."""
        clock, people, registers = self.base.clock, self.people, self.registers
        acting = ActingDesk(people.register, registers.mandates, clock)
        return (
            mine.blueprint(browser, mine.MineServices(offices=people.roles, mandates=registers.mandates, clock=clock)),
            wallet.blueprint(browser, wallet.WalletServices(certificates=self.certs, acting=acting, names=self.names)),
            showing.blueprint(browser, self._showing(acting)),
            presence.blueprint(browser, presence.PresenceServices(desk=self.provider.presence)),
            looks.blueprint(
                browser,
                looks.LooksServices(
                    passing=self.provider.log, library=self.certs, acting=acting, names=self.names, clock=clock
                ),
            ),
            mandates.blueprint(
                browser,
                mandates.MandateServices(
                    desk=registers.mandates,
                    claims=registers.representatives,
                    matters=registers.counters,
                    limiter=limiter,
                    clock=clock,
                ),
            ),
            granting.blueprint(browser, self._granting(limiter)),
            sessions.blueprint(
                browser,
                sessions.SessionsServices(
                    sessions=people.sessions,
                    consents=self.provider.consents,
                    matters=registers.counters,
                    names=self.names,
                ),
            ),
            account.blueprint(browser, self._account()),
            enrolling.blueprint(
                browser,
                enrolling.EnrolServices(tickets=people.applications, passwords=people.sign_ins, limiter=limiter),
            ),
        )

    def _account(self) -> account.AccountServices:
        history = ClerkActs(self.people.register, DatabaseCounterCodes(self.base.database), self.registers.counters)
        return account.AccountServices(history=history, codes=self.people.sign_ins, clock=self.base.clock)

    def shows(self) -> ShowDesk:
        """Return the desk for showing certificates."""
        return ShowDesk(
            self.certs,
            SqlShows(self.base.database),
            DatabaseRevocations(self.base.database),
            clock=self.base.clock,
            randomness=self.base.randomness,
        )

    def _showing(self, acting: ActingDesk) -> showing.ShowingServices:
        settings = self.base.settings
        return showing.ShowingServices(
            shows=self.shows(),
            acting=acting,
            names=self.names,
            judge=self.judge,
            limiter=RateLimiter(settings.verify_rate_per_minute, self.base.clock),
            public_url=settings.public_url.rstrip("/"),
        )

    def _granting(self, limiter: RateLimiter) -> granting.GrantServices:
        return granting.GrantServices(
            desk=self.registers.mandates,
            naming=self.registers.naming,
            matters=self.registers.counters,
            persons=self.people.register,
            names=self.names,
            means=self.people.sign_ins,
            limiter=limiter,
            clock=self.base.clock,
        )
