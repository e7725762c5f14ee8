"""Law 7 for people who sign in: after a whole run no number and no name of theirs stands in clear where it stays.

Registration, proofing and recovery at a counter, sign-in, consent, passing on, a certificate read, signing out; and a
number typed wherever it does not belong.
"""

import base64
import json
import re
from contextlib import closing
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from portal.demo import data, people
from portal.demo.browser import Browser
from portal.demo.server import served
from portal.wiring import open_installation
from tests.integration.conftest import Served
from tests.integration.door import FORM, Door, basic, bearer
from tests.integration.installation import today
from tests.integration.sign_in_house import (
    PASSING,
    PASSWORD,
    RESIDENCE,
    Tokens,
    Visitor,
    called,
    exchanged,
    is_active,
    redeem,
    refreshed,
    settle,
)
from tests.integration.test_law7 import disguises
from tests.interop.relying.listener import listening
from trust.config import load_settings

pytestmark = pytest.mark.integration

NEWCOMER_NUMBER, NEWCOMER_NAME = "11999919920303002X", "吴新来"
PARAMETER = re.compile(r"\{[^}]+\}")
NAMES = {
    data.RESIDENT_NUMBER: people.CITIZEN_NAME,
    people.CLERK_NUMBER: people.CLERK_NAME,
    people.REPRESENTATIVE_NUMBER: people.REPRESENTATIVE_NAME,
    people.AGENT_NUMBER: people.AGENT_NAME,
    NEWCOMER_NUMBER: NEWCOMER_NAME,
}
SOUGHT = {
    f"{text}, {name}": form
    for number, owner in NAMES.items()
    for text in (number, owner, f"111:{number}", f"111-{number}")
    for name, form in disguises(text).items()
}


def traces(content):
    return sorted(name for name, form in SOUGHT.items() if form in content)


