"""What can go wrong with the ledger."""

from trust.kernel.errors import InternalFault, InvalidInput, MalformedInput, NotFound, TooLarge, Unavailable


class LedgerUnavailable(Unavailable):
    """The entries could not be made durable; whatever waited for them must not happen (law 2)."""

    code = "ledger-unavailable"
    title = "The ledger cannot be written; nothing was signed."
    title_zh = "日志无法写入，未进行任何签名。"
    remedy = "Check that the database answers and that its disk has room; then try again."
    remedy_zh = "请检查数据库是否响应、磁盘是否有空间，然后重试。"


class LedgerBroken(InternalFault):
    """The stored ledger contradicts itself; `place` names the first contradiction that was found."""

    code = "ledger-broken"
    title = "The ledger was altered."
    title_zh = "日志已被改动。"
    remedy = "Stop signing, keep the database as it is, and call the security officer."
    remedy_zh = "请停止签名，保持数据库原状，并通知安全审计员。"

    def __init__(self, detail: str, *, place: str) -> None:
        super().__init__(f"{place}: {detail}", field=place, place=place)
        self.place = place


class EntryRefused(InvalidInput):
    """A key use cannot be written as a leaf: too long, or text that is not Unicode."""

    code = "ledger-entry-refused"
    title = "The key use cannot be written to the ledger."
    title_zh = "该密钥使用记录无法写入日志。"
    remedy = "Shorten the reason and the document's name; use Unicode text only."
    remedy_zh = "请缩短用途说明与文件名称，且仅使用 Unicode 文本。"


class EntryMalformed(MalformedInput):
    """The bytes are not a leaf of this ledger."""

    code = "ledger-entry-malformed"
    title = "The bytes are not a ledger entry."
    title_zh = "该数据不是日志条目。"


class EntryNotFound(NotFound):
    """The ledger has no entry of this index yet."""

    code = "ledger-entry-not-found"
    title = "The ledger has no such entry."
    title_zh = "日志中没有该条目。"
    remedy = "Ask for an index below the present size of the ledger."
    remedy_zh = "序号须小于日志当前规模。"


class TooManyEntries(TooLarge):
    """More entries were asked for than one answer holds."""

    code = "ledger-too-many-entries"
    title = "Too many ledger entries in one request."
    title_zh = "单次请求的日志条目过多。"


class CheckpointMalformed(MalformedInput):
    """The bytes are not the body of a checkpoint."""

    code = "checkpoint-malformed"
    title = "The bytes are not a checkpoint."
    title_zh = "该数据不是检查点。"


class CheckpointNotFound(NotFound):
    """No checkpoint was signed yet."""

    code = "checkpoint-not-found"
    title = "The ledger has no signed checkpoint yet."
    title_zh = "日志尚无已签名的检查点。"
    remedy = "Ask again within a minute; checkpoints are signed regularly."
    remedy_zh = "检查点会定期签发，请一分钟内再次查询。"
