"""Sign-ins and consents: another device is signed out from here, and a system is no longer let in unasked."""

from portal.demo.people import RESIDENCE_MATTER
from tests.browser.test_asking import ask


def test_another_device_is_signed_out_and_a_consent_withdrawn(window, another, house):
    who = house.resident()
    elsewhere = another()
    elsewhere.sign_in(who)
    window.sign_in(who)
    ask(window, house.first, matter=RESIDENCE_MATTER.code)
    window.press("button[value=allow]")
    window.open("/my/sessions")
    window.look("sessions")
    window.press("form[action='/my/sessions/end'] button, form[action^='/my/sessions/end?'] button")
    window.look("sessions-one-ended")
    elsewhere.open("/my")
    assert elsewhere.at("/sign-in")
    elsewhere.look("sign-in-to-come-back")
    window.press("form[action^='/my/sessions/withdraw'] button")
    window.look("consent-withdrawn")
    ask(window, house.first, matter=RESIDENCE_MATTER.code)
    assert window.page.locator("button[value=allow]").is_visible()


def test_all_other_devices_are_signed_out_at_once(window, another, house):
    who = house.resident()
    others = [another(), another()]
    for each in others:
        each.sign_in(who)
    window.sign_in(who)
    window.open("/my/sessions")
    window.press("form[action^='/my/sessions/end-others'] button")
    window.look("sessions-only-this")
    for each in others:
        each.open("/my")
        assert each.at("/sign-in")
