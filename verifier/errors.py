"""What can keep a verification from being made at all; everything else is a code of the report."""

from trust.kernel.errors import InvalidInput, NotReady


class VerifyInput(InvalidInput):
    """A request names nothing to verify, or more than one thing."""

    code = "verify-input"
    title = "Exactly one thing can be verified in one request."
    title_zh = "每次只能核验一项内容。"
    remedy = "Send either a file, or an identifier, or the text of a QR code."
    remedy_zh = "请提交文件、电子证照标识或二维码文本三者之一。"


class LinkForged(InvalidInput):
    """A link looks like one of this service, but its token was not made for its identifier."""

    code = "link-forged"
    title = "The verification link was not issued by this service."
    title_zh = "该核验链接不是本服务签发的。"
    remedy = "Verify the original electronic file instead."
    remedy_zh = "请改为核验原始电子文件。"


class TrustMaterialUnusable(NotReady):
    """The anchors, issuing certificates or revocation lists that were supplied cannot be read."""

    code = "trust-material-unusable"
    title = "The trust material cannot be read."
    title_zh = "信任材料无法读取。"
    remedy = "Supply root and issuing certificates and revocation lists in DER."
    remedy_zh = "请提供 DER 格式的根证书、签发证书与吊销列表。"
