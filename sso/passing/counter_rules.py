"""Which case an exchange belongs to, and whether the clerk may act in it: no swap, no strip, no second purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sso.counters.domain import Clerk
from sso.passing.chain import last_counter
from sso.passing.domain import Case
from sso.passing.duty import Duty
from sso.provider.claims import ReadToken, TokenContents
from sso.provider.domain import Client
from sso.provider.oauth_errors import OAuthRefused
from trust.kernel.errors import NotAllowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The chain as it stood before this exchange, or how a citizen's presence begins one.

    `case`, `clerk`, `matter`, `act` are None where it is only beginning; `counter` is where a presence was attested.
    """

    person: str
    represented: str | None
    case: str | None
    clerk: str | None
    matter: str | None
    act: Mapping[str, Any] | None
    is_presence: bool = False
    counter: str | None = None

    @classmethod
    def of(cls, contents: TokenContents) -> "Before":
        """Return the chain of a token."""
        return cls(
            person=contents.person,
            represented=None if contents.represents is None else contents.represents.person,
            case=contents.case,
            clerk=contents.clerk,
            matter=contents.matter,
            act=contents.act,
        )


class CounterRules:
    """Judges case and clerk of one exchange. Every refusal is `invalid_request` (RFC 8693 section 2.2.2)."""

    def __init__(self, duty: Duty) -> None:
        self._duty = duty

    def judge(
        self, client: Client, before: Before, case: Case | None, actor: ReadToken | None, *, now: datetime
    ) -> Clerk | None:
        """Return the clerk who acts now, or None when nobody new does. Raises `OAuthRefused`."""
        if case is None:
            if actor is not None:
                raise refused("An actor token needs the case in which the clerk acts.")
            return None
        _check_fits(before, case, now=now)
        if case.id != before.case:
            self._enter(client, before, case, actor)
        if actor is None:
            return None
        clerk = self._acting(client, case, actor)
        try:
            self._duty.refuse_own(case.clerk_person, before.person, before.represented, now=now)
        except NotAllowed as error:
            raise refused(error.detail, officer=error.code) from None
        return clerk

    def _enter(self, client: Client, before: Before, case: Case, actor: ReadToken | None) -> None:
        """Judge a chain that comes to this case for the first time."""
        if actor is None:
            raise refused("A case is entered with the clerk's actor token.")
        if case.system != client.id:
            raise refused("The case was opened in another system.")
        if before.case is not None and last_counter(before.act) == case.counter:
            raise refused("Another case at the same counter cannot take the chain over.", officer="actor swap")
        if before.counter is not None and before.counter != case.counter:
            raise refused("The citizen showed presence at another counter.")
        if before.is_presence and before.clerk is not None and before.clerk != case.clerk:
            raise refused("Another clerk confirmed the citizen's presence.")

    def _acting(self, client: Client, case: Case, actor: ReadToken) -> Clerk:
        """Return the clerk of the actor token, who must be the clerk of the case and stand at its counter."""
        if actor.contents.client != client.id and not addressed_to(actor, client):
            raise refused("The actor token was issued to another client.")
        try:
            clerk = self._duty.stand_in(actor, case.counter, system=client.id).clerk
        except NotAllowed as error:
            raise refused(error.detail, officer=error.code) from None
        if clerk.id != case.clerk:
            raise refused("The case is another clerk's.", officer="actor swap")
        return clerk


def _check_fits(before: Before, case: Case, *, now: datetime) -> None:
    """One case is open, has one purpose and one citizen."""
    if not case.is_open(now):
        raise refused("The case is closed.")
    if before.matter is not None and before.matter != case.matter:
        raise refused("The case is for another matter than the subject token.", officer="purpose mismatch")
    if case.subject is not None and case.subject != before.person:
        raise refused("The case is another person's.", officer="case of another subject")


def addressed_to(token: ReadToken, client: Client) -> bool:
    """Whether a token is for this client, by its resource or by its id."""
    relying = client.relying
    return token.contents.audience in {client.id, *([relying.resource] if relying and relying.resource else [])}


def refused(description: str, *, officer: str = "") -> OAuthRefused:
    """Return the refusal of a token that is unacceptable (RFC 8693 section 2.2.2)."""
    return OAuthRefused("invalid_request", description, officer=officer)
