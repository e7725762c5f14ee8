"""Applications for relying systems in the database. Rows are kept for good: nothing here deletes one.

A decision and what it does to the client are one commit; the locked row decides between two who decide at once.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, String, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from sso.provider.application import Application, ApplicationKind, ApplicationState, Registration
from sso.provider.application_errors import ApplicationDecided, ApplicationOverrun, ApplicationUnknown
from sso.provider.application_ports import Decision
from sso.provider.domain import Client, Scope, SecretDigest, parse_scopes, scopes_text
from sso.provider.errors import ClientDisabled, ClientUnknown
from sso.provider.store.clients import (
    ClientRow,
    changeable,
    client_of,
    relying_of,
    relying_text,
    unique_resource,
)
from trust.db import Base, Database
from trust.kernel.clock import kept_moment
from trust.kernel.identifiers import Uscc

_ID: Final = String(26)
_MOMENT: Final = String(32)
_ACTOR: Final = String(64)
_REASON: Final = String(200)


class ApplicationRow(Base):
    """One application. `asked` and `before` are registrations as JSON text, `reasons` say why a right is asked for."""

    __tablename__ = "sso_system_applications"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    client: Mapped[str] = mapped_column(_ID, index=True)
    authority: Mapped[str] = mapped_column(String(18))
    label: Mapped[str] = mapped_column(String(80))
    asked: Mapped[str | None] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    reasons: Mapped[dict[str, str]] = mapped_column(JSON)
    why: Mapped[str] = mapped_column(_REASON)
    requested_by: Mapped[str] = mapped_column(_ACTOR)
    requested_at: Mapped[str] = mapped_column(_MOMENT)
    state: Mapped[str] = mapped_column(String(16), index=True)
    decided_by: Mapped[str | None] = mapped_column(_ACTOR)
    decided_at: Mapped[str | None] = mapped_column(_MOMENT)
    decision_reason: Mapped[str | None] = mapped_column(_REASON)
    collected_at: Mapped[str | None] = mapped_column(_MOMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    """What an approval does: the system as it shall be, and the secret that a new one begins with."""

    client: Client | None
    secret: SecretDigest
    at: datetime


class DatabaseApplicationStore:
    """`sso.provider.application_ports.ApplicationStore` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, application: Application) -> None:
        """See the port."""
        row = ApplicationRow(
            id=application.id,
            kind=application.kind.value,
            client=application.client,
            authority=application.authority.value,
            label=application.label,
            asked=_text(application.asked),
            before=_text(application.before),
            reasons={scope.value: reason for scope, reason in application.reasons.items()},
            why=application.why,
            requested_by=application.requested_by,
            requested_at=application.requested_at.isoformat(),
            state=application.state.value,
        )
        with self._database.write() as session:
            session.add(row)

    def find(self, application_id: str) -> Application | None:
        """See the port."""
        with self._database.read() as session:
            row = session.get(ApplicationRow, application_id)
            return None if row is None else _application(row)

    def applications(self, *, client: str | None, state: ApplicationState | None) -> Sequence[Application]:
        """See the port."""
        chosen = select(ApplicationRow).order_by(ApplicationRow.id)
        if client is not None:
            chosen = chosen.where(ApplicationRow.client == client)
        if state is not None:
            chosen = chosen.where(ApplicationRow.state == state.value)
        with self._database.read() as session:
            return tuple(map(_application, session.scalars(chosen)))

    def refuse(self, application_id: str, decision: Decision) -> Application:
        """See the port."""
        with self._database.write() as session:
            return _application(_decided(session, application_id, ApplicationState.REFUSED, decision))

    def approve(
        self, application_id: str, decision: Decision, *, client: Client | None, secret: SecretDigest
    ) -> Application:
        """See the port."""
        effect = _Effect(client=client, secret=secret, at=decision.at)
        with unique_resource(), self._database.write() as session:
            row = _decided(session, application_id, ApplicationState.APPROVED, decision)
            _CARRY_OUT[ApplicationKind(row.kind)](session, row, effect)
            session.flush()
            return _application(row)

    def collect(self, application_id: str, secret: SecretDigest, at: datetime) -> bool:
        """See the port."""
        due = (
            update(ApplicationRow)
            .where(ApplicationRow.id == application_id, ApplicationRow.collected_at.is_(None))
            .values(collected_at=at.isoformat())
            .returning(ApplicationRow.client)
        )
        with self._database.write() as session:
            client = session.execute(due).scalar()
            if client is None:
                return False
            session.execute(update(ClientRow).where(ClientRow.id == client).values(secret_digest=secret.value))
            return True


