"""A relying system, or whoever stole what it holds, tries to read more than people allowed it."""

from dataclasses import replace

from portal.demo import people
from sso.provider.domain import ClientAuthentication
from tests.attacks.house import ACCESS_TOKEN, FOOD, PASSWORD, Attacked, Browser, resident_number
from tests.sso.provider.changing import keep_changed

SQUATTED = resident_number(2, born="19491231")  # fits the face of the demonstration's residence permit


def test_a_system_that_people_sign_in_to_reads_nobodys_certificates_by_itself(house: Attacked) -> None:
    """With a token of its own it would need no person, no consent and no matter."""
    for who in (house.first, house.second):
        answer = house.post("/oauth/token", {"grant_type": "client_credentials", "scope": "certs:read"}, who)
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")
    own = house.post("/oauth/token", {"grant_type": "client_credentials"}, house.first).get_json()
    assert own["scope"] == "counter:assist"
    holder = {"kind": "111", "number": people.REPRESENTATIVE_NUMBER}
    asked = house.api("POST", "/api/v1/certs/search", own["access_token"], {"holder": holder, "purpose": "curious"})
    assert (asked.status_code, asked.get_json()["code"]) == (403, "scope-missing")


def test_who_registered_with_anothers_number_reads_nothing(house: Attacked) -> None:
    """Name and number of a person are widely known; no source is configured here, so any name would do."""
    identifier = house.issue(SQUATTED, "受害人")
    thief = house.browser()
    page = thief.get("/register")
    form = {"kind": "111", "number": SQUATTED, "name": "受害人", "password": PASSWORD, "again": PASSWORD}
    assert thief.submit(page, "/register", form).status_code == 303
    thief.sign_in(SQUATTED)
    token = thief.tokens(house.second)["access_token"]
    passed = house.exchange(house.second, token, "api", scope="certs:read").get_json()["access_token"]
    for method, path in (("POST", "search"), ("GET", identifier), ("GET", f"{identifier}/file")):
        asked = house.api(method, f"/api/v1/certs/{path}", passed, {} if method == "POST" else None)
        assert (asked.status_code, asked.get_json()["code"]) == (403, "proofing-too-low")
    assert identifier not in thief.get("/my/certificates").get_data(as_text=True)
    for part in ("", "/file", "/preview.png"):
        assert thief.get(f"/my/certificates/{identifier}{part}").status_code == 404
    looks = thief.get("/my/looks/export").get_json()
    assert {row["kind"] for row in looks["rows"]} <= {"hop"}
    page = thief.get("/my")
    shown = thief.submit(page, "/sign-out", {}).status_code
    assert shown == 303


def test_a_public_client_passes_no_trust_on(house: Attacked, citizen: Browser) -> None:
    """It proves nothing of itself: whoever stole its token could pass it on."""
    public = house.register(pass_to=frozenset({"api"}), authentication=ClientAuthentication.NONE)
    token = citizen.tokens(public)["access_token"]
    answer = house.exchange(public, token, "api", scope="certs:read")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")


def test_the_recipient_of_a_token_passes_it_only_where_itself_may(
    house: Attacked, citizen: Browser, clerk: Browser
) -> None:
    third = house.register("openid profile", label="第三系统")
    relying = house.first.client.relying
    assert relying is not None
    reach = replace(relying, pass_to=relying.pass_to | {third.client.id})
    keep_changed(house.database, house.installation.clients.changed(house.first.client.id, reach))
    actor = clerk.tokens(house.first, scope="openid counter:assist", matter=None)["access_token"]
    entered = {"case": house.case(actor), "actor_token": actor, "actor_token_type": ACCESS_TOKEN}
    subject = citizen.tokens(house.first)["access_token"]
    passed = house.exchange(house.first, subject, house.second.client.id, **entered).get_json()["access_token"]

    refused = house.exchange(house.second, passed, third.client.id)
    assert (refused.status_code, refused.get_json()["error"]) == (400, "invalid_target")
    body = {"token": passed, "audience": third.client.id}
    for thief in (passed, actor, subject):
        assert house.api("POST", "/api/v1/offline/assertions", thief, body).status_code in {401, 403}
    own = house.post("/oauth/token", {"grant_type": "client_credentials"}, house.first).get_json()["access_token"]
    assert house.api("POST", "/api/v1/offline/assertions", own, body).status_code == 200


def test_a_token_for_one_system_opens_nothing_at_another_or_at_our_api(house: Attacked, citizen: Browser) -> None:
    token = citizen.tokens(house.second)["access_token"]
    for path in ("/api/v1/certs/search", "/api/v1/cases", "/api/v1/mandates", "/api/v1/persons/proofing"):
        assert house.api("POST", path, token, {}).status_code in {401, 403}
    stranger = house.register()
    assert house.introspect(stranger, token) == {"active": False}
    assert house.exchange(house.first, token, house.second.client.id).get_json()["error"] == "invalid_request"
    assert house.post("/oauth/revoke", {"token": token}, stranger).get_json()["error"] == "invalid_grant"
    assert house.introspect(house.second, token)["matter"] == FOOD
