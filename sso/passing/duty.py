"""Whether someone stands at a counter as its clerk: asked for cases, presence and exchange in the same words."""

from dataclasses import dataclass
from datetime import datetime

from sso.counters.domain import Clerk, Counter
from sso.passing.errors import ClerkElsewhere, ClerkStrengthTooLow, NotAClerk, OwnCase, SystemElsewhere
from sso.passing.ports import Mandates, Registers
from sso.provider.claims import ReadToken
from sso.provider.domain import Scope
from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import Strength
from trust.kernel.errors import NotFound

LEAST_STRENGTH = Strength.ONE_TIME_CODE
"""Weakest sign-in of a clerk who acts for citizens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A clerk at a counter, in the system that the clerk signed in to."""

    clerk: Clerk
    counter: Counter
    system: str


class Duty:
    """Judges clerks by the registers as they are now, never by what a caller says."""

    def __init__(self, registers: Registers, mandates: Mandates) -> None:
        self._registers = registers
        self._mandates = mandates

    def clerk(self, token: ReadToken) -> Clerk:
        """Return the enabled clerk whose own token this is. Raises `NotAClerk`, `ClerkStrengthTooLow`."""
        contents = token.contents
        if Scope.COUNTER_ASSIST not in contents.scopes or contents.depth or contents.represents is not None:
            raise NotAClerk("The token lacks counter:assist, or is not the clerk's own.")
        if contents.assurance.strength < LEAST_STRENGTH:
            raise ClerkStrengthTooLow
        clerk = self._registers.clerk_of(contents.person)
        if clerk is None or clerk.disabled_at is not None:
            raise NotAClerk
        return clerk

    def stand(self, token: ReadToken, counter_id: str) -> Standing:
        """Return the clerk of the token at a counter, in the token's system.

        Raises `NotAClerk`, `ClerkStrengthTooLow`, `ClerkElsewhere`, `SystemElsewhere`.
        """
        return self.stand_in(token, counter_id, system=token.contents.client)

    def stand_in(self, token: ReadToken, counter_id: str, *, system: str) -> Standing:
        """Return the clerk of the token at a counter, in a system. Raises as `stand`."""
        clerk = self.clerk(token)
        try:
            counter = self._registers.counter(counter_id)
        except NotFound:
            raise ClerkElsewhere(field="counter") from None
        if counter.closed_at is not None or counter.id not in clerk.counters:
            raise ClerkElsewhere(field="counter")
        if system not in counter.systems:
            raise SystemElsewhere
        return Standing(clerk=clerk, counter=counter, system=system)

    def refuse_own(self, clerk_person: str, subject: str, represented: str | None, *, now: datetime) -> None:
        """Raise `OwnCase` when the clerk is a party, or a mandate that holds ties the clerk to a party."""
        parties = {subject} if represented is None else {subject, represented}
        if clerk_person in parties:
            raise OwnCase
        for agent, principals in ((clerk_person, parties), (subject, {clerk_person})):
            for mandate in self._mandates.of_agent(agent):
                matters = mandate.matters or {None}
                holds = any(mandate.covers(matter, now=now) for matter in matters)
                if holds and mandate.principal in principals:
                    raise OwnCase


def clerk_ties(clerk: Clerk, token: ReadToken) -> frozenset[Tie]:
    """Return what hangs on a clerk who acts: the clerk, and all that the clerk's own token hangs on."""
    return token.contents.ties | {Tie(TieKind.CLERK, clerk.tie_id), Tie(TieKind.TOKEN, token.jti)}
