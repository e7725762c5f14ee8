"""Registering relying systems: each bad value has its exact code, each limit holds on both sides."""

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from sso.provider.domain import ClientAuthentication, RelyingSystem
from sso.provider.errors import AuthorizationUnusable
from sso.provider.registration import (
    MAX_ADDRESS_CHARACTERS,
    MAX_ADDRESSES,
    MAX_CONTACT_CHARACTERS,
    MAX_JWKS_CHARACTERS,
    MAX_KEYS,
    MAX_NAMES,
    MAX_RESOURCE_CHARACTERS,
    MAX_SECTOR_CHARACTERS,
    checked,
)
from tests.sso.provider.changing import keep_changed
from tests.sso.provider.journey import parameters, register, relying, settle
from tests.sso.provider.support import ISSUER, USCC, House
from trust.kernel.errors import TrustError

EC = ECKey.generate_key("P-256", {"kid": "a"}).as_dict(private=False)
RSA = RSAKey.generate_key(2048, {"kid": "b"}).as_dict(private=False)


def jwks(*keys: object) -> str:
    return json.dumps({"keys": list(keys)})


def code_of(**changes: Any) -> tuple[str, str | None]:
    with pytest.raises(TrustError) as refusal:
        checked(relying(**changes), issuer=ISSUER)
    return refusal.value.code, refusal.value.field


def keyed(text: str | None) -> dict[str, Any]:
    return {"authentication": ClientAuthentication.PRIVATE_KEY_JWT, "jwks": text}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "counter.example/cb",
        "http://counter.example/cb",
        "http://10.0.0.1/cb",
        "http://127.0.0.1.evil.example/cb",
        "ftp://counter.example/cb",
        "javascript:alert(1)",
        "com.example.app:/cb",
        "https:///cb",
        "https://counter.example/cb#",
        "https://counter.example/cb#f",
        "https://user:pw@counter.example/cb",
        "https://@counter.example/cb",
        "https://*.example/cb",
        "https://counter.example/*",
        "https://counter.example/a/../b",
        "https://counter.example/a/%2e%2E/b",
        "https://counter.example/.",
        "https://counter.example/ cb",
        "https://counter.example\\@evil.example/cb",
        "https://counter.example/cb\n",
        "https://计数.example/cb",
        "https://counter.example:99999/cb",
        "https://counter.example:x/cb",
        "https://[::1/cb",
        "https://counter.example/cb?code=x",
        "https://counter.example/cb?a=b&state=x",
        "https://counter.example/cb?iss=x",
    ],
)
def test_an_address_that_is_no_safe_place_is_refused(address: str) -> None:
    assert code_of(redirect_uris=(address,)) == ("redirect-uri-invalid", "redirect_uris")
    assert code_of(post_logout_redirect_uris=(address,)) == ("redirect-uri-invalid", "post_logout_redirect_uris")


@pytest.mark.parametrize(
    "address",
    [
        "https://counter.example/cb",
        "https://counter.example:8443/cb?tenant=a",
        "https://counter.example",
        "https://counter.example/a..b/.well-known/%E7%AA%97",
        "http://127.0.0.1:5000/cb",
        "http://localhost/cb",
        "http://[::1]:9/cb",
    ],
)
def test_good_addresses_are_accepted(address: str) -> None:
    assert checked(relying(redirect_uris=(address,)), issuer=ISSUER).redirect_uris == (address,)


def test_addresses_are_distinct_and_bounded() -> None:
    def many(count: int) -> tuple[str, ...]:
        return tuple(f"https://counter.example/{number}" for number in range(count))

    start = "https://counter.example/"
    longest = start + "x" * (MAX_ADDRESS_CHARACTERS - len(start))
    checked(relying(redirect_uris=many(MAX_ADDRESSES)), issuer=ISSUER)
    checked(relying(redirect_uris=(longest,)), issuer=ISSUER)
    for bad in (many(MAX_ADDRESSES + 1), (longest + "x",), many(1) * 2):
        assert code_of(redirect_uris=bad)[0] == "redirect-uri-invalid"


@pytest.mark.parametrize(
    "address", ["", "http://counter.example/out", "https://u@counter.example/", "https://counter.example/#a", "x"]
)
def test_a_logout_address_is_https(address: str) -> None:
    assert code_of(backchannel_logout_uri=address) == ("backchannel-logout-uri-invalid", "backchannel_logout_uri")
    checked(relying(backchannel_logout_uri="https://counter.example/out?code=1"), issuer=ISSUER)


