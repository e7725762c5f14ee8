import json
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sso.provider.backchannel import (
    BATCH,
    EVENT,
    FIRST_WAIT_SECONDS,
    LEASE_SECONDS,
    LONGEST_WAIT_SECONDS,
    MAX_ATTEMPTS,
    TOKEN_SECONDS,
    LogoutDelivery,
    LogoutTokens,
    wait_after,
)
from sso.provider.keyring import SM2_ALGORITHM, Keyring
from sso.provider.outbound import OutboundFailed, OutboundPost, OutboundRefused, OutboundRules
from sso.provider.signing import LOGOUT_TOKEN_TYPE, TokenSigner
from sso.provider.store.participants import KEPT_DAYS, DatabaseParticipants, Outcome, Participant, add_within
from sso.revocation.domain import Tie, TieKind
from sso.revocation.store import DatabaseRevocations
from tests.fakes import MOMENT, CountingRandomness, FixedClock
from tests.sso.databases import BOTH_DATABASES
from tests.sso.provider.edges import MemoryClients, TwoAlgorithmSigner, database_of, relying_client
from tests.sso.provider.jose_sm2 import decode
from tests.sso.provider.test_outbound import serving
from trust.db import Database
from trust.kernel.algorithms import Algorithm

ISSUER = "https://trust.example"
SESSION = "01SESSION"


class MemoryPost:
    """Answers by address; keeps what was sent."""

    def __init__(self, answers: Mapping[str, int | Exception] | None = None) -> None:
        self.answers = dict(answers or {})
        self.sent: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def post(self, url: str, form: Mapping[str, str]) -> int:
        (token,) = form.values()
        assert set(form) == {"logout_token"}
        with self.lock:
            self.sent.append((url, token))
        answer = self.answers.get(url, 204)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def to(self, url: str) -> list[str]:
        return [token for address, token in self.sent if address == url]


class Desk:
    def __init__(self, folder: Path, elsewhere: Database | None) -> None:
        self.clock = FixedClock()
        self.database = elsewhere or database_of(folder, "sso_participants", "sso_cut_ties")
        self.participants = DatabaseParticipants(self.database)
        self.ties = DatabaseRevocations(self.database)
        self.device = TwoAlgorithmSigner()
        infos = [self.device.make(Algorithm.ECDSA_P256_SHA256), self.device.make(Algorithm.SM2_SM3)]
        self.signer = TokenSigner(self.device, Keyring(infos))
        self.post = MemoryPost()
        self.clients = MemoryClients(
            *(relying_client(name, backchannel_logout_uri=f"https://{name.lower()}.example/out") for name in "ABC"),
            relying_client("SM", backchannel_logout_uri="https://sm.example/out", signing_algorithm=SM2_ALGORITHM),
            relying_client("QUIET"),
            relying_client("GONE", disabled=True, backchannel_logout_uri="https://gone.example/out"),
        )

    def delivery(self, post: Any = None) -> LogoutDelivery:
        tokens = LogoutTokens(signer=self.signer, issuer=ISSUER, clock=self.clock, randomness=CountingRandomness())
        return LogoutDelivery(self.participants, self.clients, tokens, post or self.post, clock=self.clock)

    def join(self, *clients: str, session: str = SESSION, person: str = "01P/1") -> None:
        with self.database.begin() as unit:
            for client in clients:
                add_within(
                    unit,
                    Participant(
                        session=session,
                        person_tie=person,
                        client=client,
                        subject=f"sub-{client}",
                        sid=f"sid-{session}-{client}",
                        joined_at=self.clock.now(),
                    ),
                )

    def cut(self, kind: TieKind = TieKind.SESSION, identifier: str = SESSION) -> None:
        self.ties.cut([Tie(kind, identifier)], reason="signed-out", at=self.clock.now())

    def outcomes(self, session: str = SESSION) -> dict[str, Outcome | None]:
        return {found.participant.client: found.outcome for found in self.participants.of_session(session)}


