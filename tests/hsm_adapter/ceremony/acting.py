"""People of a ceremony as a program: they read the screen, write shares on paper, and type what is asked."""

import re

from hsm_adapter.ceremony.domain import Custodian, People, Terms
from hsm_adapter.ceremony.requests import IssuingRequest
from hsm_adapter.ceremony.script import script_names
from trust.gm.sm2 import PrivateKey

_WORD = re.compile(r"(\d+) ([a-z]+)")
CEREMONY = "K-2026-0001"

PEOPLE = People(
    administrator="赵主持",
    officer="钱安全",
    custodians=tuple(Custodian(number=number, name=f"保管{name}") for number, name in enumerate("甲乙丙", start=1)),
    witnesses=("孙见证", "Li Witness"),
)


class PowerCut(BaseException):
    """The process ends here, without a chance to tidy up."""


class Actors:
    """A `Stage` whose people do as they are told; `overrides` maps a part of a question to other answers, in order.

    `transcript` is what stays on the screen; `seen` what was shown in secret. `cut_at`: the question that ends it all.
    """

    def __init__(self, *, cut_at: int | None = None, overrides: dict[str, list[str]] | None = None) -> None:
        self.transcript: list[str] = []
        self.seen: list[str] = []
        self.paper: dict[int, list[str]] = {}
        self.asked = 0
        self.typing = 0
        self._cut_at = cut_at
        self._overrides = overrides or {}
        self._showing: list[str] = []

    def say(self, text: str) -> None:
        self.transcript.append(text)

    def ask(self, question: str) -> str:
        self._count()
        answer = self._override(question)
        if answer is None:
            answer = self._open_answer(question)
        self.transcript.append(question + answer)
        return answer

    def show_secret(self, text: str) -> None:
        self._count()
        self.seen.append(text)
        found = sorted((int(place), word) for place, word in _WORD.findall(text.split("\n\n")[1]))
        self._showing = [word for _, word in found]
        self.paper[int(re.search(r"份额 (\d+)", text)[1])] = self._showing

    def ask_secret(self, question: str) -> str:
        self._count()
        answer = self._override(question)
        if answer is not None:
            return answer
        place = re.search(r"第 (\d+) 个词", question)
        if place:
            return self._showing[int(place[1]) - 1]
        return " ".join(self.paper[int(re.search(r"保管人 (\d+)", question)[1])])

    def _count(self) -> None:
        self.asked += 1
        if self.asked == self._cut_at:
            raise PowerCut

    def _override(self, question: str) -> str | None:
        for part, answers in self._overrides.items():
            if part in question and answers:
                return answers.pop(0)
        return None

    def _open_answer(self, question: str) -> str:
        if "anew" in question:
            return "anew"
        if "yes" in question:
            return "yes"
        name = re.search(r"\S+ (.+)：请本人输入姓名", question)
        return name[1] if name else "A-001"


def terms(
    *, script: str = "root", threshold: int = 2, rehearsal: bool = False, people: People = PEOPLE, shares: int = 3
) -> Terms:
    assert script in script_names()
    return Terms(
        ceremony=CEREMONY,
        script=script,
        place="示例市政务中心 B1 机房",
        threshold=threshold,
        shares=shares,
        people=people,
        rehearsal=rehearsal,
    )


def issuing_request(key: PrivateKey | None = None, *, organization: str = "示例市数据局") -> bytes:
    key = key or PrivateKey.generate()
    request = IssuingRequest(
        organization=organization,
        root_common_name=f"{organization}根证书",
        issuing_common_name=f"{organization}签发证书",
        spki=key.public_key.spki,
        crl_url="https://trust.example/pki/root.crl",
    )
    return request.encode(key.sign(request.unsigned()))
