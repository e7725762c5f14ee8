from dataclasses import replace

import pytest
from sqlalchemy import update

from seals.artwork import SealText, draw
from seals.domain import Placement, SealState, StampJob
from seals.errors import (
    BatchTooLarge,
    NoMakingPoint,
    SealBroken,
    SealCancelled,
    SealCodeTaken,
    SealNotInForce,
    SealNotMade,
    SealSignerNotListed,
    SealStateConflict,
    SealSuspended,
    SealUnknown,
)
from seals.making import MakingPoint
from seals.outlines import FontChain
from seals.picture import as_operators
from seals.service import MAX_BATCH, SealService
from seals.store import MakerRow, SealRow
from tests.fakes import CountingRandomness
from tests.seals.conftest import CODE, CONTEXT, LINE, NAME, PLACE, USCC, World
from tests.seals.independent import SESeal, seal_signature_is_right
from trust.authority.errors import SamePerson
from trust.formats.ses import assemble_seal, build_seal_info, parse_seal
from trust.formats.x509 import parse_x509
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import TrustError, Unavailable
from trust.kernel.identifier_errors import UsccInvalid
from trust.keys import KeyPurpose, KeyUse, UseOutcome
from trust.typesetting import UnrenderableCharacter


def fresh(world: World) -> SealService:
    """The service as another process sees it: nothing cached, nothing to make seals with."""
    return SealService(
        store=world.store, signer=world.signer, clock=world.clock, randomness=CountingRandomness(), making=None
    )


def apply_for(world: World, **changes: str) -> str:
    wanted = {"name": NAME, "line": LINE, "uscc": USCC, "code": CODE, "requested_by": "operator:wang"} | changes
    return world.service.apply_for(**wanted).seal_id


def test_a_seal_is_applied_for_approved_by_another_and_made(world: World) -> None:
    seal_id = apply_for(world)
    assert world.service.get(seal_id).state is SealState.APPLIED
    record = world.service.approve(seal_id, approved_by="operator:li")
    assert record.state is SealState.ACTIVE
    assert record.approved_by == "operator:li"
    assert [change.state for change in world.service.changes(seal_id)] == [
        SealState.APPLIED,
        SealState.APPROVED,
        SealState.ACTIVE,
    ]


def test_the_made_seal_verifies_with_independent_code(world: World) -> None:
    record = world.made()
    der = world.service.ses_seal(record.seal_id)
    assert seal_signature_is_right(der)
    seal = SESeal.load(der, strict=True)
    assert seal["info"]["header"].native == {"id": "ES", "version": 4, "vid": "yinxin"}
    assert seal["info"]["es_id"].native == record.seal_id
    assert seal["info"]["property"]["name"].native == NAME
    assert seal["info"]["property"]["cert_list_type"].native == 1
    assert seal["info"]["picture"]["type"].native == "PNG"
    assert (seal["info"]["picture"]["width"].native, seal["info"]["picture"]["height"].native) == (42, 42)
    signer = parse_x509(seal["info"]["property"]["cert_list"][0].native)
    assert signer.spki == world.signer.describe(record.made.signer_key).public_key
    assert signer.uscc == USCC
    assert seal["info"]["property"]["valid_end"].native == signer.not_after


def test_keys_are_made_for_one_purpose_each(world: World) -> None:
    world.made()
    assert len(world.keys_for(KeyPurpose.SEAL_MAKING)) == 1
    assert len(world.keys_for(KeyPurpose.SEALING)) == 1


def test_the_applicant_cannot_approve(world: World) -> None:
    seal_id = apply_for(world)
    for name in ("operator:wang", " Operator:Wang ", "operator: wang"):
        with pytest.raises(SamePerson) as caught:
            world.service.approve(seal_id, approved_by=name)
        assert caught.value.code == "same-person"
    assert world.service.get(seal_id).state is SealState.APPLIED
    assert not world.keys_for(KeyPurpose.SEALING)


