"""At the counter: clerk, presence and case; nobody is impersonated, swapped or left out."""

import dataclasses
from datetime import timedelta

import pytest

from sso.mandates.domain import MandateKind
from sso.passing.domain import ATTESTED_SECONDS, CASE_HOURS, QR_SECONDS, PresenceMethod
from sso.passing.presence import FAILURES_MAX, CardCheck
from sso.provider.oauth_errors import OAuthRefused
from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import Strength
from tests.sso.passing.support import (
    CITIZEN_NUMBER,
    CLERK_NUMBER,
    COMPANY_NUMBER,
    OTHER_MATTER,
    RENEWAL,
    World,
)
from trust.formats.holders import HolderNumber
from trust.kernel.errors import TrustError

STRANGER = HolderNumber(kind="414", number="E12345678")


def refusal(world: World, call, *args, **changes) -> str:
    with pytest.raises(OAuthRefused) as caught:
        call(*args, **changes)
    assert caught.value.error == "invalid_request"
    return caught.value.officer


def code_of(call, *args, **changes) -> str:
    with pytest.raises(TrustError) as caught:
        call(*args, **changes)
    return caught.value.code


def card(**changes) -> CardCheck:
    values = {
        "holder": CITIZEN_NUMBER,
        "name": "张示例",
        "document_kind": "111",
        "document_expires": None,
        "read_by": "reader",
        "portrait_matches": True,
        **changes,
    }
    return CardCheck(**values)


class TestAssisted:
    def test_the_citizen_is_the_subject_and_the_clerk_acts(self, world):
        case = world.open_case()
        read = world.read(world.assisted(case))
        contents, act = read.contents, read.contents.act
        assert contents.person == world.citizen.id
        assert (contents.case, contents.clerk) == (case.id, world.clerk.id)
        assert (contents.matter, contents.purpose, contents.types) == (RENEWAL.code, RENEWAL.purpose, RENEWAL.types)
        assert (act["sub"], act["channel"]) == (world.hall.id, "counter")
        assert act["clerk"] == {
            "sub": world.subjects.subject(world.clerk.person, sector="hall.example.gov.cn"),
            "name": "王**",
            "staff": "****34",
        }
        assert act["counter"] == {"id": world.counter.id, "name": "3号窗口"}
        assert act["pass"]["case"] == case.id
        assert act["pass"]["presence"] == {"method": "qr", "at": int(world.clock.now().timestamp())}
        assert read.expires_at - read.issued_at == timedelta(minutes=10)
        assert world.clerk.name not in str(read.claims)

    def test_everything_it_hangs_on_ends_it(self, world):
        actor = world.clerk_token()
        case = world.open_case()
        contents = world.read(world.assisted(case, actor_token=actor)).contents
        clerk = world.read(actor).contents
        expected = {
            Tie(TieKind.CASE, case.id),
            Tie(TieKind.CLERK, world.clerk.tie_id),
            Tie(TieKind.HOP, contents.hop),
            Tie(TieKind.SESSION, clerk.session),
            Tie(TieKind.SESSION, contents.session),
            Tie(TieKind.PERSON, world.citizen.tie_id),
        }
        assert expected | clerk.ties <= contents.ties

    def test_a_second_hop_keeps_clerk_and_case_without_naming_them(self, world):
        token = world.assisted()
        first = world.read(token).contents
        second = world.passed(world.hall, subject_token=token, audience="api").contents
        assert (second.case, second.clerk) == (first.case, first.clerk)
        assert second.act["clerk"]["name"] == "王**"
        assert second.act["act"] == first.act
        assert first.ties < second.ties

    def test_a_disabled_clerk_ends_the_chain(self, world):
        token = world.assisted()
        world.revocations.cut({Tie(TieKind.CLERK, world.clerk.tie_id)}, reason="disabled", at=world.clock.now())
        refusal(world, world.exchange, world.hall, subject_token=token, audience="api")

    def test_closing_the_case_ends_the_chain(self, world):
        case = world.open_case()
        token = world.assisted(case)
        world.cases.close(world.read(world.clerk_token()), case.id)
        refusal(world, world.exchange, world.hall, subject_token=token, audience="api")

    def test_a_case_is_over_after_its_hours(self, world):
        case = world.open_case()
        world.clock.advance(hours=CASE_HOURS, seconds=-30)
        token = world.assisted(case)
        read = world.read(token)
        assert read.expires_at == case.closes_at
        world.clock.advance(seconds=30)
        assert refusal(world, world.assisted, case) == "The case is closed."

    def test_trust_that_came_online_goes_on_at_the_counter(self, world):
        signed_in = world.matter_token(world.citizen, world.portal)
        arrived = world.exchange(world.portal, subject_token=signed_in, audience=world.hall.id)["access_token"]
        form = {"subject_token": arrived, "actor_token": world.clerk_token(), "case": world.open_case().id}
        contents = world.passed(world.hall, audience="api", **form).contents
        assert [contents.act["channel"], contents.act["act"]["channel"]] == ["counter", "online"]
        assert "presence" not in contents.act["pass"]


