"""A sandbox reaches nothing real: each rule of `sso.provider.sandbox`, from both sides."""

from dataclasses import replace
from typing import Any

import pytest

from sso.accounts.domain import Person
from sso.provider import sandbox
from sso.provider.application_errors import SandboxNotAllowed, SandboxPresent, SandboxRuleBroken
from sso.provider.domain import Registered, RelyingSystem, Scope
from sso.provider.service import ClientRegistry
from tests.fakes import CountingRandomness
from tests.sso.provider import journey
from tests.sso.provider.support import USCC, House
from trust.formats.holders import HolderNumber

INVENTED = "11000000DEM0YX001B"
REDIRECT = "http://127.0.0.1:5001/callback"
SCOPES = "openid profile certs:read offline_access"


@pytest.fixture
def registry(house: House) -> ClientRegistry:
    return ClientRegistry(
        house.store, house.clock, CountingRandomness(), issuer="https://trust.example", sandboxes=True
    )


def boxed(**changes: Any) -> RelyingSystem:
    return RelyingSystem(**({"redirect_uris": (REDIRECT,), "sandbox": True, "sector": "sandbox"} | changes))


def opened(registry: ClientRegistry, *, authority: str = INVENTED, scopes: str = SCOPES, **changes: Any) -> Registered:
    return registry.register_relying(label="沙箱", authority=authority, scopes=scopes, relying=boxed(**changes))


def test_a_sandbox_on_the_machine_itself_is_registered(registry: ClientRegistry) -> None:
    client = opened(
        registry,
        post_logout_redirect_uris=("http://localhost:5001/",),
        backchannel_logout_uri="http://[::1]:5001/out",
        resource="http://127.0.0.1:5001/api",
        pass_to=frozenset({"api"}),
    ).client
    assert client.relying
    assert client.relying.sandbox


def test_an_installation_that_admits_none_registers_none(house: House) -> None:
    with pytest.raises(SandboxNotAllowed) as caught:
        opened(house.registry)
    assert caught.value.code == "sandbox-not-allowed"
    assert house.registry.clients() == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"redirect_uris": (REDIRECT, "https://counter.example/cb")}, "redirect_uris"),
        ({"post_logout_redirect_uris": ("https://counter.example/bye",)}, "post_logout_redirect_uris"),
        ({"backchannel_logout_uri": "https://counter.example/out"}, "backchannel_logout_uri"),
        ({"resource": "https://counter.example/api"}, "resource"),
        ({"authority": USCC}, "authority"),
        *(
            ({"scopes": f"openid {scope.value}"}, "scopes")
            for scope in sorted(frozenset(Scope) - sandbox.SCOPES - {Scope.OPENID})
        ),
    ],
)
def test_what_reaches_beyond_is_refused(registry: ClientRegistry, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SandboxRuleBroken) as caught:
        opened(registry, **changes)
    assert (caught.value.code, caught.value.field) == ("sandbox-rule", field)
    assert registry.clients() == ()


def test_trust_stays_on_its_side(registry: ClientRegistry) -> None:
    box = opened(registry).client.id
    real = registry.register_relying(label="真", authority=USCC, scopes="openid", relying=journey.relying()).client.id
    assert opened(registry, pass_to=frozenset({box, "api"}))
    for target, relying in ((real, boxed()), (box, journey.relying(resource="https://other.example/"))):
        with pytest.raises(SandboxRuleBroken) as caught:
            registry.register_relying(
                label="乙", authority=INVENTED, scopes="openid", relying=replace(relying, pass_to=frozenset({target}))
            )
        assert caught.value.field == "pass_to"


def test_a_sandbox_stays_one_and_a_real_system_becomes_none(registry: ClientRegistry) -> None:
    box = opened(registry).client.id
    real = registry.register_relying(label="真", authority=USCC, scopes="openid", relying=journey.relying()).client.id
    for client, relying in ((box, journey.relying(resource="")), (real, boxed())):
        with pytest.raises(SandboxRuleBroken) as caught:
            registry.changed(client, relying)
        assert caught.value.field == "sandbox"


def test_a_service_that_admits_none_does_not_start_with_one(registry: ClientRegistry) -> None:
    box = opened(registry).client.id
    sandbox.check_absent(registry.clients(), allowed=True)
    with pytest.raises(SandboxPresent) as caught:
        sandbox.check_absent(registry.clients(), allowed=False)
    assert caught.value.code == "sandbox-present"
    assert box in caught.value.detail
    registry.disable(box)
    sandbox.check_absent(registry.clients(), allowed=False)


@pytest.mark.parametrize(
    ("kind", "number", "invented"),
    [
        ("111", "119999198802290013", True),
        ("111", "11010519491231002X", False),
        ("001", "92110105MADEM0YX5T", False),
        ("001", "11000000DEM0YX001B", True),
        ("001", USCC, False),
        ("414", "E119999DEM", False),
    ],
)
def test_who_is_invented_is_told_by_the_number(kind: str, number: str, invented: bool) -> None:
    assert sandbox.is_invented(HolderNumber(kind=kind, number=number)) is invented


def test_only_invented_people_sign_in_to_a_sandbox(house: House, registry: ClientRegistry) -> None:
    journey.settle(house)
    box = opened(registry, matters=frozenset({journey.MATTER}))
    people = house.registers.people
    people["P3"] = invented(people[journey.CITIZEN], "119999198802290013")
    assert "error=access_denied" in answered(house, box, journey.CITIZEN)
    assert "code=" in answered(house, box, "P3")


def test_a_real_organisation_is_not_represented_in_a_sandbox(house: House, registry: ClientRegistry) -> None:
    journey.settle(house)
    people = house.registers.people
    people["P3"] = invented(people[journey.CITIZEN], "119999198802290013")
    mandate = journey.mandate(house, agent="P3")
    box = opened(registry)
    assert "error=access_denied" in answered(house, box, "P3", represents=mandate.id)
    people[journey.FIRM] = replace(people[journey.FIRM], code=HolderNumber(kind="001", number=INVENTED))
    assert "code=" in answered(house, box, "P3", represents=mandate.id)


def invented(person: Person, number: str) -> Person:
    return replace(person, id="P3", code=HolderNumber(kind="111", number=number))


def answered(house: House, box: Registered, person: str, represents: str | None = None) -> str:
    """Sign in and allow everything; return where the browser is sent."""
    asked = journey.parameters(box.client.id, redirect_uri=REDIRECT, scope="openid profile")
    pending = house.desk.open(asked)
    session = journey.session(house, person=person)
    house.desk.need(pending, session)
    return house.desk.approve(house.desk.find(pending.id), session, represents=represents)
