"""`/api/v1/mandates`: a person's own mandates, with a token of the person's own (scope `mandates`).

Numbers of persons are read from bodies only, and never answered.
"""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify, url_for
from pydantic import Field

from sso.mandates.caller import OwnTokens, own
from sso.mandates.domain import MATTERS_MAX, TYPES_MAX, GrantCommand, Mandate, MandateKind
from sso.mandates.errors import MandateUnknown
from sso.mandates.naming import Naming
from sso.mandates.representatives import Representatives
from sso.mandates.service import MandateDesk
from sso.provider.claims import ReadToken
from trust.formats.holders import HolderNumber
from trust.http.headers import private
from trust.http.parsing import StrictModel, json_body
from trust.http.rate import RateLimiter


class NumberBody(StrictModel):
    """A number of GB/T 36903 annex A: `kind` 001 for a credit code, 111 for a resident identity number."""

    kind: str
    number: str = Field(repr=False)

    def parse(self) -> HolderNumber:
        """Return the checked number."""
        return HolderNumber(kind=self.kind, number=self.number)


class AgentBody(NumberBody):
    """The agent by number and name; both have to be right."""

    name: str = Field(repr=False)


class GrantBody(StrictModel):
    """A mandate to grant. Without `organisation` the caller grants for themselves; moments have a time zone."""

    kind: MandateKind = Field(strict=False)
    organisation: NumberBody | None = None
    agent: AgentBody
    matters: Annotated[list[str], Field(max_length=MATTERS_MAX)]
    types: Annotated[list[str], Field(max_length=TYPES_MAX, default_factory=list)]
    valid_from: datetime | None = None
    valid_until: datetime
    ends_with_representative: bool = False


class ClaimBody(StrictModel):
    """The organisation whose legal representative the caller is."""

    organisation: NumberBody


_GRANT_EXAMPLE = {
    "kind": "standing-agent",
    "organisation": {"kind": "001", "number": "92110105MADEM0YX5T"},
    "agent": {"kind": "111", "number": "11010519491231002X", "name": "孙示例"},
    "matters": ["food-licence-renewal"],
    "types": [],
    "valid_until": "2027-11-21T00:00:00+08:00",
    "ends_with_representative": False,
}
_CLAIM_EXAMPLE = {"organisation": {"kind": "001", "number": "92110105MADEM0YX5T"}}


def blueprint(
    desk: MandateDesk, representatives: Representatives, naming: Naming, tokens: OwnTokens, limiter: RateLimiter
) -> APIBlueprint:
    """Return the routes; `limiter` bounds how often one person may name others, by grants and claims."""
    routes = APIBlueprint("mandates", __name__, url_prefix="/api/v1/mandates", tag="Mandates")
    _add_looks(routes, desk, tokens)
    _add_grant(routes, desk, naming, tokens, limiter)
    _add_claim(routes, desk, representatives, tokens, limiter)
    _add_changes(routes, desk, tokens)
    return routes


def _add_looks(routes: APIBlueprint, desk: MandateDesk, tokens: OwnTokens) -> None:
    @routes.get("")
    @routes.doc(summary="The caller's mandates: as agent, for themselves, and of the organisations they represent")
    @own(tokens)
    def mine(*, token: ReadToken) -> Response:
        person = token.contents.person
        principals = (person, *desk.organisations_of(person))
        granted = [each for principal in principals for each in desk.of_principal(principal, by=person)]
        answer = {"as_agent": desk.of_agent(person), "granted": granted}
        return private(jsonify({name: [_shown(desk, each) for each in found] for name, found in answer.items()}))

    @routes.get("/<mandate_id>")
    @routes.doc(summary="One mandate in which the caller has a part")
    @own(tokens)
    def show(mandate_id: str, *, token: ReadToken) -> Response:
        mandate, person = desk.get(mandate_id), token.contents.person
        if person not in (mandate.agent, mandate.principal, *_if_represented(desk, person, mandate)):
            raise MandateUnknown(field="mandate")
        return private(jsonify(_shown(desk, mandate)))


