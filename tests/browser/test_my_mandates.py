"""Mandates: granted after a last look, accepted by the agent, withdrawn; and a representative found in the register."""

from datetime import timedelta

from portal.demo.people import FOOD_MATTER
from sso.mandates.domain import MandateKind
from tests.integration.installation import today


def test_a_mandate_is_granted_accepted_and_withdrawn(window, another, house):
    representative, agent = house.resident(app=True), house.resident("林知远")
    house.firm("演示市朝晖区晨光小馆", representative)
    window.sign_in(representative)
    window.open("/my/mandates")
    window.look("mandates")
    window.follow("/my/mandates/grant")
    window.look("grant")
    page = window.page
    page.locator("select#principal").select_option(index=1)
    page.locator(f"input[name=kind][value='{MandateKind.STANDING_AGENT.value}']").check()
    window.fill(number=agent.code.number, name="林知近", valid_until=str(today() + timedelta(days=90)))
    window.press("main form button", status=422)
    window.look("grant-refused")
    window.fill(name=agent.name)
    page.locator(f"input[name=matters][value='{FOOD_MATTER.code}']").check()
    window.press("main form button")
    window.look("grant-check")
    window.press("button[value=confirm]")
    window.look("mandates-granted")
    other = another()
    other.sign_in(agent)
    other.look("my-with-an-offer")
    other.follow("/my/mandates")
    other.look("mandates-offer")
    other.press("form[action^='/my/mandates/accept'] button")
    other.look("mandates-accepted")
    window.open("/my/mandates")
    window.press("a[href*='/my/mandates/withdraw']")
    window.look("mandate-withdraw")
    window.press("main form button")
    window.look("mandates-withdrawn")
    other.open("/my/mandates")
    assert other.page.locator("a[href*='/my/mandates/withdraw']").count() == 0


def test_granting_wants_a_second_factor(window, house):
    who = house.resident()
    window.sign_in(who)
    window.open("/my/mandates/grant")
    window.look("grant-weak")
    window.press("main a.button")
    assert window.at("/security")


def test_a_representative_is_found_in_the_register(window, house):
    who, firm = house.claimant()
    window.sign_in(who)
    window.open("/my/mandates/claim")
    window.look("claim")
    window.send("/my/mandates/claim", status=422, number=house.everyone.enterprise.code.number)
    window.look("claim-refused")
    window.send("/my/mandates/claim", number=firm.code.number)
    window.look("claimed")