@pytest.fixture
def desk(tmp_path: Path, elsewhere: Database | None) -> Iterator[Desk]:
    opened = Desk(tmp_path, elsewhere)
    yield opened
    opened.database.close()


def url(client: str) -> str:
    return f"https://{client.lower()}.example/out"


def test_a_session_that_ended_is_told_to_every_client_it_reached_once(desk: Desk) -> None:
    desk.join("A", "B")
    desk.join("A", session="01OTHER")
    worker = desk.delivery()
    assert worker.deliver_due() == 0
    desk.cut()
    assert worker.deliver_due() == 2
    assert sorted(address for address, _ in desk.post.sent) == [url("A"), url("B")]
    assert desk.outcomes() == {"A": Outcome.DELIVERED, "B": Outcome.DELIVERED}
    assert desk.outcomes("01OTHER") == {"A": None}
    assert worker.deliver_due() == desk.delivery().deliver_due() == 0


def test_a_logout_token_says_what_the_standard_asks_for_and_no_more(desk: Desk) -> None:
    desk.join("A")
    desk.cut()
    desk.delivery().deliver_due()
    (token,) = desk.post.to(url("A"))
    claims = dict(desk.signer.verify(token, typ=LOGOUT_TOKEN_TYPE))
    now = int(MOMENT.timestamp())
    assert claims.pop("jti")
    assert claims == {
        "iss": ISSUER,
        "aud": "A",
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "sub": "sub-A",
        "sid": "sid-01SESSION-A",
        "events": {EVENT: {}},
    }
    assert TOKEN_SECONDS <= 120
    assert json.loads(decode(token.split(".")[0]))["typ"] == "logout+jwt"


def test_a_client_registered_for_sm2_gets_sm2(desk: Desk) -> None:
    desk.join("SM")
    desk.cut()
    assert desk.delivery().deliver_due() == 1
    (token,) = desk.post.to(url("SM"))
    assert desk.signer.verify(token, typ=LOGOUT_TOKEN_TYPE, algorithms=[SM2_ALGORITHM])


def test_ending_all_of_a_person_tells_the_clients_of_all_sessions(desk: Desk) -> None:
    desk.join("A", session="01S1")
    desk.join("B", session="01S2")
    desk.join("C", session="01S3", person="01P/2")
    desk.cut(TieKind.PERSON, "01P/1")
    assert desk.delivery().deliver_due() == 2
    assert desk.outcomes("01S3") == {"C": None}


def test_whatever_dies_between_nothing_is_lost(desk: Desk) -> None:
    desk.join("A")
    desk.cut()

    class Killed(BaseException):
        pass

    class Dying:
        def post(self, url: str, form: Mapping[str, str]) -> int:
            raise Killed

    with pytest.raises(Killed):
        desk.delivery(Dying()).deliver_due()
    successor = desk.delivery()
    assert successor.deliver_due() == 0, "the lease of the dead one holds"
    desk.clock.advance(seconds=LEASE_SECONDS)
    assert successor.deliver_due() == 1


def test_a_cut_that_commits_late_is_noticed(desk: Desk) -> None:
    desk.join("A")
    worker = desk.delivery()
    decided = desk.clock.now()
    desk.clock.advance(minutes=4)
    assert worker.deliver_due() == 0
    desk.clock.advance(seconds=1)
    desk.ties.cut([Tie(TieKind.SESSION, SESSION)], reason="signed-out", at=decided)
    assert worker.deliver_due() == 1


