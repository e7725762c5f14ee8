"""What the outside world was told while the service was killed again and again, and what must hold in the end."""

import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from portal.demo.browser import Browser
from portal.wiring import open_installation
from tests.integration.holdings import key_uses, rows
from tests.integration.sign_in_house import House, Tokens, Visitor, is_active, redeem
from tests.integration.sign_in_lives import TrippedBrowser
from trust.config import load_settings
from trust.gm.sm3 import sm3

NOTICE_SECONDS = 90.0  # where the clock is the machine's: the lease of a notice, and a busy machine


class Story:
    """What the outside world was told, over all lives: the tokens it holds and the ends that it was promised."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.browsers: list[Browser] = []
        self.tokens: list[str] = []
        self.redeemed: Counter[str] = Counter()
        self.over: list[str] = []  # access tokens that an acknowledged act has ended
        self.passed_on = 0
        self.waiting: dict[str, Visitor] = {}  # codes that were sent, and never answered
        self._lock = threading.Lock()

    def close(self) -> None:
        for browser in self.browsers:
            browser.close()

    def visitor(self, number: str) -> Visitor:
        """Return a person with a browser of their own."""
        found = Visitor(house=self.house, number=number, browser=TrippedBrowser())
        with self._lock:
            self.browsers.append(found.browser)
        return found

    def took(self, tokens: Tokens) -> Tokens:
        with self._lock:
            self.tokens += tokens.every
        return tokens

    def redeem(self, visitor: Visitor, code: str, headers=None):
        """Redeem a code, and count what came of it; None when it is refused."""
        answer = redeem(visitor, code, headers)
        if answer.status == 400:
            assert answer.json["error"] == "invalid_grant"
            return answer, None
        with self._lock:
            self.redeemed[code] += 1
        return answer, self.took(Tokens.of(answer))

    def wait(self, code: str, visitor: Visitor) -> None:
        with self._lock:
            self.waiting[code] = visitor

    def ended(self, *access: str) -> None:
        with self._lock:
            self.over += access

    def passed(self, answer):
        assert answer.status == 200, answer.body
        with self._lock:
            self.passed_on += 1
        return self.took(Tokens(access=answer.json["access_token"])).access


def check(lives, story: Story, listener) -> None:
    """Check everything that must hold after the last kill, while one more life serves."""
    lives.last()
    home, house = Path(lives.settings["home"]), story.house
    for token in story.over:
        assert not is_active(house, token)
    assert max(story.redeemed.values()) == 1
    check_grants(home)
    check_ends(home)
    check_passing(home, story)
    notices = check_notices(home, house, listener)
    check_ledger(lives.settings, [*story.tokens, *notices])
    assert rows(home, "pragma integrity_check")[0][0] == "ok"


def check_grants(home):
    """A grant has its one code, its consent, and the participant that will be told of the end; and the reverse."""
    whole = """
        select g.id from sso_grants g
        join sso_codes c on c.grant_id = g.id and c.client = g.client
        join sso_consents k on k.person = g.person and k.client = g.client and k.matter = g.matter
        join sso_participants p on p.session = g.session and p.client = g.client
    """
    grants = [row["id"] for row in rows(home, "select id from sso_grants")]
    assert sorted(row["id"] for row in rows(home, whole)) == sorted(grants)
    assert not rows(home, "select 1 from sso_codes where grant_id not in (select id from sso_grants)")
    assert not rows(home, "select 1 from sso_refresh_tokens where grant_id not in (select id from sso_grants)")
    unredeemed = """
        select 1 from sso_refresh_tokens r join sso_codes c on c.grant_id = r.grant_id where c.used_at is null
    """
    assert not rows(home, unredeemed)
    living = "select grant_id from sso_refresh_tokens where used_at is null group by grant_id having count(*) > 1"
    assert not rows(home, living)


def check_ends(home):
    """Whatever ended, and the tie that all its tokens hang on, are one: neither stands without the other."""
    ties = {row["tie"] for row in rows(home, "select tie from sso_cut_ties")}
    for kind, query in (
        ("session", "select id, ended_at as over from sso_sessions"),
        ("mandate", "select id, withdrawn_at as over from sso_mandates"),
        ("case", "select id, closed_at as over from sso_cases"),
    ):
        found = rows(home, query)
        assert {row["id"] for row in found if row["over"]} == {
            row["id"] for row in found if f"{kind}:{row['id']}" in ties
        }


def check_passing(home, story):
    """Each presence that is used up has its hop, each token that was passed on as well."""
    used = rows(home, "select count(*) as n from sso_presences where used_at is not null")[0]["n"]
    assisted = rows(home, "select count(*) as n from sso_hops where presence_method is not null and number = 1")
    assert used == assisted[0]["n"]
    assert rows(home, "select count(*) as n from sso_hops")[0]["n"] >= story.passed_on


def check_notices(home, house, listener):
    """Wait until every system of every ended session has been told; return the tokens that arrived."""
    due = """
        select p.client, p.sid, p.outcome from sso_participants p where p.session_tie in (select tie from sso_cut_ties)
    """
    deadline = time.monotonic() + NOTICE_SECONDS
    while any(row["outcome"] is None for row in rows(home, due)):
        assert time.monotonic() < deadline, [tuple(row) for row in rows(home, due)]
        time.sleep(0.1)
    found = rows(home, due)
    assert {row["outcome"] for row in found} == {"delivered"}
    arrived = []
    for system in (house.first, house.second):
        tokens = listener.arrived(system.logout)
        told = {sid_of(token) for token in tokens}
        assert told == {row["sid"] for row in found if row["client"] == system.client}
        arrived += tokens
    return arrived


def sid_of(token):
    return Visitor.claims(token)["sid"]


def check_ledger(settings, tokens):
    """No token that anybody ever got lacks its entry: the digest of exactly what was signed."""
    entries = {use["digest"] for use in key_uses(Path(settings["home"])) if use["outcome"] == "signed"}
    assert tokens
    for token in tokens:
        assert sm3(token.rpartition(".")[0].encode()).hex() in entries
    with closing(open_installation(load_settings(**settings))) as installation:
        assert installation.foundation.ledger.verify().size
