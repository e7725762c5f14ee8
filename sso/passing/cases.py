"""Cases (办件): a clerk opens one at a counter for a matter, and the server notes its own facts of all three."""

from datetime import timedelta

import structlog

from sso.passing.domain import CASE_HOURS, Case
from sso.passing.duty import Duty
from sso.passing.errors import CaseUnknown, MatterElsewhere
from sso.passing.ports import Clients, Registers
from sso.passing.store.cases import SqlCases
from sso.provider.claims import ReadToken
from sso.revocation.domain import Tie, TieKind
from trust.kernel.clock import Clock
from trust.kernel.errors import NotFound
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

_log = structlog.get_logger("sso.passing")


class CaseDesk:
    """Opens and closes cases."""

    def __init__(
        self,
        *,
        store: SqlCases,
        duty: Duty,
        registers: Registers,
        clients: Clients,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._store = store
        self._duty = duty
        self._registers = registers
        self._clients = clients
        self._clock = clock
        self._randomness = randomness

    def open(self, clerk_token: ReadToken, counter: str, matter: str) -> Case:
        """Open a case for a matter at a counter; its number is made here.

        Raises:
            NotAClerk, ClerkStrengthTooLow, ClerkElsewhere, SystemElsewhere: see `Duty.stand`.
            MatterElsewhere: the system that the clerk works in is not registered for the matter.
        """
        standing = self._duty.stand(clerk_token, counter)
        system = self._clients.find(standing.system)
        relying = None if system is None else system.relying
        if relying is None or matter not in relying.matters:
            raise MatterElsewhere(field="matter")
        try:
            known = self._registers.matter(matter)
        except NotFound:
            raise MatterElsewhere(field="matter") from None
        now = self._clock.now()
        clerk = standing.clerk
        case = Case(
            id=new_id(self._clock, self._randomness),
            matter=known.code,
            purpose=known.purpose,
            purpose_zh=known.purpose_zh,
            types=known.types & relying.types,
            counter=standing.counter.id,
            counter_name=standing.counter.name,
            clerk=clerk.id,
            clerk_person=clerk.person,
            clerk_tie=clerk.tie_id,
            clerk_name=clerk.masked_name,
            clerk_staff=clerk.masked_staff_number,
            system=standing.system,
            opened_at=now,
            closes_at=now + timedelta(hours=CASE_HOURS),
        )
        self._store.add(case)
        _log.info("case-opened", case=case.id, counter=case.counter, clerk=case.clerk, matter=case.matter)
        return case

    def close(self, clerk_token: ReadToken, case_id: str) -> None:
        """Close a case of this clerk; every token of it ends in the same commit. Closing again changes nothing.

        Raises `NotAClerk`, `ClerkStrengthTooLow`, `CaseUnknown`.
        """
        clerk = self._duty.clerk(clerk_token)
        case = self._found(case_id)
        if case is None or case.clerk != clerk.id:
            raise CaseUnknown(field="case")
        self._store.close(case.id, at=self._clock.now(), ties={Tie(TieKind.CASE, case.id)})
        _log.info("case-closed", case=case.id)

    def _found(self, case_id: str) -> Case | None:
        # Numbers are letters and digits; PostgreSQL fails on a NUL in a text.
        return self._store.find(case_id) if case_id.isalnum() else None
