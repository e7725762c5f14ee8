"""What can go wrong in a ceremony."""

from trust.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotReady


class CeremonySamePerson(NotAllowed):
    """One person was named for two roles, or as two custodians (law 9)."""

    code = "ceremony-same-person"
    title = "Nobody has two roles in a ceremony."
    title_zh = "同一人不得在仪式中担任两个角色。"
    remedy = "Name another person for one of the roles."
    remedy_zh = "请为其中一个角色另行指定人员。"


class QuorumInvalid(InvalidInput):
    """The numbers of custodians or witnesses are out of bounds."""

    code = "ceremony-quorum-invalid"
    title = "The ceremony cannot be held with these numbers of people."
    title_zh = "仪式的人数设置无效。"
    remedy = "Name 2 to 16 custodians, at least 2 of them needed, and 1 to 8 witnesses."
    remedy_zh = "请指定 2 至 16 名保管人（至少需 2 人到场）及 1 至 8 名见证人。"


class ScriptInvalid(NotReady):
    """A script of a ceremony is not one."""

    code = "ceremony-script-invalid"
    title = "The script of the ceremony cannot be used."
    title_zh = "仪式脚本不可用。"
    remedy = "Hold the ceremony with the program that it was begun with; the record names the script's SM3."
    remedy_zh = "请使用开始仪式时的程序；记录中载有脚本的 SM3 值。"


class CeremonyFolderUnusable(NotReady):
    """The medium of the ceremony cannot be read or written."""

    code = "ceremony-folder-unusable"
    title = "The medium of the ceremony cannot be read or written."
    title_zh = "仪式介质不可读写。"
    remedy = "Check that the medium is there, writable and not full; what is recorded is kept, go on afterwards."
    remedy_zh = "请检查介质是否在位、可写且有空间；已记录的内容不会丢失，处理后可继续。"


class CeremonyExists(Conflict):
    """The folder holds a ceremony already."""

    code = "ceremony-exists"
    title = "This folder holds a ceremony already."
    title_zh = "该目录中已有仪式。"
    remedy = "Go on with `yinxin keys ceremony resume`, or take an empty medium."
    remedy_zh = "请用 `yinxin keys ceremony resume` 继续，或更换空白介质。"


class CeremonyMissing(NotFound):
    """The folder holds no ceremony, or not what is asked of it."""

    code = "ceremony-missing"
    title = "The folder does not hold what is asked for."
    title_zh = "该目录中没有所需的仪式内容。"
    remedy = "Name the medium of the ceremony."
    remedy_zh = "请指定仪式介质。"


class CeremonyRunning(Conflict):
    """Another process holds the record."""

    code = "ceremony-running"
    title = "Another process is holding this ceremony."
    title_zh = "另一进程正在进行该仪式。"
    remedy = "Go on in the window where it runs."
    remedy_zh = "请在正在运行的窗口中继续。"


class CeremonyClosed(Conflict):
    """The ceremony was finished or aborted, or is not finished yet when it has to be."""

    code = "ceremony-state"
    title = "The ceremony is not in the state that this needs."
    title_zh = "仪式当前的状态不允许该操作。"
    remedy = "Look at `yinxin keys ceremony check`: an unfinished ceremony is resumed, an aborted one begins anew."
    remedy_zh = "请查看 `yinxin keys ceremony check`：未完成的仪式可继续，已中止的须重新开始。"


class CeremonyAborted(Conflict):
    """The administrator ended the ceremony."""

    code = "ceremony-aborted"
    title = "The ceremony was aborted, and the record says so."
    title_zh = "仪式已中止，并已记录。"
    remedy = "Begin a new ceremony on an empty medium; destroy the shares of this one."
    remedy_zh = "请用空白介质重新举行仪式，并销毁本次的份额。"


class RecordBroken(Conflict):
    """A line of the record was changed, removed or inserted; `field` names it."""

    code = "ceremony-record-broken"
    title = "The record of the ceremony was altered."
    title_zh = "仪式记录被改动。"
    remedy = "Compare the record with the copies and with the printed protocol; do not use this medium."
    remedy_zh = "请与副本及打印的仪式纪要核对；不要继续使用该介质。"


