"""Sign-in and trust passing on PostgreSQL, end to end: two server processes, one database.

Both houses are the whole application in this process, with pools, caches and counters of their own; what one of them
commits, the other must see at its next request.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pyotp
import pytest

from portal.demo import data, people
from portal.demo.world import ApiClient
from portal.foundation import open_foundation
from portal.wiring import application, open_installation
from sso.accounts.domain import PersonState
from sso.accounts.ports import Claims, Outcome, SourceName
from sso.provider.domain import Registered
from sso.signin.errors import SignInRefused, SignInThrottled
from tests.attacks.house import (
    ACCESS_TOKEN,
    PASSWORD,
    Attacked,
    Browser,
    attacked,
    give_app,
    give_password,
    redeem,
    resident_number,
)
from tests.integration.installation import Template, make
from tests.interop.postgresql import database_in
from tests.interop.relying.listener import Listener
from tests.interop.two_processes import (
    DEVICE,
    Pair,
    assert_dead,
    at_once,
    decide,
    exchanged,
    is_active,
    mandate_of,
    session,
    token_of,
)
from tests.sso.accounts.world import MemorySource
from trust.kernel.errors import TrustError

pytestmark = pytest.mark.integration

ROUNDS = 12  # with real desks and signatures; tests/sso asks for many more of the tables alone
EVERYTHING = "openid profile certs:read offline_access"


@pytest.fixture(scope="module")
def template(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    with database_in(cluster, "sign_in") as address:
        yield make(tmp_path_factory.mktemp("template") / "home", database_url=address)


@pytest.fixture(scope="module")
def house(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked(template, tmp_path_factory.mktemp("postgresql")) as opened:
        give_password(opened, opened.people.representative.id)
        give_password(opened, opened.people.agent.id)
        yield opened


@pytest.fixture(scope="module")
def department(template: Template) -> ApiClient:
    return template.full


@pytest.fixture(scope="module")
def other(house: Attacked) -> Iterator[Attacked]:
    """Another server process over the same database."""
    settings = house.installation.foundation.settings
    installation = open_installation(settings, open_foundation(settings, house.clock))
    yield dataclasses.replace(house, installation=installation, app=application(installation))
    installation.close()


@pytest.fixture(scope="module")
def app(house: Attacked) -> pyotp.TOTP:
    """The clerk's authenticator app."""
    return pyotp.TOTP(give_app(house, house.people.clerk.person, people.CLERK_NUMBER))


@pytest.fixture(scope="module")
def pair(house: Attacked, listener: Listener) -> Pair:
    scopes = f"{EVERYTHING} counter:assist"
    second = house.register(scopes, pass_to=frozenset({"api"}), backchannel_logout_uri=listener.logout_uri())
    onward = frozenset({second.client.id})
    first = house.register(scopes, pass_to=onward, backchannel_logout_uri=listener.logout_uri())
    for counter in house.people.counters:
        systems = {*counter.systems, first.client.id, second.client.id}
        house.installation.registers.counters.put_systems(counter.id, systems)
    return Pair(first, second)


@pytest.fixture
def citizen(house: Attacked) -> Browser:
    house.clock.advance(seconds=1)  # this session is the newest
    browser = house.browser()
    browser.sign_in(people.REPRESENTATIVE_NUMBER)
    return browser


@pytest.fixture
def clerk(house: Attacked, app: pyotp.TOTP) -> Browser:
    house.clock.advance(seconds=30)  # a code is good once
    browser = house.browser()
    browser.sign_in(people.CLERK_NUMBER, app=app.secret)
    return browser


def logout_uri_of(system: Registered) -> str:
    assert system.client.relying is not None
    return system.client.relying.backchannel_logout_uri or ""


def refresh(house: Attacked, who: Registered, token: str) -> Any:
    return house.post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": token}, who)


@pytest.fixture(scope="module")
def licence(house: Attacked, department: ApiClient) -> str:
    """The food licence of the enterprise: its identifier."""
    form = {"client_id": department.id, "client_secret": department.secret}
    issuing = house.post("/oauth/token", {**form, "grant_type": "client_credentials", "scope": "certs:issue"})
    body, key = data.food_licence(house.clock.now().date()), {"Idempotency-Key": "postgresql"}
    return str(
        house.api("POST", "/api/v1/certs", issuing.get_json()["access_token"], body, **key).get_json()["identifier"]
    )


