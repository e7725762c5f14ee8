"""The closed table of reasons: every code that a report may hold, its outcome, and its sentences in two languages.

The outcome belongs to the code: a report cannot say "passed" with a failing code. Codes are stable, sentences are not.
"""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one step."""

    PASSED = "passed"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"
    NOT_JUDGED = "not-judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One row: the code, what it means for the step, the sentence, and what the reader can do."""

    code: str
    outcome: Outcome
    en: str
    zh: str
    advice: str = ""
    advice_zh: str = ""


_ORIGINAL = "Ask for the original electronic file; prints, scans and screenshots cannot be checked."
_ORIGINAL_ZH = "请索取原始电子文件；打印件、扫描件和截图无法核验。"
_REFUSE = "Do not rely on this file. Ask the holder for a fresh copy, or ask the issuing authority."
_REFUSE_ZH = "请勿采信此文件。请向持证人索取新的副本，或向颁发机构核实。"
_AUTHORITY = "Ask the issuing authority about this certificate."
_AUTHORITY_ZH = "请向颁发机构核实该证照。"
_RETRY = "Check again later, or supply current trust material."
_RETRY_ZH = "请稍后重新核验，或提供最新的信任材料。"


def _passed(code: str, en: str, zh: str) -> Reason:
    return Reason(code=code, outcome=Outcome.PASSED, en=en, zh=zh)


def _failed(code: str, en: str, zh: str, advice: str = _REFUSE, advice_zh: str = _REFUSE_ZH) -> Reason:
    return Reason(code=code, outcome=Outcome.FAILED, en=en, zh=zh, advice=advice, advice_zh=advice_zh)


def _open(code: str, en: str, zh: str, advice: str = _RETRY, advice_zh: str = _RETRY_ZH) -> Reason:
    return Reason(code=code, outcome=Outcome.INDETERMINATE, en=en, zh=zh, advice=advice, advice_zh=advice_zh)


def _skipped(code: str, en: str, zh: str) -> Reason:
    return Reason(code=code, outcome=Outcome.NOT_JUDGED, en=en, zh=zh)


