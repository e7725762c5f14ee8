"""A code from a counter that the person did not ask for: told on every page, and gone with one press."""


def test_the_person_is_told_of_a_code_from_a_counter_and_cancels_it(window, house):
    who = house.resident()
    window.sign_in(who)
    desk, counter = house.installation.people.sign_ins, house.everyone.counters[0]
    desk.hand_out_code(who.id, clerk=house.everyone.clerk, counter=counter.id)
    window.open("/my/certificates")
    window.look("notice-of-a-code")
    said = window.page.locator("main [role=alert]").inner_text()
    assert counter.name in said
    assert "郑**" in said
    window.press("form[action^='/my/account/cancel-code'] button")
    window.look("account-code-cancelled")
    assert window.page.locator("main [role=alert]").count() == 0
    assert desk.open_codes(who.id) == []
    window.open("/my/looks")
    window.press("main a[href^='/my/account']")
    window.look("account")
