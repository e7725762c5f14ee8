"""The register of persons: registered once, proofed by sources and by clerks, renamed, given further numbers.

Whoever may call which method is for the edge to decide; what no caller may do is refused here. Every act is one commit
together with its history and the ties that it cuts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

import structlog

from sso.accounts.domain import Act, Evidence, Finding, Person, PersonState, ProofingLevel
from sso.accounts.errors import (
    ClerkProofsThemselves,
    NameMismatch,
    NameUnchanged,
    NumberOfOtherSubject,
    PersonNotActive,
    SubjectEnded,
)
from sso.accounts.lifecycle import ACTIVE, SYSTEM, PersonLifecycle
from sso.accounts.ports import (
    NAME_MAX,
    Claims,
    PersonStore,
    ProofingSource,
    Step,
    StoredChange,
    StoredCode,
    StoredPerson,
)
from sso.accounts.proofing import Sighting, Sources, upstream_finding
from sso.accounts.vault import Vault
from sso.counters.domain import Clerk
from trust.formats.holders import RESIDENT_ID_KIND, USCC_KIND, HolderNumber
from trust.kernel.clock import Clock, calendar_day
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_text, is_same_person

_SINGLE_KINDS: Final = frozenset({RESIDENT_ID_KIND, USCC_KIND})  # a passport is renewed under a new number, these never

_log = structlog.get_logger("sso.accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A new person, ready to be written."""

    person: StoredPerson
    change: StoredChange
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Two operators decided about somebody's account (law 9), and why."""

    requested_by: str
    approved_by: str
    reason: str


