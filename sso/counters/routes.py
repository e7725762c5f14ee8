"""`/api/v1/matters`, `/counters`, `/clerks`: the catalogue of matters for anyone, the rest for its own authority.

Registering is for operators (`yinxin register`); nothing here changes anything.
"""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify

from sso.counters.domain import Clerk, Counter, Matter
from sso.counters.errors import ClerkUnknown, CounterUnknown
from sso.counters.service import CounterRegister
from trust.http.access import Principal, TokenChecker, protected
from trust.http.headers import private
from trust.kernel.identifiers import Uscc

SCOPE = "counters:read"

_CACHE_SECONDS = 300  # a new matter is seen within minutes


def blueprint(register: CounterRegister, tokens: TokenChecker) -> APIBlueprint:
    """Return the routes; `tokens` judges the departments' tokens."""
    routes = APIBlueprint("counters", __name__, url_prefix="/api/v1", tag="Matters and counters")
    _add_matters(routes, register)
    _add_counters(routes, register, tokens)
    _add_clerks(routes, register, tokens)
    return routes


def _add_matters(routes: APIBlueprint, register: CounterRegister) -> None:
    @routes.get("/matters")
    @routes.doc(summary="Every matter in force, with its purpose sentences and certificate types")
    def matters() -> Response:
        in_force = [matter for matter in register.matters() if matter.retired_at is None]
        return _cached(jsonify({"matters": [_shown_matter(matter) for matter in in_force]}))

    @routes.get("/matters/<code>")
    @routes.doc(summary="One matter, a retired one too")
    def matter(code: str) -> Response:
        return _cached(jsonify(_shown_matter(register.any_matter(code))))


def _add_counters(routes: APIBlueprint, register: CounterRegister, tokens: TokenChecker) -> None:
    @routes.get("/counters")
    @routes.doc(summary="The counters of the caller's authority, closed ones too")
    @protected(tokens, SCOPE)
    def counters(*, principal: Principal) -> Response:
        own = register.counters(Uscc.parse(principal.authority))
        return private(jsonify({"counters": [_shown_counter(counter) for counter in own]}))

    @routes.get("/counters/<counter_id>")
    @routes.doc(summary="One counter of the caller's authority")
    @protected(tokens, SCOPE)
    def counter(counter_id: str, *, principal: Principal) -> Response:
        found = register.counter(counter_id)
        if str(found.authority) != principal.authority:
            raise CounterUnknown(field="counter")
        return private(jsonify(_shown_counter(found)))


def _add_clerks(routes: APIBlueprint, register: CounterRegister, tokens: TokenChecker) -> None:
    @routes.get("/clerks")
    @routes.doc(summary="The clerks of the caller's authority by staff number, disabled ones too; names are masked")
    @protected(tokens, SCOPE)
    def clerks(*, principal: Principal) -> Response:
        own = register.clerks(Uscc.parse(principal.authority))
        return private(jsonify({"clerks": [_shown_clerk(clerk) for clerk in own]}))

    @routes.get("/clerks/<clerk_id>")
    @routes.doc(summary="One clerk of the caller's authority")
    @protected(tokens, SCOPE)
    def clerk(clerk_id: str, *, principal: Principal) -> Response:
        found = register.clerk(clerk_id)
        if str(found.authority) != principal.authority:
            raise ClerkUnknown(field="clerk")
        return private(jsonify(_shown_clerk(found)))


def _shown_matter(matter: Matter) -> dict[str, Any]:
    return {
        "code": matter.code,
        "name": matter.name,
        "name_zh": matter.name_zh,
        "purpose": matter.purpose,
        "purpose_zh": matter.purpose_zh,
        "types": sorted(matter.types),
        "in_force": matter.retired_at is None,
    }


def _shown_counter(counter: Counter) -> dict[str, Any]:
    return {
        "id": counter.id,
        "name": counter.name,
        "authority": str(counter.authority),
        "systems": sorted(counter.systems),
        "open": counter.open,
    }


def _shown_clerk(clerk: Clerk) -> dict[str, Any]:
    return {
        "id": clerk.id,
        "staff_number": clerk.staff_number,
        "name": clerk.masked_name,
        "authority": str(clerk.authority),
        "counters": sorted(clerk.counters),
        "enabled": clerk.enabled,
    }


def _cached(response: Response) -> Response:
    response.cache_control.public = True
    response.cache_control.max_age = _CACHE_SECONDS
    return response
