"""The demonstration's people for sign-in and trust passing: invented, all of them.

A citizen with the specimen number of GB 11643, an enterprise with its legal representative and an agent, two counters,
a clerk, and two matters whose certificates the demonstration issues. Region 119999 does not exist, so its numbers
belong to nobody.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from portal.demo import data
from portal.registers import Registers
from sso.accounts.domain import Finding, Person, ProofingLevel
from sso.accounts.ports import SourceName
from sso.accounts.proofing import Sighting
from sso.accounts.service import PersonRegister
from sso.counters.domain import Clerk, Counter, Matter
from sso.mandates.domain import GrantCommand, Mandate, MandateKind
from sso.signin.domain import Strength
from trust.formats.holders import RESIDENT_ID_KIND, USCC_KIND, HolderNumber
from trust.kernel.clock import Clock

CITIZEN_NAME: Final = "孙示例"
CLERK_NAME, CLERK_NUMBER = "郑窗口", "119999198802290013"
REPRESENTATIVE_NAME, REPRESENTATIVE_NUMBER = "赵䶮", "119999197908080036"
AGENT_NAME, AGENT_NUMBER = "李经办", "119999199501010086"
ENTERPRISE_NAME, ENTERPRISE_NUMBER = "演示市朝晖区㛃䶮小馆", "92110105MADEM0YX5T"
ASKS, APPROVES = "周申请", "吴审批"
UPPER_PLATFORM: Final = "keycloak:demo"
"""The upper-level platform that vouches for the first clerk: nobody is there yet to check a document."""

RESIDENCE_MATTER: Final = Matter(
    code="residence-permit-renewal",
    name="Residence permit, renewal",
    name_zh="居住证签注",
    purpose="To renew your residence permit, the present one is read",
    purpose_zh="办理居住证签注，需读取您现有的居住证",
    types=frozenset({data.RESIDENCE_PERMIT}),
)
FOOD_MATTER: Final = Matter(
    code="food-licence-renewal",
    name="Food business licence, renewal",
    name_zh="食品经营许可延续",
    purpose="To renew the food business licence, the present one is read",
    purpose_zh="办理食品经营许可延续，需读取现有的食品经营许可证",
    types=frozenset({data.FOOD_LICENCE}),
)

_MANDATE_LIFE: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who and what is there after `populate`."""

    citizen: Person
    representative: Person
    agent: Person
    enterprise: Person
    clerk: Clerk
    counters: tuple[Counter, Counter]
    representation: Mandate
    mandate: Mandate


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What `populate` needs of an installation."""

    persons: PersonRegister
    registers: Registers
    clock: Clock


def populate(installed: Installed, *, systems: tuple[str, str]) -> People:
    """Make the people, the matters and two counters; `systems` are the clients that stand on the first and the second.

    The clerk is posted to both and has checked the others' documents in person.
    """
    registers, persons = installed.registers, installed.persons
    for matter in (RESIDENCE_MATTER, FOOD_MATTER):
        registers.counters.add_matter(matter)
    counters = _counters(registers, systems)
    clerk = _clerk(installed, counters)
    citizen, representative, agent = (
        persons.register_in_person(
            resident(number),
            name,
            sighting=Sighting(
                clerk=clerk,
                counter=counters[0].id,
                document_kind=RESIDENT_ID_KIND,
                document_expires=_next_decade(installed.clock),
            ),
        )
        for number, name in (
            (data.RESIDENT_NUMBER, CITIZEN_NAME),
            (REPRESENTATIVE_NUMBER, REPRESENTATIVE_NAME),
            (AGENT_NUMBER, AGENT_NAME),
        )
    )
    enterprise = persons.register(
        HolderNumber(kind=USCC_KIND, number=ENTERPRISE_NUMBER),
        ENTERPRISE_NAME,
        evidence=Finding(source=SourceName.LEGAL_PERSONS.value, level=ProofingLevel.TWO_ELEMENT_MATCH),
    )
    representation = registers.representatives.from_register(enterprise.id, representative.id)
    return People(
        citizen=citizen,
        representative=representative,
        agent=agent,
        enterprise=enterprise,
        clerk=clerk,
        counters=counters,
        representation=representation,
        mandate=_mandate(installed, enterprise, representative, agent),
    )


def _counters(registers: Registers, systems: tuple[str, str]) -> tuple[Counter, Counter]:
    first, second = (
        registers.counters.add_counter(name=name, authority=data.AUTHORITY, systems=[system])
        for name, system in zip(("演示市政务服务中心3号综合窗口", "演示市许可审批5号窗口"), systems, strict=True)
    )
    return first, second


def _clerk(installed: Installed, counters: tuple[Counter, Counter]) -> Clerk:
    person = installed.persons.register(resident(CLERK_NUMBER), CLERK_NAME)
    installed.persons.vouch(person.id, source=UPPER_PLATFORM, level=ProofingLevel.DOCUMENT_CHECKED)
    change = installed.registers.appointments.request_clerk(
        person.id,
        staff_number="YS-0427",
        authority=data.AUTHORITY,
        counters=[counter.id for counter in counters],
        requested_by=ASKS,
        reason="派驻综合窗口",
    )
    return installed.registers.appointments.approve(change.id, approved_by=APPROVES)


def _mandate(installed: Installed, enterprise: Person, representative: Person, agent: Person) -> Mandate:
    """Let the legal representative make the agent a standing one for the food licence, and the agent accept."""
    desk = installed.registers.mandates
    command = GrantCommand(
        kind=MandateKind.STANDING_AGENT,
        principal=enterprise.id,
        agent=agent.id,
        matters=frozenset({FOOD_MATTER.code}),
        valid_until=installed.clock.now() + _MANDATE_LIFE,
    )
    offer = desk.grant(command, by=representative.id, strength=Strength.ONE_TIME_CODE)
    return desk.accept(offer.id, by=agent.id)


def resident(number: str) -> HolderNumber:
    """Return a resident identity number as an account has it."""
    return HolderNumber(kind=RESIDENT_ID_KIND, number=number)


def _next_decade(clock: Clock) -> date:
    """Return when a document of the demonstration ends: years ahead of any run."""
    return date(clock.now().year + 10, 1, 1)