class PersonRegister(PersonLifecycle):
    """Registers and proofs persons; reading is inherited from the directory, endings from the lifecycle."""

    def __init__(
        self,
        *,
        store: PersonStore,
        vault: Vault,
        sources: Mapping[str, ProofingSource],
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        super().__init__(store=store, vault=vault, clock=clock, randomness=randomness)
        self.sources = Sources(sources)

    def register(self, code: HolderNumber, name: str, *, evidence: Finding | None = None, by: str = SYSTEM) -> Person:
        """Register a person once. Only for callers who may know who has an account; the public applies.

        Raises `PersonAlreadyRegistered`, and the errors of `check_text` for the name.
        """
        draft = self.draft(code, name, findings=() if evidence is None else (evidence,), by=by)
        self._store.add(draft.person, draft.change, draft.evidence)
        _log.info("person-registered", person=draft.person.id, kind=code.kind)
        return self.get(draft.person.id)

    def draft(self, code: HolderNumber, name: str, *, findings: tuple[Finding, ...], by: str = SYSTEM) -> Draft:
        """Return a new person that nobody has written yet. Raises the errors of `check_text` and `check_person`."""
        check_text(name, field="name", most=NAME_MAX)
        now, index, person_id = self._clock.now(), self._vault.index(code), self._new_id()
        person = StoredPerson(
            id=person_id,
            kind=code.kind,
            code_index=index,
            sealed_number=self._vault.seal_number(code.number, index),
            sealed_name=self._vault.seal_name(name, person_id),
            name_version=1,
            state=PersonState.ACTIVE,
            epoch=1,
            created_at=now,
        )
        evidence = tuple(self._evidence(person_id, finding, 1, now) for finding in findings)
        return Draft(person=person, change=self._change(person_id, Act.REGISTERED, by=by), evidence=evidence)

    def register_in_person(self, code: HolderNumber, name: str, *, sighting: Sighting) -> Person:
        """Register a person whom a clerk has in front of them; nobody can have prepared this account.

        Raises `PersonAlreadyRegistered`, `DocumentKindMismatch`, `DocumentExpired`.
        """
        finding = sighting.finding(frozenset({code.kind}), today=self._today())
        return self.register(code, name, evidence=finding, by=sighting.clerk.id)

    def prove(self, person_id: str, source: str, claims: Claims) -> Person:
        """Ask a source whether name and number (and its own item) are one person's, and keep what it gives.

        Raises:
            PersonUnknown, PersonNotActive, NameMismatch: the account; a name is changed by `rename` alone.
            SubjectEnded: the register says deceased or dissolved; the account is ended in the same breath.
            ProofingSourceUnknown, ProofingClaimMissing, ProofingNotConfirmed, ProofingSourceUnavailable,
            ProofingSourceRefused, ProofingAnswerUnreadable: see `Sources.ask`.
        """
        person = self._active(person_id)
        if not is_same_person(claims.name, person.name):
            raise NameMismatch(field="name")
        self._attest(person, self._asked(person, source, claims))
        return self.get(person_id)

    def vouch(
        self,
        person_id: str,
        *,
        source: str,
        level: ProofingLevel,
        ceiling: ProofingLevel = ProofingLevel.DOCUMENT_CHECKED,
    ) -> Person:
        """Keep what an upstream platform says, below its ceiling; saying the same again leaves no new row.

        It raises the person's level or leaves it. Nobody upstream stands at one of our counters: hence the ceiling.

        Raises `PersonUnknown`, `PersonNotActive`, `ProofingSourceName`.
        """
        person = self._active(person_id)
        finding = upstream_finding(source, level, ceiling)
        said = (finding.source, finding.level, person.name_version)
        known = self._store.evidence([person_id])
        if said not in {(piece.source, piece.level, piece.name_version) for piece in known}:
            self._attest(person, finding)
        return self.get(person_id)

    def prove_in_person(
        self,
        person_id: str,
        *,
        clerk: Clerk,
        counter: str,
        document_kind: str,
        document_expires: date | None,
        controls_account: bool = False,
    ) -> Person:
        """Keep that a clerk checked the person's document in front of them; None is a document without an end (长期).

        Unless the person has shown that the account is theirs (`controls_account`), every credential and session of
        an account that no document stood behind ends: a stranger may have registered it with the person's number.

        Raises `PersonUnknown`, `PersonNotActive`, `ClerkProofsThemselves`, `ClerkDisabled`, `ClerkNotPosted`,
        `DocumentKindMismatch`, `DocumentExpired`.
        """
        person = self._active(person_id)
        sighting = Sighting(
            clerk=clerk, counter=counter, document_kind=document_kind, document_expires=document_expires
        )
        finding = self._seen(person, sighting)
        if controls_account or not self.is_doubtful(person):
            self._attest(person, finding)
        else:
            self._take(person, self._change(person_id, Act.CREDENTIALS_ENDED, by=clerk.id), finding)
        _log.info("proofed-in-person", person=person_id, clerk=clerk.id, counter=counter)
        return self.get(person_id)

    def rename(
        self, person_id: str, name: str, *, source: str, claims: Claims, decision: Decision | None = None
    ) -> Person:
        """Change a name that a source confirms for the person's number; evidence for the former name no longer counts.

        Without a `decision` of two operators it is the person's own act.

        Raises as `prove`, `NameMismatch` when the claims carry another name than the new one, `NameUnchanged`, and with
        a decision as `enable`.
        """
        self._check_decision(decision, person_id)
        person = self._active(person_id)
        if not is_same_person(claims.name, name):
            raise NameMismatch(field="name")
        self._check_name(person, name)  # before a register is asked about it
        return self._renamed(person, name, self._asked(person, source, claims), by=SYSTEM, decision=decision)

    def rename_in_person(
        self, person_id: str, name: str, *, sighting: Sighting, decision: Decision | None = None
    ) -> Person:
        """Change a name by a document that carries the new one and that a clerk checked.

        Raises as `prove_in_person`, `NameUnchanged`, and with a decision as `enable`.
        """
        self._check_decision(decision, person_id)
        person = self._active(person_id)
        finding = self._seen(person, sighting)
        return self._renamed(person, name, finding, by=sighting.clerk.id, decision=decision)

    def add_code(
        self, person_id: str, code: HolderNumber, *, sighting: Sighting, decision: Decision | None = None
    ) -> Person:
        """Give a person another number by the document that shows it, such as a renewed passport.

        A number of the kind that the person is shown with becomes the one shown.

        Raises as `prove_in_person`, `PersonAlreadyRegistered`, `NumberOfKindHeld`, `NumberOfOtherSubject`, and with a
        decision as `enable`.
        """
        self._check_decision(decision, person_id)
        person = self._active(person_id)
        if code.is_legal_person is not person.is_legal:
            raise NumberOfOtherSubject(field="number")
        finding = self._seen(person, sighting, kinds=frozenset({code.kind}))
        change = self._decided(person_id, Act.NUMBER_ADDED, sighting.clerk.id, decision)
        index = self._vault.index(code)
        stored = StoredCode(
            index=index,
            kind=code.kind,
            person=person_id,
            sealed=self._vault.seal_number(code.number, index),
            added_at=change.at,
        )
        step = self._step(person, change, finding)
        self._store.add_code(stored, step, primary=code.kind == person.code.kind, single=code.kind in _SINGLE_KINDS)
        return self.get(person_id)

    def is_doubtful(self, person: Person) -> bool:
        """Whether nobody has ever seen a document of whoever opened this account: a stranger may have."""
        known = self._store.evidence([person.id])
        return not person.is_legal and all(piece.level < ProofingLevel.DOCUMENT_CHECKED for piece in known)

    def _active(self, person_id: str) -> Person:
        person = self.get(person_id)
        if not person.active:
            raise PersonNotActive(f"The account is {person.state.value}.", person=person_id)
        return person

    def _asked(self, person: Person, source: str, claims: Claims) -> Finding:
        try:
            return self.sources.ask(source, person.code, claims)
        except SubjectEnded:
            self.end(person.id, by=f"source:{source}")
            raise

    def _seen(self, person: Person, sighting: Sighting, *, kinds: frozenset[str] | None = None) -> Finding:
        """Return what the clerk found; `kinds` are those of the numbers that the document may show."""
        if self.survivor(sighting.clerk.person).id == person.id:
            raise ClerkProofsThemselves(field="clerk", clerk=sighting.clerk.id)
        held = frozenset(code.kind for code in self.codes(person.id))
        return sighting.finding(held if kinds is None else kinds, today=self._today())

    def _attest(self, person: Person, finding: Finding) -> None:
        self._store.attest(self._evidence(person.id, finding, person.name_version, self._clock.now()))

    def _check_name(self, person: Person, name: str) -> None:
        check_text(name, field="name", most=NAME_MAX)
        if name == person.name:
            raise NameUnchanged(field="name")

    def _check_decision(self, decision: Decision | None, person_id: str) -> None:
        if decision is not None:
            self._check_two(decision.requested_by, decision.approved_by, {person_id})

    def _decided(self, person_id: str, act: Act, by: str, decision: Decision | None) -> StoredChange:
        if decision is None:
            return self._change(person_id, act, by=by)
        return self._change(
            person_id, act, by=decision.requested_by, approved_by=decision.approved_by, reason=decision.reason
        )

    def _renamed(self, person: Person, name: str, finding: Finding, *, by: str, decision: Decision | None) -> Person:
        self._check_name(person, name)
        change = self._decided(person.id, Act.RENAMED, by, decision)
        change = replace(change, sealed_name=self._vault.seal_former_name(person.name, change.id))
        self._take(person, change, finding, name=name)
        _log.info("person-renamed", person=person.id)
        return self.get(person.id)

    def _take(self, person: Person, change: StoredChange, finding: Finding, *, name: str | None = None) -> None:
        sealed = None if name is None else self._vault.seal_name(name, person.id)
        self._store.step(person.id, replace(self._step(person, change, finding), sealed_name=sealed))

    def _step(self, person: Person, change: StoredChange, finding: Finding) -> Step:
        """Return the step for a finding; a clerk's on a doubtful account ends what a stranger may have prepared."""
        ends = finding.level >= ProofingLevel.IN_PERSON and self.is_doubtful(person)
        evidence = self._evidence(person.id, finding, person.name_version, change.at)
        return Step(change=change, admits=ACTIVE, evidence=evidence, ends_sessions=ends, ends_credentials=ends)

    def _evidence(self, person_id: str, finding: Finding, name_version: int, at: datetime) -> Evidence:
        return Evidence(
            id=self._new_id(),
            person=person_id,
            source=finding.source,
            level=finding.level,
            at=at,
            name_version=name_version,
            document_kind=finding.document_kind,
            document_expires=finding.document_expires,
            counter=finding.counter,
            clerk=finding.clerk,
        )

    def _today(self) -> date:
        return calendar_day(self._clock.now())