class RootTokenBroken(Conflict):
    """The sealed root key is damaged or was exchanged."""

    code = "ceremony-token-broken"
    title = "The sealed root key cannot be used."
    title_zh = "封存的根密钥不可用。"
    remedy = "Take another copy of the medium."
    remedy_zh = "请使用介质的另一份副本。"


class ShareMistyped(InvalidInput):
    """A word is not in the list, or the words do not belong together (SLIP-39 checksum)."""

    code = "ceremony-share-mistyped"
    title = "These words are not a share: a word is wrong, missing or in the wrong place."
    title_zh = "输入的词不是有效份额：有词错误、缺失或顺序不对。"
    remedy = "Type the share once more, word by word from the paper."
    remedy_zh = "请对照纸面逐词重新输入。"


class ShareOfAnotherCeremony(InvalidInput):
    """The share is whole and belongs to another key."""

    code = "ceremony-share-foreign"
    title = "This share belongs to another ceremony."
    title_zh = "该份额属于另一次仪式。"
    remedy = "Open the envelope that bears the number of this ceremony."
    remedy_zh = "请打开标有本次仪式编号的信封。"


class ShareRepeated(InvalidInput):
    """The same share was typed twice."""

    code = "ceremony-share-repeated"
    title = "This share was typed already."
    title_zh = "该份额已经输入过。"
    remedy = "Have another custodian type theirs."
    remedy_zh = "请由另一名保管人输入其份额。"


class ShareOfAnotherCustodian(NotAllowed):
    """The share was given to a custodian of another number (law 9)."""

    code = "ceremony-share-not-theirs"
    title = "This share is another custodian's."
    title_zh = "该份额属于另一名保管人。"
    remedy = "Each custodian types the share of their own number."
    remedy_zh = "每名保管人只能输入本人编号的份额。"


class SharesTooFew(NotAllowed):
    """Fewer custodians than the quorum."""

    code = "ceremony-shares-too-few"
    title = "Too few custodians are there to open the root key."
    title_zh = "到场保管人不足，无法打开根密钥。"
    remedy = "Wait until as many custodians are present as the protocol names."
    remedy_zh = "请等待仪式纪要规定人数的保管人到场。"


class SharesWrong(InvalidInput):
    """The shares go together and do not open this key."""

    code = "ceremony-shares-wrong"
    title = "These shares do not open this root key."
    title_zh = "这些份额无法打开该根密钥。"
    remedy = "Compare the number of the ceremony on the envelopes with the one on the screen."
    remedy_zh = "请核对信封与屏幕上的仪式编号。"


class ShareNotConfirmed(NotAllowed):
    """A custodian did not type back what they had written down."""

    code = "ceremony-share-not-confirmed"
    title = "The custodian could not repeat the words of the share."
    title_zh = "保管人未能复述份额中的词。"
    remedy = "Go on with `yinxin keys ceremony resume`: the key is made anew, and every share shown so far is void."
    remedy_zh = "请用 `yinxin keys ceremony resume` 继续：密钥将重新生成，此前显示的份额全部作废。"


class ScreenRequired(NotReady):
    """Shares are shown and typed at a terminal, not in a file or pipe."""

    code = "ceremony-terminal-required"
    title = "A ceremony needs a terminal."
    title_zh = "仪式须在终端上进行。"
    remedy = "Run the command at the console of the offline machine, without redirecting input or output."
    remedy_zh = "请在离线机的控制台上运行，不要重定向输入或输出。"


class CeremonyRequestInvalid(InvalidInput):
    """The file that asks for an act of the root key is not one, or its proof is false."""

    code = "ceremony-request-invalid"
    title = "The request to the root key cannot be used."
    title_zh = "对根密钥的请求文件不可用。"
    remedy = "Have the online installation write it anew (`yinxin keys ceremony request`)."
    remedy_zh = "请由在线系统重新生成（`yinxin keys ceremony request`）。"


class RehearsalUnusable(NotAllowed):
    """What a rehearsal made is used for nothing."""

    code = "ceremony-rehearsal"
    title = "This was a rehearsal: nothing of it can be used."
    title_zh = "这是演练，其产物不得使用。"
    remedy = "Hold the ceremony itself, on an empty medium."
    remedy_zh = "请用空白介质正式举行仪式。"
