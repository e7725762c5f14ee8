"""The realm's sign-in as steps that can be compared: `acr` and `amr` come out as our own provider gives them.

Keycloak's own browser flow knows no levels: it tells `acr` 0 for whoever comes back with a cookie, and no `amr` at all.
Each level here is a conditional sub-flow (Keycloak's step-up authentication) with one method, named as in RFC 8176.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sso.keycloak.client import AdminConnection
from sso.keycloak.realm import MARK, Found, Kind, Place, Wanted
from sso.signin.domain import Method, Strength
from trust.kernel.encoding import canonical_json

ALIAS: Final = "yinxin sign-in"
LEVEL_SECONDS: Final = 36_000
"""How long a level holds in one session, seconds: as long as the session; relying systems say `max_age` for less."""

_UNDESCRIBED: Final = "default.reference."
_HIDDEN: Final = "…"
_FORMS: Final = "yinxin forms"
_BUILT_IN: Final = "browser"
_LEVEL_CONDITION: Final = "conditional-level-of-authentication"
_AUTHENTICATORS: Final = (
    (Strength.PASSWORD, "auth-username-password-form", Method.PASSWORD),
    (Strength.ONE_TIME_CODE, "auth-otp-form", Method.OTP),
    (Strength.PASSKEY, "webauthn-authenticator", Method.PASSKEY),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the flow: an authenticator (`provider`) or a sub-flow (`alias`), `depth` levels down."""

    depth: int
    parent: str
    requirement: str
    provider: str = ""
    alias: str = ""
    config: Mapping[str, str] | None = None

    @property
    def config_name(self) -> str:
        """What the configuration is called: it says what Keycloak hides of it (see `_line`)."""
        values = (self.config or {}).values()
        return " ".join((self.parent, self.provider, *values))


def _level(strength: Strength, provider: str, method: Method) -> list[Step]:
    alias = f"yinxin level {strength.value}"
    condition = {"loa-condition-level": str(strength.value), "loa-max-age": str(LEVEL_SECONDS)}
    reference = {"default.reference.value": method.value, "default.reference.maxAge": str(LEVEL_SECONDS)}
    return [
        Step(depth=1, parent=_FORMS, alias=alias, requirement="CONDITIONAL"),
        Step(depth=2, parent=alias, provider=_LEVEL_CONDITION, requirement="REQUIRED", config=condition),
        Step(depth=2, parent=alias, provider=provider, requirement="REQUIRED", config=reference),
    ]


STEPS: Final = (
    Step(depth=0, parent=ALIAS, provider="auth-cookie", requirement="ALTERNATIVE"),
    Step(depth=0, parent=ALIAS, alias=_FORMS, requirement="ALTERNATIVE"),
    *(step for each in _AUTHENTICATORS for step in _level(*each)),
)


def wanted_flow() -> Wanted:
    """Return the sign-in as it should be, bound to the realm's browsers."""
    lines = tuple(
        _line(number, step.depth, step.provider or step.alias, step.requirement, _as_kept(step))
        for number, step in enumerate(STEPS)
    )
    return Wanted(place=Place(kind=Kind.FLOW, name=ALIAS), values={"steps": lines, "bound": True})


def read_flow(connection: AdminConnection, realm: Mapping[str, Any], *, mark: str) -> Sequence[Found]:
    """Return the flow of our name, if there is one."""
    base = _base(realm["realm"])
    for flow in connection.get_list(f"{base}/flows"):
        if flow["alias"] == ALIAS:
            bound = realm.get("browserFlow") == ALIAS
            document = {"steps": _lines(connection, base), "bound": bound}
            ours = flow.get("description") == _described(mark)
            return [Found(place=Place(kind=Kind.FLOW, name=ALIAS), id=flow["id"], ours=ours, document=document)]
    return []


def write_flow(connection: AdminConnection, realm: str, *, mark: str, found: Found | None) -> None:
    """Make the flow and bind it; one that was changed is unbound and made anew, as Keycloak cannot put steps in order.

    Stopped half-way the realm signs people in by Keycloak's own flow, which knows the first level only.
    """
    base = _base(realm)
    if found is not None:
        delete_flow(connection, realm, found)
    flow = {"alias": ALIAS, "description": _described(mark), "providerId": "basic-flow", "topLevel": True}
    connection.post(f"{base}/flows", flow | {"builtIn": False})
    for step in STEPS:
        _write_step(connection, base, step)
    _bind(connection, realm, ALIAS)


def delete_flow(connection: AdminConnection, realm: str, found: Found) -> None:
    """Delete the flow; the realm falls back to Keycloak's own."""
    _bind(connection, realm, _BUILT_IN)
    connection.delete(f"{_base(realm)}/flows/{found.id}")


def _write_step(connection: AdminConnection, base: str, step: Step) -> None:
    parent = f"{base}/flows/{step.parent}/executions"
    if step.alias:
        connection.post(
            f"{parent}/flow", {"alias": step.alias, "type": "basic-flow", "provider": "", "description": ""}
        )
    else:
        connection.post(f"{parent}/execution", {"provider": step.provider})
    made = connection.get_list(parent)[-1]
    connection.put(parent, dict(made) | {"requirement": step.requirement})
    if step.config is not None:
        connection.post(f"{base}/executions/{made['id']}/config", _as_kept(step))


def _bind(connection: AdminConnection, realm: str, alias: str) -> None:
    address = f"admin/realms/{realm}"
    connection.put(address, dict(connection.get(address)) | {"browserFlow": alias})


def _as_kept(step: Step) -> Mapping[str, Any]:
    return {"alias": step.config_name, "config": dict(step.config)} if step.config else {}


def _lines(connection: AdminConnection, base: str) -> list[str]:
    lines = []
    for number, each in enumerate(connection.get_list(f"{base}/flows/{ALIAS}/executions")):
        config_id = each.get("authenticationConfig")
        config = connection.get(f"{base}/config/{config_id}") if config_id else {}
        name = each.get("providerId") or each["displayName"]
        lines.append(_line(number, each["level"], name, each["requirement"], config))
    return lines


def _line(number: int, depth: int, name: str, requirement: str, config: Mapping[str, Any]) -> str:
    """Return a step as one comparable text; its number keeps the order when texts are sorted.

    Keycloak hides values that an authenticator does not describe as if they were secrets; the method is among them: of
    those only the key is compared, and the name of the configuration.
    """
    values = config.get("config") or {}
    shown = {key: _HIDDEN if key.startswith(_UNDESCRIBED) else value for key, value in values.items()}
    text = canonical_json(shown).decode() if config else ""
    return " ".join(filter(None, (f"{number:02d}", ">" * depth, name, requirement, config.get("alias"), text)))


def _base(realm: str) -> str:
    return f"admin/realms/{realm}/authentication"


def _described(mark: str) -> str:
    return f"{MARK} {mark}"
