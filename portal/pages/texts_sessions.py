"""Sign-ins and consents: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTexts:
    """The sentences of one language."""

    notes: Mapping[str, str]
    title: str
    lead: str
    sessions: str
    here: str
    since: str
    seen: str
    strength: str
    end: str
    end_others: str
    end_others_hint: str
    only_this: str
    consents: str
    consents_lead: str
    consents_none: str
    matter: str
    gets: str
    given: str
    until: str
    withdraw: str


_ZH: Final = SessionTexts(
    notes=MappingProxyType(
        {
            "ended": "该登录已结束。",
            "others-ended": "其他设备上的登录已全部结束。",
            "withdrawn": "已撤回同意，该系统不能再使用您的信息。",
        }
    ),
    title="登录与同意",
    lead="您在哪些设备上登录，同意了哪些系统。",
    sessions="登录的设备",
    here="本次登录",
    since="登录时间",
    seen="最近使用",
    strength="登录方式",
    end="结束登录",
    end_others="结束其他全部登录",
    end_others_hint="只保留本次登录。有不认识的设备？请结束该登录，并立即修改密码。",
    only_this="没有其他设备登录您的账号。",
    consents="同意的系统",
    consents_lead="这些系统在有效期内再次使用时，不会重复询问您。撤回立即生效。",
    consents_none="您没有同意任何系统。",
    matter="事项",
    gets="内容",
    given="同意日期",
    until="有效期至",
    withdraw="撤回同意",
)

_EN: Final = SessionTexts(
    notes=MappingProxyType(
        {
            "ended": "That sign-in has ended.",
            "others-ended": "All other sign-ins have ended.",
            "withdrawn": "Your consent was withdrawn; that system can no longer use your data.",
        }
    ),
    title="Sign-ins and consents",
    lead="On which devices you are signed in, and which systems you allowed something.",
    sessions="Devices",
    here="This sign-in",
    since="Since",
    seen="Last used",
    strength="By",
    end="End it",
    end_others="End all others",
    end_others_hint="Only this sign-in stays. A device that you do not know? End it, and change your password at once.",
    only_this="No other device is signed in.",
    consents="Systems you allowed",
    consents_lead="They do not ask you again until the day that is named. Withdrawing ends it at once.",
    consents_none="You have not allowed any system anything.",
    matter="Matter",
    gets="What",
    given="Allowed on",
    until="Valid to",
    withdraw="Withdraw",
)

SESSION_TEXTS: Final[Mapping[Language, SessionTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
