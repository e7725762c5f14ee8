import base64
import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sso.accounts.domain import ProofingLevel
from sso.keycloak.errors import (
    UpstreamBrowserDiffers,
    UpstreamCodeRefused,
    UpstreamDeclined,
    UpstreamMixUp,
    UpstreamResponseMalformed,
    UpstreamStateUnusable,
    UpstreamTokenInvalid,
    UpstreamUnavailable,
    UpstreamUnknown,
)
from sso.keycloak.sources import MAX_AGE_SECONDS, read_sources
from sso.keycloak.upstream import MAX_PARAMETER_CHARACTERS, PENDING_SECONDS, UpstreamDesk
from sso.keycloak.upstream_provider import UpstreamProvider
from sso.keycloak.upstream_tokens import LEEWAY_SECONDS, LOGOUT_EVENT
from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import Method, Session, Strength
from tests.fakes import MOMENT, FixedClock
from tests.sso.keycloak.house import BROWSER, ISSUER, NUMBER, PUBLIC_URL, House, MemoryUpstream, build, signed, source
from trust.kernel.errors import TrustError


def test_the_pages_offer_what_is_switched_on(house: House) -> None:
    assert [each.name for each in house.desk.sources()] == ["province"]


def test_the_browser_is_sent_with_everything_that_binds_the_answer(house: House) -> None:
    address = house.desk.begin("province", BROWSER)
    assert address.startswith(f"{ISSUER}/auth?")
    asked = house.begun()
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{PUBLIC_URL}/sso/upstream/province/callback"
    assert asked["code_challenge_method"] == "S256"
    assert asked["max_age"] == str(MAX_AGE_SECONDS)
    assert "prompt" not in asked
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert all(len(asked[name]) == 43 for name in ("state", "nonce", "code_challenge"))
    assert BROWSER not in urlsplit(address).query


def test_a_fresh_sign_in_is_asked_for_and_insisted_on(house: House) -> None:
    asked = house.begun(fresh=True)
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    earlier = house.moment - LEEWAY_SECONDS - 1
    token = signed(house.claims(asked, auth_time=earlier))
    house.upstream.answer = lambda: {"id_token": token}
    with pytest.raises(UpstreamTokenInvalid):  # the browser left the wish out of the address
        house.desk.finish("province", house.returned(asked), BROWSER)


def test_a_fresh_sign_in_was_not_before_it_was_asked_for(house: House) -> None:
    """The upstream's clock may be behind ours, and it tells whole seconds: a system would ask again and again."""
    asked = house.begun(fresh=True)
    token = signed(house.claims(asked, auth_time=house.moment - LEEWAY_SECONDS))
    house.upstream.answer = lambda: {"id_token": token}
    assert house.desk.finish("province", house.returned(asked), BROWSER).auth_time == MOMENT


def test_a_person_comes_back_signed_in(house: House) -> None:
    found = house.sign_in()
    assert found.person.code.number == NUMBER
    assert found.person.level is ProofingLevel.DOCUMENT_CHECKED
    assert found.strength is Strength.ONE_TIME_CODE  # amr `face` counts as 2 here
    assert found.methods == (Method.UPSTREAM, Method.PASSWORD)
    assert found.auth_time == MOMENT - timedelta(seconds=5)


def test_the_code_is_redeemed_with_the_verifier_and_the_same_redirect_uri(house: House) -> None:
    asked = house.begun()
    token = signed(house.claims(asked))
    house.upstream.answer = lambda: {"id_token": token, "access_token": "an access token"}
    house.desk.finish("province", house.returned(asked), BROWSER)
    (form,) = house.upstream.forms
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
    assert challenge.decode() == asked["code_challenge"]
    assert form["redirect_uri"] == asked["redirect_uri"]
    assert "client_secret" not in form


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"state": "unknown"}, UpstreamStateUnusable),
        ({"state": ""}, UpstreamResponseMalformed),
        ({"code": ""}, UpstreamResponseMalformed),
        ({"code": "c" * (MAX_PARAMETER_CHARACTERS + 1)}, UpstreamResponseMalformed),
        ({"code": "another"}, UpstreamCodeRefused),
        ({"iss": "https://evil.example"}, UpstreamMixUp),
        ({"iss": ""}, UpstreamMixUp),
        ({"error": "access_denied"}, UpstreamDeclined),
        ({"error": "access_denied", "iss": "https://evil.example"}, UpstreamMixUp),
        ({"error": ""}, UpstreamDeclined),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_by_its_name(
    house: House, changes: dict[str, str], refusal: type[TrustError]
) -> None:
    with pytest.raises(refusal), capture_logs() as lines:
        house.desk.finish("province", house.returned(house.begun(), **changes), BROWSER)
    assert [line["code"] for line in lines if line["log_level"] == "warning"] == [refusal.code]


def test_the_longest_parameter_is_looked_at(house: House) -> None:
    with pytest.raises(UpstreamCodeRefused):
        house.desk.finish("province", house.returned(house.begun(), code="c" * MAX_PARAMETER_CHARACTERS), BROWSER)


