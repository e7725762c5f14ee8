"""Where a ceremony meets people: the port of the screen and keyboard, and how words are put on it."""

from typing import Protocol

from hsm_adapter.ceremony.domain import Role

ROLE_ZH = {
    Role.ADMINISTRATOR: "仪式管理员",
    Role.OFFICER: "安全员",
    Role.CUSTODIAN: "保管人",
    Role.WITNESS: "见证人",
}


class Stage(Protocol):
    """A screen and a keyboard. What is said may stay on the screen; what is shown in secret may not."""

    def say(self, text: str) -> None:
        """Put text on the screen."""
        ...

    def ask(self, question: str) -> str:
        """Put a question and return the line that is typed."""
        ...

    def show_secret(self, text: str) -> None:
        """Show text on a cleared screen until somebody presses Enter, and clear the screen for good."""
        ...

    def ask_secret(self, question: str) -> str:
        """Ask on a cleared screen, and clear it for good when the line was typed."""
        ...


def both(zh: str, en: str) -> str:
    """Return a sentence in both languages, one line each."""
    return f"{zh}\n{en}"


def share_sheet(words: tuple[str, ...], *, title: str) -> str:
    """Return a share as it is copied to paper: numbered words, three columns."""
    rows = -(-len(words) // 3)
    lines = [
        "  ".join(f"{place + 1:>2} {words[place]:<10}" for place in range(row, len(words), rows)).rstrip()
        for row in range(rows)
    ]
    return "\n".join((title, "", *lines))
