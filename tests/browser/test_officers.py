"""Officers register a relying system: one applies, another approves, the first collects the secret once."""

from portal.demo import data
from portal.demo.people import RESIDENCE_MATTER
from sso.accounts.roles import Role


def test_a_system_is_applied_for_approved_and_collected(window, another, house):
    applicant, approver = house.officers[Role.SYSTEM_ADMIN], house.officers[Role.SECURITY_ADMIN]
    window.sign_in(applicant)
    window.open("/systems")
    window.look("systems")
    window.follow("/systems/apply")
    window.look("system-form")
    window.fill(
        label="样本市社保窗口系统",
        authority=data.AUTHORITY,
        contact="信息中心 王工，010-00000000",
        why="社保窗口业务上线",
        redirect_uris="http://counter.example.gov.cn/callback",
        sector="counter.example.gov.cn",
    )
    window.press("button[value=check]", status=422)
    window.look("system-form-refused")
    window.fill(redirect_uris="https://counter.example.gov.cn/callback")
    window.page.locator(f"input[name=matters][value='{RESIDENCE_MATTER.code}']").check()
    window.page.locator(f"input[name=types][value='{data.RESIDENCE_PERMIT}']").check()
    window.press("button[value=check]")
    window.look("system-check")
    window.press("button[value=send]")
    window.look("system-applied")
    other = another()
    other.sign_in(approver)
    other.open("/systems")
    other.look("systems-waiting")
    other.press(".things a")
    other.look("system-to-decide")
    other.press("form[action*='/approve'] button")
    other.look("system-approved")
    window.page.reload()
    window.press("form[action*='/secret'] button")
    window.look("system-secret")
    window.press("main a.button")
    window.open("/systems")
    window.press(window.page.locator(".things a", has_text="样本市社保窗口系统").last)
    window.look("system")


def test_who_holds_no_office_is_told_so(window, house):
    window.sign_in(house.resident())
    window.open("/systems", status=403)
    window.look("systems-refused")
