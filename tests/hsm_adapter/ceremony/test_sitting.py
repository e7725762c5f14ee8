from dataclasses import replace
from itertools import pairwise

import pytest

from hsm_adapter.ceremony import holding
from hsm_adapter.ceremony.domain import Custodian, People
from hsm_adapter.ceremony.errors import (
    CeremonyAborted,
    CeremonyClosed,
    CeremonyRequestInvalid,
    CeremonySamePerson,
    QuorumInvalid,
    RehearsalUnusable,
    ShareNotConfirmed,
    SharesTooFew,
)
from hsm_adapter.ceremony.progress import follow
from hsm_adapter.ceremony.record import Kind, read_record
from hsm_adapter.ceremony.requests import CrlRequest, parse_request
from hsm_adapter.ceremony.script import Action, load_script, script_names
from hsm_adapter.ceremony.signing import CRL_FILE, ISSUING_FILE, OUT, ROOT_FILE
from tests.fakes import MOMENT
from tests.hsm_adapter.ceremony.acting import PEOPLE, Actors, PowerCut, issuing_request, terms
from trust.formats.crl import Revocation, RevocationReason, parse_crl
from trust.formats.x509 import parse_x509
from trust.kernel.algorithms import Algorithm
from trust.signatures import verify

MANY = 200  # more questions than any sitting asks


def kinds(medium):
    return [line.kind for line in read_record(medium)]


def done_steps(medium):
    return [line.facts["step"] for line in read_record(medium) if line.kind is Kind.DONE]


def check_signed(signed, root):
    verify(Algorithm.SM2_SM3, root.spki, signed.tbs, signed.signature)


def test_every_step_is_recorded_in_the_script_s_order(held, medium):
    assert done_steps(medium) == [step.id for step in load_script("root").steps_for(terms())]
    assert kinds(medium)[-2:] == [Kind.FINISHED, Kind.PROTOCOL]


def test_root_issuing_ca_and_list_are_signed_by_the_root(held, medium, request_bytes):
    out = medium / OUT
    root, issuing = (parse_x509((out / name).read_bytes()) for name in (ROOT_FILE, ISSUING_FILE))
    crl = parse_crl((out / CRL_FILE).read_bytes())
    for signed in (root, issuing, crl):
        assert signed.issuer == root.subject
        check_signed(signed, root)
    assert issuing.spki == parse_request(request_bytes).spki
    assert (root.path_length, issuing.path_length, crl.number, len(crl.revoked)) == (1, 0, 1, 0)
    assert issuing.not_after <= root.not_after


def test_every_use_of_the_root_key_is_on_the_record_before_its_step(held, medium):
    lines = read_record(medium)
    used = [line.number for line in lines if line.kind is Kind.USE]
    signed = [
        line.number for line in lines if line.kind is Kind.DONE and line.facts["step"] in ("root", "issuing", "crl")
    ]
    assert [number + 1 for number in used] == signed


def left_behind(actors, medium):
    files = b"".join(path.read_bytes() for path in medium.rglob("*") if path.is_file() and path.suffix != ".pdf")
    return files.decode("latin-1") + "".join(actors.transcript)


def test_no_word_of_a_share_is_left_anywhere(held, hall, medium, typesetter, caplog, capfd):
    actors, _ = held
    other = Actors()
    elsewhere = replace(hall(other), folder=medium.with_name("other"))
    holding.begin(elsewhere, terms(), typesetter)
    own_english = left_behind(other, elsewhere.folder)  # the list's words that we say ourselves, as "destroy"
    left = left_behind(actors, medium) + caplog.text + "".join(capfd.readouterr())
    for words in actors.paper.values():
        assert not [pair for pair in pairwise(words) if " ".join(pair) in left]
        rare = [word for word in words if len(word) > 5 and word not in own_english]
        assert len(rare) > 3
        assert not [word for word in rare if word in left]


