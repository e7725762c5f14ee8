from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import MOMENT, CountingRandomness
from tests.trust.authority.conftest import NAMES, OPERATOR, PUBLIC_URL, UNIT, World
from trust.authority.errors import (
    AuthorityAlreadyEstablished,
    AuthorityNotEstablished,
    CrlDaysUnusable,
    CrlMissing,
    CrlOverdue,
    IssuingCaUnusable,
    ProfileNotIssuable,
    RequestIdReused,
    SamePerson,
    SerialCollision,
    X509AlreadyRevoked,
    X509NotRevocable,
    X509Unknown,
)
from trust.authority.profiles import ISSUING_DAYS, ROOT_DAYS, SEAL_MAKER_DAYS, SEAL_SIGNER_DAYS, CaRole, Profile
from trust.authority.service import MAX_CRL_DAYS, AuthorityService
from trust.formats.x509 import KeyUsage, RevocationReason, parse_x509
from trust.formats.x509_build import X509DraftInvalid
from trust.gm.errors import KeyUnusable
from trust.gm.sm2 import PrivateKey
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import TrustError, Unavailable
from trust.keys import KeyPurpose, UseOutcome
from trust.signatures import verify

LI, WANG = "operator:li", "operator:wang"


def test_establishing_makes_root_and_issuing_ca(world: World) -> None:
    root, issuing = world.establish()
    assert (root.is_ca, root.path_length, root.is_self_issued) == (True, 1, True)
    assert (issuing.is_ca, issuing.path_length, issuing.issuer.der) == (True, 0, root.subject.der)
    assert root.key_usage == issuing.key_usage == {KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN}
    assert (root.authority_key_id, issuing.authority_key_id) == (None, root.subject_key_id)
    assert (root.crl_urls, issuing.crl_urls) == ((), (f"{PUBLIC_URL}/pki/root.crl",))
    assert root.not_after - root.not_before == timedelta(days=ROOT_DAYS)
    assert issuing.not_after - issuing.not_before == timedelta(days=ISSUING_DAYS)
    for x509 in (root, issuing):
        verify(Algorithm.SM2_SM3, root.spki, x509.tbs, x509.signature)


def test_establishing_twice_returns_what_is_there(world: World) -> None:
    first = world.establish()
    world.clock.advance(days=1)
    assert world.establish() == first
    assert len(world.device.keys()) == 2
    assert len(world.recorder.uses) == 2


def test_establishing_under_another_name_is_a_conflict(world: World) -> None:
    world.establish()
    other = replace(NAMES, root_common_name="另一个根CA")
    with pytest.raises(AuthorityAlreadyEstablished) as caught:
        world.service.establish(world.custodian, other, principal=OPERATOR)
    assert caught.value.code == "authority-already-established"


def test_key_of_an_interrupted_run_is_taken_up(world: World) -> None:
    key = world.custodian.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.X509_ISSUING, label="root-ca")
    root, _ = world.establish()
    assert root.spki == key.public_key
    assert len(world.device.keys()) == 2


@pytest.mark.parametrize("failures", [1, 2])
def test_interrupted_establishing_is_finished_with_the_reserved_bytes(world: World, failures: int) -> None:
    world.device.failures = 1
    for _ in range(failures):
        world.device.failures = 1
        with pytest.raises(Unavailable):
            world.establish()
    (reserved,) = world.store.unfinished()
    world.clock.advance(hours=3)
    root, _ = world.establish()
    assert (root.serial, root.tbs) == (reserved.serial, reserved.tbs)
    assert world.store.unfinished() == []


