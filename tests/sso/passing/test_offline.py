"""The offline form: checked with the key set alone, for minutes, and each use is recorded once."""

import json
from datetime import timedelta, timezone

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import select

from sso.passing.domain import Channel
from sso.passing.offline import OFFLINE_SECONDS, REPORT_DAYS, OfflineDesk, OfflineParts, Reconciled, Report
from sso.passing.store.offline import SqlAssertions
from sso.passing.store.tables import HOPS
from sso.provider.signing import UnsignedToken
from tests.sso.passing.support import ISSUER, RENEWAL
from trust.kernel.errors import NotAuthenticated, TrustError


@pytest.fixture
def desk(world):
    parts = OfflineParts(
        signer=world.token_signer,
        store=SqlAssertions(world.database),
        cases=world.cases_store,
        targets=world.targets,
        narrowing=world.grant._parts.narrowing,
        subjects=world.subjects,
    )
    return OfflineDesk(parts, issuer=ISSUER, clock=world.clock, randomness=world.randomness)


@pytest.fixture
def token(world):
    return world.read(world.assisted())


@pytest.fixture
def assertion(world, desk, token):
    return desk.issue(token, world.hall, world.next.id)


def report(world, desk, assertion, *, client=None, used_at=None):
    found = Report(assertion=assertion, used_at=used_at or world.clock.now())
    return desk.reconcile(client or world.hall, [found])[0]


def refused(desk, *args) -> str:
    with pytest.raises(TrustError) as caught:
        desk.issue(*args)
    return caught.value.code


def test_the_key_set_alone_checks_it_and_it_carries_the_chain(world, token, assertion):
    keys = KeySet.import_key_set(world.token_signer.ring.document())
    decoded = jwt.decode(assertion, keys, algorithms=["ES256"])
    assert decoded.header["typ"] == "offline+jwt"
    claims = decoded.claims
    assert claims["act"] == json.loads(json.dumps(dict(token.contents.act)))
    assert (claims["aud"], claims["matter"]) == (world.next.relying.resource, RENEWAL.code)
    assert claims["exp"] - claims["iat"] == OFFLINE_SECONDS
    assert claims["sub"] == world.subjects.subject(world.citizen.id, sector="next.example.gov.cn")


def test_it_is_no_access_token(world, assertion):
    with pytest.raises(NotAuthenticated):
        world.read(assertion)


def test_a_reported_use_becomes_a_hop_that_the_citizen_sees(world, desk, token, assertion):
    world.clock.advance(minutes=2)
    used_at = world.clock.now()
    world.clock.advance(hours=3)
    answer = report(world, desk, assertion, used_at=used_at)
    assert answer.status is Reconciled.RECORDED
    chain = world.log.check(answer.hop)
    assert [hop.channel for hop in chain] == [Channel.COUNTER, Channel.OFFLINE]
    (row,) = [row for row in world.log.of(world.citizen.id) if row.channel is Channel.OFFLINE]
    assert (row.at, row.who, row.counter, row.to_system) == (used_at, "王** (****34)", "3号窗口", "next")


def test_a_use_is_kept_in_utc_whatever_zone_it_was_reported_in(world, desk, assertion):
    used_at = world.clock.now().astimezone(timezone(timedelta(hours=8)))
    answer = report(world, desk, assertion, used_at=used_at)
    with world.database.connect() as connection:
        kept = connection.execute(select(HOPS.c.at).where(HOPS.c.id == answer.hop)).scalar_one()
    assert kept == world.clock.now().isoformat()
    assert kept.endswith("+00:00")


def test_the_recipient_may_report_it_too_but_it_counts_once(world, desk, assertion):
    assert report(world, desk, assertion, client=world.next).status is Reconciled.RECORDED
    for client in (world.next, world.hall):
        assert report(world, desk, assertion, client=client).status is Reconciled.REPLAYED
    assert len(world.log.of(world.citizen.id)) == 2


def test_another_system_cannot_report_it(world, desk, assertion):
    assert report(world, desk, assertion, client=world.portal).status is Reconciled.FOREIGN


def test_each_use_is_answered_by_itself(world, desk, assertion):
    now = world.clock.now()
    reports = [Report(assertion=text, used_at=now) for text in ("nonsense", assertion, assertion, assertion + "A")]
    statuses = [answer.status for answer in desk.reconcile(world.hall, reports)]
    assert statuses == [Reconciled.FORGED, Reconciled.RECORDED, Reconciled.REPLAYED, Reconciled.FORGED]


@pytest.mark.parametrize("typ", ["at+jwt", "JWT"])
def test_our_signature_over_another_type_is_forged(world, desk, assertion, typ):
    claims = world.token_signer.verify(assertion, typ="offline+jwt")
    unsigned = UnsignedToken(claims=claims, typ=typ, document="token:x", why="test")
    other = world.token_signer.sign(unsigned, principal="client:test")
    assert report(world, desk, other).status is Reconciled.FORGED


@pytest.mark.parametrize(
    ("used_after", "reported_after", "status"),
    [
        (0, 0, Reconciled.RECORDED),
        (OFFLINE_SECONDS - 1, OFFLINE_SECONDS, Reconciled.RECORDED),
        (OFFLINE_SECONDS, OFFLINE_SECONDS, Reconciled.OUT_OF_TIME),
        (-1, 0, Reconciled.OUT_OF_TIME),
        (1, 0, Reconciled.OUT_OF_TIME),
        (1, OFFLINE_SECONDS + REPORT_DAYS * 86400, Reconciled.RECORDED),
        (1, OFFLINE_SECONDS + REPORT_DAYS * 86400 + 1, Reconciled.OUT_OF_TIME),
    ],
)
def test_a_use_lies_within_its_life_and_is_reported_within_a_week(
    world, desk, assertion, used_after, reported_after, status
):
    used_at = world.clock.now() + timedelta(seconds=used_after)
    world.clock.advance(seconds=reported_after)
    assert report(world, desk, assertion, used_at=used_at).status is status


def test_only_a_case_goes_offline(world, desk):
    online = world.read(world.matter_token(world.citizen, world.hall))
    assert refused(desk, online, world.hall, world.next.id) == "offline-refused"


def test_only_the_system_of_the_token_and_only_to_its_targets(world, desk, token):
    assert refused(desk, token, world.next, world.last.id) == "offline-refused"
    assert refused(desk, token, world.hall, world.portal.id) == "offline-refused"
    assert refused(desk, token, world.hall, "api") == "offline-refused"


def test_a_closed_case_goes_nowhere(world, desk, token):
    world.cases.close(world.read(world.clerk_token()), token.contents.case)
    assert refused(desk, token, world.hall, world.next.id) == "offline-refused"


def test_who_acts_for_another_does_so_offline_too(world, desk):
    """Without the claim the citizen would seem to act for themselves."""
    _, facts = world.represented()
    passed = world.passed(
        world.hall,
        subject_token=world.matter_token(world.citizen, world.hall, **facts),
        actor_token=world.clerk_token(),
        case=world.open_case().id,
        audience=world.next.id,
    )
    claims = world.token_signer.verify(desk.issue(passed, world.hall, world.next.id), typ="offline+jwt")
    assert claims["represents"] == passed.claims["represents"]
