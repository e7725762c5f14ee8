"""Who looked: after a trust was passed at a counter the person sees who, where, why; and may object."""

from portal.demo.people import RESIDENCE_MATTER
from tests.browser.test_asking import ask, told


def test_the_person_sees_who_looked_and_objects(window, another, house):
    who = house.resident()
    house.permit(who)
    window.sign_in(who)
    window.open("/my/looks")
    window.look("looks-none")
    ask(window, house.first, matter=RESIDENCE_MATTER.code)
    window.press("button[value=allow]")
    house.pass_on(told(window, house.first)["sid"], RESIDENCE_MATTER.code)
    window.open("/my/looks")
    window.look("looks")
    said = window.page.locator("main").inner_text()
    assert house.everyone.counters[0].name in said
    assert "郑**" in said
    window.press("main a[href*='/my/looks?']")
    window.look("looks-own-too")
    window.press("main a[href*='/my/looks/object']")
    window.look("object")
    window.send("/my/looks/object", status=422, text=f"本人号码 {who.code.number}")
    window.look("object-refused")
    window.send("/my/looks/object", text="我没有去过这个窗口")
    window.look("objected")
    with window.page.expect_download() as expected:
        window.open("/my/looks")
        window.page.locator("a[download]").click()
    assert expected.value.suggested_filename == "who-looked.json"
