"""What counters did with my account: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sso.accounts.domain import Act
from sso.signin.clerk_acts import ClerkActKind
from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTexts:
    """The sentences of one language. `kinds` says what a row is; `documents` names kinds of GB/T 36903."""

    notes: Mapping[str, str]
    title: str
    lead: str
    link: str
    kinds: Mapping[str, str]
    documents: Mapping[str, str]
    counter: str
    clerk: str
    document: str
    good_from: str
    until: str
    unknown: str
    export: str
    export_hint: str
    code_title: str
    code_open: str
    code_effect: str
    not_me: str


_ZH: Final = AccountTexts(
    notes=MappingProxyType({"cancelled": "该恢复码已作废，不能再用于您的账号。请同时修改密码。"}),
    title="账号办理记录",
    lead="窗口和管理人员对您的账号做过什么，每一次都记录在这里，不会删除。",
    link="窗口对您的账号做过什么",
    kinds=MappingProxyType(
        {
            ClerkActKind.PROOFED.value: "窗口核验了您的证件",
            ClerkActKind.CODE.value: "窗口为您的账号发放了恢复码",
            ClerkActKind.RELEASED.value: "另一名工作人员复核，恢复码立即生效",
            ClerkActKind.CANCELLED.value: "您作废了恢复码",
            ClerkActKind.USED.value: "恢复码已使用",
            Act.REGISTERED.value: "账号已登记",
            Act.RENAMED.value: "姓名已变更",
            Act.NUMBER_ADDED.value: "增加了一个证件号码",
            Act.MERGED.value: "与另一账号合并",
            Act.DISABLED.value: "账号被停用",
            Act.ENABLED.value: "账号恢复使用",
            Act.ENDED.value: "账号被注销",
            Act.CREDENTIALS_ENDED.value: "原有登录凭证全部失效",
        }
    ),
    documents=MappingProxyType({"111": "居民身份证", "414": "普通护照"}),
    counter="窗口",
    clerk="工作人员",
    document="证件",
    good_from="可用时间",
    until="失效时间",
    unknown="未登记",
    export="下载全部记录",
    export_hint="JSON 格式，可由其他软件读取。",
    code_title="有人在窗口为您的账号领取了恢复码",
    code_open="{when}，{counter}（工作人员 {clerk}）。自 {good_from} 起，持码人可以重设您的密码并登录。",
    code_effect="如果是您本人办理，无需操作。如果不是，请立即作废；此事会报告安全管理员。",
    not_me="不是我办理的，立即作废",
)

_EN: Final = AccountTexts(
    notes=MappingProxyType(
        {"cancelled": "The recovery code is void and cannot be used for your account. Change your password as well."}
    ),
    title="History of my account",
    lead="What counters and officers did with your account: each time is recorded here, and nothing is deleted.",
    link="What counters did with your account",
    kinds=MappingProxyType(
        {
            ClerkActKind.PROOFED.value: "A counter checked your document",
            ClerkActKind.CODE.value: "A counter handed out a recovery code for your account",
            ClerkActKind.RELEASED.value: "A second clerk made the recovery code good at once",
            ClerkActKind.CANCELLED.value: "You cancelled the recovery code",
            ClerkActKind.USED.value: "The recovery code was used",
            Act.REGISTERED.value: "The account was registered",
            Act.RENAMED.value: "The name was changed",
            Act.NUMBER_ADDED.value: "Another document number was added",
            Act.MERGED.value: "The account was merged with another",
            Act.DISABLED.value: "The account was stopped",
            Act.ENABLED.value: "The account was opened again",
            Act.ENDED.value: "The account was ended",
            Act.CREDENTIALS_ENDED.value: "All earlier ways to sign in ended",
        }
    ),
    documents=MappingProxyType({"111": "resident identity card", "414": "passport"}),
    counter="Counter",
    clerk="Clerk",
    document="Document",
    good_from="Good from",
    until="Good until",
    unknown="not known",
    export="Download all",
    export_hint="As JSON, for other programs to read.",
    code_title="A recovery code for your account was handed out at a counter",
    code_open=(
        "{when}, {counter} (clerk {clerk}). From {good_from} on, whoever has it can set a new password and sign in."
    ),
    code_effect="If this was you, there is nothing to do. If not, cancel it now; the security officer is told.",
    not_me="This was not me: cancel it",
)

ACCOUNT_TEXTS: Final[Mapping[Language, AccountTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
