"""The life of a certificate: a closed table, two clerks, and no two winners."""

import threading
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import sampled_from

from certs.domain import TRANSITIONS, Action, state_on
from tests.certs.world import CLIENT, COMPANY, LICENCE, OTHER_CLIENT, World, change, licence
from trust.kernel.errors import TrustError
from trust.kernel.identifiers import CertificateIdentifier, Uscc
from verifier.ports import LibraryState

S = LibraryState
IDENTIFIER = CertificateIdentifier.build(LICENCE, Uscc.parse(COMPANY), "1").value


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def test_nothing_leads_out_of_revoked_and_superseded():
    assert not [state for state, _ in TRANSITIONS if state in {S.REVOKED, S.SUPERSEDED}]


def test_expired_is_never_stored():
    assert S.EXPIRED not in TRANSITIONS.values()


def test_a_certificate_expires_when_its_last_day_ends_in_china():
    last, since = date(2026, 11, 21), datetime(2026, 1, 1, tzinfo=UTC)
    end = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    assert state_on(S.ISSUED, since, last, end - timedelta(microseconds=1)) == (S.ISSUED, since)
    assert state_on(S.ISSUED, since, last, end) == (S.EXPIRED, end)
    assert state_on(S.SUSPENDED, since, last, end) == (S.EXPIRED, end)
    assert state_on(S.REVOKED, since, last, end) == (S.REVOKED, since)
    assert state_on(S.SUPERSEDED, since, last, end) == (S.SUPERSEDED, since)
    assert state_on(S.ISSUED, since, None, datetime(9999, 1, 1, tzinfo=UTC)) == (S.ISSUED, since)


def test_each_step_is_kept_with_reason_and_both_clerks(world):
    certificate = world.service.issue(CLIENT, licence())
    world.clock.advance(hours=1)
    world.service.change(CLIENT, change(certificate.identifier, Action.SUSPEND, reason="年检未过"))
    world.clock.advance(hours=1)
    world.service.change(CLIENT, change(certificate.identifier, Action.RESUME, reason="年检通过"))
    first, second, third = world.service.history(CertificateIdentifier.parse(certificate.identifier))
    assert (first.action, first.before, first.after) == (Action.ISSUE, None, S.ISSUED)
    assert (second.before, second.after, second.record.reason) == (S.ISSUED, S.SUSPENDED, "年检未过")
    assert (second.record.requested_by, second.record.approved_by) == ("王经办", "李审批")
    assert (third.after, third.record.at - second.record.at) == (S.ISSUED, timedelta(hours=1))
    assert third.record.client == CLIENT.name


@pytest.mark.parametrize("approver", ["王经办", " 王经办 ", "王 经办"])
def test_whoever_asks_does_not_approve(approver):
    with pytest.raises(TrustError) as caught:
        change(IDENTIFIER, Action.REVOKE, approved_by=approver)
    assert (caught.value.code, caught.value.field) == ("same-person", "approved_by")


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"reason": ""}, "text-length", "reason"),
        ({"reason": "撤"}, "text-length", "reason"),
        ({"reason": "由" * 201}, "text-length", "reason"),
        ({"reason": "吊销\u202e证照"}, "text-characters", "reason"),
        ({"reason": "证号11010519491231002X作废"}, "personal-number-in-text", "reason"),
        ({"requested_by": "11010519491231002x"}, "personal-number-in-text", "requested_by"),
        ({"requested_by": " "}, "text-length", "requested_by"),
        ({"approved_by": "李" * 65}, "text-length", "approved_by"),
    ],
)
def test_a_change_of_state_says_why_and_who_without_id_numbers(values, code, field):
    with pytest.raises(TrustError) as caught:
        change(IDENTIFIER, Action.REVOKE, **values)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_bounds_of_a_reason_are_accepted():
    change(IDENTIFIER, Action.REVOKE, reason="注销")
    change(IDENTIFIER, Action.REVOKE, reason="由" * 200, requested_by="王" * 64)


