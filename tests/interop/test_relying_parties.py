"""Relying parties of others against the served provider: npm openid-client (certified), and npm oauth4webapi with jose.

The same tests run with both. A citizen signs in and consents on the real pages, with a browser without JavaScript.
Passing trust on and signing out are in `test_relying_passing`.
"""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.demo import data
from portal.demo.people import CITIZEN_NAME
from sso.signin.domain import Strength
from tests.interop.relying.house import Citizen
from tests.interop.relying.node import RelyingPartyFailed
from tests.interop.relying.system import METHODS, Registering, refused

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pushed", [False, True])
def test_a_citizen_signs_in(register: Registering, citizen: Citizen, method: str, pushed: bool) -> None:
    """Discovery, request (pushed or not), state, `iss`, PKCE, nonce, ID token, userinfo, refresh, revocation."""
    system = register(method, par_required=pushed)
    tokens = system.signed_in(citizen, pushed=pushed, max_age="600")
    claims = tokens["claims"]
    assert claims["iss"] == system.house.issuer
    assert claims["aud"] == system.id
    assert claims["acr"] == Strength.PASSWORD.urn
    assert tokens["token_type"].lower() == "bearer"
    told = system.node.do("userinfo", token=tokens["access_token"], subject=claims["sub"])
    assert told["name"] == told["verified_claims"]["claims"]["name"] == CITIZEN_NAME
    assert data.RESIDENT_NUMBER not in json.dumps(told) + json.dumps(claims)
    renewed = system.node.do("refresh", token=tokens["refresh_token"])
    system.node.do("revoke", token=renewed["refresh_token"])
    with refused("invalid_grant"):
        system.node.do("refresh", token=renewed["refresh_token"])


def test_both_discovery_documents_are_taken(register: Registering) -> None:
    system = register()
    assert system.set_up(algorithm="oidc") == system.set_up(algorithm="oauth2")


def test_a_plain_request_of_a_system_that_must_push_is_answered_with_an_error(
    register: Registering, citizen: Citizen
) -> None:
    system = register(par_required=True)
    with refused("invalid_request"):
        system.redeemed(citizen.go(system.begun()).url)


def test_a_citizen_who_declines_is_reported(register: Registering, citizen: Citizen) -> None:
    """The libraries judge state and `iss` of the error as well (RFC 9207)."""
    system = register()
    with refused("access_denied"):
        system.redeemed(citizen.decide(citizen.go(system.begun()), "refuse").url)


def test_a_system_can_ask_without_showing_a_page(register: Registering, citizen: Citizen) -> None:
    system = register()
    with refused("login_required"):
        system.redeemed(citizen.go(system.begun(prompt="none")).url)
    first = system.signed_in(citizen)
    again = system.redeemed(citizen.go(system.begun(prompt="none")).url)
    assert again["claims"]["sub"] == first["claims"]["sub"]
    assert again["claims"]["auth_time"] == first["claims"]["auth_time"]


def test_two_systems_know_one_citizen_under_two_names(register: Registering, citizen: Citizen) -> None:
    first, second = (register().signed_in(citizen)["claims"] for _ in range(2))
    assert first["sub"] != second["sub"]
    assert first["sid"] != second["sid"]


def test_an_answer_is_good_for_its_own_request_only(register: Registering, citizen: Citizen) -> None:
    system = register()
    callback = citizen.sign_in(system.begun())
    system.begun()
    with pytest.raises(RelyingPartyFailed, match="OAUTH_INVALID_RESPONSE"):
        system.redeemed(callback)


def test_a_code_that_comes_twice_takes_its_tokens_with_it(register: Registering, citizen: Citizen) -> None:
    system = register()
    callback = citizen.sign_in(system.begun())
    tokens = system.redeemed(callback)
    assert system.alive(tokens["access_token"])
    with refused("invalid_grant"):
        system.redeemed(callback)
    assert not system.alive(tokens["access_token"])


def test_refresh_tokens_rotate_and_one_used_twice_ends_the_family(register: Registering, citizen: Citizen) -> None:
    system = register()
    first = system.signed_in(citizen)
    second = system.node.do("refresh", token=first["refresh_token"])
    assert second["claims"]["sub"] == first["claims"]["sub"]
    assert second["refresh_token"] != first["refresh_token"]
    assert system.alive(second["access_token"])
    with refused("invalid_grant"):
        system.node.do("refresh", token=first["refresh_token"])
    assert not system.alive(second["access_token"])
    with refused("invalid_grant"):
        system.node.do("refresh", token=second["refresh_token"])


def test_revoking_a_refresh_token_ends_the_grant(register: Registering, citizen: Citizen) -> None:
    system = register()
    tokens = system.signed_in(citizen)
    for name in ("access_token", "refresh_token"):
        assert system.alive(tokens[name])
    system.node.do("revoke", token=tokens["refresh_token"])
    for name in ("access_token", "refresh_token"):
        assert not system.alive(tokens[name])
    with refused("invalid_grant"):
        system.node.do("refresh", token=tokens["refresh_token"])


def test_revoking_an_access_token_leaves_the_refresh_token(register: Registering, citizen: Citizen) -> None:
    system = register()
    tokens = system.signed_in(citizen)
    system.node.do("revoke", token=tokens["access_token"])
    assert not system.alive(tokens["access_token"])
    assert system.alive(system.node.do("refresh", token=tokens["refresh_token"])["access_token"])


@pytest.mark.parametrize("method", ["basic", "none"])
def test_tokens_can_be_bound_to_a_key(register: Registering, citizen: Citizen, method: str) -> None:
    """DPoP (RFC 9449) from the pushed request to userinfo and refresh; a thief without the key gets nothing."""
    system = register(method, dpop=True)
    tokens = system.signed_in(citizen, pushed=True)
    assert tokens["token_type"].lower() == "dpop"
    subject = tokens["claims"]["sub"]
    assert system.node.do("userinfo", token=tokens["access_token"], subject=subject)["sub"] == subject
    renewed = system.node.do("refresh", token=tokens["refresh_token"])
    assert renewed["token_type"].lower() == "dpop"
    assert system.node.do("userinfo", token=renewed["access_token"], subject=subject)["sub"] == subject

    for dpop in (True, False):  # with another key, and as if it were a bearer token
        system.set_up(method, dpop=dpop)
        with pytest.raises(RelyingPartyFailed) as caught:
            system.node.do("userinfo", token=renewed["access_token"], subject=subject)
        assert caught.value.status == 401


def test_a_system_that_must_prove_its_key_gets_nothing_without(register: Registering, citizen: Citizen) -> None:
    system = register(dpop=True)
    system.set_up(dpop=False)
    with refused("invalid_dpop_proof"):
        system.redeemed(citizen.sign_in(system.begun()))


def test_a_wrong_secret_is_refused_at_every_endpoint(register: Registering) -> None:
    system = register()
    system.set_up(secret="wrong")
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("begin", {"scope": "openid", "pushed": True}),
        ("refresh", {"token": "unknown"}),
        ("introspect", {"token": "unknown"}),
        ("revoke", {"token": "unknown"}),
    )
    for operation, given in calls:
        with pytest.raises(RelyingPartyFailed) as caught:
            system.node.do(operation, **given)
        assert caught.value.status == 401, operation


def test_no_secret_stands_in_the_address_the_browser_is_sent_to(register: Registering) -> None:
    system = register("post")
    query = parse_qs(urlsplit(system.begun(pushed=True)).query)
    assert set(query) <= {"client_id", "request_uri", "response_type", "scope"}
