"""Reads the table of one device out of the devices file: each entry once, of one kind, and none left over."""

from collections.abc import Mapping
from typing import ClassVar, NoReturn

from trust.kernel.errors import TrustError


class Table:
    """Takes the entries out of a table; what is left at the end is unknown. `invalid` names the backend's own error."""

    invalid: ClassVar[type[TrustError]]

    def __init__(self, where: str, table: Mapping[str, object]) -> None:
        self._where = where
        self._left = dict(table)

    def refuse(self, entry: str, why: str) -> NoReturn:
        """Raise the backend's error at an entry."""
        raise self.invalid(f"{self._where}.{entry}: {why}.", field=f"{self._where}.{entry}")

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        for entry in self._left:
            self.refuse(entry, "no such entry")

    def text(self, entry: str, default: str | None = None) -> str:
        """Return printable text."""
        value = self._left.pop(entry, default)
        if not isinstance(value, str) or not value or not value.isprintable():
            self.refuse(entry, "text is needed")
        return value

    def number(self, entry: str, default: int | None, lowest: int, highest: int) -> int:
        """Return a whole number within its bounds."""
        value = self._left.pop(entry, default)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            self.refuse(entry, f"a whole number from {lowest} to {highest} is needed")
        return value

    def seconds(self, entry: str, default: float, highest: float) -> float:
        """Return a time above nothing, seconds."""
        value = self._left.pop(entry, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= highest:
            self.refuse(entry, f"a number above 0 and up to {highest} is needed")
        return float(value)

    def truth(self, entry: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._left.pop(entry, default)
        if not isinstance(value, bool):
            self.refuse(entry, "true or false is needed")
        return value
