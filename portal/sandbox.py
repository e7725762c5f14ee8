"""Opens a sandbox: a relying system on the developer's own machine, and an invented person to sign in to it with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from portal.people import People
from sso.accounts.domain import Finding, Person, ProofingLevel
from sso.accounts.errors import PersonAlreadyRegistered
from sso.provider.application import Proposal
from sso.provider.applications import ApplicationDesk
from sso.provider.domain import Client, ClientAuthentication, RelyingSystem
from sso.provider.sandbox import INVENTED_REGION, SCOPES
from trust.formats.holders import RESIDENT_ID_KIND, HolderNumber
from trust.kernel.errors import InternalFault
from trust.kernel.identifier_errors import ResidentIdInvalid
from trust.kernel.identifiers import ResidentId, Uscc
from trust.kernel.ids import encode_crockford
from trust.kernel.randomness import Randomness

AUTHORITY: Final = "11000000DEM0YX001B"
"""The invented authority that sandbox systems belong to; the demonstration's."""

SECTOR: Final = "sandbox"
CONTACT: Final = "the developer at this machine"
PERSON_NAME: Final = "沈沙盒"

_WHY = "Trying sign-in on the developer's own machine"
_SOURCE = "sandbox"
_FIRST_BIRTHDAY = date(1960, 1, 1)
_BIRTHDAYS = 15_000  # days of birth to choose from, all of them of adults
_SEQUENCES = 1000
_PASSWORD_BITS, _PASSWORD_CHARACTERS = 80, 16
_GROUP = 4
_ATTEMPTS = 20  # of fifteen million numbers one that is taken is rare; twenty in a row do not happen
_CHECK_DIGITS = "0123456789X"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A sandbox with everything that is shown once. The person's number belongs to nobody."""

    client: Client
    secret: str = field(repr=False)
    person: Person
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxWish:
    """What a developer may choose. `public` systems have no secret (RFC 6749 section 2.1): PKCE alone protects them."""

    label: str
    redirect_uris: Sequence[str]
    public: bool


def open_sandbox(systems: ApplicationDesk, people: People, wish: SandboxWish, *, randomness: Randomness) -> Sandbox:
    """Register the system and the person. Raises as `ApplicationDesk.open_sandbox`."""
    method = ClientAuthentication.NONE if wish.public else ClientAuthentication.SECRET
    proposal = Proposal(
        label=wish.label,
        authority=Uscc.parse(AUTHORITY),
        scopes=SCOPES,
        relying=RelyingSystem(
            redirect_uris=tuple(wish.redirect_uris), authentication=method, sector=SECTOR, contact=CONTACT, sandbox=True
        ),
        why=_WHY,
    )
    registered = systems.open_sandbox(proposal, by=_SOURCE).registered
    person = _person(people, randomness)
    password = _password(randomness)
    people.sign_ins.enrol_password(person.id, password)
    return Sandbox(client=registered.client, secret=registered.secret, person=person, password=password)


def _person(people: People, randomness: Randomness) -> Person:
    finding = Finding(source=_SOURCE, level=ProofingLevel.TWO_ELEMENT_MATCH)
    for _ in range(_ATTEMPTS):
        code = HolderNumber(kind=RESIDENT_ID_KIND, number=_number(int.from_bytes(randomness.token(8), "big")))
        try:
            return people.register.register(code, PERSON_NAME, evidence=finding)
        except PersonAlreadyRegistered:
            continue
    raise InternalFault("No number for an invented person was free.")


def _number(seed: int) -> str:
    """Return a number of the region that does not exist, with its check digit (GB 11643)."""
    born = _FIRST_BIRTHDAY + timedelta(days=seed % _BIRTHDAYS)
    body = f"{INVENTED_REGION}{born:%Y%m%d}{seed // _BIRTHDAYS % _SEQUENCES:03d}"
    valid = (found for digit in _CHECK_DIGITS if (found := _valid(body + digit)))
    return next(valid)


def _valid(number: str) -> str | None:
    try:
        return ResidentId.parse(number).value
    except ResidentIdInvalid:
        return None


def _password(randomness: Randomness) -> str:
    """Return 80 random bits in groups of four characters that can be typed."""
    text = encode_crockford(int.from_bytes(randomness.token(_PASSWORD_BITS // 8), "big"), _PASSWORD_CHARACTERS)
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))
