import re

import pytest

from tests.fakes import MOMENT
from verifier.reasons import REASONS, Outcome
from verifier.report import Facts, Report, Step, StepResult, Verdict


def report(*codes, facts=None):
    steps = tuple(StepResult(step=step, code=code) for step, code in zip(Step, codes, strict=False))
    return Report(artefact="pdf", digest="00" * 32, judged_at=MOMENT, steps=steps, facts=facts)


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_speaks_both_languages_and_advises_when_it_does_not_pass(code):
    reason = REASONS[code]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    assert reason.en.endswith(".")
    assert reason.zh.endswith("。")
    assert re.search(r"[\u4e00-\u9fff]", reason.zh)
    assert bool(reason.advice) == bool(reason.advice_zh) == (reason.outcome in (Outcome.FAILED, Outcome.INDETERMINATE))


def test_a_code_outside_the_table_cannot_stand_in_a_report():
    with pytest.raises(ValueError, match="table"):
        StepResult(step=Step.DIGEST, code="looks-fine")


def test_a_report_without_a_step_is_refused():
    with pytest.raises(ValueError, match="nothing"):
        report()


@pytest.mark.parametrize(
    ("codes", "verdict", "code"),
    [
        (("pdf-recognised", "entire-file"), Verdict.VALID, "valid"),
        (("pdf-recognised", "library-not-asked"), Verdict.VALID, "valid"),
        (("pdf-recognised", "unsigned", "not-judged"), Verdict.INDETERMINATE, "unsigned"),
        (("crl-stale", "library-unknown"), Verdict.INDETERMINATE, "crl-stale"),
        (("crl-stale", "revoked"), Verdict.INVALID, "revoked"),
        (("digest-mismatch", "revoked"), Verdict.INVALID, "digest-mismatch"),
    ],
)
def test_the_verdict_follows_from_the_steps_and_the_code_is_the_first_failing_one(codes, verdict, code):
    judged = report(*codes)
    assert (judged.verdict, judged.code) == (verdict, code)


def test_the_machine_form_holds_every_step_with_code_and_sentences():
    facts = Facts(signer="seal signer", signing_time_claimed=MOMENT)
    document = report("pdf-recognised", "digest-mismatch", facts=facts).to_json()
    assert document["verdict"] == "INVALID"
    assert document["code"] == "digest-mismatch"
    assert document["digest"] == {"algorithm": "SM3", "value": "00" * 32}
    assert document["facts"]["signing_time_claimed"] == "2026-11-21T08:00:00+00:00"
    assert [(step["number"], step["step"], step["outcome"]) for step in document["steps"]] == [
        (1, "recognise", "passed"),
        (2, "coverage", "failed"),
    ]
    assert all(step["en"] and step["zh"] for step in document["steps"])


def test_the_human_form_says_the_verdict_first_then_reason_and_what_to_do():
    text = report("pdf-recognised", "digest-mismatch").to_text("zh").splitlines()
    assert text[0] == "核验不通过：该证照不能采信。"
    assert text[1] == "文件内容在签章之后被改动。"
    assert "请勿采信" in text[2]
    english = report("pdf-recognised", "unsigned").to_text("en")
    assert english.startswith("Cannot be confirmed")
    assert "original electronic file" in english


def test_steps_are_numbered_as_in_the_design():
    assert [step.number for step in Step] == list(range(1, 8))
