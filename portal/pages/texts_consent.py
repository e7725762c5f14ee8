"""Consent and what can go wrong before it: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sso.mandates.domain import MandateKind
from sso.provider.domain import Scope
from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentTexts:
    """The sentences of one language. `scopes` say what a system learns or may do, by the scope that it asks for."""

    notes: Mapping[str, str]
    title: str
    asks: str
    who: str
    authority: str
    sandbox: str
    what: str
    scopes: Mapping[str, str]
    types: str
    why: str
    why_none: str
    matter: str
    how_long: str
    how_long_text: str
    remembered: str
    as_whom: str
    myself: str
    as_kinds: Mapping[MandateKind, str]
    until: str
    allow: str
    refuse: str
    log_hint: str
    unusable_title: str
    unusable_lead: str
    unusable_reason: str
    over_lead: str
    back: str
    home: str


_ZH: Final = ConsentTexts(
    notes=MappingProxyType({"not-ready": "请先完成页面所示的步骤，再确认授权。"}),
    title="授权确认",
    asks="请您确认登录",
    who="请求方",
    authority="所属机构",
    sandbox="测试系统：仅供开发调试，不办理真实业务。",
    what="将获得",
    scopes=MappingProxyType(
        {
            Scope.OPENID: "一个只供该系统识别您的编号（不是证件号码）",
            Scope.PROFILE: "您的姓名",
            Scope.IDENTITY: "您的证件类型和完整证件号码",
            Scope.CERTS_READ: "查看您的电子证照",
            Scope.COUNTER_ASSIST: "以窗口人员身份协助群众办理",
            Scope.MANDATES: "查看、授予、接受和撤回您的授权",
            Scope.OFFLINE_ACCESS: "在您离开页面后继续办理，直到您退出登录",
        }
    ),
    types="仅限以下证照：",
    why="用途",
    why_none="登录该系统",
    matter="事项",
    how_long="有效期",
    how_long_text="到您退出登录为止，最长至",
    remembered="同意后 180 天内不再询问；您可以随时在“登录与同意”中撤回。",
    as_whom="以谁的身份办理",
    myself="本人",
    as_kinds=MappingProxyType(
        {
            MandateKind.LEGAL_REPRESENTATIVE: "法定代表人",
            MandateKind.STANDING_AGENT: "经办人",
            MandateKind.ONE_OFF: "一次性授权",
        }
    ),
    until="有效至",
    allow="同意并继续",
    refuse="不同意",
    log_hint="每次查看您的证照都会留下一条您可以查到的记录。",
    unusable_title="无法继续登录",
    unusable_lead="业务系统发来的登录请求有误，为保护您的安全，本页不会跳转到任何地方。",
    unusable_reason="原因",
    over_lead="您没有登录该系统，也没有向它提供任何信息。",
    back="返回业务系统",
    home="返回首页",
)

_EN: Final = ConsentTexts(
    notes=MappingProxyType({"not-ready": "Please finish the step shown before you agree."}),
    title="Your consent",
    asks="asks to sign you in",
    who="Who asks",
    authority="Authority",
    sandbox="Test system: for developers only, nothing real is done here.",
    what="What it gets",
    scopes=MappingProxyType(
        {
            Scope.OPENID: "A mark by which only this system knows you (not your document number)",
            Scope.PROFILE: "Your name",
            Scope.IDENTITY: "The kind and the full number of your document",
            Scope.CERTS_READ: "A look at your electronic certificates",
            Scope.COUNTER_ASSIST: "Assisting citizens as a clerk",
            Scope.MANDATES: "Seeing, granting, accepting and withdrawing your mandates",
            Scope.OFFLINE_ACCESS: "Going on with your case after you left the page, until you sign out",
        }
    ),
    types="Only these certificates:",
    why="What for",
    why_none="Signing in to this system",
    matter="Matter",
    how_long="For how long",
    how_long_text="Until you sign out, at most until",
    remembered=(
        "If you agree, you are not asked again for 180 days; "
        "you can withdraw it at any time under Sign-ins and consents."
    ),
    as_whom="In whose name",
    myself="My own",
    as_kinds=MappingProxyType(
        {
            MandateKind.LEGAL_REPRESENTATIVE: "legal representative",
            MandateKind.STANDING_AGENT: "standing agent",
            MandateKind.ONE_OFF: "one-off mandate",
        }
    ),
    until="until",
    allow="Agree and continue",
    refuse="Do not agree",
    log_hint="Each look at your certificates leaves one record that you can see.",
    unusable_title="The sign-in cannot go on",
    unusable_lead="The system's sign-in request is not right. To keep you safe, this page leads nowhere else.",
    unusable_reason="Reason",
    over_lead="You were not signed in to the system, and nothing of yours was passed on to it.",
    back="Back to the system",
    home="To the start page",
)

CONSENT_TEXTS: Final[Mapping[Language, ConsentTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
