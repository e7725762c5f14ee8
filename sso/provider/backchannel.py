"""Telling clients that a session is over (OIDC back-channel logout 1.0).

What is to be told follows from participants whose ties are cut (`sso.provider.store.participants`): signing out only
cuts a tie, so it never waits for anybody, and a process that dies here loses nothing. A delivery is claimed by lease,
so two workers do not both send it; a worker that dies leaves it to the next one when the lease is over.

A client that does not answer delays nobody: each client has one worker at a time, the first failure to reach it puts
off everything that is due to it, and a round ends after `ROUND_SECONDS` whatever happens. One that answers, but slowly,
waits behind the others in the next round: however much is due to it, it takes nobody else's turn.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import groupby
from typing import Any, Protocol

import structlog

from sso.provider.domain import Client
from sso.provider.outbound import OutboundFailed, OutboundRefused
from sso.provider.ports import ClientFinder
from sso.provider.signing import LOGOUT_TOKEN_TYPE, TokenSigner, UnsignedToken
from sso.provider.store.participants import Delivery, FailedAttempt, Outcome, Participant
from trust.kernel.clock import Clock
from trust.kernel.errors import TrustError
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

EVENT = "http://schemas.openid.net/event/backchannel-logout"
"""The one event of a logout token (section 2.4)."""

TOKEN_SECONDS = 120
"""Life of a logout token, seconds: the section recommends at most two minutes."""

FIRST_WAIT_SECONDS = 10
"""Wait after the first failure, seconds; it doubles with each further one."""

LONGEST_WAIT_SECONDS = 3600
"""Longest wait between two attempts, seconds."""

MAX_ATTEMPTS = 14
"""Attempts until a delivery is given up: about 6 hours, longer than a working day's maintenance of a counter system."""

WORKERS = 8
"""Clients that are told at the same time."""

BATCH = 64
"""Deliveries claimed at a time; those to one client share one use of the key."""

ROUND_SECONDS = 20
"""How long one call goes on beginning deliveries, seconds."""

LEASE_SECONDS = 60
"""How long a claimed delivery is left to its worker, seconds: a round and the longest single post, with room."""

NOTICE_MARGIN = timedelta(minutes=5)
"""How far back cut ties are looked at again: a tie's moment is that of the decision, its commit comes later."""

_ACCEPTED = frozenset({HTTPStatus.OK, HTTPStatus.NO_CONTENT})
_UNREACHED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, *(code for code in HTTPStatus if code >= 500)})  # noqa: PLR2004

_log = structlog.get_logger("sso.backchannel")


class Participants(Protocol):
    """What delivery needs of the store."""

    def notice(self, now: datetime, *, since: datetime | None) -> int:
        """Make every participant due whose ties were cut."""
        ...

    def claim(self, now: datetime, *, lease: timedelta, most: int) -> Sequence[Delivery]:
        """Take due deliveries for yourself."""
        ...

    def finish(self, participant: Participant, outcome: Outcome, *, at: datetime, attempts: int) -> None:
        """Record what became of one."""
        ...

    def fail(self, participant: Participant, attempt: FailedAttempt) -> None:
        """Record a failed attempt at one."""
        ...

    def fail_client(self, client: str, attempt: FailedAttempt) -> None:
        """Record a failed attempt at everything that is due to a client."""
        ...

    def put_back(self, client: str, left: Sequence[Participant], *, at: datetime) -> None:
        """Give these of a client back untried, behind what is due to others."""
        ...


