"""The registers behind the pages of “my …”, from memory: matters, names, legal persons, consents, tickets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sso.accounts.applications import APPLICATION_LIFE, Application
from sso.accounts.domain import Person
from sso.accounts.roles import Role
from sso.accounts.roles_errors import RoleMissing
from sso.counters.domain import Matter
from sso.counters.errors import MatterRetired, MatterUnknown
from sso.provider.errors import ConsentUnknown
from sso.provider.grants import Consent
from tests.certs.pages import FOOD_CODE, catalogue
from tests.certs.world import CLIENT as DEPARTMENT
from tests.fakes import MOMENT
from tests.portal.offices import CLIENT, MATTER, Office
from tests.sso.signin.world import LI
from trust.formats.holders import HolderNumber

MATTER_WITH_TYPE = replace(MATTER, types=frozenset({FOOD_CODE}))
OTHER_MATTER = Matter(
    code="350100-STAY-02",
    name="Residence permit",
    name_zh="居住证签注",
    purpose="To check your residence permit.",
    purpose_zh="办理居住证签注时核对您的居住证。",
    types=frozenset({FOOD_CODE}),
)
RETIRED = replace(OTHER_MATTER, code="350100-OLD-03", name="Former", name_zh="旧事项", retired_at=MOMENT)
TICKET = "T" * 43


@dataclass
class People:
    """Persons with their numbers."""

    office: Office

    def get(self, person_id: str) -> Person:
        return self.office.signing.persons.get(person_id)

    def find(self, code: HolderNumber) -> Person | None:
        return self.office.signing.persons.find(code)

    def codes(self, person_id: str) -> Sequence[HolderNumber]:
        return (self.get(person_id).code,)


@dataclass
class Matters:
    known: dict[str, Matter] = field(
        default_factory=lambda: {each.code: each for each in (MATTER_WITH_TYPE, OTHER_MATTER, RETIRED)}
    )

    def matters(self) -> Sequence[Matter]:
        return [self.known[code] for code in sorted(self.known)]

    def any_matter(self, code: str) -> Matter:
        if code not in self.known:
            raise MatterUnknown(field="matter")
        return self.known[code]

    def matter(self, code: str) -> Matter:
        if self.any_matter(code).retired_at is not None:
            raise MatterRetired(field="matter")
        return self.known[code]


class Names:
    def type_name(self, code: str, *, english: bool) -> str:
        kind = catalogue().get(code)
        return kind.name_en if english else kind.name

    def authority_name(self, uscc: str, *, english: bool) -> str:
        return "Demonstration District Bureau" if english else "示范区市场监督管理局"

    def field_names(self, type_code: str, *, english: bool) -> Mapping[str, str]:
        fields = catalogue().get(type_code).fields
        return {each.key: each.label_en if english else each.label for each in fields}

    def system_name(self, client: str) -> str:
        return CLIENT.label if client in {CLIENT.id, DEPARTMENT.client} else client


@dataclass
class Register:
    """The register of legal persons: who may claim what."""

    entries: set[tuple[str, str, str]] = field(default_factory=set)

    def confirms(self, organisation: HolderNumber, *, number: HolderNumber, name: str) -> bool:
        return (organisation.text, number.text, name) in self.entries


@dataclass
class Consents:
    kept: list[Consent] = field(default_factory=list)

    def of(self, person: str) -> Sequence[Consent]:
        return [consent for consent in self.kept if consent.person == person]

    def withdraw(self, consent_id: str, *, person: str) -> None:
        found = [consent for consent in self.of(person) if consent.id == consent_id]
        if not found:
            raise ConsentUnknown(field="consent")
        self.kept.remove(found[0])


@dataclass
class Tickets:
    """Tickets from a counter, each good for one time."""

    known: dict[str, str] = field(default_factory=lambda: {TICKET: LI.id})
    redeemed: list[str] = field(default_factory=list)

    def redeem(self, ticket: str) -> Person | None:
        self.redeemed.append(ticket)
        return LI if self.known.pop(ticket, None) == LI.id else None

    def invite(self, person_id: str) -> Application:
        ticket = f"{len(self.redeemed):043d}"
        self.known[ticket] = person_id
        return Application(ticket=ticket, expires_at=MOMENT + APPLICATION_LIFE)


@dataclass
class Offices:
    """Who holds which office."""

    held: dict[str, Role] = field(default_factory=dict)

    def role_of(self, person_id: str) -> Role | None:
        return self.held.get(person_id)

    def require(self, person_id: str, *roles: Role) -> Role:
        role = self.role_of(person_id)
        if role is None or role not in roles:
            raise RoleMissing
        return role


class Clients:
    def find(self, client: str):
        return CLIENT if client == CLIENT.id else None