@pytest.mark.parametrize(
    ("profile", "days"), [(Profile.SEAL_MAKER, SEAL_MAKER_DAYS), (Profile.SEAL_SIGNER, SEAL_SIGNER_DAYS)]
)
def test_issued_certificate_follows_its_profile(world: World, profile: Profile, days: int) -> None:
    _, issuing = world.establish()
    leaf = world.issue(profile=profile)
    assert (leaf.is_ca, leaf.path_length) == (False, None)
    assert leaf.key_usage == {KeyUsage.DIGITAL_SIGNATURE, KeyUsage.NON_REPUDIATION}
    assert (leaf.not_before, leaf.not_after) == (MOMENT, MOMENT + timedelta(days=days))
    assert (leaf.issuer.der, leaf.authority_key_id) == (issuing.subject.der, issuing.subject_key_id)
    assert leaf.crl_urls == (f"{PUBLIC_URL}/pki/issuing.crl",)
    assert (leaf.common_name, leaf.organization, leaf.uscc) == (UNIT.common_name, UNIT.organization, str(UNIT.uscc))
    verify(Algorithm.SM2_SM3, issuing.spki, leaf.tbs, leaf.signature)


def test_same_request_returns_the_same_certificate(world: World) -> None:
    world.establish()
    spki = PrivateKey.generate().public_key.spki
    first = world.issue("seal:1", spki=spki)
    world.clock.advance(days=1)
    assert world.issue("seal:1", spki=spki) == first
    assert world.issue("seal:2", spki=spki).serial != first.serial


def test_request_id_with_another_key_is_a_conflict(world: World) -> None:
    world.establish()
    world.issue("seal:1")
    with pytest.raises(RequestIdReused) as caught:
        world.issue("seal:1")
    assert (caught.value.code, caught.value.field) == ("x509-request-id-reused", "request_id")


def test_serial_row_is_committed_before_the_signature(world: World) -> None:
    world.establish()
    world.device.failures = 1
    spki = PrivateKey.generate().public_key.spki
    with pytest.raises(Unavailable):
        world.issue("seal:1", spki=spki)
    (reserved,) = world.store.unfinished()
    assert reserved.der is None
    assert world.recorder.uses[-1].outcome is UseOutcome.REFUSED
    assert world.issue("seal:1", spki=spki).serial == reserved.serial


def test_recovery_finishes_every_reserved_certificate_once(world: World) -> None:
    world.establish()
    for number in (1, 2):
        world.device.failures = 1
        with pytest.raises(Unavailable):
            world.issue(f"seal:{number}")
    assert (world.service.recover(), world.service.recover()) == (2, 0)


def test_first_kept_certificate_stays_when_two_workers_sign(world: World) -> None:
    world.establish()
    leaf = world.issue()
    assert world.store.complete(leaf.serial, b"another") == leaf.der


def test_each_signature_is_a_key_use_with_its_reason(world: World) -> None:
    world.establish()
    leaf = world.issue()
    use = world.recorder.uses[-1]
    assert (use.purpose, use.context.principal) == (KeyPurpose.X509_ISSUING, OPERATOR)
    assert (use.context.why, use.context.document) == ("issue X.509 seal-signer", f"x509:{leaf.serial:x}")


def test_serial_numbers_are_never_reused(world: World) -> None:
    world.establish()
    world.issue("seal:1")
    stuck = AuthorityService(
        store=world.store,
        signer=world.service._signer,
        clock=world.clock,
        randomness=CountingRandomness(),  # starts again: gives the root's serial number once more
        public_url=PUBLIC_URL,
    )
    with pytest.raises(SerialCollision) as caught:
        stuck.issue(
            Profile.SEAL_SIGNER, UNIT, PrivateKey.generate().public_key.spki, request_id="x", principal=OPERATOR
        )
    assert caught.value.code == "x509-serial-collision"
    assert len({parse_x509(world.issue(f"seal:{n}").der).serial for n in range(2, 6)}) == 4


def test_nothing_is_issued_before_the_authority_is_established(world: World) -> None:
    with pytest.raises(AuthorityNotEstablished) as caught:
        world.issue()
    assert caught.value.code == "authority-not-established"
    with pytest.raises(AuthorityNotEstablished):
        world.service.material()
    with pytest.raises(AuthorityNotEstablished):
        world.service.publish_crls(days=7, principal=OPERATOR)


@pytest.mark.parametrize("profile", [Profile.ROOT, Profile.ISSUING])
def test_ca_certificates_are_not_issued_on_request(world: World, profile: Profile) -> None:
    world.establish()
    with pytest.raises(ProfileNotIssuable) as caught:
        world.issue(profile=profile)
    assert (caught.value.code, caught.value.field) == ("x509-profile-not-issuable", "profile")


