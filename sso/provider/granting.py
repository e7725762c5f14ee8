"""Turning an approved request into a grant: the facts come from the registers, never from the request."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from sso.accounts.domain import Person
from sso.counters.domain import Matter
from sso.mandates.domain import Mandate
from sso.provider.claims import Assurance, Representation, TokenContents
from sso.provider.domain import OWN_API_SCOPES, Client, RelyingSystem, Scope
from sso.provider.errors import AuthorizationNotReady, MandateNotUsable
from sso.provider.facts import Facts
from sso.provider.grants import CONSENT_DAYS, Consent, Grant
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.ports import ConsentStore
from sso.provider.requests import AuthorizationRequest
from sso.provider.sandbox import is_invented
from sso.provider.subjects import PairwiseSubjects
from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import Session
from trust.formats.holders import USCC_KIND
from trust.kernel.clock import Clock
from trust.kernel.errors import NotFound
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

_log = structlog.get_logger("sso.granting")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionNames:
    """The names by which one client knows person and session; both are pairwise."""

    subject: str
    sid: str


class Granting:
    """Makes grants and consents. `issuer` is the audience of tokens of clients that have no resource of their own."""

    def __init__(
        self,
        facts: Facts,
        consents: ConsentStore,
        subjects: PairwiseSubjects,
        *,
        issuer: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._facts = facts
        self._consents = consents
        self._subjects = subjects
        self._issuer = issuer
        self._clock = clock
        self._randomness = randomness

    def must_ask(
        self, relying: RelyingSystem, request: AuthorizationRequest, session: Session, *, now: datetime
    ) -> bool:
        """Whether the consent page is due: not everything is allowed yet, or there is a choice for whom to act."""
        remembered = self._consents.remembered(session.person, request.client, request.matter)
        fresh = remembered is not None and now < remembered.expires_at
        if remembered is None or not fresh or not request.scopes <= remembered.scopes:
            return True
        if not self._types_asked(relying, request) <= remembered.types:  # added to the registration or matter since
            return True
        return bool(self._facts.mandates.usable(session.person, request.matter, now))

    def grant(
        self,
        client: Client,
        relying: RelyingSystem,
        request: AuthorizationRequest,
        session: Session,
        *,
        mandate_id: str | None,
    ) -> Grant:
        """Return the grant of this session to this client.

        Raises:
            AuthorizationNotReady: the person is not active, or not as they were at the sign-in.
            MandateNotUsable: no such mandate for this person and matter.
            OAuthRefused: the person is no clerk although one is asked for; the matter has left the catalogue; a real
                person or organisation at a sandbox system.
        """
        now = self._clock.now()
        person = self._facts.persons.get(session.person)
        if not person.active or person.epoch != session.person_epoch:
            raise AuthorizationNotReady(reason="person")
        _check_invented(relying, person)
        grant_id = new_id(self._clock, self._randomness)
        matter = self._matter(request.matter) if request.matter is not None else None
        mandate = self._mandate(session.person, request.matter, mandate_id, now) if mandate_id is not None else None
        represents, mandate_ties = self._represented(relying, mandate) if mandate is not None else (None, frozenset())
        ties = {Tie(TieKind.GRANT, grant_id)} | session.ties | mandate_ties | self._clerk_ties(request, person)
        contents = TokenContents(
            client=client.id,
            audience=self._audience(relying, request),
            person=person.id,
            grant=grant_id,
            session=session.id,
            scopes=frozenset(scope.value for scope in request.scopes),
            assurance=Assurance(
                level=person.level,
                strength=session.strength,
                methods=tuple(method.value for method in session.methods),
                auth_time=session.auth_time,
            ),
            ties=frozenset(ties),
            represents=represents,
            matter=request.matter,
            purpose=matter.purpose if matter is not None else None,
            types=_types(relying, matter, mandate),
            confirmation=None,
        )
        until = mandate.valid_until if mandate is not None and mandate.valid_until is not None else session.expires_at
        return Grant(
            id=grant_id,
            contents=contents,
            sector=relying.sector,
            created_at=now,
            expires_at=min(session.expires_at, until),
        )

    def _audience(self, relying: RelyingSystem, request: AuthorizationRequest) -> str:
        """Return whom the token is for: this service when the person deals with its own API, else the system itself."""
        return self._issuer if request.scopes & OWN_API_SCOPES else relying.resource or self._issuer

    def consent(self, grant: Grant, request: AuthorizationRequest) -> Consent:
        """Return what will be remembered of this approval."""
        return Consent(
            id=new_id(self._clock, self._randomness),
            person=grant.contents.person,
            client=request.client,
            matter=request.matter,
            scopes=request.scopes,
            given_at=grant.created_at,
            expires_at=grant.created_at + timedelta(days=CONSENT_DAYS),
            types=grant.contents.types,
        )

    def names(self, grant: Grant, session: Session) -> SessionNames:
        """Return the names of person and session at the client of the grant."""
        return SessionNames(
            subject=self._subjects.subject(session.person, sector=grant.sector),
            sid=self._subjects.session(session.id, client=grant.contents.client),
        )

    def _types_asked(self, relying: RelyingSystem, request: AuthorizationRequest) -> frozenset[str]:
        """Return the certificate types of a grant to this system; none where the matter is over: `grant` refuses it."""
        try:
            matter = self._facts.matters.matter(request.matter) if request.matter is not None else None
        except NotFound:
            return frozenset()
        return _types(relying, matter, None)

    def _matter(self, code: str) -> Matter:
        try:
            return self._facts.matters.matter(code)
        except NotFound:
            raise OAuthRefused("invalid_request", "The matter is not in the catalogue.") from None

    def _mandate(self, agent: str, matter: str | None, mandate_id: str, now: datetime) -> Mandate:
        for mandate in self._facts.mandates.usable(agent, matter, now):
            if mandate.id == mandate_id:
                return mandate
        _log.warning("mandate not usable", person=agent, mandate=mandate_id, matter=matter)
        raise MandateNotUsable(field="represents")

    def _represented(self, relying: RelyingSystem, mandate: Mandate) -> tuple[Representation, frozenset[Tie]]:
        principal = self._facts.persons.get(mandate.principal)
        _check_invented(relying, principal)
        if not principal.active:
            raise MandateNotUsable(field="represents")
        represents = Representation(
            person=principal.id,
            mandate=mandate.id,
            kind=mandate.kind.value,
            name=principal.name,
            uscc=principal.code.number if principal.code.kind == USCC_KIND else None,
        )
        return represents, frozenset({mandate.tie, Tie(TieKind.PERSON, principal.tie_id)})

    def _clerk_ties(self, request: AuthorizationRequest, person: Person) -> frozenset[Tie]:
        """Return the clerk's tie for a clerk's own token: whoever is no clerk gets no such scope."""
        if Scope.COUNTER_ASSIST not in request.scopes:
            return frozenset()
        clerk = self._facts.clerks.clerk_of(person.id)
        if clerk is None or clerk.disabled_at is not None:
            raise OAuthRefused("access_denied", "This scope is for clerks in office.")
        return frozenset({Tie(TieKind.CLERK, clerk.tie_id)})


def _check_invented(relying: RelyingSystem, person: Person) -> None:
    """Nobody real signs in to a sandbox, or is represented there."""
    if relying.sandbox and not is_invented(person.code):
        _log.warning("real person at a sandbox", person=person.id)
        raise OAuthRefused("access_denied", "Only invented people sign in to a sandbox system.")


def _types(relying: RelyingSystem, matter: Matter | None, mandate: Mandate | None) -> frozenset[str]:
    """Return the certificate types that the token is good for: what matter, client and mandate have in common."""
    types = matter.types & relying.types if matter is not None else frozenset()
    return types & mandate.types if mandate is not None and mandate.types else types