@pytest.mark.parametrize("actor", ["", "1101 0519491231 002X", "王" * 65])
def test_who_acts_on_a_seal_has_a_name_that_is_no_number(world: World, actor: str) -> None:
    seal_id = apply_for(world)
    for act in (
        lambda: apply_for(world, code="4201000000019", requested_by=actor),
        lambda: world.service.approve(seal_id, approved_by=actor),
        lambda: world.service.cancel(seal_id, by=actor, reason="测试"),
    ):
        with pytest.raises(TrustError) as caught:
            act()
        assert caught.value.code in {"text-length", "personal-number-in-text"}
    assert [record.state for record in world.service.seals()] == [SealState.APPLIED]


@pytest.mark.parametrize("reason", ["因", "证号11010519491231002X作废", "由" * 201])
def test_why_a_seal_changes_its_state_is_bounded_and_holds_no_number(world: World, reason: str) -> None:
    seal_id = world.made().seal_id
    with pytest.raises(TrustError) as caught:
        world.service.suspend(seal_id, by="operator:wang", reason=reason)
    assert (caught.value.field, world.service.get(seal_id).state) == ("reason", SealState.ACTIVE)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"uscc": "114201000000000005"}, UsccInvalid),
        ({"name": "示例县𬎆镇"}, UnrenderableCharacter),
    ],
)
def test_bad_applications_leave_nothing(world: World, changes: dict[str, str], error: type[TrustError]) -> None:
    with pytest.raises(error):
        apply_for(world, **changes)
    assert not world.service.seals()


def test_a_code_is_used_once(world: World) -> None:
    apply_for(world)
    with pytest.raises(SealCodeTaken) as caught:
        apply_for(world, name="示例市教育局")
    assert (caught.value.code, caught.value.field) == ("seal-code-taken", "code")


class FailingIssuer:
    """Fails once, as a CA does whose ledger is away."""

    def __init__(self, world: World) -> None:
        self._authority = world.authority
        self.fails = True

    def issue(self, *arguments: object, **named: object) -> object:
        if self.fails:
            self.fails = False
            raise Unavailable
        return self._authority.issue(*arguments, **named)  # type: ignore[arg-type]

    def ca_x509(self, role: object) -> object:
        return self._authority.ca_x509(role)  # type: ignore[arg-type]


def test_an_interrupted_making_is_finished_and_makes_nothing_twice(
    world: World, names: FontChain, digits: FontChain
) -> None:
    making = MakingPoint(
        store=world.store,
        signer=world.signer,
        custodian=world.making._custodian,
        issuer=FailingIssuer(world),  # type: ignore[arg-type]
        names=names,
        digits=digits,
    )
    service = SealService(
        store=world.store, signer=world.signer, clock=world.clock, randomness=CountingRandomness(), making=making
    )
    seal_id = apply_for(world)
    with pytest.raises(Unavailable):
        service.approve(seal_id, approved_by="operator:li")
    assert service.get(seal_id).state is SealState.APPROVED
    with pytest.raises(SealNotMade):
        service.stamp(seal_id, b"", placement=PLACE, context=CONTEXT)
    assert service.approve(seal_id, approved_by="operator:li").state is SealState.ACTIVE
    assert len(world.keys_for(KeyPurpose.SEALING)) == 1
    assert [change.state for change in service.changes(seal_id)].count(SealState.APPROVED) == 1


def test_an_active_seal_is_not_approved_again(world: World) -> None:
    record = world.made()
    with pytest.raises(SealStateConflict):
        world.service.approve(record.seal_id, approved_by="operator:zhao")


def test_only_a_making_point_makes_seals(world: World, names: FontChain, digits: FontChain) -> None:
    seal_id = apply_for(world)
    with pytest.raises(NoMakingPoint):
        fresh(world).approve(seal_id, approved_by="operator:li")
    with world.database.write() as session:
        session.query(MakerRow).delete()
    with pytest.raises(NoMakingPoint):
        world.service.approve(seal_id, approved_by="operator:li")


