"""A `RealmAdmin` over Keycloak's administration interface."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sso.keycloak.client import AdminConnection
from sso.keycloak.realm import MARK, Found, Kind, Place, Value, Wanted, document_of, merged
from sso.keycloak.sign_in_flow import delete_flow, read_flow, write_flow

_NAMES: Final = {Kind.REALM: "realm", Kind.CLIENT: "clientId"}  # all others are named by "name"
_BUILT_IN_ATTRIBUTES: Final = frozenset({"firstName", "lastName", "email"})
_SCOPE_LISTS: Final = {"defaultClientScopes": "default-client-scopes", "optionalClientScopes": "optional-client-scopes"}


class KeycloakRealmAdmin:
    """Reads a realm in a handful of requests and writes its parts one by one; `mark` says which are ours."""

    def __init__(self, connection: AdminConnection, *, realm: str, mark: str) -> None:
        self._connection = connection
        self._realm = realm
        self._mark = mark
        self._base = f"admin/realms/{realm}"

    def read(self) -> Sequence[Found]:
        """Return every part of the realm; nothing when there is none."""
        realm = self._connection.get_or_none(self._base)
        if realm is None:
            return ()
        ours = _attribute(realm, "attributes") == self._mark
        found = [_found(Kind.REALM, realm, identifier=self._realm, ours=ours)]
        if ours:
            flow = read_flow(self._connection, realm, mark=self._mark)
            found += [*self._user_attributes(), *flow, *self._scopes(), *self._clients()]
        return found

    def create(self, wanted: Wanted) -> None:
        """Make a part; what belongs to a scope or client is made after it."""
        place, document = wanted.place, document_of(wanted.values)
        document[_NAMES.get(place.kind, "name")] = place.name
        if place.kind is Kind.REALM:
            # An empty list keeps Keycloak's own scopes out: its `profile` would tell user names.
            self._connection.post("admin/realms", document | {"clientScopes": []})
        elif place.kind is Kind.USER_ATTRIBUTE:
            self._write_user_attribute(place.name, wanted.values)
        elif place.kind is Kind.FLOW:
            write_flow(self._connection, self._realm, mark=self._mark, found=None)
        else:
            self._connection.post(self._collection(place), document)

    def change(self, found: Found, values: Mapping[str, Value]) -> None:
        """Set values of a part, read anew so that nobody else's change is lost."""
        kind = found.place.kind
        if kind is Kind.USER_ATTRIBUTE:
            self._write_user_attribute(found.place.name, values)
            return
        if kind is Kind.FLOW:
            write_flow(self._connection, self._realm, mark=self._mark, found=found)
            return
        address = self._address(found)
        self._connection.put(address, merged(self._connection.get(address), values))
        if kind is Kind.CLIENT:
            for name in _SCOPE_LISTS.keys() & values.keys():
                self._assign_scopes(address, name, values[name])

    def delete(self, found: Found) -> None:
        """Delete a part."""
        if found.place.kind is Kind.USER_ATTRIBUTE:
            self._write_user_attribute(found.place.name, None)
        elif found.place.kind is Kind.FLOW:
            delete_flow(self._connection, self._realm, found)
        else:
            self._connection.delete(self._address(found))

    def _user_attributes(self) -> Iterable[Found]:
        profile = self._connection.get(f"{self._base}/users/profile")
        for each in profile["attributes"]:
            ours = each["name"] in _BUILT_IN_ATTRIBUTES or _attribute(each, "annotations") == self._mark
            yield _found(Kind.USER_ATTRIBUTE, each, identifier=each["name"], ours=ours)

    def _scopes(self) -> Iterable[Found]:
        for scope in self._connection.get_list(f"{self._base}/client-scopes"):
            ours = _attribute(scope, "attributes") == self._mark
            yield _found(Kind.SCOPE, scope, identifier=scope["id"], ours=ours)
            yield from _mappers(Kind.SCOPE_MAPPER, scope, owner=scope["name"], ours=ours)

    def _clients(self) -> Iterable[Found]:
        for client in self._connection.get_list(f"{self._base}/clients"):
            ours = _attribute(client, "attributes") == self._mark
            yield _found(Kind.CLIENT, client, identifier=client["id"], ours=ours)
            if ours:
                yield from _mappers(Kind.CLIENT_MAPPER, client, owner=client["clientId"], ours=True)
                yield from self._roles(client)

    def _roles(self, client: Mapping[str, Any]) -> Iterable[Found]:
        listed = self._connection.get_list(f"{self._base}/clients/{client['id']}/roles?briefRepresentation=false")
        for role in listed:
            ours = _attribute(role, "attributes") == [self._mark]
            yield _found(Kind.ROLE, role, identifier=role["id"], ours=ours, owner=client["clientId"])

    def _collection(self, place: Place) -> str:
        """Return where a new part is posted to."""
        if place.kind is Kind.SCOPE:
            return f"{self._base}/client-scopes"
        if place.kind is Kind.CLIENT:
            return f"{self._base}/clients"
        if place.kind is Kind.SCOPE_MAPPER:
            return f"{self._base}/client-scopes/{self._scope_ids()[place.owner]}/protocol-mappers/models"
        below = "roles" if place.kind is Kind.ROLE else "protocol-mappers/models"
        return f"{self._base}/clients/{self._client_id(place.owner)}/{below}"

    def _address(self, found: Found) -> str:
        """Return where a part is read, changed and deleted."""
        place = found.place
        if place.kind is Kind.REALM:
            return self._base
        if place.kind is Kind.ROLE:
            return f"{self._base}/roles-by-id/{found.id}"
        return f"{self._collection(place)}/{found.id}"

    def _scope_ids(self) -> Mapping[str, str]:
        return {each["name"]: each["id"] for each in self._connection.get_list(f"{self._base}/client-scopes")}

    def _client_id(self, name: str) -> str:
        (client,) = self._connection.get_list(f"{self._base}/clients?clientId={name}")
        return str(client["id"])

    def _assign_scopes(self, client: str, name: str, wanted: Value) -> None:
        address = f"{client}/{_SCOPE_LISTS[name]}"
        there = {each["name"]: each["id"] for each in self._connection.get_list(address)}
        names = set(wanted) if isinstance(wanted, tuple) else set()
        for gone in sorted(there.keys() - names):
            self._connection.delete(f"{address}/{there[gone]}")
        ids = self._scope_ids()
        for new in sorted(names - there.keys()):
            self._connection.put(f"{address}/{ids[new]}", {})

    def _write_user_attribute(self, name: str, values: Mapping[str, Value] | None) -> None:
        """The user profile is one document: read, one attribute exchanged, written. None removes the attribute."""
        address = f"{self._base}/users/profile"
        profile = dict(self._connection.get(address))
        known = {each["name"]: each for each in profile["attributes"]}
        if values is None:
            known.pop(name, None)
        else:
            changed = merged(known.get(name, {"name": name}), values)
            known[name] = {key: value for key, value in changed.items() if value != ""}
        self._connection.put(address, profile | {"attributes": list(known.values())})


def _attribute(document: Mapping[str, Any], where: str) -> Any:
    return (document.get(where) or {}).get(MARK)


def _found(kind: Kind, document: Mapping[str, Any], *, identifier: str, ours: bool, owner: str = "") -> Found:
    name = str(document[_NAMES.get(kind, "name")])
    return Found(place=Place(kind=kind, owner=owner, name=name), id=identifier, ours=ours, document=document)


def _mappers(kind: Kind, document: Mapping[str, Any], *, owner: str, ours: bool) -> Iterable[Found]:
    """What stands in a scope or client of ours is ours, whoever put it there: it decides what its tokens tell."""
    for each in document.get("protocolMappers") or ():
        yield _found(kind, each, identifier=each["id"], ours=ours, owner=owner)
