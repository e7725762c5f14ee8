"""A plan in people's words, and as JSON for machines. What could link or open anything is never shown."""

from collections.abc import Sequence
from typing import Any, Final

from sso.keycloak.plan import Action, Change, Difference, Plan
from sso.keycloak.realm import Kind, Place, Value

_HIDDEN_VALUES: Final = frozenset({"config/pairwiseSubAlgorithmSalt"})
"""Whoever knows the salt can link a person's subjects across systems (OIDC core section 8.1)."""

_KINDS: Final = {
    Kind.REALM: "realm",
    Kind.USER_ATTRIBUTE: "attribute of users",
    Kind.FLOW: "sign-in flow",
    Kind.SCOPE: "client scope",
    Kind.SCOPE_MAPPER: "claim",
    Kind.CLIENT: "client",
    Kind.CLIENT_MAPPER: "claim",
    Kind.ROLE: "role",
}


def sentences(plan: Plan) -> Sequence[str]:
    """Return the plan line by line; the first line says how much there is to do."""
    lines = [_summary(plan)]
    for change in plan.changes:
        lines.append(_headline(change))
        lines += [f"    {_difference(each)}" for each in change.differences if change.action is Action.CHANGE]
    lines += [f"  made by others, stops everything: {_named(place)}" for place in plan.foreign]
    lines += [f"  no longer wanted, stays unless pruned: {_named(place)}" for place in plan.extra]
    lines += [f"  left out: client {each.client} ({each.label}): {each.why}" for each in plan.skipped]
    return lines


def document(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON."""
    return {
        "realm": plan.realm,
        "in_step": plan.in_step,
        "changes": [
            {
                "action": change.action.value,
                **_place(change.place),
                "label": change.wanted.label if change.wanted else "",
                "values": [
                    {
                        "name": each.name,
                        "before": _shown(each.name, each.before),
                        "after": _shown(each.name, each.after),
                    }
                    for each in change.differences
                ],
            }
            for change in plan.changes
        ],
        "foreign": [_place(place) for place in plan.foreign],
        "extra": [_place(place) for place in plan.extra],
        "skipped": [{"client": each.client, "label": each.label, "why": each.why} for each in plan.skipped],
    }


def _summary(plan: Plan) -> str:
    if plan.foreign:
        return f"Realm {plan.realm}: nothing can be done until others' objects are out of the way."
    if plan.in_step:
        return f"Realm {plan.realm} is in step with the registrations."
    counts = {action: sum(each.action is action for each in plan.changes) for action in Action}
    told = ", ".join(f"{count} to {action.value}" for action, count in counts.items() if count)
    return f"Realm {plan.realm}: {told}."


def _headline(change: Change) -> str:
    verb = {Action.CREATE: "create", Action.CHANGE: "put right", Action.DELETE: "delete"}[change.action]
    label = f" ({change.wanted.label})" if change.wanted and change.wanted.label else ""
    return f"  {verb} {_named(change.place)}{label}"


def _difference(each: Difference) -> str:
    before, after = (_shown(each.name, value) for value in (each.before, each.after))
    return f"{each.name}: is {_text(before)}, becomes {_text(after)}"


def _named(place: Place) -> str:
    owner = f" of {place.owner}" if place.owner else ""
    return f"{_KINDS[place.kind]} {place.name}{owner}"


def _place(place: Place) -> dict[str, str]:
    return {"kind": place.kind.value, "owner": place.owner, "name": place.name}


def _shown(name: str, value: Value) -> Value:
    return "(hidden)" if name in _HIDDEN_VALUES and value else value


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "empty"
    return "empty" if value == "" else str(value).lower() if isinstance(value, bool) else str(value)
