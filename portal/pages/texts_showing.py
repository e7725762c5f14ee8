"""Showing a certificate, and oneself, by a code on the phone: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowingTexts:
    """The sentences of one language."""

    notes: Mapping[str, str]
    title: str
    lead: str
    qr_alt: str
    until: str
    renews: str
    screenshot: str
    logged: str
    void: str
    void_hint: str
    over_voided: str
    over_ended: str
    over_lead: str
    show_again: str
    back: str
    scanned: str
    scanned_hint: str
    whose: str
    holder: str
    holder_number: str
    number: str
    valid_from: str
    valid_to: str
    issued_on: str
    without_end: str
    compare: str
    scan_over: str
    verify_otherwise: str
    presence_title: str
    presence_lead: str
    presence_how: tuple[str, str, str]
    presence_begin: str
    presence_show: str
    presence_alt: str
    presence_never: str
    presence_renews: str
    presence_back: str


_ZH: Final = ShowingTexts(
    notes=MappingProxyType(
        {
            "voided": "二维码已作废。",
            "rested": "为保障安全，二维码已停止显示。如仍需使用，请重新显示。",
        }
    ),
    title="出示证照",
    lead="请对方扫描此二维码。",
    qr_alt="出示证照的二维码",
    until="此码有效至",
    renews="页面会自动换新码，最长 {minutes} 分钟。",
    screenshot="截图会在 60 秒后失效，请勿发送给他人。",
    logged="每次扫码都会记入“谁看过”。",
    void="立即作废",
    void_hint="作废后，已显示的二维码全部失效。",
    over_voided="二维码已作废",
    over_ended="出示已结束",
    over_lead="已显示过的二维码不能再用于核验。",
    show_again="重新出示",
    back="返回证照",
    scanned="持证人刚刚出示",
    scanned_hint="持证人登录后在 60 秒内出示此证照，以下为对原始电子文件的即时核验结果。",
    whose="持证信息",
    holder="持证主体",
    holder_number="证件号码",
    number="证照编号",
    valid_from="有效期起",
    valid_to="有效期至",
    issued_on="签发日期",
    without_end="长期",
    compare="请核对持证主体与出示人是否相符。此页面不应转发，扫码已记录并告知持证人。",
    scan_over="该二维码已失效",
    verify_otherwise="用其他方式核验",
    presence_title="到窗口办事",
    presence_lead="在窗口向工作人员出示二维码，表明是您本人在场并同意办理。",
    presence_how=(
        "二维码 60 秒内有效，只能使用一次。",
        "窗口业务系统只能为本次办理的事项使用您的身份和证照。",
        "使用情况会记入“谁看过”，您可以随时查看并提出异议。",
    ),
    presence_begin="显示窗口二维码",
    presence_show="请窗口工作人员扫描",
    presence_alt="窗口办事二维码",
    presence_never="请只在窗口当面出示。任何人通过电话或网络索要此码，都是诈骗。",
    presence_renews="页面会自动换新码，旧码随即作废。",
    presence_back="返回",
)

_EN: Final = ShowingTexts(
    notes=MappingProxyType(
        {
            "voided": "The code is void.",
            "rested": "For your safety no more codes are shown. Show one again if you still need it.",
        }
    ),
    title="Show a certificate",
    lead="Let the other person scan this code.",
    qr_alt="QR code that shows the certificate",
    until="This code is valid until",
    renews="The page fetches a new code by itself, for {minutes} minutes at most.",
    screenshot="A screenshot is void after 60 seconds; do not send it to anyone.",
    logged="Each scan is recorded under Who looked.",
    void="Void it now",
    void_hint="Every code shown so far ends at once.",
    over_voided="The code is void",
    over_ended="The show is over",
    over_lead="No code that was shown can be used any more.",
    show_again="Show it again",
    back="Back to the certificate",
    scanned="The holder showed this just now",
    scanned_hint="The holder is signed in and showed this certificate within the last 60 seconds. "
    "The original electronic file was verified at this moment:",
    whose="Whose it is",
    holder="Holder",
    holder_number="Number of the holder",
    number="Certificate number",
    valid_from="Valid from",
    valid_to="Valid to",
    issued_on="Issued on",
    without_end="no end",
    compare="See that the holder is the one in front of you. Do not pass this page on: the scan was recorded and the "
    "holder can see it.",
    scan_over="This code is no longer valid",
    verify_otherwise="Verify in another way",
    presence_title="At a counter",
    presence_lead="Show a code at the counter: it says that you are there yourself and agree.",
    presence_how=(
        "The code lives for 60 seconds and can be used once.",
        "The counter's system may use your identity and certificates for this one matter only.",
        "Its use is recorded under Who looked; you can see it at any time and object.",
    ),
    presence_begin="Show the counter code",
    presence_show="For the clerk to scan",
    presence_alt="QR code for the counter",
    presence_never="Show it face to face at a counter only. Whoever asks for it by phone or online is a fraud.",
    presence_renews="The page fetches a new code by itself; the old one is then void.",
    presence_back="Back",
)

SHOWING_TEXTS: Final[Mapping[Language, ShowingTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