def test_an_answer_without_issuer_is_refused_where_the_upstream_names_itself(house: House) -> None:
    answer = house.returned(house.begun())
    del answer["iss"]
    with pytest.raises(UpstreamMixUp):
        house.desk.finish("province", answer, BROWSER)


def test_an_upstream_that_never_names_itself_is_taken_without(house: House) -> None:
    del house.upstream.metadata["authorization_response_iss_parameter_supported"]
    asked = house.begun()
    token = signed(house.claims(asked))
    house.upstream.answer = lambda: {"id_token": token, "access_token": "an access token"}
    answer = house.returned(asked)
    del answer["iss"]
    assert house.desk.finish("province", answer, BROWSER).person


@pytest.mark.parametrize("name", ["code", "state", "iss", "anything"])
def test_a_repeated_parameter_is_refused(house: House, name: str) -> None:
    answer = house.returned(house.begun())
    answer[name] = ["a", "b"]
    with pytest.raises(UpstreamResponseMalformed):
        house.desk.finish("province", answer, BROWSER)


def test_another_browser_neither_signs_in_nor_uses_the_state_up(house: House) -> None:
    asked = house.begun()
    token = signed(house.claims(asked))
    house.upstream.answer = lambda: {"id_token": token, "access_token": "an access token"}
    with pytest.raises(UpstreamBrowserDiffers):
        house.desk.finish("province", house.returned(asked), "another browser")
    assert house.desk.finish("province", house.returned(asked), BROWSER).person
    with pytest.raises(UpstreamStateUnusable):
        house.desk.finish("province", house.returned(asked), BROWSER)


def test_a_refused_answer_uses_the_state_up(house: House) -> None:
    asked = house.begun()
    with pytest.raises(UpstreamDeclined):
        house.desk.finish("province", house.returned(asked, error="access_denied"), BROWSER)
    with pytest.raises(UpstreamStateUnusable):
        house.desk.finish("province", house.returned(asked), BROWSER)


def test_a_sign_in_is_over_after_its_time(house: House, clock: FixedClock) -> None:
    early, late = house.begun(), house.begun()
    clock.advance(seconds=PENDING_SECONDS - 1)
    with pytest.raises(UpstreamDeclined):
        house.desk.finish("province", house.returned(early, error="x"), BROWSER)
    clock.advance(seconds=1)
    with pytest.raises(UpstreamStateUnusable):
        house.desk.finish("province", house.returned(late, error="x"), BROWSER)


def test_what_nobody_came_back_from_is_forgotten(house: House, clock: FixedClock) -> None:
    house.begun()
    clock.advance(seconds=PENDING_SECONDS)
    house.begun()
    with house.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sso_upstream_logins").scalar() == 1


@pytest.mark.parametrize("answer", [{}, {"id_token": None}, {"id_token": 1}])
def test_an_answer_without_id_token_is_refused(house: House, answer: dict[str, Any]) -> None:
    house.upstream.answer = lambda: answer
    with pytest.raises(UpstreamUnavailable):
        house.desk.finish("province", house.returned(house.begun()), BROWSER)


def test_the_id_token_of_another_sign_in_is_refused(house: House) -> None:
    token = signed(house.claims(house.begun()))
    house.upstream.answer = lambda: {"id_token": token, "access_token": "an access token"}
    with pytest.raises(UpstreamTokenInvalid) as caught:
        house.desk.finish("province", house.returned(house.begun()), BROWSER)
    assert caught.value.facts["check"] == "nonce"


@pytest.fixture
def two(tmp_path: Any, clock: FixedClock) -> Any:
    """Two upstreams, one of them switched off later."""
    first = source(tmp_path)
    path = tmp_path / "upstream.toml"
    text = path.read_text("utf-8")
    path.write_text(
        text.replace("sources.province", "sources.city").replace("province.example", "city.example"), "utf-8"
    )
    (second,) = read_sources(path)
    providers = [UpstreamProvider(each, MemoryUpstream(each.issuer), clock) for each in (first, second)]
    made = build(tmp_path, providers, clock=clock)
    yield made
    made.database.close()


def test_an_answer_at_the_address_of_another_upstream_is_refused(two: House) -> None:
    asked = two.begun("province")
    with pytest.raises(UpstreamMixUp):
        two.desk.finish("city", two.returned(asked, iss=two.upstreams["city"].issuer), BROWSER)
    assert not two.upstreams["city"].forms  # the code went nowhere


def test_each_upstream_has_an_address_of_its_own(two: House) -> None:
    assert two.begun("province")["redirect_uri"] != two.begun("city")["redirect_uri"]


@pytest.mark.parametrize("name", ["nowhere", "", "省", "province\x00"])
def test_an_unknown_upstream_is_refused(house: House, name: str) -> None:
    with pytest.raises(UpstreamUnknown):
        house.desk.begin(name, BROWSER)
    with pytest.raises(UpstreamUnknown):
        house.desk.finish(name, {}, BROWSER)
    with pytest.raises(UpstreamUnknown):
        house.desk.log_out(name, "")


