"""Steps 5 and 6 where trust, revocation and time are concerned."""

from datetime import timedelta

import pytest

from tests.fakes import MOMENT, FixedClock
from tests.verifier import world
from tests.verifier.judging import DAY, judge, outcome, step, with_crls
from trust.formats.x509 import KeyUsage, parse_x509
from trust.formats.x509_build import X509Draft, assemble_signed, build_name, build_tbs_x509
from verifier import chain
from verifier.api import Verifier
from verifier.chain import Chains
from verifier.errors import TrustMaterialUnusable
from verifier.ports import TrustMaterial
from verifier.report import Step, Verdict


def test_a_revoked_signer_makes_the_certificate_invalid():
    revoked = world.crl(world.issuing(), {world.signer().x509.serial: MOMENT - DAY})
    report = judge(world.good(), trust=with_crls(world.crl(world.root()), revoked))
    assert outcome(report) == (Verdict.INVALID, "x509-revoked")
    assert report.facts is None


def test_a_revoked_issuing_ca_makes_the_certificate_invalid():
    revoked = world.crl(world.root(), {world.issuing().x509.serial: MOMENT - DAY})
    report = judge(world.good(), trust=with_crls(revoked, world.crl(world.issuing())))
    assert report.verdict is Verdict.INVALID
    assert step(report, Step.CHAIN) == "x509-revoked"


@pytest.mark.parametrize(
    ("crls", "code"),
    [
        (lambda: (), "crl-missing"),
        (lambda: (world.crl(world.root()),), "crl-missing"),
        (lambda: (world.crl(world.root()), world.crl(world.issuing(), next_update=MOMENT - DAY / 2)), "crl-stale"),
        (
            lambda: (world.crl(world.root()), world.crl(world.Party(world.key("forger"), world.issuing().x509))),
            "crl-missing",
        ),
    ],
    ids=["none", "only the root's", "out of date", "signed by another key"],
)
def test_without_a_present_list_revocation_cannot_be_judged(crls, code):
    report = judge(world.good(), trust=with_crls(*crls()))
    assert report.verdict is Verdict.INDETERMINATE
    assert step(report, Step.CHAIN) == code
    assert step(report, Step.SEAL) == "seal-maker-unjudged"
    assert report.facts.signer == "signer", "who signed is known all the same"
    assert step(report, Step.LIBRARY) == "library-issued"


@pytest.mark.parametrize("crls", [(), (world.crl(world.root(), next_update=MOMENT - DAY / 2),)], ids=["none", "stale"])
def test_a_forged_signer_is_not_excused_by_a_missing_list(crls):
    forged = world.certify("forged signer", world.issuing(), forged=True)
    report = judge(world.stamped(by=forged, seal=world.make_seal(signers=(forged.x509.der,))), trust=with_crls(*crls))
    assert report.verdict is Verdict.INVALID
    assert step(report, Step.CHAIN) == "chain-untrusted"
    assert report.facts is None


def test_a_signer_on_an_outdated_list_is_revoked_all_the_same():
    revoked = {world.signer().x509.serial: MOMENT - 2 * DAY}
    stale = world.crl(world.issuing(), revoked, next_update=MOMENT - DAY / 2)
    report = judge(world.good(), trust=with_crls(world.crl(world.root()), stale))
    assert step(report, Step.CHAIN) == "x509-revoked"
    assert report.verdict is Verdict.INVALID


def test_a_self_made_ca_with_the_same_names_is_not_trusted():
    root = world.certify("root", None, path_length=1, usage=world._CA_USAGE, serial=7)
    fake_key = world.Party(world.key("forger"), root.x509)
    signer = world.certify("fake signer", fake_key)
    report = judge(world.stamped(by=signer, chain=(), seal=world.make_seal(signers=(signer.x509.der,))))
    assert outcome(report) == (Verdict.INVALID, "chain-untrusted")
    assert report.facts is None
    assert step(report, Step.LIBRARY) == "not-judged"


def test_a_signer_certified_by_an_end_entity_is_not_trusted():
    signer = world.certify("child", world.signer())
    stamp = {
        "by": signer,
        "chain": (world.signer().x509, world.issuing().x509),
        "seal": world.make_seal(signers=(signer.x509.der,)),
    }
    assert outcome(judge(world.stamped(**stamp))) == (Verdict.INVALID, "chain-untrusted")


@pytest.mark.parametrize(("usage", "path_length"), [({KeyUsage.KEY_ENCIPHERMENT}, None), ({KeyUsage.KEY_CERT_SIGN}, 0)])
def test_an_x509_for_another_use_cannot_stamp(usage, path_length):
    issuer = world.root() if path_length is not None else world.issuing()
    signer = world.certify("other use", issuer, usage=frozenset(usage), path_length=path_length)
    seal = world.make_seal(signers=(signer.x509.der,))
    assert outcome(judge(world.stamped(by=signer, seal=seal))) == (Verdict.INVALID, "x509-usage")


