"""Findings about a person: what a proofing source or a clerk says, with every ceiling applied."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import structlog

from sso.accounts import levels
from sso.accounts.domain import Evidence, Finding, ProofingLevel
from sso.accounts.errors import (
    DocumentExpired,
    DocumentKindMismatch,
    ProofingClaimMissing,
    ProofingNotConfirmed,
    ProofingSourceName,
    ProofingSourceUnknown,
    SubjectEnded,
)
from sso.accounts.ports import TERMS, Claims, Outcome, ProofingSource, SourceName
from sso.counters.domain import Clerk
from sso.counters.errors import ClerkDisabled, ClerkNotPosted
from trust.formats.holders import HolderNumber

COUNTER_SOURCE: Final = "counter"
"""The source of evidence that a clerk gave."""

_UPSTREAM_SOURCE = re.compile("[a-z][a-z0-9-]{0,15}:[A-Za-z0-9._-]{1,60}")  # e.g. keycloak:province

_log = structlog.get_logger("sso.accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A clerk had the person and their document in front of them. `document_expires` is None for 长期 documents.

    Raises `ClerkDisabled`, `ClerkNotPosted`.
    """

    clerk: Clerk
    counter: str
    document_kind: str
    document_expires: date | None

    def __post_init__(self) -> None:
        if self.clerk.disabled_at is not None:
            raise ClerkDisabled(field="clerk", clerk=self.clerk.id)
        if self.counter not in self.clerk.counters:
            raise ClerkNotPosted(field="counter", clerk=self.clerk.id, counter=self.counter)

    def finding(self, kinds: frozenset[str], *, today: date) -> Finding:
        """Return what was found about a person with numbers of these kinds.

        Raises `DocumentKindMismatch`, `DocumentExpired`.
        """
        if self.document_kind not in kinds:
            raise DocumentKindMismatch(field="document_kind")
        if self.document_expires is not None and self.document_expires < today:
            raise DocumentExpired(field="document_expires")
        return Finding(
            source=COUNTER_SOURCE,
            level=ProofingLevel.IN_PERSON,
            document_kind=self.document_kind,
            document_expires=self.document_expires,
            counter=self.counter,
            clerk=self.clerk.id,
        )


class Sources:
    """The proofing sources of this installation."""

    def __init__(self, sources: Mapping[str, ProofingSource]) -> None:
        self._sources = {SourceName(name): source for name, source in sources.items()}

    def configured_for(self, code: HolderNumber) -> tuple[SourceName, ...]:
        """Return the sources that can be asked about this kind of number, in the order of the closed table."""
        return tuple(name for name, terms in TERMS.items() if name in self._sources and code.kind in terms.kinds)

    def ask(self, name: str, code: HolderNumber, claims: Claims) -> Finding:
        """Ask one source whether number, name and its own item are one person's.

        Raises:
            ProofingSourceUnknown, ProofingClaimMissing: it cannot be asked so.
            ProofingNotConfirmed, SubjectEnded: its answer; it does not say which item differs.
            ProofingSourceUnavailable, ProofingSourceRefused, ProofingAnswerUnreadable: there is no answer.
        """
        known = next((one for one in self._sources if one == name), None)
        if known is None or code.kind not in TERMS[known].kinds:
            raise ProofingSourceUnknown(field="source")
        source, terms = self._sources[known], TERMS[known]
        if terms.item is not None and claims.item(terms.item) is None:
            raise ProofingClaimMissing(field=terms.item)
        outcome = source.compare(code, claims)
        _log.info("proofing-source-asked", source=name, outcome=outcome.value)
        if outcome is Outcome.NO_MATCH:
            raise ProofingNotConfirmed
        if outcome is Outcome.ENDED:
            raise SubjectEnded(source=name)
        ceiling = levels.capped(source.ceiling, terms.ceiling)
        return Finding(source=name, level=levels.capped(ProofingLevel.TWO_ELEMENT_MATCH, ceiling))


def upstream_finding(source: str, level: ProofingLevel, ceiling: ProofingLevel) -> Finding:
    """Return what another platform says (采信上级平台认证结果), below the ceiling set for it.

    Raises `ProofingSourceName` unless the source is written `<kind>:<name>`, such as `keycloak:province`.
    """
    if not _UPSTREAM_SOURCE.fullmatch(source):
        raise ProofingSourceName(field="source")
    return Finding(source=source, level=levels.capped(level, ceiling))


def is_upstream(evidence: Evidence) -> bool:
    """Whether another platform gave this evidence: the person comes by way of it."""
    return _UPSTREAM_SOURCE.fullmatch(evidence.source) is not None
