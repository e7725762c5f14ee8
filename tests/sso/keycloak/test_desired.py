import json
from dataclasses import replace
from typing import Any

import pytest

from sso.keycloak.realm import Kind, Place, Value, Wanted
from sso.provider.domain import Client, ClientAuthentication, Scope
from sso.provider.keyring import SM2_ALGORITHM
from tests.fakes import MOMENT
from tests.sso.keycloak.realms import ADDRESS, SCOPES, desired, system


def part(kind: Kind, name: str, *clients: Client, owner: str = "") -> Wanted:
    (found,) = [each for each in desired(*clients).parts if each.place == Place(kind=kind, owner=owner, name=name)]
    return found


def values_of(client: Client) -> dict[str, Value]:
    return dict(part(Kind.CLIENT, client.id, client).values)


def test_a_system_signs_in_by_code_with_pkce_and_in_no_other_way() -> None:
    values = values_of(system())
    assert values["standardFlowEnabled"] is True
    for name in ("implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled", "fullScopeAllowed"):
        assert values[name] is False
    assert values["attributes/pkce.code.challenge.method"] == "S256"
    assert values["consentRequired"] is True
    assert values["webOrigins"] == ()
    assert values["attributes/id.token.signed.response.alg"] == "ES256"


def test_redirects_are_exactly_the_registered_ones() -> None:
    addresses = ("https://s1.example.gov.cn/b", "https://s1.example.gov.cn/a")
    assert values_of(system(redirect_uris=addresses))["redirectUris"] == tuple(sorted(addresses))


def test_without_a_page_after_sign_out_none_is_allowed() -> None:
    """Keycloak falls back to the redirect URIs when the attribute is empty."""
    assert values_of(system())["attributes/post.logout.redirect.uris"] == "-"
    two = ("https://s1.example.gov.cn/y", "https://s1.example.gov.cn/x")
    values = values_of(system(post_logout_redirect_uris=two))
    assert values["attributes/post.logout.redirect.uris"] == "https://s1.example.gov.cn/x##https://s1.example.gov.cn/y"


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"authentication": ClientAuthentication.NONE}, "publicClient", True),
        ({"authentication": ClientAuthentication.SECRET}, "publicClient", False),
        ({"authentication": ClientAuthentication.SECRET}, "clientAuthenticatorType", "client-secret"),
        (
            {"authentication": ClientAuthentication.PRIVATE_KEY_JWT, "jwks": "{}"},
            "clientAuthenticatorType",
            "client-jwt",
        ),
        ({"authentication": ClientAuthentication.PRIVATE_KEY_JWT, "jwks": "{}"}, "attributes/use.jwks.string", "true"),
        ({"authentication": ClientAuthentication.PRIVATE_KEY_JWT, "jwks": "{}"}, "attributes/jwks.string", "{}"),
        ({"jwks": "{}"}, "attributes/jwks.string", ""),
        ({"dpop_required": True}, "attributes/dpop.bound.access.tokens", "true"),
        ({"par_required": True}, "attributes/require.pushed.authorization.requests", "true"),
        ({}, "attributes/require.pushed.authorization.requests", "false"),
        (
            {"backchannel_logout_uri": "https://s1.example.gov.cn/o"},
            "attributes/backchannel.logout.url",
            "https://s1.example.gov.cn/o",
        ),
        ({}, "attributes/backchannel.logout.url", ""),
    ],
)
def test_what_was_registered_is_carried_over(changes: dict[str, Any], name: str, value: Value) -> None:
    assert values_of(system(**changes))[name] == value


@pytest.mark.parametrize(
    ("scopes", "optional"),
    [
        ({Scope.OPENID}, ()),
        ({Scope.OPENID, Scope.PROFILE}, ("profile",)),
        ({Scope.OPENID, Scope.PROFILE, Scope.IDENTITY, Scope.CERTS_READ}, ("identity", "profile")),
    ],
)
def test_a_system_may_ask_for_no_more_than_was_registered(scopes: set[Scope], optional: tuple[str, ...]) -> None:
    values = values_of(system(scopes=frozenset(scopes)))
    assert values["defaultClientScopes"] == ("yinxin",)
    assert values["optionalClientScopes"] == optional


