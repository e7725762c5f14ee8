"""The offline form: a signed assertion that a counter shows without the centre, for minutes, and reports back later.

While connected, the system of a case asks for an assertion addressed to a next system. It is a JWS of the type
`offline+jwt`; whoever has the published key set can check it. What it cannot know is a revocation meanwhile, hence the
short life. Each use is reported back and becomes a hop (channel offline) that the citizen sees; each assertion counts
once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import structlog

from sso.passing.basis import Basis, of_token
from sso.passing.chain import linked
from sso.passing.domain import MAX_DEPTH, Channel, Hop
from sso.passing.errors import OfflineRefused
from sso.passing.narrowing import Bounds, Narrowing
from sso.passing.store.cases import SqlCases
from sso.passing.store.offline import Planned, SqlAssertions
from sso.passing.targets import Targets
from sso.provider.claims import ReadToken, TokenContents
from sso.provider.domain import Client
from sso.provider.errors import TokenForeign, TokenMalformed
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.reference import represented_claim
from sso.provider.signing import TokenSigner, UnsignedToken
from sso.provider.subjects import PairwiseSubjects
from trust.kernel.clock import Clock
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

OFFLINE_TYPE: Final = "offline+jwt"
"""The `typ` of an offline assertion: it is never taken for an access token, nor the reverse."""

OFFLINE_SECONDS: Final = 900
"""Life of an offline assertion, seconds: one talk at a counter; nothing revokes it meanwhile."""

REPORT_DAYS: Final = 7
"""How long after its end a use may be reported, days: a line that is down for longer is repaired by people."""

REPORTS_MAX: Final = 100
"""Uses in one report: more is sent as several."""

_log = structlog.get_logger("sso.passing")


class Reconciled(StrEnum):
    """What became of one reported use."""

    RECORDED = "recorded"
    REPLAYED = "replayed"  # it was reported before
    FORGED = "forged"  # not signed by us as an offline assertion
    FOREIGN = "foreign"  # neither made for nor addressed to the reporting system
    OUT_OF_TIME = "out-of-time"  # used outside its life, or reported too late


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One reported use: the assertion, and when it was shown."""

    assertion: str
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one report; `id` is None when the assertion could not be read."""

    id: str | None
    status: Reconciled
    hop: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineParts:
    """What the offline form works with."""

    signer: TokenSigner
    store: SqlAssertions
    cases: SqlCases
    targets: Targets
    narrowing: Narrowing
    subjects: PairwiseSubjects


class OfflineDesk:
    """Makes offline assertions and takes reports of their use."""

    def __init__(self, parts: OfflineParts, *, issuer: str, clock: Clock, randomness: Randomness) -> None:
        self._parts = parts
        self._issuer = issuer
        self._clock = clock
        self._randomness = randomness

    def issue(self, token: ReadToken, client: Client, target: str) -> str:
        """Return an assertion over the chain of a case's token, addressed to one system that `client` may pass to.

        Its row is durable before it is signed. Raises `OfflineRefused`.
        """
        contents = token.contents
        case = None if contents.case is None else self._parts.cases.find(contents.case)
        if case is None or not case.is_open(self._clock.now()) or contents.client != client.id:
            raise OfflineRefused
        if contents.depth >= MAX_DEPTH or contents.confirmation is not None:
            raise OfflineRefused("A bound token, or the last of a chain, is not taken offline.")
        basis = of_token(token)
        try:
            found = self._parts.targets.find(client, target, own=False)
            bounds = self._parts.narrowing.bounds(client, basis, found, None, case, None)
        except OAuthRefused as error:
            raise OfflineRefused(error.description, field="audience") from None
        if found.is_api:
            raise OfflineRefused("The certificate API is never offline.", field="audience")
        return self._signed(token, client, basis, bounds)

    def reconcile(self, client: Client, reports: Sequence[Report]) -> tuple[Answer, ...]:
        """Return what became of each reported use, in order; one that is refused leaves the others untouched."""
        return tuple(self._one(client, report) for report in reports)

    def _signed(self, token: ReadToken, client: Client, basis: Basis, bounds: Bounds) -> str:
        now = self._clock.now()
        ends_at = now + timedelta(seconds=OFFLINE_SECONDS)
        if bounds.case is not None:
            ends_at = min(ends_at, bounds.case.closes_at)
        planned = self._parts.narrowing.hop(client, basis, replace(bounds, ends_at=ends_at))
        assertion = new_id(self._clock, self._randomness)
        self._parts.store.add(Planned(id=assertion, client=client.id, target=bounds.target.name, hop=planned))
        contents = token.contents
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": self._parts.subjects.subject(contents.person, sector=bounds.target.sector),
            "aud": bounds.target.audience,
            "client_id": client.id,
            "iat": int(now.timestamp()),
            "exp": int(ends_at.timestamp()),
            "jti": assertion,
            "scope": " ".join(sorted(bounds.scopes)),
            "acr": contents.assurance.strength.urn,
            "ial": contents.assurance.level.urn,
            "auth_time": int(contents.assurance.auth_time.timestamp()),
            "case": contents.case,
            "matter": bounds.matter,
            "purpose": bounds.purpose,
            "act": contents.act,
        } | self._represents(contents, bounds)
        unsigned = UnsignedToken(
            claims=claims, typ=OFFLINE_TYPE, document=f"offline:{assertion}", why="offline assertion"
        )
        _log.info("offline-issued", assertion=assertion, client=client.id, case=contents.case)
        return self._parts.signer.sign(unsigned, principal=f"client:{client.id}")

    def _represents(self, contents: TokenContents, bounds: Bounds) -> dict[str, Any]:
        """Return for whom the citizen acts: without it they would seem to act for themselves."""
        if contents.represents is None:
            return {}
        subject = self._parts.subjects.subject(contents.represents.person, sector=bounds.target.sector)
        return {"represents": represented_claim(contents.represents) | {"sub": subject}}

    def _one(self, client: Client, report: Report) -> Answer:
        claims = self._claims(report.assertion)
        if claims is None:
            _log.warning("offline-forged", client=client.id)
            return Answer(id=None, status=Reconciled.FORGED)
        assertion = str(claims["jti"])
        planned = self._parts.store.find(assertion)
        if planned is None or client.id not in {planned.client, planned.target}:
            _log.warning("offline-foreign", client=client.id, assertion=assertion)
            return Answer(id=assertion, status=Reconciled.FOREIGN)
        if not self._in_time(planned, report.used_at):
            return Answer(id=assertion, status=Reconciled.OUT_OF_TIME)
        at = report.used_at.astimezone(UTC)  # moments are compared as text where they are kept
        hop = replace(planned.hop, id=new_id(self._clock, self._randomness), at=at, channel=Channel.OFFLINE)
        status = Reconciled.RECORDED if self._keep(assertion, hop, claims) else Reconciled.REPLAYED
        if status is Reconciled.REPLAYED:
            _log.warning("offline-replayed", client=client.id, assertion=assertion)
        return Answer(id=assertion, status=status, hop=hop.id if status is Reconciled.RECORDED else None)

    def _keep(self, assertion: str, hop: Hop, claims: Mapping[str, Any]) -> bool:
        return self._parts.store.reconcile(assertion, linked(hop, str(claims["act"]["pass"]["link"])))

    def _in_time(self, planned: Planned, used_at: datetime) -> bool:
        now, hop = self._clock.now(), planned.hop
        too_late = now > hop.expires_at + timedelta(days=REPORT_DAYS)
        return hop.at <= used_at < hop.expires_at and used_at <= now and not too_late

    def _claims(self, assertion: str) -> Mapping[str, Any] | None:
        try:
            claims = self._parts.signer.verify(assertion, typ=OFFLINE_TYPE)
        except (TokenMalformed, TokenForeign):
            return None
        return claims if claims.get("iss") == self._issuer else None
