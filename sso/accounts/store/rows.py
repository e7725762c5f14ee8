"""Rows of the account tables as domain values, and back."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sso.accounts.domain import Act, Evidence, PersonState, ProofingLevel
from sso.accounts.ports import StoredChange, StoredCode, StoredPerson
from trust.kernel.clock import kept_moment


def person_of(row: Mapping[Any, Any]) -> StoredPerson:
    """Return a row of persons joined with its primary number."""
    return StoredPerson(
        id=row["id"],
        kind=row["kind"],
        code_index=row["code_index"],
        sealed_number=row["sealed"],
        sealed_name=row["sealed_name"],
        name_version=row["name_version"],
        state=PersonState(row["state"]),
        epoch=row["epoch"],
        created_at=datetime.fromisoformat(row["created_at"]),
        credentials_from=kept_moment(row["credentials_from"]),
        merged_into=row["merged_into"],
    )


def person_row(person: StoredPerson) -> dict[str, Any]:
    """Return the row of a new person."""
    return {
        "id": person.id,
        "code_index": person.code_index,
        "sealed_name": person.sealed_name,
        "name_version": person.name_version,
        "state": person.state.value,
        "epoch": person.epoch,
        "created_at": person.created_at.isoformat(),
    }


def code_of(row: Mapping[Any, Any]) -> StoredCode:
    """Return a row of numbers."""
    return StoredCode(
        index=row["code_index"],
        kind=row["kind"],
        person=row["person"],
        sealed=row["sealed"],
        added_at=datetime.fromisoformat(row["added_at"]),
    )


def code_row(code: StoredCode) -> dict[str, Any]:
    """Return the row of a number."""
    return {
        "code_index": code.index,
        "kind": code.kind,
        "person": code.person,
        "sealed": code.sealed,
        "added_at": code.added_at.isoformat(),
    }


def evidence_of(row: Mapping[Any, Any]) -> Evidence:
    """Return a row of evidence."""
    expires = row["document_expires"]
    return Evidence(
        id=row["id"],
        person=row["person"],
        source=row["source"],
        level=ProofingLevel(row["level"]),
        at=datetime.fromisoformat(row["at"]),
        name_version=row["name_version"],
        document_kind=row["document_kind"],
        document_expires=None if expires is None else date.fromisoformat(expires),
        counter=row["counter"],
        clerk=row["clerk"],
    )


def evidence_row(evidence: Evidence) -> dict[str, Any]:
    """Return the row of evidence."""
    expires = evidence.document_expires
    return {
        "id": evidence.id,
        "person": evidence.person,
        "source": evidence.source,
        "level": evidence.level.value,
        "at": evidence.at.isoformat(),
        "name_version": evidence.name_version,
        "document_kind": evidence.document_kind,
        "document_expires": None if expires is None else expires.isoformat(),
        "counter": evidence.counter,
        "clerk": evidence.clerk,
    }


def change_of(row: Mapping[Any, Any]) -> StoredChange:
    """Return a row of changes."""
    return StoredChange(
        id=row["id"],
        person=row["person"],
        act=Act(row["act"]),
        at=datetime.fromisoformat(row["at"]),
        requested_by=row["requested_by"],
        approved_by=row["approved_by"],
        reason=row["reason"],
        other=row["other"],
        sealed_name=row["sealed_name"],
    )


def change_row(change: StoredChange) -> dict[str, Any]:
    """Return the row of a change."""
    return {
        "id": change.id,
        "person": change.person,
        "act": change.act.value,
        "at": change.at.isoformat(),
        "requested_by": change.requested_by,
        "approved_by": change.approved_by,
        "reason": change.reason,
        "other": change.other,
        "sealed_name": change.sealed_name,
    }
