"""What goes wrong when a step of the demonstration does not come out as it must."""

from trust.kernel.errors import InternalFault


class DemonstrationFailed(InternalFault):
    """A step of the demonstration did not come out as it must."""

    code = "demonstration-failed"
    title = "The demonstration did not come out as it must."
    title_zh = "演示结果与预期不符。"
