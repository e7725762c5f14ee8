"""What the new token may say: never more than the old one, in scope, types, purpose or time; and its hop."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sso.counters.domain import Clerk
from sso.mandates.domain import Mandate
from sso.passing.basis import Basis
from sso.passing.chain import grown, last_link, linked, purposes
from sso.passing.counter_rules import refused
from sso.passing.domain import MAX_DEPTH, PASSED_SECONDS, Case, Channel, Hop, Place
from sso.passing.duty import clerk_ties
from sso.passing.ports import Registers
from sso.passing.store.hops import NewHop
from sso.passing.targets import PASSED_SCOPES, Target
from sso.provider.claims import ReadToken, TokenContents
from sso.provider.domain import Client, Scope
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.store.participants import Participant
from sso.provider.subjects import PairwiseSubjects
from sso.revocation.domain import TieKind
from trust.kernel.clock import Clock
from trust.kernel.errors import NotFound
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

PASSED_ON: Final = ("Sign-in passed on", "登录信任传递")
"""What the citizen reads of a hop without a matter: nothing but the sign-in is passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits of a new token."""

    target: Target
    case: Case | None
    mandate: Mandate | None
    scopes: frozenset[str]
    types: frozenset[str]
    matter: str | None
    purpose: str
    purpose_zh: str
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A hop that is to be kept, and the token that may be signed once it is."""

    row: NewHop
    bounds: Bounds
    unbound: TokenContents

    def contents(self, confirmation: str | None) -> TokenContents:
        """Return what the token says; it is bound to the key of the proof that came with the request, if one did."""
        return replace(self.unbound, confirmation=confirmation)


