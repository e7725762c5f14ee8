"""The application as the wiring assembles it, with a verifier that answers from a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from apiflask import APIBlueprint, APIFlask
from pydantic import Field

from portal.factory import Parts, create_app
from portal.pages.operations import Check
from tests.fakes import MOMENT, CountingRandomness, FixedClock
from trust.config import Settings
from trust.http.access import Principal, protected
from trust.http.parsing import StrictModel, json_body
from trust.http.rate import RateLimiter
from trust.kernel.errors import MalformedInput, NotAuthenticated
from verifier.report import Facts, Report, Step, StepResult

IDENTIFIER = "1.2.156.3005.2.11100000000013127D001.11100000000013338W.JY1350100000001.001.Q"
PUBLIC_URL = "https://trust.example"

GOOD_STEPS = (
    (Step.RECOGNISE, "pdf-recognised"),
    (Step.COVERAGE, "entire-file"),
    (Step.DIGEST, "digest-matches"),
    (Step.SIGNATURE, "signature-matches"),
    (Step.SEAL, "seal-valid"),
    (Step.CHAIN, "chain-trusted"),
    (Step.LIBRARY, "library-issued"),
)
FACTS = Facts(
    certificate_identifier=IDENTIFIER,
    type_name="Food business licence",
    type_name_zh="食品经营许可证",
    authority="示范市市场监督管理局",
    signer="示范市市场监督管理局",
    seal_name="示范市市场监督管理局电子证照专用章",
    signing_time_claimed=MOMENT,
    library_state="issued",
)


class NotAPdf(MalformedInput):
    code = "not-a-document"
    title = "The file is not a PDF."
    title_zh = "该文件不是 PDF。"


def report(codes: Sequence[tuple[Step, str]] = GOOD_STEPS, facts: Facts | None = FACTS) -> Report:
    steps = tuple(StepResult(step=step, code=code) for step, code in codes)
    return Report(artefact="pdf", digest="5a" * 32, judged_at=MOMENT, steps=steps, facts=facts)


def altered() -> Report:
    codes = [*GOOD_STEPS[:2], (Step.DIGEST, "digest-mismatch")]
    codes += [(step, "not-judged") for step, _ in GOOD_STEPS[3:]]
    return report(codes, facts=None)


def unsigned() -> Report:
    codes = [GOOD_STEPS[0], (Step.COVERAGE, "unsigned")]
    codes += [(step, "not-judged") for step, _ in GOOD_STEPS[2:]]
    return report(codes, facts=None)


def by_identifier(code: str = "library-issued", state: str = "issued") -> Report:
    facts = Facts(
        certificate_identifier=IDENTIFIER,
        type_name="Food business licence",
        type_name_zh="食品经营许可证",
        authority="示范市市场监督管理局",
        library_state=state,
    )
    steps = (
        StepResult(step=Step.RECOGNISE, code="identifier-recognised"),
        StepResult(step=Step.LIBRARY, code=code),
    )
    return Report(artefact="identifier", digest="5a" * 32, judged_at=MOMENT, steps=steps, facts=facts)


@dataclass
class TableJudge:
    """Answers by the content; remembers what it was asked."""

    asked: list[str | bytes] = field(default_factory=list)

    def verify_file(self, data: bytes) -> Report:
        self.asked.append(data)
        if data == b"altered":
            return altered()
        if data == b"unsigned":
            return unsigned()
        if data == b"rubbish":
            raise NotAPdf
        return report()

    def verify_identifier(self, text: str) -> Report:
        self.asked.append(text)
        return by_identifier("revoked", "revoked") if text == "revoked" else by_identifier()

    def verify_qr(self, text: str) -> Report:
        self.asked.append(text)
        return by_identifier()


class Inner(StrictModel):
    amount: Annotated[int, Field(ge=0)]


class ThingBody(StrictModel):
    name: Annotated[str, Field(description="How people call it")]
    inner: Inner | None = None


class NoTokens:
    def check(self, token: str) -> Principal:
        raise NotAuthenticated


def thing_routes() -> APIBlueprint:
    routes = APIBlueprint("things", __name__, tag="Things")

    @routes.post("/api/v1/things/<int:number>")
    @protected(NoTokens(), "certs:issue")
    @json_body(ThingBody, example={"name": "a"})
    def make(number: int, *, principal: Principal, body: ThingBody) -> dict[str, str]:
        """Make a thing."""
        return {"name": body.name}

    @routes.post("/api/v1/open")
    @json_body(ThingBody)
    def open_thing(*, body: ThingBody) -> dict[str, str]:
        return {"name": body.name}

    @routes.get("/api/v1/broken")
    def broken() -> str:
        raise ValueError("110101199003070038")

    return routes


def build(
    folder: Path, *, checks: Sequence[Check] = (), rate: int = 1000, judge: TableJudge | None = None, **settings: object
) -> APIFlask:
    values = {"home": folder, "public_url": PUBLIC_URL, "max_body_bytes": 2048, "max_upload_bytes": 4096, **settings}
    return create_app(
        Parts(
            settings=Settings(**values),
            randomness=CountingRandomness(),
            judge=judge or TableJudge(),
            verify_limiter=RateLimiter(rate, FixedClock()),
            blueprints=(thing_routes(),),
            checks=checks,
        )
    )
