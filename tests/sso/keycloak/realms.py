"""A realm in memory, and registrations for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sso.keycloak.desired import RealmTerms, desired_realm
from sso.keycloak.plan import Desired
from sso.keycloak.realm import MARK, Found, Kind, Place, Value, Wanted, document_of, merged
from sso.provider.domain import Client, RelyingSystem, Scope
from tests.fakes import MOMENT
from trust.kernel.identifiers import Uscc
from trust.sealing import BlindIndex

ADDRESS = "https://zz.example.gov.cn"
TERMS = RealmTerms(realm="yinxin", mark=ADDRESS, seconds=600)
INDEX = BlindIndex(b"i" * 32)
SCOPES = frozenset({Scope.OPENID, Scope.PROFILE, Scope.IDENTITY})


def system(number: int = 1, scopes: frozenset[Scope] = SCOPES, **changes: Any) -> Client:
    relying = RelyingSystem(
        redirect_uris=(f"https://s{number}.example.gov.cn/callback",), sector=f"s{number}.example.gov.cn"
    )
    return Client(
        id=f"01JRP{number:021d}",
        label=f"系统{number}",
        authority=Uscc.parse("91350100M000100Y43"),
        scopes=scopes,
        created_at=MOMENT,
        relying=replace(relying, **changes),
    )


def desired(*clients: Client) -> Desired:
    return desired_realm(TERMS, clients, INDEX)


class MemoryRealm:
    """A `RealmAdmin` that keeps what it is told; `refuses` is raised at the place named in `refuses_at`."""

    def __init__(self) -> None:
        self.parts: dict[Place, dict[str, Any]] = {}
        self.foreign: set[Place] = set()
        self.calls: list[tuple[str, Place]] = []
        self.refusals: dict[Place, Exception] = {}

    def read(self) -> Sequence[Found]:
        return tuple(
            Found(place=place, id=place.name, ours=place not in self.foreign, document=document)
            for place, document in self.parts.items()
        )

    def create(self, wanted: Wanted) -> None:
        self._act("create", wanted.place)
        self.parts[wanted.place] = document_of(wanted.values)

    def change(self, found: Found, values: Mapping[str, Value]) -> None:
        self._act("change", found.place)
        self.parts[found.place] = merged(self.parts[found.place], values)

    def delete(self, found: Found) -> None:
        self._act("delete", found.place)
        owned = {Kind.CLIENT: (Kind.CLIENT_MAPPER, Kind.ROLE), Kind.SCOPE: (Kind.SCOPE_MAPPER,)}
        for place in list(self.parts):
            below = place.kind in owned.get(found.place.kind, ()) and place.owner == found.place.name
            if place == found.place or below:
                del self.parts[place]

    def _act(self, what: str, place: Place) -> None:
        self.calls.append((what, place))
        if place in self.refusals:
            raise self.refusals[place]


def mark_of(document: Mapping[str, Any]) -> object:
    return document.get("attributes", {}).get(MARK)
