"""The script of a ceremony: data, in `scripts/*.toml`, read aloud and followed step by step.

A step says who acts, what is said (Chinese and English), what the program does, and what is typed into the record.
The program knows the closed set of `Action`; the order, the words and what is asked for are the script's.
"""

import tomllib
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from hsm_adapter.ceremony.domain import People, Role, Terms
from hsm_adapter.ceremony.errors import ScriptInvalid
from trust.gm.sm3 import sm3

_FOLDER = Path(__file__).parent / "scripts"


class Action(StrEnum):
    """What the program does in a step."""

    CONFIRM = "confirm"  # people act, and say when they have
    PRESENT = "present"  # everybody types their own name
    RECORD = "record"  # facts are typed: serial numbers, seals of envelopes
    MACHINE = "machine"  # version of the program, its self-test, SM3 of this script
    REQUEST = "request"  # the file that asks for the act is shown and compared
    GENERATE = "generate"  # the root key is made and sealed, the secret split
    SHARE = "share"  # one custodian sees their share, and repeats words of it
    OPEN = "open"  # custodians type their shares
    CERTIFY_ROOT = "certify-root"
    CERTIFY_ISSUING = "certify-issuing"
    PUBLISH_CRL = "publish-crl"
    CLOSE = "close"  # the key is forgotten; after a rehearsal it is destroyed


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One fact that is typed; `name` is its name in the record."""

    name: str
    label: str
    label_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `custodian` is the number of the custodian who acts, in steps that each custodian has."""

    id: str
    role: Role
    action: Action
    title: str
    title_zh: str
    say: str
    say_zh: str
    questions: tuple[Question, ...] = ()
    custodian: int | None = None

    def actors(self, people: People) -> tuple[str, ...]:
        """Return the names of those who act."""
        if self.custodian is None:
            return people.of(self.role)
        return tuple(found.name for found in people.custodians if found.number == self.custodian)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The steps of one kind of sitting; `digest` is the SM3 of the file, which the record holds."""

    name: str
    title: str
    title_zh: str
    steps: tuple[Step, ...]
    digest: str

    def steps_for(self, terms: Terms) -> tuple[Step, ...]:
        """Return the steps in order, those of the custodians once for each."""
        found: list[Step] = []
        for step in self.steps:
            if step.action is Action.SHARE:
                numbers = sorted(custodian.number for custodian in terms.people.custodians)
                found.extend(replace(step, id=f"{step.id}-{number}", custodian=number) for number in numbers)
            else:
                found.append(step)
        return tuple(found)


def script_names() -> tuple[str, ...]:
    """Return the names of the scripts that there are."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_script(name: str) -> Script:
    """Read a script by its name. Raises `ScriptInvalid`."""
    if name not in script_names():
        raise ScriptInvalid(f"There is no script {name}.", field="script")
    return parse_script(name, (_FOLDER / f"{name}.toml").read_bytes())


def parse_script(name: str, content: bytes) -> Script:
    """Read the bytes of a script. Raises `ScriptInvalid`."""
    try:
        members = tomllib.loads(content.decode())
        steps = tuple(_step(step) for step in members["step"])
        if not steps or len({step.id for step in steps}) != len(steps):
            raise ScriptInvalid(f"The script {name} has no steps, or two of one name.", field="script")
        return Script(
            name=name, title=members["title"], title_zh=members["title_zh"], steps=steps, digest=sm3(content).hex()
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ScriptInvalid(f"The script {name} cannot be read: {type(error).__name__}.", field="script") from None


def _step(members: dict[str, Any]) -> Step:
    return Step(
        id=members["id"],
        role=Role(members["role"]),
        action=Action(members["action"]),
        title=members["title"],
        title_zh=members["title_zh"],
        say=members["say"],
        say_zh=members["say_zh"],
        questions=tuple(Question(**question) for question in members.get("questions", ())),
    )