@pytest.mark.parametrize(
    "resource",
    [
        ISSUER,
        f"{ISSUER}/api",
        "urn:example:a",
        "counter",
        "https://counter.example/#f",
        "https://counter.example/" + "x" * MAX_RESOURCE_CHARACTERS,
    ],
)
def test_a_resource_is_an_address_of_the_client(resource: str) -> None:
    assert code_of(resource=resource) == ("client-resource-invalid", "resource")


def test_the_longest_resource_is_accepted() -> None:
    start = "https://counter.example/"
    checked(relying(resource=start + "x" * (MAX_RESOURCE_CHARACTERS - len(start))), issuer=ISSUER)


def test_the_sector_comes_from_the_addresses_or_is_named() -> None:
    one = relying(redirect_uris=("https://a.example/1", "https://a.example/2"))
    assert checked(one, issuer=ISSUER).sector == "a.example"
    assert checked(relying(redirect_uris=()), issuer=ISSUER).sector == "counter.example"
    two = ("https://a.example/1", "https://b.example/2")
    assert code_of(redirect_uris=two) == ("client-sector-invalid", "sector")
    assert code_of(redirect_uris=(), resource="") == ("client-sector-invalid", "sector")
    assert checked(relying(redirect_uris=two, sector="a.example"), issuer=ISSUER).sector == "a.example"


@pytest.mark.parametrize("sector", ["A.example", "a..b", "-a", "a b", "https://a.example", "x" * 254, "\0"])
def test_a_sector_is_a_host_name(sector: str) -> None:
    assert code_of(sector=sector) == ("client-sector-invalid", "sector")


def test_the_longest_sector_is_accepted() -> None:
    longest = "x" * MAX_SECTOR_CHARACTERS
    assert checked(relying(sector=longest), issuer=ISSUER).sector == longest


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "{}",
        '{"keys": {}}',
        '{"keys": []}',
        '{"keys": ["a"]}',
        jwks({"kty": "EC"}),
        jwks({**EC, "d": "AA"}),
        jwks(ECKey.generate_key("P-384").as_dict(private=False)),
        jwks({**EC, "x": "!"}),
        jwks({**EC, "alg": "ES512"}),
        jwks({**EC, "alg": "RS256"}),
        jwks({**EC, "use": "enc"}),
        jwks(OctKey.generate_key(256).as_dict(private=True)),
        jwks({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        jwks(EC, EC),
        jwks(EC, {name: value for name, value in RSA.items() if name != "kid"}),
        jwks(*({**EC, "kid": str(number)} for number in range(MAX_KEYS + 1))),
        jwks(EC) + " " * MAX_JWKS_CHARACTERS,
        "[" * 5000,
        "\0",
    ],
    ids=itertools.count(),  # keys made at random must not name a case: workers would each collect others
)
def test_a_key_set_that_proves_nothing_is_refused(text: str | None) -> None:
    assert code_of(**keyed(text)) == ("client-jwks-invalid", "jwks")


def test_good_key_sets_are_accepted() -> None:
    many = jwks(*({**EC, "kid": str(number)} for number in range(MAX_KEYS)))
    for text in (jwks(EC), jwks(RSA), jwks(EC, RSA), many, jwks({**RSA, "alg": "PS256"})):
        assert checked(relying(**keyed(text)), issuer=ISSUER).jwks == text


def test_a_key_set_belongs_to_its_method() -> None:
    assert code_of(jwks=jwks(EC)) == ("client-jwks-invalid", "jwks")


def test_other_values_have_their_codes() -> None:
    assert code_of(signing_algorithm="RS256") == ("signing-algorithm-unknown", "signing_algorithm")
    assert code_of(signing_algorithm="none") == ("signing-algorithm-unknown", "signing_algorithm")
    assert code_of(contact="x" * (MAX_CONTACT_CHARACTERS + 1)) == ("text-length", "contact")
    assert code_of(contact="11010519491231002X")[1] == "contact"
    public = {"authentication": ClientAuthentication.NONE, "redirect_uris": ()}
    assert code_of(**public) == ("redirect-uri-invalid", "redirect_uris")
    for field in ("pass_to", "matters", "types"):
        for bad in ("", "a b", "x" * 65, "-a", "一"):
            assert code_of(**{field: frozenset({bad})}) == ("registration-name-invalid", field)
        names = frozenset(f"n{number}" for number in range(MAX_NAMES))
        checked(relying(**{field: names}), issuer=ISSUER)
        assert code_of(**{field: names | {"more"}})[0] == "registration-name-invalid"
    checked(relying(contact="x" * MAX_CONTACT_CHARACTERS), issuer=ISSUER)


