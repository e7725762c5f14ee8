"""What can be wrong with an export."""

from trust.kernel.errors import InvalidInput, MalformedInput, TooLarge


class ExportMalformed(MalformedInput):
    """The file is no export of a ledger at all."""

    code = "ledger-export-malformed"
    title = "The file is not an export of a ledger."
    title_zh = "该文件不是日志导出文件。"


class ExportInvalid(InvalidInput):
    """The export was altered; `line` is the first bad line, counted from 1."""

    code = "ledger-export-invalid"
    title = "The export was altered."
    title_zh = "导出文件已被改动。"
    remedy = "Ask for a new export, and keep this file: it shows what was altered."
    remedy_zh = "请重新导出，并保留此文件以备查证。"

    def __init__(self, detail: str, *, line: int) -> None:
        super().__init__(f"line {line}: {detail}", field=f"line {line}", line=line)
        self.line = line


class ExportTooLarge(TooLarge):
    """More entries were asked for than one export of the API holds."""

    code = "ledger-export-too-large"
    title = "The export has too many entries."
    title_zh = "导出条目过多。"
    remedy = "Ask for a shorter span, or run `yinxin ledger export` on the service's machine."
    remedy_zh = "请缩小范围，或在服务器上运行 `yinxin ledger export`。"
