"""Holds one sitting: takes the script step by step, one line of the record after each, and goes on where it stopped."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hsm_adapter.ceremony.custody import Custody
from hsm_adapter.ceremony.domain import Custodian, Terms
from hsm_adapter.ceremony.errors import CeremonyAborted, CeremonyClosed, CeremonyRequestInvalid, ScriptInvalid
from hsm_adapter.ceremony.progress import follow
from hsm_adapter.ceremony.record import Kind, Record
from hsm_adapter.ceremony.root_token import TokenMaker
from hsm_adapter.ceremony.script import Action, Script, Step
from hsm_adapter.ceremony.signing import SIGNING, RootActs
from hsm_adapter.ceremony.stage import ROLE_ZH, Stage, both
from trust.gm import selftest
from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness
from trust.kernel.text import REASON_MAX, check_clear_text, is_same_person
from trust.kernel.text_errors import PersonalNumberInText, TextCharacters, TextLength

MAX_FACT_CHARACTERS = 100
"""Longest typed fact: a line of the protocol."""

_UNFIT = (TextLength, TextCharacters, PersonalNumberInText)
_YES, _ABORT, _ANEW = "yes", "abort", "anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """What a sitting needs. `request` is the file that asks for its act, None where there is none."""

    folder: Path
    stage: Stage
    clock: Clock
    randomness: Randomness
    request: bytes | None = None


def convene(record: Record, script: Script, terms: Terms) -> None:
    """Begin a sitting: its first line. What may begin when is `hsm_adapter.ceremony.holding`'s business."""
    record.append(Kind.SITTING, {"terms": terms.document(), "script_sm3": script.digest, "title": script.title})


