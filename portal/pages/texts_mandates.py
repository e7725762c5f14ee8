"""Mandates: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sso.mandates.domain import MandateKind
from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateTexts:
    """The sentences of one language. `states` says how a mandate stands."""

    notes: Mapping[str, str]
    title: str
    lead: str
    kinds: Mapping[MandateKind, str]
    states: Mapping[str, str]
    offers: str
    offers_hint: str
    received: str
    received_none: str
    granted: str
    granted_none: str
    ended: str
    principal: str
    agent: str
    matters: str
    all_matters: str
    until: str
    no_end: str
    offered_until: str
    accept: str
    decline: str
    withdraw: str
    from_register: str
    grant: str
    claim: str
    claim_hint: str
    claim_title: str
    claim_lead: str
    claim_number: str
    claim_number_hint: str
    claim_submit: str
    withdraw_title: str
    withdraw_mine: str
    withdraw_given: str
    withdraw_submit: str
    grant_title: str
    grant_lead: str
    myself: str
    for_whom: str
    kind: str
    kind_hints: Mapping[MandateKind, str]
    who: str
    who_hint: str
    document: str
    number: str
    name: str
    which: str
    which_hint: str
    which_none: str
    types: str
    types_hint: str
    last_day: str
    last_day_hint: str
    ends_with: str
    ends_with_hint: str
    to_check: str
    check_title: str
    check_lead: str
    check_types: str
    check_types_none: str
    check_effect: str
    confirm: str
    change: str
    weak_title: str
    weak_lead: str
    weak_able: str
    weak_unable: str
    weak_step_up: str
    weak_set_up: str
    cancel: str
    missing: str
    missing_matters: str
    back: str


_ZH: Final = MandateTexts(
    notes=MappingProxyType(
        {
            "accepted": "您已接受授权，现在可以代为办理。",
            "withdrawn": "授权已撤销，相关的办理权限已终止。",
            "granted": "授权已发出，对方接受后生效。",
            "claimed": "登记信息已确认您是该单位的法定代表人。",
        }
    ),
    title="我的授权",
    lead="谁可以代您或您的单位办事，您可以代谁办事。",
    kinds=MappingProxyType(
        {
            MandateKind.LEGAL_REPRESENTATIVE: "法定代表人",
            MandateKind.STANDING_AGENT: "经办人",
            MandateKind.ONE_OFF: "一次性授权",
        }
    ),
    states=MappingProxyType(
        {
            "in-force": "有效",
            "offered": "等待接受",
            "not-yet": "尚未生效",
            "lapsed": "未在期限内接受",
            "expired": "已过期",
            "used": "已使用",
            "withdrawn": "已撤销",
        }
    ),
    offers="等待您接受",
    offers_hint="接受后，您可以在列明的事项中代为办理。",
    received="我可以代为办理",
    received_none="目前没有人授权您代为办理。",
    granted="我授予他人的",
    granted_none="您目前没有授权他人。",
    ended="已结束的授权",
    principal="授权方",
    agent="被授权人",
    matters="事项",
    all_matters="全部事项",
    until="有效期至",
    no_end="变更登记前一直有效",
    offered_until="接受截止",
    accept="接受",
    decline="谢绝",
    withdraw="撤销",
    from_register="来自法人登记信息，变更须到登记机关办理。",
    grant="授权他人办理",
    claim="我是单位的法定代表人",
    claim_hint="向登记机关核实后，您可以为单位办事并授权经办人。",
    claim_title="确认法定代表人身份",
    claim_lead="我们会向法人登记信息核实您是否为该单位现任法定代表人。",
    claim_number="统一社会信用代码",
    claim_number_hint="18 位，见营业执照。",
    claim_submit="核实",
    withdraw_title="撤销这项授权？",
    withdraw_mine="撤销后，您不能再代为办理。正在办理的业务会立即中止。",
    withdraw_given="撤销后，对方不能再代为办理。正在办理的业务会立即中止。",
    withdraw_submit="撤销授权",
    grant_title="授权他人办理",
    grant_lead="被授权人接受后，才能以您或单位的名义办理列明的事项。",
    myself="本人",
    for_whom="由谁授权",
    kind="授权方式",
    kind_hints=MappingProxyType(
        {
            MandateKind.STANDING_AGENT: "只限单位授权。可办理多个事项，在有效期内反复使用，最长 3 年。",
            MandateKind.ONE_OFF: "只办一个事项，办理一次后自动失效，最长 90 天。",
        }
    ),
    who="授权给谁",
    who_hint="对方须已注册账号，证件号码与姓名须相符。",
    document="证件类型",
    number="证件号码",
    name="姓名",
    which="办理哪些事项",
    which_hint="一次性授权只选一项。",
    which_none="目前没有可授权的事项。",
    types="限定可查看的证照",
    types_hint="不选则为所选事项需要的全部证照。",
    last_day="最后一天",
    last_day_hint="当天结束时失效。",
    ends_with="更换法定代表人时自动终止",
    ends_with_hint="不勾选则由单位继续授权，直到有效期结束。",
    to_check="下一步：核对",
    check_title="请核对授权内容",
    check_lead="确认后，授权将发给被授权人。",
    check_types="可查看的证照",
    check_types_none="不涉及证照",
    check_effect="您可以随时撤销，撤销立即生效。每次代办都会记入“谁看过”。",
    confirm="确认授权",
    change="修改",
    weak_title="需要更可靠的登录方式",
    weak_lead="授权他人代为办理，须用动态验证码或通行密钥登录。",
    weak_able="您已设置动态验证码或通行密钥，用它再确认一次即可。",
    weak_unable="请先在安全设置中添加动态验证码或通行密钥。",
    weak_step_up="再次确认身份",
    weak_set_up="前往安全设置",
    cancel="取消",
    missing="请填写此项。",
    missing_matters="请至少选择一个事项。",
    back="返回我的授权",
)

_EN: Final = MandateTexts(
    notes=MappingProxyType(
        {
            "accepted": "You accepted the mandate and can act under it now.",
            "withdrawn": "The mandate was withdrawn; whatever hung on it has ended.",
            "granted": "The mandate was offered; it holds once the other person accepts it.",
            "claimed": "The register confirmed you as the legal representative of the organisation.",
        }
    ),
    title="My mandates",
    lead="Who may act for you or your organisation, and for whom you may act.",
    kinds=MappingProxyType(
        {
            MandateKind.LEGAL_REPRESENTATIVE: "Legal representative",
            MandateKind.STANDING_AGENT: "Standing agent",
            MandateKind.ONE_OFF: "One-off mandate",
        }
    ),
    states=MappingProxyType(
        {
            "in-force": "in force",
            "offered": "waits for acceptance",
            "not-yet": "not valid yet",
            "lapsed": "not accepted in time",
            "expired": "expired",
            "used": "used",
            "withdrawn": "withdrawn",
        }
    ),
    offers="Waiting for you",
    offers_hint="Once you accept, you can act in the matters that are listed.",
    received="I may act for",
    received_none="Nobody has asked you to act for them.",
    granted="May act for me",
    granted_none="You have not given a mandate to anyone.",
    ended="Mandates that have ended",
    principal="Given by",
    agent="Given to",
    matters="Matters",
    all_matters="every matter",
    until="Valid to",
    no_end="until the register says otherwise",
    offered_until="Accept before",
    accept="Accept",
    decline="Decline",
    withdraw="Withdraw",
    from_register="From the register of legal persons; a change is made there.",
    grant="Give a mandate",
    claim="I am a legal representative",
    claim_hint="Once the register confirms it, you can act for the organisation and appoint agents.",
    claim_title="Confirm a legal representative",
    claim_lead="We ask the register of legal persons whether you are the organisation's present legal representative.",
    claim_number="Unified social credit code",
    claim_number_hint="18 characters, on the business licence.",
    claim_submit="Ask the register",
    withdraw_title="Withdraw this mandate?",
    withdraw_mine="You can no longer act under it. What is under way ends at once.",
    withdraw_given="The other person can no longer act under it. What is under way ends at once.",
    withdraw_submit="Withdraw the mandate",
    grant_title="Give a mandate",
    grant_lead="Once accepted, the other person can deal with the listed matters in your name or your organisation's.",
    myself="Myself,",
    for_whom="Who gives it",
    kind="What kind",
    kind_hints=MappingProxyType(
        {
            MandateKind.STANDING_AGENT: "Organisations only. Several matters, as often as needed, for 3 years at most.",
            MandateKind.ONE_OFF: "One matter, used up by one case, for 90 days at most.",
        }
    ),
    who="Who gets it",
    who_hint="They must have an account; number and name must belong together.",
    document="Kind of document",
    number="Document number",
    name="Name",
    which="Which matters",
    which_hint="One only for a one-off mandate.",
    which_none="There are no matters to give a mandate for.",
    types="Only some certificates",
    types_hint="Without a choice: all that the matters need.",
    last_day="Last day",
    last_day_hint="It ends when that day is over.",
    ends_with="Ends when the legal representative changes",
    ends_with_hint="Otherwise it is the organisation's own and goes on to its last day.",
    to_check="Next: check",
    check_title="Check before you give it",
    check_lead="Once you confirm, it is offered to the other person.",
    check_types="Certificates that may be seen",
    check_types_none="none",
    check_effect="You can withdraw it at any time, with effect at once. Each use is recorded under Who looked.",
    confirm="Give the mandate",
    change="Change",
    weak_title="A surer sign-in is needed",
    weak_lead="Giving a mandate needs a sign-in with a one-time code or a passkey.",
    weak_able="You have set one up: confirm once more with it.",
    weak_unable="Set up one-time codes or a passkey first.",
    weak_step_up="Confirm again",
    weak_set_up="Go to security",
    cancel="Cancel",
    missing="Please fill this in.",
    missing_matters="Please choose at least one matter.",
    back="Back to my mandates",
)

MANDATE_TEXTS: Final[Mapping[Language, MandateTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