class TestSwaps:
    def second_clerk(self, world, counter):
        person = world.person(STRANGER, "李窗口")
        return world.add_clerk(person, "FZ0077", frozenset({counter.id}))

    def test_another_clerk_cannot_take_the_chain_over(self, world):
        other = self.second_clerk(world, world.counter)
        token = world.assisted()
        same = {"actor_token": world.clerk_token(other), "case": world.read(token).contents.case}
        assert refusal(world, world.exchange, world.hall, subject_token=token, audience="api", **same) == "actor swap"
        new = {"actor_token": world.clerk_token(other), "case": world.open_case(clerk=other).id}
        assert refusal(world, world.exchange, world.hall, subject_token=token, audience="api", **new) == "actor swap"

    def test_another_clerk_at_another_counter_is_a_new_hop_and_the_first_stays(self, world):
        other = self.second_clerk(world, world.other_counter)
        token = world.assisted()
        case = world.open_case(counter=world.other_counter, clerk=other)
        form = {"actor_token": world.clerk_token(other), "case": case.id}
        contents = world.passed(world.hall, subject_token=token, audience="api", **form).contents
        assert contents.clerk == other.id
        assert [contents.act["clerk"]["name"], contents.act["act"]["clerk"]["name"]] == ["李**", "王**"]
        assert Tie(TieKind.CLERK, world.clerk.tie_id) in contents.ties

    def test_a_case_of_another_counter_is_not_this_clerks(self, world):
        case = world.open_case()
        other = self.second_clerk(world, world.other_counter)
        assert refusal(world, world.assisted, case, actor_token=world.clerk_token(other)) == "clerk-elsewhere"

    def test_a_case_has_one_citizen(self, world):
        case = world.open_case()
        world.assisted(case)
        neighbour = world.person(STRANGER, "赵示例")
        assert refusal(world, world.assisted, case, subject_token=world.qr(neighbour)) == "case of another subject"

    def test_one_token_has_one_purpose(self, world):
        token = world.matter_token(world.citizen, world.hall)
        form = {"actor_token": world.clerk_token(), "case": world.open_case(OTHER_MATTER).id}
        found = refusal(world, world.exchange, world.hall, subject_token=token, audience="api", **form)
        assert found == "purpose mismatch"

    def test_a_case_needs_its_clerk_to_be_entered(self, world):
        token = world.matter_token(world.citizen, world.hall)
        refusal(world, world.exchange, world.hall, subject_token=token, audience="api", case=world.open_case().id)

    def test_an_actor_without_a_case_is_refused(self, world):
        token = world.matter_token(world.citizen, world.hall)
        refusal(world, world.exchange, world.hall, subject_token=token, audience="api", actor_token=world.clerk_token())

    def test_a_case_of_another_system_is_refused(self, world):
        case = world.open_case()
        token = world.matter_token(world.citizen, world.next)
        form = {"actor_token": world.clerk_token(client=world.next), "case": case.id}
        refusal(world, world.exchange, world.next, subject_token=token, audience="api", **form)

    def test_a_clerks_token_of_another_client_is_refused(self, world):
        refusal(world, world.assisted, actor_token=world.clerk_token(client=world.portal))