def _decided(session: Session, application_id: str, state: ApplicationState, decision: Decision) -> ApplicationRow:
    row = session.get(ApplicationRow, application_id, with_for_update=True)
    if row is None:
        raise ApplicationUnknown(field="application")
    if row.state != ApplicationState.WAITING.value:
        raise ApplicationDecided(field="application")
    row.state, row.decided_by, row.decided_at = state.value, decision.by, decision.at.isoformat()
    row.decision_reason = decision.reason
    return row


def _register(session: Session, row: ApplicationRow, effect: _Effect) -> None:
    client = _due(effect)
    session.add(
        ClientRow(
            id=row.client,
            authority=client.authority.value,
            secret_digest=effect.secret.value,
            created_at=effect.at.isoformat(),
            **changeable(client),
        )
    )


def _change(session: Session, row: ApplicationRow, effect: _Effect) -> None:
    client, present = _due(effect), _enabled(session, row.client)
    if _text(Registration.of(client_of(present))) != row.before:
        raise ApplicationOverrun(field="application")
    for name, value in changeable(client).items():
        setattr(present, name, value)


def _rotate(session: Session, row: ApplicationRow, _effect: _Effect) -> None:
    _enabled(session, row.client)


def _disable(session: Session, row: ApplicationRow, effect: _Effect) -> None:
    _enabled(session, row.client).disabled_at = effect.at.isoformat()


_CARRY_OUT: Final[dict[ApplicationKind, Callable[[Session, ApplicationRow, _Effect], None]]] = {
    ApplicationKind.REGISTER: _register,
    ApplicationKind.CHANGE: _change,
    ApplicationKind.ROTATE: _rotate,
    ApplicationKind.DISABLE: _disable,
}


def _due(effect: _Effect) -> Client:
    if effect.client is None:
        raise ClientUnknown(field="client")
    return effect.client


def _enabled(session: Session, client_id: str) -> ClientRow:
    row = session.get(ClientRow, client_id, with_for_update=True)
    if row is None:
        raise ClientUnknown(field="client")
    if row.disabled_at is not None:
        raise ClientDisabled(field="client")
    return row


def _text(registration: Registration | None) -> str | None:
    if registration is None:
        return None
    values = {
        "label": registration.label,
        "scopes": scopes_text(registration.scopes),
        "relying": relying_text(registration.relying),
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def _registration(text: str | None) -> Registration | None:
    if text is None:
        return None
    values: dict[str, Any] = json.loads(text)
    return Registration(
        label=values["label"], scopes=parse_scopes(values["scopes"]), relying=relying_of(values["relying"])
    )


def _application(row: ApplicationRow) -> Application:
    return Application(
        id=row.id,
        kind=ApplicationKind(row.kind),
        client=row.client,
        authority=Uscc.parse(row.authority),
        label=row.label,
        asked=_registration(row.asked),
        before=_registration(row.before),
        reasons={Scope(name): reason for name, reason in row.reasons.items()},
        why=row.why,
        requested_by=row.requested_by,
        requested_at=datetime.fromisoformat(row.requested_at),
        state=ApplicationState(row.state),
        decided_by=row.decided_by,
        decided_at=kept_moment(row.decided_at),
        decision_reason=row.decision_reason,
        collected_at=kept_moment(row.collected_at),
    )