def test_the_maker_is_established_once(world: World) -> None:
    again = world.making.establish(organization="另一制章中心", uscc=None, principal="operator:init")
    assert again == world.store.maker()
    assert len(world.keys_for(KeyPurpose.SEAL_MAKING)) == 1


def test_an_unmade_seal_stamps_nothing(world: World, pdf: bytes) -> None:
    with pytest.raises(SealNotMade) as caught:
        world.service.stamp(apply_for(world), pdf, placement=PLACE, context=CONTEXT)
    assert caught.value.code == "seal-not-made"


def test_a_suspended_seal_stamps_nothing_in_any_process_until_resumed(world: World, pdf: bytes) -> None:
    record = world.made()
    other = fresh(world)
    other.stamp(record.seal_id, pdf, placement=PLACE, context=CONTEXT)
    world.service.suspend(record.seal_id, by="operator:zhao", reason="lost")
    for service in (world.service, other):
        with pytest.raises(SealSuspended) as caught:
            service.stamp(record.seal_id, pdf, placement=PLACE, context=CONTEXT)
        assert caught.value.code == "seal-suspended"
    world.service.resume(record.seal_id, by="operator:zhao", reason="found")
    other.stamp(record.seal_id, pdf, placement=PLACE, context=CONTEXT)


def test_a_cancelled_seal_is_gone_for_good(world: World, pdf: bytes) -> None:
    record = world.made()
    world.service.cancel(record.seal_id, by="operator:zhao", reason="unit dissolved")
    with pytest.raises(SealCancelled):
        world.service.stamp(record.seal_id, pdf, placement=PLACE, context=CONTEXT)
    for change in (world.service.resume, world.service.suspend, world.service.cancel):
        with pytest.raises(SealStateConflict):
            change(record.seal_id, by="operator:zhao", reason="again")
    assert world.service.changes(record.seal_id)[-1].reason == "unit dissolved"


def test_a_cancelled_application_is_never_made(world: World) -> None:
    seal_id = apply_for(world)
    world.service.cancel(seal_id, by="operator:wang", reason="mistake")
    with pytest.raises(SealStateConflict):
        world.service.approve(seal_id, approved_by="operator:li")


def test_an_expired_seal_stamps_nothing(world: World, pdf: bytes) -> None:
    record = world.made()
    world.service.stamp(record.seal_id, pdf, placement=PLACE, context=CONTEXT)
    for days in (3 * 365 + 1, -2 * 3 * 365):
        world.clock.advance(days=days)
        with pytest.raises(SealNotInForce) as caught:
            world.service.stamp(record.seal_id, pdf, placement=PLACE, context=CONTEXT)
        assert caught.value.code == "seal-not-in-force"


def test_unknown_seals_are_not_found(world: World) -> None:
    for call in (world.service.get, world.service.ses_seal, world.store.state):
        with pytest.raises(SealUnknown):
            call("01ARZ3NDEKTSV4RRFFQ69G5FAV")


def test_a_batch_is_one_ledger_append_and_keeps_its_order(world: World, pdf: bytes, two_pages: bytes) -> None:
    record = world.made()
    appends: list[int] = []
    append = world.recorder.record

    def counted(uses: list[KeyUse]) -> object:
        appends.append(len(uses))
        return append(uses)

    world.recorder.record = counted  # type: ignore[method-assign,assignment]
    jobs = [
        StampJob(pdf=data, placement=PLACE, context=replace(CONTEXT, document=f"doc:{number}"))
        for number, data in enumerate((pdf, two_pages, pdf))
    ]
    stamped = world.service.stamp_many(record.seal_id, jobs)
    assert appends == [3]
    assert [use.context.document for use in world.recorder.uses[-3:]] == ["doc:0", "doc:1", "doc:2"]
    assert {use.outcome for use in world.recorder.uses[-3:]} == {UseOutcome.SIGNED}
    assert b"/Count 2" in stamped[1]
    assert world.service.stamp_many(record.seal_id, []) == ()


