"""Attacks on the authorization endpoint and on what it hands out: RFC 9700 section 4, against the served pages."""

import base64
import json
from urllib.parse import parse_qsl, urlencode, urlsplit

import pyotp
from werkzeug.test import TestResponse

from portal.demo import people
from tests.attacks.house import Attacked, Browser, give_app, give_password, hidden, parameters, redeem, redirect_of


def redirected(answer: TestResponse) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(answer.headers.get("Location", "")).query))


def encoded(header: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()


def test_a_code_goes_to_the_registered_address_letter_by_letter(house: Attacked, citizen: Browser) -> None:
    good = redirect_of(house.first)
    host = urlsplit(good).netloc
    variants = [
        *(f"{good}/", f"{good}?x=1", f"{good}#x", f"{good}%2e", f"{good}/../cb", f"{good}\\x", good.upper(), good[:-1]),
        *(f"https://{host}@evil.example/cb", f"https://evil.example#{host}/cb", f"https://{host}.evil.example/cb"),
        *(f"https://{host}:443/cb", f"https://{host}:8443/cb", f"http://{host}/cb", f"//{host}/cb", "/cb", "https:cb"),
        *(f"https://user@{host}/cb", f"https://{host}\u3002evil.example/cb", f"https://{host}%00.evil.example/cb"),
        *(f" {good}", f"{good} ", f"{good}\n", f"{good}\tx", "javascript:alert(1)", "data:text/html,x", ""),
    ]
    for variant in variants:
        answer = citizen.authorize(house.first, redirect_uri=variant, prompt="none")
        assert answer.status_code == 400, variant
        assert "Location" not in answer.headers
        assert "evil.example" not in answer.get_data(as_text=True)
    twice = [*parameters(house.first).items(), ("redirect_uri", "https://evil.example/cb")]
    assert citizen.get(f"/oauth/authorize?{urlencode(twice)}").status_code == 400
    other = citizen.authorize(house.first, redirect_uri=redirect_of(house.second))
    assert (other.status_code, other.headers.get("Location")) == (400, None)


def test_a_stolen_code_is_worth_nothing_and_ends_what_came_of_it(house: Attacked, citizen: Browser) -> None:
    code = citizen.code(house.second)["code"]
    for changes in ({"code_verifier": "w" * 43}, {"code_verifier": ""}, {"redirect_uri": redirect_of(house.first)}):
        assert redeem(house, house.second, code, **changes).get_json()["error"] in {"invalid_grant", "invalid_request"}
    code = citizen.code(house.second)["code"]
    assert redeem(house, house.first, code, redirect_uri=redirect_of(house.second)).status_code == 400
    code = citizen.code(house.second)["code"]
    token = redeem(house, house.second, code).get_json()["access_token"]
    assert house.introspect(house.second, token)["active"]
    assert redeem(house, house.second, code).get_json()["error"] == "invalid_grant"
    assert house.introspect(house.second, token) == {"active": False}


def test_a_refresh_token_is_one_clients_once_and_never_more_than_was_allowed(house: Attacked, citizen: Browser) -> None:
    tokens = citizen.tokens(house.first, scope="openid profile offline_access", matter=None)
    first = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    thief = house.register("openid profile offline_access")
    assert house.post("/oauth/token", first, thief).get_json()["error"] == "invalid_grant"
    wider = house.post("/oauth/token", {**first, "scope": "openid profile certs:read counter:assist"}, house.first)
    assert wider.get_json()["error"] == "invalid_scope"
    turned = house.post("/oauth/token", first, house.first).get_json()
    assert set(turned["scope"].split()) == {"openid", "profile", "offline_access"}
    house.clock.advance(minutes=2)
    assert house.post("/oauth/token", first, house.first).get_json()["error"] == "invalid_grant"
    second = {**first, "refresh_token": turned["refresh_token"]}
    assert house.post("/oauth/token", second, house.first).get_json()["error"] == "invalid_grant"
    assert house.introspect(house.first, turned["access_token"]) == {"active": False}


def test_a_pushed_request_is_one_clients_once_and_stands_alone(house: Attacked, citizen: Browser) -> None:
    pushed = house.post("/oauth/par", parameters(house.first), house.first).get_json()["request_uri"]
    query = {"client_id": house.second.client.id, "request_uri": pushed}
    assert "code" not in redirected(citizen.get(f"/oauth/authorize?{urlencode(query)}"))
    query["client_id"] = house.first.client.id
    widened = {**query, "redirect_uri": redirect_of(house.second), "scope": "openid counter:assist", "prompt": "none"}
    answer = citizen.get(f"/oauth/authorize?{urlencode(widened)}")
    page = citizen.get(answer.headers["Location"])
    assert page.status_code == 200  # what was pushed asks; `prompt` beside it does not count
    sent = citizen.submit(page, "/oauth/consent", {"decision": "allow", "represents": ""})
    assert sent.headers["Location"].startswith(redirect_of(house.first))
    assert citizen.get(f"/oauth/authorize?{urlencode(query)}").status_code == 400


def test_nobody_is_asked_and_nothing_is_told_by_prompt_none(house: Attacked, citizen: Browser) -> None:
    for browser, error in ((house.browser(), "login_required"), (citizen, "consent_required")):
        waiting = browser.authorize(house.first, prompt="none").headers["Location"]
        found = redirected(browser.get(waiting))
        assert (found.pop("error"), found.keys() - {"error_description"}) == (error, {"state", "iss"})


def test_a_request_belongs_to_the_browser_that_brought_it(house: Attacked, citizen: Browser) -> None:
    """The attacker's own request, or its cookie, in the victim's browser, and the victim's in the attacker's."""
    give_password(house, house.people.agent.id)
    thief = house.browser()
    thief.sign_in(people.AGENT_NUMBER)
    address = thief.authorize(house.first).headers["Location"]
    assert citizen.get(address).status_code == 400
    mine = citizen.authorize(house.first).headers["Location"]
    page = citizen.get(mine)
    handle = hidden(page.get_data(as_text=True), "/oauth/consent")["request"]
    own = thief.get(address)
    stolen = {"request": handle, "decision": "allow", "represents": ""}
    assert thief.submit(own, "/oauth/consent", stolen).status_code == 400

    # With the victim's cookie too, the page counts for the session that saw it last.
    asking = citizen.client.get_cookie("yinxin-asking")
    assert asking is not None
    thief.client.set_cookie("yinxin-asking", asking.value)
    answer = thief.submit(own, "/oauth/consent", stolen)
    assert "code" not in redirected(answer)
    assert "note" in answer.headers.get("Set-Cookie", "")
    assert "code" in redirected(citizen.submit(page, "/oauth/consent", {"decision": "allow", "represents": ""}))


def test_nobody_acts_on_anothers_mandate(house: Attacked, citizen: Browser) -> None:
    """The mandate of the agent, chosen by the representative in the form; and one that is over."""
    page = citizen.get(citizen.authorize(house.first).headers["Location"])
    answer = citizen.submit(page, "/oauth/consent", {"decision": "allow", "represents": house.people.mandate.id})
    assert "code" not in redirected(answer)
    for name in (house.people.enterprise.id, "x" * 26, "\x00"):
        page = citizen.get(citizen.authorize(house.first).headers["Location"])
        assert "code" not in redirected(
            citizen.submit(page, "/oauth/consent", {"decision": "allow", "represents": name})
        )
    page = citizen.get(citizen.authorize(house.first).headers["Location"])
    good = {"decision": "allow", "represents": house.people.representation.id}
    token = redeem(house, house.first, redirected(citizen.submit(page, "/oauth/consent", good))["code"]).get_json()
    assert house.introspect(house.first, token["access_token"])["represents"]


def test_a_session_must_be_as_strong_and_fresh_as_the_system_wants(house: Attacked, citizen: Browser) -> None:
    strong = citizen.authorize(house.first, acr_values="urn:yinxin:aal:2")
    assert citizen.get(strong.headers["Location"]).headers["Location"].startswith("/step-up")
    house.clock.advance(minutes=2)
    old = citizen.authorize(house.first, max_age="60")
    assert citizen.get(old.headers["Location"]).headers["Location"].startswith("/step-up")
    again = citizen.authorize(house.first, prompt="login")
    assert citizen.get(again.headers["Location"]).headers["Location"].startswith("/step-up")
    # Answering without the page that was never shown gets nobody further.
    handle = urlsplit(again.headers["Location"]).query.removeprefix("request=")
    page = citizen.get("/my")
    forged = {**hidden(page.get_data(as_text=True), "/sign-out"), "request": handle, "decision": "allow"}
    answer = citizen.client.post("/oauth/consent", data=forged, headers={"Accept": "text/html"})
    assert "code" not in redirected(answer)


def test_anothers_code_steps_nobody_up(house: Attacked, citizen: Browser) -> None:
    """A second person's one-time code at the step-up of the first's session: the session stays theirs, and weak."""
    secret = give_app(house, house.people.agent.id, people.AGENT_NUMBER)
    before = house.installation.people.sessions.of(house.people.representative.id)
    code = pyotp.TOTP(secret).at(house.clock.now())
    token = hidden(citizen.get("/my").get_data(as_text=True), "/sign-out")
    answer = citizen.client.post("/step-up/code", data={**token, "code": code, "next": "/security"})
    assert answer.status_code == 422
    assert house.installation.people.sessions.of(house.people.representative.id) == before


def test_a_forged_token_opens_nothing(house: Attacked, citizen: Browser) -> None:
    tokens = citizen.tokens(house.first, scope="openid profile", matter=None)
    _, claims, signature = tokens["access_token"].split(".")
    forged = [tokens["id_token"]]
    for typ in ("JWT", "none", "at+jwt"):
        unsigned = encoded({"alg": "none", "typ": typ})
        own_key = encoded(
            {"alg": "ES256", "typ": typ, "jwk": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}}
        )
        forged += [f"{unsigned}.{claims}.", f"{unsigned}.{claims}.{signature}", f"{own_key}.{claims}.{signature}"]
    for token in forged:
        assert house.api("GET", "/oauth/userinfo", token).status_code == 401
        assert house.introspect(house.first, token) == {"active": False}
        assert house.exchange(house.first, token, house.second.client.id).status_code == 400
    assert house.introspect(house.first, tokens["access_token"])["active"]
