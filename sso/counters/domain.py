"""The registered facts behind trust passing: matters (事项), counters (窗口) and clerks (窗口人员)."""

from dataclasses import dataclass
from datetime import datetime

from trust.kernel.identifiers import Uscc


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A service item (事项) of the catalogue. `purpose` is the sentence that the citizen reads and the log keeps.

    `types` are the certificate types that may be read for it; none means that no certificate is needed.
    """

    code: str
    name: str
    name_zh: str
    purpose: str
    purpose_zh: str
    types: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A counter (窗口) of an authority, and the registered systems (client ids) that stand on it."""

    id: str
    name: str
    authority: Uscc
    systems: frozenset[str]
    closed_at: datetime | None = None


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
    def masked_name(self) -> str:
        """The clerk as a citizen sees them: surname and staff number's last two characters."""
        return f"{self.name[:1]}** ({'*' * max(0, len(self.staff_number) - 2)}{self.staff_number[-2:]})"