def test_key_that_is_not_sm2_is_refused_and_leaves_no_row(world: World) -> None:
    world.establish()
    with pytest.raises(KeyUnusable):
        world.issue("seal:1", spki=b"\x30\x00")
    assert world.store.find_by_request("seal:1") is None


def test_name_that_cannot_be_certified_is_refused() -> None:
    with pytest.raises(X509DraftInvalid) as caught:
        replace(UNIT, organization="")
    assert caught.value.field == "organization_name"


def test_certificate_never_outlives_the_issuing_ca(world: World) -> None:
    world.establish()
    world.clock.advance(days=ISSUING_DAYS - SEAL_SIGNER_DAYS)
    world.issue("last")
    world.clock.advance(seconds=1)
    with pytest.raises(IssuingCaUnusable) as caught:
        world.issue("too late")
    assert caught.value.code == "issuing-ca-unusable"


def test_revoked_issuing_ca_issues_nothing(world: World) -> None:
    _, issuing = world.establish()
    world.service.revoke(issuing.serial, RevocationReason.CA_COMPROMISE, requested_by=LI, approved_by=WANG)
    with pytest.raises(IssuingCaUnusable):
        world.issue()


@pytest.mark.parametrize(("requested_by", "approved_by"), [(LI, LI), (LI, " Operator:LI "), (LI, "operator: li")])
def test_who_asks_for_a_revocation_does_not_approve_it(world: World, requested_by: str, approved_by: str) -> None:
    world.establish()
    leaf = world.issue()
    with pytest.raises(SamePerson) as caught:
        world.service.revoke(
            leaf.serial, RevocationReason.KEY_COMPROMISE, requested_by=requested_by, approved_by=approved_by
        )
    assert caught.value.code == "same-person"
    assert world.store.get(leaf.serial).revocation is None


@pytest.mark.parametrize(
    ("requested_by", "approved_by", "code", "field"),
    [
        ("", WANG, "text-length", "requested_by"),
        (LI, " ", "text-length", "approved_by"),
        (LI, "1101 0519491231 002X", "personal-number-in-text", "approved_by"),
    ],
)
def test_who_takes_part_in_a_revocation_has_a_name_that_is_no_number(
    world: World, requested_by: str, approved_by: str, code: str, field: str
) -> None:
    world.establish()
    leaf = world.issue()
    with pytest.raises(TrustError) as caught:
        world.service.revoke(
            leaf.serial, RevocationReason.KEY_COMPROMISE, requested_by=requested_by, approved_by=approved_by
        )
    assert (caught.value.code, caught.value.field) == (code, field)
    assert world.store.get(leaf.serial).revocation is None


def test_first_revocation_stands(world: World) -> None:
    world.establish()
    leaf = world.issue()
    first = world.service.revoke(leaf.serial, RevocationReason.SUPERSEDED, requested_by=LI, approved_by=WANG)
    world.clock.advance(days=1)
    again = world.service.revoke(leaf.serial, RevocationReason.SUPERSEDED, requested_by=WANG, approved_by=LI)
    assert again == first
    with pytest.raises(X509AlreadyRevoked) as caught:
        world.service.revoke(leaf.serial, RevocationReason.KEY_COMPROMISE, requested_by=LI, approved_by=WANG)
    assert caught.value.code == "x509-already-revoked"


def test_unknown_serial_number_is_not_found(world: World) -> None:
    with pytest.raises(X509Unknown) as caught:
        world.service.revoke(5, RevocationReason.SUPERSEDED, requested_by=LI, approved_by=WANG)
    assert caught.value.code == "x509-unknown"


@pytest.mark.parametrize("reason", [RevocationReason.CERTIFICATE_HOLD, RevocationReason.REMOVE_FROM_CRL])
def test_passing_reasons_do_not_revoke(world: World, reason: RevocationReason) -> None:
    world.establish()
    leaf = world.issue()
    with pytest.raises(X509NotRevocable) as caught:
        world.service.revoke(leaf.serial, reason, requested_by=LI, approved_by=WANG)
    assert (caught.value.code, caught.value.field) == ("x509-not-revocable", "reason")