def test_the_journey_from_signing_in_to_the_notice_of_the_end(
    house: Attacked, other: Attacked, pair: Pair, citizen: Browser, clerk: Browser, licence: str, listener: Listener
) -> None:
    everyone = house.people
    tokens = citizen.tokens(pair.first, represents=everyone.representation.id, scope=EVERYTHING)
    renewed = refresh(other, pair.first, tokens["refresh_token"]).get_json()
    told = other.introspect(pair.first, renewed["access_token"])
    assert told["represents"]["mandate"]["id"] == everyone.representation.id

    actor = clerk.tokens(pair.first, scope="openid counter:assist", matter=None)["access_token"]
    case = house.case(actor)
    acting = {"actor_token": actor, "actor_token_type": ACCESS_TOKEN, "case": case}
    answer = other.exchange(pair.first, renewed["access_token"], pair.second.client.id, **acting)
    passed = answer.get_json()["access_token"]
    chain = house.introspect(pair.second, passed)["act"]
    assert (chain["sub"], chain["counter"]["id"]) == (pair.first.client.id, everyone.counters[0].id)
    onward = house.exchange(pair.second, passed, f"{house.issuer}/api", scope="certs:read").get_json()["access_token"]
    (found,) = other.api("POST", "/api/v1/certs/search", onward, {}).get_json()["certificates"]
    assert found["identifier"] == licence
    assert house.api("GET", f"/api/v1/certs/{licence}", onward).status_code == 200

    log = other.installation.provider.log.of(everyone.enterprise.id)
    hops = [row.hop for row in log if (row.kind, row.case) == ("hop", case)]
    assert len(set(hops)) == 2
    looks = other.installation.certs.accesses(everyone.enterprise.code)
    assert [row.visit.counter for row in looks if row.visit.hop in hops] == [everyone.counters[0].name] * 2

    workers = [each.installation.provider.deliveries for each in (house, other)]
    workers[0].deliver_due()  # what other tests ended
    before = {system: len(listener.arrived(logout_uri_of(system))) for system in pair}
    session = other.installation.people.sessions.of(everyone.representative.id)[0]
    other.installation.people.sessions.end(session.id, by=everyone.representative.id)
    assert_dead((house, other), [tokens["access_token"], renewed["access_token"], passed, onward])
    assert refresh(house, pair.first, renewed["refresh_token"]).status_code == 400
    assert sum(at_once(*[worker.deliver_due for worker in workers])) == 2
    for system in pair:
        assert len(listener.arrived(logout_uri_of(system))) == before[system] + 1


def test_a_person_registers_and_is_known_to_the_other_process(house: Attacked, other: Attacked) -> None:
    number, name = people.resident(resident_number(1)), "路人甲"
    source = MemorySource(SourceName.POPULATION)
    source.known[(number.text, name)] = Outcome.MATCH
    house.installation.people.sources[SourceName.POPULATION] = source
    works = [lambda: house.installation.people.registration.register(number, Claims(name=name), PASSWORD)] * 3
    at_once(*works)
    signed_in = other.installation.people.sign_ins.with_password(number, PASSWORD, DEVICE)
    assert house.installation.people.sessions.of(signed_in.session.person)


def test_a_code_and_a_refresh_token_are_good_once_in_both_processes(
    house: Attacked, other: Attacked, pair: Pair, citizen: Browser
) -> None:
    code = citizen.code(pair.first, scope=EVERYTHING)["code"]
    answers = at_once(*[lambda each=each: redeem(each, pair.first, code) for each in (house, other, house, other)])
    (won,) = [answer for answer in answers if answer.status_code == 200]
    assert_dead((house, other), [won.get_json()["access_token"]])  # the second use ends what the first began

    token = citizen.tokens(pair.first, scope=EVERYTHING)["refresh_token"]
    answers = at_once(*[lambda each=each: refresh(each, pair.first, token) for each in (house, other, house, other)])
    (won,) = [answer for answer in answers if answer.status_code == 200]
    assert_dead((house, other), [won.get_json()["access_token"]])
    assert refresh(other, pair.first, won.get_json()["refresh_token"]).status_code == 400