def test_the_key_opens_with_any_quorum_for_one_act_and_shares_keep_their_numbers(held, hall, medium, typesetter):
    actors, first = held
    later = Actors()
    later.paper = actors.paper
    successor = (Custodian(number=3, name="继任丙"), Custodian(number=1, name="保管甲"))
    revoked = {77: Revocation(at=MOMENT, reason=RevocationReason.KEY_COMPROMISE)}
    wanted = replace(hall(later), request=CrlRequest(revoked=revoked).encode())
    outcome = holding.use(wanted, "crl", replace(PEOPLE, custodians=successor), "机房", typesetter)
    crl = parse_crl((medium / OUT / CRL_FILE).read_bytes())
    check_signed(crl, parse_x509((medium / OUT / ROOT_FILE).read_bytes()))
    assert (crl.number, set(crl.revoked)) == (2, {77})
    assert outcome.protocol.name == "protocol-2.pdf"
    assert outcome.head != first.head
    opened = next(line for line in read_record(medium)[::-1] if line.facts.get("action") == Action.OPEN)
    assert opened.facts["by"] == ["继任丙", "保管甲"]
    assert opened.facts["recorded"] == {"shares": [1, 3]}


def open_again(held, hall, typesetter, overrides, custodians=PEOPLE.custodians):
    later = Actors(overrides=overrides)
    later.paper = held[0].paper
    holding.use(hall(later), "crl", replace(PEOPLE, custodians=custodians), "机房", typesetter)
    return "\n".join(later.transcript)


def test_wrong_shares_are_told_by_their_codes_and_the_right_one_still_opens(held, hall, typesetter):
    paper = {number: " ".join(words) for number, words in held[0].paper.items()}
    mistyped = paper[1].replace(held[0].paper[1][20], "acid", 1)
    other = Actors()
    other_hall = replace(hall(other), folder=hall(other).folder.with_name("other"))
    holding.begin(other_hall, terms(), typesetter)
    foreign = " ".join(other.paper[1])
    wrong = {"保管人 1": [mistyped, foreign, paper[2], paper[1]], "保管人 2": [paper[1], paper[2]]}
    said = open_again(held, hall, typesetter, wrong)
    codes = [line.split(":")[0] for line in said.splitlines() if line.startswith("ceremony-share")]
    assert codes == [
        "ceremony-share-mistyped",
        "ceremony-share-foreign",
        "ceremony-share-not-theirs",
        "ceremony-share-repeated",
    ]


def test_too_few_shares_open_nothing_and_the_sitting_can_go_on(held, hall, medium, typesetter):
    with pytest.raises(SharesTooFew) as refused:
        open_again(held, hall, typesetter, {"保管人 2": [""], "保管人 3": [""]})
    assert refused.value.code == "ceremony-shares-too-few"
    assert done_steps(medium)[-1] == "request"
    with pytest.raises(CeremonyClosed):
        open_again(held, hall, typesetter, {})
    again = Actors()
    again.paper = held[0].paper
    holding.resume(hall(again), typesetter)
    assert kinds(medium)[-1] is Kind.PROTOCOL


def test_the_room_needs_a_quorum_before_a_sitting_begins(held, hall, medium, typesetter):
    before = kinds(medium)
    with pytest.raises(QuorumInvalid):
        open_again(held, hall, typesetter, {}, custodians=PEOPLE.custodians[:1])
    assert kinds(medium) == before


def test_a_share_that_cannot_be_repeated_voids_the_key(hall, medium, typesetter):
    with pytest.raises(ShareNotConfirmed):
        holding.begin(hall(Actors(overrides={"请输入第": ["wrong"] * 5})), terms(), typesetter)
    again = Actors()
    holding.resume(hall(again), typesetter)
    assert Kind.VOIDED in kinds(medium)
    assert [path.name for path in medium.glob("token-*")] == ["token-2"]


def cut_and_resumed(hall, typesetter, cut_at):
    """Hold a ceremony that ends at one question, and another process that takes it up; return the second's people."""
    actors = Actors(cut_at=cut_at)
    with pytest.raises(PowerCut):
        holding.begin(hall(actors), terms(), typesetter)
    later = Actors()
    later.paper = actors.paper
    holding.resume(hall(later), typesetter)
    return actors, later