@BOTH_DATABASES
def test_two_workers_at_once_send_each_token_once(desk: Desk) -> None:
    for number in range(40):
        desk.join("A", "B", session=f"01S{number:03}")
        desk.cut(identifier=f"01S{number:03}")
    workers = [threading.Thread(target=desk.delivery().deliver_due) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(desk.post.sent) == 80
    assert {outcome for number in range(40) for outcome in desk.outcomes(f"01S{number:03}").values()} == {
        Outcome.DELIVERED
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (400, "status 400"),
        (302, "status 302"),
        (500, "status 500"),
        (429, "status 429"),
        (OutboundFailed(), "outbound-failed"),
        (OutboundRefused(), "outbound-refused"),
    ],
)
def test_a_failure_is_recorded_and_tried_again_later(desk: Desk, answer: int | Exception, reason: str) -> None:
    desk.post.answers[url("A")] = answer
    desk.join("A", "B")
    desk.cut()
    worker = desk.delivery()
    assert worker.deliver_due() == 1
    (open_one,) = desk.participants.deliveries(most=10, unfinished=True)
    assert (open_one.participant.client, open_one.attempts, open_one.failure) == ("A", 1, reason)
    assert open_one.due_at == MOMENT + timedelta(seconds=FIRST_WAIT_SECONDS)
    desk.post.answers.clear()
    desk.clock.advance(seconds=FIRST_WAIT_SECONDS - 1)
    assert worker.deliver_due() == 0
    desk.clock.advance(seconds=1)
    assert worker.deliver_due() == 1
    assert desk.outcomes() == {"A": Outcome.DELIVERED, "B": Outcome.DELIVERED}


def test_each_attempt_carries_a_fresh_token(desk: Desk) -> None:
    desk.post.answers[url("A")] = 400
    desk.join("A")
    desk.cut()
    worker = desk.delivery()
    worker.deliver_due()
    desk.clock.advance(seconds=FIRST_WAIT_SECONDS)
    worker.deliver_due()
    first, second = (desk.signer.verify(token, typ=LOGOUT_TOKEN_TYPE) for token in desk.post.to(url("A")))
    assert first["exp"] < second["exp"]


def test_after_the_last_attempt_a_delivery_is_given_up_and_shown(desk: Desk) -> None:
    desk.post.answers[url("A")] = OutboundFailed()
    desk.join("A")
    desk.cut()
    worker = desk.delivery()
    for attempt in range(MAX_ATTEMPTS):
        assert desk.outcomes() == {"A": None}, attempt
        worker.deliver_due()
        desk.clock.advance(seconds=LONGEST_WAIT_SECONDS)
    assert desk.outcomes() == {"A": Outcome.GIVEN_UP}
    assert len(desk.post.sent) == MAX_ATTEMPTS
    (lost,) = desk.participants.deliveries(most=10, unfinished=True)
    assert (lost.attempts, lost.failure, lost.finished_at is not None) == (MAX_ATTEMPTS, "outbound-failed", True)
    assert worker.deliver_due() == 0


def test_waits_double_up_to_their_limit() -> None:
    waits = [wait_after(attempts) for attempts in range(1, MAX_ATTEMPTS + 1)]
    assert waits[:4] == [10, 20, 40, 80]
    assert max(waits) == waits[-1] == LONGEST_WAIT_SECONDS


def test_clients_that_take_no_logout_tokens_are_not_asked(desk: Desk) -> None:
    desk.join("QUIET", "GONE", "UNKNOWN")
    desk.cut()
    assert desk.delivery().deliver_due() == 0
    assert set(desk.outcomes().values()) == {Outcome.NOT_ASKED}
    assert not desk.post.sent


def test_a_dead_client_costs_one_attempt_however_much_is_due_to_it(desk: Desk) -> None:
    desk.post.answers[url("A")] = OutboundFailed()
    for number in range(2 * BATCH):
        desk.join("A", session=f"01S{number:03}")
        desk.cut(identifier=f"01S{number:03}")
    desk.join("B")
    desk.cut()
    assert desk.delivery().deliver_due() == 1
    assert len(desk.post.to(url("A"))) == 1
    assert {found.attempts for found in desk.participants.deliveries(most=500, unfinished=True)} == {1}


