"""Who takes part in a ceremony, and under which terms it is held."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any

from hsm_adapter.ceremony.errors import CeremonySamePerson, QuorumInvalid
from trust.kernel.text import check_clear_text, check_person, is_same_person

MIN_THRESHOLD = 2
"""Fewest custodians that open a key. One alone would be the owner of the key, whatever the others hold."""

MAX_CUSTODIANS = 16
"""Most custodians: SLIP-39 has four bits for the number of a share."""

MAX_WITNESSES = 8
"""Most witnesses. Their signature lines have to fit on the second page of the protocol."""

MAX_PLACE_CHARACTERS = 80
"""Longest description of the room: one line of the protocol."""


class Role(StrEnum):
    """What somebody does in a ceremony; nobody has two roles."""

    ADMINISTRATOR = "administrator"
    OFFICER = "officer"
    CUSTODIAN = "custodian"
    WITNESS = "witness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Custodian:
    """Who holds a share, or types it in the place of its holder: the number is the share's, 1 to n."""

    number: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody in the room. Raises `CeremonySamePerson`, `QuorumInvalid`, and as `check_person`."""

    administrator: str
    officer: str
    custodians: tuple[Custodian, ...]
    witnesses: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.witnesses) <= MAX_WITNESSES:
            raise QuorumInvalid(f"A ceremony has 1 to {MAX_WITNESSES} witnesses.", field="witness")
        numbers = [custodian.number for custodian in self.custodians]
        if len(set(numbers)) != len(numbers) or not all(1 <= number <= MAX_CUSTODIANS for number in numbers):
            raise QuorumInvalid(f"Custodians have numbers of their own, 1 to {MAX_CUSTODIANS}.", field="custodian")
        for role, name in self.everyone:
            check_person(name, field=role.value)
        for (_, one), (role, other) in combinations(self.everyone, 2):
            if is_same_person(one, other):
                raise CeremonySamePerson(field=role.value)

    @property
    def everyone(self) -> tuple[tuple[Role, str], ...]:
        """Return role and name of each, in the order of the protocol."""
        return (
            (Role.ADMINISTRATOR, self.administrator),
            (Role.OFFICER, self.officer),
            *((Role.CUSTODIAN, custodian.name) for custodian in self.custodians),
            *((Role.WITNESS, witness) for witness in self.witnesses),
        )

    def of(self, role: Role) -> tuple[str, ...]:
        """Return the names of those with this role."""
        return tuple(name for found, name in self.everyone if found is role)

    def document(self) -> dict[str, object]:
        """Return what the record says of them."""
        return {
            "administrator": self.administrator,
            "officer": self.officer,
            "custodians": [{"number": found.number, "name": found.name} for found in self.custodians],
            "witnesses": list(self.witnesses),
        }

    @classmethod
    def parse(cls, members: Any) -> "People":
        """Read them from the record. Raises `KeyError`, `TypeError`, and as the constructor."""
        return cls(
            administrator=members["administrator"],
            officer=members["officer"],
            custodians=tuple(Custodian(number=one["number"], name=one["name"]) for one in members["custodians"]),
            witnesses=tuple(members["witnesses"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How one sitting is held: `threshold` of the `shares` open the key. Raises `QuorumInvalid`, and as `People`.

    `script` names the steps; `place` is the room in a line; a rehearsal leaves nothing that can be used.
    """

    ceremony: str
    script: str
    place: str
    threshold: int
    shares: int
    people: People
    rehearsal: bool

    def __post_init__(self) -> None:
        if not MIN_THRESHOLD <= self.threshold <= self.shares <= MAX_CUSTODIANS:
            raise QuorumInvalid(f"The quorum is {MIN_THRESHOLD} to the number of shares.", field="threshold")
        present = {custodian.number for custodian in self.people.custodians}
        if not present <= set(range(1, self.shares + 1)) or len(present) < self.threshold:
            raise QuorumInvalid(
                "The custodians present are too few, or have numbers without a share.", field="custodian"
            )
        check_clear_text(self.place, field="place", most=MAX_PLACE_CHARACTERS)

    def document(self) -> dict[str, object]:
        """Return what the record says of them."""
        return {
            "ceremony": self.ceremony,
            "script": self.script,
            "place": self.place,
            "threshold": self.threshold,
            "shares": self.shares,
            "people": self.people.document(),
            "rehearsal": self.rehearsal,
        }

    @classmethod
    def parse(cls, members: Any) -> "Terms":
        """Read them from the record. Raises `KeyError`, `TypeError`, and as the constructor."""
        return cls(
            ceremony=members["ceremony"],
            script=members["script"],
            place=members["place"],
            threshold=members["threshold"],
            shares=members["shares"],
            people=People.parse(members["people"]),
            rehearsal=members["rehearsal"],
        )
