"""What can go wrong when entries are moved to segments."""

from trust.kernel.errors import Conflict, InvalidInput, MalformedInput, NotAllowed, NotFound, Unavailable


class SegmentMalformed(MalformedInput):
    """The bytes are not a segment file, or not the statement of a release."""

    code = "ledger-segment-malformed"
    title = "The bytes are not a segment of the ledger."
    title_zh = "该数据不是日志归档段。"


class SegmentInvalid(InvalidInput):
    """A segment that no ledger has: not a full subtree of its tree."""

    code = "ledger-segment-invalid"
    title = "The segment does not lie as segments lie."
    title_zh = "日志归档段的位置或大小无效。"


class SegmentUnproven(InvalidInput):
    """The entries of a segment file do not lead to the root that its checkpoint states."""

    code = "ledger-segment-unproven"
    title = "The segment file does not lead to its checkpoint."
    title_zh = "日志归档段与其检查点不符。"
    remedy = "Take the file from the backup; if the ledger no longer has the entries, call the security officer."
    remedy_zh = "请从备份恢复该文件；若日志中已无这些条目，请通知安全审计员。"


class SegmentNotFound(NotFound):
    """No segment begins at this entry."""

    code = "ledger-segment-not-found"
    title = "The ledger has no segment that begins there."
    title_zh = "日志中没有从该处开始的归档段。"


class SegmentFileMissing(Unavailable):
    """The file of a segment is not in the folder of segments."""

    code = "ledger-segment-missing"
    title = "The file of the ledger segment is not there."
    title_zh = "日志归档段文件不在。"
    remedy = "Put the file back into the folder of segments; its name is in the detail."
    remedy_zh = "请将该文件放回归档段目录，文件名见详情。"


class SegmentFolderUnusable(Unavailable):
    """The folder of segments cannot be read or written."""

    code = "ledger-segment-folder-unusable"
    title = "The folder of ledger segments cannot be used."
    title_zh = "日志归档段目录不可用。"
    remedy = "Check that the folder exists, belongs to the service and that its disk has room."
    remedy_zh = "请检查目录是否存在、是否属于服务账号、磁盘是否有空间。"


class SegmentReleased(Conflict):
    """The entries of this segment have left the database already."""

    code = "ledger-segment-released"
    title = "The segment was released already."
    title_zh = "该归档段已释放。"


class ReleaseNotSeparated(NotAllowed):
    """Whoever proposed to move entries out of the database does not approve it (law 9)."""

    code = "ledger-release-not-separated"
    title = "Another person has to approve the release."
    title_zh = "释放须由另一人批准。"
    remedy = "Ask another officer to approve."
    remedy_zh = "请由另一位人员批准。"