class Sitting:
    """The last sitting of a record, from its first step that is not recorded on."""

    def __init__(self, hall: Hall, record: Record, script: Script) -> None:
        """Take the record up. Raises `RecordBroken`, `CeremonyClosed`, `ScriptInvalid` (it began with another)."""
        self._hall, self._record, self._stage = hall, record, hall.stage
        self._progress = follow(record.lines)
        self._terms = self._progress.terms
        self._steps = script.steps_for(self._terms)
        if self._progress.end is not None:
            raise CeremonyClosed(f"The last sitting is {self._progress.end}.", field="ceremony")
        if script.digest != self._progress.script_digest:
            raise ScriptInvalid("The sitting was begun with another script.", field="script")
        maker = TokenMaker(clock=hall.clock, randomness=hall.randomness)
        self._custody = Custody(hall.folder, self._terms, hall.stage, maker)
        self._acts = RootActs(
            folder=hall.folder,
            record=record,
            clock=hall.clock,
            randomness=hall.randomness,
            rehearsal=self._terms.rehearsal,
        )

    def resume(self, torn: int) -> None:
        """Say where the record stopped, and decide on secrets that went with the process. Raises `CeremonyAborted`."""
        self._record.append(Kind.RESUMED, {"torn_bytes": torn})
        self._stage.say(both("仪式从记录的最后一步之后继续。", "The ceremony goes on after the last recorded step."))
        lost = self._progress.lost_secret(self._steps)
        if lost:
            self._void(lost)

    def hold(self) -> None:
        """Take every step that is left, then close the sitting.

        Raises `CeremonyAborted`, `ShareNotConfirmed`, `SharesTooFew`, `SharesWrong`, and what the medium raises.
        """
        total = len(self._steps)
        for step in self._progress.pending(self._steps):
            self._announce(step, self._steps.index(step) + 1, total)
            recorded = self._handler(step.action)(step)
            facts = {
                "step": step.id,
                "action": step.action.value,
                "by": self._who_acted(step, recorded),
                "attempt": self._progress.attempt,
                "recorded": recorded,
            }
            self._append(Kind.DONE, facts)
        self._append(Kind.FINISHED, {"steps": total})

    def _who_acted(self, step: Step, recorded: Mapping[str, Any]) -> list[str]:
        """Return names: at an opening those who typed a share, elsewhere everybody of the role."""
        if step.action is not Action.OPEN:
            return list(step.actors(self._terms.people))
        return [found.name for found in self._terms.people.custodians if found.number in recorded["shares"]]

    def _append(self, kind: Kind, facts: Mapping[str, Any]) -> None:
        self._progress.take(self._record.append(kind, facts))

    def _handler(self, action: Action) -> Callable[[Step], dict[str, object]]:
        if action in SIGNING:
            return self._sign
        return {
            Action.CONFIRM: self._confirm,
            Action.PRESENT: self._present,
            Action.RECORD: self._facts,
            Action.MACHINE: self._machine,
            Action.REQUEST: self._request,
            Action.GENERATE: self._generate,
            Action.SHARE: self._share,
            Action.OPEN: self._open,
            Action.CLOSE: self._close,
        }[action]

    def _announce(self, step: Step, number: int, total: int) -> None:
        mark = "【演练 REHEARSAL】" if self._terms.rehearsal else ""
        who = "、".join(step.actors(self._terms.people))
        head = f"\n{mark}步骤 {number}/{total} {step.title_zh} · {ROLE_ZH[step.role]} {who}\n{step.title}"
        known = {"ceremony": self._terms.ceremony, "threshold": self._terms.threshold, "shares": self._terms.shares}
        self._stage.say(f"{head}\n{both(step.say_zh.format(**known), step.say.format(**known))}")

    def _confirm(self, step: Step) -> dict[str, object]:  # noqa: ARG002  what to do was announced
        self._await_yes()
        return {}

    def _present(self, step: Step) -> dict[str, object]:  # noqa: ARG002
        for role, name in self._terms.people.everyone:
            question = both(f"{ROLE_ZH[role]} {name}：请本人输入姓名", f"{role.value}: type your own name: ")
            while not is_same_person(self._answer(question), name):
                self._stage.say(both("与名单不符。", "This is not the name on the list."))
        return {"present": [name for _, name in self._terms.people.everyone]}

    def _facts(self, step: Step) -> dict[str, object]:
        return {question.name: self._fact(question.label_zh, question.label) for question in step.questions}

    def _fact(self, label_zh: str, label: str) -> str:
        while True:
            try:
                return check_clear_text(
                    self._answer(both(f"{label_zh}：", f"{label}: ")), field="fact", most=MAX_FACT_CHARACTERS
                )
            except _UNFIT as error:
                self._stage.say(f"{error.code}: {both(error.title_zh, error.title)}")

    def _machine(self, step: Step) -> dict[str, object]:
        selftest.run()
        facts: dict[str, object] = {
            "program": version("yinxin-trust-service"),
            "python": platform.python_version(),
            "script_sm3": self._progress.script_digest,
            "clock": self._hall.clock.now().isoformat(timespec="seconds"),
        }
        self._stage.say("\n".join(f"  {name}: {value}" for name, value in facts.items()))
        return facts | self._confirm(step)

    def _request(self, step: Step) -> dict[str, object]:
        if self._hall.request is None:
            if any(found.action is Action.CERTIFY_ISSUING for found in self._steps):
                raise CeremonyRequestInvalid("Name the request's file with --request.", field="request")
            self._stage.say(both("没有请求文件。", "There is no request file."))
            return self._confirm(step)
        kept = self._acts.keep_request(self._hall.request)
        self._stage.say(both("请与请求方携带的 SM3 值核对：", "Compare with the SM3 that was brought along:"))
        self._stage.say(f"  {kept['request_sm3']}")
        return kept | self._confirm(step)

    def _generate(self, step: Step) -> dict[str, object]:
        self._append(Kind.BEGUN, {"step": step.id})
        return self._custody.generate(attempt=self._progress.attempt)

    def _share(self, step: Step) -> dict[str, object]:
        self._append(Kind.BEGUN, {"step": step.id})
        custodian = next(found for found in self._terms.people.custodians if found.number == step.custodian)
        self._alone_at_screen(custodian)
        return self._custody.hand_over(custodian)

    def _alone_at_screen(self, custodian: Custodian) -> None:
        self._stage.say(
            both(
                f"请只让保管人 {custodian.name} 看屏幕。",
                f"Nobody but custodian {custodian.number} sees the screen now.",
            )
        )
        self._await_yes()

    def _open(self, step: Step) -> dict[str, object]:  # noqa: ARG002
        return self._custody.open(self._root())

    def _sign(self, step: Step) -> dict[str, object]:
        if self._custody.root is None:
            self._stage.say(both("密钥已关闭，需重新打开。", "The key is closed: custodians type their shares again."))
            self._append(Kind.REOPENED, {"step": step.id, **self._custody.open(self._root())})
        begun = self._progress.begun.get(step.id)
        tbs = begun["tbs"] if begun else self._begin(step)
        if self._custody.root is None:
            raise CeremonyClosed("The key is not open.", field="ceremony")
        return self._acts.sign(step, self._custody.root, bytes.fromhex(tbs), by=self._terms.people.administrator)

    def _begin(self, step: Step) -> str:
        compared: Mapping[str, Any] = next(
            (facts["recorded"] for facts in self._progress.done.values() if _names_request(facts)), {}
        )
        return self._acts.begin(
            step,
            root=self._root(),
            request_file=compared.get("request_file"),
            crl_number=self._progress.crls + 1,
        )

    def _close(self, step: Step) -> dict[str, object]:  # noqa: ARG002
        return self._custody.close()

    def _root(self) -> Mapping[str, Any]:
        if self._progress.root is None:
            raise CeremonyClosed("No root key was made.", field="ceremony")
        return self._progress.root

    def _void(self, lost: tuple[str, ...]) -> None:
        self._stage.say(
            both(
                "密钥生成或份额分发曾被中断：保密份额只存在于已结束的进程中，已显示的份额全部作废，不会重复显示。",
                "Key making or the handing out of shares was interrupted. The secret went with the process; shares "
                "that were shown are void and are not shown again.",
            )
        )
        question = both(f"输入 {_ANEW} 从密钥生成重做，或输入 {_ABORT} 中止：", f"Type {_ANEW} or {_ABORT}: ")
        while self._answer(question) != _ANEW:
            continue
        reason = "the process ended between the making of the key and the last share"
        self._append(Kind.VOIDED, {"attempt": self._progress.attempt, "steps": list(lost), "reason": reason})
        self._custody.destroy()
        self._stage.say(
            both("请当众销毁已抄写的份额。", "Destroy the shares that were written down, before everybody.")
        )
        self._await_yes()

    def _await_yes(self) -> None:
        while self._answer(both(f"完成后输入 {_YES}：", f"Type {_YES} when done ({_ABORT} ends): ")).lower() != _YES:
            continue

    def _answer(self, question: str) -> str:
        """Return what is typed; `abort` ends the sitting wherever something is asked in the open."""
        answer = self._stage.ask(question).strip()
        if answer.lower() == _ABORT:
            self._abort()
        return answer

    def _abort(self) -> None:
        reason = self._stage.ask(both("中止原因：", "Why: ")).strip()[:REASON_MAX]
        try:
            check_clear_text(reason, field="reason", most=REASON_MAX)
        except _UNFIT:
            reason = "not given"
        self._append(Kind.ABORTED, {"reason": reason})
        if self._progress.number == 1:
            self._custody.destroy()
        self._custody.close()
        raise CeremonyAborted(field="ceremony")


def _names_request(facts: Mapping[str, Any]) -> bool:
    return "request_file" in facts["recorded"]
