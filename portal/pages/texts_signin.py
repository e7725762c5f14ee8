# ruff: noqa: S106  words shown to people, no secrets
"""Signing in, registering, recovering, proving again, signing out: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInTexts:
    """The sentences of one language. `kinds` are the kinds of numbers offered in forms, in this order."""

    notes: Mapping[str, str]
    kinds: Mapping[str, str]
    title: str
    lead: str
    for_system: str
    kind: str
    number: str
    number_hint: str
    name: str
    name_hint: str
    password: str
    submit: str
    or_word: str
    passkey: str
    passkey_hint: str
    passkey_failed: str
    upstream: str
    no_account: str
    register: str
    lost: str
    recover: str
    code_title: str
    code_lead: str
    code: str
    code_hint: str
    code_submit: str
    begin_again: str
    register_title: str
    register_lead: str
    register_submit: str
    choose_submit: str
    recover_title: str
    recover_lead: str
    recover_code: str
    recover_code_hint: str
    recover_nothing: str
    recover_submit: str
    renew_title: str
    renew_lead: str
    step_title: str
    step_lead: str
    step_submit: str
    by_code: str
    by_password: str
    by_passkey: str
    no_means: str
    not_now: str
    out_title: str
    out_lead: str
    out_asked_by: str
    out_submit: str
    out_stay: str
    out_done_title: str
    out_done_lead: str
    out_refused_title: str
    out_refused_lead: str
    out_refused_do: str
    out_refused_home: str
    reason: str
    sign_in_again: str
    missing: str


_ZH: Final = SignInTexts(
    notes=MappingProxyType(
        {
            "registered": "注册信息已提交。如核验通过，现在即可登录。",
            "password-renewed": "新密码已生效，请登录。",
            "attempt-ended": "本次操作已超时或已完成，请从第一步重新开始。",
            "session-ended": "登录已结束，请重新登录。",
            "upstream-declined": "您未在其他平台完成登录，可改用其他方式。",
        }
    ),
    kinds=MappingProxyType(
        {
            "111": "居民身份证",
            "414": "普通护照",
            "511": "台湾居民来往大陆通行证",
            "516": "港澳居民来往内地通行证",
            "999": "其他证件",
        }
    ),
    title="登录",
    lead="登录一次，各窗口业务系统通用。",
    for_system="登录后继续前往：",
    kind="证件类型",
    number="证件号码",
    number_hint="按证件所印填写，字母不分大小写。",
    name="姓名",
    name_hint="与证件上的姓名一致。",
    password="密码",
    submit="登录",
    or_word="或",
    passkey="使用通行密钥登录",
    passkey_hint="用本机的指纹、面容或锁屏密码，无需输入号码和密码。",
    passkey_failed="未能使用通行密钥，请重试，或改用密码登录。",
    upstream="使用其他平台账号登录",
    no_account="没有账号？",
    register="注册",
    lost="忘记密码或手机？",
    recover="找回账号",
    code_title="输入动态验证码",
    code_lead="密码正确。请再输入手机验证器中显示的 6 位数字。",
    code="动态验证码",
    code_hint="每 30 秒更换一次。",
    code_submit="确认",
    begin_again="重新开始",
    register_title="注册账号",
    register_lead="填写证件信息并设置密码，与登记机关比对一致后即可登录。",
    register_submit="注册",
    choose_submit="保存密码",
    recover_title="找回账号",
    recover_lead="使用您保存的恢复码，或窗口工作人员当面发给您的验证码，重新设置密码。",
    recover_code="恢复码或窗口验证码",
    recover_code_hint="25 个字母和数字，连字符和大小写均可省略。",
    recover_nothing="两种都没有？请携带证件到任一窗口，工作人员核验本人后当场发放。",
    recover_submit="下一步",
    renew_title="设置新密码",
    renew_lead="验证通过。设置新密码后，其他设备上的登录将全部结束。",
    step_title="请再次确认是您本人",
    step_lead="此操作需要更可靠的身份验证。",
    step_submit="确认",
    by_code="用动态验证码",
    by_password="用密码",
    by_passkey="用通行密钥",
    no_means="您现有的验证方式不足以完成此操作。请换一种方式重新登录，或先在“安全设置”中启用动态验证码或通行密钥。",
    not_now="暂不登录，返回业务系统",
    out_title="确认退出登录？",
    out_lead="退出后，您从这里登录的所有业务系统也将一并退出。",
    out_asked_by="请求方",
    out_submit="退出登录",
    out_stay="继续使用",
    out_done_title="您已退出登录",
    out_done_lead="您登录过的业务系统正在收到通知。如使用公共电脑，请关闭浏览器。",
    out_refused_title="退出请求无法处理",
    out_refused_lead="业务系统发来的退出请求有误，本页不会跳转到任何地方，也没有结束您的登录。",
    out_refused_do="如需退出，请在此直接退出登录。",
    out_refused_home="返回首页",
    reason="原因",
    sign_in_again="重新登录",
    missing="请填写此项。",
)

_EN: Final = SignInTexts(
    notes=MappingProxyType(
        {
            "registered": "Your registration was received. If your details were confirmed, you can sign in now.",
            "password-renewed": "The new password is in force. Please sign in.",
            "attempt-ended": "This took too long or was already finished. Please begin again from the first step.",
            "session-ended": "You are no longer signed in. Please sign in again.",
            "upstream-declined": "You did not finish signing in on the other platform. You can choose another way.",
        }
    ),
    kinds=MappingProxyType(
        {
            "111": "Resident identity card",
            "414": "Passport",
            "511": "Travel permit for Taiwan residents",
            "516": "Travel permit for Hong Kong and Macao residents",
            "999": "Another document",
        }
    ),
    title="Sign in",
    lead="Sign in once and use every counter system.",
    for_system="After signing in you go on to:",
    kind="Kind of document",
    number="Document number",
    number_hint="As printed on the document; capitals do not matter.",
    name="Name",
    name_hint="As it stands on the document.",
    password="Password",
    submit="Sign in",
    or_word="or",
    passkey="Sign in with a passkey",
    passkey_hint="With the fingerprint, face or screen lock of this device; no number and no password.",
    passkey_failed="The passkey could not be used. Try again, or sign in with your password.",
    upstream="Sign in with an account of another platform",
    no_account="No account yet?",
    register="Register",
    lost="Lost password or phone?",
    recover="Recover the account",
    code_title="Enter the one-time code",
    code_lead="The password is right. Now enter the 6 digits that the app on your phone shows.",
    code="One-time code",
    code_hint="It changes every 30 seconds.",
    code_submit="Confirm",
    begin_again="Begin again",
    register_title="Register an account",
    register_lead="Give the details of your document and choose a password. They are compared with the register.",
    register_submit="Register",
    choose_submit="Save password",
    recover_title="Recover the account",
    recover_lead="Set a new password with a recovery code that you kept, or with a code that a clerk handed to you.",
    recover_code="Recovery code or code from a counter",
    recover_code_hint="25 letters and digits; hyphens and capitals do not matter.",
    recover_nothing="Neither of the two? Bring your document to any counter; the clerk checks that it is you and hands "
    "out a code on the spot.",
    recover_submit="Next",
    renew_title="Set a new password",
    renew_lead="The code is right. With the new password, sign-ins on all other devices end.",
    step_title="Please confirm again that it is you",
    step_lead="This needs a surer proof of who you are.",
    step_submit="Confirm",
    by_code="With a one-time code",
    by_password="With the password",
    by_passkey="With a passkey",
    no_means="What you can prove here is not enough for this. Sign in again in another way, or first set up one-time "
    "codes or a passkey under Security.",
    not_now="Not now, back to the system",
    out_title="Sign out?",
    out_lead="You are then signed out of every system that you signed in to from here, too.",
    out_asked_by="Asked for by",
    out_submit="Sign out",
    out_stay="Stay signed in",
    out_done_title="You are signed out",
    out_done_lead="The systems that you had signed in to are being told. On a shared computer, close the browser.",
    out_refused_title="The request to sign out cannot be used",
    out_refused_lead="The system's request is not right. This page leads nowhere else, and your sign-in has not ended.",
    out_refused_do="If you want to sign out, do it here.",
    out_refused_home="To the start page",
    reason="Reason",
    sign_in_again="Sign in again",
    missing="Please fill this in.",
)

SIGN_IN_TEXTS: Final[Mapping[Language, SignInTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
