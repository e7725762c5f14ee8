"""What can go wrong with rules and alerts."""

from trust.kernel.errors import Conflict, NotFound, NotReady


class RulesUnusable(NotReady):
    """The rules of the watch cannot be read; the detail names the rule and its member."""

    code = "ledger-rules-unusable"
    title = "The rules of the ledger's watch cannot be used."
    title_zh = "日志监察规则不可用。"
    remedy = "Correct the named rule in the file that YINXIN_LEDGER_RULES_FILE names; see docs/operations.md."
    remedy_zh = "请更正 YINXIN_LEDGER_RULES_FILE 所指文件中的相应规则；见 docs/operations.md。"


class AlertUnknown(NotFound):
    """There is no alert of this number."""

    code = "ledger-alert-unknown"
    title = "There is no such alert."
    title_zh = "没有该告警。"
    remedy = "`yinxin ledger alerts list` shows the numbers."
    remedy_zh = "编号见 `yinxin ledger alerts list`。"


class AlertAcknowledged(Conflict):
    """Somebody has acknowledged the alert before; who and when stays as it is."""

    code = "ledger-alert-acknowledged"
    title = "The alert was acknowledged before."
    title_zh = "该告警已被确认。"
    remedy = "`yinxin ledger alerts list --all` shows by whom."
    remedy_zh = "确认人见 `yinxin ledger alerts list --all`。"
