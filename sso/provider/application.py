"""An application to register or change a relying system: what is asked for, by whom, and who decided (law 9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sso.provider.application_errors import ScopeReasonMissing
from sso.provider.domain import Client, RelyingSystem, Scope, parse_scopes
from sso.provider.errors import ScopeUnknown
from trust.kernel.errors import FieldMissing
from trust.kernel.identifiers import Uscc
from trust.kernel.text import check_clear_text, check_person, check_reason

APPLICATION_LIFE: Final = timedelta(days=30)
"""How long an application can be approved: what nobody decided in a month no longer says what is wanted."""

CONTACT_MAX: Final = 200  # characters, as `sso.provider.registration` has it

GUARDED_SCOPES: Final = frozenset({Scope.IDENTITY, Scope.COUNTER_ASSIST, Scope.MANDATES, Scope.TOKENS_INTROSPECT})
"""Rights that need a reason each: the full number, assisting as a clerk, others' mandates, others' tokens."""


class ApplicationKind(StrEnum):
    """What can be asked for; closed."""

    REGISTER = "register"
    CHANGE = "change"
    ROTATE = "rotate"  # another secret
    DISABLE = "disable"


class ApplicationState(StrEnum):
    """What became of an application."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What is registered of a system, as far as a change may change it."""

    label: str
    scopes: frozenset[Scope]
    relying: RelyingSystem

    @classmethod
    def of(cls, client: Client) -> "Registration | None":
        """Return the registration of a client, None of one that people do not sign in to."""
        if client.relying is None:
            return None
        return cls(label=client.label, scopes=client.scopes, relying=client.relying)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What somebody applies for. `reasons` say, for each of `GUARDED_SCOPES` that is asked for, what it is used for.

    `why` is why the system is to be registered or changed as a whole. `contact` of the registration is mandatory: who
    answers for the system when something is wrong with it.

    Raises on construction: `ScopeReasonMissing`, `FieldMissing` for the contact, `ScopeUnknown` for a reason that
    belongs to no scope asked for, and as `check_reason`.
    """

    label: str
    authority: Uscc
    scopes: frozenset[Scope]
    relying: RelyingSystem
    why: str
    reasons: Mapping[Scope, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_reason(self.why, field="why")
        if not self.relying.contact.strip():
            raise FieldMissing(field="contact")
        check_clear_text(self.relying.contact, field="contact", most=CONTACT_MAX)
        stray = self.reasons.keys() - self.scopes
        if stray:
            raise ScopeUnknown(
                f"A reason is given, the right is not asked for: {', '.join(sorted(stray))}.", field="scopes"
            )
        for scope in sorted(self.scopes & GUARDED_SCOPES):
            if not self.reasons.get(scope, "").strip():
                raise ScopeReasonMissing(f"The right {scope.value} is asked for.", field=f"reasons.{scope.value}")
        for scope, reason in self.reasons.items():
            check_reason(reason, field=f"reasons.{scope.value}")
        object.__setattr__(self, "reasons", MappingProxyType(dict(self.reasons)))

    @property
    def scopes_text(self) -> str:
        """The rights as the register of clients takes them."""
        return " ".join(sorted(self.scopes))

    def with_registration(self, client: Client) -> "Proposal":
        """Return the proposal with what the register made of it (the sector is filled in)."""
        return self if client.relying is None else replace(self, relying=client.relying)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One application and its decision. It is kept for good: nothing deletes one.

    `client` is the id that the system has or will have. `asked` is what shall be registered, `before` what was when it
    was asked; both None where the kind needs none. `collected_at` is when the secret was shown.
    """

    id: str
    kind: ApplicationKind
    client: str
    authority: Uscc
    label: str
    asked: Registration | None
    before: Registration | None
    reasons: Mapping[Scope, str]
    why: str
    requested_by: str
    requested_at: datetime
    state: ApplicationState = ApplicationState.WAITING
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    collected_at: datetime | None = None

    def __post_init__(self) -> None:
        check_person(self.requested_by, field="requested_by")
        check_reason(self.why, field="why")

    def lapses_at(self) -> datetime:
        """Return from when it can no longer be approved."""
        return self.requested_at + APPLICATION_LIFE


def scopes_of(names: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes of a list of names. Raises `ScopeUnknown` at the field `scopes`."""
    try:
        return parse_scopes(" ".join(names))
    except ScopeUnknown as error:
        raise ScopeUnknown(error.detail, field="scopes") from None
