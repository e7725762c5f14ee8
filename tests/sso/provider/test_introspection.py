"""Who is told what of a token (RFC 7662), and who can end one (RFC 7009)."""

import base64
import json
from dataclasses import replace

import pytest

from sso.provider.domain import ClientAuthentication, Registered
from sso.revocation.domain import Tie, TieKind
from tests.sso.provider.journey import (
    SCOPES,
    browser,
    error_of,
    granted,
    mandate,
    post,
    redeem,
    refresh,
    register,
    settle,
    signed_in,
)
from tests.sso.provider.support import ISSUER, USCC, House, decode
from trust.kernel.errors import NotAuthenticated


def ask(house: House, asker: Registered, token: str) -> dict[str, object]:
    answer = post(house, "/oauth/introspect", {"token": token}, asker)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    return dict(answer.get_json())


def revoke(house: House, asker: Registered, token: str) -> int:
    return post(house, "/oauth/revoke", {"token": token}, asker).status_code


def test_a_living_token_is_told_in_full_but_for_what_is_sealed(house: House, who: Registered) -> None:
    answer = signed_in(house, who)
    told = ask(house, who, answer["access_token"])
    assert told == {
        "active": True,
        "sid": json.loads(decode(answer["id_token"].split(".")[1]))["sid"],
        "token_type": "Bearer",
        "iss": ISSUER,
        "sub": house.subjects.subject("P1", sector="counter.example"),
        "aud": "https://counter.example/",
        "client_id": who.client.id,
        "scope": "certs:read openid profile",
        "matter": "food-licence",
        "purpose": "To license food",
        "acr": "urn:yinxin:aal:1",
        "amr": ["pwd"],
        "ial": "urn:yinxin:ial:2",
        "auth_time": told["auth_time"],
        "iat": told["iat"],
        "exp": told["exp"],
        "jti": told["jti"],
    }


def test_the_whole_chain_is_told(house: House, who: Registered) -> None:
    contents = house.reader.read(signed_in(house, who)["access_token"]).contents
    act = {"sub": "c2", "counter": "7", "act": {"sub": "c1", "act": {"sub": "c0"}}}
    derived = replace(contents, act=act, depth=3, case="CASE1", purpose="p")
    minted = house.mint.mint(derived, expires_at=house.clock.now().replace(year=2099), sector="counter.example")
    told = ask(house, who, minted.value)
    assert (told["act"], told["case"]) == (act, "CASE1")


def test_both_sides_of_a_representation_are_told(house: House, who: Registered) -> None:
    mandate(house)
    token = redeem(house, who, granted(house, who.client.id, represents="M1")).get_json()["access_token"]
    represents = ask(house, who, token)["represents"]
    assert isinstance(represents, dict)
    assert (represents["uscc"], represents["mandate"]["id"]) == (USCC, "M1")


def test_nobody_else_is_told_anything(house: House, who: Registered) -> None:
    token = signed_in(house, who, scope=SCOPES)
    stranger = register(house, resource="https://stranger.example/")
    nameless = register(house, resource="", sector="counter.example")
    for asker in (stranger, nameless):
        assert ask(house, asker, token["access_token"]) == {"active": False}
        assert ask(house, asker, token["refresh_token"]) == {"active": False}


def test_the_audiences_system_and_a_client_with_the_right_are_told(house: House, who: Registered) -> None:
    target = register(house, resource="https://target.example/")
    right = house.registry.register(label="监督", authority=USCC, scopes="tokens:introspect")
    contents = house.reader.read(signed_in(house, who)["access_token"]).contents
    passed = replace(contents, audience="https://target.example/")
    later = house.clock.now().replace(year=2099)
    token = house.mint.mint(passed, expires_at=later, sector="target.example").value
    assert ask(house, target, token)["active"] is True
    assert ask(house, right, token)["active"] is True
    assert ask(house, who, token)["active"] is True  # it was issued to this client
    system = house.registry.register(label="业务系统", authority=USCC, scopes="certs:read")
    own = post(house, "/oauth/token", {"grant_type": "client_credentials"}, system).get_json()["access_token"]
    assert ask(house, system, own)["active"] is True
    assert ask(house, right, own)["active"] is True
    assert ask(house, target, own) == {"active": False}


def test_a_token_for_no_ones_resource_is_not_for_those_without_one(house: House) -> None:
    settle(house)
    bare = register(house, resource="")
    other = register(house, resource="")
    token = signed_in(house, bare)["access_token"]
    assert ask(house, bare, token)["aud"] == ISSUER
    assert ask(house, other, token) == {"active": False}


@pytest.mark.parametrize("kind", [TieKind.SESSION, TieKind.PERSON, TieKind.GRANT, TieKind.TOKEN])
def test_a_dead_token_is_not_active(house: House, who: Registered, kind: TieKind) -> None:
    token = signed_in(house, who)["access_token"]
    (tie,) = (tie for tie in house.reader.read(token).contents.ties if tie.kind is kind)
    house.revocations.cut([tie], reason="test", at=house.clock.now())
    assert ask(house, who, token) == {"active": False}


