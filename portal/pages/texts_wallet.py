"""My certificates: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletTexts:
    """The sentences of one language."""

    notes: Mapping[str, str]
    title: str
    lead: str
    as_whom: str
    myself: str
    none: str
    none_hint: str
    unproofed: str
    unproofed_hint: str
    valid: str
    until: str
    without_end: str
    show: str
    show_hint: str
    download: str
    download_hint: str
    preview: str
    preview_alt: str
    details: str
    holder: str
    holder_number: str
    number: str
    authority: str
    issued_at: str
    identifier: str
    not_in_force: str
    logged: str
    back: str


_ZH: Final = WalletTexts(
    notes=MappingProxyType({}),
    title="我的证照",
    lead="由颁发机构签发、加盖电子签章的证照。",
    as_whom="查看哪一方的证照",
    myself="本人",
    none="目前没有电子证照。",
    none_hint="证照由颁发机构签发后会自动出现在这里。如已办理但未显示，请联系颁发机构。",
    unproofed="您的身份尚未经证件核验，不能查看证照。",
    unproofed_hint="请携带身份证件到任一政务服务窗口完成核验；证件已过期的，请更新后核验。",
    valid="有效期",
    until="至",
    without_end="长期",
    show="出示证照",
    show_hint="生成 60 秒有效的二维码，供对方扫描核验。",
    download="下载 PDF",
    download_hint="下载的文件带有颁发机构的电子签章，可转交他人核验。打印件不能用于核验。",
    preview="证照预览",
    preview_alt="证照首页图像",
    details="证照信息",
    holder="持证主体",
    holder_number="证件号码",
    number="证照编号",
    authority="颁发机构",
    issued_at="签发时间",
    identifier="电子证照标识",
    not_in_force="此证照目前不是有效状态，对方核验时会看到。",
    logged="您在这里的查看也会留下记录：",
    back="全部证照",
)

_EN: Final = WalletTexts(
    notes=MappingProxyType({}),
    title="My certificates",
    lead="Electronic certificates, sealed by the authorities that issued them.",
    as_whom="Whose certificates",
    myself="My own",
    none="There are no certificates yet.",
    none_hint="They appear here once an authority has issued them. If one is missing, ask that authority.",
    unproofed="Your identity has not been checked by a document, so no certificate can be shown.",
    unproofed_hint="Have your identity document checked at any government service counter; renew an expired one first.",
    valid="Valid",
    until="to",
    without_end="no end",
    show="Show it",
    show_hint="Makes a QR code that lives for 60 seconds, for others to scan.",
    download="Download PDF",
    download_hint="The file carries the authority's electronic seal and can be passed on and verified. A print cannot.",
    preview="Preview",
    preview_alt="First page of the certificate",
    details="Details",
    holder="Holder",
    holder_number="Number of the holder",
    number="Certificate number",
    authority="Issuing authority",
    issued_at="Issued at",
    identifier="Certificate identifier",
    not_in_force="This certificate is not in force at present; whoever verifies it will see that.",
    logged="Your own looks are recorded as well:",
    back="All certificates",
)

WALLET_TEXTS: Final[Mapping[Language, WalletTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
