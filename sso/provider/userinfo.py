"""What a relying system learns of a person (OIDC core section 5.3, OpenID Connect for Identity Assurance 1.0).

Claims follow the scopes of the token, and those that the client is registered for at this moment: taking a scope from
a client takes it from its living tokens as well. The number in full needs the scope `identity`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import Any, Protocol

import structlog

from sso.accounts.domain import Evidence, Person, ProofingLevel
from sso.accounts.levels import counted
from sso.provider.claims import ReadToken
from sso.provider.domain import Scope
from sso.provider.metadata import TRUST_FRAMEWORK
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.ports import ClientFinder
from sso.provider.reference import LEGAL
from trust.kernel.clock import Clock, calendar_day

_log = structlog.get_logger("sso.userinfo")


class Persons(Protocol):
    """The register of persons (`sso.accounts.directory`)."""

    def get(self, person_id: str) -> Person:
        """Return the person. Raises `PersonUnknown`."""
        ...

    def evidence(self, person_id: str) -> Sequence[Evidence]:
        """Return every act of proofing, oldest first."""
        ...


class UserInfo:
    """Answers at the userinfo endpoint."""

    def __init__(self, persons: Persons, clients: ClientFinder, clock: Clock) -> None:
        self._persons = persons
        self._clients = clients
        self._clock = clock

    def claims(self, token: ReadToken) -> Mapping[str, Any]:
        """Return the claims for the holder of a living token. `sub` is the one of the token (section 5.3.2).

        Raises `OAuthRefused("insufficient_scope")`, status 403, when the token lacks `openid` (RFC 6750 section 3.1).
        """
        contents = token.contents
        client = self._clients.find(contents.client)
        registered = client.scopes if client else frozenset[Scope]()
        scopes = {scope for scope in registered if scope.value in contents.scopes}
        if Scope.OPENID not in scopes:
            raise OAuthRefused(
                "insufficient_scope",
                "The userinfo endpoint needs the scope openid.",
                status=HTTPStatus.FORBIDDEN,
                officer="no openid scope",
            )
        person = self._persons.get(contents.person)
        claims = {"sub": token.subject, "ial": person.level.urn} | self._of_person(person, scopes)
        if contents.represents is not None:
            claims["represents"] = self._represented(token, scopes)
        _log.info("userinfo", client=contents.client, scopes=sorted(scopes))
        return claims

    def _of_person(self, person: Person, scopes: set[Scope]) -> dict[str, Any]:
        plain = _plain_claims(person, scopes)
        if not plain or person.level is ProofingLevel.SELF_ASSERTED:
            return plain
        today = calendar_day(self._clock.now())
        return plain | {
            "verified_claims": verified_claims(person, self._persons.evidence(person.id), plain, today=today)
        }

    def _represented(self, token: ReadToken, scopes: set[Scope]) -> dict[str, Any]:
        """Return for whom the person acts: the pair of represented and representative is this claim and `sub`.

        What the token says of an organisation is public. A represented natural person is one like any other: name and
        number follow the scopes.
        """
        claim = dict(token.claims["represents"])
        if claim["kind"] == LEGAL or token.contents.represents is None:
            return claim
        return claim | _plain_claims(self._persons.get(token.contents.represents.person), scopes)


def verified_claims(
    person: Person, evidence: Sequence[Evidence], claims: Mapping[str, str], *, today: date
) -> dict[str, Any]:
    """Return the claims with how and when they were verified (OIDC4IDA section 5).

    Only evidence is named on which the present level and name rest; `time` is that of the newest. No clerk and no
    counter is named: who checked a document is between the person and this service.
    """
    own = [item for item in evidence if item.person == person.id and item.name_version == person.name_version]
    supporting = [item for item in own if counted(item, today=today) >= person.level]
    verification: dict[str, Any] = {"trust_framework": TRUST_FRAMEWORK, "assurance_level": person.level.urn}
    if supporting:
        verification |= {
            "time": max(item.at for item in supporting).isoformat(),
            "evidence": [_evidence(item) for item in supporting],
        }
    return {"verification": verification, "claims": dict(claims)}


def _evidence(item: Evidence) -> dict[str, Any]:
    """Return one act of proofing: a document seen, or a register asked (OIDC4IDA section 5.4.4)."""
    at = item.at.isoformat()
    if item.document_kind is None:
        record = {"type": "population_register", "source": {"name": item.source}}
        return {"type": "electronic_record", "time": at, "record": record}
    details: dict[str, Any] = {"type": item.document_kind}
    if item.document_expires is not None:
        details["date_of_expiry"] = item.document_expires.isoformat()
    checked: dict[str, Any] = {"check_method": "vpip", "time": at}  # validation, physical, in person
    return {"type": "document", "time": at, "check_details": [checked], "document_details": details}


def _plain_claims(person: Person, scopes: set[Scope]) -> dict[str, str]:
    claims = {"name": person.name} if Scope.PROFILE in scopes else {}
    if Scope.IDENTITY in scopes:
        claims |= {"holder_kind": person.code.kind, "holder_number": person.code.number}
    return claims
