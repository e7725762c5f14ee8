"""A relying system asks: who asks, what, why, how long, as whom; what the person answers reaches the system."""

import json

from portal.demo.people import FOOD_MATTER, RESIDENCE_MATTER

PASSWORD = "urn:yinxin:aal:1"
ONE_TIME_CODE = "urn:yinxin:aal:2"


def ask(window, system, **asked):
    """Begin to sign in to a system, as a person who presses its button does."""
    window.page.goto(system.login(ui_locales=window.lang, **asked))


def told(window, system):
    """What the system knows about who is signed in there."""
    assert window.page.url == f"{system.url}/"
    return json.loads(window.page.locator("body").inner_text())["claims"]


def test_a_system_asks_for_oneself_and_is_allowed(window, house):
    who = house.resident()
    ask(window, house.first, matter=RESIDENCE_MATTER.code)
    window.look("sign-in-for-a-system")
    window.sign_in(who, path=None)
    window.look("consent")
    window.press("button[value=allow]")
    claims = told(window, house.first)
    assert claims["acr"] == PASSWORD
    assert "represents" not in claims
    assert who.code.number not in json.dumps(claims)


def test_a_system_asks_and_is_refused(window, house):
    who = house.resident()
    window.sign_in(who)
    ask(window, house.first, matter=RESIDENCE_MATTER.code)
    with window.page.expect_navigation(url=f"{house.first.url}/callback?*"):
        window.page.locator("button[value=refuse]").click()
    assert "error=access_denied" in window.page.url
    window.expect(500)  # the demonstration's system does not catch the refusal


def test_an_agent_acts_for_an_enterprise(window, house):
    representative, agent = house.resident(), house.resident("林知远")
    firm = house.firm("演示市朝晖区晨光小馆", representative)
    offer = house.appoint(firm, representative, agent)
    house.installation.registers.mandates.accept(offer.id, by=agent.id)
    window.sign_in(agent)
    ask(window, house.second, matter=FOOD_MATTER.code)
    window.look("consent-as-whom")
    window.page.locator(f"input[name=represents][value='{offer.id}']").check()
    window.look("consent-for-an-enterprise")
    window.press("button[value=allow]")
    assert told(window, house.second)["represents"]["name"] == firm.person.name


def test_a_sandbox_says_what_it_is(window, house):
    ask(window, house.sandbox)
    window.sign_in(house.resident(), path=None)
    window.look("consent-sandbox")
    assert window.page.locator(".caution").is_visible()
    window.press("button[value=allow]")
    assert told(window, house.sandbox)["sub"]


def test_a_system_that_wants_more_gets_it(window, house):
    who = house.resident()
    window.sign_in(who)
    ask(window, house.first, matter=RESIDENCE_MATTER.code, acr_values=ONE_TIME_CODE)
    window.look("step-up-without-means")
    house.equip(who)
    ask(window, house.first, matter=RESIDENCE_MATTER.code, acr_values=ONE_TIME_CODE)
    window.look("step-up-for-a-system")
    window.send("/step-up/code", code=who.app.code())
    window.press("button[value=allow]")
    assert told(window, house.first)["acr"] == ONE_TIME_CODE


def test_signing_out_at_a_system_reaches_everything(window, another, house):
    who = house.resident()
    for system in (house.first, house.second):
        ask(window, system, matter=RESIDENCE_MATTER.code)
        if window.at("/sign-in"):
            window.sign_in(who, path=None)
        window.press("button[value=allow]")
    window.open("/oauth/logout")
    window.look("sign-out-question")
    window.press("button[value=yes]")
    window.look("signed-out-everywhere")
    house.tell_signed_out()
    for system in (house.first, house.second):
        window.page.goto(system.url)
        assert told(window, system) is None


def test_a_request_that_cannot_be_used_leads_nowhere(window, house):
    window.open("/oauth/authorize?client_id=nobody", status=400)
    window.look("request-unusable")
    window.open("/oauth/logout?id_token_hint=bad", status=400)
    window.look("sign-out-unusable")