def test_a_client_that_refuses_one_session_is_still_told_of_the_others(desk: Desk) -> None:
    desk.post.answers[url("A")] = 400
    for session in ("01S1", "01S2"):
        desk.join("A", session=session)
        desk.cut(identifier=session)
    desk.delivery().deliver_due()
    assert len(desk.post.to(url("A"))) == 2


def test_a_slow_client_does_not_delay_another(desk: Desk) -> None:
    told = threading.Event()

    class Slow:
        def post(self, address: str, form: Mapping[str, str]) -> int:
            if address == url("A"):
                assert told.wait(10), "B must be told while A is being waited for"
            else:
                told.set()
            return 204

    desk.join("A", "B")
    desk.cut()
    assert desk.delivery(Slow()).deliver_due() == 2


def test_a_round_ends_and_gives_back_what_it_did_not_reach(desk: Desk) -> None:
    class Tiring(MemoryPost):
        def post(self, url: str, form: Mapping[str, str]) -> int:
            desk.clock.advance(seconds=15)
            return super().post(url, form)

    for number in range(5):
        desk.join("A", session=f"01S{number}")
        desk.cut(identifier=f"01S{number}")
    assert desk.delivery(Tiring()).deliver_due() == 2
    assert desk.delivery().deliver_due() == 3


def test_a_slow_client_with_a_long_queue_takes_nobody_elses_turn(desk: Desk) -> None:
    """Of a system that takes seconds for each, a day's sessions end at once; then somebody signs out elsewhere."""

    class Tiring(MemoryPost):
        def post(self, url: str, form: Mapping[str, str]) -> int:
            desk.clock.advance(seconds=5)
            return super().post(url, form)

    post = Tiring()
    for number in range(3 * BATCH):
        desk.join("A", session=f"01S{number}")
    desk.ties.cut(
        [Tie(TieKind.SESSION, f"01S{number}") for number in range(3 * BATCH)], reason="expired", at=desk.clock.now()
    )
    worker = desk.delivery(post)
    worker.deliver_due()
    desk.join("B")
    desk.cut()
    for _ in range(2):
        worker.deliver_due()
    assert len(post.to(url("B"))) == 1
    assert 0 < len(post.to(url("A"))) < BATCH


def test_without_a_key_the_delivery_waits(desk: Desk) -> None:
    desk.signer = TokenSigner(desk.device, Keyring(desk.device.infos[:1]))
    desk.join("SM")
    desk.cut()
    worker = desk.delivery()
    assert worker.deliver_due() == 0
    (waiting,) = desk.participants.deliveries(most=10)
    assert (waiting.attempts, waiting.failure) == (1, "token-key-unusable")


def test_joining_twice_changes_nothing(desk: Desk) -> None:
    desk.join("A")
    desk.clock.advance(hours=1)
    desk.join("A")
    (found,) = desk.participants.of_session(SESSION)
    assert found.participant.joined_at == MOMENT


def test_participants_are_kept_for_their_days(desk: Desk) -> None:
    desk.join("A")
    desk.clock.advance(days=KEPT_DAYS)
    assert desk.participants.prune(desk.clock.now()) == 0
    desk.clock.advance(seconds=1)
    assert desk.participants.prune(desk.clock.now()) == 1
    assert desk.outcomes() == {}


def test_a_real_server_is_told_and_a_redirect_is_a_failure(desk: Desk) -> None:
    with serving() as good, serving(b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\n\r\n") as bad:
        desk.clients = MemoryClients(
            relying_client("A", backchannel_logout_uri=f"http://127.0.0.1:{good.port}/out"),
            relying_client("B", backchannel_logout_uri=f"http://127.0.0.1:{bad.port}/out"),
        )
        desk.join("A", "B")
        desk.cut()
        assert desk.delivery(OutboundPost(OutboundRules(loopback=True))).deliver_due() == 1
        assert b"logout_token=ey" in good.requests[0]
    assert desk.outcomes() == {"A": Outcome.DELIVERED, "B": None}
