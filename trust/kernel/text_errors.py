"""What can be wrong with a free text; no class and no detail repeats it (law 7)."""

from trust.kernel.errors import InvalidInput


class TextLength(InvalidInput):
    """A text is shorter or longer than its field takes."""

    code = "text-length"
    title = "A text is too short or too long."
    title_zh = "文本过短或过长。"
    remedy = "Keep the named field within the bounds given in the detail."
    remedy_zh = "请使所指字段的长度符合详情中给出的范围。"


class TextCharacters(InvalidInput):
    """A text holds a control or invisible formatting character."""

    code = "text-characters"
    title = "A text holds an invisible control character."
    title_zh = "文本中含有不可见的控制字符。"
    remedy = "Type the named field again instead of copying it from another program."
    remedy_zh = "请重新手工录入所指字段，不要从其他程序粘贴。"


class PersonalNumberInText(InvalidInput):
    """A free text that is kept in clear holds a resident identity number (law 7)."""

    code = "personal-number-in-text"
    title = "A free text holds a resident identity number."
    title_zh = "自由文本中含有公民身份号码。"
    remedy = "Describe the matter without the number of a person; the certificate already names its holder."
    remedy_zh = "请勿在文本中填写个人身份号码；证照本身已指明持证主体。"
