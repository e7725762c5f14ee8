"""The parts of a Keycloak realm as flat values that can be compared, whoever made them.

A value's name is its path in Keycloak's JSON: `attributes/pkce.code.challenge.method`, `config/claim.name`. Only what
we name is ever compared or written; everything else in the realm stays as its people have it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

MARK: Final = "yinxin.managed"
"""Attribute of what this service made; its value is our public address, so that two installations keep apart."""

SEPARATOR: Final = "/"

Value = str | bool | int | tuple[str, ...]
"""A leaf as we compare it; lists are sorted, as their order means nothing to Keycloak, and absent is the empty text."""


class Kind(StrEnum):
    """What a realm is made of, in the order in which it can be made; closed."""

    REALM = "realm"
    USER_ATTRIBUTE = "user-attribute"
    FLOW = "sign-in-flow"
    SCOPE = "client-scope"
    SCOPE_MAPPER = "client-scope-mapper"
    CLIENT = "client"
    CLIENT_MAPPER = "client-mapper"
    ROLE = "client-role"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where a part stands: `owner` is the name of the scope or client that a mapper or role belongs to."""

    kind: Kind
    owner: str = ""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A part as it should be. One with `only_if_there` is put right when it exists and never made."""

    place: Place
    values: Mapping[str, Value]
    label: str = ""
    only_if_there: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A part as Keycloak has it. `id` is Keycloak's; `ours` says that it, or what it belongs to, bears our mark."""

    place: Place
    id: str
    ours: bool
    document: Mapping[str, Any] = field(repr=False)

    def value(self, name: str) -> Value:
        """Return the value at a path, absent ones as the empty text."""
        node: Any = self.document
        for step in name.split(SEPARATOR):
            node = node.get(step) if isinstance(node, Mapping) else None
        return comparable(node)


class RealmAdmin(Protocol):
    """A realm's administration; `sso.keycloak.admin_client` speaks it with Keycloak.

    Each method raises `KeycloakUnavailable`, `KeycloakNotAdmitted` or `KeycloakRefused`.
    """

    def read(self) -> Sequence[Found]:
        """Return every part of the kinds above; nothing when there is no such realm."""
        ...

    def create(self, wanted: Wanted) -> None:
        """Make a part with all its values."""
        ...

    def change(self, found: Found, values: Mapping[str, Value]) -> None:
        """Set these values of a part and no others."""
        ...

    def delete(self, found: Found) -> None:
        """Delete a part, with what belongs to it."""
        ...


def comparable(node: object) -> Value:
    """Return a JSON leaf as a `Value`: Keycloak's absent, null and empty are one."""
    if isinstance(node, bool | int | str):
        return node
    if isinstance(node, list | tuple):
        return tuple(sorted(map(str, node)))
    return "" if node is None else str(node)


def document_of(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return flat values as the nested JSON that Keycloak takes."""
    return merged({}, values)


def merged(document: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    """Return a copy of `document` in which these values are set."""
    result = dict(document)
    for name, value in values.items():
        first, _, rest = name.partition(SEPARATOR)
        below = result.get(first)
        if rest:
            result[first] = merged(below if isinstance(below, Mapping) else {}, {rest: value})
        else:
            result[first] = list(value) if isinstance(value, tuple) else value
    return result
