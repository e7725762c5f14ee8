"""Who looked: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from certs.access_log import Look
from sso.passing.domain import Channel, EventKind, PresenceMethod
from sso.passing.log import HOP
from sso.provider.domain import Scope
from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksTexts:
    """The sentences of one language. `kinds` says what a row is, by its kind."""

    notes: Mapping[str, str]
    title: str
    lead: str
    as_whom: str
    myself: str
    none: str
    none_hint: str
    unproofed: str
    own_shown: str
    own_hidden: str
    older: str
    newest: str
    export: str
    export_hint: str
    kinds: Mapping[str, str]
    looks: Mapping[Look, str]
    channels: Mapping[Channel, str]
    methods: Mapping[PresenceMethod, str]
    scopes: Mapping[str, str]
    system: str
    authority: str
    counter: str
    clerk: str
    channel: str
    why: str
    what: str
    how: str
    case: str
    mandate: str
    by_mandate: str
    between: str
    pair: str
    nothing_found: str
    failed_hint: str
    object: str
    ended: str
    object_title: str
    object_lead: str
    object_effects: tuple[str, str, str]
    object_text: str
    object_text_hint: str
    object_submit: str
    about: str
    done_title: str
    done_lead: str
    done_number: str
    done_next: str
    missing: str
    back: str


_ZH: Final = LooksTexts(
    notes=MappingProxyType({}),
    title="谁看过",
    lead="谁、在哪里、为什么使用过您的身份或证照，每一次都记录在这里。",
    as_whom="查看哪一方的记录",
    myself="本人",
    none="目前没有人使用过您的身份或证照。",
    none_hint="今后的每一次使用都会自动记录在这里。",
    unproofed="您的身份尚未经证件核验，因此不显示证照的查看记录。请携带身份证件到任一政务服务窗口完成核验。",
    own_shown="不显示本人查看",
    own_hidden="显示本人查看",
    older="更早的记录",
    newest="回到最新记录",
    export="下载全部记录",
    export_hint="JSON 格式，可由其他软件读取。",
    kinds=MappingProxyType(
        {
            HOP: "使用您的身份",
            EventKind.PRESENCE.value: "您在窗口证明到场",
            EventKind.PRESENCE_FAILED.value: "到场证明未通过",
            EventKind.INTROSPECTION.value: "查验授权是否有效",
            "read": "查看证照",
            "search": "查询您的证照目录",
            "scan": "有人扫描了您出示的证照",
            "own": "您本人查看",
        }
    ),
    looks=MappingProxyType({Look.DATA: "读取信息", Look.FILE: "下载文件", Look.SEARCH: "查询目录"}),
    channels=MappingProxyType(
        {Channel.ONLINE: "线上", Channel.COUNTER: "窗口", Channel.OFFLINE: "窗口（断网时办理，事后补报）"}
    ),
    methods=MappingProxyType(
        {
            PresenceMethod.QR: "您手机上的二维码",
            PresenceMethod.OTP: "您的动态验证码",
            PresenceMethod.CARD: "工作人员核对证件",
        }
    ),
    scopes=MappingProxyType(
        {
            Scope.OPENID.value: "识别您的编号",
            Scope.PROFILE.value: "姓名",
            Scope.IDENTITY.value: "证件号码",
            Scope.CERTS_READ.value: "事项所需的证照",
        }
    ),
    system="业务系统",
    authority="所属机构",
    counter="窗口",
    clerk="工作人员",
    channel="渠道",
    why="用途",
    what="内容",
    how="到场方式",
    case="办件编号",
    mandate="办理身份",
    by_mandate="凭授权代办",
    between="、",
    pair="：",
    nothing_found="没有找到证照",
    failed_hint="如果当时您不在窗口，可能有人试图冒用您的身份，请尽快联系该窗口所属机构。",
    object="提出异议",
    ended="您已提出异议，相关授权已终止",
    object_title="提出异议",
    object_lead="如果这次使用不是您本人办理，或者您不认可其用途，请告诉我们。",
    object_effects=(
        "由此产生的授权立即终止，对方无法继续使用。",
        "异议会记录在案，供安全审计员核查。",
        "提交后不能撤回。",
    ),
    object_text="您的理由",
    object_text_hint="2 至 200 字。请勿填写证件号码。",
    object_submit="提交异议",
    about="针对的记录",
    done_title="异议已提交",
    done_lead="相关授权已终止。",
    done_number="异议编号",
    done_next="与该机构或本服务联系时，请提供上面的编号。",
    missing="请说明理由。",
    back="返回记录",
)

_EN: Final = LooksTexts(
    notes=MappingProxyType({}),
    title="Who looked",
    lead="Who used your identity or certificates, where and why: each time is recorded here.",
    as_whom="Whose record",
    myself="My own",
    none="Nobody has used your identity or certificates so far.",
    none_hint="Every use from now on is recorded here by itself.",
    unproofed=(
        "Your identity has not been checked by a document, so looks at certificates are not shown. Have your identity "
        "document checked at any government service counter."
    ),
    own_shown="Leave out my own looks",
    own_hidden="Show my own looks too",
    older="Older rows",
    newest="Back to the newest",
    export="Download all",
    export_hint="As JSON, for other programs to read.",
    kinds=MappingProxyType(
        {
            HOP: "Your identity was used",
            EventKind.PRESENCE.value: "You showed a counter that you were there",
            EventKind.PRESENCE_FAILED.value: "A proof of presence failed",
            EventKind.INTROSPECTION.value: "A permission was checked",
            "read": "A certificate was looked at",
            "search": "Your certificates were searched for",
            "scan": "Somebody scanned what you showed",
            "own": "You looked yourself",
        }
    ),
    looks=MappingProxyType({Look.DATA: "data read", Look.FILE: "file fetched", Look.SEARCH: "listed"}),
    channels=MappingProxyType(
        {
            Channel.ONLINE: "online",
            Channel.COUNTER: "at a counter",
            Channel.OFFLINE: "at a counter without connection, reported later",
        }
    ),
    methods=MappingProxyType(
        {
            PresenceMethod.QR: "the code on your phone",
            PresenceMethod.OTP: "your one-time code",
            PresenceMethod.CARD: "the clerk checked your document",
        }
    ),
    scopes=MappingProxyType(
        {
            Scope.OPENID.value: "a mark for you",
            Scope.PROFILE.value: "name",
            Scope.IDENTITY.value: "document number",
            Scope.CERTS_READ.value: "the certificates of the matter",
        }
    ),
    system="System",
    authority="Authority",
    counter="Counter",
    clerk="Clerk",
    channel="Channel",
    why="What for",
    what="What",
    how="Presence shown by",
    case="Case",
    mandate="Acting",
    by_mandate="under a mandate",
    between=", ",
    pair=": ",
    nothing_found="none was found",
    failed_hint="If you were not at that counter, somebody may have tried to act in your name: tell its authority.",
    object="Object",
    ended="You objected; the permission has ended",
    object_title="Object to a use",
    object_lead="Tell us if this was not you, or if you do not agree with what it was for.",
    object_effects=(
        "Every permission that came of it ends at once; nobody can go on using it.",
        "Your objection is kept for the security officer.",
        "It cannot be taken back.",
    ),
    object_text="Your reason",
    object_text_hint="2 to 200 characters. Leave out document numbers.",
    object_submit="Send the objection",
    about="What it is about",
    done_title="Your objection was received",
    done_lead="The permission has ended.",
    done_number="Reference",
    done_next="Name the reference above when you talk to the authority or to this service.",
    missing="Please say why.",
    back="Back to the record",
)

LOOKS_TEXTS: Final[Mapping[Language, LooksTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