def test_x509s_that_lead_to_no_root_are_not_put_into_every_order(monkeypatch):
    """The path builder tries all orders of CAs of one name: eight of them, which anybody can make, took it 38 s."""
    name = build_name(common_name="one name", organization=world.AUTHORITY)

    def of_one_name(label, usage, path_length):
        key = world.key(label)
        tbs = build_tbs_x509(
            X509Draft(
                serial=len(label),
                issuer=name,
                subject=name,
                spki=key.public_key.spki,
                not_before=MOMENT - DAY,
                not_after=MOMENT + DAY,
                key_usage=usage,
                path_length=path_length,
            )
        )
        return parse_x509(assemble_signed(tbs, key.sign(tbs)))

    cas = [of_one_name("c" * number, world._CA_USAGE, 0) for number in range(1, 10)]
    leaf = of_one_name("leaf", world._SIGNER_USAGE, None)
    builds = []

    class Counted(chain.CertificateValidator):
        def __init__(self, leaf, others, context):
            builds.append([x509.dump() for x509 in others])
            super().__init__(leaf, others, context)

    monkeypatch.setattr(chain, "CertificateValidator", Counted)
    judged = Chains(world.Trust()).judge(leaf, [*cas, world.issuing().x509, world.signer().x509], MOMENT)
    assert judged.code == "chain-untrusted"
    assert builds == [[world.issuing().x509.der]]


def test_an_issuing_ca_that_only_the_signature_carries_completes_the_path():
    trust = TrustMaterial(roots=world.material().roots, crls=world.material().crls)
    seal_apart = world.stamped(seal=None, attachments=())
    assert step(judge(seal_apart, trust=trust), Step.CHAIN) == "chain-trusted"


def test_an_expired_signer_cannot_be_confirmed_without_a_time_stamp():
    short = world.certify("short-lived", world.issuing(), not_after=MOMENT + DAY)
    pdf = world.stamped(by=short, seal=world.make_seal(signers=(short.x509.der,)))
    assert judge(pdf).verdict is Verdict.VALID
    report = judge(pdf, clock=FixedClock(MOMENT + 2 * DAY))
    assert outcome(report) == (Verdict.INDETERMINATE, "x509-expired")


def test_an_expired_seal_maker_cannot_be_confirmed():
    short = world.certify("short-lived maker", world.issuing(), not_after=MOMENT + DAY, makes_seals=True)
    pdf = world.stamped(seal=world.make_seal(by=short))
    assert judge(pdf).verdict is Verdict.VALID
    report = judge(pdf, clock=FixedClock(MOMENT + 2 * DAY))
    assert outcome(report) == (Verdict.INDETERMINATE, "seal-maker-expired")
    assert report.facts is None


def test_a_kept_good_path_ends_with_the_first_thing_that_it_rests_on():
    short = world.certify("short-lived", world.issuing(), not_after=MOMENT + DAY)
    pdf = world.stamped(by=short, seal=world.make_seal(signers=(short.x509.der,)))
    clock = FixedClock()
    verifier = Verifier(world.Trust(), clock, world.Library())
    assert verifier.verify_file(pdf).verdict is Verdict.VALID
    clock.advance(days=2)
    assert step(verifier.verify_file(pdf), Step.CHAIN) == "x509-expired"
    clock.advance(days=6)
    assert step(verifier.verify_file(world.good()), Step.CHAIN) == "crl-stale"


def test_a_new_list_takes_effect_at_once():
    trust = world.Trust()
    verifier = Verifier(trust, FixedClock(), world.Library())
    assert verifier.verify_file(world.good()).verdict is Verdict.VALID
    revoked = world.crl(world.issuing(), {world.signer().x509.serial: MOMENT}, number=2)
    trust.given = with_crls(world.crl(world.root()), revoked)
    assert step(verifier.verify_file(world.good()), Step.CHAIN) == "x509-revoked"


@pytest.mark.parametrize(
    ("claimed", "code"),
    [
        (MOMENT + timedelta(minutes=5), "valid"),
        (MOMENT + timedelta(minutes=5, seconds=1), "time-implausible"),
        (MOMENT - timedelta(days=31), "seal-not-valid-at-signing"),
        (None, "valid"),
    ],
)
def test_a_claimed_time_of_signing_must_be_possible(claimed, code):
    assert judge(world.stamped(signed_at=claimed)).code == code


def test_a_claimed_time_before_the_signers_x509_is_refused():
    late = world.certify("late", world.issuing(), not_before=MOMENT - timedelta(minutes=30))
    pdf = world.stamped(by=late, seal=world.make_seal(signers=(late.x509.der,)))
    assert outcome(judge(pdf)) == (Verdict.INVALID, "time-implausible")


def test_unreadable_trust_material_is_the_operators_fault_not_the_files():
    with pytest.raises(TrustMaterialUnusable):
        judge(world.good(), trust=TrustMaterial(roots=(b"junk",)))
