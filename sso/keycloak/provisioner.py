"""Keeps a realm of the organisation's own Keycloak in step with our registrations.

Run it as often as you like: the second run in a row changes nothing. Stopped half-way, the next run does the rest,
since each part is made or put right by itself.
"""

import structlog

from sso.keycloak.plan import Action, Change, Desired, Plan, compare
from sso.keycloak.provisioning_errors import PlanStale, RealmForeign, RealmObjectForeign
from sso.keycloak.realm import Kind, RealmAdmin

_log = structlog.get_logger("sso.keycloak")


class Provisioner:
    """Plans and applies; it never deletes unless told to prune, and never touches what does not bear our mark."""

    def __init__(self, admin: RealmAdmin) -> None:
        self._admin = admin

    def plan(self, desired: Desired, *, prune: bool = False) -> Plan:
        """Return what would be done, and do none of it.

        Raises:
            RealmForeign: the realm exists without our mark.
            KeycloakUnavailable, KeycloakNotAdmitted, KeycloakRefused: from Keycloak.
        """
        found = self._admin.read()
        if any(each.place.kind is Kind.REALM and not each.ours for each in found):
            raise RealmForeign(f"The realm {desired.realm} was made by others.", field="keycloak_realm")
        return compare(desired, found, prune=prune)

    def apply(self, plan: Plan, desired: Desired, *, prune: bool = False) -> Plan:
        """Do what the plan says and return what is left to do, which is nothing unless somebody works on the realm.

        Raises:
            RealmObjectForeign: the plan holds something made by others; nothing was changed.
            PlanStale: realm or registrations are not as they were planned for; nothing was changed.
            KeycloakRefused: Keycloak refused one change; those before it stay.
            RealmForeign, KeycloakUnavailable, KeycloakNotAdmitted: as `plan`.
        """
        if plan.foreign:
            named = ", ".join(f"{place.kind.value} {place.name}" for place in plan.foreign)
            raise RealmObjectForeign(f"Made by others: {named}.", field="keycloak_realm")
        if self.plan(desired, prune=prune) != plan:
            raise PlanStale
        for change in plan.changes:
            self._do(change)
            _log.info(
                "keycloak changed",
                realm=plan.realm,
                action=change.action.value,
                kind=change.place.kind.value,
                owner=change.place.owner,
                name=change.place.name,
                values=[each.name for each in change.differences],
            )
        return self.plan(desired, prune=prune)

    def _do(self, change: Change) -> None:
        if change.action is Action.DELETE and change.found is not None:
            self._admin.delete(change.found)
        elif change.found is not None:
            self._admin.change(change.found, {each.name: each.after for each in change.differences})
        elif change.wanted is not None:
            self._admin.create(change.wanted)
