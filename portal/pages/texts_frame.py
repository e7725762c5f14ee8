# ruff: noqa: S106  words shown to people, no secrets
"""What stands around every page of people who sign in, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameTexts:
    """The sentences of one language: of the frame, and of fields that stand in forms of several areas."""

    sign_in: str
    sign_out: str
    account: str
    nav_mine: str
    nav_certificates: str
    nav_presence: str
    nav_looks: str
    nav_mandates: str
    nav_sessions: str
    nav_security: str
    new_password: str
    new_password_hint: str
    again_password: str
    passwords_differ: str
    back: str
    mend: str
    footer: str


FRAME: Mapping[Language, FrameTexts] = MappingProxyType(
    {
        "zh": FrameTexts(
            sign_in="登录",
            sign_out="退出",
            account="我的账号",
            nav_mine="首页",
            nav_certificates="证照",
            nav_presence="窗口",
            nav_looks="谁看过",
            nav_mandates="授权",
            nav_sessions="设备",
            nav_security="安全设置",
            new_password="新密码",
            new_password_hint="至少 10 个字符。三四个互不相关的词语最好记、最难猜；不要包含姓名、证件号码或生日。",
            again_password="再输入一次",
            passwords_differ="两次输入的密码不一致。",
            back="返回",
            mend="请更正以下内容",
            footer="证件号码加密保存，不会出现在网址和日志中。",
        ),
        "en": FrameTexts(
            sign_in="Sign in",
            sign_out="Sign out",
            account="My account",
            nav_mine="Home",
            nav_certificates="Certificates",
            nav_presence="Counter",
            nav_looks="Who looked",
            nav_mandates="Mandates",
            nav_sessions="Devices",
            nav_security="Security",
            new_password="New password",
            new_password_hint=(
                "At least 10 characters. Three or four unrelated words are easy to remember and hard to guess; "
                "leave out your name, number and birthday."
            ),
            again_password="The same again",
            passwords_differ="The two passwords are not the same.",
            back="Back",
            mend="Please correct the following",
            footer="Document numbers are kept encrypted and never appear in addresses or logs.",
        ),
    }
)