def test_matters_and_assistance_are_roles_of_their_system() -> None:
    client = system(scopes=SCOPES | {Scope.COUNTER_ASSIST}, matters=frozenset({"b", "a"}))
    roles = [each.place for each in desired(client).parts if each.place.kind is Kind.ROLE]
    assert [place.name for place in roles] == ["counter:assist", "matter:a", "matter:b"]
    assert {place.owner for place in roles} == {client.id}


@pytest.mark.parametrize(
    "changes",
    [
        {"signing_algorithm": SM2_ALGORITHM},
        {"redirect_uris": ("https://a.example.gov.cn/", "https://b.example.gov.cn/")},
        {"redirect_uris": ("https://a.example.gov.cn/*",)},
        {"redirect_uris": (f"https://a.example.gov.cn/{'x' * 255}",)},
        {"authentication": ClientAuthentication.PRIVATE_KEY_JWT},
    ],
)
def test_what_keycloak_cannot_do_as_strictly_is_left_out_with_the_reason(changes: dict[str, Any]) -> None:
    client = system(**changes)
    wanted = desired(client)
    assert [each.client for each in wanted.skipped] == [client.id]
    assert all(each.why for each in wanted.skipped)
    assert client.id not in {each.place.name for each in wanted.parts}


@pytest.mark.parametrize(
    "client",
    [
        replace(system(), relying=None),
        system(redirect_uris=()),
        system(scopes=frozenset({Scope.CERTS_READ})),
    ],
)
def test_systems_to_which_nobody_signs_in_are_no_part_of_it(client: Client) -> None:
    assert desired(client) == desired()


def test_a_disabled_system_is_shut_where_it_is_and_never_made() -> None:
    wanted = part(Kind.CLIENT, system().id, replace(system(), disabled_at=MOMENT))
    assert wanted.only_if_there
    assert wanted.values["enabled"] is False
    assert not [
        each for each in desired(replace(system(), disabled_at=MOMENT)).parts if each.place.owner == system().id
    ]


def test_a_disabled_system_is_shut_even_if_it_could_no_longer_be_carried_over() -> None:
    client = replace(system(signing_algorithm=SM2_ALGORITHM), disabled_at=MOMENT)
    assert part(Kind.CLIENT, client.id, client).values["enabled"] is False


def _salt(client: Client) -> Value:
    return part(Kind.CLIENT_MAPPER, "sub", client, owner=client.id).values["config/pairwiseSubAlgorithmSalt"]


def test_systems_of_one_sector_share_the_salt_of_their_subjects_and_others_do_not() -> None:
    assert _salt(system(1, sector="a")) == _salt(system(2, sector="a")) != _salt(system(3, sector="b"))


def test_personal_claims_stand_in_no_access_token() -> None:
    mappers = [each for each in desired().parts if each.place.kind is Kind.SCOPE_MAPPER]
    for each in mappers:
        personal = each.place.owner in ("profile", "identity")
        assert each.values["config/id.token.claim"] == "true"
        assert each.values["config/access.token.claim"] == ("false" if personal else "true")
        assert each.values["config/introspection.token.claim"] == ("false" if personal else "true")
    assert {each.place.name for each in mappers if each.place.owner == "identity"} == {"holder_kind", "holder_number"}


def test_levels_of_sign_in_have_our_names() -> None:
    told = json.loads(str(part(Kind.REALM, "yinxin").values["attributes/acr.loa.map"]))
    assert told == {"urn:yinxin:aal:1": 1, "urn:yinxin:aal:2": 2, "urn:yinxin:aal:3": 3}


def test_people_write_nothing_of_who_they_are() -> None:
    for each in desired().parts:
        if each.place.kind is Kind.USER_ATTRIBUTE:
            assert each.values["permissions/edit"] == ("admin",)


def test_everything_that_can_bear_the_mark_does() -> None:
    unmarked = {Kind.SCOPE_MAPPER, Kind.CLIENT_MAPPER, Kind.FLOW}
    for each in desired(system(matters=frozenset({"a"}))).parts:
        built_in = each.place.name in ("firstName", "lastName", "email")
        if each.place.kind not in unmarked and not built_in:
            assert ADDRESS in str([value for name, value in each.values.items() if name.endswith("yinxin.managed")])