def test_only_the_issuing_authority_changes_a_state(world):
    certificate = world.service.issue(CLIENT, licence())
    with pytest.raises(TrustError) as caught:
        world.service.change(OTHER_CLIENT, change(certificate.identifier, Action.REVOKE))
    assert caught.value.code == "certificate-of-another-authority"
    assert world.service.status(certificate.identifier).state is S.ISSUED


def test_an_unknown_certificate_has_no_state_to_change(world):
    certificate = world.service.issue(CLIENT, licence())
    unknown = CertificateIdentifier.parse(certificate.identifier).next_version().value
    with pytest.raises(TrustError) as caught:
        world.service.change(CLIENT, change(unknown, Action.REVOKE))
    assert caught.value.code == "certificate-unknown"


def test_of_revoking_and_suspending_at_once_the_history_has_one_order(world):
    for round_number in range(5):
        certificate = world.service.issue(CLIENT, licence(f"key-race-{round_number}"))
        barrier, outcomes = threading.Barrier(4), []

        def run(action, identifier=certificate.identifier, barrier=barrier, outcomes=outcomes):
            barrier.wait()
            try:
                outcomes.append(world.service.change(CLIENT, change(identifier, action)).state)
            except TrustError as error:
                outcomes.append(error.code)

        actions = (Action.REVOKE, Action.REVOKE, Action.SUSPEND, Action.SUSPEND)
        threads = [threading.Thread(target=run, args=(action,)) for action in actions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        steps = world.service.history(CertificateIdentifier.parse(certificate.identifier))
        assert all(earlier.after == later.before for earlier, later in pairwise(steps))
        assert outcomes.count(S.REVOKED) == 1
        assert outcomes.count(S.SUSPENDED) <= 1
        assert world.service.status(certificate.identifier).state is S.REVOKED


class Life(RuleBasedStateMachine):
    """Any sequence of actions and days: what the library says is what the table says."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.world = World(Path(self.folder.name))
        self.certificate = self.world.service.issue(CLIENT, licence(valid_to=date(2026, 11, 30)))
        self.stored, self.steps, self.issued = S.ISSUED, 1, 1

    def expected(self):
        expired = self.world.clock.now() >= datetime(2026, 11, 30, 16, tzinfo=UTC)
        return S.EXPIRED if expired and self.stored in {S.ISSUED, S.SUSPENDED} else self.stored

    @rule(action=sampled_from([Action.REVOKE, Action.SUSPEND, Action.RESUME]))
    def act(self, action):
        target = TRANSITIONS.get((self.expected(), action))
        command = change(self.certificate.identifier, action)
        if target is None:
            with pytest.raises(TrustError, match="does not admit"):
                self.world.service.change(CLIENT, command)
        else:
            self.stored = self.world.service.change(CLIENT, command).state
            assert self.stored is target
            self.steps += 1

    @rule()
    def renew(self):
        self.issued += 1
        command = licence(
            f"key-renew-{self.issued}",
            supersedes=CertificateIdentifier.parse(self.certificate.identifier),
            valid_to=date(2031, 11, 20),
        )
        if (self.expected(), Action.SUPERSEDE) in TRANSITIONS:
            self.world.service.issue(CLIENT, command)
            self.stored = S.SUPERSEDED
            self.steps += 1
        else:
            with pytest.raises(TrustError, match="does not admit"):
                self.world.service.issue(CLIENT, command)

    @rule(days=sampled_from([1, 4, 10]))
    def wait(self, days):
        self.world.clock.advance(days=days)

    @invariant()
    def status_is_what_the_table_says(self):
        status = self.world.service.status(self.certificate.identifier)
        assert status.state is self.expected()
        history = self.world.service.history(CertificateIdentifier.parse(self.certificate.identifier))
        assert len(history) == self.steps
        assert history[-1].after is self.stored

    def teardown(self):
        self.world.close()
        self.folder.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=15, stateful_step_count=8, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
