"""One error class per fault of an identifying number, so that a caller knows what exactly to correct.

No class and no detail ever repeats the number: it may be a personal one (law 7).
"""

from trust.kernel.errors import InvalidInput


class ResidentIdInvalid(InvalidInput):
    """Any fault of a citizen identity number; the subclasses tell which."""

    code = "resident-id-invalid"
    title = "The resident identity number is not valid."
    title_zh = "公民身份号码无效。"
    remedy = "Copy the number again from the identity card."
    remedy_zh = "请对照身份证件重新录入号码。"


class ResidentIdCharacters(ResidentIdInvalid):
    """Something other than digits, or an X that is not the last character."""

    code = "resident-id-characters"
    title = "The resident identity number holds a character that cannot occur in it."
    title_zh = "公民身份号码含有不允许的字符。"
    remedy = "Use 17 plain digits and a last digit or capital X; no spaces, no full-width characters."
    remedy_zh = "请使用17位半角数字加1位校验码（数字或大写X），不得含空格或全角字符。"


class ResidentIdLength(ResidentIdInvalid):
    """Not 18 characters."""

    code = "resident-id-length"
    title = "The resident identity number does not have 18 characters."
    title_zh = "公民身份号码不是18位。"
    remedy = "Use the present number of 18 characters; the form of 15 digits was abolished."
    remedy_zh = "请使用18位号码；15位旧号码已停止使用。"


class ResidentIdRegion(ResidentIdInvalid):
    """An address code that no document carries."""

    code = "resident-id-region"
    title = "The address code of the residence permit number does not exist."
    title_zh = "居住证号码的地址码不存在。"


class ResidentIdDate(ResidentIdInvalid):
    """A birth date that is not in the calendar or out of the plausible years."""

    code = "resident-id-date"
    title = "The birth date in the resident identity number does not exist."
    title_zh = "公民身份号码中的出生日期不存在。"


class ResidentIdCheck(ResidentIdInvalid):
    """The check character does not fit the other 17."""

    code = "resident-id-check"
    title = "The check character of the resident identity number is wrong."
    title_zh = "公民身份号码的校验码不正确。"


class UsccInvalid(InvalidInput):
    """Any fault of a unified social credit code; the subclasses tell which."""

    code = "uscc-invalid"
    title = "The unified social credit code is not valid."
    title_zh = "统一社会信用代码无效。"
    remedy = "Copy the code again from the registration certificate of the organisation."
    remedy_zh = "请对照登记证书重新录入代码。"


class UsccCharacters(UsccInvalid):
    """A character outside the alphabet of GB 32100."""

    code = "uscc-characters"
    title = "The unified social credit code holds a character that cannot occur in it."
    title_zh = "统一社会信用代码含有不允许的字符。"
    remedy = "Use plain digits and capitals without I, O, S, V and Z; positions 3 to 8 are digits."
    remedy_zh = "请使用半角数字和大写字母（不含I、O、S、V、Z），第3至8位为数字。"


class UsccLength(UsccInvalid):
    """Not 18 characters."""

    code = "uscc-length"
    title = "The unified social credit code does not have 18 characters."
    title_zh = "统一社会信用代码不是18位。"


class UsccCheck(UsccInvalid):
    """The check character does not fit the other 17."""

    code = "uscc-check"
    title = "The check character of the unified social credit code is wrong."
    title_zh = "统一社会信用代码的校验码不正确。"


class CertificateIdentifierInvalid(InvalidInput):
    """Any fault of a certificate identifier; the subclasses tell which."""

    code = "certificate-identifier-invalid"
    title = "The certificate identifier is not valid."
    title_zh = "电子证照标识无效。"
    remedy = "Copy the identifier again from the certificate, or scan its QR code."
    remedy_zh = "请对照证照重新录入标识，或扫描证照上的二维码。"


class CertificateIdentifierCharacters(CertificateIdentifierInvalid):
    """Something other than digits, capital letters and dots."""

    code = "certificate-identifier-characters"
    title = "The certificate identifier holds a character that cannot occur in it."
    title_zh = "电子证照标识含有不允许的字符。"


class CertificateIdentifierStructure(CertificateIdentifierInvalid):
    """Not the root and five parts."""

    code = "certificate-identifier-structure"
    title = "The certificate identifier does not consist of the root and five parts."
    title_zh = "电子证照标识的组成部分不完整。"


class CertificateIdentifierRoot(CertificateIdentifierInvalid):
    """Does not begin with 1.2.156.3005.2."""

    code = "certificate-identifier-root"
    title = "The certificate identifier does not begin with 1.2.156.3005.2."
    title_zh = "电子证照标识不是以1.2.156.3005.2开头。"


class CertificateIdentifierType(CertificateIdentifierInvalid):
    """The type code is not a valid credit code and three digits."""

    code = "certificate-identifier-type"
    title = "The type code in the certificate identifier is not valid."
    title_zh = "电子证照标识中的证照类型代码无效。"


class CertificateIdentifierIssuer(CertificateIdentifierInvalid):
    """The issuer is not a valid credit code."""

    code = "certificate-identifier-issuer"
    title = "The issuing authority's code in the certificate identifier is not valid."
    title_zh = "电子证照标识中的颁发机构代码无效。"


class CertificateIdentifierSerial(CertificateIdentifierInvalid):
    """The serial is too long."""

    code = "certificate-identifier-serial"
    title = "The serial in the certificate identifier is not valid."
    title_zh = "电子证照标识中的流水号无效。"


class CertificateIdentifierVersion(CertificateIdentifierInvalid):
    """The version is not 001 to 999."""

    code = "certificate-identifier-version"
    title = "The version in the certificate identifier is not 001 to 999."
    title_zh = "电子证照标识中的版本号不在001至999之间。"


class CertificateIdentifierCheck(CertificateIdentifierInvalid):
    """The check character does not fit the other parts."""

    code = "certificate-identifier-check"
    title = "The check character of the certificate identifier is wrong."
    title_zh = "电子证照标识的校验位不正确。"
