"""How the command line speaks: human text by default, one JSON value with `--json`, errors with code and remedy."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from portal.exits import exit_code_of
from trust.kernel.errors import NotReady, TrustError

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON value for machines."
)


class OutputNotWritable(NotReady):
    """A folder that a command was told to write to cannot be written."""

    code = "output-not-writable"
    title = "The folder for the result cannot be written."
    title_zh = "结果目录不可写。"
    remedy = "Name a folder that this account may write to, on a disk with room."
    remedy_zh = "请指定本账号可写、且磁盘有空间的目录。"


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Make `folder` and name it when it cannot be written. Raises `OutputNotWritable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise OutputNotWritable(f"{folder}: {error.strerror}.", field=folder.name) from None


def show(value: Mapping[str, object] | list[dict[str, object]], *, as_json: bool) -> None:
    """Print a value: as JSON, or as lines `name: value` (a list as one paragraph per item)."""
    if as_json:
        click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
        return
    items = [value] if isinstance(value, Mapping) else value
    paragraphs = [
        "\n".join(f"{name}:{_plain(item)}" for name, item in entry.items() if item is not None) for entry in items
    ]
    click.echo("\n\n".join(paragraphs) if paragraphs else "(none)")


def _plain(value: object) -> str:
    """Return what stands behind `name:` for people: items of a list each on a line of its own, all else on this one."""
    if isinstance(value, list | tuple) and value:
        return "".join(f"\n  {_line(item)}" for item in value)
    return f" {_line(value)}"


def _line(value: object) -> str:
    """Return a value in one line; of members those that say something."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_line(item)}" for name, item in value.items() if item not in (None, [], ()))
    if isinstance(value, list | tuple):
        return "; ".join(_line(item) for item in value) or "(none)"
    return str(value)


def show_error(error: TrustError) -> int:
    """Print an error to stderr in both languages and return the exit code."""
    where = f" [{error.field}]" if error.field else ""
    lines = [f"error {error.code}{where}: {error.title} {error.title_zh}"]
    if error.detail != error.title:
        lines.append(f"  {error.detail}")
    lines.append(f"  {error.remedy} {error.remedy_zh}")
    click.secho("\n".join(lines), err=True, fg="red")
    return exit_code_of(type(error))