@pytest.mark.parametrize("cut_at", range(1, 34))
def test_a_process_that_ends_at_any_question_goes_on_after_the_last_recorded_step(hall, medium, typesetter, cut_at):
    actors, later = cut_and_resumed(hall, typesetter, cut_at)
    progress = follow(read_record(medium))
    steps = load_script("root").steps_for(terms())
    assert progress.end is Kind.FINISHED
    assert sorted(progress.done) == sorted(step.id for step in steps)
    recorded = done_steps(medium)
    voided = [line for line in read_record(medium) if line.kind is Kind.VOIDED]
    twice = {step for step in recorded if recorded.count(step) > 1}
    assert twice <= {step for line in voided for step in line.facts["steps"]}
    if actors.seen and later.seen:
        assert voided
        assert not set(actors.seen) & set(later.seen)
        assert "void" in "\n".join(later.transcript)
    root = parse_x509((medium / OUT / ROOT_FILE).read_bytes())
    assert root.spki.hex() == progress.root["public_key"]


def test_after_a_share_was_shown_the_administrator_may_abort(hall, medium, typesetter):
    actors = Actors(overrides={"请输入第": []})
    actors._cut_at = cut_at_first_share(hall, typesetter, medium)
    with pytest.raises(PowerCut):
        holding.begin(hall(actors), terms(), typesetter)
    assert list(medium.glob("token-*"))
    with pytest.raises(CeremonyAborted):
        holding.resume(hall(Actors(overrides={"anew": ["abort"], "原因": ["断电"]})), typesetter)
    assert kinds(medium)[-2:] == [Kind.ABORTED, Kind.PROTOCOL]
    assert not list(medium.glob("token-*"))
    with pytest.raises(CeremonyClosed):
        holding.resume(hall(Actors()), typesetter)
    with pytest.raises(CeremonyClosed):
        holding.use(hall(Actors()), "crl", PEOPLE, "机房", typesetter)


def cut_at_first_share(hall, typesetter, medium):
    probe = Actors()
    whole = replace(hall(probe), folder=medium.with_name("probe"))
    counts = []
    shown = probe.show_secret
    probe.show_secret = lambda text: (shown(text), counts.append(probe.asked))
    holding.begin(whole, terms(), typesetter)
    return counts[0] + 1


def test_a_ceremony_without_a_request_stops_before_any_key(hall, medium, typesetter):
    with pytest.raises(CeremonyRequestInvalid):
        holding.begin(replace(hall(Actors()), request=None), terms(), typesetter)
    assert not list(medium.glob("token-*"))
    assert holding.resume(hall(Actors()), typesetter).protocol.exists()


def test_a_request_with_a_false_proof_is_refused():
    content = issuing_request().replace("示例市数据局".encode(), "另一市数据局".encode())
    with pytest.raises(CeremonyRequestInvalid) as refused:
        parse_request(content)
    assert refused.value.code == "ceremony-request-invalid"


def test_a_request_exchanged_on_the_medium_is_not_signed(hall, medium, typesetter):
    actors = Actors(overrides={"保管人 1 ": [""], "保管人 2 ": [""]})
    with pytest.raises(SharesTooFew):
        holding.begin(hall(actors), terms(), typesetter)
    (kept,) = (medium / "requests").iterdir()
    kept.write_bytes(issuing_request())
    later = Actors()
    later.paper = actors.paper
    with pytest.raises(CeremonyRequestInvalid):
        holding.resume(hall(later), typesetter)
    assert not (medium / OUT).exists()


