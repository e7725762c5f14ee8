"""What the pages on relying systems say: the names of their sentences; `texts_systems` has them in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass

from sso.provider.application import ApplicationKind, ApplicationState
from sso.provider.domain import ClientAuthentication, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemTexts:
    """The sentences of one language. `fields` and `hints` are by the names of the form's fields."""

    notes: Mapping[str, str]
    title: str
    lead: str
    systems: str
    none: str
    waiting: str
    waiting_none: str
    decided: str
    apply: str
    apply_title: str
    change_title: str
    change: str
    form_lead: str
    basics: str
    rights: str
    rights_lead: str
    addresses: str
    purposes: str
    technical: str
    fields: Mapping[str, str]
    hints: Mapping[str, str]
    scopes: Mapping[Scope, str]
    reason_for: str
    methods: Mapping[ClientAuthentication, str]
    one_per_line: str
    no_choice: str
    api: str
    check: str
    check_title: str
    check_lead: str
    send: str
    edit: str
    kinds: Mapping[ApplicationKind, str]
    states: Mapping[ApplicationState, str]
    asked_by: str
    decided_by: str
    decision_reason: str
    rule: str
    was: str
    nothing: str
    yes: str
    no: str
    approve: str
    approve_lead: str
    own: str
    refuse: str
    take_back: str
    refuse_reason: str
    secret_due: str
    secret_due_lead: str
    secret_show: str
    secret_title: str
    secret_lead: str
    secret: str
    client: str
    secret_kept: str
    secret_shown: str
    enabled: str
    ended: str
    sandbox: str
    rotate: str
    rotate_lead: str
    disable: str
    disable_lead: str
    act_reason: str
    history: str
    missing: str
