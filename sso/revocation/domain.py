"""Ties: everything that a token hangs on. Cutting one ends every token that carries it, at once and for good.

A token derived from another carries all ties of the other and may add some, never drop one. So no cascade is needed,
and no race is lost: whatever is derived from a dead token a moment later is dead too.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, Self


class TieKind(StrEnum):
    """What a token can hang on; closed."""

    TOKEN = "token"  # noqa: S105  a kind, not a secret
    GRANT = "grant"
    SESSION = "session"
    PERSON = "person"
    MANDATE = "mandate"
    CLERK = "clerk"
    CASE = "case"
    HOP = "hop"


@dataclass(frozen=True, slots=True, order=True)
class Tie:
    """One thing that a token hangs on. `id` never holds a personal number."""

    kind: TieKind
    id: str

    def __str__(self) -> str:  # type: ignore[explicit-override]  # needs Python 3.12 or a package
        return f"{self.kind.value}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the tie that `str` wrote. Raises `ValueError`, as only our own sealed bytes hold one."""
        kind, _, identifier = text.partition(":")
        return cls(TieKind(kind), identifier)


class Revocations(Protocol):
    """The register of cut ties; `sso.revocation.store` keeps it. A cut is permanent."""

    def cut(self, ties: Collection[Tie], *, reason: str, at: datetime) -> None:
        """Cut the ties; cutting one again changes nothing."""
        ...

    def first_cut(self, ties: Collection[Tie]) -> Tie | None:
        """Return one of `ties` that has been cut, or None when all hold."""
        ...
