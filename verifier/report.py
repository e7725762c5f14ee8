"""The report: a verdict, one result per step, and only such facts as the checks bear out (law 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Literal

from verifier.reasons import REASONS, Outcome, Reason

Language = Literal["en", "zh"]


class Verdict(StrEnum):
    """The three outcomes of a verification (ETSI EN 319 102-1 section 5.1.3 in the words of this service)."""

    VALID = "VALID"
    INVALID = "INVALID"
    INDETERMINATE = "INDETERMINATE"


VERDICT_WORDS: Mapping[Verdict, Mapping[Language, str]] = {
    Verdict.VALID: {"en": "Valid: all required checks passed.", "zh": "真实有效：必查项全部通过。"},
    Verdict.INVALID: {"en": "Not valid: this cannot be relied on.", "zh": "核验不通过：该证照不能采信。"},
    Verdict.INDETERMINATE: {
        "en": "Cannot be confirmed: there is not enough to say that it is true, nor that it is false.",
        "zh": "无法确认：缺少判断依据，既不能说真，也不能说假。",
    },
}


class Step(Enum):
    """The steps of a verification, numbered as in docs/design.md section 5 (8 is the report itself)."""

    RECOGNISE = (1, "recognise", "Kind of artefact", "识别")
    COVERAGE = (2, "coverage", "Structure and coverage", "结构与覆盖范围")
    DIGEST = (3, "digest", "Content", "内容摘要")
    SIGNATURE = (4, "signature", "Signature value", "签名值")
    SEAL = (5, "seal", "Seal", "印章")
    CHAIN = (6, "chain", "Signer, revocation, time", "签章人、吊销与时间")
    LIBRARY = (7, "library", "Status in the library", "证照状态")

    def __init__(self, number: int, slug: str, en: str, zh: str) -> None:
        self.number = number
        self.slug = slug
        self.en = en
        self.zh = zh


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What one step found. `code` is a row of `verifier.reasons`; `detail` is public and holds no personal number."""

    step: Step
    code: str
    detail: str | None = None

    def __post_init__(self) -> None:
        if self.code not in REASONS:
            raise ValueError(f"{self.code} is not in the table of reasons")

    @property
    def reason(self) -> Reason:
        """The row of the closed table."""
        return REASONS[self.code]

    @property
    def outcome(self) -> Outcome:
        """What became of the step; the code decides it."""
        return self.reason.outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the artefact says, shown only when integrity and signer bear it out, and what the library says.

    `signing_time_claimed` is the signer's own claim: no trusted time stamp confirms it.
    """

    certificate_identifier: str | None = None
    type_name: str | None = None
    type_name_zh: str | None = None
    authority: str | None = None
    signer: str | None = None
    seal_name: str | None = None
    signing_time_claimed: datetime | None = None
    library_state: str | None = None
    superseded_by: str | None = None


_FACT_WORDS: Mapping[str, Mapping[Language, str]] = {
    "certificate_identifier": {"en": "Certificate identifier", "zh": "电子证照标识"},
    "type_name": {"en": "Type", "zh": "证照类型（英文）"},
    "type_name_zh": {"en": "Type (Chinese)", "zh": "证照类型"},
    "authority": {"en": "Issuing authority", "zh": "颁发机构"},
    "signer": {"en": "Signer", "zh": "签章人"},
    "seal_name": {"en": "Seal", "zh": "印章名称"},
    "signing_time_claimed": {
        "en": "Time of signing (the signer's own claim, not confirmed by a time stamp)",
        "zh": "签章时间（签章人自称，无可信时间戳佐证）",
    },
    "library_state": {"en": "State in the library", "zh": "证照库状态"},
    "superseded_by": {"en": "Replaced by", "zh": "取代版本"},
}
_OUTCOME_WORDS: Mapping[Outcome, Mapping[Language, str]] = {
    Outcome.PASSED: {"en": "[ pass ]", "zh": "[通过]"},
    Outcome.FAILED: {"en": "[ FAIL ]", "zh": "[失败]"},
    Outcome.INDETERMINATE: {"en": "[  ?   ]", "zh": "[不明]"},
    Outcome.NOT_JUDGED: {"en": "[  -   ]", "zh": "[未判]"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of one verification.

    `artefact` is what was judged (`pdf`, `identifier`, `qr`), `digest` the hex SM3 of its bytes, so that a report can
    be held against a file later.
    """

    artefact: Literal["pdf", "identifier", "qr"]
    digest: str
    judged_at: datetime
    steps: tuple[StepResult, ...]
    facts: Facts | None = None

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError("a report without a step says nothing")

    @property
    def _decisive(self) -> StepResult | None:
        for outcome in (Outcome.FAILED, Outcome.INDETERMINATE):
            for result in self.steps:
                if result.outcome is outcome:
                    return result
        return None

    @property
    def verdict(self) -> Verdict:
        """INVALID when a step failed, INDETERMINATE when one could not be decided, else VALID."""
        decisive = self._decisive
        if decisive is None:
            return Verdict.VALID
        return Verdict.INVALID if decisive.outcome is Outcome.FAILED else Verdict.INDETERMINATE

    @property
    def code(self) -> str:
        """The code of the first failed step, else of the first undecided one, else `valid`."""
        return self._decisive.code if self._decisive else "valid"

    @property
    def reason(self) -> Reason:
        """The row of the closed table behind `code`."""
        return REASONS[self.code]

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON-ready values; the keys are part of the API."""
        return {
            "verdict": self.verdict.value,
            "code": self.code,
            "reason": {"en": self.reason.en, "zh": self.reason.zh},
            "advice": {"en": self.reason.advice, "zh": self.reason.advice_zh},
            "artefact": self.artefact,
            "digest": {"algorithm": "SM3", "value": self.digest},
            "judged_at": self.judged_at.isoformat(),
            "facts": None if self.facts is None else _facts_json(self.facts),
            "steps": [_step_json(result) for result in self.steps],
        }

    def to_text(self, lang: Language = "en") -> str:
        """Return the report for a person, in English or Chinese, lines without trailing newline."""
        lines = [VERDICT_WORDS[self.verdict][lang]]
        if self.verdict is not Verdict.VALID:
            lines += [_sentence(self.reason, lang), *filter(None, [_advice(self.reason, lang)])]
        if self.facts is not None:
            lines.append("")
            lines += [f"{_FACT_WORDS[name][lang]}: {value}" for name, value in _facts_json(self.facts).items() if value]
        lines.append("")
        for result in self.steps:
            title = result.step.zh if lang == "zh" else result.step.en
            detail = f" ({result.detail})" if result.detail else ""
            mark = _OUTCOME_WORDS[result.outcome][lang]
            lines.append(
                f"{result.step.number} {mark} {title}: {_sentence(result.reason, lang)}{detail} [{result.code}]"
            )
        return "\n".join(lines)


def _sentence(reason: Reason, lang: Language) -> str:
    return reason.zh if lang == "zh" else reason.en


def _advice(reason: Reason, lang: Language) -> str:
    return reason.advice_zh if lang == "zh" else reason.advice


def _step_json(result: StepResult) -> dict[str, object]:
    return {
        "step": result.step.slug,
        "number": result.step.number,
        "outcome": result.outcome.value,
        "code": result.code,
        "en": result.reason.en,
        "zh": result.reason.zh,
        "detail": result.detail,
    }


def _facts_json(facts: Facts) -> dict[str, object]:
    claimed = facts.signing_time_claimed
    return {
        name: getattr(facts, name) if name != "signing_time_claimed" else (claimed.isoformat() if claimed else None)
        for name in _FACT_WORDS
    }
