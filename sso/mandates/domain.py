"""Mandates: who may act for whom, in which matters, for how long."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MandateKind(StrEnum):
    """How someone came to act for another."""

    LEGAL_REPRESENTATIVE = "legal-representative"  # 法定代表人: from the register of legal persons, every matter
    STANDING_AGENT = "standing-agent"  # 经办人: granted by the representative, listed matters, until withdrawn
    ONE_OFF = "one-off"  # 授权: one matter, used up by one case


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """The right of `agent` (a natural person) to act for `principal` (a legal or natural person); both are person ids.

    Empty `matters` or `types` mean all (only the legal representative's is so). `used_at` ends a one-off mandate.
    """

    id: str
    kind: MandateKind
    principal: str
    agent: str
    granted_by: str
    matters: frozenset[str]
    types: frozenset[str]
    valid_from: datetime
    valid_until: datetime | None
    created_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    used_at: datetime | None = None

    def covers(self, matter: str | None, *, now: datetime) -> bool:
        """Whether the mandate holds at `now` for `matter`."""
        ended = self.withdrawn_at is not None or self.used_at is not None
        in_time = self.valid_from <= now and (self.valid_until is None or now < self.valid_until)
        return not ended and in_time and (not self.matters or matter in self.matters)