def test_root_and_unsigned_records_are_not_revoked(world: World) -> None:
    root, _ = world.establish()
    world.device.failures = 1
    with pytest.raises(Unavailable):
        world.issue()
    for serial in (root.serial, world.store.unfinished()[0].serial):
        with pytest.raises(X509NotRevocable):
            world.service.revoke(serial, RevocationReason.SUPERSEDED, requested_by=LI, approved_by=WANG)


def test_list_numbers_only_grow_and_lists_carry_all_revocations(world: World) -> None:
    _, issuing = world.establish()
    leaf = world.issue()
    first = world.service.publish_crls(days=7, principal=OPERATOR)
    assert [(crl.number, dict(crl.revoked)) for crl in first] == [(1, {}), (1, {})]
    world.clock.advance(hours=1)
    revocation = world.service.revoke(
        leaf.serial, RevocationReason.CESSATION_OF_OPERATION, requested_by=LI, approved_by=WANG
    )
    root_crl, issuing_crl = world.service.publish_crls(days=7, principal=OPERATOR)
    assert (root_crl.number, issuing_crl.number) == (2, 2)
    assert dict(root_crl.revoked) == {}
    assert issuing_crl.revoked == {leaf.serial: revocation.entry}
    assert (issuing_crl.this_update, issuing_crl.next_update) == (
        MOMENT + timedelta(hours=1),
        MOMENT + timedelta(hours=1, days=7),
    )
    assert issuing_crl.authority_key_id == issuing.subject_key_id
    verify(Algorithm.SM2_SM3, issuing.spki, issuing_crl.tbs, issuing_crl.signature)
    assert world.recorder.uses[-1].context.document == "crl:issuing:2"


def test_number_of_an_interrupted_list_is_not_used_again(world: World) -> None:
    world.establish()
    world.service.publish_crls(days=7, principal=OPERATOR)
    world.device.failures = 1
    with pytest.raises(Unavailable):
        world.service.publish_crls(days=7, principal=OPERATOR)
    assert world.service.crl(CaRole.ROOT).number == 1
    root_crl, issuing_crl = world.service.publish_crls(days=7, principal=OPERATOR)
    assert (root_crl.number, issuing_crl.number) == (3, 2)


@pytest.mark.parametrize("days", [0, -1, MAX_CRL_DAYS + 1])
def test_life_of_a_list_is_bounded(world: World, days: int) -> None:
    world.establish()
    with pytest.raises(CrlDaysUnusable) as caught:
        world.service.publish_crls(days=days, principal=OPERATOR)
    assert (caught.value.code, caught.value.field) == ("crl-days-unusable", "days")


@pytest.mark.parametrize("days", [1, MAX_CRL_DAYS])
def test_shortest_and_longest_life_of_a_list_are_accepted(world: World, days: int) -> None:
    world.establish()
    root_crl, _ = world.service.publish_crls(days=days, principal=OPERATOR)
    assert root_crl.next_update - root_crl.this_update == timedelta(days=days)


def test_material_holds_what_relying_parties_need(world: World) -> None:
    root, issuing = world.establish()
    assert world.service.material().crls == ()
    published = world.service.publish_crls(days=7, principal=OPERATOR)
    material = world.service.material()
    assert (material.roots, material.intermediates) == ((root.der,), (issuing.der,))
    assert material.crls == tuple(crl.der for crl in published)


def test_readiness_needs_cas_and_current_lists(world: World) -> None:
    with pytest.raises(AuthorityNotEstablished):
        world.service.check()
    world.establish()
    with pytest.raises(CrlMissing) as missing:
        world.service.check()
    assert missing.value.code == "crl-missing"
    world.service.publish_crls(days=7, principal=OPERATOR)
    world.service.check()
    world.clock.advance(days=7)
    with pytest.raises(CrlOverdue) as overdue:
        world.service.check()
    assert overdue.value.code == "crl-overdue"