class Post(Protocol):
    """Sends a form (`sso.provider.outbound`)."""

    def post(self, url: str, form: dict[str, str]) -> int:
        """Return the status. Raises `OutboundRefused`, `OutboundFailed`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutTokens:
    """Makes logout tokens."""

    signer: TokenSigner
    issuer: str
    clock: Clock
    randomness: Randomness

    def sign(self, client: Client, deliveries: Sequence[Delivery]) -> tuple[str, ...]:
        """Return one token per delivery to this client, under the algorithm that it is registered for."""
        algorithm = client.relying.signing_algorithm if client.relying else "ES256"
        unsigned = [self._unsigned(delivery.participant) for delivery in deliveries]
        return self.signer.sign_many(unsigned, principal="system:logout", algorithm=algorithm)

    def _unsigned(self, participant: Participant) -> UnsignedToken:
        now = int(self.clock.now().timestamp())
        jti = new_id(self.clock, self.randomness)
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": participant.client,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": jti,
            "sub": participant.subject,
            "sid": participant.sid,
            "events": {EVENT: {}},
        }
        return UnsignedToken(claims=claims, typ=LOGOUT_TOKEN_TYPE, document=f"token:{jti}", why="logout token")


class LogoutDelivery:
    """Delivers logout tokens. Several processes may run it; each gets its own share."""

    def __init__(
        self, participants: Participants, clients: ClientFinder, tokens: LogoutTokens, post: Post, *, clock: Clock
    ) -> None:
        self._participants = participants
        self._clients = clients
        self._tokens = tokens
        self._post = post
        self._clock = clock
        self._noticed_at: datetime | None = None

    def deliver_due(self) -> int:
        """Tell every client that is due, and return how many deliveries arrived. It ends within about 25 s.

        Raises what the database raises; what goes wrong with one client is recorded at its deliveries.
        """
        started = self._clock.now()
        since = self._noticed_at and self._noticed_at - NOTICE_MARGIN
        self._participants.notice(started, since=since)
        self._noticed_at = started
        until = started + timedelta(seconds=ROUND_SECONDS)
        delivered = 0
        while self._clock.now() < until:
            lease = timedelta(seconds=LEASE_SECONDS)
            claimed = self._participants.claim(self._clock.now(), lease=lease, most=BATCH)
            if not claimed:
                break
            delivered += self._tell_all(claimed, until)
        return delivered

    def _tell_all(self, claimed: Sequence[Delivery], until: datetime) -> int:
        ordered = sorted(claimed, key=lambda delivery: delivery.participant.client)
        groups = [tuple(group) for _, group in groupby(ordered, key=lambda delivery: delivery.participant.client)]
        with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="logout") as pool:
            return sum(pool.map(lambda group: self._tell(group, until), groups))

    def _tell(self, deliveries: Sequence[Delivery], until: datetime) -> int:
        """Tell one client of all these sessions; stop when it cannot be reached."""
        client = self._clients.find(deliveries[0].participant.client)
        address = client.relying.backchannel_logout_uri if client and client.enabled and client.relying else None
        if client is None or address is None:
            self._finish_all(deliveries, Outcome.NOT_ASKED)
            return 0
        try:
            tokens = self._tokens.sign(client, deliveries)
        except TrustError as error:
            self._unreached(deliveries[0], error.code)
            return 0
        delivered = 0
        for index, (delivery, token) in enumerate(zip(deliveries, tokens, strict=True)):
            if self._clock.now() >= until:
                left = [delivery.participant for delivery in deliveries[index:]]
                self._participants.put_back(client.id, left, at=self._clock.now())
                break
            reached, failure = self._attempt(address, token)
            if not reached:
                self._unreached(delivery, failure)
                break
            delivered += self._answered(delivery, failure)
        return delivered

    def _attempt(self, address: str, token: str) -> tuple[bool, str]:
        """Return whether the client was reached at all, and why the delivery failed or the empty text."""
        try:
            status = self._post.post(address, {"logout_token": token})
        except (OutboundRefused, OutboundFailed) as error:
            return False, error.code
        return status not in _UNREACHED, "" if status in _ACCEPTED else f"status {status}"

    def _answered(self, delivery: Delivery, failure: str) -> int:
        participant, now = delivery.participant, self._clock.now()
        if failure:
            _log.warning("logout refused by client", client=participant.client, reason=failure)
            self._participants.fail(participant, self._failed(delivery, failure))
            return 0
        self._participants.finish(participant, Outcome.DELIVERED, at=now, attempts=delivery.attempts + 1)
        _log.info("logout delivered", client=participant.client, attempts=delivery.attempts + 1)
        return 1

    def _unreached(self, delivery: Delivery, failure: str) -> None:
        client = delivery.participant.client
        _log.warning("client not reached for logout", client=client, reason=failure, attempts=delivery.attempts + 1)
        self._participants.fail_client(client, self._failed(delivery, failure))

    def _failed(self, delivery: Delivery, failure: str) -> FailedAttempt:
        now = self._clock.now()
        again = now + timedelta(seconds=wait_after(delivery.attempts + 1))
        return FailedAttempt(at=now, again_at=again, reason=failure, most=MAX_ATTEMPTS)

    def _finish_all(self, deliveries: Sequence[Delivery], outcome: Outcome) -> None:
        for delivery in deliveries:
            participant, now = delivery.participant, self._clock.now()
            self._participants.finish(participant, outcome, at=now, attempts=delivery.attempts)


def wait_after(attempts: int) -> int:
    """Return the seconds to wait after so many failed attempts."""
    return min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS << min(attempts - 1, MAX_ATTEMPTS))
