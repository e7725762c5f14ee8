# ruff: noqa: S106  words shown to people, no secrets
"""Relying systems, for officers: every sentence in both languages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from portal.pages.system_sentences import SystemTexts
from sso.provider.application import ApplicationKind, ApplicationState
from sso.provider.domain import ClientAuthentication, Scope
from verifier.report import Language

_ZH: Final = SystemTexts(
    notes=MappingProxyType(
        {
            "applied": "申请已提交，等待另一位管理员审批。",
            "approved": "已批准并生效。",
            "refused": "申请已结束，未作任何变更。",
        }
    ),
    title="业务系统接入",
    lead="用户登录的业务系统。登记、变更、更换客户端密钥和停用，均由系统管理员申请、安全管理员审批。",
    systems="已登记的系统",
    none="尚无登记的系统。",
    waiting="待审批的申请",
    waiting_none="没有待审批的申请。",
    decided="已处理的申请",
    apply="申请接入新系统",
    apply_title="申请接入系统",
    change_title="申请变更登记",
    change="申请变更",
    form_lead="提交前可核对全部内容；批准后由您本人领取客户端密钥。",
    basics="基本信息",
    rights="申请的权限",
    rights_lead="只申请确需的权限；标有理由栏的权限须单独说明用途。",
    addresses="地址",
    purposes="事项与证照",
    technical="技术参数",
    fields=MappingProxyType(
        {
            "label": "系统名称",
            "authority": "所属机构统一社会信用代码",
            "contact": "联系人",
            "why": "接入或变更的理由",
            "scopes": "权限",
            "redirect_uris": "回调地址",
            "post_logout_redirect_uris": "退出后返回地址",
            "backchannel_logout_uri": "后端登出通知地址",
            "authentication": "系统认证方式",
            "jwks": "公钥集（JWKS）",
            "resource": "资源标识",
            "sector": "用户标识扇区",
            "matters": "可办理的事项",
            "types": "可读取的证照类型",
            "pass_to": "可向其传递信任的系统",
            "signing_algorithm": "身份令牌签名算法",
            "dpop_required": "令牌须绑定密钥（DPoP）",
            "par_required": "登录请求须先推送（PAR）",
        }
    ),
    hints=MappingProxyType(
        {
            "label": "用户在授权页看到的名称。",
            "contact": "出现问题时联系谁：部门和电话，请勿填写证件号码。",
            "redirect_uris": "完整的 https 地址，每行一个，不含通配符。",
            "jwks": "仅“私钥签名”方式填写。",
            "resource": "其他系统向本系统传递信任时使用的地址，可不填。",
            "sector": "各回调地址主机名不同时填写。",
        }
    ),
    scopes=MappingProxyType(
        {
            Scope.OPENID: "登录并识别用户",
            Scope.PROFILE: "姓名",
            Scope.IDENTITY: "完整证件号码",
            Scope.CERTS_READ: "读取电子证照",
            Scope.CERTS_ISSUE: "签发电子证照",
            Scope.CERTS_REVOKE: "撤销电子证照",
            Scope.LEDGER_READ: "读取签名日志",
            Scope.COUNTER_ASSIST: "窗口人员协助办理",
            Scope.COUNTERS_READ: "读取本机构窗口与人员",
            Scope.MANDATES: "管理用户的授权",
            Scope.OFFLINE_ACCESS: "用户离开页面后继续办理",
            Scope.TOKENS_INTROSPECT: "查询发给其他系统的令牌",
        }
    ),
    reason_for="申请此权限的理由",
    methods=MappingProxyType(
        {
            ClientAuthentication.SECRET: "客户端密钥",
            ClientAuthentication.PRIVATE_KEY_JWT: "私钥签名（private_key_jwt）",
            ClientAuthentication.NONE: "公开客户端（无密钥，仅 PKCE）",
        }
    ),
    one_per_line="每行一个。",
    no_choice="目前没有可选项。",
    api="本服务的电子证照接口",
    check="核对申请",
    check_title="请核对申请内容",
    check_lead="确认无误后提交；另一位管理员批准后才会生效。",
    send="提交申请",
    edit="返回修改",
    kinds=MappingProxyType(
        {
            ApplicationKind.REGISTER: "登记新系统",
            ApplicationKind.CHANGE: "变更登记",
            ApplicationKind.ROTATE: "更换客户端密钥",
            ApplicationKind.DISABLE: "停用系统",
        }
    ),
    states=MappingProxyType(
        {
            ApplicationState.WAITING: "待审批",
            ApplicationState.APPROVED: "已批准",
            ApplicationState.REFUSED: "未批准",
        }
    ),
    asked_by="申请人",
    decided_by="审批人",
    decision_reason="审批说明",
    rule="沙箱规则（自动）",
    was="原为",
    nothing="无",
    yes="是",
    no="否",
    approve="批准",
    approve_lead="批准后立即生效，您的姓名将永久留存。",
    own="这是您本人的申请，须由另一位管理员审批。",
    refuse="不批准",
    take_back="撤回申请",
    refuse_reason="原因",
    secret_due="领取客户端密钥",
    secret_due_lead="客户端密钥现在生成，只显示一次。请先准备好保存的位置。",
    secret_show="生成并显示",
    secret_title="客户端密钥",
    secret_lead="请立即保存到业务系统的密钥文件中。离开本页后无法再次查看。",
    secret="客户端密钥",
    client="客户端标识",
    secret_kept="我已保存",
    secret_shown="客户端密钥已于此时显示",
    enabled="启用",
    ended="已停用",
    sandbox="沙箱",
    rotate="申请更换客户端密钥",
    rotate_lead="批准并领取新密钥之前，现有密钥继续有效。",
    disable="申请停用",
    disable_lead="批准后立即永久停用，其令牌随即失效。",
    act_reason="理由",
    history="申请记录",
    missing="请填写此项。",
)

_EN: Final = SystemTexts(
    notes=MappingProxyType(
        {
            "applied": "The application was sent. Another officer decides it.",
            "approved": "Approved and in force.",
            "refused": "The application has ended; nothing was changed.",
        }
    ),
    title="Relying systems",
    lead="Systems that people sign in to. The system administrator applies for every registration, change, new secret "
    "and end; the security administrator decides.",
    systems="Registered systems",
    none="No system is registered yet.",
    waiting="Applications to be decided",
    waiting_none="No application is waiting.",
    decided="Decided applications",
    apply="Apply for a new system",
    apply_title="Apply for a system",
    change_title="Apply for a change",
    change="Apply for a change",
    form_lead="You can check everything before it is sent. After the approval you collect the secret yourself.",
    basics="The system",
    rights="Rights asked for",
    rights_lead="Ask for what is needed and no more. A right with a field for the reason needs one of its own.",
    addresses="Addresses",
    purposes="Matters and certificates",
    technical="Technical settings",
    fields=MappingProxyType(
        {
            "label": "Name of the system",
            "authority": "Unified social credit code of the authority",
            "contact": "Contact",
            "why": "Why it is registered or changed",
            "scopes": "Rights",
            "redirect_uris": "Redirect addresses",
            "post_logout_redirect_uris": "Addresses to return to after signing out",
            "backchannel_logout_uri": "Address for sign-out notices (back-channel)",
            "authentication": "How the system proves itself",
            "jwks": "Key set (JWKS)",
            "resource": "Resource address",
            "sector": "Sector of its subjects",
            "matters": "Matters it handles",
            "types": "Certificate types it may read",
            "pass_to": "Systems it may pass trust to",
            "signing_algorithm": "Algorithm of its ID tokens",
            "dpop_required": "Tokens must be bound to a key (DPoP)",
            "par_required": "Requests must be pushed (PAR)",
        }
    ),
    hints=MappingProxyType(
        {
            "label": "People see it on the consent page.",
            "contact": "Who answers when something is wrong: office and telephone, never an ID number.",
            "redirect_uris": "Complete https addresses, one per line, without wildcards.",
            "jwks": "Only for signing with a private key.",
            "resource": "The address by which others pass trust to this system; may stay empty.",
            "sector": "Needed when the redirect addresses have different hosts.",
        }
    ),
    scopes=MappingProxyType(
        {
            Scope.OPENID: "Sign people in and recognise them",
            Scope.PROFILE: "Their name",
            Scope.IDENTITY: "The full number of their document",
            Scope.CERTS_READ: "Read electronic certificates",
            Scope.CERTS_ISSUE: "Issue electronic certificates",
            Scope.CERTS_REVOKE: "Revoke electronic certificates",
            Scope.LEDGER_READ: "Read the record of key uses",
            Scope.COUNTER_ASSIST: "Clerks assist citizens",
            Scope.COUNTERS_READ: "Read the authority's counters and clerks",
            Scope.MANDATES: "Manage people's mandates",
            Scope.OFFLINE_ACCESS: "Go on after the person left the page",
            Scope.TOKENS_INTROSPECT: "Ask about tokens for other systems",
        }
    ),
    reason_for="Why this right is needed",
    methods=MappingProxyType(
        {
            ClientAuthentication.SECRET: "Client secret",
            ClientAuthentication.PRIVATE_KEY_JWT: "Private key (private_key_jwt)",
            ClientAuthentication.NONE: "Public client (no secret, PKCE alone)",
        }
    ),
    one_per_line="One per line.",
    no_choice="There is nothing to choose from yet.",
    api="The certificate API of this service",
    check="Check the application",
    check_title="Please check the application",
    check_lead="It takes effect when another officer has approved it.",
    send="Send the application",
    edit="Back to the form",
    kinds=MappingProxyType(
        {
            ApplicationKind.REGISTER: "New system",
            ApplicationKind.CHANGE: "Change",
            ApplicationKind.ROTATE: "New secret",
            ApplicationKind.DISABLE: "End of the system",
        }
    ),
    states=MappingProxyType(
        {
            ApplicationState.WAITING: "waiting",
            ApplicationState.APPROVED: "approved",
            ApplicationState.REFUSED: "refused",
        }
    ),
    asked_by="Asked for by",
    decided_by="Decided by",
    decision_reason="Reason given",
    rule="the rules of sandboxes",
    was="Before",
    nothing="none",
    yes="yes",
    no="no",
    approve="Approve",
    approve_lead="It takes effect at once, and your name stays with it for good.",
    own="This is your own application: another officer decides it.",
    refuse="Refuse",
    take_back="Take it back",
    refuse_reason="Reason",
    secret_due="Collect the secret",
    secret_due_lead="The secret is made now and shown once. Have a place ready to keep it in.",
    secret_show="Make and show it",
    secret_title="The secret",
    secret_lead="Put it into the system's secret file now. It cannot be shown again.",
    secret="Secret",
    client="Client id",
    secret_kept="I have kept it safe",
    secret_shown="The secret was shown at",
    enabled="enabled",
    ended="ended",
    sandbox="sandbox",
    rotate="Apply for a new secret",
    rotate_lead="The present secret works until the new one is collected.",
    disable="Apply for its end",
    disable_lead="The approval ends the system for good, and its tokens with it.",
    act_reason="Reason",
    history="Applications",
    missing="Please fill this in.",
)

SYSTEM_TEXTS: Final[Mapping[Language, SystemTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
