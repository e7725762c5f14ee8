"""The pages on which anyone verifies a certificate: by file, by identifier, or by the QR code printed on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Final, Protocol

from flask import Blueprint, request

from portal.pages.rendering import Pages, language
from portal.pages.texts import TEXTS, Texts
from trust.http.rate import RateLimiter, client_address
from verifier.ports import LibraryState
from verifier.reasons import Outcome, Reason
from verifier.report import Language, Report, Verdict

_CHINA: Final = timezone(timedelta(hours=8))  # the time on the clocks of whoever reads these pages
_ICONS = {
    Outcome.PASSED: "pass",
    Outcome.FAILED: "fail",
    Outcome.INDETERMINATE: "open",
    Outcome.NOT_JUDGED: "none",
}
_VERDICT_ICONS = {Verdict.VALID: "pass", Verdict.INVALID: "fail", Verdict.INDETERMINATE: "open"}
_FILE, _IDENTIFIER = "file", "identifier"


class Judge(Protocol):
    """What the pages need of the verifier."""

    def verify_file(self, data: bytes) -> Report:
        """Judge a file by its bytes."""
        ...

    def verify_identifier(self, text: str) -> Report:
        """Judge what the library says under an identifier."""
        ...

    def verify_qr(self, text: str) -> Report:
        """Judge the text of a scanned code."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check as it stands on the page; `also` is the sentence in the other language."""

    icon: str
    word: str
    title: str
    sentence: str
    also: str
    detail: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """A report in the words of one language, with the headline in both."""

    icon: str
    word: str
    also_word: str
    sentence: str
    also: str
    advice: str
    identifier_only: bool
    time_claimed: bool
    rows: Sequence[Row]
    facts: Sequence[tuple[str, str]]
    facts_withheld: bool
    judged_at: str
    digest: str
    code: str


def blueprint(pages: Pages, judge: Judge, limiter: RateLimiter, *, public_url: str) -> Blueprint:
    """Return the routes `/`, `/verify` and `/v/<identifier>`; `public_url` is what QR codes begin with."""
    routes = Blueprint("pages", __name__)

    def shown(report: Report) -> str:
        return pages.render("report.html", report=view_of(report, language()))

    @routes.get("/")
    def home() -> str:
        return pages.render("home.html")

    @routes.get("/verify")
    def form() -> str:
        return pages.render("verify.html", refused=False)

    @routes.post("/verify")
    def verify() -> str | tuple[str, int]:
        limiter.admit(client_address())
        upload = request.files.get(_FILE)
        if upload is not None and upload.filename:
            return shown(judge.verify_file(upload.stream.read()))
        # The identifier comes by POST: whoever types an ID number by mistake does not leave it in an address.
        if text := request.form.get(_IDENTIFIER, "").strip():
            return shown(judge.verify_identifier(text))
        return pages.render("verify.html", refused=True), HTTPStatus.UNPROCESSABLE_ENTITY

    @routes.get("/v/<identifier>")
    def scanned(identifier: str) -> str:
        limiter.admit(client_address())
        return shown(judge.verify_qr(f"{public_url.rstrip('/')}/v/{identifier}?t={request.args.get('t', '')}"))

    return routes


def view_of(report: Report, lang: Language) -> ReportView:
    """Return `report` as the page shows it."""
    texts = TEXTS[lang]
    other = TEXTS[texts.other_lang]
    facts = _facts(report, lang)
    return ReportView(
        icon=_VERDICT_ICONS[report.verdict],
        word=_headline(report, texts),
        also_word=_headline(report, other),
        sentence=_sentence(report.reason, lang),
        also=_sentence(report.reason, texts.other_lang),
        advice=report.reason.advice_zh if lang == "zh" else report.reason.advice,
        identifier_only=report.artefact != "pdf",
        time_claimed=report.facts is not None and report.facts.signing_time_claimed is not None,
        rows=_rows(report, lang),
        facts=facts,
        facts_withheld=not facts and report.artefact == "pdf",
        judged_at=_moment(report.judged_at),
        digest=report.digest,
        code=report.code,
    )


def _headline(report: Report, texts: Texts) -> str:
    """Return the verdict in a word. Without a file nothing was found genuine: the library knows the identifier."""
    if report.verdict is Verdict.VALID and report.artefact != "pdf":
        return texts.on_record
    return texts.verdicts[report.verdict]


def _rows(report: Report, lang: Language) -> tuple[Row, ...]:
    texts = TEXTS[lang]
    return tuple(
        Row(
            icon=_ICONS[result.outcome],
            word=texts.outcomes[result.outcome],
            title=result.step.zh if lang == "zh" else result.step.en,
            sentence=_sentence(result.reason, lang),
            also=_sentence(result.reason, texts.other_lang),
            detail=result.detail or "",
            code=result.code,
        )
        for result in report.steps
    )


def _facts(report: Report, lang: Language) -> tuple[tuple[str, str], ...]:
    """Return what the checks bear out, in the order of the table of texts."""
    if report.facts is None:
        return ()
    rows = []
    for name, label in TEXTS[lang].fact_names.items():
        value = getattr(report.facts, name)
        if isinstance(value, datetime):
            rows.append((label, _moment(value)))
        elif name == "library_state" and value:
            rows.append((label, TEXTS[lang].states[LibraryState(value)]))
        elif value:
            rows.append((label, str(value)))
    return tuple(rows)


def _sentence(reason: Reason, lang: Language) -> str:
    return reason.zh if lang == "zh" else reason.en


def _moment(moment: datetime) -> str:
    return moment.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S (UTC+8)")
