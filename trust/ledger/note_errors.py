"""What can go wrong with signed notes, tiles, receipts, and what is kept outside the database."""

from trust.kernel.errors import InvalidInput, MalformedInput, NotAllowed, NotFound, NotReady, Unavailable


class NoteMalformed(MalformedInput):
    """The bytes are not a signed note, a verifier key or a tree head of the C2SP specifications."""

    code = "note-malformed"
    title = "The bytes are not a signed note."
    title_zh = "该数据不是签名便笺（signed note）。"
    remedy = "Fetch the checkpoint again, byte for byte; do not let an editor change its line ends."
    remedy_zh = "请重新逐字节获取检查点，勿让编辑器改动换行符。"


class NoteSignatureInvalid(InvalidInput):
    """A signature line of a key that is trusted does not hold; the whole note is refused (C2SP signed-note)."""

    code = "note-signature-invalid"
    title = "A signature of the note does not hold."
    title_zh = "便笺上的签名不成立。"
    remedy = "Do not use the note; tell the security officer where it came from."
    remedy_zh = "请勿使用该便笺，并将其来源告知安全审计员。"


class NoteUntrusted(InvalidInput):
    """No trusted key has signed the note."""

    code = "note-untrusted"
    title = "The note is signed by no key that is trusted here."
    title_zh = "便笺上没有受信任密钥的签名。"
    remedy = "Check that the verifier keys given are those of this log and its witnesses."
    remedy_zh = "请核对所给的验证密钥是否属于该日志及其见证方。"


class TileNotFound(NotFound):
    """The path names no tile, or one that no checkpoint has reached yet."""

    code = "ledger-tile-not-found"
    title = "There is no such tile."
    title_zh = "没有该分片。"
    remedy = "Ask for the tiles that the size of the newest checkpoint requires (C2SP tlog-tiles)."
    remedy_zh = "请按最新检查点的规模推算应有的分片（C2SP tlog-tiles）。"


class ReceiptNotYet(Unavailable):
    """The entry exists, but no checkpoint covers it so far."""

    code = "ledger-receipt-not-yet"
    title = "No checkpoint covers the entry yet."
    title_zh = "尚无检查点覆盖该条目。"
    remedy = "Ask again within a minute; checkpoints are signed regularly."
    remedy_zh = "检查点会定期签发，请一分钟内再次查询。"


class ReceiptMalformed(MalformedInput):
    """The bytes are not a receipt."""

    code = "ledger-receipt-malformed"
    title = "The bytes are not a receipt of the ledger."
    title_zh = "该数据不是日志回执。"


class LedgerRolledBack(NotReady):
    """The database lies behind a checkpoint that was signed, or holds another history than it."""

    code = "ledger-rolled-back"
    title = "The ledger is not the one whose checkpoint was signed before; nothing is signed."
    title_zh = "日志与此前签发的检查点不符（疑似被回退），已停止一切签名。"
    remedy = (
        "Keep the database as it is and call the security officer; docs/audit.md, section `When the ledger was rolled"
        " back`, says how an operator goes on."
    )
    remedy_zh = "请保持数据库原状并通知安全审计员；后续处置见 docs/audit.md 中“When the ledger was rolled back”一节。"


class LedgerHalted(NotReady):
    """Signing stays refused since a roll-back or a fork was found, until an operator acts."""

    code = "ledger-halted"
    title = "Signing was stopped because the ledger contradicts a checkpoint."
    title_zh = "因日志与检查点矛盾，签名已停止。"
    remedy = "Read the reason with `yinxin ledger halted` and follow docs/audit.md, `When the ledger was rolled back`."
    remedy_zh = "用 `yinxin ledger halted` 查看原因，并按 docs/audit.md 中“When the ledger was rolled back”一节处置。"


class MemoryUnreadable(NotReady):
    """The file that keeps the last checkpoint outside the database cannot be read or written."""

    code = "ledger-memory-unreadable"
    title = "The last checkpoint outside the database cannot be read or written."
    title_zh = "数据库之外保存的最后检查点无法读写。"
    remedy = "Restore the file from its copy, or check the disk of the home folder."
    remedy_zh = "请从副本恢复该文件，或检查主目录所在磁盘。"


class WitnessUnreachable(Unavailable):
    """A witness did not answer, or not in its protocol."""

    code = "witness-unreachable"
    title = "A witness did not answer."
    title_zh = "见证方未响应。"
    remedy = "Check the witness's address and that it runs; the service asks again by itself."
    remedy_zh = "请检查见证方地址及其运行状态；服务会自动重试。"


class WitnessDisagrees(InvalidInput):
    """A witness says that it cosigned another history, or refuses ours, and shows no proof that we signed another."""

    code = "witness-disagrees"
    title = "A witness does not agree with the ledger."
    title_zh = "见证方与日志不一致。"
    remedy = "Compare the witness's checkpoint with the ledger, together with its operator; its cosignature is missing."
    remedy_zh = "请与见证方运营者一同核对其检查点与日志；在此之前缺少其联署。"


class LedgerForked(NotReady):
    """A witness shows a checkpoint with our own signature that the ledger does not grow out of."""

    code = "ledger-forked"
    title = "A checkpoint with our own signature belongs to another history; nothing is signed."
    title_zh = "发现带有本服务签名、却属于另一历史的检查点，已停止一切签名。"
    remedy = "Keep database and the halting file as they are and call the security officer; see docs/audit.md."
    remedy_zh = "请保持数据库与停止标记文件原状，并通知安全审计员；见 docs/audit.md。"


class LossNotSeparated(NotAllowed):
    """Whoever asks that a loss be accepted does not approve it (law 9)."""

    code = "ledger-loss-not-separated"
    title = "Another person has to approve that the loss is accepted."
    title_zh = "接受条目丢失须由另一人批准。"
    remedy = "Have the security officer approve: `yinxin ledger accept-loss --by … --approved-by …`."
    remedy_zh = "请由安全审计员批准：`yinxin ledger accept-loss --by … --approved-by …`。"