class WatchedBrowser(Browser):
    """A browser that keeps every address it was at: they stand in histories, and in logs of others."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def _send(self, netloc, method, target, body, headers):
        self.addresses.append(f"{netloc}{target}")
        return super()._send(netloc, method, target, body, headers)


@pytest.fixture(scope="module")
def listener():
    with listening() as found:
        yield found


@pytest.fixture(scope="module")
def world(template, tmp_path_factory, listener):
    """A house of its own, served: what is looked for afterwards is everything that it keeps."""
    folder = tmp_path_factory.mktemp("law7")
    settings = template.copy(folder / "home") | {"workers": 1, "sign_in_rate_per_minute": 100_000}
    with closing(open_installation(load_settings(**settings))) as installation:
        house = settle(installation, listener)
    log = folder / "server.log"
    with served(settings, log) as address:
        yield house, Served(address=address, home=folder / "home", log=log, client=template.full, settings=settings)


@pytest.fixture(scope="module")
def browsers():
    made = [WatchedBrowser() for _ in range(3)]
    yield made
    for browser in made:
        browser.close()


@pytest.fixture(scope="module")
def run(world, listener, browsers):
    """Do the whole run once; return all tokens that anybody got."""
    house, service = world
    service.service().issue(data.residence_permit(today()), key="law7-people")
    clerk = Visitor(house=house, number=people.CLERK_NUMBER, browser=browsers[0])
    clerk_tokens = signed_in(clerk, scope="openid counter:assist")
    newcomer = registered(house, browsers[1], clerk_tokens.access)
    citizen = Visitor(house=house, number=data.RESIDENT_NUMBER, browser=browsers[2])
    first = signed_in(citizen, scope=f"{PASSING} identity")
    told = house.door.ask("GET", "/oauth/userinfo", headers=bearer(first.access)).json
    assert (told["name"], told["holder_number"]) == (people.CITIZEN_NAME, data.RESIDENT_NUMBER), told
    second = Tokens.of(refreshed(house, first.refresh))
    passed = exchanged(house, second.access).json["access_token"]
    at_counter = assisted(house, clerk_tokens.access)
    read = certificate_read(house, second.access)
    tokens = [*clerk_tokens.every, *newcomer, *first.every, *second.every, passed, at_counter, read]
    assert citizen.browser.get(citizen.goodbye(first)).url.startswith(house.first.goodbye)
    assert not is_active(house, passed, house.second)
    tokens += [listener.logout_token(system.logout) for system in (house.first, house.second)]
    number_everywhere(house, [service.door().token(service.client), clerk_tokens.access, second.access])
    return tokens


def signed_in(visitor, **more):
    return Tokens.of(redeem(visitor, visitor.sign_in(**more)))


def registered(house, browser, clerk):
    """Register, come to the counter with the document but without the phone, and see what the clerk handed out."""
    page = browser.get(f"{house.issuer}/register")
    form = {"number": NEWCOMER_NUMBER, "kind": "111", "name": NEWCOMER_NAME, "password": PASSWORD, "again": PASSWORD}
    assert urlsplit(browser.submit(page, form).url).path == "/sign-in"
    before = Visitor(house=house, number=NEWCOMER_NUMBER, browser=browser)
    stranger = signed_in(before, scope="openid profile")
    body = {
        "holder": {"kind": "111", "number": NEWCOMER_NUMBER, "name": NEWCOMER_NAME},
        "document": {"kind": "111", "expires": None},
        "counter": house.everyone.counters[0].id,
    }
    proofed = called(house, "/persons/proofing", clerk, body)
    assert (proofed.status, proofed.json["code"]) == (403, "account-control-needed"), proofed.body
    assert is_active(house, stranger.access)  # one clerk alone ends nothing, and raises nothing
    code = called(house, "/persons/recovery-code", clerk, body)
    assert code.status == 201, code.body
    assert called(house, "/persons/recovery-code/release", clerk, body).status == 403  # the same clerk
    form = {"number": NEWCOMER_NUMBER, "kind": "111", "code": code.json["code"]}
    page = browser.submit(browser.get(f"{house.issuer}/recover"), form)
    assert (urlsplit(page.url).path, page.status) == ("/recover", 422)  # it waits
    assert people.CLERK_NAME not in browser.get(f"{house.issuer}/my/account").text
    return [stranger.access, signed_in(before, scope="openid profile").access]


def assisted(house, clerk):
    """Let the clerk show the citizen's card, and pass the presence on in a case."""
    counter = house.everyone.counters[0].id
    case = called(house, "/cases", clerk, {"counter": counter, "matter": RESIDENCE}).json["case"]
    card = {
        "counter": counter,
        "holder": {"kind": "111", "number": data.RESIDENT_NUMBER},
        "name": people.CITIZEN_NAME,
        "document_kind": "111",
        "document_expires": None,
        "read_by": "reader",
        "portrait_matches": True,
    }
    assert called(house, "/presence/card", clerk, card | {"name": people.AGENT_NAME}).status == 403
    shown = called(house, "/presence/card", clerk, card).json["presence"]
    answer = exchanged(
        house,
        shown,
        subject_token_type="urn:yinxin:params:oauth:token-type:presence",
        actor_token=clerk,
        actor_token_type="urn:ietf:params:oauth:token-type:access_token",
        case=case,
        audience=house.first.client,
    )
    assert answer.status == 200, answer.body
    return answer.json["access_token"]


def certificate_read(house, access):
    """Read the citizen's certificate with their token, and download it; return the token that opened it."""
    token = exchanged(house, access, audience="api", scope="certs:read").json["access_token"]
    found = called(house, "/certs/search", token)
    assert found.status == 200, found.body
    identifier = found.json["certificates"][0]["identifier"]
    answer = house.door.ask("GET", f"/api/v1/certs/{identifier}/file", headers=bearer(token))
    assert (answer.status, answer.media_type) == (200, "application/pdf"), answer.body
    return token


def number_everywhere(house, tokens):
    """Type the citizen's number wherever it does not belong; nothing of it is an answer of ours, nothing a fault."""
    number, door = data.RESIDENT_NUMBER, Door(house.issuer)
    good = dict(parse_qs(urlsplit(Visitor(house=house, number=number).ask(PASSING)).query, keep_blank_values=True))
    answers = [
        door.ask("GET", f"/oauth/authorize?{urlencode(good | {name: [number]}, doseq=True)}")
        for name in (*good, "login_hint", "id_token_hint", "request_uri", "nonce", "ui_locales", number)
    ]
    first = house.first
    own = basic(first.client, first.secret) | FORM
    names = (
        "grant_type code refresh_token subject_token subject_token_type actor_token audience case scope token "
        "client_id client_assertion code_verifier redirect_uri"
    )
    for path in ("token", "par", "introspect", "revoke"):
        answers += [
            door.ask("POST", f"/oauth/{path}", urlencode({"grant_type": "refresh_token", name: number}).encode(), own)
            for name in [*names.split(" "), number]
        ]
    answers += described_operations(house, [*tokens, number])
    for path in (
        f"sign-in?next=/{number}",
        f"sign-in/upstream/{number}",
        f"oauth/continue?request={number}",
        f"sso/upstream/{number}/callback?state={number}&error={number}",
        f"oauth/logout?state={number}&id_token_hint={number}&client_id={number}",
        "oauth/userinfo",
    ):
        answers.append(door.ask("GET", f"/{quote(path, safe='/?=')}", headers=bearer(number)))
    for name in ("User-Agent", "Referer", "Cookie", "Accept-Language", "DPoP", "X-Correlation-Id"):
        answers.append(door.ask("GET", "/sign-in", headers={name: number}))
    with closing(Browser()) as browser:
        for typed in (number, f"{number}0", number[:-1]):
            page = browser.get(f"{house.issuer}/sign-in")
            page = browser.submit(page, {"number": typed, "password": number, "kind": "111"})
            assert page.status in {401, 422, 429}
    assert max(answer.status for answer in answers) < 500