class Narrowing:
    """Computes bounds and hop of an exchange."""

    def __init__(
        self, registers: Registers, subjects: PairwiseSubjects, *, clock: Clock, randomness: Randomness
    ) -> None:
        self._registers = registers
        self._subjects = subjects
        self._clock = clock
        self._randomness = randomness

    def bounds(
        self,
        client: Client,
        basis: Basis,
        target: Target,
        requested: frozenset[Scope] | None,
        case: Case | None,
        mandate: Mandate | None,
    ) -> Bounds:
        """Return the limits of the new token. Raises `OAuthRefused`."""
        contents = basis.contents
        matter = contents.matter if case is None else case.matter
        purpose, purpose_zh = self._purposes(contents, case)
        types = _types(contents, case, mandate)
        if target.is_api:
            types &= client.relying.types if client.relying else frozenset()
            if matter is None or not types:
                raise OAuthRefused("invalid_target", "Certificates are read for a matter that needs some.")
        return Bounds(
            target=target,
            case=case,
            mandate=mandate,
            scopes=_scopes(contents, client, target, requested),
            types=types,
            matter=matter,
            purpose=purpose,
            purpose_zh=purpose_zh,
            ends_at=self._ends_at(basis, case),
        )

    def new_token(
        self, client: Client, basis: Basis, bounds: Bounds, *, clerk: Clerk | None, actor: ReadToken | None
    ) -> NewToken:
        """Return the hop with its link, and the contents of the token with the grown chain. Raises `OAuthRefused`."""
        old = basis.contents
        if old.depth >= MAX_DEPTH:
            raise refused(f"Trust is passed on {MAX_DEPTH} times at most.")
        hop = self.hop(client, basis, bounds)
        ties = old.ties | {hop.tie} | (bounds.case.ties if bounds.case else frozenset())
        if clerk is not None and actor is not None:
            ties |= clerk_ties(clerk, actor)
        contents = replace(
            old,
            client=client.id,
            audience=bounds.target.audience,
            scopes=bounds.scopes,
            types=bounds.types,
            matter=bounds.matter,
            purpose=bounds.purpose if bounds.matter is not None else None,
            case=hop.case,
            clerk=hop.clerk,
            ties=ties,
            act=self._act(hop, bounds, old.act),
            depth=hop.number,
            hop=hop.id,
        )
        row = NewHop(
            hop=hop,
            presence=None if basis.presence is None else basis.presence.id,
            case=hop.case,
            participant=self._participant(old, bounds.target, hop.at),
        )
        return NewToken(row=row, bounds=bounds, unbound=contents)

    def hop(self, client: Client, basis: Basis, bounds: Bounds) -> Hop:
        """Return the next hop of a chain, with its link."""
        old, presence, represents = basis.contents, basis.presence, basis.contents.represents
        place = Place.of(bounds.case)
        hop = Hop(
            id=new_id(self._clock, self._randomness),
            number=old.depth + 1,
            subject=old.person,
            represents=None if represents is None else represents.person,
            mandate=None if represents is None else represents.mandate,
            from_system=client.id,
            to_system=bounds.target.name,
            scopes=tuple(sorted(bounds.scopes)),
            channel=Channel.ONLINE if place.case is None else Channel.COUNTER,
            at=self._clock.now(),
            expires_at=bounds.ends_at,
            matter=bounds.matter,
            purpose=bounds.purpose,
            purpose_zh=bounds.purpose_zh,
            case=place.case,
            counter=place.counter,
            counter_name=place.counter_name,
            clerk=place.clerk,
            clerk_name=place.clerk_name,
            presence_method=None if presence is None else presence.method,
            presence_at=None if presence is None else presence.at,
            previous=old.hop,
            link="",
        )
        return linked(hop, last_link(old.act))

    def _act(self, hop: Hop, bounds: Bounds, old: Mapping[str, Any] | None) -> dict[str, Any]:
        case = bounds.case
        clerk = None if case is None else self._subjects.subject(case.clerk_person, sector=bounds.target.sector)
        return grown(hop, case=case, clerk_sub=clerk, act=old)

    def _participant(self, contents: TokenContents, target: Target, at: datetime) -> Participant | None:
        """Return the system that the citizen's session reaches now, so that its end is told there too."""
        if contents.session is None or target.is_api:
            return None
        people = (tie.id for tie in contents.ties if tie.kind is TieKind.PERSON)
        return Participant(
            session=contents.session,
            person_tie=next(found for found in people if found.startswith(f"{contents.person}/")),
            client=target.name,
            subject=self._subjects.subject(contents.person, sector=target.sector),
            sid=self._subjects.session(contents.session, client=target.name),
            joined_at=at,
        )

    def _purposes(self, contents: TokenContents, case: Case | None) -> tuple[str, str]:
        """Return why, in English and Chinese: of the case, of the chain, or of the matter that was signed in for."""
        if case is not None:
            return case.purpose, case.purpose_zh
        if contents.matter is None:
            return PASSED_ON
        known = purposes(contents.act)
        if known is not None:
            return known
        try:
            matter = self._registers.matter(contents.matter)
        except NotFound:
            raise refused("The matter is no longer in force.") from None
        return matter.purpose, matter.purpose_zh

    def _ends_at(self, basis: Basis, case: Case | None) -> datetime:
        now = self._clock.now()
        ends = [now + timedelta(seconds=PASSED_SECONDS)]
        ends += [] if basis.ends_at is None else [basis.ends_at]
        ends += [] if case is None else [case.closes_at]
        if min(ends) < now + timedelta(seconds=1):
            raise refused("The subject token has less than a second to live.")
        return min(ends)


def _scopes(
    contents: TokenContents, client: Client, target: Target, requested: frozenset[Scope] | None
) -> frozenset[str]:
    """Return the scopes: those asked for, which must all be there, or all that can be passed to the target."""
    passed = PASSED_SCOPES & contents.scopes & client.scopes & target.scopes
    granted = passed if requested is None else requested
    if not granted or not granted <= passed:
        raise OAuthRefused("invalid_scope", "More is asked for than the subject token has and the target takes.")
    return frozenset(str(scope) for scope in granted)  # of a token they are plain text


def _types(contents: TokenContents, case: Case | None, mandate: Mandate | None) -> frozenset[str]:
    types = contents.types
    if case is not None:
        types = case.types if contents.matter is None else types & case.types
    return types & mandate.types if mandate is not None and mandate.types else types
