"""What can go wrong with seals and stamping."""

from trust.kernel.errors import Conflict, InvalidInput, MalformedInput, NotAllowed, NotFound


class SealTextUnusable(InvalidInput):
    """A name, code or line cannot stand on a seal."""

    code = "seal-text-unusable"
    title = "The seal's text cannot be used."
    title_zh = "印章文字不可用。"
