"""Issuing: what comes out, what is refused, and what a repeated key leads to."""

from datetime import date

import pytest

from certs.domain import Action, IntentState
from certs.errors import DateOrder
from certs.library_errors import IssueFailed
from tests.certs.world import (
    AUTHORITY,
    CLIENT,
    COMPANY,
    OTHER_CLIENT,
    OTHER_PERSON,
    PERMIT,
    PERSON,
    PURPOSE,
    Caller,
    World,
    authority,
    change,
    licence,
    permit,
    uscc,
)
from trust.kernel.errors import InternalFault, MalformedInput, NotReady, TrustError, Unavailable
from trust.kernel.identifiers import CertificateIdentifier
from verifier.ports import LibraryState
from verifier.reasons import REASONS, Outcome


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def issued(world):
    with world.database.read() as session:
        return session.connection().exec_driver_sql("select identifier, state, reason, sealed from certs_intents").all()


def test_an_issued_certificate_has_an_identifier_of_gb_t_36904_and_its_file(world):
    certificate = world.service.issue(CLIENT, licence())
    identifier = CertificateIdentifier.parse(certificate.identifier)
    assert identifier.issuer.value == AUTHORITY
    assert identifier.serial.startswith("20261121")
    assert len(identifier.serial) == 20
    assert identifier.version == 1
    assert world.service.state(certificate) == (LibraryState.ISSUED, world.clock.now())
    file = world.service.file(CLIENT, identifier, PURPOSE)
    assert COMPANY.encode() in file.content


def test_the_key_use_names_the_client_and_the_identifier(world):
    certificate = world.service.issue(CLIENT, licence())
    (context,) = world.sealer.uses
    assert (context.principal, context.why, context.document) == (
        "client:counter-1",
        "certs.issue",
        certificate.identifier,
    )


def test_the_day_of_issue_is_the_day_in_china(world):
    world.clock.moment = world.clock.moment.replace(hour=23)
    certificate = world.service.issue(CLIENT, licence())
    assert CertificateIdentifier.parse(certificate.identifier).serial.startswith("20261122")


def test_the_authority_may_give_an_earlier_date_of_issue(world):
    certificate = world.service.issue(CLIENT, licence(face={"issued_on": "2026-11-20"}))
    opened = world.service.get(CLIENT, CertificateIdentifier.parse(certificate.identifier), PURPOSE)
    assert opened.contents.face["issued_on"] == "2026-11-20"


WRONG = [
    ("certificate-type", lambda: licence(type_code=uscc("11000000DEM0YX001") + "999"), "type-unknown", "type"),
    ("face-field", lambda: licence(face={"colour": "red"}), "field-unknown", "colour"),
    ("face-value", lambda: licence(face={"business_form": "拍卖"}), "field-choice", "business_form"),
    ("face-length", lambda: licence(face={"domicile": "路" * 121}), "field-too-long", "domicile"),
    ("number", lambda: licence(number="JY1"), "field-pattern", "licence_number"),
    ("name", lambda: licence(name=" "), "field-missing", "operator"),
    ("name twice", lambda: licence(face={"operator": "别的公司"}), "field-contradiction", "operator"),
    ("kind", lambda: licence(kind="111", holder=PERSON), "holder-kind-mismatch", "holder.kind"),
    ("validity", lambda: licence(valid_to=date(2040, 1, 1)), "validity-too-long", "valid_to"),
    (
        "over",
        lambda: licence(valid_from=date(2020, 1, 1), valid_to=date(2021, 1, 1), face={"issued_on": "2020-01-01"}),
        "validity-over",
        "valid_to",
    ),
    ("sex", lambda: permit(face={"sex": "男"}), "field-contradiction", "sex"),
]