def test_a_registration_comes_back_as_it_was_made(house: House) -> None:
    target = register(house, resource="https://target.example/")
    made = register(
        house,
        post_logout_redirect_uris=("https://counter.example/bye",),
        backchannel_logout_uri="https://counter.example/out",
        pass_to=frozenset({target.client.id, "api"}),
        contact="信息中心",
        dpop_required=True,
        **keyed(jwks(EC)),
    )
    assert house.registry.get(made.client.id) == made.client
    assert made.client.relying is not None
    assert made.client.relying.sector == "counter.example"
    assert house.store.find_resource("https://counter.example/") == made.client
    assert house.store.find_resource("https://nobody.example/") is None


def test_one_resource_has_one_client(house: House) -> None:
    first = register(house)
    second = register(house, resource="https://two.example/")
    bare = [register(house, resource="") for _ in range(2)]
    assert len({client.client.id for client in bare}) == 2
    with pytest.raises(TrustError) as refusal:
        register(house)
    assert (refusal.value.code, refusal.value.field) == ("client-resource-taken", "resource")
    with pytest.raises(TrustError) as refusal:
        keep_changed(house.database, house.registry.changed(second.client.id, relying()))
    assert refusal.value.code == "client-resource-taken"
    assert house.store.find_resource("https://counter.example/") == first.client


def test_trust_is_passed_to_registered_systems_only(house: House) -> None:
    with pytest.raises(TrustError) as refusal:
        register(house, pass_to=frozenset({"nobody"}))
    assert (refusal.value.code, refusal.value.field) == ("registration-name-invalid", "pass_to")


@pytest.mark.parametrize("method", [ClientAuthentication.NONE, ClientAuthentication.PRIVATE_KEY_JWT])
def test_a_client_without_a_secret_is_told_none(house: House, method: ClientAuthentication) -> None:
    key_set = jwks(EC) if method is ClientAuthentication.PRIVATE_KEY_JWT else None
    made = register(house, authentication=method, jwks=key_set)
    assert made.secret == ""
    with pytest.raises(TrustError) as refusal:
        house.registry.rotate(made.client.id)
    assert refusal.value.code == "client-without-secret"


def test_a_change_changes_what_is_given_and_nothing_of_a_disabled_client(house: House) -> None:
    settle(house)
    made = register(house)
    moved = relying(redirect_uris=("https://counter.example/new",))
    changed = house.registry.changed(made.client.id, moved, label="新系统", scopes="openid")
    assert house.registry.get(made.client.id) == made.client
    keep_changed(house.database, changed)
    assert (changed.label, changed.scopes, changed.created_at) == ("新系统", {"openid"}, made.client.created_at)
    assert house.registry.get(made.client.id) == changed
    with pytest.raises(AuthorizationUnusable):
        house.desk.open(parameters(made.client.id))
    house.registry.disable(made.client.id)
    for identifier, code in ((made.client.id, "client-disabled"), ("nobody", "client-unknown")):
        with pytest.raises(TrustError) as refusal:
            house.registry.changed(identifier, moved)
        assert refusal.value.code == code


def test_a_registration_without_sign_in_stays_possible(house: House) -> None:
    made = house.registry.register(label="A", authority=USCC, scopes="certs:issue")
    assert house.registry.get(made.client.id).relying is None


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_refused_by_our_errors_only(address: str, sector: str, key_set: str) -> None:
    for candidate in (
        RelyingSystem(redirect_uris=(address,)),
        RelyingSystem(redirect_uris=("https://a.example/" + address,), sector=sector),
        RelyingSystem(resource=address, sector="a"),
        replace(RelyingSystem(redirect_uris=("https://a.example/",)), **keyed(key_set)),
    ):
        try:
            assert checked(candidate, issuer=ISSUER).sector
        except TrustError as error:
            assert error.code.endswith("-invalid")  # noqa: PT017  one of many, told by its code
