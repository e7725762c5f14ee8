"""The authorization endpoint: what is shown, what is told to the client, what is asked of the person."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from sso.accounts.domain import PersonState
from sso.provider.authorize import PENDING_SECONDS, Need
from sso.provider.domain import ClientAuthentication, Registered
from sso.provider.errors import (
    AuthorizationExpired,
    AuthorizationNotReady,
    AuthorizationRefused,
    AuthorizationUnusable,
    MandateNotUsable,
)
from sso.provider.grants import CONSENT_DAYS
from sso.provider.requests import (
    MAX_AGE_SECONDS,
    MAX_NONCE_CHARACTERS,
    MAX_PARAMETER_CHARACTERS,
    MAX_PARAMETERS,
    MAX_STATE_CHARACTERS,
    Prompt,
)
from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import Strength
from tests.sso.provider.journey import (
    CHALLENGE,
    MATTER,
    REDIRECT,
    SCOPES,
    answer_of,
    clerk,
    granted,
    mandate,
    parameters,
    redeem,
    register,
    session,
    settle,
)
from tests.sso.provider.support import ISSUER, House


@pytest.fixture
def who(house: House) -> Registered:
    settle(house)
    return register(house)


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
    house.registry.update_relying(who.client.id, moved)
    with pytest.raises(AuthorizationExpired):
        house.desk.find(pending.id)


def test_nobody_signed_in_signs_in_then_consents_then_nothing_is_missing(house: House, who: Registered) -> None:
    pending = house.desk.open(parameters(who.client.id))
    assert house.desk.need(pending, None) is Need.SIGN_IN
    assert house.desk.need(pending, session(house)) is Need.CONSENT
    told = answer_of(house.desk.approve(pending, session(house)))
    assert (told["state"], told["iss"], len(told["code"])) == ("af0ifjsldkj", ISSUER, 43)
    again = house.desk.open(parameters(who.client.id))
    assert house.desk.need(again, session(house)) is Need.NOTHING
    house.desk.approve(again, session(house))


def test_an_approval_counts_once(house: House, who: Registered) -> None:
    pending = house.desk.open(parameters(who.client.id))
    house.desk.need(pending, session(house))
    house.desk.approve(pending, session(house))
    with pytest.raises(AuthorizationExpired):
        house.desk.approve(pending, session(house))


def test_only_the_session_that_saw_the_page_consents(house: House, who: Registered) -> None:
    """An attacker's request in a victim's browser, or the other way round, gets no further than the page."""
    pending = house.desk.open(parameters(who.client.id))
    with pytest.raises(AuthorizationNotReady):
        house.desk.approve(pending, session(house))
    house.desk.need(pending, session(house, id="S2", person="P2"))
    with pytest.raises(AuthorizationNotReady):
        house.desk.approve(pending, session(house))
    house.desk.approve(pending, session(house, id="S2", person="P2"))


def test_an_old_sign_in_does_not_do_for_prompt_login(house: House, who: Registered) -> None:
    old = session(house)
    house.clock.advance(seconds=1)
    for prompt in ("login", "select_account"):
        pending = house.desk.open(parameters(who.client.id, prompt=prompt))
        assert house.desk.need(pending, old) is Need.SIGN_IN
        with pytest.raises(AuthorizationNotReady):
            house.desk.approve(pending, old)
        assert house.desk.need(pending, session(house)) is Need.CONSENT


@pytest.mark.parametrize(("age", "need"), [(60, Need.CONSENT), (61, Need.SIGN_IN)])
def test_max_age_counts_from_the_request(house: House, who: Registered, age: int, need: Need) -> None:
    old = session(house)
    house.clock.advance(seconds=age)
    pending = house.desk.open(parameters(who.client.id, max_age="60"))
    assert house.desk.need(pending, old) is need


def test_max_age_zero_asks_for_a_new_sign_in(house: House, who: Registered) -> None:
    old = session(house)
    house.clock.advance(seconds=1)
    pending = house.desk.open(parameters(who.client.id, max_age="0"))
    assert house.desk.need(pending, old) is Need.SIGN_IN
    assert house.desk.need(pending, session(house)) is Need.CONSENT


def test_a_weak_session_steps_up_and_an_old_one_is_no_way_round(house: House, who: Registered) -> None:
    pending = house.desk.open(parameters(who.client.id, acr_values="urn:yinxin:aal:3 urn:yinxin:aal:2"))
    assert house.desk.need(pending, session(house)) is Need.STEP_UP
    with pytest.raises(AuthorizationNotReady):
        house.desk.approve(pending, session(house))
    strong = session(house, strength=Strength.ONE_TIME_CODE)
    assert house.desk.need(pending, strong) is Need.CONSENT


@pytest.mark.parametrize(
    ("error", "signed_in", "extra"),
    [
        ("login_required", False, {}),
        ("consent_required", True, {}),
        ("interaction_required", True, {"acr_values": "urn:yinxin:aal:3"}),
    ],
)
def test_prompt_none_asks_nothing(
    house: House, who: Registered, error: str, signed_in: bool, extra: dict[str, str]
) -> None:
    pending = house.desk.open(parameters(who.client.id, prompt="none", **extra))
    with pytest.raises(AuthorizationRefused) as refusal:
        house.desk.need(pending, session(house) if signed_in else None)
    told = answer_of(refusal.value.redirect_to)
    assert (told["error"], told["state"], told["iss"]) == (error, "af0ifjsldkj", ISSUER)
    with pytest.raises(AuthorizationExpired):
        house.desk.find(pending.id)


def test_prompt_none_passes_where_nothing_is_missing(house: House, who: Registered) -> None:
    granted(house, who.client.id)
    pending = house.desk.open(parameters(who.client.id, prompt="none"))
    assert house.desk.need(pending, session(house)) is Need.NOTHING
    assert "code" in answer_of(house.desk.approve(pending, session(house)))


def test_a_person_can_refuse(house: House, who: Registered) -> None:
    pending = house.desk.open(parameters(who.client.id))
    told = answer_of(house.desk.refuse(pending))
    assert told == {"error": "access_denied", "state": "af0ifjsldkj", "iss": ISSUER}
    with pytest.raises(AuthorizationExpired):
        house.desk.find(pending.id)


def test_consent_is_asked_for_what_is_new_and_when_the_client_says_so(house: House, who: Registered) -> None:
    granted(house, who.client.id, scope="openid")
    assert house.desk.need(house.desk.open(parameters(who.client.id)), session(house)) is Need.CONSENT
    granted(house, who.client.id)
    assert house.desk.need(house.desk.open(parameters(who.client.id, scope="openid")), session(house)) is Need.NOTHING
    asked = house.desk.open(parameters(who.client.id, prompt="consent"))
    assert house.desk.need(asked, session(house)) is Need.CONSENT


def test_consent_is_for_one_person_one_client_one_matter(house: House, who: Registered) -> None:
    two = register(house, matters=frozenset({MATTER, "other"}), resource="https://two.example/")
    granted(house, two.client.id, matter=MATTER)
    assert house.desk.need(house.desk.open(parameters(two.client.id, matter="other")), session(house)) is Need.CONSENT
    assert house.desk.need(house.desk.open(parameters(who.client.id)), session(house)) is Need.CONSENT
    other = session(house, id="S2", person="P2")
    assert house.desk.need(house.desk.open(parameters(two.client.id, matter=MATTER)), other) is Need.CONSENT


def test_consent_is_asked_for_again_in_time(house: House, who: Registered) -> None:
    granted(house, who.client.id)
    house.clock.advance(days=CONSENT_DAYS, seconds=-1)
    granted(house, who.client.id)  # using a consent does not prolong it
    assert house.desk.need(house.desk.open(parameters(who.client.id)), session(house)) is Need.NOTHING
    house.clock.advance(seconds=1)
    assert house.desk.need(house.desk.open(parameters(who.client.id)), session(house)) is Need.CONSENT


def test_a_session_that_ended_meanwhile_grants_nothing(house: House, who: Registered) -> None:
    for tie in (Tie(TieKind.SESSION, "S1"), Tie(TieKind.PERSON, "P2/1")):
        mine = session(house) if tie.kind is TieKind.SESSION else session(house, id="S2", person="P2")
        pending = house.desk.open(parameters(who.client.id))
        house.desk.need(pending, mine)
        house.revocations.cut([tie], reason="test", at=house.clock.now())
        with pytest.raises(AuthorizationNotReady):
            house.desk.approve(pending, mine)
        house.desk.find(pending.id)  # nothing half-done: the request still waits


def test_a_person_who_is_not_who_signed_in_any_more_grants_nothing(house: House, who: Registered) -> None:
    people = house.registers.people
    for change in ({"state": PersonState.DISABLED}, {"epoch": 2}):
        before = people["P1"]
        people["P1"] = replace(before, **change)
        pending = house.desk.open(parameters(who.client.id))
        house.desk.need(pending, session(house))
        with pytest.raises(AuthorizationNotReady):
            house.desk.approve(pending, session(house))
        people["P1"] = before


def test_someone_who_may_act_for_another_is_asked_for_whom(house: House, who: Registered) -> None:
    granted(house, who.client.id)
    mandate(house)
    assert house.desk.need(house.desk.open(parameters(who.client.id)), session(house)) is Need.CONSENT


@pytest.mark.parametrize("chosen", ["M2", "", "a\0b"])
def test_a_mandate_that_is_not_theirs_is_refused(house: House, who: Registered, chosen: str) -> None:
    mandate(house)
    mandate(house, id="M2", agent="P2")
    pending = house.desk.open(parameters(who.client.id))
    house.desk.need(pending, session(house))
    with pytest.raises(MandateNotUsable):
        house.desk.approve(pending, session(house), represents=chosen)
    house.desk.approve(house.desk.find(pending.id), session(house), represents="M1")


def test_nobody_acts_for_a_person_who_is_disabled(house: House, who: Registered) -> None:
    mandate(house)
    people = house.registers.people
    people["P9"] = replace(people["P9"], state=PersonState.DISABLED)
    with pytest.raises(MandateNotUsable):
        granted(house, who.client.id, represents="M1")


def test_the_scope_of_clerks_is_for_clerks_and_hangs_on_their_office(house: House) -> None:
    settle(house)
    desk = register(house, scopes="openid counter:assist")
    pending = house.desk.open(parameters(desk.client.id, scope="openid counter:assist"))
    house.desk.need(pending, session(house))
    assert answer_of(house.desk.approve(pending, session(house)))["error"] == "access_denied"
    clerk(house)
    code = granted(house, desk.client.id, scope="openid counter:assist")
    token = redeem(house, desk, code).get_json()["access_token"]
    assert Tie(TieKind.CLERK, "C1/1") in house.reader.read(token).contents.ties


def test_a_matter_that_left_the_catalogue_is_told_to_the_client(house: House, who: Registered) -> None:
    pending = house.desk.open(parameters(who.client.id))
    house.desk.need(pending, session(house))
    house.registers.matters.clear()
    assert answer_of(house.desk.approve(pending, session(house)))["error"] == "invalid_request"


def test_the_answer_joins_a_query_that_was_registered(house: House) -> None:
    settle(house)
    address = "https://counter.example/cb?tenant=a"
    tenant = register(house, redirect_uris=(address,))
    pending = house.desk.open(parameters(tenant.client.id, redirect_uri=address))
    assert house.desk.refuse(pending).startswith(f"{address}&error=access_denied")


def test_no_code_and_no_request_id_is_kept_or_logged(house: House, who: Registered) -> None:
    with capture_logs() as logs:
        pending = house.desk.open(parameters(who.client.id, scope=SCOPES))
        house.desk.need(pending, session(house))
        code = answer_of(house.desk.approve(pending, session(house)))["code"]
    with house.database.connect() as connection:
        statements = ("select * from sso_requests", "select * from sso_codes")
        kept = repr([connection.exec_driver_sql(statement).all() for statement in statements])
    for secret in (pending.id, code):
        assert secret not in kept + repr(logs)
    assert CHALLENGE in kept


def test_what_a_client_writes_into_its_request_is_kept_sealed(house: House, who: Registered) -> None:
    """A careless system puts a number of a person into `state` or `nonce` (law 7)."""
    number = "11010519491231002X"
    kept = []

    def look() -> None:
        with house.database.connect() as connection:
            statements = ("select * from sso_requests", "select * from sso_codes")
            kept.append(repr([connection.exec_driver_sql(statement).all() for statement in statements]))

    pending = house.desk.open(parameters(who.client.id, state=number, nonce=number))
    look()
    assert house.desk.find(pending.id).nonce == number
    house.desk.need(pending, session(house))
    assert answer_of(house.desk.approve(pending, session(house)))["state"] == number
    look()
    assert all(len(each) > 200 and number not in each for each in kept)
