"""My certificates: list, preview, download, a QR code that somebody else scans, and an end to that at once."""

import io
import re

import zxingcpp
from PIL import Image


def scanned(picture: bytes) -> str:
    return zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))[0].text


def test_a_certificate_is_found_seen_and_shown(window, another, house):
    who = house.resident()
    window.sign_in(who)
    window.open("/my/certificates")
    window.look("my-certificates-none")
    identifier = house.permit(who)
    revoked = house.permit(who)
    house.revoke(revoked)
    window.open("/my/certificates")
    window.look("my-certificates")
    window.open(f"/my/certificates/{revoked}")
    window.look("my-certificate-revoked")
    window.follow("/my/certificates")
    window.follow(f"/my/certificates/{identifier}")
    window.page.locator(".preview img").scroll_into_view_if_needed()
    assert window.page.locator(".preview img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 500
    window.look("my-certificate")
    window.press("form[action^='/my/shows'] button")
    window.look("my-show")
    address = scanned(window.picture_of(".qr img"))
    assert re.fullmatch(re.escape(house.url) + "/s/[A-Za-z0-9_-]{43}", address)
    stranger = another()
    stranger.open(address.removeprefix(house.url))
    stranger.look("scanned")
    assert stranger.page.locator(".verdict.pass").is_visible()
    assert who.code.number not in stranger.page.content()
    window.press("form[action^='/my/shows/void'] button")
    window.look("my-show-over")
    stranger.open(address.removeprefix(house.url), status=404)
    stranger.look("scan-over")


def test_the_signed_file_is_downloaded_as_it_was_issued(window, house):
    who = house.resident()
    identifier = house.permit(who)
    window.sign_in(who)
    window.open(f"/my/certificates/{identifier}")
    with window.page.expect_download() as expected:
        window.page.locator("a[download]").click()
    content = expected.value.path().read_bytes()
    assert content == house.file(identifier)
    assert house.verdict(content) == "VALID"


def test_a_representative_sees_what_the_enterprise_has(window, house):
    who = house.resident()
    firm = house.firm("演示市朝晖区晨光小馆", who)
    house.licence(firm)
    window.sign_in(who)
    window.open("/my/certificates")
    window.press(window.page.locator(".tabs a").nth(1))
    window.look("my-certificates-enterprise")
    window.press(".certificate a")
    window.look("my-certificate-enterprise")


def test_a_code_says_at_the_counter_that_one_is_there(window, house):
    window.sign_in(house.resident())
    window.open("/my/presence")
    window.look("presence")
    window.press("main form button")
    window.look("presence-code")
    assert re.fullmatch("[A-Za-z0-9_-]{43}", scanned(window.picture_of(".qr img")))
    window.press("form[action^='/my/presence/void'] button")
    window.look("presence-void")
