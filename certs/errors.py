"""The errors of this context: what is wrong with a type, a field, a page, or the state of a certificate."""

from trust.kernel.errors import InvalidInput, NotFound, NotReady


class TypeUnknown(NotFound):
    """The catalogue has no certificate type under this code."""

    code = "type-unknown"
    title = "There is no certificate type under this code."
    title_zh = "证照目录中没有该类型代码。"
    remedy = "Take the type code from the catalogue (GET /api/v1/types)."
    remedy_zh = "请从证照目录（GET /api/v1/types）中选取类型代码。"


class CatalogueBroken(NotReady):
    """A folder of the catalogue does not describe a certificate type."""

    code = "catalogue-broken"
    title = "A certificate type in the catalogue cannot be used."
    title_zh = "证照目录中的某个类型不可用。"
    remedy = "Correct the type.toml named in the detail."
    remedy_zh = "请更正详情所指的 type.toml。"


class FieldWrongKind(InvalidInput):
    """A value of another JSON kind than the field holds."""

    code = "field-wrong-kind"
    title = "The value is of another kind than the field."
    title_zh = "取值类型与字段不符。"


class FieldTooLong(InvalidInput):
    """A value longer than the field's limit."""

    code = "field-too-long"
    title = "The value is longer than the field allows."
    title_zh = "取值超过字段长度上限。"


class FieldCharacter(InvalidInput):
    """A control character, a direction override or another character that cannot stand on a certificate."""

    code = "field-character"
    title = "The value holds a character that may not stand on a certificate."
    title_zh = "取值含有不得出现在证照上的字符。"
    remedy = "Remove the character named in the detail; type the text again rather than pasting it."
    remedy_zh = "请删除详情所列字符；建议重新键入而不是粘贴。"


class FieldPattern(InvalidInput):
    """A value that does not have the form that its field prescribes."""

    code = "field-pattern"
    title = "The value does not have the form of this field."
    title_zh = "取值不符合该字段的格式。"


class FieldDate(InvalidInput):
    """Not a date of the calendar in the form 2026-11-21."""

    code = "field-date"
    title = "The value is not a date."
    title_zh = "取值不是有效日期。"
    remedy = "Write the date as year-month-day, for example 2026-11-21."
    remedy_zh = "请按“年-月-日”书写日期，例如 2026-11-21。"


class FieldChoice(InvalidInput):
    """A value outside the list of the field."""

    code = "field-choice"
    title = "The value is not one of those the field offers."
    title_zh = "取值不在字段的可选范围内。"


class FieldRange(InvalidInput):
    """A number outside the bounds of the field."""

    code = "field-range"
    title = "The number is outside the bounds of the field."
    title_zh = "数值超出字段允许的范围。"


class DateOrder(InvalidInput):
    """Dates that cannot follow one another so."""

    code = "date-order"
    title = "The dates are not in a possible order."
    title_zh = "日期先后顺序不成立。"


class ValidityTooLong(InvalidInput):
    """A validity beyond what the certificate type permits."""

    code = "validity-too-long"
    title = "The validity is longer than this certificate type permits."
    title_zh = "有效期超过该证照类型允许的期限。"


class FieldContradiction(InvalidInput):
    """A value that contradicts the holder's resident identity number."""

    code = "field-contradiction"
    title = "The value contradicts the resident identity number."
    title_zh = "取值与公民身份号码所载不一致。"
