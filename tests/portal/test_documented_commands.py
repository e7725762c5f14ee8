"""Every `yinxin` command that the pages, the remedies and the help name is one that there is, with its options."""

import re
import shlex
from pathlib import Path

import click
import pytest

from portal.cli import yinxin
from portal.reference import error_classes

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
NAMED = re.compile(r"`yinxin ([^`]+)`|^(?:\$ )?yinxin (.+?)(?:\s{2,}#.*)?$", re.MULTILINE)


def named_in(text):
    return [inside or line for inside, line in NAMED.findall(re.sub(r"\\\n\s*", "", text))]  # a shell goes on after \


def commands(group, path=()):
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


def texts():
    for page in PAGES:
        yield page.name, page.read_text("utf-8")
    for error in error_classes():
        yield error.code, f"{error.remedy} {error.remedy_zh}"
    for path, command in commands(yinxin):
        yield " ".join(path), command.help or ""


CASES = sorted({(place, named) for place, text in texts() for named in named_in(text)})


def test_there_are_commands_to_look_at():
    assert {"operations.md", "README.md", "crl-missing", "authority export"} <= {place for place, _ in CASES}


@pytest.mark.parametrize(("place", "named"), CASES)
def test_a_named_command_exists_with_its_options(place, named):
    command = yinxin
    words = shlex.split(named)
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert command is not yinxin, f"{place}: yinxin {named}"
    assert not isinstance(command, click.Group) or not words, f"{place}: yinxin {named}"
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert options <= known, f"{place}: yinxin {named}"