def test_an_expired_token_is_not_active(house: House, who: Registered) -> None:
    tokens = signed_in(house, who, scope=SCOPES)
    house.clock.advance(seconds=299)
    assert ask(house, who, tokens["access_token"])["active"] is True
    house.clock.advance(seconds=1)
    assert ask(house, who, tokens["access_token"]) == {"active": False}
    assert ask(house, who, tokens["refresh_token"])["active"] is True
    house.clock.advance(hours=1)
    assert ask(house, who, tokens["refresh_token"]) == {"active": False}


def test_asking_about_a_refresh_token_uses_nothing_up(house: House, who: Registered) -> None:
    tokens = signed_in(house, who, scope=SCOPES)
    assert ask(house, who, tokens["refresh_token"])["scope"] == SCOPES_SORTED
    following = refresh(house, who, tokens["refresh_token"])
    assert following.status_code == 200
    assert ask(house, who, tokens["refresh_token"]) == {"active": False}
    assert ask(house, who, following.get_json()["refresh_token"])["active"] is True


SCOPES_SORTED = " ".join(sorted(SCOPES.split()))


@pytest.mark.parametrize("token", ["x", "x" * 43, "a.b.c", "..", "一", "eyJhbGciOiJub25lIn0.e30.", "x" * 9000])
def test_what_is_no_token_is_not_active_and_revoking_it_is_no_error(house: House, who: Registered, token: str) -> None:
    assert ask(house, who, token) == {"active": False}
    assert revoke(house, who, token) == 200


def test_an_id_token_is_no_access_token(house: House, who: Registered) -> None:
    assert ask(house, who, signed_in(house, who)["id_token"]) == {"active": False}


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
def test_the_endpoints_know_their_clients(house: House, who: Registered, path: str) -> None:
    assert error_of(post(house, path, {"token": "x"}, None)) == (401, "invalid_client")
    assert error_of(post(house, path, {}, who)) == (400, "invalid_request")
    basic = "Basic " + base64.b64encode(f"{who.client.id}:{who.secret}".encode()).decode()
    assert post(house, path, {"token": "x"}, None, Authorization=basic).status_code == 200
    assert post(house, path, {"token": "x"}, who).status_code == 200  # client_secret_post, as python-keycloak sends
    assert error_of(post(house, path, {"token": "x"}, who, Authorization=basic)) == (400, "invalid_request")
    assert error_of(browser(house).post(path + "?token=x", data={"token": "x"})) == (400, "invalid_request")


def test_a_public_client_is_told_nothing(house: House) -> None:
    settle(house)
    public = register(house, authentication=ClientAuthentication.NONE)
    token = signed_in(house, public)["access_token"]
    assert error_of(post(house, "/oauth/introspect", {"token": token}, public)) == (401, "invalid_client")
    assert revoke(house, public, token) == 200


def test_revoking_an_access_token_ends_that_one(house: House, who: Registered) -> None:
    first, second = (signed_in(house, who)["access_token"] for _ in range(2))
    assert revoke(house, who, first) == 200
    with pytest.raises(NotAuthenticated):
        house.reader.read(first)
    house.reader.read(second)
    assert revoke(house, who, first) == 200


def test_revoking_a_refresh_token_ends_its_grant(house: House, who: Registered) -> None:
    tokens = signed_in(house, who, scope=SCOPES)
    assert revoke(house, who, tokens["refresh_token"]) == 200
    with pytest.raises(NotAuthenticated):
        house.reader.read(tokens["access_token"])
    assert error_of(refresh(house, who, tokens["refresh_token"])) == (400, "invalid_grant")


def test_what_was_derived_from_a_revoked_token_ends_with_it(house: House, who: Registered) -> None:
    token = signed_in(house, who)["access_token"]
    read = house.reader.read(token)
    derived = house.mint.mint(read.contents, expires_at=read.expires_at, sector="two.example").value
    house.reader.read(derived)
    revoke(house, who, token)
    with pytest.raises(NotAuthenticated):
        house.reader.read(derived)


def test_a_clients_own_token_can_be_given_back(house: House) -> None:
    system = house.registry.register(label="业务系统", authority=USCC, scopes="certs:read")
    own = post(house, "/oauth/token", {"grant_type": "client_credentials"}, system).get_json()["access_token"]
    house.checker.check(own)
    assert revoke(house, system, own) == 200
    with pytest.raises(NotAuthenticated):
        house.checker.check(own)


def test_another_clients_token_is_refused_and_lives_on(house: House, who: Registered) -> None:
    thief = register(house, resource="https://thief.example/")
    tokens = signed_in(house, who, scope=SCOPES)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert error_of(post(house, "/oauth/revoke", {"token": token}, thief)) == (400, "invalid_grant")
    house.reader.read(tokens["access_token"])
    assert refresh(house, who, tokens["refresh_token"]).status_code == 200


def test_a_token_carries_every_tie_of_its_parent(house: House, who: Registered) -> None:
    read = house.reader.read(signed_in(house, who)["access_token"])
    minted = house.mint.mint(read.contents, expires_at=read.expires_at, sector="x")
    ties = house.reader.read(minted.value).contents.ties
    assert read.contents.ties | {Tie(TieKind.TOKEN, minted.jti)} == ties
