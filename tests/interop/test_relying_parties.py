"""Relying parties of others against the served provider: npm openid-client (certified), and npm oauth4webapi with jose.

The same tests run with both. A citizen signs in and consents on the real pages, with a browser without JavaScript.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.demo import data
from portal.demo.people import CITIZEN_NAME
from sso.provider.domain import ClientAuthentication, Registered, Scope
from sso.signin.domain import Strength
from tests.interop.relying.house import MATTER, SCOPES, Citizen, House
from tests.interop.relying.node import LIBRARIES, Library, Node, RelyingPartyFailed, prepare, started

pytestmark = pytest.mark.integration

METHODS = ("basic", "post", "private_key_jwt", "none")
REGISTERED_AS = {
    "private_key_jwt": ClientAuthentication.PRIVATE_KEY_JWT,
    "none": ClientAuthentication.NONE,
}


@dataclass(kw_only=True)
class System:
    """A relying system: what is registered, and the library it runs on."""

    node: Node
    registered: Registered
    house: House

    @property
    def id(self) -> str:
        return self.registered.client.id

    @property
    def audience(self) -> str:
        relying = self.registered.client.relying
        assert relying is not None
        return relying.resource

    def set_up(self, authentication: str = "basic", **changes: Any) -> dict[str, Any]:
        """Have the library discover the provider and take up what was registered; return the metadata."""
        given = {
            "issuer": self.house.issuer,
            "client_id": self.id,
            "secret": self.registered.secret,
            "redirect_uri": f"{self.house.listener.address}/callback",
        }
        metadata: dict[str, Any] = self.node.do("setup", authentication=authentication, **given | changes)
        return metadata

    def signed_in(self, citizen: Citizen, *, pushed: bool = False, scope: str = SCOPES, **more: str) -> dict[str, Any]:
        """Have the citizen sign in and return the tokens, with the claims of the judged ID token."""
        return self.redeemed(citizen.sign_in(self.begun(pushed=pushed, scope=scope, **more)))

    def begun(self, *, pushed: bool = False, scope: str = SCOPES, **more: str) -> str:
        address: str = self.node.do("begin", scope=scope, pushed=pushed, more=more)
        return address

    def redeemed(self, callback: str) -> dict[str, Any]:
        tokens: dict[str, Any] = self.node.do("finish", callback=callback)
        return tokens

    def told(self, token: str) -> dict[str, Any]:
        """What introspection says."""
        facts: dict[str, Any] = self.node.do("introspect", token=token)
        return facts

    def alive(self, token: str) -> bool:
        return bool(self.told(token)["active"])


Registering = Callable[..., System]


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("relying"))


@pytest.fixture(scope="session", params=LIBRARIES)
def library(request: pytest.FixtureRequest, scripts: Path) -> Iterator[Library]:
    with started(scripts, request.param) as running:
        yield running


@pytest.fixture
def register(library: Library, house: House) -> Registering:
    """Register a system that runs on the library."""

    def made(method: str = "basic", *, dpop: bool = False, **relying: Any) -> System:
        node = library.party()
        if method == "private_key_jwt":
            relying["jwks"] = json.dumps(node.do("keys"))
        relying["authentication"] = REGISTERED_AS.get(method, ClientAuthentication.SECRET)
        system = System(node=node, registered=house.register(dpop_required=dpop, **relying), house=house)
        system.set_up(method, dpop=dpop)
        return system

    return made


def refused(error: str) -> Any:
    """Expect the provider to refuse with an error of OAuth, as the library understood it."""
    return pytest.raises(RelyingPartyFailed, match=rf"\b{error}\b")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pushed", [False, True])
def test_a_citizen_signs_in(register: Registering, citizen: Citizen, method: str, pushed: bool) -> None:
    """Discovery, request (pushed or not), state, `iss`, PKCE, nonce, ID token, userinfo of the same person."""
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


def test_trust_is_passed_on_twice_and_the_chain_grows(register: Registering, citizen: Citizen) -> None:
    """Token exchange (RFC 8693): the next system sees who passed the citizen on, and the one before that."""
    third = register()
    second = register(pass_to=frozenset({third.id}))
    first = register(pass_to=frozenset({second.id}))
    tokens = first.signed_in(citizen)
    passed = first.node.do("exchange", token=tokens["access_token"], audience=second.id)
    assert passed["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert "refresh_token" not in passed
    further = second.node.do("exchange", token=passed["access_token"], audience=third.audience)

    judged = third.node.do("accept", token=further["access_token"], audience=third.audience)
    assert judged["act"]["sub"] == second.id
    assert judged["act"]["act"]["sub"] == first.id
    assert judged["act"]["act"]["pass"]["matter"] == MATTER.code
    assert third.told(further["access_token"])["act"] == judged["act"]
    assert judged["sub"] != tokens["claims"]["sub"]

    assert not first.alive(further["access_token"])  # it is for the third, and the second obtained it
    assert second.alive(further["access_token"])
    with pytest.raises(RelyingPartyFailed):
        second.node.do("accept", token=further["access_token"], audience=second.audience)
    first.node.do("revoke", token=tokens["access_token"])
    assert not third.alive(further["access_token"])


def test_trust_is_passed_to_registered_systems_only(register: Registering, citizen: Citizen) -> None:
    second = register()
    first = register(pass_to=frozenset({second.id}))
    tokens = first.signed_in(citizen, scope="openid")
    with refused("invalid_target"):
        first.node.do("exchange", token=tokens["access_token"], audience=first.id)
    with refused("invalid_scope"):
        first.node.do("exchange", token=tokens["access_token"], audience=second.id, more={"scope": "openid profile"})
    with refused("unauthorized_client"):
        second.node.do("exchange", token=tokens["access_token"], audience=second.id)


def test_signing_out_reaches_every_system_of_the_session(register: Registering, citizen: Citizen, house: House) -> None:
    """RP-initiated logout, and logout tokens to the system that asked and to the one that trust was passed to."""
    addresses = [house.listener.logout_uri() for _ in range(2)]
    second = register(backchannel_logout_uri=addresses[1])
    first = register(backchannel_logout_uri=addresses[0], pass_to=frozenset({second.id}))
    tokens = first.signed_in(citizen)
    passed = first.node.do("exchange", token=tokens["access_token"], audience=second.id)
    sid = second.told(passed["access_token"])["sid"]

    back = f"{house.listener.address}/signed-out"
    address = first.node.do("logout", hint=tokens["id_token"], back=back, state="home")
    assert citizen.browser.get(address).url == f"{back}?state=home"

    told = first.node.do("loggedOut", token=house.listener.logout_token(addresses[0]))
    assert (told["sub"], told["sid"]) == (tokens["claims"]["sub"], tokens["claims"]["sid"])
    assert second.node.do("loggedOut", token=house.listener.logout_token(addresses[1]))["sid"] == sid
    assert not first.alive(tokens["access_token"])
    assert not second.alive(passed["access_token"])
    with refused("invalid_grant"):
        first.node.do("refresh", token=tokens["refresh_token"])
    with refused("login_required"):
        first.redeemed(citizen.go(first.begun(prompt="none")).url)


def test_a_logout_token_of_another_system_is_none(register: Registering, citizen: Citizen, house: House) -> None:
    address = house.listener.logout_uri()
    system, other = register(backchannel_logout_uri=address), register()
    tokens = system.signed_in(citizen)
    citizen.browser.get(system.node.do("logout", hint=tokens["id_token"], back=f"{house.listener.address}/signed-out"))
    token = house.listener.logout_token(address)
    with pytest.raises(RelyingPartyFailed, match="ERR_JWT_CLAIM_VALIDATION_FAILED"):
        other.node.do("loggedOut", token=token)


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


def test_a_bound_token_is_passed_on_with_its_proof_only(register: Registering, citizen: Citizen) -> None:
    second = register()
    first = register(dpop=True, pass_to=frozenset({second.id}))
    tokens = first.signed_in(citizen)
    passed = first.node.do("exchange", token=tokens["access_token"], audience=second.id)
    assert second.told(passed["access_token"])["cnf"]["jkt"] == first.told(tokens["access_token"])["cnf"]["jkt"]


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


def test_a_system_reads_the_certificates_of_the_matter_with_the_citizens_token(
    register: Registering, citizen: Citizen
) -> None:
    """The token for the certificate API is an exchange too, narrowed to reading."""
    system = register(pass_to=frozenset({"api"}))
    tokens = system.signed_in(citizen)
    for_api = system.node.do("exchange", token=tokens["access_token"], audience="api", more={"scope": "certs:read"})
    assert for_api["scope"] == Scope.CERTS_READ
    audience = f"{system.house.issuer}/api"
    judged = system.node.do("accept", token=for_api["access_token"], audience=audience)
    assert judged["act"]["sub"] == system.id


def test_no_secret_stands_in_the_address_the_browser_is_sent_to(register: Registering) -> None:
    system = register("post")
    query = parse_qs(urlsplit(system.begun(pushed=True)).query)
    assert set(query) <= {"client_id", "request_uri", "response_type", "scope"}