def test_a_rehearsal_leaves_nothing_that_can_be_used(hall, medium, typesetter):
    actors = Actors()
    holding.begin(hall(actors), terms(rehearsal=True), typesetter)
    assert not list(medium.glob("token-*"))
    root = parse_x509((medium / OUT / ROOT_FILE).read_bytes())
    assert "演练 REHEARSAL" in root.common_name
    assert (root.not_after - root.not_before).days == 1
    assert all("REHEARSAL" in text for text in actors.transcript if "步骤" in text)
    with pytest.raises(RehearsalUnusable) as refused:
        holding.use(hall(Actors()), "crl", PEOPLE, "机房", typesetter)
    assert refused.value.code == "ceremony-rehearsal"


def test_a_device_s_ceremony_keeps_serials_and_sees_no_share(hall, medium, typesetter):
    actors = Actors(overrides={"设备序列号": ["HSM-7788"], "管理卡序列号": ["C1 C2 C3"]})
    holding.begin(hall(actors), terms(script="device"), typesetter)
    assert actors.seen == []
    facts = {line.facts["step"]: line.facts["recorded"] for line in read_record(medium) if line.kind is Kind.DONE}
    assert facts["device"]["device_serial"] == "HSM-7788"
    assert facts["cards"]["cards"] == "C1 C2 C3"
    with pytest.raises(CeremonyClosed):
        holding.use(hall(Actors()), "crl", PEOPLE, "机房", typesetter)


def test_a_person_who_types_another_name_is_asked_again(hall, medium, typesetter):
    actors = Actors(overrides={"孙见证：": ["李代替", "孙 见证"]})
    holding.begin(hall(actors), terms(), typesetter)
    assert "与名单不符" in "\n".join(actors.transcript)


def test_an_identity_number_does_not_enter_the_record(hall, medium, typesetter):
    actors = Actors(overrides={"机器序列号": ["11010519491231002X", "M-1"]})
    holding.begin(hall(actors), terms(), typesetter)
    assert "11010519491231002X" not in (medium / "record.jsonl").read_text("utf-8")


@pytest.mark.parametrize(
    "changed",
    [
        {"officer": "赵 主持"},
        {"witnesses": ("保管甲", "孙见证")},
        {"administrator": "保管乙"},
        {"witnesses": ("孙见证", "孙 见证")},
        {"custodians": (Custodian(number=1, name="保管甲"), Custodian(number=2, name="保管·甲"))},
    ],
)
def test_nobody_has_two_roles(changed):
    with pytest.raises(CeremonySamePerson) as refused:
        replace(PEOPLE, **changed)
    assert refused.value.code == "ceremony-same-person"


@pytest.mark.parametrize(("threshold", "fits"), [(1, False), (2, True), (3, True), (4, False)])
def test_the_quorum_is_two_to_all(threshold, fits):
    if fits:
        assert terms(threshold=threshold).threshold == threshold
    else:
        with pytest.raises(QuorumInvalid):
            terms(threshold=threshold)


@pytest.mark.parametrize(("count", "fits"), [(0, False), (1, True), (8, True), (9, False)])
def test_witnesses_are_one_to_eight(count, fits):
    witnesses = tuple(f"见证{'一二三四五六七八九'[number]}" for number in range(count))
    if fits:
        assert replace(PEOPLE, witnesses=witnesses).witnesses == witnesses
    else:
        with pytest.raises(QuorumInvalid):
            replace(PEOPLE, witnesses=witnesses)


def test_terms_come_back_from_the_record_as_they_were(held, medium):
    assert follow(read_record(medium)).terms == terms()
    assert People.parse(PEOPLE.document()) == PEOPLE


@pytest.mark.parametrize("name", script_names())
def test_every_script_closes_the_key_that_it_opens(name):
    actions = [step.action for step in load_script(name).steps]
    assert (Action.OPEN in actions) == (Action.CLOSE in actions)
    if Action.OPEN in actions:
        signing = {Action.CERTIFY_ROOT, Action.CERTIFY_ISSUING, Action.PUBLISH_CRL}
        used = [place for place, action in enumerate(actions) if action in signing]
        assert actions.index(Action.OPEN) < min(used)
        assert max(used) < actions.index(Action.CLOSE)
