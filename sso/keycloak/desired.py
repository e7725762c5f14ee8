"""What a realm should hold, made from our registrations: the same protections and the same claims as our own provider.

What Keycloak cannot do as strictly as we do is left out and named (`Skipped`), never made weaker.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sso.keycloak.plan import Desired, Skipped
from sso.keycloak.realm import MARK, Kind, Place, Value, Wanted
from sso.keycloak.sign_in_flow import wanted_flow
from sso.provider.domain import Client, ClientAuthentication, RelyingSystem, Scope
from sso.signin.domain import SIGN_INS
from trust.kernel.encoding import base64url
from trust.sealing import BlindIndex

BASE_SCOPE: Final = "yinxin"
"""Client scope that every client has: who signed in, how, and how surely they are known."""

ALGORITHM: Final = "ES256"
LEVEL_ATTRIBUTE: Final = "ial"
KIND_ATTRIBUTE: Final = "holder_kind"
NUMBER_ATTRIBUTE: Final = "holder_number"
REPRESENTS_ATTRIBUTE: Final = "represents"

_PROTOCOL: Final = "openid-connect"
_ROLE_SCOPES: Final = (Scope.COUNTER_ASSIST,)
_CLIENT_SCOPES: Final = (Scope.PROFILE, Scope.IDENTITY)
_FOR_THE_CLIENT: Final = ("id", "userinfo")
_FOR_RESOURCES: Final = ("access", "introspection")
_FROM_USER: Final = "oidc-usermodel-attribute-mapper"
_FROM_SESSION: Final = "oidc-usersessionmodel-note-mapper"
_ADDRESS_LIMIT: Final = 255  # characters of one redirect URI in Keycloak's table


@dataclass(frozen=True, slots=True, kw_only=True)
class RealmTerms:
    """What the realm says for all clients alike; `seconds` is the life of an access token."""

    realm: str
    mark: str
    seconds: int


def desired_realm(terms: RealmTerms, clients: Iterable[Client], index: BlindIndex) -> Desired:
    """Return what the realm should hold for these registrations; systems that sign nobody in are no part of it."""
    parts = [_realm(terms), *_user_attributes(terms), wanted_flow(), *_scopes(terms)]
    skipped: list[Skipped] = []
    for client in clients:
        relying = client.relying
        if relying is None or not (relying.redirect_uris and Scope.OPENID in client.scopes):
            continue
        why = _obstacle(relying)
        if why is None or not client.enabled:
            parts += _client_parts(terms, client, relying, index)
        else:
            skipped.append(Skipped(client=client.id, label=client.label, why=why))
    return Desired(realm=terms.realm, mark=terms.mark, parts=tuple(parts), skipped=tuple(skipped))


def _obstacle(relying: RelyingSystem) -> str | None:
    """Return why Keycloak cannot serve this registration as strictly as we do."""
    if relying.signing_algorithm != ALGORITHM:
        return f"Keycloak does not sign with {relying.signing_algorithm}."
    if len({urlsplit(each).hostname for each in relying.redirect_uris}) > 1:
        return "Its redirect URIs have several hosts: Keycloak cannot tell whose pairwise subjects they share."
    if any("*" in each or len(each) > _ADDRESS_LIMIT for each in relying.redirect_uris):
        return "A redirect URI is too long for Keycloak, or it would be read as a pattern."
    if relying.authentication is ClientAuthentication.PRIVATE_KEY_JWT and not relying.jwks:
        return "It has no keys for private_key_jwt."
    return None


def _realm(terms: RealmTerms) -> Wanted:
    levels = {strength.urn: strength.value for strength in SIGN_INS}
    return Wanted(
        place=Place(kind=Kind.REALM, name=terms.realm),
        values={
            "enabled": True,
            "sslRequired": "external",
            "registrationAllowed": False,
            "editUsernameAllowed": False,
            "bruteForceProtected": True,
            "defaultSignatureAlgorithm": ALGORITHM,
            "accessTokenLifespan": terms.seconds,
            "revokeRefreshToken": True,
            "refreshTokenMaxReuse": 0,
            "attributes/acr.loa.map": json.dumps(levels, separators=(",", ":")),
            f"attributes/{MARK}": terms.mark,
        },
    )


def _user_attributes(terms: RealmTerms) -> list[Wanted]:
    """Who a person is, and how surely, is nothing that they write themselves: administrators and federation do."""

    def attribute(name: str, **values: Value) -> Wanted:
        fixed: dict[str, Value] = {"permissions/edit": ("admin",)}
        return Wanted(place=Place(kind=Kind.USER_ATTRIBUTE, name=name), values=fixed | values)

    own: dict[str, Value] = {"permissions/view": ("admin",), "multivalued": False, f"annotations/{MARK}": terms.mark}
    names = (LEVEL_ATTRIBUTE, KIND_ATTRIBUTE, NUMBER_ATTRIBUTE, REPRESENTS_ATTRIBUTE)
    return [
        *(attribute(name, **own) for name in names),
        attribute("firstName"),  # the whole name: Chinese names are one
        attribute("lastName", required=""),
        attribute("email", required=""),
    ]


def _scopes(terms: RealmTerms) -> list[Wanted]:
    """The scopes with their mappers. What is personal stands in no access token, which relying systems keep and log."""
    return [
        _scope(terms, BASE_SCOPE, ""),
        _mapper(BASE_SCOPE, "auth_time", _FROM_SESSION, {"user.session.note": "AUTH_TIME", "jsonType.label": "long"}),
        _mapper(BASE_SCOPE, "acr", "oidc-acr-mapper", {}),
        _mapper(BASE_SCOPE, "amr", "oidc-amr-mapper", {}),
        _mapper(BASE_SCOPE, "ial", _FROM_USER, {"user.attribute": LEVEL_ATTRIBUTE}),
        _mapper(
            BASE_SCOPE, "represents", _FROM_USER, {"user.attribute": REPRESENTS_ATTRIBUTE, "jsonType.label": "JSON"}
        ),
        _scope(terms, Scope.PROFILE.value, "姓名 / your name"),
        _mapper(Scope.PROFILE.value, "name", _FROM_USER, {"user.attribute": "firstName"}, personal=True),
        _scope(terms, Scope.IDENTITY.value, "证件类型和号码 / kind and number of your document"),
        *(
            _mapper(Scope.IDENTITY.value, name, _FROM_USER, {"user.attribute": name}, personal=True)
            for name in (KIND_ATTRIBUTE, NUMBER_ATTRIBUTE)
        ),
    ]


def _scope(terms: RealmTerms, name: str, consent: str) -> Wanted:
    return Wanted(
        place=Place(kind=Kind.SCOPE, name=name),
        values={
            "protocol": _PROTOCOL,
            "attributes/include.in.token.scope": _flag(bool(consent)),
            "attributes/display.on.consent.screen": _flag(bool(consent)),
            "attributes/consent.screen.text": consent,
            f"attributes/{MARK}": terms.mark,
        },
    )


def _mapper(scope: str, claim: str, mapper: str, config: Mapping[str, Value], *, personal: bool = False) -> Wanted:
    configured: dict[str, Value] = {"claim.name": claim, "jsonType.label": "String"}
    configured |= {f"{where}.token.claim": "true" for where in _FOR_THE_CLIENT}
    configured |= {f"{where}.token.claim": _flag(not personal) for where in _FOR_RESOURCES}
    configured |= config
    values: dict[str, Value] = {"protocol": _PROTOCOL, "protocolMapper": mapper}
    return Wanted(
        place=Place(kind=Kind.SCOPE_MAPPER, owner=scope, name=claim),
        values=values | {f"config/{name}": value for name, value in configured.items()},
    )


def _client_parts(terms: RealmTerms, client: Client, relying: RelyingSystem, index: BlindIndex) -> list[Wanted]:
    if not client.enabled:  # shut at once where it exists, and never made
        shut: dict[str, Value] = {"enabled": False, f"attributes/{MARK}": terms.mark}
        return [Wanted(place=_place(client), values=shut, label=client.label, only_if_there=True)]
    return [
        Wanted(place=_place(client), values=_client_values(terms, client, relying), label=client.label),
        _pairwise(client, relying, index),
        *(_role(terms, client, name) for name in _roles(client, relying)),
    ]


def _place(client: Client) -> Place:
    return Place(kind=Kind.CLIENT, name=client.id)


def _client_values(terms: RealmTerms, client: Client, relying: RelyingSystem) -> dict[str, Value]:
    by_key = relying.authentication is ClientAuthentication.PRIVATE_KEY_JWT
    values: dict[str, Value] = {
        "name": client.label,
        "protocol": _PROTOCOL,
        "enabled": True,
        "publicClient": relying.authentication is ClientAuthentication.NONE,
        "clientAuthenticatorType": "client-jwt" if by_key else "client-secret",
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "frontchannelLogout": False,
        "consentRequired": True,
        "fullScopeAllowed": False,
        "redirectUris": _sorted(relying.redirect_uris),
        "webOrigins": (),
        "defaultClientScopes": (BASE_SCOPE,),
        "optionalClientScopes": _sorted(each.value for each in _CLIENT_SCOPES if each in client.scopes),
    }
    attributes: dict[str, Value] = {
        MARK: terms.mark,
        "pkce.code.challenge.method": "S256",
        "id.token.signed.response.alg": ALGORITHM,
        "access.token.signed.response.alg": ALGORITHM,
        "post.logout.redirect.uris": "##".join(_sorted(relying.post_logout_redirect_uris)) or "-",
        "backchannel.logout.url": relying.backchannel_logout_uri or "",
        "backchannel.logout.session.required": "true",
        "dpop.bound.access.tokens": _flag(relying.dpop_required),
        "require.pushed.authorization.requests": _flag(relying.par_required),
        "use.jwks.string": _flag(by_key),
        "jwks.string": relying.jwks or "" if by_key else "",
    }
    return values | {f"attributes/{name}": value for name, value in attributes.items()}


def _pairwise(client: Client, relying: RelyingSystem, index: BlindIndex) -> Wanted:
    """One person, another `sub` for each sector (OIDC core section 8.1).

    The salt is ours, so that a realm made anew names people as before, and systems of one sector agree.
    """
    salt = base64url(index.of(relying.sector, domain="sso.keycloak.salt"))
    return Wanted(
        place=Place(kind=Kind.CLIENT_MAPPER, owner=client.id, name="sub"),
        values={
            "protocol": _PROTOCOL,
            "protocolMapper": "oidc-sha256-pairwise-sub-mapper",
            "config/sectorIdentifierUri": "",
            "config/pairwiseSubAlgorithmSalt": salt,
        },
    )


def _roles(client: Client, relying: RelyingSystem) -> Sequence[str]:
    """The rights that the organisation hands out to its people in Keycloak: matters, and assisting at counters."""
    rights = [each.value for each in _ROLE_SCOPES if each in client.scopes]
    return sorted([*rights, *(f"matter:{code}" for code in relying.matters)])


def _role(terms: RealmTerms, client: Client, name: str) -> Wanted:
    return Wanted(place=Place(kind=Kind.ROLE, owner=client.id, name=name), values={f"attributes/{MARK}": (terms.mark,)})


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(values))