def test_failures_at_two_processes_count_together(house: Attacked, other: Attacked) -> None:
    number = people.resident(people.AGENT_NUMBER)
    desks = [each.installation.people.sign_ins for each in (house, other)] * 3
    for desk in desks:
        with pytest.raises(SignInRefused):
            desk.with_password(number, "a wrong guess", DEVICE)
    for desk in desks[:2]:
        with pytest.raises(SignInThrottled):
            desk.with_password(number, PASSWORD, DEVICE)
    house.clock.advance(hours=1)
    assert other.installation.people.sign_ins.with_password(number, PASSWORD, DEVICE)


def test_a_merge_ends_the_tokens_of_both_and_either_number_leads_to_the_survivor(
    house: Attacked, other: Attacked, pair: Pair
) -> None:
    register = house.installation.people.register
    numbers = [resident_number(serial) for serial in (2, 3)]
    kept, duplicate = (register.register(people.resident(number), "路人乙") for number in numbers)
    tokens = []
    for person, number in ((kept, numbers[0]), (duplicate, numbers[1])):
        give_password(house, person.id)
        browser = house.browser()
        browser.sign_in(number)
        tokens.append(browser.tokens(pair.first)["access_token"])
    assert all(is_active(other, pair.first, token) for token in tokens)

    def merge(each: Attacked) -> str:
        desk = each.installation.people.register
        try:
            desk.merge(duplicate.id, kept.id, requested_by=people.ASKS, approved_by=people.APPROVES)
        except TrustError as error:
            return error.code
        return "merged"

    assert sorted(at_once(*[lambda each=each: merge(each) for each in (house, other)])) == ["merge-unfit", "merged"]
    assert_dead((house, other), tokens)
    found = other.installation.people.register.find(people.resident(numbers[1]))
    assert found is not None
    assert found.id == kept.id
    assert register.get(duplicate.id).state is PersonState.MERGED


def test_no_check_accepts_a_mandate_that_was_withdrawn_while_trust_was_passed_on(
    house: Attacked, other: Attacked, pair: Pair
) -> None:
    agent = session(house, people.AGENT_NUMBER)
    for _ in range(ROUNDS):
        mandate = mandate_of(house)
        token = token_of(house, pair.first, agent, represents=mandate)
        passed = at_once(
            lambda token=token: exchanged(other, pair, token),
            lambda mandate=mandate: house.installation.registers.mandates.withdraw(
                mandate, by=house.people.representative.id
            ),
        )[0]
        assert_dead((house, other), [token, *passed])
        assert exchanged(other, pair, token) == []


def test_no_check_accepts_what_a_clerk_did_who_was_disabled_meanwhile(
    house: Attacked, other: Attacked, pair: Pair, citizen: Browser, app: pyotp.TOTP
) -> None:
    subject = citizen.tokens(pair.first, represents=house.people.representation.id)["access_token"]
    clerk = session(house, people.CLERK_NUMBER, app)
    for _ in range(ROUNDS):
        actor = token_of(house, pair.first, clerk, scope="openid counter:assist", matter=None)
        case = house.case(actor)
        acting = {"actor_token": actor, "actor_token_type": ACCESS_TOKEN, "case": case}
        passed = at_once(
            lambda acting=acting: exchanged(other, pair, subject, **acting),
            lambda: decide(house, "request_disabling"),
        )[0]
        assert_dead((house, other), [actor, *passed])
        assert exchanged(other, pair, subject, **acting) == []
        decide(house, "request_enabling")
    assert is_active(other, pair.first, subject)


NUL = "a\x00b"


def test_no_name_with_a_nul_fails(house: Attacked, pair: Pair, citizen: Browser, clerk: Browser) -> None:
    """PostgreSQL takes no NUL in a text, and SQLite does: a name that nobody checked would be a failure of ours."""
    actor = clerk.tokens(pair.first, scope="openid counter:assist", matter=None)["access_token"]
    own = citizen.tokens(pair.first)["access_token"]
    failed = []
    for rule in house.app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", quote(NUL), rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "DELETE"}) if rule.arguments else ():
            answers = [house.api(method, path, token, {}) for token in (actor, own)]
            answers.append(citizen.client.open(path, method=method, headers={"Accept": "text/html"}))
            failed += [(method, rule.rule, answer.status_code) for answer in answers if answer.status_code >= 500]
    house.browser().sign_in(people.REPRESENTATIVE_NUMBER)  # a session that the page offers to end
    page = citizen.get("/my/sessions")
    assert citizen.submit(page, "/my/sessions/end", {"session": NUL}).status_code < 500
    assert failed == []
