"""What can be wrong with the bytes of a PDF before any signature in it is judged."""

from trust.kernel.errors import MalformedInput, TooLarge


class _FileMalformed(MalformedInput):
    """Names the file as the member at fault, wherever in it the reader stopped."""

    def __init__(self, detail: str = "", *, field: str | None = "file", **facts: object) -> None:
        super().__init__(detail, field=field, **facts)


class _FileTooLarge(TooLarge):
    """Names the file as the member at fault."""

    def __init__(self, detail: str = "", *, field: str | None = "file", **facts: object) -> None:
        super().__init__(detail, field=field, **facts)


class NotADocument(_FileMalformed):
    """The bytes do not begin like any kind of document that is judged here."""

    code = "not-a-document"
    title = "The file is not a PDF."
    title_zh = "该文件不是 PDF 文件。"
    remedy = "Send the electronic certificate as it was issued: a PDF file, not a picture, an archive or a web page."
    remedy_zh = "请提交颁发时的电子证照 PDF 文件，而非图片、压缩包或网页。"


class PdfMalformed(_FileMalformed):
    """The structure of the PDF is broken: truncated, damaged, or not written by the rules of ISO 32000."""

    code = "pdf-malformed"
    title = "The PDF is damaged or incomplete."
    title_zh = "该 PDF 文件已损坏或不完整。"
    remedy = "Download the file again, or ask the holder for it again; do not print, scan or convert it."
    remedy_zh = "请重新下载，或向持证人重新索取；请勿打印、扫描或转换格式。"


class PdfEncrypted(_FileMalformed):
    """The PDF is encrypted; certificates are never issued so."""

    code = "pdf-encrypted"
    title = "The PDF is encrypted and cannot be checked."
    title_zh = "该 PDF 文件已加密，无法核验。"
    remedy = "Ask the holder for the file as it was issued, without a password."
    remedy_zh = "请持证人提供颁发时的原始文件（未加密码）。"


class PdfBomb(_FileTooLarge):
    """Reading the PDF would take more memory or time than any honest file needs."""

    code = "pdf-bomb"
    title = "The PDF expands beyond every reasonable size."
    title_zh = "该 PDF 文件解压后的规模超出合理范围。"
    remedy = "Ask the holder for the file as it was issued."
    remedy_zh = "请持证人提供颁发时的原始文件。"


class UploadTooLarge(_FileTooLarge):
    """The file exceeds the size limit."""

    code = "upload-too-large"
    title = "The file is too large to be checked."
    title_zh = "文件过大，无法核验。"
    remedy = "Send only the electronic certificate itself; the detail names the limit."
    remedy_zh = "请只提交电子证照文件本身；详情中给出了上限。"