@pytest.mark.parametrize(("make", "code", "field"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_wrong_data_is_refused_by_name_and_leaves_nothing(world, make, code, field):
    with pytest.raises(TrustError) as caught:
        world.service.issue(CLIENT, make())
    assert (caught.value.code, caught.value.field) == (code, field)
    assert issued(world) == []
    assert world.files.names == []


WRONG_COMMANDS = [
    ("check digit", lambda: permit(holder="110105194912310021"), "resident-id-check", "holder.number"),
    ("company", lambda: licence(holder=COMPANY[:-1] + "0"), "uscc-check", "holder.number"),
    ("kind", lambda: licence(kind="777"), "holder-kind-unknown", "holder.kind"),
    ("passport", lambda: licence(kind="414", holder="E 1"), "holder-number-invalid", "holder.number"),
    ("order", lambda: licence(valid_to=date(2026, 11, 20)), DateOrder.code, "valid_to"),
    ("key short", lambda: licence("short"), "idempotency-key-invalid", "Idempotency-Key"),
    ("key long", lambda: licence("k" * 129), "idempotency-key-invalid", "Idempotency-Key"),
    ("key text", lambda: licence("证照证照证照证照"), "idempotency-key-invalid", "Idempotency-Key"),
    ("face", lambda: licence(face={"representative": float("nan")}), "malformed-input", "face"),
    ("surrogate", lambda: licence(face={"representative": "\ud800"}), "malformed-input", "face"),
]


@pytest.mark.parametrize(
    ("make", "code", "field"), [case[1:] for case in WRONG_COMMANDS], ids=[case[0] for case in WRONG_COMMANDS]
)
def test_a_wrong_command_cannot_be_made(make, code, field):
    with pytest.raises(TrustError) as caught:
        make()
    assert (caught.value.code, caught.value.field) == (code, field)
    assert PERSON[:17] not in str(caught.value)


def test_an_unknown_authority_may_not_issue(world):
    with pytest.raises(TrustError) as caught:
        world.service.issue(Caller(authority=uscc("11110000MB0000009")), licence())
    assert caught.value.code == "authority-not-onboarded"


def test_an_authority_issues_only_its_permitted_types(world):
    stranger = uscc("11110000MB0000002")
    world.service.onboard(authority(stranger, permitted_types=frozenset({PERMIT})))
    caller = Caller(authority=stranger)
    assert world.service.issue(caller, permit()).type_code == PERMIT
    with pytest.raises(TrustError) as caught:
        world.service.issue(caller, licence("key-00000002"))
    assert caught.value.code == "type-not-permitted"


def test_what_cannot_be_rendered_is_refused_before_anything_is_reserved(world):
    class Unrenderable(TrustError):
        pass

    def refuse():
        raise Unrenderable

    world.hooks.at["check"] = refuse
    with pytest.raises(Unrenderable):
        world.service.issue(CLIENT, licence())
    assert issued(world) == []


def test_the_same_key_and_body_give_the_first_result(world):
    first = world.service.issue(CLIENT, licence())
    again = world.service.issue(CLIENT, licence())
    assert again == first
    assert len(world.sealer.uses) == 1


def test_the_same_key_gives_the_present_state_after_a_revocation(world):
    first = world.service.issue(CLIENT, licence())
    world.service.change(CLIENT, change(first.identifier, Action.REVOKE))
    assert world.service.issue(CLIENT, licence()).state is LibraryState.REVOKED


def test_the_same_key_gives_the_first_result_years_later(world):
    first = world.service.issue(CLIENT, licence())
    world.clock.advance(days=3000)
    assert world.service.issue(CLIENT, licence()).identifier == first.identifier


@pytest.mark.parametrize(
    "other",
    [
        licence(number="JY13501020000002"),
        licence(name="另一公司"),
        licence(valid_to=date(2031, 11, 19)),
        licence(face={"signatory": "别人"}),
    ],
    ids=["number", "name", "date", "face"],
)
def test_the_same_key_with_another_body_is_a_conflict(world, other):
    world.service.issue(CLIENT, licence())
    with pytest.raises(TrustError) as caught:
        world.service.issue(CLIENT, other)
    assert caught.value.code == "idempotency-conflict"
    assert len(issued(world)) == 1


def test_two_authorities_may_use_the_same_key(world):
    assert world.service.issue(CLIENT, licence()).identifier != world.service.issue(OTHER_CLIENT, licence()).identifier


def test_a_file_that_does_not_verify_is_never_released(world):
    world.verifier.code = next(code for code, reason in REASONS.items() if reason.outcome is Outcome.FAILED)
    with pytest.raises(InternalFault) as caught:
        world.service.issue(CLIENT, licence())
    assert caught.value.code == "fresh-file-invalid"
    ((identifier, state, reason, sealed),) = issued(world)
    assert (state, reason, sealed) == ("abandoned", "fresh-file-invalid", None)
    assert world.files.names == []
    assert world.service.status(identifier) is None
    with pytest.raises(TrustError) as caught:
        world.service.issue(CLIENT, licence())
    assert caught.value.code == "issue-abandoned"
    assert "fresh-file-invalid" in caught.value.detail


@pytest.mark.parametrize("code", ["not-yet-in-force", "expired"])
def test_a_file_outside_of_its_own_term_is_right_all_the_same(world, code):
    """Issued ahead of its first day, or finished by recovery after its last."""
    world.verifier.code = code
    assert world.service.issue(CLIENT, licence()).identifier


def test_a_file_that_cannot_be_judged_for_now_waits_for_the_same_request(world):
    """As with an overdue CRL: nothing is wrong with the file, so the intent is not given up."""
    good, world.verifier.code = world.verifier.code, "crl-stale"
    with pytest.raises(NotReady) as caught:
        world.service.issue(CLIENT, licence())
    assert caught.value.code == "fresh-file-undecided"
    ((identifier, state, _, _),) = issued(world)
    assert (state, world.files.names) == ("intended", [])
    world.verifier.code = good
    assert world.service.issue(CLIENT, licence()).identifier == identifier


def test_an_unavailable_part_leaves_the_intent_to_be_repeated_under_the_same_identifier(world):
    world.hooks.at["before seal"] = unavailable
    with pytest.raises(Unavailable):
        world.service.issue(CLIENT, licence())
    ((identifier, state, _, _),) = issued(world)
    assert state == "intended"
    assert world.service.issue(CLIENT, licence()).identifier == identifier


def test_a_file_that_the_verifier_cannot_read_is_a_fault_of_ours(world):
    def unreadable():
        raise MalformedInput

    world.hooks.at["before verify"] = unreadable
    with pytest.raises(InternalFault) as caught:
        world.service.issue(CLIENT, licence())
    assert caught.value.code == "fresh-file-invalid"


def test_a_file_that_names_another_certificate_is_never_released(world):
    world.verifier.identifier = "1.2.156.3005.2.another"
    with pytest.raises(InternalFault) as caught:
        world.service.issue(CLIENT, licence())
    assert caught.value.code == "fresh-file-invalid"
    assert world.files.names == []


def unavailable():
    raise Unavailable


@pytest.mark.parametrize(("hours", "state"), [(23.9, "intended"), (24, "abandoned")])
def test_an_intent_that_still_fails_after_a_day_is_given_up(world, hours, state):
    for wait in (hours, 0):
        world.hooks.at["before seal"] = unavailable
        with pytest.raises(Unavailable):
            world.service.issue(CLIENT, licence())
        world.clock.advance(hours=wait)
    ((_, found, reason, _),) = issued(world)
    assert (found, reason) == (state, "unavailable" if state == "abandoned" else None)


def test_a_fault_of_ours_abandons_the_intent_and_hides_its_text(world):
    def fail():
        raise ZeroDivisionError(PERSON)

    world.hooks.at["before render"] = fail
    with pytest.raises(IssueFailed) as caught:
        world.service.issue(CLIENT, permit())
    assert PERSON not in str(caught.value)
    ((_, state, reason, sealed),) = issued(world)
    assert (state, reason, sealed) == ("abandoned", "issue-failed", None)


def test_the_sealed_command_is_erased_when_the_intent_ends(world):
    world.service.issue(CLIENT, permit())
    ((_, state, _, sealed),) = issued(world)
    assert (state, sealed) == ("completed", None)


class TestNewVersion:
    def supersede(self, world, first, key="key-00000002", **changes):
        return world.service.issue(
            CLIENT,
            licence(
                key, supersedes=CertificateIdentifier.parse(first.identifier), number="JY13501020000009", **changes
            ),
        )

    def test_it_keeps_the_serial_and_ends_the_old_one(self, world):
        first = world.service.issue(CLIENT, licence())
        second = self.supersede(world, first)
        old, new = map(CertificateIdentifier.parse, (first.identifier, second.identifier))
        assert new == old.next_version()
        assert second.supersedes == first.identifier
        status = world.service.status(first.identifier)
        assert (status.state, status.superseded_by) == (LibraryState.SUPERSEDED, second.identifier)
        assert [step.action for step in world.service.history(old)] == [Action.ISSUE, Action.SUPERSEDE]

    def test_an_expired_one_can_be_renewed(self, world):
        first = world.service.issue(CLIENT, licence(valid_to=date(2026, 11, 21)))
        world.clock.advance(days=2)
        self.supersede(world, first)
        assert world.service.status(first.identifier).state is LibraryState.SUPERSEDED

    def test_a_repeated_request_gives_the_new_version(self, world):
        first = world.service.issue(CLIENT, licence())
        assert self.supersede(world, first) == self.supersede(world, first)

    def test_an_identifier_given_up_is_not_used_again(self, world):
        first = world.service.issue(CLIENT, licence())

        def fail():
            raise ZeroDivisionError

        world.hooks.at["before seal"] = fail
        with pytest.raises(IssueFailed):
            self.supersede(world, first)
        assert world.service.status(first.identifier).state is LibraryState.ISSUED
        second = self.supersede(world, first, key="key-00000003")
        assert CertificateIdentifier.parse(second.identifier).version == 3

    def test_only_one_is_in_preparation_at_a_time(self, world):
        first = world.service.issue(CLIENT, licence())

        world.hooks.at["before seal"] = unavailable
        with pytest.raises(Unavailable):
            self.supersede(world, first)
        with pytest.raises(TrustError) as caught:
            self.supersede(world, first, key="key-00000003")
        assert caught.value.code == "successor-in-preparation"

    def test_a_revocation_meanwhile_wins(self, world):
        first = world.service.issue(CLIENT, licence())
        world.hooks.at["before commit"] = lambda: world.service.change(CLIENT, change(first.identifier, Action.REVOKE))
        with pytest.raises(TrustError) as caught:
            self.supersede(world, first)
        assert caught.value.code == "transition-not-allowed"
        assert world.service.status(first.identifier).state is LibraryState.REVOKED
        new = CertificateIdentifier.parse(first.identifier).next_version().value
        assert world.service.status(new) is None
        assert world.intents.state(new) is IntentState.ABANDONED

    @pytest.mark.parametrize(
        ("make", "code"),
        [
            (lambda old: permit("key-00000002", supersedes=old), "supersedes-mismatch"),
            (
                lambda old: licence("key-00000002", supersedes=old, holder=uscc("91350100M000100Y5")),
                "supersedes-mismatch",
            ),
            (lambda old: licence("key-00000002", supersedes=old.next_version()), "certificate-unknown"),
        ],
        ids=["type", "holder", "unknown"],
    )
    def test_what_it_replaces_must_fit(self, world, make, code):
        first = world.service.issue(CLIENT, licence())
        with pytest.raises(TrustError) as caught:
            world.service.issue(CLIENT, make(CertificateIdentifier.parse(first.identifier)))
        assert caught.value.code == code

    def test_another_authority_replaces_nothing(self, world):
        first = world.service.issue(CLIENT, licence())
        with pytest.raises(TrustError) as caught:
            world.service.issue(OTHER_CLIENT, licence(supersedes=CertificateIdentifier.parse(first.identifier)))
        assert caught.value.code == "certificate-of-another-authority"

    @pytest.mark.parametrize("action", [Action.SUSPEND, Action.REVOKE])
    def test_a_suspended_or_revoked_one_is_not_replaced(self, world, action):
        first = world.service.issue(CLIENT, licence())
        world.service.change(CLIENT, change(first.identifier, action))
        with pytest.raises(TrustError) as caught:
            self.supersede(world, first)
        assert caught.value.code == "transition-not-allowed"


def test_the_id_number_is_nowhere_in_clear_on_disk(world):
    reserved = permit("key-00000001", number="350102000001", face={"residence_address": f"示例路{OTHER_PERSON}号"})
    certificate = world.service.issue(CLIENT, reserved)
    identifier = CertificateIdentifier.parse(certificate.identifier)
    world.service.get(CLIENT, identifier, PURPOSE)
    world.service.find_by_holder(CLIENT, reserved.contents.holder.code, PURPOSE)

    world.hooks.at["before commit"] = unavailable  # an open intent holds its command as well
    with pytest.raises(Unavailable):
        world.service.issue(CLIENT, permit(f"residence-{PERSON}"))
    on_disk = [path for path in world.folder.rglob("*") if path.is_file()]
    assert len(on_disk) >= 3
    for path in on_disk:
        content = path.read_bytes() + path.name.encode()
        for secret in (PERSON, OTHER_PERSON, "张示例", "350102000001"):
            assert secret.encode() not in content, (path, secret)
