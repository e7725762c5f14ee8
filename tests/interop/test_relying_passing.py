"""Trust passed on between relying systems of others (RFC 8693), and signing out of all of them at once.

The systems run on the same two JavaScript libraries as in `test_relying_parties`.
"""

from collections.abc import Iterator

import pytest

from sso.provider.domain import Scope
from sso.signin.domain import Strength
from tests.interop.relying.house import ASSIST, MATTER, Citizen, House
from tests.interop.relying.house import clerk as house_clerk
from tests.interop.relying.node import Library, RelyingPartyFailed
from tests.interop.relying.system import Registering, System, refused

pytestmark = pytest.mark.integration

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@pytest.fixture(scope="session")
def clerk(house: House) -> Iterator[Citizen]:
    """The clerk, signed in once for the session: the browser remembers, as a one-time code is good once."""
    made = house_clerk(house)
    yield made
    made.browser.close()


def test_trust_is_passed_on_twice_and_the_chain_grows(register: Registering, citizen: Citizen) -> None:
    """Token exchange (RFC 8693): the next system sees who passed the citizen on, and the one before that."""
    third = register()
    second = register(pass_to=frozenset({third.id}))
    first = register(pass_to=frozenset({second.id}))
    tokens = first.signed_in(citizen)
    passed = first.node.do("exchange", token=tokens["access_token"], audience=second.id)
    assert passed["issued_token_type"] == ACCESS_TOKEN
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


def test_a_clerk_acts_for_the_citizen_at_the_counter(
    library: Library, house: House, citizen: Citizen, clerk: Citizen
) -> None:
    """With an actor token (RFC 8693 section 2.1): citizen as `sub`, clerk and counter in `act`."""
    place = house.counter
    assert place is not None
    first, second = (
        System(node=library.party(), registered=registered, house=house) for registered in (place.system, place.onward)
    )
    for system in (first, second):
        system.set_up()
    tokens = first.signed_in(citizen)
    actor = first.signed_in(clerk, scope=f"openid {ASSIST}", acr_values=Strength.ONE_TIME_CODE.urn)
    assert actor["claims"]["acr"] == Strength.ONE_TIME_CODE.urn
    opening = {"counter": place.id, "matter": MATTER.code}
    address = f"{house.issuer}/api/v1/cases"
    case = first.node.do("call", token=actor["access_token"], method="POST", address=address, body=opening)["case"]

    acting = {"actor_token": actor["access_token"], "actor_token_type": ACCESS_TOKEN, "case": case}
    passed = first.node.do("exchange", token=tokens["access_token"], audience=second.id, more=acting)
    judged = second.node.do("accept", token=passed["access_token"], audience=second.audience)
    assert judged["act"]["sub"] == first.id
    assert judged["act"]["counter"]["id"] == place.id
    assert judged["act"]["clerk"]["sub"] not in {judged["sub"], actor["claims"]["sub"]}
    assert second.alive(passed["access_token"])
    first.node.do("revoke", token=actor["access_token"])
    assert not second.alive(passed["access_token"])  # what the clerk's word made ends with the clerk's token


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


def test_a_bound_token_is_passed_on_with_its_proof_only(register: Registering, citizen: Citizen) -> None:
    second = register()
    first = register(dpop=True, pass_to=frozenset({second.id}))
    tokens = first.signed_in(citizen)
    passed = first.node.do("exchange", token=tokens["access_token"], audience=second.id)
    assert second.told(passed["access_token"])["cnf"]["jkt"] == first.told(tokens["access_token"])["cnf"]["jkt"]


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
    address = f"{audience}/v1/certs/search"
    found = system.node.do("call", token=for_api["access_token"], method="POST", address=address, body={})
    assert found == {"certificates": []}
    with pytest.raises(RelyingPartyFailed):
        system.node.do("call", token=tokens["access_token"], method="POST", address=address, body={})
