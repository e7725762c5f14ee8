# ruff: noqa: S106  words shown to people, no secrets
"""Redeeming an enrolment ticket: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolTexts:
    """The sentences of one language."""

    notes: Mapping[str, str]
    title: str
    lead: str
    ticket: str
    ticket_hint: str
    ticket_dead: str
    password: str
    submit: str
    done_title: str
    done_lead: str
    sign_in: str
    missing: str


_ZH: Final = EnrolTexts(
    notes=MappingProxyType({}),
    title="首次设置密码",
    lead="您已在窗口完成身份核验。请使用窗口提供的凭证设置密码，之后即可登录。",
    ticket="开户凭证",
    ticket_hint="43 位字母、数字及 - _ 符号，区分大小写，30 分钟内有效。凭证上如有二维码，扫描后会自动填入。",
    ticket_dead="凭证无效、已使用或已过期。请核对后重试，或请窗口重新提供。",
    password="密码",
    submit="设置密码",
    done_title="密码已设置",
    done_lead="现在可以用证件号码和新密码登录。",
    sign_in="前往登录",
    missing="请填写此项。",
)

_EN: Final = EnrolTexts(
    notes=MappingProxyType({}),
    title="Choose a first password",
    lead="Your identity was checked at a counter. Choose a password with the ticket from there; then you can sign in.",
    ticket="Enrolment ticket",
    ticket_hint="43 letters, digits and - _ signs, capitals matter, good for 30 minutes. If it has a QR code, scanning "
    "that fills it in.",
    ticket_dead="The ticket is wrong, used or too old. Check it, or ask the counter for a new one.",
    password="Password",
    submit="Set the password",
    done_title="The password is set",
    done_lead="You can now sign in with your document number and the new password.",
    sign_in="Go to sign-in",
    missing="Please fill this in.",
)

ENROL_TEXTS: Final[Mapping[Language, EnrolTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
