"""Token exchange (RFC 8693): one system passes a citizen's trust on to the next, and the chain only ever grows.

The steps are numbered as in docs/trust-passing.md. Two units of work beside the signer's: step 4 reads, step 7 writes.
The hop is kept before the token is signed, and on the disk before it is released: a hop whose token was never released
is harmless, the reverse is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from sso.passing.basis import Basis, of_presence, of_token
from sso.passing.counter_rules import CounterRules, addressed_to, refused
from sso.passing.duty import Duty
from sso.passing.mandate_rules import MandateRules
from sso.passing.narrowing import Narrowing, NewToken
from sso.passing.ports import Persons
from sso.passing.presence import PresenceDesk
from sso.passing.request import ACCESS_TOKEN, GRANT_TYPE, ExchangeRequest
from sso.passing.store.hops import Outcome, Situation, SqlHops
from sso.passing.targets import Targets
from sso.provider.claims import ReadToken, TokenMint, TokenReader
from sso.provider.domain import Client, ClientAuthentication
from sso.provider.errors import TokenTooLarge
from sso.provider.oauth_errors import OAuthRefused
from trust.kernel.bearer_secrets import secret_digest
from trust.kernel.clock import Clock
from trust.kernel.errors import NotAuthenticated

_log = structlog.get_logger("sso.passing")
_LOST: Mapping[Outcome, str] = {
    Outcome.PRESENCE_USED: "The presence code was used before.",
    Outcome.CASE_TAKEN: "The case is closed or another person's.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeParts:
    """What an exchange works with."""

    reader: TokenReader
    mint: TokenMint
    hops: SqlHops
    duty: Duty
    targets: Targets
    persons: Persons
    mandates: MandateRules
    presences: PresenceDesk
    narrowing: Narrowing


class TokenExchange:
    """The grant of token exchange; a `sso.provider.claims.ExtensionGrant`."""

    grant_type: str = GRANT_TYPE

    def __init__(self, parts: ExchangeParts, *, clock: Clock) -> None:
        self._parts = parts
        self._rules = CounterRules(parts.duty)
        self._clock = clock

    def answer(self, client: Client, form: Mapping[str, str], *, confirmation: str | None) -> Mapping[str, object]:
        """Return the members of the answer (RFC 8693 section 2.2.1), never a refresh token. Raises `OAuthRefused`."""
        try:
            return self._answer(client, form, confirmation)
        except OAuthRefused as error:
            _log.warning("exchange-refused", client=client.id, error=error.error, why=error.officer)
            raise

    def _answer(self, client: Client, form: Mapping[str, str], confirmation: str | None) -> Mapping[str, object]:
        if not _may_pass(client):  # 1
            raise OAuthRefused("unauthorized_client", "This client may not pass trust on.")
        request = ExchangeRequest.parse(form)  # 2
        token = None if request.is_presence else self._subject(request.subject, client, confirmation)  # 3
        actor = None if request.actor is None else self._read(request.actor, "actor_token", confirmation)
        situation = self._situation(request, token)  # 4
        try:
            new = self._judged(client, request, token, actor, situation)
            outcome = self._parts.hops.keep(new.row)  # 7
            if outcome is not Outcome.KEPT:
                raise refused(_LOST[outcome])
        except OAuthRefused as error:
            if situation.presence is not None:
                self._parts.presences.note_failure(situation.presence, situation.case, client, reason=error.error)
            raise
        return self._released(new, confirmation)

    def _judged(
        self,
        client: Client,
        request: ExchangeRequest,
        token: ReadToken | None,
        actor: ReadToken | None,
        situation: Situation,
    ) -> NewToken:
        now = self._clock.now()
        if situation.cut is not None:
            raise refused("What the token hangs on has ended.", officer=f"{situation.cut.kind.value} was cut")
        basis = self._shown(client, situation) if token is None else of_token(token)
        if request.case is not None and situation.case is None:
            raise refused("There is no such case.")
        if basis.presence is not None and situation.case is None:
            raise refused("A presence is passed on in a case.")
        clerk = self._rules.judge(client, basis.before, situation.case, actor, now=now)  # 5
        mandate = self._parts.mandates.judge(basis.contents, situation.case)
        target = self._parts.targets.find(client, request.target, own=basis.presence is not None)
        narrowing = self._parts.narrowing  # 6
        bounds = narrowing.bounds(client, basis, target, request.scopes, situation.case, mandate)
        return narrowing.new_token(client, basis, bounds, clerk=clerk, actor=actor)

    def _subject(self, text: str, client: Client, confirmation: str | None) -> ReadToken:
        token = self._read(text, "subject_token", confirmation)
        if token.contents.client != client.id and not addressed_to(token, client):
            raise refused("The subject token was neither issued to this client nor addressed to it.")
        return token

    def _read(self, text: str, name: str, confirmation: str | None) -> ReadToken:
        """Return a living access token of a person; a bound one only with a proof of the same key (RFC 9449)."""
        try:
            token = self._parts.reader.read(text)
        except NotAuthenticated as error:
            raise refused(f"The {name} is not acceptable.", officer=f"{name}: {error.code}") from None
        if token.contents.confirmation is not None and token.contents.confirmation != confirmation:
            raise refused(f"The {name} is bound to a key; send a DPoP proof of that key.")
        return token

    def _situation(self, request: ExchangeRequest, token: ReadToken | None) -> Situation:
        case = request.case or (None if token is None else token.contents.case)
        digest = secret_digest(request.subject) if request.is_presence else None
        return self._parts.hops.situation(case=case, presence=digest)

    def _shown(self, client: Client, situation: Situation) -> Basis:
        presence = situation.presence
        if presence is None or situation.presence_used or self._clock.now() >= presence.expires_at:
            raise refused("The presence code is unknown, used or expired.")
        person = self._parts.persons.get(presence.person)
        if not person.active:
            raise refused("The presence code is unknown, used or expired.", officer="person is not active")
        return of_presence(presence, person, client)

    def _released(self, new: NewToken, confirmation: str | None) -> Mapping[str, object]:
        """Sign and answer: the hop is kept by now."""
        contents = new.contents(confirmation)
        bounds = new.bounds
        self._parts.mandates.use_up(bounds.mandate, contents, bounds.case)
        try:
            minted = self._parts.mint.mint(contents, expires_at=bounds.ends_at, sector=bounds.target.sector)  # 8
        except TokenTooLarge:
            raise refused("The chain is too long to be written into one token.") from None
        return {
            "access_token": minted.value,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer" if confirmation is None else "DPoP",
            "expires_in": minted.seconds,
            "scope": " ".join(sorted(contents.scopes)),
        }


def _may_pass(client: Client) -> bool:
    """Whether a client may pass trust on: a public one proves nothing of itself, so whoever stole its token could."""
    relying = client.relying
    return relying is not None and bool(relying.pass_to) and relying.authentication is not ClientAuthentication.NONE