_ROWS = (
    # 1 recognise
    _passed("pdf-recognised", "The file is a PDF.", "该文件是 PDF。"),
    _passed(
        "identifier-recognised", "The text is a well-formed certificate identifier.", "文本是格式正确的电子证照标识。"
    ),
    _passed("link-recognised", "The code is a verification link of this service.", "该二维码是本服务的核验链接。"),
    _failed(
        "link-foreign",
        "The code is not a verification link of this service.",
        "该二维码不是本服务的核验链接。",
        "Do not open the link. Verify the original file instead.",
        "请勿打开该链接，可改为核验原始电子文件。",
    ),
    _failed("link-forged", "The verification link was not issued by this service.", "该核验链接不是本服务签发的。"),
    _open("link-unreadable", "Verification links cannot be checked here.", "此处无法核验二维码链接。"),
    # 2 coverage
    _passed("entire-file", "The signature covers the entire file.", "签章覆盖整个文件。"),
    _open("unsigned", "The file carries no signature.", "该文件没有签章。", _ORIGINAL, _ORIGINAL_ZH),
    _failed(
        "modified-after-signing",
        "Something was added to the file after it was signed.",
        "文件在签章之后被添加或修改了内容。",
    ),
    _failed(
        "coverage-broken",
        "The byte range of the signature does not cover exactly the file without the signature value.",
        "签章的字节范围与文件不符。",
    ),
    _failed(
        "structure-ambiguous",
        "The structure of the file is ambiguous: different programs would show or check different parts of it.",
        "文件结构存在歧义：不同软件可能显示或核验不同的内容。",
    ),
    _failed("signature-malformed", "The signature in the file cannot be read.", "文件中的签章无法解析。"),
    _open(
        "several-signatures",
        "The file carries several signatures, none of which forbids the others; such files are not judged here.",
        "文件含有多个签章，本服务不核验此类文件。",
        "Verify it with the program of whoever signed it.",
        "请使用签署方提供的工具核验。",
    ),
    # 3 digest
    _passed("digest-matches", "The content is unchanged since it was signed.", "文件内容自签章以来未被改动。"),
    _failed("digest-mismatch", "The content was changed after it was signed.", "文件内容在签章之后被改动。"),
    # 4 signature value
    _passed("signature-matches", "The signature value was made with the signer's key.", "签名值与签章人的密钥相符。"),
    _failed(
        "signature-invalid",
        "The signature value does not belong to this content and signer.",
        "签名值与内容或签章人不符。",
    ),
    _failed(
        "signer-mismatch",
        "The signature names another signer certificate than the one it carries.",
        "签名所指的签名证书与所附证书不一致。",
    ),
    _open(
        "algorithm-refused",
        "The signature uses an algorithm that is not in the closed table of this service.",
        "签名使用了不在本服务许可范围内的算法。",
        "Verify it with the program of whoever signed it.",
        "请使用签署方提供的工具核验。",
    ),
    # 5 seal
    _passed("seal-valid", "The seal is genuine, and the signer may use it.", "印章真实有效，且签章人有权使用。"),
    _open(
        "seal-absent",
        "The signature carries no electronic seal.",
        "该签名未附电子印章。",
        "Verify it with the program of whoever signed it.",
        "请使用签署方提供的工具核验。",
    ),
    _failed(
        "seal-missing", "The certificate lacks the electronic seal it must carry.", "该证照缺少必须具备的电子印章。"
    ),
    _failed("seal-malformed", "The electronic seal cannot be read.", "电子印章数据无法解析。"),
    _failed("seal-signature-invalid", "The seal was not made by the seal maker it names.", "印章的制章者签名无效。"),
    _failed("seal-maker-untrusted", "The seal maker is not trusted.", "制章者不受信任。"),
    _open(
        "seal-maker-unjudged",
        "Whether the X.509 of the seal maker was revoked cannot be told.",
        "无法确认制章者的数字证书是否已被吊销。",
    ),
    _open(
        "seal-maker-expired",
        "The X.509 of the seal maker has expired.",
        "制章者的数字证书已过期。",
        _AUTHORITY,
        _AUTHORITY_ZH,
    ),
    _open(
        "seal-version-unsupported",
        "The seal is of an edition that is not judged here.",
        "电子印章的版本不在本服务的核验范围内。",
        "Verify it with the program of whoever made it.",
        "请使用制章方提供的工具核验。",
    ),
    _failed("seal-maker-revoked", "The X.509 of the seal maker was revoked.", "制章者的数字证书已被吊销。"),
    _failed(
        "seal-not-valid-at-signing",
        "The seal was not valid at the time of signing that the signer claims.",
        "在签章人所称的签章时间，印章不在有效期内。",
    ),
    _failed(
        "seal-signer-not-listed",
        "The signer is not among those who may use this seal.",
        "签章人不在该印章的授权名单内。",
    ),
    _failed(
        "authority-mismatch",
        "The certificate names another authority than the one that signed it.",
        "证照所载颁发机构与签章机构不一致。",
    ),
    # 6 chain
    _passed(
        "chain-trusted",
        "The signer's X.509 leads to a trusted root and is not revoked.",
        "签章人的数字证书可信且未被吊销。",
    ),
    _failed("chain-untrusted", "The signer's X.509 does not lead to a trusted root.", "签章人的数字证书不受信任。"),
    _open(
        "chain-unknown",
        "The signer's X.509 comes from an issuer that is not known here.",
        "签章人的数字证书由本服务未知的机构签发。",
        "Verify it with the program of whoever signed it.",
        "请使用签署方提供的工具核验。",
    ),
    _failed("x509-revoked", "The signer's X.509 was revoked.", "签章人的数字证书已被吊销。"),
    _open(
        "x509-expired",
        "The signer's X.509 or its issuer's has expired, and no trusted time stamp shows that it signed before.",
        "签章人或其签发机构的数字证书已过期，且无可信时间戳证明签章在此之前。",
        _AUTHORITY,
        _AUTHORITY_ZH,
    ),
    _failed("x509-not-yet-valid", "The signer's X.509 is not valid yet.", "签章人的数字证书尚未生效。"),
    _failed("x509-usage", "The signer's X.509 was not issued for signing documents.", "签章人的数字证书不能用于签章。"),
    _failed(
        "x509-stray",
        "The signature carries an X.509 that does not belong to the signer's chain.",
        "签名中附有不属于签章人证书链的数字证书。",
    ),
    _failed(
        "unsigned-parts",
        "The signature carries data that nobody signed: unsigned attributes or revocation lists.",
        "签名中附有未经签名的数据（非签名属性或吊销列表）。",
    ),
    _failed(
        "time-implausible",
        "The time of signing that the signer claims lies outside the validity of the signer's X.509, or in the future.",
        "签章人所称的签章时间不在其数字证书有效期内，或晚于当前时间。",
    ),
    _open(
        "crl-missing",
        "There is no revocation list to check the signer's X.509 against.",
        "缺少可供核查的证书吊销列表。",
    ),
    _open("crl-stale", "The revocation list is out of date.", "证书吊销列表已过期。"),
    # 7 library
    _passed("library-issued", "The library confirms: issued and in force.", "证照库确认：已颁发，现行有效。"),
    _failed("revoked", "The certificate was revoked.", "该证照已被吊销。", _AUTHORITY, _AUTHORITY_ZH),
    _failed("suspended", "The certificate is suspended.", "该证照已被暂停使用。", _AUTHORITY, _AUTHORITY_ZH),
    _failed(
        "superseded",
        "The certificate was replaced by a newer version.",
        "该证照已被新版本取代。",
        "Ask the holder for the present version.",
        "请向持证人索取现行版本。",
    ),
    _failed(
        "expired",
        "The certificate has expired.",
        "该证照已过有效期。",
        "Ask the holder for a renewed one.",
        "请持证人提供续期后的证照。",
    ),
    _failed("not-yet-in-force", "The certificate is not in force yet.", "该证照尚未生效。", _AUTHORITY, _AUTHORITY_ZH),
    _open(
        "library-unknown",
        "The library does not know this certificate.",
        "证照库中没有该证照。",
        _AUTHORITY,
        _AUTHORITY_ZH,
    ),
    _open(
        "library-needed",
        "No library is connected: an identifier alone, without the file, proves nothing.",
        "未连接证照库：仅凭标识而无文件，无法核验。",
        "Verify the original electronic file, or ask a service that is connected to the library.",
        "请核验原始电子文件，或使用已连接证照库的服务。",
    ),
    _open(
        "identifier-absent",
        "The file names no certificate identifier, so its status cannot be looked up.",
        "文件中没有电子证照标识，无法查询状态。",
        _AUTHORITY,
        _AUTHORITY_ZH,
    ),
    _failed(
        "library-file-differs",
        "The file is not the one that the library issued under this identifier.",
        "该文件与证照库中以此标识颁发的文件不一致。",
    ),
    _skipped(
        "library-not-asked",
        "The status in the library was not asked: no library is connected.",
        "未连接证照库，未查询证照状态。",
    ),
    # any step
    _skipped("not-judged", "Not judged, because an earlier step did not pass.", "因前面的步骤未通过，此项未判断。"),
    # the report as a whole
    _passed("valid", "All required checks passed.", "必查项全部通过。"),
)
REASONS: dict[str, Reason] = {row.code: row for row in _ROWS}