def test_one_bad_document_stops_the_batch_before_any_signature(world: World, pdf: bytes) -> None:
    record = world.made()
    before = len(world.recorder.uses)
    good = StampJob(pdf=pdf, placement=PLACE, context=CONTEXT)
    off = replace(good, placement=Placement(page=9, x_mm=100, y_mm=100))
    with pytest.raises(TrustError):
        world.service.stamp_many(record.seal_id, (good, off))
    assert len(world.recorder.uses) == before


def test_batches_are_bounded(world: World) -> None:
    job = StampJob(pdf=b"", placement=PLACE, context=CONTEXT)
    with pytest.raises(BatchTooLarge) as caught:
        world.service.stamp_many("x", [job] * (MAX_BATCH + 1))
    assert caught.value.code == "stamp-batch-too-large"
    with pytest.raises(SealUnknown):
        world.service.stamp_many("x", [job] * MAX_BATCH)


def test_a_failing_ledger_means_no_stamp(world: World, pdf: bytes) -> None:
    record = world.made()

    def fail(uses: object) -> object:
        raise Unavailable

    world.recorder.record = fail  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable):
        world.service.stamp(record.seal_id, pdf, placement=PLACE, context=CONTEXT)


def alter(world: World, **columns: object) -> None:
    with world.database.write() as session:
        session.execute(update(SealRow).values(**columns))


def test_a_seal_altered_in_the_database_stamps_nothing(
    world: World, pdf: bytes, names: FontChain, digits: FontChain
) -> None:
    record = world.made()
    made = record.made
    assert made is not None
    seal = parse_seal(made.der)
    picture = as_operators(draw(SealText(name="另一市教育局", code=CODE), names=names, digits=digits))
    renamed = build_seal_info(replace(seal.info, name="另一市教育局"))
    for columns in (
        {"der": made.der[:-1]},
        {"der": made.der.replace(NAME.encode(), "示例市市场监督管理厅".encode())},
        {"der": assemble_seal(renamed, seal.maker_x509, seal.signature)},
        {"der": assemble_seal(seal.info_der, seal.info.signer_x509s[0], seal.signature)},
        {"vector": picture},
        {"name": "另一市教育局"},
        {"chain": b"\x30\x00"},
    ):
        alter(world, **columns)
        with pytest.raises(SealBroken) as caught:
            fresh(world).stamp(record.seal_id, pdf, placement=PLACE, context=CONTEXT)
        assert caught.value.code == "seal-broken"
        with pytest.raises(SealBroken):
            fresh(world).get(record.seal_id)
        alter(world, der=made.der, vector=made.vector, name=NAME, chain=b"".join(made.chain))
    fresh(world).stamp(record.seal_id, pdf, placement=PLACE, context=CONTEXT)


def test_a_key_that_the_seal_does_not_list_is_refused(world: World, pdf: bytes) -> None:
    record = world.made()
    other = world.device.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.SEALING, label="other")
    alter(world, signer_key=other.ref)
    before = len(world.recorder.uses)
    with pytest.raises(SealSignerNotListed) as caught:
        fresh(world).stamp(record.seal_id, pdf, placement=PLACE, context=CONTEXT)
    assert caught.value.code == "seal-signer-not-listed"
    assert len(world.recorder.uses) == before


def test_seals_of_many_units_are_listed_in_order(world: World) -> None:
    first = apply_for(world)
    second = apply_for(world, name="示例市教育局", code="4201000012346", line="")
    assert [record.seal_id for record in world.service.seals()] == sorted([first, second])


@pytest.mark.parametrize("name", ["client:food-office", "system:housekeeping", "李批准"])
def test_a_name_that_an_operator_chose_reads_as_no_client_and_no_system(world: World, name: str) -> None:
    before = len(world.recorder.uses)
    world.service.approve(apply_for(world), approved_by=name)
    assert {use.context.principal for use in world.recorder.uses[before:]} == {f"operator:{name}"}
