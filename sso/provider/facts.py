"""What the provider asks of the other contexts about people, mandates, matters and clerks. All facts are ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sso.accounts.domain import Person
from sso.counters.domain import Clerk, Matter
from sso.mandates.domain import Mandate


class Persons(Protocol):
    """The register of persons (`sso.accounts`)."""

    def get(self, person_id: str) -> Person:
        """Return the person; `level` is what holds now. Raises `NotFound`."""
        ...


class Mandates(Protocol):
    """The register of mandates (`sso.mandates`)."""

    def usable(self, agent: str, matter: str | None, now: datetime) -> Sequence[Mandate]:
        """Return the mandates on which `agent` may act in `matter` now."""
        ...


class Matters(Protocol):
    """The catalogue of matters (`sso.counters`)."""

    def matter(self, code: str) -> Matter:
        """Return the matter in force. Raises a `NotFound`."""
        ...


class Clerks(Protocol):
    """The register of clerks (`sso.counters`)."""

    def clerk_of(self, person_id: str) -> Clerk | None:
        """Return the clerk that this person is, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The registers together."""

    persons: Persons
    mandates: Mandates
    matters: Matters
    clerks: Clerks
