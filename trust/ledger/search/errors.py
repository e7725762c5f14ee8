"""What can go wrong when the ledger is searched."""

from trust.kernel.errors import InvalidInput, TooLarge


class QuestionInvalid(InvalidInput):
    """The question cannot be answered as it is put."""

    code = "ledger-question-invalid"
    title = "The ledger cannot be searched for this."
    title_zh = "无法按此条件检索日志。"
    remedy = "Correct the named field; moments need an offset from UTC."
    remedy_zh = "请更正所指字段；时间须带时区偏移。"


class TooManyGroups(TooLarge):
    """The statistics asked for have more lines than one answer holds."""

    code = "ledger-too-many-groups"
    title = "The statistics have too many lines."
    title_zh = "统计结果行数过多。"
    remedy = "Ask for fewer days, for one key, or count by fewer things."
    remedy_zh = "请缩短时间范围、限定密钥，或减少分组项。"