def described_operations(house, tokens):
    """Ask every operation of the API description with the number in each place of its address and of its body."""
    number, door = data.RESIDENT_NUMBER, house.door
    for path, methods in door.ask("GET", "/openapi.json").json["paths"].items():
        address = PARAMETER.sub(number, path)
        for method, operation in methods.items():
            if method not in {"get", "post"}:
                continue
            query = "&".join(f"{found['name']}={number}" for found in operation.get("parameters", ()))
            for media_type, described in operation.get("requestBody", {"content": {"": {}}})["content"].items():
                for body in bodies(media_type, described.get("example"), number):
                    for token in tokens:
                        headers = bearer(token) | {"Idempotency-Key": number}
                        headers |= {"Content-Type": media_type} if media_type else {}
                        yield door.ask(method.upper(), f"{address}?{query}", body, headers)


def bodies(media_type, sample, number):
    """Return bodies with the number in the place of each value, and of each name."""
    if not sample or not media_type.startswith(("application/json", "application/x-www-form")):
        yield number.encode()
        return
    flat = media_type.startswith("application/x-www-form")
    for place in (*places(sample), None):
        filled = put(sample, place, number) if place is not None else {**sample, number: number}
        yield urlencode(filled).encode() if flat else json.dumps(filled).encode()


def places(value, path=()):
    """Yield the paths of all that is no object and no list."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inside is None:
        yield path
        return
    for name, each in inside:
        yield from places(each, (*path, name))


def put(value, path, number):
    """Return a copy with the number at a path."""
    if not path:
        return number
    copied = value.copy()
    copied[path[0]] = put(value[path[0]], path[1:], number)
    return copied


@pytest.mark.usefixtures("run")
def test_nothing_that_is_kept_names_a_person(world):
    _, service = world
    kept = [path for path in service.home.rglob("*") if path.is_file()]
    assert {"yinxin.sqlite3", "yinxin.sqlite3-wal"} <= {path.name for path in kept}
    found = {str(path): traces(path.read_bytes()) for path in (*kept, service.log)}
    found["metrics"] = traces(service.door().ask("GET", "/metrics").body)
    assert {place: names for place, names in found.items() if names} == {}


@pytest.mark.usefixtures("run")
def test_the_log_tells_what_happened_all_the_same(world):
    _, service = world
    log = service.log.read_text()
    for event in ("signed in", "authorization granted", "account-control-needed", "code handed out", "sign-in refused"):
        assert f'"{event}"' in log, event
    assert log.count('"sign-in refused"') >= 2
    assert "/oauth/authorize" in log


@pytest.mark.usefixtures("run")
def test_no_address_names_a_person(browsers):
    addresses = [address for browser in browsers for address in browser.addresses]
    assert len(addresses) > 20
    assert [address for address in addresses if traces(address.encode())] == []


def test_no_token_names_a_person(run):
    """Not its subject, nor any other claim, nor its header; the name is told by the userinfo endpoint alone."""
    assert len(run) > 10
    subjects = set()
    for token in run:
        for part in token.split(".")[:2]:
            content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
            assert traces(content) == [], content
        subjects.add(Visitor.claims(token)["sub"])
    assert len(subjects) >= 4  # pairwise: the citizen alone has three, at two systems and at the API
    assert not [subject for subject in subjects if traces(subject.encode())]


def test_the_search_finds_what_it_looks_for():
    for form in SOUGHT.values():
        assert traces(b"\x00before" + form + b"after")