def test_a_source_that_is_switched_off_is_no_source(tmp_path: Any, clock: FixedClock) -> None:
    made = build(tmp_path, [UpstreamProvider(source(tmp_path, enabled=False), MemoryUpstream(), clock)], clock=clock)
    assert made.desk.sources() == ()
    with pytest.raises(UpstreamUnknown):
        made.desk.begin("province", BROWSER)
    made.database.close()


def test_nothing_personal_and_no_secret_stands_in_the_log_or_the_tables(house: House) -> None:
    with capture_logs() as lines:
        asked = house.begun()
        dump = _dump(house)
        house.sign_in()
        with pytest.raises(TrustError):
            house.sign_in(name="李四")
    dump += _dump(house)
    for secret in (asked["state"], asked["nonce"], BROWSER, NUMBER, "张三", "李四", "7c0a4d34-0000"):
        assert secret not in dump
        assert secret not in str(lines)


def test_what_was_typed_for_a_platform_or_its_error_is_not_logged(house: House) -> None:
    """Anybody writes addresses: the name of a platform, the name of an error."""
    with capture_logs() as lines:
        for act in (lambda: house.desk.log_out(NUMBER, "x"), lambda: house.desk.finish(NUMBER, {}, BROWSER)):
            with pytest.raises(UpstreamUnknown):
                act()
        declined = house.returned(house.begun(), error=f"access_denied{NUMBER}")
        with pytest.raises(UpstreamDeclined):
            house.desk.finish("province", declined, BROWSER)
    assert NUMBER not in str(lines)
    assert [line.get("error") for line in lines if line["log_level"] == "warning"] == [None, None, "access_denied"]


def _dump(house: House) -> str:
    """Every row of every table, as text."""
    raw = house.database.engine.raw_connection()
    try:
        return "\n".join(raw.driver_connection.iterdump())  # type: ignore[union-attr]
    finally:
        raw.close()


def _session(number: int, person: str) -> Session:
    return Session(
        id=f"01JS{number:022d}",
        person=person,
        person_epoch=1,
        strength=Strength.PASSWORD,
        methods=(Method.UPSTREAM,),
        auth_time=MOMENT,
        created_at=MOMENT,
        last_seen_at=MOMENT,
        expires_at=MOMENT + timedelta(hours=8),
        client="test",
    )


def _logout_token(house: House, **changes: Any) -> str:
    claims = {
        "iss": ISSUER,
        "aud": "yinxin",
        "iat": house.moment,
        "exp": house.moment + 60,
        "jti": "j1",
        "events": {LOGOUT_EVENT: {}},
    }
    return signed(claims | changes, typ="logout+jwt")


def _cut(house: House, session: Session) -> bool:
    return house.revocations.first_cut({Tie(TieKind.SESSION, session.id)}) is not None


@pytest.mark.parametrize(
    ("told", "ended"),
    [
        ({"sid": "s1"}, (True, False)),
        ({"sub": "p"}, (True, True)),
        ({"sid": "s1", "sub": "p"}, (True, False)),
        ({"sid": "s1", "sub": "another"}, (False, False)),
        ({"sid": "unknown"}, (False, False)),
    ],
)
def test_a_logout_upstream_ends_the_sessions_that_it_means(
    house: House, told: dict[str, str], ended: tuple[bool, bool]
) -> None:
    sessions = []
    for number, sid in enumerate(("s1", "s2")):
        found = house.sign_in(sub="p", sid=sid)
        sessions.append(_session(number, found.person.id))
        house.desk.opened(found, sessions[-1])
    assert house.desk.log_out("province", _logout_token(house, **told)) == sum(ended)
    assert tuple(_cut(house, each) for each in sessions) == ended


def test_a_logout_token_is_good_once(house: House) -> None:
    token = _logout_token(house, sub="p")
    assert house.desk.log_out("province", token) == 0
    with pytest.raises(UpstreamTokenInvalid) as caught:
        house.desk.log_out("province", token)
    assert caught.value.facts["check"] == "jti"


def test_a_session_that_can_no_longer_live_is_forgotten(house: House, clock: FixedClock) -> None:
    found = house.sign_in(sub="p")
    house.desk.opened(found, _session(1, found.person.id))
    clock.advance(hours=8)
    again = house.sign_in(sub="p")
    house.desk.opened(again, _session(2, again.person.id))
    with house.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sso_upstream_sessions").scalar() == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parameters=st.dictionaries(
        st.sampled_from(["code", "state", "iss", "error", "x"]), st.lists(st.text(max_size=40), max_size=3)
    ),
    name=st.sampled_from(["province", "city", ""]),
    binding=st.text(max_size=10),
)
def test_any_answer_is_judged_without_a_fault(
    house: House, parameters: dict[str, list[str]], name: str, binding: str
) -> None:
    desk: UpstreamDesk = house.desk
    with pytest.raises(TrustError) as caught:
        desk.finish(name, parameters, binding)
    assert caught.value.code.startswith("upstream-")
