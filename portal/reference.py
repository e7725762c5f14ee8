"""Writes the reference pages that come from the code itself: docs/errors.md and docs/settings.md.

`python -m portal.reference` writes them, `--check` (part of `make lint` and of the tests) fails when a page is stale.
"""

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

from portal.exits import exit_code_of
from trust.config import Settings
from trust.http.problems import status_of_class
from trust.kernel.errors import TrustError

PACKAGES = ("trust", "hsm_adapter", "verifier", "seals", "certs", "sso", "portal")
_ROOT = Path(__file__).resolve().parent.parent
_NOT_IMPORTED = ("trust.migrations.env", "trust.migrations.versions")  # Alembic runs these, nobody imports them


def error_classes() -> list[type[TrustError]]:
    """Return every error class of the tree, by code; the families without own code come first."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for info in pkgutil.walk_packages(module.__path__, prefix=f"{package}."):
            if not info.name.startswith(_NOT_IMPORTED) and not info.name.endswith("__main__"):
                importlib.import_module(info.name)
    ours = (error for error in _subclasses(TrustError) if error.__module__.startswith(PACKAGES))
    return sorted(ours, key=lambda error: (error.code, error.__qualname__))


def errors_page() -> str:
    """Return docs/errors.md."""
    lines = [
        "# Error codes",
        "",
        "Made by `make format` from the error classes; do not edit. Every problem document and every message of the",
        "command line carries one of these codes. A code never changes its meaning.",
        "",
        "| code | HTTP | exit | meaning | 含义 | what to do | 处理方法 |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    seen: set[str] = set()
    for error in error_classes():
        if error.code not in seen:
            seen.add(error.code)
            cells = (
                f"`{error.code}`",
                str(status_of_class(error)),
                str(exit_code_of(error)),
                error.title,
                error.title_zh,
                error.remedy,
                error.remedy_zh,
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Return docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Made by `make format` from `trust/config.py`; do not edit. Each is an environment variable, or a key of",
        "`yinxin.toml` in the working directory without the prefix and in lower case. The environment wins. Secrets",
        "are never settings: only paths to files that hold them are. A list is written as JSON.",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = json.dumps([str(part) for part in default]) if isinstance(default, tuple) else default
        lines.append(f"| `YINXIN_{name.upper()}` | `{'' if shown is None else shown}` | {field.description} |")
    return "\n".join(lines).replace("| `` |", "| (empty) |") + "\n"


def pages() -> dict[Path, str]:
    """Return each generated page by its place in the tree."""
    return {_ROOT / "docs" / "errors.md": errors_page(), _ROOT / "docs" / "settings.md": settings_page()}


def _subclasses(root: type[TrustError]) -> Iterator[type[TrustError]]:
    yield root
    for child in root.__subclasses__():
        yield from _subclasses(child)


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` say which one is stale; return the exit code."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(_ROOT)} is stale: run `make format`", file=sys.stderr)  # noqa: T201
        return 1 if stale else 0
    for path in stale:
        path.write_text(pages()[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