class TestClerk:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"scopes": "openid"}, "not-a-clerk"),
            ({"strength": Strength.PASSWORD}, "clerk-strength-too-low"),
            ({"depth": 1}, "not-a-clerk"),
        ],
    )
    def test_a_clerk_signs_in_strongly_and_themselves(self, world, changes, code):
        token = world.clerk_token(**changes)
        assert code_of(world.cases.open, world.read(token), world.counter.id, RENEWAL.code) == code
        assert refusal(world, world.assisted, actor_token=token) == code

    def test_a_disabled_clerk_is_none(self, world):
        case = world.open_case()
        world.registers.clerks[world.clerk.person] = dataclasses.replace(world.clerk, disabled_at=world.clock.now())
        assert refusal(world, world.assisted, case) == "not-a-clerk"

    def test_a_citizen_is_no_clerk(self, world):
        token = world.token(world.citizen, world.hall, scopes="counter:assist", strength=Strength.PASSKEY)
        assert refusal(world, world.assisted, actor_token=token) == "not-a-clerk"

    def test_a_clerk_never_assists_themselves(self, world):
        clerk = world.persons.get(world.clerk.person)
        assert refusal(world, world.assisted, subject_token=world.qr(clerk)) == "own-case"
        token = world.read(world.clerk_token())
        assert code_of(world.presence.by_otp, token, world.counter.id, CLERK_NUMBER, "123456") == "own-case"

    @pytest.mark.parametrize("clerk_is_agent", [True, False])
    def test_nor_someone_tied_to_them_by_a_mandate(self, world, clerk_is_agent):
        pair = (world.citizen.id, world.clerk.person)
        principal, agent = pair if clerk_is_agent else pair[::-1]
        world.represented(principal=principal, agent=agent)
        assert refusal(world, world.assisted) == "own-case"

    def test_nor_the_company_they_act_for(self, world):
        _, facts = world.represented()
        token = world.matter_token(world.citizen, world.hall, **facts)
        world.represented(agent=world.clerk.person)
        form = {"actor_token": world.clerk_token(), "case": world.open_case().id}
        found = refusal(world, world.exchange, world.hall, subject_token=token, audience="api", **form)
        assert found == "own-case"


class TestCases:
    def test_the_facts_are_those_of_the_registers(self, world):
        case = world.open_case()
        assert (case.purpose_zh, case.counter_name, case.system) == ("办理居住证延续", "3号窗口", world.hall.id)
        assert case.closes_at - case.opened_at == timedelta(hours=8)
        assert world.cases_store.find(case.id) == case

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"counter": "nowhere"}, "clerk-elsewhere"),
            ({"matter": "M-NONE"}, "matter-elsewhere"),
            ({"client": "portal"}, "system-elsewhere"),
        ],
    )
    def test_counter_system_and_matter_must_be_registered_for_it(self, world, changes, code):
        client = world.portal if "client" in changes else world.hall
        token = world.read(world.clerk_token(client=client))
        place, matter = changes.get("counter", world.counter.id), changes.get("matter", RENEWAL.code)
        assert code_of(world.cases.open, token, place, matter) == code

    def test_a_closed_counter_is_nowhere(self, world):
        closed = dataclasses.replace(world.counter, closed_at=world.clock.now())
        world.registers.counters[world.counter.id] = closed
        assert code_of(world.open_case) == "clerk-elsewhere"

    def test_only_its_clerk_closes_a_case(self, world):
        case = world.open_case()
        other = world.add_clerk(world.person(STRANGER, "李窗口"), "FZ0077", frozenset({world.counter.id}))
        token = world.read(world.clerk_token(other))
        assert code_of(world.cases.close, token, case.id) == "case-unknown"
        mine = world.read(world.clerk_token())
        world.cases.close(mine, case.id)
        world.cases.close(mine, case.id)


