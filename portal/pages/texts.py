"""Every sentence of the pages, in Chinese and English: one typed table, so that no translation can be missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from verifier.ports import LibraryState
from verifier.reasons import Outcome
from verifier.report import Language, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The sentences of one language."""

    html_lang: str
    other_lang: Language
    other_label: str
    other_hreflang: str
    service: str
    skip: str
    nav_verify: str
    nav_docs: str
    home_title: str
    home_intro: str
    home_mine: str
    home_mine_text: str
    home_mine_open: str
    home_departments: str
    home_departments_text: str
    home_public: str
    home_public_text: str
    home_root: str
    home_crl: str
    verify_title: str
    verify_intro: str
    by_file: str
    file_label: str
    file_hint: str
    by_qr: str
    qr_label: str
    qr_hint: str
    mend: str
    by_identifier: str
    identifier_label: str
    identifier_hint: str
    submit: str
    nothing_sent: str
    again: str
    result_title: str
    checks: str
    facts: str
    facts_withheld: str
    identifier_caution: str
    time_caution: str
    advice: str
    judged_at: str
    digest: str
    code: str
    problem_what: str
    problem_do: str
    problem_correlation: str
    problem_status: str
    problem_field: str
    problem_all: str
    problem_all_intro: str
    problem_back: str
    docs_title: str
    docs_intro: str
    docs_machine: str
    docs_scope: str
    docs_open: str
    docs_parameters: str
    docs_body: str
    docs_example: str
    docs_answers: str
    docs_required: str
    docs_optional: str
    docs_name: str
    docs_kind: str
    docs_meaning: str
    footer: str
    verdicts: Mapping[Verdict, str]
    on_record: str
    outcomes: Mapping[Outcome, str]
    fact_names: Mapping[str, str]
    states: Mapping[LibraryState, str]


ZH = Texts(
    html_lang="zh-CN",
    other_lang="en",
    other_label="English",
    other_hreflang="en",
    service="印信 · 电子证照",
    skip="跳到正文",
    nav_verify="核验证照",
    nav_docs="接口说明",
    home_title="核验一份电子证照",
    home_intro="查看电子证照的签章是否真实、由谁颁发、目前是否有效。任何人都可以使用，无需登录。",
    home_mine="我的证照",
    home_mine_text="登录后查看、下载和出示自己的电子证照，查看谁用过它们，管理代办授权。",
    home_mine_open="进入",
    home_departments="部门接入",
    home_departments_text="颁发机构的业务系统通过接口签发、查询和吊销电子证照；凭登记的客户端获取访问令牌。",
    home_public="公开材料",
    home_public_text="离线核验所需的根证书与证书吊销列表。",
    home_root="根证书",
    home_crl="证书吊销列表",
    verify_title="核验电子证照",
    verify_intro="三种方式任选其一。",
    by_file="上传证照文件",
    file_label="电子证照文件（PDF）",
    file_hint="请使用原始电子文件，打印件、扫描件和截图无法核验。文件仅用于本次核验，不予保存。",
    by_qr="识别二维码",
    qr_label="二维码照片或截图",
    qr_hint="拍摄证照上的二维码，或他人手机出示的二维码。支持 JPEG、PNG、WebP。图片仅用于本次识别，不予保存。",
    mend="请更正以下内容",
    by_identifier="输入证照标识",
    identifier_label="电子证照标识",
    identifier_hint="印在证照上，以 1.2.156.3005.2 开头。",
    submit="核验",
    nothing_sent="请先选择文件或图片，或输入电子证照标识。",
    again="再核验一份",
    result_title="核验结果",
    checks="逐项检查",
    facts="证照信息",
    facts_withheld="文件未通过核验，其中的内容不予展示。",
    identifier_caution="此结果仅说明证照库中该标识的状态，不代表您手中的文件或打印件真实。请与下列信息核对，或上传原始文件核验。",
    time_caution="签章时间由签章人自行声明，没有可信时间戳佐证。",
    advice="建议",
    judged_at="核验时间",
    digest="内容摘要（SM3）",
    code="代码",
    problem_what="发生了什么",
    problem_do="怎么办",
    problem_correlation="关联编号",
    problem_status="HTTP 状态",
    problem_field="字段",
    problem_all="错误代码一览",
    problem_all_intro="接口返回的问题文档（RFC 9457）以 code 标明原因。代码含义不会改变。",
    problem_back="返回核验页",
    docs_title="接口说明",
    docs_intro="接口以 JSON 交换数据；拒绝时返回问题文档（RFC 9457），其中 code 稳定不变。",
    docs_machine="机器可读的说明（OpenAPI 3.1）",
    docs_scope="所需权限范围",
    docs_open="无需令牌",
    docs_parameters="参数",
    docs_body="请求体",
    docs_example="示例",
    docs_answers="响应",
    docs_required="必填",
    docs_optional="选填",
    docs_name="名称",
    docs_kind="类型",
    docs_meaning="说明",
    footer="核验结论由密码学检查和证照库状态得出。",
    verdicts=MappingProxyType(
        {Verdict.VALID: "真实有效", Verdict.INVALID: "核验不通过", Verdict.INDETERMINATE: "无法确认"}
    ),
    on_record="登记有效",
    outcomes=MappingProxyType(
        {
            Outcome.PASSED: "通过",
            Outcome.FAILED: "不通过",
            Outcome.INDETERMINATE: "无法确认",
            Outcome.NOT_JUDGED: "未判断",
        }
    ),
    fact_names=MappingProxyType(
        {
            "type_name_zh": "证照类型",
            "authority": "颁发机构",
            "certificate_identifier": "电子证照标识",
            "library_state": "当前状态",
            "superseded_by": "取代版本",
            "signer": "签章人",
            "seal_name": "印章",
            "signing_time_claimed": "签章时间",
        }
    ),
    states=MappingProxyType(
        {
            LibraryState.ISSUED: "有效",
            LibraryState.SUSPENDED: "已暂停",
            LibraryState.REVOKED: "已吊销",
            LibraryState.SUPERSEDED: "已被新版本取代",
            LibraryState.EXPIRED: "已过期",
        }
    ),
)

