"""The front page of signed-in people: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class MineTexts:
    """The sentences of one language. A tile is icon, path, title and what one does there; `office` is for officers."""

    notes: Mapping[str, str]
    title: str
    greeting: str
    tiles: tuple[tuple[str, str, str, str], ...]
    office: tuple[str, str, str, str]
    waiting: str


_ZH: Final = MineTexts(
    notes=MappingProxyType({}),
    title="我的首页",
    greeting="{name}，您好",
    tiles=(
        ("certificate", "/my/certificates", "我的证照", "查看、下载、出示"),
        ("counter", "/my/presence", "到窗口办事", "出示二维码，证明本人到场"),
        ("eye", "/my/looks", "谁看过", "每一次使用，谁、为什么"),
        ("mandate", "/my/mandates", "我的授权", "代办、经办人、法定代表人"),
        ("device", "/my/sessions", "登录与同意", "登录的设备，同意的系统"),
        ("lock", "/security", "安全设置", "密码、动态验证码、通行密钥"),
    ),
    office=("system", "/systems", "业务系统", "登记、变更与审批（管理人员）"),
    waiting="{count} 项等待您接受",
)

_EN: Final = MineTexts(
    notes=MappingProxyType({}),
    title="My page",
    greeting="Hello, {name}",
    tiles=(
        ("certificate", "/my/certificates", "My certificates", "See, download, show"),
        ("counter", "/my/presence", "At a counter", "Show a code that says you are there"),
        ("eye", "/my/looks", "Who looked", "Each use, by whom and why"),
        ("mandate", "/my/mandates", "My mandates", "Agents and legal representatives"),
        ("device", "/my/sessions", "Sign-ins and consents", "Devices, and systems you allowed"),
        ("lock", "/security", "Security", "Password, one-time codes, passkeys"),
    ),
    office=("system", "/systems", "Systems", "Registration and approval, for officers"),
    waiting="{count} waiting for you",
)

MINE_TEXTS: Final[Mapping[Language, MineTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
