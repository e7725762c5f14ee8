"""The pages on which anyone verifies a certificate: by file, by identifier, or by the QR code printed on it.

The code comes as the address that a phone opened, or as a picture of it. Only a code of this very service is followed;
one that leads elsewhere is judged, never opened.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from portal.pages.addresses import address
from portal.pages.faults import fault_of
from portal.pages.moments import exact
from portal.pages.rendering import Pages, language
from portal.pages.texts import TEXTS, Texts
from trust.formats.qr import qr_texts
from trust.http.rate import RateLimiter, client_address
from trust.kernel.errors import InvalidInput, MalformedInput
from trust.kernel.identifiers import ROOT
from verifier.ports import LibraryState
from verifier.reasons import Outcome, Reason
from verifier.report import Language, Report, Verdict

_ICONS = {
    Outcome.PASSED: "pass",
    Outcome.FAILED: "fail",
    Outcome.INDETERMINATE: "open",
    Outcome.NOT_JUDGED: "none",
}
_VERDICT_ICONS = {Verdict.VALID: "pass", Verdict.INVALID: "fail", Verdict.INDETERMINATE: "open"}
_FILE, _IDENTIFIER, _QR = "file", "identifier", "qr"
_SHOWN = re.compile("/s/[A-Za-z0-9_-]{43}")  # the code with which a holder shows a certificate


class QrSeveral(InvalidInput):
    """The picture holds more than one code that could be meant."""

    code = "qr-several"
    title = "The picture holds more than one QR code."
    title_zh = "图片中有不止一个二维码。"
    remedy = "Take a picture of the code on the certificate alone."
    remedy_zh = "请只拍摄证照上的一个二维码。"


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


class VerificationPages:
    """The views, one method each."""

    def __init__(self, pages: Pages, judge: Judge, limiter: RateLimiter, *, public_url: str) -> None:
        self._pages = pages
        self._judge = judge
        self._limiter = limiter
        self._public_url = public_url.rstrip("/")

    def home(self) -> str:
        """Show the front page."""
        return self._pages.render("home.html", faults={})

    def form(self) -> str:
        """Show the three ways to verify."""
        return self._pages.render("verify.html", faults={})

    def verify(self) -> ResponseReturnValue:
        """Judge what was sent."""
        self._limiter.admit(client_address())
        if data := _uploaded(_FILE):
            return self._shown(self._judge.verify_file(data))
        if picture := _uploaded(_QR):
            return self._pictured(picture)
        # The identifier comes by POST: whoever types an ID number by mistake does not leave it in an address.
        if text := request.form.get(_IDENTIFIER, "").strip():
            return self._identified(text)
        return self._again({"file": TEXTS[language()].nothing_sent})

    def scanned(self, identifier: str) -> str:
        """Judge a code that a phone opened."""
        self._limiter.admit(client_address())
        link = f"{self._public_url}/v/{identifier}?t={request.args.get('t', '')}"
        return self._shown(self._judge.verify_qr(link))

    def _identified(self, text: str) -> ResponseReturnValue:
        try:
            return self._shown(self._judge.verify_identifier(text))
        except (InvalidInput, MalformedInput) as error:
            return self._again(fault_of(error, (_IDENTIFIER,), otherwise=_IDENTIFIER), identifier=_repeatable(text))

    def _pictured(self, picture: bytes) -> ResponseReturnValue:
        try:
            text = self._one_of(qr_texts(picture))
            if _SHOWN.fullmatch(text.removeprefix(self._public_url)):
                target = address(text.removeprefix(self._public_url), language())
                return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": target})
            return self._shown(self._judge.verify_qr(text))
        except (InvalidInput, MalformedInput) as error:
            return self._again(fault_of(error, (_QR,), otherwise=_QR))

    def _one_of(self, texts: Sequence[str]) -> str:
        """Return the code that is meant: the one of ours, or else the only one. Raises `QrSeveral`."""
        ours = [text for text in texts if text.startswith(f"{self._public_url}/")] or list(texts)
        if len(ours) > 1:
            raise QrSeveral(field=_QR)
        return ours[0]

    def _shown(self, report: Report) -> str:
        return self._pages.render("report.html", report=view_of(report, language()))

    def _again(self, faults: dict[str, str], *, identifier: str = "") -> tuple[str, int]:
        page = self._pages.render("verify.html", faults=faults, identifier=identifier)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY


def _repeatable(text: str) -> str:
    """Return what was typed if it may stand on a page again: an identifier, never what may be a person's number."""
    return text if text.startswith(f"{ROOT}.") else ""


def blueprint(pages: Pages, judge: Judge, limiter: RateLimiter, *, public_url: str) -> Blueprint:
    """Return the routes `/`, `/verify` and `/v/<identifier>`; `public_url` is what QR codes begin with."""
    views = VerificationPages(pages, judge, limiter, public_url=public_url)
    routes = Blueprint("pages", __name__)
    routes.add_url_rule("/", view_func=views.home)
    routes.add_url_rule("/verify", view_func=views.form)
    routes.add_url_rule("/verify", view_func=views.verify, methods=["POST"])
    routes.add_url_rule("/v/<identifier>", view_func=views.scanned)
    return routes


def _uploaded(name: str) -> bytes:
    """Return the content of an uploaded file, empty when there is none."""
    upload = request.files.get(name)
    return upload.stream.read() if upload is not None and upload.filename else b""


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
        judged_at=exact(report.judged_at),
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
            rows.append((label, exact(value)))
        elif name == "library_state" and value:
            rows.append((label, TEXTS[lang].states[LibraryState(value)]))
        elif value:
            rows.append((label, str(value)))
    return tuple(rows)


def _sentence(reason: Reason, lang: Language) -> str:
    return reason.zh if lang == "zh" else reason.en