EN = Texts(
    html_lang="en",
    other_lang="zh",
    other_label="中文",
    other_hreflang="zh-CN",
    service="yinxin · certificates",
    skip="Skip to content",
    nav_verify="Verify",
    nav_docs="API",
    home_title="Verify an electronic certificate",
    home_intro=(
        "See whether its seal is genuine, who issued it and whether it is in force. Open to anyone, without signing in."
    ),
    home_mine="My certificates",
    home_mine_text="Sign in to see, download and show your certificates, see who used them, let others act for you.",
    home_mine_open="Go there",
    home_departments="For departments",
    home_departments_text=(
        "Business systems of issuing authorities issue, look up and revoke certificates through the API, with an "
        "access token for their registered client."
    ),
    home_public="Public material",
    home_public_text="The root certificate and revocation lists, for verifying offline.",
    home_root="Root certificate",
    home_crl="Revocation list",
    verify_title="Verify an electronic certificate",
    verify_intro="Choose one of three ways.",
    by_file="Upload the file",
    file_label="Certificate file (PDF)",
    file_hint="Use the original electronic file; prints, scans and screenshots cannot be verified. It is not kept.",
    by_qr="Send a picture of the QR code",
    qr_label="Photograph or screenshot of the code",
    qr_hint="The code on a certificate, or on the phone of who shows it. JPEG, PNG or WebP. It is not kept.",
    mend="Please correct the following",
    by_identifier="Enter the identifier",
    identifier_label="Certificate identifier",
    identifier_hint="Printed on the certificate; it begins with 1.2.156.3005.2.",
    submit="Verify",
    nothing_sent="Choose a file or a picture, or enter a certificate identifier first.",
    again="Verify another",
    result_title="Result",
    checks="Checks",
    facts="About the certificate",
    facts_withheld="The file did not pass, so nothing read from it is shown.",
    identifier_caution=(
        "This only says what the library holds under this identifier. It does not show that the file or print in your "
        "hands is genuine: compare it with the details below, or upload the original file."
    ),
    time_caution="The time of signing is the signer's own claim; no trusted time stamp confirms it.",
    advice="What to do",
    judged_at="Verified at",
    digest="Digest of the content (SM3)",
    code="Code",
    problem_what="What happened",
    problem_do="What to do",
    problem_correlation="Correlation id",
    problem_status="HTTP status",
    problem_field="Field",
    problem_all="Error codes",
    problem_all_intro="Problem documents of the API (RFC 9457) name their reason as a code that never changes.",
    problem_back="Back to verification",
    docs_title="API",
    docs_intro="Data is exchanged as JSON. A refusal is a problem document (RFC 9457) with a stable code.",
    docs_machine="Machine-readable description (OpenAPI 3.1)",
    docs_scope="Needs the scope",
    docs_open="No token needed",
    docs_parameters="Parameters",
    docs_body="Body",
    docs_example="Example",
    docs_answers="Answers",
    docs_required="required",
    docs_optional="optional",
    docs_name="Name",
    docs_kind="Type",
    docs_meaning="Meaning",
    footer="The verdict follows from cryptographic checks and the state in the library.",
    verdicts=MappingProxyType(
        {Verdict.VALID: "Valid", Verdict.INVALID: "Not valid", Verdict.INDETERMINATE: "Cannot be confirmed"}
    ),
    on_record="On record",
    outcomes=MappingProxyType(
        {
            Outcome.PASSED: "passed",
            Outcome.FAILED: "failed",
            Outcome.INDETERMINATE: "undecided",
            Outcome.NOT_JUDGED: "not judged",
        }
    ),
    fact_names=MappingProxyType(
        {
            "type_name": "Type",
            "authority": "Issuing authority",
            "certificate_identifier": "Certificate identifier",
            "library_state": "Present state",
            "superseded_by": "Replaced by",
            "signer": "Signer",
            "seal_name": "Seal",
            "signing_time_claimed": "Time of signing",
        }
    ),
    states=MappingProxyType(
        {
            LibraryState.ISSUED: "in force",
            LibraryState.SUSPENDED: "suspended",
            LibraryState.REVOKED: "revoked",
            LibraryState.SUPERSEDED: "replaced by a newer version",
            LibraryState.EXPIRED: "expired",
        }
    ),
)

TEXTS: Mapping[Language, Texts] = MappingProxyType({"zh": ZH, "en": EN})
