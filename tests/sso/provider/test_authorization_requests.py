"""Authorization requests: which are shown to the person, which told to the client, which wait and how long."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from sso.provider.authorize import PENDING_SECONDS
from sso.provider.domain import ClientAuthentication, Registered
from sso.provider.errors import (
    AuthorizationExpired,
    AuthorizationRefused,
    AuthorizationUnusable,
)
from sso.provider.requests import (
    MAX_AGE_SECONDS,
    MAX_NONCE_CHARACTERS,
    MAX_PARAMETER_CHARACTERS,
    MAX_PARAMETERS,
    MAX_STATE_CHARACTERS,
    Prompt,
)
from sso.signin.domain import Strength
from tests.sso.provider.changing import keep_changed
from tests.sso.provider.journey import (
    MATTER,
    REDIRECT,
    answer_of,
    parameters,
    register,
    settle,
)
from tests.sso.provider.support import ISSUER, House


def refused(house: House, who: Registered, **changes: str | None) -> dict[str, str]:
    with pytest.raises(AuthorizationRefused) as refusal:
        house.desk.open(parameters(who.client.id, **changes))
    address = refusal.value.redirect_to
    assert address.startswith(f"{REDIRECT}?error=")
    return answer_of(address)


def test_a_request_waits_with_everything_that_pages_show(house: House, who: Registered) -> None:
    pending = house.desk.open(
        parameters(
            who.client.id, prompt="login consent", max_age="60", acr_values="urn:yinxin:aal:2", ui_locales="en zh-CN"
        )
    )
    assert pending == house.desk.find(pending.id)
    assert (pending.client.id, pending.matter, pending.state) == (who.client.id, MATTER, "af0ifjsldkj")
    assert (pending.acr, pending.max_age) == (Strength.ONE_TIME_CODE, 60)
    assert pending.prompt == {Prompt.LOGIN, Prompt.CONSENT}
    assert pending.ui_locales == ("en", "zh-CN")
    assert pending.scopes == {"openid", "profile", "certs:read"}
    assert pending.expires_at == house.clock.now() + timedelta(seconds=PENDING_SECONDS)
    assert pending.id not in repr(pending)


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        REDIRECT + "/",
        REDIRECT + "?",
        REDIRECT + "?a=b",
        REDIRECT + "#f",
        REDIRECT + "/../evil",
        REDIRECT.upper(),
        "https://counter.example:443/cb",
        "https://counter.example:8443/cb",
        "https://user@counter.example/cb",
        "https://counter.example.evil.example/cb",
        "https://evil.example/https://counter.example/cb",
        "https://counter.example/c%62",
        "http://counter.example/cb",
        "http://127.0.0.1:9/cb",
        "javascript:alert(1)",
        "\n" + REDIRECT,
    ],
)
def test_an_address_that_is_not_registered_to_the_letter_is_shown_and_never_gone_to(
    house: House, who: Registered, address: str | None
) -> None:
    with pytest.raises(AuthorizationUnusable) as refusal:
        house.desk.open(parameters(who.client.id, redirect_uri=address))
    assert (refusal.value.code, refusal.value.field) == ("authorization-unusable", "redirect_uri")


def test_loopback_addresses_have_no_rule_of_their_own(house: House) -> None:
    settle(house)
    local = register(
        house,
        redirect_uris=("http://127.0.0.1:5000/cb",),
        authentication=ClientAuthentication.NONE,
        resource="",
    )
    with pytest.raises(AuthorizationUnusable):
        house.desk.open(parameters(local.client.id, redirect_uri="http://127.0.0.1:5001/cb"))
    house.desk.open(parameters(local.client.id, redirect_uri="http://127.0.0.1:5000/cb"))


@pytest.mark.parametrize("client", ["", "nobody", "a\0b", "' OR 1=1 --", "一"])
def test_an_unknown_client_is_shown(house: House, who: Registered, client: str) -> None:
    with pytest.raises(AuthorizationUnusable) as refusal:
        house.desk.open(parameters(client))
    assert refusal.value.field == "client_id"


def test_a_disabled_client_and_one_that_nobody_signs_in_to_are_shown(house: House, who: Registered) -> None:
    plain = house.registry.register(label="A", authority=str(who.client.authority), scopes="openid")
    house.registry.disable(who.client.id)
    for identifier in (who.client.id, plain.client.id):
        with pytest.raises(AuthorizationUnusable):
            house.desk.open(parameters(identifier))


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_repeated_client_or_address_is_shown(house: House, who: Registered, name: str) -> None:
    asked = parameters(who.client.id)
    with pytest.raises(AuthorizationUnusable):
        house.desk.open({**asked, name: [*asked[name], *asked[name]]})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "="}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid email"}, "invalid_scope"),
        ({"scope": "openid certs:issue"}, "invalid_scope"),
        ({"scope": "openid identity"}, "invalid_scope"),
        ({"scope": "openid  profile"}, "invalid_scope"),
        ({"matter": "another"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": str(MAX_AGE_SECONDS + 1)}, "invalid_request"),
        ({"max_age": "١"}, "invalid_request"),
        ({"acr_values": "urn:yinxin:aal:9"}, "unmet_authentication_requirements"),
        ({"nonce": "x" * (MAX_NONCE_CHARACTERS + 1)}, "invalid_request"),
        ({"nonce": "一"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"resource": "https://other.example/"}, "invalid_target"),
        ({"extra": "x" * (MAX_PARAMETER_CHARACTERS + 1)}, "invalid_request"),
    ],
)
def test_everything_else_goes_to_the_client_with_state_and_issuer(
    house: House, who: Registered, changes: dict[str, str | None], error: str
) -> None:
    told = refused(house, who, **changes)
    assert (told["error"], told["state"], told["iss"]) == (error, "af0ifjsldkj", ISSUER)
    assert "code" not in told


@pytest.mark.parametrize("state", ["x" * (MAX_STATE_CHARACTERS + 1), "a\x7f", "一", "a\nb"])
def test_a_state_that_cannot_go_back_as_it_came_does_not(house: House, who: Registered, state: str) -> None:
    told = refused(house, who, state=state)
    assert told["error"] == "invalid_request"
    assert "state" not in told


def test_the_longest_values_are_accepted(house: House, who: Registered) -> None:
    asked = parameters(
        who.client.id,
        state="x" * MAX_STATE_CHARACTERS,
        nonce="x" * MAX_NONCE_CHARACTERS,
        max_age=str(MAX_AGE_SECONDS),
        extra="x" * MAX_PARAMETER_CHARACTERS,
    )
    house.desk.open(asked)
    room = {f"p{number}": ["x"] for number in range(MAX_PARAMETERS - len(asked))}
    house.desk.open({**asked, **room})
    with pytest.raises(AuthorizationRefused):
        house.desk.open({**asked, **room, "more": ["x"]})


@pytest.mark.parametrize("name", ["scope", "state", "code_challenge", "prompt", "unknown"])
def test_a_repeated_parameter_is_refused(house: House, who: Registered, name: str) -> None:
    with pytest.raises(AuthorizationRefused) as refusal:
        house.desk.open({**parameters(who.client.id), name: ["a", "b"]})
    assert refusal.value.error == "invalid_request"


def test_login_hints_are_not_kept(house: House, who: Registered) -> None:
    """A hint may hold an identity number, which never rests in clear (law 7)."""
    with capture_logs() as logs:
        pending = house.desk.open(parameters(who.client.id, login_hint="11010519491231002X"))
    assert "11010519491231002X" not in repr((house.desk.find(pending.id).request, logs))


def test_reading_certificates_needs_one_matter(house: House) -> None:
    settle(house)
    two = register(house, matters=frozenset({MATTER, "other"}))
    assert refused(house, two)["error"] == "invalid_scope"
    assert house.desk.open(parameters(two.client.id, matter="other")).matter == "other"
    assert house.desk.open(parameters(two.client.id, scope="openid")).matter is None


def test_a_waiting_request_ends_after_its_life(house: House, who: Registered) -> None:
    pending = house.desk.open(parameters(who.client.id))
    house.clock.advance(seconds=PENDING_SECONDS - 1)
    house.desk.find(pending.id)
    house.clock.advance(seconds=1)
    with pytest.raises(AuthorizationExpired):
        house.desk.find(pending.id)


@pytest.mark.parametrize("guess", ["", "x" * 43, "x" * 42, "一" * 43, "\0" * 43])
def test_a_guessed_request_is_over(house: House, who: Registered, guess: str) -> None:
    with pytest.raises(AuthorizationExpired):
        house.desk.find(guess)


def test_a_changed_registration_ends_what_no_longer_fits(house: House, who: Registered) -> None:
    pending = house.desk.open(parameters(who.client.id))
    assert who.client.relying is not None
    moved = replace(who.client.relying, redirect_uris=("https://counter.example/new",))
    keep_changed(house.database, house.registry.changed(who.client.id, moved))
    with pytest.raises(AuthorizationExpired):
        house.desk.find(pending.id)
