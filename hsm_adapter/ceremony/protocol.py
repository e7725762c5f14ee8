"""The protocol of one sitting: two pages that everybody signs, from the record alone, the same at every making."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hsm_adapter.ceremony.domain import Role, Terms
from hsm_adapter.ceremony.errors import CeremonyClosed
from hsm_adapter.ceremony.progress import follow
from hsm_adapter.ceremony.record import Kind, Line
from hsm_adapter.ceremony.requests import grouped
from hsm_adapter.ceremony.script import Script, Step
from hsm_adapter.ceremony.stage import ROLE_ZH
from trust.typesetting import Typesetter

_TEMPLATE = Path(__file__).parent / "protocol.typ"
_BEIJING = timezone(timedelta(hours=8))
_ROLE_EN = {
    Role.ADMINISTRATOR: "Administrator",
    Role.OFFICER: "Security officer",
    Role.CUSTODIAN: "Custodian",
    Role.WITNESS: "Witness",
}
_UNPRINTED = frozenset({"public_key", "tbs", "present", "request_file", "token", "share_set", "key_destroyed", "words"})
_KEY_FACTS = (
    ("algorithm", "密钥算法 Algorithm"),
    ("public_key_sm3", "根公钥 Root public key (SM3)"),
    ("subject", "证书主体 Subject"),
    ("serial", "证书序列号 Serial number"),
    ("not_after", "有效期至 Valid until"),
    ("file_sm3", "文件 File (SM3)"),
    ("request_sm3", "请求文件 Request (SM3)"),
    ("machine_serial", "机器序列号 Machine"),
    ("media_serials", "介质序列号 Media"),
    ("device_serial", "设备序列号 Device"),
    ("device_firmware", "型号与固件 Model and firmware"),
    ("device_certificate", "产品认证证书 Product certificate"),
    ("device_seals", "封条 Seals"),
    ("cards", "管理卡序列号 Cards"),
    ("handle", "密钥索引 Handle"),
    ("backup_serials", "备份序列号 Backup"),
    ("envelopes", "信封编号 Envelopes"),
    ("envelopes_after", "离场信封编号 Envelopes after"),
    ("kept_at", "存放处 Kept at"),
)
_LABELS = dict(_KEY_FACTS)
_HEADINGS = {"root": "根证书 Root", "issuing": "签发 CA Issuing CA", "crl": "吊销列表 Revocation list"}
_EVENTS = {
    Kind.RESUMED: "中断后继续 Gone on after an interruption",
    Kind.REOPENED: "重新输入份额 Shares typed again",
    Kind.VOIDED: "密钥与份额作废，从生成重做 Key and shares void, made anew",
    Kind.ABORTED: "中止 Aborted",
}


def protocol_pdf(lines: Sequence[Line], script: Script, typesetter: Typesetter) -> bytes:
    """Return the protocol of the last sitting in `lines`, PDF/A: same lines, same bytes.

    Raises `CeremonyClosed` unless the sitting has ended, `UnrenderableCharacter` for a name without glyphs.
    """
    covered = ended_sitting(lines)
    data = protocol_data(lines[: covered[-1].number], covered, script)
    return typesetter.pdf(_TEMPLATE, data, timestamp=covered[-1].at)


def ended_sitting(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines of the last sitting up to its end. Raises `CeremonyClosed`."""
    starts = [place for place, line in enumerate(lines) if line.kind is Kind.SITTING]
    ends = [place for place, line in enumerate(lines) if line.kind in {Kind.FINISHED, Kind.ABORTED}]
    if not starts or not ends or ends[-1] < starts[-1]:
        raise CeremonyClosed("The sitting has not ended.", field="ceremony")
    return tuple(lines[starts[-1] : ends[-1] + 1])


def protocol_data(lines: Sequence[Line], covered: Sequence[Line], script: Script) -> dict[str, object]:
    """Return what the page says."""
    progress = follow(lines)
    terms, end = progress.terms, covered[-1]
    done = {
        line.facts["step"]: line for line in covered if line.kind is Kind.DONE and line.facts["step"] in progress.done
    }
    steps = script.steps_for(terms)
    return {
        "title": script.title,
        "title_zh": script.title_zh,
        "rehearsal": terms.rehearsal,
        "ceremony": terms.ceremony,
        "sitting": progress.number,
        "place": terms.place,
        "began": _moment(covered[0].at),
        "ended": _moment(end.at),
        "aborted": end.kind is Kind.ABORTED,
        "quorum": f"{terms.shares} 份中任 {terms.threshold} 份 any {terms.threshold} of {terms.shares}",
        "people": _people(terms),
        "steps": [_step(number, step, done.get(step.id), terms) for number, step in enumerate(steps, start=1)],
        "events": [_event(line) for line in covered if line.kind in _EVENTS],
        "facts": _key_facts(steps, done),
        "script_sm3": grouped(progress.script_digest),
        "lines": end.number,
        "head": grouped(end.digest),
    }


def _people(terms: Terms) -> list[dict[str, str]]:
    numbers = {found.name: f" {found.number}" for found in terms.people.custodians}
    return [
        {
            "role_zh": ROLE_ZH[role] + (numbers[name] if role is Role.CUSTODIAN else ""),
            "role": _ROLE_EN[role] + (numbers[name] if role is Role.CUSTODIAN else ""),
            "name": name,
        }
        for role, name in terms.people.everyone
    ]


def _step(number: int, step: Step, line: Line | None, terms: Terms) -> dict[str, object]:
    return {
        "number": number,
        "title_zh": step.title_zh,
        "title": step.title,
        "by": "、".join(step.actors(terms.people) if line is None else line.facts["by"]),
        "time": "未进行 not taken" if line is None else _time(line.at),
        "line": "" if line is None else str(line.number),
    }


def _key_facts(steps: Sequence[Step], done: Mapping[str, Line]) -> list[list[str]]:
    """Return label and value of each fact worth printing, in the order of the steps."""
    rows: list[list[str]] = []
    for step in steps:
        recorded: Mapping[str, Any] = done[step.id].facts["recorded"] if step.id in done else {}
        known = [(name, recorded[name]) for name, _ in _KEY_FACTS if name in recorded and name not in _UNPRINTED]
        if step.id in _HEADINGS and known:
            value = "\n".join(_fact(name, fact) for name, fact in known)
            rows.append([_HEADINGS[step.id], value])
        else:
            rows.extend([_LABELS[name], str(fact)] for name, fact in known)
    return rows


def _fact(name: str, value: object) -> str:
    if name == "not_after":
        return f"至 until {_moment(datetime.fromisoformat(str(value)))}"
    return {"file_sm3": f"SM3 {value}", "serial": f"序列号 serial {value}"}.get(name, str(value))


def _event(line: Line) -> dict[str, str]:
    return {"time": _time(line.at), "what": _EVENTS[line.kind], "why": str(line.facts.get("reason", ""))}


def _moment(at: datetime) -> str:
    return at.astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M:%S") + " (UTC+8)"


def _time(at: datetime) -> str:
    return at.astimezone(_BEIJING).strftime("%m-%d %H:%M:%S")
