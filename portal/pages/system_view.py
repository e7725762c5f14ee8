"""Applications for relying systems in the words of one language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.pages import system_form
from portal.pages.moments import minute_of
from portal.pages.officers import Officers
from portal.pages.rendering import language
from portal.pages.system_form import Row
from portal.pages.texts_systems import SYSTEM_TEXTS
from sso.provider.application import Application, ApplicationState
from sso.provider.applications import SANDBOX_RULE


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """An application in the words of one language."""

    id: str
    client: str
    label: str
    authority: str
    kind: str
    state: str
    waiting: bool
    why: str
    asked_by: str
    decided_by: str
    decision_reason: str
    collected: str
    rows: Sequence[Row]


def view_of(officers: Officers, found: Application) -> ApplicationView:
    """Return an application as the present request's language has it."""
    texts = SYSTEM_TEXTS[language()]
    registered: Sequence[Row] = ()
    if found.asked is not None:
        registered = system_form.rows(found.asked, texts, reasons=found.reasons, before=found.before)
    return ApplicationView(
        id=found.id,
        client=found.client,
        label=found.label,
        authority=found.authority.value,
        kind=texts.kinds[found.kind],
        state=texts.states[found.state],
        waiting=found.state is ApplicationState.WAITING,
        why=found.why,
        asked_by=_signed(officers, found.requested_by, found.requested_at),
        decided_by=_signed(officers, found.decided_by or "", found.decided_at),
        decision_reason=found.decision_reason or "",
        collected=minute_of(found.collected_at) if found.collected_at else "",
        rows=registered,
    )


def _signed(officers: Officers, actor: str, at: datetime | None) -> str:
    if at is None:
        return ""
    name = SYSTEM_TEXTS[language()].rule if actor == SANDBOX_RULE else officers.name(actor)
    return f"{name} · {minute_of(at)}"
