"""Rules from TOML: those of the package, and an operator's own, which replace, add or switch off.

A file is a list of tables `[[rule]]`. Each has `id`, `kind`, `severity`, `title`, `title_zh` and what its kind needs
(`trust.ledger.watch.domain`); a rule with an `id` of the package replaces it, `enabled = false` switches it off.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import time
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from trust.keys import KeyPurpose, UseOutcome
from trust.ledger.search.reading import MeetingKind
from trust.ledger.watch.domain import ID_CHARACTERS, KINDS, Group, Rule, Severity, Where
from trust.ledger.watch.errors import RulesUnusable

MAX_RULES_BYTES: Final = 256 * 1024
"""Longest file of rules, bytes; the package's own has about 4 KiB."""

MAX_TITLE_CHARACTERS: Final = 200

_ID: Final = re.compile(rf"[a-z][a-z0-9-]{{0,{ID_CHARACTERS - 1}}}")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHERE: Final = frozenset({"purposes", "keys", "outcome"})
_ENABLED: Final = "enabled"


def packaged_rules() -> tuple[Rule, ...]:
    """Return the rules of the package."""
    text = files("trust.ledger.watch").joinpath("default_rules.toml").read_text("utf-8")
    return tuple(rule for rule in parse_rules(text).values() if rule is not None)


def load_rules(own: Path | None) -> tuple[Rule, ...]:
    """Return the rules in force: the package's, changed by those of the file `own`. Raises `RulesUnusable`."""
    rules: dict[str, Rule | None] = {rule.id: rule for rule in packaged_rules()}
    if own is not None:
        rules |= parse_rules(_read(own))
    return tuple(rule for rule in rules.values() if rule is not None)


def parse_rules(text: str) -> Mapping[str, Rule | None]:
    """Return the rules of a file by their ids, None for one that is switched off. Raises `RulesUnusable`."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesUnusable(f"The file is not TOML: {error}.", field="rule") from None
    tables = content.pop("rule", [])
    if content or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise RulesUnusable("The file holds tables [[rule]] and nothing else.", field=next(iter(content), "rule"))
    rules: dict[str, Rule | None] = {}
    for table in tables:
        name = _id_of(table)
        if name in rules:
            raise RulesUnusable(f"rule {name}: it is declared twice.", field="id")
        rules[name] = None if table.get(_ENABLED) is False else _parsed(name, table)
    return rules


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MAX_RULES_BYTES:
            raise RulesUnusable(f"The file has more than {MAX_RULES_BYTES} bytes.", field="rule")
        return content.decode()
    except OSError as error:
        raise RulesUnusable(f"{path.name}: {error.strerror}.", field="ledger_rules_file") from None
    except UnicodeDecodeError:
        raise RulesUnusable(f"{path.name} is not in UTF-8.", field="ledger_rules_file") from None


def _id_of(table: Mapping[str, Any]) -> str:
    name = table.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise RulesUnusable("A rule has an id of small letters, digits and hyphens.", field="id")
    return name


def _parsed(name: str, table: Mapping[str, Any]) -> Rule:
    kind = KINDS.get(str(table.get("kind")))
    if kind is None:
        raise RulesUnusable(f"rule {name}: its kind is one of {', '.join(KINDS)}.", field="kind")
    try:
        return kind(**dict(_members(kind, table)))
    except RulesUnusable as error:
        raise RulesUnusable(f"rule {name}: {error.detail}", field=error.field) from None


def _members(kind: type[Rule], table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    given = {member: value for member, value in table.items() if member not in {"kind", _ENABLED}}
    if table.get(_ENABLED, True) is not True:
        raise RulesUnusable("enabled is true or false.", field=_ENABLED)
    declared = {item.name: item for item in fields(kind)}
    if "where" in declared:
        narrowing = {member: given.pop(member) for member in _WHERE & set(given)}
        yield "where", Where(**{member: _READERS[member](value, member) for member, value in narrowing.items()})
    unknown = sorted(set(given) - (set(declared) - {"where"}))
    if unknown:
        raise RulesUnusable(f"{unknown[0]} means nothing in a rule of this kind.", field=unknown[0])
    for member, item in declared.items():
        if member in given:
            yield member, _READERS.get(member, _whole)(given[member], member)
        elif item.default is MISSING and item.default_factory is MISSING:
            raise RulesUnusable(f"{member} is missing.", field=member)


def _whole(value: object, member: str) -> int:
    if type(value) is not int:
        raise RulesUnusable(f"{member} is a whole number.", field=member)
    return value


def _sentence(value: object, member: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TITLE_CHARACTERS:
        raise RulesUnusable(f"{member} is a text of at most {MAX_TITLE_CHARACTERS} characters.", field=member)
    return value


def _clock(value: object, member: str) -> time:
    if not isinstance(value, time):
        raise RulesUnusable(f"{member} is a time of day such as 08:00:00, without quotation marks.", field=member)
    return value


def _days(value: object, member: str) -> frozenset[int]:
    if not isinstance(value, list) or not all(day in _DAYS for day in value):
        raise RulesUnusable(f"{member} is a list of {', '.join(_DAYS)}.", field=member)
    return frozenset(_DAYS.index(day) for day in value)


def _texts(value: object, member: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RulesUnusable(f"{member} is a list of texts.", field=member)
    return frozenset(value)


def _purposes(value: object, member: str) -> frozenset[KeyPurpose]:
    return frozenset(_one_of(KeyPurpose)(item, member) for item in _texts(value, member))


def _one_of(words: type[StrEnum]) -> Callable[[object, str], Any]:
    def read(value: object, member: str) -> Any:
        try:
            return words(str(value))
        except ValueError:
            raise RulesUnusable(f"{member} is one of {', '.join(words)}.", field=member) from None

    return read


_READERS: Final[Mapping[str, Callable[[object, str], Any]]] = {
    "id": _sentence,
    "title": _sentence,
    "title_zh": _sentence,
    "severity": _one_of(Severity),
    "purposes": _purposes,
    "keys": _texts,
    "outcome": _one_of(UseOutcome),
    "days": _days,
    "begin": _clock,
    "end": _clock,
    "per": _one_of(Group),
    "what": _one_of(MeetingKind),
}
