"""The whole application in this process, good requests to its OAuth endpoints, and the ways to spoil them."""

import base64
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import parse_qs, quote_from_bytes, urlsplit

from structlog.testing import capture_logs

from portal.wiring import application
from sso.signin.domain import Method, Strength
from tests.integration.sign_in_house import ACCESS_TOKEN, EXCHANGE, FOOD, PRESENCE, RESIDENCE, settle

FORM = "application/x-www-form-urlencoded"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Listener:
    """Addresses of systems that nobody calls in these tests."""

    address = "http://127.0.0.1:9"

    def __init__(self):
        self._count = 0

    def logout_uri(self):
        self._count += 1
        return f"{self.address}/logout/{self._count}"


class House:
    """The whole application in this process, and everything good that can be sent to it."""

    def __init__(self, installation):
        self.installation = installation
        self.house = settle(installation, Listener())
        self.app = application(installation)
        self.client = self.app.test_client()

    def own(self):
        """Return a token of the first system for itself."""
        return self.token("first", grant_type="client_credentials", scope="counter:assist")["access_token"]

    def clerk(self):
        """Return a token of the clerk's own."""
        return self.tokens(self.house.everyone.clerk.person, "openid counter:assist")["access_token"]

    def code(self, person=None, scope="openid profile certs:read offline_access", *, represents=None):
        """Return a code of a fresh session, of one who acts under the mandate `represents` or for themselves."""
        people, desk = self.installation.people, self.installation.provider.desk
        found = people.register.get(person or self.house.everyone.citizen.id)
        methods = (Method.PASSWORD, Method.OTP)
        session, _ = people.sessions.open(found, Strength.ONE_TIME_CODE, methods, "fuzz")
        request = self.request(scope) | ({} if represents is None else {"matter": FOOD})
        pending = desk.open({name: [value] for name, value in request.items()})
        desk.need(pending, session)
        return parse_qs(urlsplit(desk.approve(pending, session, represents=represents)).query)["code"][0]

    def request(self, scope="openid profile"):
        """Return a good authorization request."""
        first = self.house.first
        return {
            "response_type": "code",
            "client_id": first.client,
            "redirect_uri": first.callback,
            "scope": scope,
            "state": "s",
            "nonce": "n",
            "matter": RESIDENCE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }

    def tokens(self, person=None, scope="openid profile certs:read offline_access"):
        return self.token("first", **self.redemption(self.code(person, scope)))

    def redemption(self, code):
        form = {"redirect_uri": self.house.first.callback, "code_verifier": VERIFIER}
        return {"grant_type": "authorization_code", "code": code} | form

    def token(self, by, **form):
        answer = self.client.post("/oauth/token", data=form, headers=self.basic(by))
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def is_active(self, by, token):
        answer = self.client.post("/oauth/introspect", data={"token": token}, headers=self.basic(by))
        assert answer.status_code == 200, answer.text
        return answer.get_json()["active"]

    def basic(self, by, secret=None):
        known = {"first": self.house.first, "second": self.house.second}[by]
        pair = f"{known.client}:{known.secret if secret is None else secret}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def presence(self):
        people = self.installation.people
        session, _ = people.sessions.open(
            people.register.get(self.house.everyone.citizen.id), Strength.PASSWORD, (Method.PASSWORD,), "fuzz"
        )
        return self.installation.provider.presence.issue_qr(session).code

    def case(self):
        body = {"counter": self.house.everyone.counters[0].id, "matter": RESIDENCE}
        answer = self.client.post("/api/v1/cases", json=body, headers={"Authorization": f"Bearer {self.clerk()}"})
        assert answer.status_code == 201, answer.text
        return answer.get_json()["case"]

    def good(self, kind):
        """Return a good form of a kind."""
        first, second = self.house.first, self.house.second
        access = {"subject_token_type": ACCESS_TOKEN, "audience": second.client}
        assisted = {"subject_token_type": PRESENCE, "actor_token_type": ACCESS_TOKEN, "audience": first.client}
        return {
            "code": lambda: self.redemption(self.code()),
            "refresh": lambda: {"grant_type": "refresh_token", "refresh_token": self.tokens()["refresh_token"]},
            "own": lambda: {"grant_type": "client_credentials", "scope": "counter:assist"},
            "exchange": lambda: {"grant_type": EXCHANGE, "subject_token": self.tokens()["access_token"], **access},
            "assisted": lambda: {
                "grant_type": EXCHANGE,
                "subject_token": self.presence(),
                "actor_token": self.clerk(),
                "case": self.case(),
                **assisted,
            },
            "access": lambda: {"token": self.tokens()["access_token"], "token_type_hint": "access_token"},
            "renewal": lambda: {"token": self.tokens()["refresh_token"], "token_type_hint": "refresh_token"},
            "systems": lambda: {"token": self.own()},
            "request": self.request,
        }[kind]()


class Purse:
    """Good things at the wrong place, made when they are asked for."""

    def __init__(self, house):
        self._house = house

    def open(self, name):
        house = self._house
        if name in {"$access", "$refresh", "$id"}:
            member = {"$access": "access_token", "$refresh": "refresh_token", "$id": "id_token"}[name]
            return house.tokens()[member]
        return {
            "$code": house.code,
            "$clerk": house.clerk,
            "$own": house.own,
            "$presence": house.presence,
            "$case": house.case,
            "$first": lambda: house.house.first.client,
            "$second": lambda: house.house.second.client,
        }[name]()


class How(NamedTuple):
    """How a form is sent: the client, the media type, further headers, the query of the address."""

    client: str = "first"
    media: str = FORM
    headers: Mapping[str, str] = MappingProxyType({})
    query: str = ""


def changed(house, good, changes):
    """Return the pairs of a form after some changes."""
    pairs = [(name, value.encode()) for name, value in good.items()]
    for act, name, wish in changes:
        value = Purse(house).open(wish).encode() if isinstance(wish, str) else wish
        if act != "add":
            pairs = [pair for pair in pairs if pair[0] != name]
        if act != "drop":
            pairs.append((name, value))
    return pairs


def encoded(pairs):
    return "&".join(
        f"{quote_from_bytes(name.encode('utf-8', 'surrogatepass'), safe='')}={quote_from_bytes(value, safe='')}"
        for name, value in pairs
    )


def authenticated(house, how, pairs):
    """Return the header and the pairs by which a client names itself, well or badly."""
    first = house.house.first
    own = [("client_id", first.client.encode()), ("client_secret", first.secret.encode())]
    headers = {
        "first": house.basic("first"),
        "second": house.basic("second"),
        "both": house.basic("first"),
        "wrong": house.basic("first", "wrong"),
        "header": {"Authorization": "Basic %%%"},
        "bearer": {"Authorization": f"Bearer {house.own()}"},
        "unicode": {"Authorization": "Basic " + base64.b64encode("证:照\x00".encode()).decode()},
    }.get(how, {})
    return headers, pairs + (own if how in {"body", "both"} else [])


def asked(house, path, pairs, how):
    """Send a form; return the answer and the lines of the log."""
    own, pairs = authenticated(house, how.client, pairs)
    headers = own | dict(how.headers) | ({"Content-Type": how.media} if how.media else {})
    with capture_logs() as lines:
        answer = house.client.post(path + how.query, data=encoded(pairs).encode(), headers=headers)
    return answer, lines
