"""The registered facts behind trust passing: matters (事项), counters (窗口) and clerks (窗口人员)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sso.counters.errors import CounterSystemsInvalid, MatterCodeInvalid, MatterTypesTooMany, StaffNumberInvalid
from sso.revocation.domain import Tie, TieKind
from trust.kernel.identifiers import Uscc
from trust.kernel.text import check_clear_text

NAME_MAX: Final = 80  # characters of a matter's or counter's name: it must fit a row of a table on a phone
PURPOSE_MIN: Final = 2  # characters: shorter than any sentence that says why
PURPOSE_MAX: Final = 200  # characters of a purpose sentence: what the log of looks at certificates keeps
MATTER_TYPES_MAX: Final = 50  # certificate types of one matter; the longest guides to a matter list about 30
COUNTER_SYSTEMS_MAX: Final = 20  # systems on one counter; a counter with more is several counters
CLERK_COUNTERS_MAX: Final = 50  # counters of one clerk: a whole hall, for those who stand in for others
CHANGE_LIFE: Final = timedelta(days=30)  # a request that nobody decided in a month no longer says what is wanted

_MATTER_CODE = re.compile("[0-9A-Za-z][0-9A-Za-z._-]{0,39}")  # codes of matters in use have 12 to 31 characters
_STAFF_NUMBER = re.compile("[0-9A-Za-z][0-9A-Za-z-]{0,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A service item (事项) of the catalogue. `purpose` is the sentence that the citizen reads and the log keeps.

    `types` are the certificate types that may be read for it; none means that no certificate is needed. A matter never
    changes, as consents, mandates and logs refer to it: another purpose or other types are another matter.
    """

    code: str
    name: str
    name_zh: str
    purpose: str
    purpose_zh: str
    types: frozenset[str]
    retired_at: datetime | None = None

    def __post_init__(self) -> None:
        if not _MATTER_CODE.fullmatch(self.code):
            raise MatterCodeInvalid(field="code")
        for field in ("name", "name_zh"):
            check_clear_text(getattr(self, field), field=field, most=NAME_MAX)
        for field in ("purpose", "purpose_zh"):
            check_clear_text(getattr(self, field), field=field, most=PURPOSE_MAX, least=PURPOSE_MIN)
        check_clear_text(self.code, field="code", most=NAME_MAX)
        if len(self.types) > MATTER_TYPES_MAX:
            raise MatterTypesTooMany(f"A matter has at most {MATTER_TYPES_MAX} certificate types.", field="types")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A counter (窗口) of an authority, and the registered systems (client ids) that stand on it."""

    id: str
    name: str
    authority: Uscc
    systems: frozenset[str]
    closed_at: datetime | None = None

    def __post_init__(self) -> None:
        check_clear_text(self.name, field="name", most=NAME_MAX)
        if len(self.systems) > COUNTER_SYSTEMS_MAX:
            raise CounterSystemsInvalid(f"A counter has at most {COUNTER_SYSTEMS_MAX} systems.", field="systems")

    @property
    def open(self) -> bool:
        """Whether cases may be opened at the counter."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk:
    """A clerk: a natural person (`person`) with a staff number (工号), posted to counters. `epoch` as for persons."""

    id: str
    person: str
    staff_number: str
    name: str
    authority: Uscc
    counters: frozenset[str]
    epoch: int
    disabled_at: datetime | None = None

    @property
    def tie_id(self) -> str:
        """What stands in the clerk's tie."""
        return f"{self.id}/{self.epoch}"

    @property
    def tie(self) -> Tie:
        """What every token hangs on that the clerk has a part in."""
        return Tie(TieKind.CLERK, self.tie_id)

    @property
    def enabled(self) -> bool:
        """Whether the clerk may act."""
        return self.disabled_at is None

    @property
    def masked_name(self) -> str:
        """The surname, with the rest hidden; how long the rest is stays hidden too."""
        return f"{self.name[:1]}**"

    @property
    def masked_staff_number(self) -> str:
        """The staff number with all but its last two characters hidden."""
        return "*" * max(0, len(self.staff_number) - 2) + self.staff_number[-2:]

    @property
    def shown(self) -> str:
        """The clerk as citizens see them."""
        return shown_clerk(self.masked_name, self.masked_staff_number)


def shown_clerk(masked_name: str, masked_staff_number: str) -> str:
    """Return a clerk as citizens see them, of the masked names that a token or a case has."""
    return f"{masked_name} ({masked_staff_number})"


class ChangeKind(StrEnum):
    """What can be asked for a clerk; closed."""

    REGISTER = "register"
    POST = "post"  # to other counters
    DISABLE = "disable"
    ENABLE = "enable"


class ChangeState(StrEnum):
    """What became of a request."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClerkChange:
    """One request to change a clerk, and who decided it (law 9). It is kept for good: nothing deletes one.

    `counters` and `staff_number` are what is asked for in a registration, `counters` also in a posting; otherwise they
    say how the clerk stood when it was asked.
    """

    id: str
    kind: ChangeKind
    clerk: str
    person: str
    staff_number: str
    authority: Uscc
    counters: frozenset[str]
    reason: str
    requested_by: str
    requested_at: datetime
    state: ChangeState = ChangeState.WAITING
    decided_by: str | None = None
    decided_at: datetime | None = None

    def __post_init__(self) -> None:
        if not _STAFF_NUMBER.fullmatch(self.staff_number):
            raise StaffNumberInvalid(field="staff_number")
        check_clear_text(self.staff_number, field="staff_number", most=NAME_MAX)
