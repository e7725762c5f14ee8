"""Authorization: what is asked of the person, for what they decide, and what the client is told of it."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from sso.accounts.domain import PersonState
from sso.provider.authorize import Need
from sso.provider.domain import Registered
from sso.provider.errors import (
    AuthorizationExpired,
    AuthorizationNotReady,
    AuthorizationRefused,
    MandateNotUsable,
)
from sso.provider.grants import CONSENT_DAYS
from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import Strength
from tests.sso.provider.journey import (
    CHALLENGE,
    MATTER,
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
