"""A relying system goes through two hands, and its secret is seen once (law 9)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import text

from sso.provider.application import (
    APPLICATION_LIFE,
    GUARDED_SCOPES,
    Application,
    ApplicationKind,
    ApplicationState,
    Proposal,
)
from sso.provider.application_errors import (
    ApplicationDecided,
    ApplicationLapsed,
    ApplicationOverrun,
    ApplicationUnknown,
    NotRelying,
    NotTheOwner,
    ScopeReasonMissing,
    SecretNotDue,
)
from sso.provider.applications import ApplicationDesk
from sso.provider.domain import ClientAuthentication, Scope
from sso.provider.errors import ClientDisabled, ClientUnknown, ClientWithoutSecret, RegistrationNameInvalid
from sso.provider.store.applications import DatabaseApplicationStore
from tests.fakes import CountingRandomness
from tests.sso.databases import BOTH_DATABASES
from tests.sso.provider import journey
from tests.sso.provider.support import USCC, House
from trust.authority.errors import SamePerson
from trust.kernel.errors import NotFound, TrustError
from trust.kernel.identifiers import Uscc

ASKS, APPROVES = "周申请", "吴审批"
JWKS = (
    '{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",'
    '"y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}'
)


class Catalogue:
    """Knows the types of the journey."""

    def get(self, code: str, /) -> object:
        if code not in journey.TYPES:
            raise NotFound
        return code


@dataclass(frozen=True, kw_only=True)
class Bureau:
    house: House
    desk: ApplicationDesk

    def admitted(self, **changes: Any) -> Application:
        return self.desk.approve(self.desk.apply(proposal(**changes), by=ASKS).id, by=APPROVES)


@pytest.fixture
def bureau(house: House) -> Bureau:
    journey.settle(house)
    desk = ApplicationDesk(
        DatabaseApplicationStore(house.database),
        registry=house.registry,
        matters=house.registers,
        types=Catalogue(),
        clock=house.clock,
        randomness=CountingRandomness(),
    )
    return Bureau(house=house, desk=desk)


def proposal(**changes: Any) -> Proposal:
    values: dict[str, Any] = {
        "label": "窗口系统",
        "authority": Uscc.parse(USCC),
        "scopes": frozenset({Scope.OPENID, Scope.PROFILE}),
        "relying": journey.relying(contact="信息科 12345"),
        "why": "综合窗口上线",
    }
    return Proposal(**(values | changes))


def test_a_system_goes_through_two_hands_and_its_owner_sees_the_secret_once(bureau: Bureau) -> None:
    waiting = bureau.desk.apply(proposal(), by=ASKS)
    assert bureau.house.registry.clients() == ()
    approved = bureau.desk.approve(waiting.id, by=APPROVES)
    assert (approved.state, approved.requested_by, approved.decided_by) == (ApplicationState.APPROVED, ASKS, APPROVES)
    client = bureau.house.registry.get(approved.client)
    assert (client.label, client.relying and client.relying.sector) == ("窗口系统", "counter.example")
    found = bureau.house.store.find_with_secret(client.id)
    secret = bureau.desk.collect(waiting.id, by=ASKS).registered.secret
    kept = bureau.house.store.find_with_secret(client.id)
    assert found
    assert kept
    assert not found[1].matches(secret)
    assert kept[1].matches(secret)
    with pytest.raises(SecretNotDue) as caught:
        bureau.desk.collect(waiting.id, by=ASKS)
    assert caught.value.code == "client-secret-not-due"


def test_the_one_who_asks_does_not_approve(bureau: Bureau) -> None:
    waiting = bureau.desk.apply(proposal(), by=ASKS)
    with pytest.raises(SamePerson) as caught:
        bureau.desk.approve(waiting.id, by=f" {ASKS} ")
    assert (caught.value.code, caught.value.field) == ("same-person", "approved_by")
    assert bureau.house.registry.clients() == ()


def test_nobody_but_the_owner_gets_the_secret_and_not_before_the_approval(bureau: Bureau) -> None:
    waiting = bureau.desk.apply(proposal(), by=ASKS)
    with pytest.raises(SecretNotDue):
        bureau.desk.collect(waiting.id, by=ASKS)
    bureau.desk.approve(waiting.id, by=APPROVES)
    with pytest.raises(NotTheOwner) as caught:
        bureau.desk.collect(waiting.id, by=APPROVES)
    assert caught.value.code == "client-secret-not-yours"


@pytest.mark.parametrize(
    "changes",
    [
        {"authentication": ClientAuthentication.NONE},
        {"authentication": ClientAuthentication.PRIVATE_KEY_JWT, "jwks": JWKS},
    ],
)
def test_a_system_that_has_no_secret_is_shown_none(bureau: Bureau, changes: dict[str, Any]) -> None:
    approved = bureau.admitted(relying=journey.relying(contact="信息科", **changes))
    assert not bureau.desk.secret_due(approved)
    with pytest.raises(SecretNotDue):
        bureau.desk.collect(approved.id, by=ASKS)


def test_a_refusal_is_kept_with_its_reason_and_registers_nothing(bureau: Bureau) -> None:
    waiting = bureau.desk.apply(proposal(), by=ASKS)
    refused = bureau.desk.refuse(waiting.id, by=APPROVES, reason="用途不明")
    assert (refused.state, refused.decision_reason) == (ApplicationState.REFUSED, "用途不明")
    assert bureau.house.registry.clients() == ()
    for act in (
        lambda: bureau.desk.approve(waiting.id, by=APPROVES),
        lambda: bureau.desk.refuse(waiting.id, by=APPROVES, reason="再次"),
    ):
        with pytest.raises(ApplicationDecided) as caught:
            act()
        assert caught.value.code == "system-application-decided"


def test_an_application_lapses(bureau: Bureau) -> None:
    last, late = (bureau.desk.apply(proposal(relying=_at(host)), by=ASKS) for host in ("a.example", "b.example"))
    bureau.house.clock.moment += APPLICATION_LIFE
    with pytest.raises(ApplicationLapsed) as caught:
        bureau.desk.approve(late.id, by=APPROVES)
    assert caught.value.code == "system-application-lapsed"
    bureau.house.clock.advance(microseconds=-1)
    assert bureau.desk.approve(last.id, by=APPROVES).state is ApplicationState.APPROVED


def test_a_change_is_asked_for_approved_and_carried_out(bureau: Bureau) -> None:
    client = bureau.admitted().client
    wanted = proposal(label="新名称", scopes=frozenset({Scope.OPENID}), relying=_at("new.example"))
    waiting = bureau.desk.apply_change(client, wanted, by=ASKS)
    assert (waiting.kind, waiting.before and waiting.before.label) == (ApplicationKind.CHANGE, "窗口系统")
    assert bureau.house.registry.get(client).label == "窗口系统"
    bureau.desk.approve(waiting.id, by=APPROVES)
    changed = bureau.house.registry.get(client)
    assert (changed.label, changed.relying and changed.relying.redirect_uris) == ("新名称", ("https://new.example/cb",))


def test_a_change_does_not_undo_what_was_approved_meanwhile(bureau: Bureau) -> None:
    client = bureau.admitted().client
    first, second = (bureau.desk.apply_change(client, proposal(label=label), by=ASKS) for label in ("甲", "乙"))
    bureau.desk.approve(first.id, by=APPROVES)
    with pytest.raises(ApplicationOverrun) as caught:
        bureau.desk.approve(second.id, by=APPROVES)
    assert caught.value.code == "system-application-overrun"
    assert bureau.house.registry.get(client).label == "甲"
    assert bureau.desk.get(second.id).state is ApplicationState.WAITING


def test_another_secret_takes_an_approval_and_the_old_one_works_until_it_is_collected(bureau: Bureau) -> None:
    admitted = bureau.admitted()
    old = bureau.desk.collect(admitted.id, by=ASKS).registered.secret
    waiting = bureau.desk.apply_rotation(admitted.client, by=ASKS, why="例行更换")
    bureau.desk.approve(waiting.id, by=APPROVES)
    assert _matches(bureau, admitted.client, old)
    new = bureau.desk.collect(waiting.id, by=ASKS).registered.secret
    assert _matches(bureau, admitted.client, new)
    assert not _matches(bureau, admitted.client, old)


def test_a_system_is_ended_by_two(bureau: Bureau) -> None:
    client = bureau.admitted().client
    waiting = bureau.desk.apply_disabling(client, by=ASKS, why="系统下线")
    assert bureau.house.registry.get(client).enabled
    bureau.desk.approve(waiting.id, by=APPROVES)
    assert not bureau.house.registry.get(client).enabled
    for act in _changes_of(bureau, client):
        with pytest.raises(ClientDisabled):
            act()


def test_a_secret_of_a_system_that_ended_is_not_given_out(bureau: Bureau) -> None:
    admitted = bureau.admitted()
    bureau.house.registry.disable(admitted.client)
    with pytest.raises(ClientDisabled):
        bureau.desk.collect(admitted.id, by=ASKS)


def test_a_client_of_the_api_alone_has_no_registration_for_sign_in_to_change(bureau: Bureau) -> None:
    client = bureau.house.registry.register(label="接口", authority=USCC, scopes="certs:read").client.id
    change, rotate, disable = _changes_of(bureau, client)
    with pytest.raises(NotRelying) as caught:
        change()
    assert caught.value.code == "client-not-relying"
    for act in (rotate, disable):
        assert bureau.desk.approve(act().id, by=APPROVES).state is ApplicationState.APPROVED
    assert not bureau.house.registry.get(client).enabled


def test_a_client_that_is_not_there_is_said_so(bureau: Bureau) -> None:
    for act in _changes_of(bureau, "nobody"):
        with pytest.raises(ClientUnknown):
            act()


def test_a_system_without_secret_has_none_to_exchange(bureau: Bureau) -> None:
    client = bureau.admitted(relying=journey.relying(contact="信息科", authentication=ClientAuthentication.NONE)).client
    with pytest.raises(ClientWithoutSecret):
        bureau.desk.apply_rotation(client, by=ASKS, why="例行更换")


@pytest.mark.parametrize("scope", sorted(GUARDED_SCOPES))
def test_a_right_that_opens_much_needs_a_reason(scope: Scope) -> None:
    scopes = frozenset({Scope.OPENID, scope})
    for reasons in ({}, {scope: " "}):
        with pytest.raises(ScopeReasonMissing) as caught:
            proposal(scopes=scopes, reasons=reasons)
        assert (caught.value.code, caught.value.field) == ("scope-reason-missing", f"reasons.{scope.value}")
    assert proposal(scopes=scopes, reasons={scope: "窗口核验"}).reasons[scope] == "窗口核验"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"relying": journey.relying()}, "field-missing", "contact"),
        ({"why": "x"}, "text-length", "why"),
        ({"why": "为11010519491231002X上线"}, "personal-number-in-text", "why"),
        ({"reasons": {Scope.IDENTITY: "多余的理由"}}, "scope-unknown", "scopes"),
        (
            {"scopes": frozenset({Scope.IDENTITY}), "reasons": {Scope.IDENTITY: "x"}},
            "text-length",
            "reasons.identity",
        ),
        ({"label": ""}, "client-label-invalid", "label"),
        (
            {"relying": journey.relying(contact="科", matters=frozenset({"none"}))},
            "registration-name-invalid",
            "matters",
        ),
        ({"relying": journey.relying(contact="科", types=frozenset({"none"}))}, "registration-name-invalid", "types"),
        (
            {"relying": journey.relying(contact="科", pass_to=frozenset({"no1"}))},
            "registration-name-invalid",
            "pass_to",
        ),
        (
            {"relying": journey.relying(contact="科", redirect_uris=("http://a.example/",))},
            "redirect-uri-invalid",
            "redirect_uris",
        ),
    ],
)
def test_each_bad_proposal_has_its_code_and_leaves_nothing(
    bureau: Bureau, changes: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(TrustError) as caught:
        bureau.desk.apply(proposal(**changes), by=ASKS)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert bureau.desk.applications() == ()


def test_what_changed_since_is_checked_again_at_the_approval(bureau: Bureau) -> None:
    waiting = bureau.desk.apply(proposal(), by=ASKS)
    bureau.house.registers.matters.clear()
    with pytest.raises(RegistrationNameInvalid):
        bureau.desk.approve(waiting.id, by=APPROVES)
    assert bureau.desk.get(waiting.id).state is ApplicationState.WAITING


def test_two_systems_cannot_be_approved_for_one_resource(bureau: Bureau) -> None:
    first, second = (bureau.desk.apply(proposal(), by=ASKS) for _ in range(2))
    bureau.desk.approve(first.id, by=APPROVES)
    with pytest.raises(TrustError) as caught:
        bureau.desk.approve(second.id, by=APPROVES)
    assert caught.value.code == "client-resource-taken"
    assert bureau.desk.get(second.id).state is ApplicationState.WAITING


def test_a_system_stays_with_its_authority(bureau: Bureau) -> None:
    client = bureau.admitted().client
    with pytest.raises(RegistrationNameInvalid) as caught:
        bureau.desk.apply_change(client, proposal(authority=Uscc.parse("11000000DEM0YX001B")), by=ASKS)
    assert caught.value.field == "authority"


@pytest.mark.parametrize("name", ["nobody", "", "a\x00b", "x" * 200])
def test_an_unknown_application_is_said_to_be_unknown(bureau: Bureau, name: str) -> None:
    with pytest.raises(ApplicationUnknown) as caught:
        bureau.desk.approve(name, by=APPROVES)
    assert caught.value.code == "system-application-unknown"


def test_everything_that_was_asked_stays_for_good_with_both_names(bureau: Bureau) -> None:
    admitted = bureau.admitted(
        scopes=frozenset({Scope.OPENID, Scope.IDENTITY}), reasons={Scope.IDENTITY: "登记须核对证件号码"}
    )
    bureau.desk.refuse(bureau.desk.apply_disabling(admitted.client, by=ASKS, why="误操作").id, by=ASKS, reason="撤回")
    found = bureau.desk.applications(client=admitted.client)
    assert [(each.kind.value, each.state.value) for each in found] == [("register", "approved"), ("disable", "refused")]
    assert found[0].reasons == {Scope.IDENTITY: "登记须核对证件号码"}
    assert bureau.desk.applications(state=ApplicationState.WAITING) == ()


@BOTH_DATABASES
def test_of_two_who_approve_at_once_one_does(bureau: Bureau) -> None:
    waiting = bureau.desk.apply(proposal(), by=ASKS)
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def approve(name: str) -> None:
        start.wait()
        try:
            bureau.desk.approve(waiting.id, by=name)
            outcomes.append("approved")
        except TrustError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=approve, args=(name,)) for name in (APPROVES, "郑审批")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["approved", "system-application-decided"]
    assert len(bureau.house.registry.clients()) == 1


def test_no_secret_stands_in_the_table(bureau: Bureau) -> None:
    admitted = bureau.admitted()
    secret = bureau.desk.collect(admitted.id, by=ASKS).registered.secret
    with bureau.house.database.connect() as connection:
        row = connection.execute(text("SELECT * FROM sso_system_applications")).one()
    assert secret not in repr(tuple(row))


def _at(host: str) -> Any:
    return journey.relying(contact="信息科", redirect_uris=(f"https://{host}/cb",), resource=f"https://{host}/")


def _matches(bureau: Bureau, client: str, secret: str) -> bool:
    found = bureau.house.store.find_with_secret(client)
    return found is not None and found[1].matches(secret)


def _changes_of(bureau: Bureau, client: str) -> list[Callable[[], Application]]:
    changed = replace(proposal(), relying=_at("c.example"))
    return [
        lambda: bureau.desk.apply_change(client, changed, by=ASKS),
        lambda: bureau.desk.apply_rotation(client, by=ASKS, why="例行更换"),
        lambda: bureau.desk.apply_disabling(client, by=ASKS, why="系统下线"),
    ]