def _if_represented(desk: MandateDesk, person: str, mandate: Mandate) -> tuple[str, ...]:
    return (person,) if mandate.principal in desk.organisations_of(person) else ()


def _add_grant(
    routes: APIBlueprint, desk: MandateDesk, naming: Naming, tokens: OwnTokens, limiter: RateLimiter
) -> None:
    @routes.post("")
    @routes.doc(summary="Grant a mandate; it holds when the agent has accepted it", responses=_MADE)
    @own(tokens)
    @json_body(GrantBody, example=_GRANT_EXAMPLE)
    def grant(*, token: ReadToken, body: GrantBody) -> Response:
        person = token.contents.person
        limiter.admit(person)
        legal = None if body.organisation is None else body.organisation.parse()
        principal = person if legal is None else naming.organisation(legal)
        strength = token.contents.assurance.strength
        desk.check_entitled(principal, by=person, strength=strength)  # a stranger learns nothing about agents
        command = GrantCommand(
            kind=body.kind,
            principal=principal,
            agent=naming.agent(body.agent.parse(), body.agent.name),
            matters=frozenset(body.matters),
            types=frozenset(body.types),
            valid_from=body.valid_from,
            valid_until=body.valid_until,
            ends_with_representative=body.ends_with_representative,
        )
        return _made(desk, desk.grant(command, by=person, strength=strength))


def _add_claim(
    routes: APIBlueprint, desk: MandateDesk, representatives: Representatives, tokens: OwnTokens, limiter: RateLimiter
) -> None:
    @routes.post("/representations")
    @routes.doc(
        summary="Say that the caller is an organisation's legal representative",
        description="The register of legal persons is asked. Repeating it returns the same mandate.",
        responses=_MADE,
    )
    @own(tokens)
    @json_body(ClaimBody, example=_CLAIM_EXAMPLE)
    def claim(*, token: ReadToken, body: ClaimBody) -> Response:
        limiter.admit(token.contents.person)
        return _made(desk, representatives.claim(body.organisation.parse(), by=token.contents.person))


def _add_changes(routes: APIBlueprint, desk: MandateDesk, tokens: OwnTokens) -> None:
    @routes.post("/<mandate_id>/accept")
    @routes.doc(summary="Accept a mandate, as its agent")
    @own(tokens)
    def accept(mandate_id: str, *, token: ReadToken) -> Response:
        return private(jsonify(_shown(desk, desk.accept(mandate_id, by=token.contents.person))))

    @routes.post("/<mandate_id>/withdraw")
    @routes.doc(summary="End a mandate: its agent, its principal or the legal representative; tokens die with it")
    @own(tokens)
    def withdraw(mandate_id: str, *, token: ReadToken) -> Response:
        return private(jsonify(_shown(desk, desk.withdraw(mandate_id, by=token.contents.person))))


_MADE: dict[int | str, Any] = {201: {"description": "The mandate"}}


def _made(desk: MandateDesk, mandate: Mandate) -> Response:
    response = private(jsonify(_shown(desk, mandate)))
    response.status_code = 201
    response.headers["Location"] = url_for("mandates.show", mandate_id=mandate.id)
    return response


def _shown(desk: MandateDesk, mandate: Mandate) -> dict[str, Any]:
    """Describe a mandate; natural persons are masked, and ids of accounts are ours alone."""
    principal, agent = desk.parties(mandate)
    return {
        "id": mandate.id,
        "kind": mandate.kind.value,
        "principal": principal.name if principal.is_legal else principal.masked_name,
        "agent": agent.masked_name,
        "matters": sorted(mandate.matters),
        "types": sorted(mandate.types),
        "valid_from": mandate.valid_from.isoformat(),
        "valid_until": _text(mandate.valid_until),
        "accepted": mandate.accepted,
        "offered_until": _text(mandate.offered_until),
        "ends_with_representative": mandate.ends_with_representative,
        "withdrawn_at": _text(mandate.withdrawn_at),
        "used_at": _text(mandate.used_at),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
