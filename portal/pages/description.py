"""Completes the OpenAPI document that APIFlask makes: who may call, how refusals look (OpenAPI 3.1)."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from apiflask import APIFlask

from sso.provider.domain import OWN_SCOPES, PERSON_SCOPES, Scope
from sso.provider.messages import FORM_MEDIA_TYPE
from sso.provider.metadata import AUTHORIZATION_PATH, TOKEN_PATH
from trust.http.access import PERSON_ATTRIBUTE, SCOPE_ATTRIBUTE
from trust.http.parsing import BODY_ATTRIBUTE
from trust.http.problems import MEDIA_TYPE

TITLE = "yinxin 印信"
SCHEME = "clientCredentials"
PERSONS = "signIn"
_SCOPE_MEANINGS: Mapping[Scope, str] = {
    Scope.CERTS_ISSUE: "Issue certificates of the client's authority",
    Scope.CERTS_READ: "Look up certificates of the client's authority",
    Scope.CERTS_REVOKE: "Revoke, suspend and resume certificates of the client's authority",
    Scope.LEDGER_READ: "Read the ledger of key uses",
    Scope.OPENID: "Sign in",
    Scope.PROFILE: "Learn the person's name",
    Scope.IDENTITY: "Learn the kind and number of the person's document in full",
    Scope.COUNTER_ASSIST: "Assist citizens as a clerk; report what was used offline as a counter's system",
    Scope.COUNTERS_READ: "Read the counters and clerks of the client's authority",
    Scope.MANDATES: "Read, grant, accept and withdraw mandates in the person's name",
    Scope.OFFLINE_ACCESS: "Go on with refresh tokens until the sign-in ends",
    Scope.TOKENS_INTROSPECT: "Ask about tokens that are for other systems",
}
_PROBLEM_MEMBERS = {
    "type": ("string", "Address of the page that explains the problem"),
    "title": ("string", "What happened, in English"),
    "title_zh": ("string", "What happened, in Chinese"),
    "status": ("integer", "The HTTP status"),
    "detail": ("string", "What happened in this very case"),
    "code": ("string", "The stable code; it never changes its meaning"),
    "remedy": ("string", "What to do, in English"),
    "remedy_zh": ("string", "What to do, in Chinese"),
    "instance": ("string", "The correlation id of the request, as a URN"),
}
_EXAMPLE = {
    "type": "/problems/field-unknown",
    "title": "The request has a field that this operation does not know.",
    "title_zh": "请求中含有此操作不认识的字段。",
    "status": 422,
    "detail": "The request has a field that this operation does not know.",
    "code": "field-unknown",
    "remedy": "Remove or rename the named field; the API description lists all fields.",
    "remedy_zh": "请删除或更名所指字段；接口说明列出全部字段。",
    "instance": "urn:uuid:0b0e7a3c-6f0f-4f9b-8d55-0a4f6ad2a1c7",
    "field": "holder.nmae",
}
_REFUSALS = {
    "400": "The request cannot be read",
    "401": "No token, or one that is not accepted",
    "403": "The token lacks the scope",
    "404": "There is no such thing, or not for this caller",
    "413": "The body is over the limit",
    "422": "A value is not acceptable",
    "429": "Too many requests; `Retry-After` says when to return",
    "default": "Any other refusal",
}


def install(app: APIFlask, *, public_url: str) -> None:
    """Make `/openapi.json` of `app` complete."""
    app.config.update(
        SERVERS=[{"url": public_url}],
        SECURITY_SCHEMES=_schemes(public_url.rstrip("/")),
        AUTO_404_RESPONSE=False,  # ours name the document that really comes
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        DESCRIPTION=(
            "Electronic certificates: issue, verify, revoke; sign-in and trust passing at counters; the ledger of key "
            "uses. A refusal is a problem document (RFC 9457) whose `code` is stable; /problems lists all codes."
        ),
    )

    @app.spec_processor
    def complete(made: dict[str, Any] | str) -> dict[str, Any] | str:
        return _complete(app, made) if isinstance(made, dict) else made


def document(app: APIFlask) -> Mapping[str, Any]:
    """Return the completed OpenAPI document of `app`, made anew."""
    made = app.spec
    return made if isinstance(made, dict) else {}


def _schemes(issuer: str) -> dict[str, Any]:
    own = {"tokenUrl": issuer + TOKEN_PATH, "scopes": _meanings(OWN_SCOPES)}
    persons = {
        "authorizationUrl": issuer + AUTHORIZATION_PATH,
        "tokenUrl": issuer + TOKEN_PATH,
        "refreshUrl": issuer + TOKEN_PATH,
        "scopes": _meanings(PERSON_SCOPES),
    }
    return {
        SCHEME: {
            "type": "oauth2",
            "description": "OAuth 2.0 client credentials: a department's client obtains a short-lived token.",
            "flows": {"clientCredentials": own},
        },
        PERSONS: {
            "type": "oauth2",
            "description": "OpenID Connect, authorization code with PKCE: the token of a person who signed in.",
            "flows": {"authorizationCode": persons},
        },
    }


def _meanings(scopes: Collection[Scope]) -> dict[str, str]:
    return {scope.value: meaning for scope, meaning in _SCOPE_MEANINGS.items() if scope in scopes}


def _complete(app: APIFlask, made: dict[str, Any]) -> dict[str, Any]:
    components = made.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _problem_schema()
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _EXAMPLE}}
    components["responses"] = {
        f"Problem-{status}": {"description": text, "content": content} for status, text in _REFUSALS.items()
    }
    scopes = _noted_on_views(app, SCOPE_ATTRIBUTE)
    persons = _noted_on_views(app, PERSON_ATTRIBUTE)
    bodies = _noted_on_views(app, BODY_ATTRIBUTE)
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            place = (path, method.upper())
            if place in bodies:
                operation["requestBody"] = {"content": bodies[place]}
            _complete_operation(operation, scopes.get(place), persons=place in persons)
            _add_refusals(operation, _refusals(path, operation, scope=scopes.get(place)))
    return made


def _complete_operation(operation: dict[str, Any], scope: str | None, *, persons: bool) -> None:
    if scope is not None:
        schemes = (PERSONS,) if persons else (SCHEME, PERSONS) if scope == Scope.CERTS_READ else (SCHEME,)
        operation["security"] = [{scheme: [scope]} for scheme in schemes]
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True


def _refusals(path: str, operation: Mapping[str, Any], *, scope: str | None) -> set[str]:
    """Return the statuses with which every operation of this shape may refuse."""
    refusals = {"default"}
    if scope is not None:
        refusals |= {"401", "403"}
    if "{" in path:
        refusals.add("404")
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
        refusals.add("422")
    if "requestBody" in operation:
        refusals |= {"400", "413"}
        if FORM_MEDIA_TYPE not in operation["requestBody"]["content"]:  # OAuth has its own errors for values
            refusals.add("422")
    return refusals


def _add_refusals(operation: dict[str, Any], statuses: Collection[str]) -> None:
    for status in sorted(statuses):
        operation["responses"].setdefault(status, {"$ref": f"#/components/responses/Problem-{status}"})


def _noted_on_views(app: APIFlask, attribute: str) -> dict[tuple[str, str], Any]:
    """Return what the views of `app` note under an attribute, by path and method."""
    found: dict[tuple[str, str], Any] = {}
    for rule in app.url_map.iter_rules():
        noted = getattr(app.view_functions[rule.endpoint], attribute, None)
        if noted is not None:
            path = re.sub(r"<(?:[^<:>]+:)?([^<>]+)>", r"{\1}", rule.rule)
            found |= {(path, method): noted for method in rule.methods or ()}
    return found


def _problem_schema() -> dict[str, Any]:
    members = {name: {"type": kind, "description": text} for name, (kind, text) in _PROBLEM_MEMBERS.items()}
    return {
        "type": "object",
        "description": "RFC 9457",
        "required": list(members),
        "properties": {**members, "field": {"type": "string", "description": "The member of the request at fault"}},
    }