class TestPresence:
    def test_a_code_is_used_once(self, world):
        code = world.qr()
        world.assisted(subject_token=code)
        assert refusal(world, world.assisted, subject_token=code)

    @pytest.mark.parametrize(("seconds", "good"), [(QR_SECONDS - 1, True), (QR_SECONDS, False)])
    def test_a_code_of_the_phone_lives_a_minute(self, world, seconds, good):
        case, actor, code = world.open_case(), world.clerk_token(), world.qr()
        world.clock.advance(seconds=seconds)
        if good:
            assert world.assisted(case, actor_token=actor, subject_token=code)
        else:
            refusal(world, world.assisted, case, actor_token=actor, subject_token=code)

    def test_a_newer_code_of_the_session_voids_the_one_before_and_the_citizen_can_void_it(self, world):
        session = world.session(world.citizen)
        first = world.presence.issue_qr(session).code
        second = world.presence.issue_qr(session).code
        refusal(world, world.assisted, subject_token=first)
        world.presence.void(world.session(world.citizen), second)
        world.presence.void(session, second)
        refusal(world, world.assisted, subject_token=second)

    def test_a_presence_cannot_be_guessed_or_read_from_the_database(self, world):
        code = world.qr()
        assert len(code) == 43
        with world.database.connect() as connection:
            (row,) = connection.exec_driver_sql("select * from sso_presences").all()
        assert code not in str(row)
        refusal(world, world.assisted, subject_token="A" * 43)

    def test_the_end_of_the_citizens_session_voids_the_code(self, world):
        session = world.session(world.citizen)
        code = world.presence.issue_qr(session).code
        world.revocations.cut({Tie(TieKind.SESSION, session.id)}, reason="logout", at=world.clock.now())
        assert refusal(world, world.assisted, subject_token=code) == "session was cut"

    def test_a_one_time_code_shows_presence(self, world):
        token = world.read(world.clerk_token())
        issued = world.presence.by_otp(token, world.counter.id, CITIZEN_NUMBER, "123456")
        contents = world.read(world.assisted(subject_token=issued.code)).contents
        assert contents.assurance.strength is Strength.PASSWORD
        assert contents.act["pass"]["presence"]["method"] == "otp"
        assert contents.session is None

    def test_a_card_shows_presence_and_no_sign_in(self, world):
        issued = world.presence.by_card(world.read(world.clerk_token()), world.counter.id, card())
        contents = world.read(world.assisted(subject_token=issued.code)).contents
        assert (contents.assurance.strength, contents.assurance.methods) == (Strength.NONE, ("document",))
        assert contents.act["pass"]["presence"]["method"] == "card"
        assert "11010519491231002X" not in str(issued.presence)

    def test_what_a_clerk_attested_holds_at_their_counter_only_and_for_two_minutes(self, world):
        clerk = world.read(world.clerk_token())
        elsewhere = world.presence.by_card(clerk, world.other_counter.id, card()).code
        refusal(world, world.assisted, subject_token=elsewhere)
        late, case, actor = (
            world.presence.by_card(clerk, world.counter.id, card()).code,
            world.open_case(),
            world.clerk_token(),
        )
        world.clock.advance(seconds=ATTESTED_SECONDS)
        refusal(world, world.assisted, case, actor_token=actor, subject_token=late)

    def test_a_wrong_code_and_an_unknown_person_look_the_same_and_the_citizen_sees_the_failure(self, world):
        token = world.read(world.clerk_token())
        wrong = code_of(world.presence.by_otp, token, world.counter.id, CITIZEN_NUMBER, "000000")
        unknown = code_of(world.presence.by_otp, token, world.counter.id, STRANGER, "000000")
        company = code_of(world.presence.by_otp, token, world.counter.id, COMPANY_NUMBER, "000000")
        assert wrong == unknown == company == "presence-refused"
        (row,) = world.log.of(world.citizen.id)
        assert (row.kind, row.who, row.counter, row.method) == (
            "presence-failed",
            "王** (****34)",
            "3号窗口",
            PresenceMethod.OTP,
        )

    def test_one_clerk_fails_five_times_and_nobody_else_is_locked_out(self, world):
        token = world.read(world.clerk_token())
        other = world.add_clerk(world.person(STRANGER, "李窗口"), "FZ0077", frozenset({world.counter.id}))
        for _ in range(FAILURES_MAX):
            code_of(world.presence.by_otp, token, world.counter.id, CITIZEN_NUMBER, "000000")
        throttled = code_of(world.presence.by_otp, token, world.counter.id, CITIZEN_NUMBER, "123456")
        assert throttled == "presence-throttled"
        their = world.read(world.clerk_token(other))
        assert world.presence.by_otp(their, world.counter.id, CITIZEN_NUMBER, "123456")
        world.clock.advance(minutes=15, seconds=1)
        again = world.read(world.clerk_token())
        assert world.presence.by_otp(again, world.counter.id, CITIZEN_NUMBER, "123456")

    @pytest.mark.parametrize(
        "changes",
        [{"name": "张别人"}, {"document_expires": (2026, 11, 20)}, {"holder": STRANGER, "document_kind": "414"}],
    )
    def test_a_card_that_does_not_fit_the_account_is_refused(self, world, changes):
        if "document_expires" in changes:
            changes = {"document_expires": world.clock.now().date().replace(day=20)}
        token = world.read(world.clerk_token())
        assert code_of(world.presence.by_card, token, world.counter.id, card(**changes)) == "presence-refused"

    def test_a_document_is_good_to_the_end_of_its_last_day_in_china(self, world):
        today = world.clock.now().date()
        world.clock.advance(hours=9)  # 17:00 in UTC, an hour into the next day in China
        token = world.read(world.clerk_token())
        assert (
            code_of(world.presence.by_card, token, world.counter.id, card(document_expires=today)) == "presence-refused"
        )
        tomorrow = today + timedelta(days=1)
        assert world.presence.by_card(token, world.counter.id, card(document_expires=tomorrow)).code

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"portrait_matches": False}, "card-check-invalid"),
            ({"document_kind": "414"}, "card-check-invalid"),
            ({"holder": COMPANY_NUMBER, "document_kind": "001"}, "card-check-invalid"),
            ({"name": ""}, "text-length"),
            ({"name": "张" * 65}, "text-length"),
        ],
    )
    def test_a_record_that_contradicts_itself_cannot_be_made(self, changes, code):
        assert code_of(card, **changes) == code

    def test_presenting_a_code_without_success_is_seen_by_the_citizen(self, world):
        code = world.qr()
        refusal(world, world.assisted, subject_token=code, audience=world.hall.id, actor_token=None)
        (row,) = world.log.of(world.citizen.id)
        assert (row.kind, row.system, row.counter) == ("presence-failed", "hall", "3号窗口")

    def test_presences_that_were_never_used_are_forgotten(self, world):
        world.qr()
        world.clock.advance(days=1)
        assert world.presences.forget(world.clock.now()) == 1


def test_a_one_off_mandate_is_used_up_by_one_case(world):
    mandate, facts = world.represented(MandateKind.ONE_OFF)
    token = world.matter_token(world.citizen, world.hall, **facts)
    case, second = world.open_case(), world.open_case()
    actor = world.clerk_token()
    form = {"subject_token": token, "audience": world.next.id, "actor_token": actor}
    passed = world.exchange(world.hall, case=case.id, **form)["access_token"]
    assert world.mandates.all[mandate.id].used_case == case.id
    assert world.passed(world.next, subject_token=passed, audience="api").contents.case == case.id
    assert world.passed(world.hall, case=case.id, **form).contents.case == case.id
    assert refusal(world, world.exchange, world.hall, case=second.id, **form) == "mandate: mandate-used"


def test_a_one_off_mandate_is_used_up_without_a_case_by_one_sign_in(world):
    mandate, facts = world.represented(MandateKind.ONE_OFF)
    first, second = (
        world.matter_token(world.citizen, world.portal, grant=grant, **facts) for grant in ("GRANT1", "GRANT2")
    )
    passed = world.exchange(world.portal, subject_token=first, audience=world.hall.id)
    assert world.mandates.all[mandate.id].used_case == "GRANT1"
    assert world.exchange(world.portal, subject_token=first, audience=world.hall.id)["access_token"]
    form = {"subject_token": second, "audience": world.hall.id}
    assert refusal(world, world.exchange, world.portal, **form) == "mandate: mandate-used"
    actor, case = world.clerk_token(), world.open_case()
    onward = {"audience": world.next.id, "actor_token": actor, "case": case.id}
    assert world.passed(world.hall, subject_token=passed["access_token"], **onward).contents.case == case.id
    other = world.matter_token(world.citizen, world.hall, grant="GRANT2", **facts)
    assert refusal(world, world.exchange, world.hall, subject_token=other, **onward) == "mandate: mandate-used"
